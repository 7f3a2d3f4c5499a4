"""On a clean Debian 12 the packaged service keeps a school in a real domain and both clouds: set up, a night, an upgrade with every row, another server, a power cut. Part of `make soak`, as root."""

from __future__ import annotations

import csv
import json
import os
import socket
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from debian_root import Server, booted, can_boot
from packaged_server import as_service, built, rows, runs, users, wait_for_run
from samba import Samba
from school_network import EVERYWHERE, SchoolNetwork, school_network

SCHOOL = "milton-park"
CONFIGURATION = "etc/onroll/onroll.toml"


def free_port() -> int:
    """For the console: the server shares this machine's network."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def bring_secrets(server: Server, network: SchoolNetwork) -> None:
    """What no backup and no answer holds: the domain's certificate authority, and the secrets."""
    (server.root / "etc/onroll/domain-ca.pem").write_text(network.certificate(), encoding="ascii")
    for name, secret in network.secrets().items():
        (server.root / "etc/onroll/secrets" / name).write_text(secret, encoding="utf-8")
    server.run("chown root:onroll /etc/onroll/secrets/* && chmod 640 /etc/onroll/secrets/*")


def set_up(server: Server, network: SchoolNetwork) -> None:
    """The first configuration, from a file of answers."""
    (server.root / "var/tmp/answers.toml").write_text(network.answers(free_port()), encoding="utf-8")
    said = server.run("onroll setup --answers /var/tmp/answers.toml").out
    assert "Wrote /etc/onroll/onroll.toml. What was there before is /etc/onroll/onroll.toml.before-setup" in said
    assert server.run("stat -c '%U:%G %a' /etc/onroll/onroll.toml").out.strip() == "root:onroll 640"
    assert server.run("stat -c %U:%G /var/lib/onroll/onroll.db").out.strip() == "onroll:onroll"


def next_window(server: Server) -> None:
    """The school's window is about to open."""
    # A window opens on a minute, and one that the last run began in has had its night.
    opens = datetime.now(ZoneInfo("Europe/London")) + timedelta(seconds=63)
    text = (server.root / CONFIGURATION).read_text(encoding="utf-8")
    head, _, rest = text.partition('window = "')
    window = f"{opens:%H:%M}-{opens + timedelta(hours=6):%H:%M}"
    (server.root / CONFIGURATION).write_text(f'{head}window = "{window}"{rest[rest.index(chr(34)) + 1 :]}')


def night(server: Server) -> dict[str, Any]:
    """The next night, begun and ended by the service: what each target says was done."""
    last = max((each["id"] for each in runs(server)), default=0)
    next_window(server)
    server.run("systemctl restart onroll")
    run = wait_for_run(server, last + 1, 180)
    assert run["status"] == "done", run
    done: dict[str, Any] = run["summary"]["targets"]
    assert {name: done[name]["verdict"] for name in done} == dict.fromkeys(EVERYWHERE, "cleared"), done
    assert not any(done[name][each] for name in done for each in ("failed", "deferred")), done
    return done


def counts(done: dict[str, Any], what: str) -> list[int]:
    return [done[name][what] for name in EVERYWHERE]


def plan_is_empty(server: Server) -> None:
    told = json.loads(as_service(server, "onroll plan --json"))
    assert {each["target"]: each["changes"] for each in told["plans"]} == {name: [] for name in EVERYWHERE}


def nothing_to_do(server: Server, network: SchoolNetwork) -> None:
    """And now there is nothing to do: the plan is empty, and the next night writes nothing anywhere."""
    before = network.state()
    plan_is_empty(server)
    done = night(server)
    assert not any(count for name in done for count in done[name].values() if isinstance(count, int)), done
    assert network.state() == before


def every_account_once(server: Server, network: SchoolNetwork) -> dict[str, bool]:
    """Each person has one account in each target, and nobody else has any; whether it is enabled, by address."""
    there = network.accounts()
    known = {each["email"] for each in users(server)}
    assert all(set(there[name]) == known for name in EVERYWHERE), (there, known)
    assert there["ad"] == there["m365"] == there["google"]
    return there["ad"]


def account_of(server: Server, display_name: str) -> dict[str, Any]:
    (found,) = (each for each in users(server) if each["display_name"] == display_name)
    return found


def first_password(server: Server, username: str) -> str:
    """Handed out on the server, and the file deleted."""
    file = "/var/lib/onroll/hand-out.csv"
    as_service(server, f"onroll passwords issue {SCHOOL} --user {username} --csv {file}")
    (row,) = csv.DictReader((server.root / file[1:]).read_text(encoding="utf-8-sig").splitlines())
    server.run(f"rm {file}")
    return next(value for name, value in row.items() if "password" in name.lower())


if os.environ.get("ONROLL_SOAK") and can_boot():

    def test_a_school_in_a_domain_and_two_clouds(samba: Samba, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
        previous, newer = built(tmp_path, "0.1.0"), built(tmp_path, "0.1.1")
        with school_network(samba) as network, booted(tmp_path / "first", sees_this_machine=True) as first:
            # installed, set up, started under its own user; the first night makes everybody
            assert "not started yet" in first.install(previous)
            bring_secrets(first, network)
            set_up(first, network)
            as_service(first, "onroll check")
            next_window(first)
            first.run("systemctl start onroll")
            assert first.run("ps -o user= -p $(systemctl show -P MainPID onroll)").out.strip() == "onroll"
            made = wait_for_run(first, 1, 180)
            everybody = len(network.school.pupils) + len(network.school.staff)
            assert counts(made["summary"]["targets"], "created") == [everybody] * 3, made
            assert len(every_account_once(first, network)) == everybody
            form = network.school.pupils[10_000].form
            assert network.group_members(f"Milton Park School {form}") == sum(each.form == form for each in network.school.pupils.values())  # fmt: skip
            nothing_to_do(first, network)
            judged = first.run("systemd-analyze security --no-pager onroll").out
            assert float(judged.split("onroll.service: ")[1].split()[0]) <= 2.0
            with capsys.disabled():
                print(f"\n{judged}")

            # a joiner, who signs in to all three with the password on the slip, and a leaver, who no longer does
            network.school.joins("Zofia", "Wisniewska", 9)
            leaver = network.school.pupils[10_001]
            leaving = account_of(first, f"{leaver.first} {leaver.last}")
            old = first_password(first, leaving["username"])
            assert samba.sign_in(leaving["username"], old) == "must change"
            network.school.leaves(leaver.number, date.today() - timedelta(days=1))
            done = night(first)
            assert (counts(done, "created"), counts(done, "disabled")) == ([1] * 3, [1] * 3), done
            assert [address for address, enabled in every_account_once(first, network).items() if not enabled] == [
                leaving["email"]
            ]
            assert samba.sign_in(leaving["username"], old) == "revoked"
            zofia = account_of(first, "Zofia Wisniewska")
            password = first_password(first, zofia["username"])
            assert samba.sign_in(zofia["username"], password) == "must change"
            assert network.graph.user(zofia["email"]).password == password == network.google.user(zofia["email"]).password  # fmt: skip
            nothing_to_do(first, network)

            # upgraded while it works: every row is there
            first.run("systemctl stop onroll")
            before = rows(first)
            first.run("systemctl start onroll")
            assert "kept /var/lib/onroll/backups/before-upgrade-from-0.1.0-" in first.install(newer)
            assert first.run("systemctl is-active onroll").out.strip() == "active"
            assert first.run("dpkg-query -W -f '${Version}' onroll").out == "0.1.1"
            first.run("systemctl stop onroll")
            after = rows(first)
            assert sum(map(len, before.values())) > 200
            # Each start makes one more link to the console, as long as nobody administers it.
            assert set(before.pop("one_time_links")) < set(after.pop("one_time_links"))
            assert after == before
            nothing_to_do(first, network)

            # moved: the second server has nothing to do either, and then what there is to do
            first.run("onroll backup /var/tmp/moved.zip && systemctl disable --now onroll")
            with booted(tmp_path / "second", sees_this_machine=True) as second:
                second.install(newer)
                brought = restored(second, first, network, "moved.zip")
                assert "secrets/ad-password" in brought and "domain-ca.pem" in brought
                nothing_to_do(second, network)

                # the power goes in the middle of a night: Google has made accounts, and onroll has not heard of it
                for given in ("Harry", "Hermione", "Helena", "Hector"):
                    network.school.joins(given, "Potter", 7)
                network.gate.close()
                cut = max(each["id"] for each in runs(second)) + 1
                next_window(second)
                second.run("systemctl restart onroll")
                assert network.gate.struck.wait(150), second.run("journalctl -u onroll --no-pager | tail -20").out
                second.run("systemctl kill -s KILL onroll; systemctl disable --now onroll")
                network.gate.open()
                assert next(each for each in runs(second) if each["id"] == cut)["status"] != "done"
                second.run("onroll backup /var/tmp/cut.zip")

                # and the first server goes on, over the store that it still has
                restored(first, second, network, "cut.zip")
                first.run("systemctl enable --now onroll")
                assert wait_for_run(first, cut + 1, 180)["status"] == "done"
                assert len(every_account_once(first, network)) == everybody + 5
                year, *_ = {each["username"][:2] for each in users(first) if each["display_name"].endswith("Potter")}
                assert {each["username"] for each in users(first) if each["display_name"].endswith("Potter")} == {
                    f"{year}hpotter", *(f"{year}hpotter{number}" for number in (1, 2, 3))
                }  # fmt: skip
                nothing_to_do(first, network)


def restored(server: Server, of: Server, network: SchoolNetwork, name: str) -> str:
    """The other server's backup put in place, with what it says it does not hold; the plan is made by a command, and the service is not running yet."""
    (server.root / "var/tmp" / name).write_bytes((of.root / "var/tmp" / name).read_bytes())
    said = server.run(f"onroll restore /var/tmp/{name} --into /etc/onroll").out
    bring_secrets(server, network)
    as_service(server, "onroll check")
    return said
