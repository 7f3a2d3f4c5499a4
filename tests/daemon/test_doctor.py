"""The doctor says what is wrong with the machine in sentences, and its bundle tells nobody's name and no secret."""

from __future__ import annotations

import os
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from certificates_made import made, shown
from command import CONFIG, Command, milton_park
from onroll_daemon import certificates, clock
from onroll_daemon.certificates import Endpoint, endpoints
from onroll_daemon.checks import store_found
from onroll_daemon.doctor import _compared
from onroll_daemon.settings import load

NOW = datetime.now(UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def school(tmp_path: Path) -> Command:
    return milton_park(tmp_path)


def about(command: Command, where: str, code: int = 0) -> list[tuple[str, str]]:
    """Level and sentence of everything the doctor found there."""
    found = command.json("doctor", code=code)["findings"]
    return [(each["level"], each["sentence"]) for each in found if each["where"] == where]


def test_a_machine_in_order_has_no_problem(school: Command) -> None:
    school.run("sync")
    found = school.json("doctor")["findings"]
    assert {each["where"] for each in found} >= {"versions", "configuration", "disk", "store", "clock", "milton-park"}
    assert [each for each in found if each["level"] == "problem"] == []
    ((_, words),) = about(school, "versions")
    assert "onroll 0." in words and "SQLite 3." in words
    assert about(school, "store") == [("ok", "It is whole.")]
    assert about(school, "milton-park")[0][1].endswith("The last runs: done.")


def test_it_changes_nothing_and_makes_no_store(school: Command) -> None:
    before = {each.name: each.read_bytes() for each in school.folder.iterdir() if each.is_file()}
    assert about(school, "store") == [("ok", "It is not there yet; the first run makes it.")]
    assert {each.name: each.read_bytes() for each in school.folder.iterdir() if each.is_file()} == before


def test_an_older_store_is_not_upgraded_by_looking(school: Command) -> None:
    from onroll_core.store.engine import HEAD, open_engine

    open_engine(f"sqlite:///{school.folder / 'onroll.db'}", 5, "0005").dispose()
    ((level, words),) = about(school, "store")
    assert level == "ok" and f"older version (0005); the next start upgrades it to {HEAD}" in words
    assert "0005" in about(school, "store")[0][1]


def test_a_damaged_store_is_a_problem_that_says_what_to_do(school: Command) -> None:
    school.run("sync")
    with (school.folder / "onroll.db").open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * 4096 * 5)
    ((level, words),) = about(school, "store", code=1)
    assert level == "problem" and "Restore it from a backup" in words
    checked = school.json("check", code=1)["findings"]
    assert [(each["level"], each["sentence"]) for each in checked if each["where"] == "store"] == [(level, words)]
    settings = load(school.folder / "onroll.toml")
    assert store_found(settings).finding.level == "problem", "the console's check says it of an open store"


def test_a_configuration_with_mistakes_is_told_and_the_rest_looked_at_all_the_same(school: Command) -> None:
    school.configure(CONFIG.replace("domain =", "domian ="))
    found = school.json("doctor", code=1)["findings"]
    assert any("domian" in each["sentence"] and each["level"] == "problem" for each in found)
    assert any(each["where"] == "versions" for each in found)


class Usage(NamedTuple):
    """As `shutil.disk_usage` gives it."""

    total: int
    used: int
    free: int


def test_a_full_disk_is_worth_a_word(school: Command, monkeypatch: Any) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**10, 10**10 - 10**6, 10**6))
    ((level, words),) = about(school, "disk")
    assert level == "warning" and "Make room" in words


def test_a_clock_that_has_gone_back_a_day_is_noticed_from_what_was_written(school: Command) -> None:
    school.run("sync")
    assert about(school, "clock")[0][0] != "problem"
    tomorrow = NOW.timestamp() + 86_400
    os.utime(school.folder / "onroll.toml", (tomorrow, tomorrow))
    ((level, words),) = about(school, "clock", code=1)
    assert level == "problem" and "24 hours later" in words and "put it right" in words


def test_a_run_that_was_written_down_tomorrow_is_noticed_too(school: Command) -> None:
    from onroll_core.store import Store

    store = Store.open(f"sqlite:///{school.folder / 'onroll.db'}", lambda: NOW)
    run = store.start_run("milton-park", "sync", NOW + timedelta(days=1))
    store.end_run(run, "done", {}, NOW + timedelta(days=1))
    store.close()
    assert about(school, "clock", code=1)[0][0] == "problem"


def test_minutes_are_no_clock_that_is_wrong() -> None:
    assert clock.behind(NOW, [NOW + timedelta(minutes=4)]) is None
    assert clock.behind(NOW, []) is None
    assert clock.behind(NOW, [NOW - timedelta(days=3), NOW + timedelta(hours=3)]) == timedelta(hours=3)
    assert clock.kept_in_step() in (True, False, None)


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [(-2, "problem", "expired on"), (10, "warning", "Renew it"), (200, "ok", "lasts until")],
)
def test_the_consoles_certificate_is_looked_at(school: Command, days: int, level: str, words: str) -> None:
    made(school.folder, NOW + timedelta(days=days, hours=1))
    school.configure(CONFIG.replace("[console]", '[console]\ntls_certificate = "certificate.pem"\ntls_key = "key.pem"'))
    ((found, sentence),) = about(school, "console", code=1 if level == "problem" else 0)
    assert found == level and words in sentence


@pytest.mark.parametrize("starts_tls", [False, True])
def test_a_servers_certificate_is_looked_at_without_signing_in(school: Command, starts_tls: bool) -> None:
    certificate, key = made(school.folder / "dc", NOW - timedelta(days=3))
    with shown(certificate, key, starts_tls) as port:
        scheme = "ldap" if starts_tls else "ldaps"
        server = f'"{scheme}://127.0.0.1:{port}"\nuser = "onroll@school.test"\npassword = "env:ONROLL_AD_PASSWORD"'
        school.configure(CONFIG.replace('"embedded:directory.json"', server))
        ((level, words),) = about(school, "ad", code=1)
    assert level == "problem" and f"127.0.0.1:{port} expired on" in words and "renew it" in words
    ((level, words),) = about(school, "ad")
    assert level == "warning" and "could not be looked at" in words


def date(ahead: timedelta) -> bytes:
    """A web server's answer, with the time that it has."""
    return f"HTTP/1.1 404 Not Found\r\nServer: x\r\nDate: {format_datetime(NOW + ahead, usegmt=True)}\r\nContent-Length: 0\r\n\r\n".encode()


def current_time(ahead: timedelta) -> bytes:
    """The root entry of a directory with its currentTime, and the end of the search."""
    when = f"{NOW + ahead:%Y%m%d%H%M%S}.0Z".encode()
    values = b"\x31" + bytes([len(when) + 2]) + b"\x04" + bytes([len(when)]) + when
    told = b"\x04\x0bcurrentTime" + values
    told = b"\x30" + bytes([len(told)]) + told
    told = b"\x04\x00\x30" + bytes([len(told)]) + told
    told = b"\x02\x01\x02\x64" + bytes([len(told)]) + told
    return b"\x30" + bytes([len(told)]) + told + bytes.fromhex("300c02010265070a010004000400")


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(minutes=-9), timedelta(seconds=20)])
@pytest.mark.parametrize("scheme", ["ldaps", "ldap", "https"])
def test_the_clock_is_held_against_the_servers_own(school: Command, scheme: str, ahead: timedelta) -> None:
    certificate, key = made(school.folder / "dc", NOW + timedelta(days=200))
    answer = date(ahead) if scheme == "https" else current_time(ahead)
    with shown(certificate, key, scheme == "ldap", answer) as port:
        where = Endpoint("ad", "127.0.0.1", port, scheme != "https", scheme == "ldap")
        seen = certificates.shown(where, lambda: NOW)
    assert seen.ahead is not None and abs(seen.ahead - ahead) < timedelta(seconds=2)
    found = list(_compared(where, seen))
    assert [each.level for each in found] == [
        "ok" if ahead < timedelta(minutes=5) and ahead > timedelta(0) else "problem"
    ]
    assert found[0].facts == {"apart_seconds": round(seen.ahead.total_seconds())}


def test_a_server_whose_clock_is_hours_away_is_a_problem_that_says_which_is_ahead(school: Command) -> None:
    certificate, key = made(school.folder / "dc", NOW + timedelta(days=200))
    with shown(certificate, key, answer=current_time(timedelta(hours=-5))) as port:
        server = f'"ldaps://127.0.0.1:{port}"\nuser = "onroll@school.test"\npassword = "env:ONROLL_AD_PASSWORD"'
        school.configure(CONFIG.replace('"embedded:directory.json"', server))
        (_, (level, words)) = about(school, "clock", code=1)
    assert level == "problem" and f"The clock of 127.0.0.1:{port} is 5 hours behind this server's." in words


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nDate: the day before\r\n\r\n", b"220 ready\r\n", b"\x00" * 70_000]
)
def test_a_server_that_tells_no_time_is_not_held_against_the_clock(tmp_path: Path, answer: bytes) -> None:
    certificate, key = made(tmp_path, NOW + timedelta(days=200))
    for ldap in (False, True):
        with shown(certificate, key, answer=answer) as port:
            seen = certificates.shown(Endpoint("ad", "127.0.0.1", port, ldap), lambda: NOW)
        assert seen.ahead is None and seen.until > NOW


def test_of_the_clouds_own_servers_only_the_clock_is_looked_at() -> None:
    settings = load(ROOT / "config/examples/primary-scholarpack-m365.toml")
    assert [(each.host, each.vendors) for each in endpoints(settings) if each.of == "m365"] == [
        ("graph.microsoft.com", True)
    ]


HOSTILE = "Zaphod-Beeblebrox"
SECRET = "hunter2-hush"


def test_the_bundle_holds_no_name_and_no_secret(school: Command, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("ONROLL_HOOK", SECRET)
    monkeypatch.setenv(f"ONROLL_{SECRET}", SECRET)
    school.configure(
        CONFIG.replace("milton-park", HOSTILE.lower())
        .replace("Milton Park School", f"{HOSTILE} School")
        .replace("miltonpark.test", f"{HOSTILE}.test")
        .replace("Milton Park", HOSTILE)
        .replace("[targets.ad]", f'[targets."{HOSTILE}"]')
        .replace('targets = ["ad"]', f'targets = ["{HOSTILE}"]')
        + f'columns = {{ first = "{HOSTILE}" }}\n[alerts]\nto = ["env:ONROLL_{SECRET}"]\n'
    )
    school.students(f"1,{HOSTILE},Beeblebrox,7,01/09/2026,", "2,Hermione,Potter,7,01/09/2026,")
    text = (school.folder / "export/students.csv").read_text(encoding="utf-8").replace("Forename", HOSTILE)
    (school.folder / "export/students.csv").write_text(text, encoding="utf-8")
    school.run("sync")
    school.students(f"1,{HOSTILE},{SECRET},99,{HOSTILE},")
    school.run("sync", code=4)
    file = tmp_path / "bundle.zip"
    school.run("doctor", "--bundle", str(file), code=1)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name).decode().lower() for name in archive.namelist()}
    told = "\n".join(members.values())
    for hostile in (
        HOSTILE.lower(),
        "beeblebrox",
        "hermione",
        "potter",
        SECRET,
        str(school.folder).lower(),
        "school.test",
    ):
        assert hostile not in told, hostile
    assert '"kind": "active_directory"' in members["configuration.json"]
    assert '"status": "unread"' in members["runs.json"] and '"created": 2' in members["runs.json"]
    assert '"sqlalchemy"' in members["packages.json"] and '"openssl"' in members["findings.json"]
    assert "already there" in school.run("doctor", "--bundle", str(file), code=1).err


def test_the_bundle_of_a_broken_configuration_tells_no_more(school: Command, tmp_path: Path) -> None:
    school.configure(f'[store]\n{HOSTILE} = "{SECRET}"\npassword = "{SECRET}"\n[[school]]\nid = "{HOSTILE}"\n')
    school.run("doctor", "--bundle", str(tmp_path / "bundle.zip"), code=1)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        told = "\n".join(archive.read(name).decode() for name in archive.namelist())
    assert HOSTILE not in told and SECRET not in told
    school.configure(f"{HOSTILE} {SECRET}")
    school.run("doctor", "--bundle", str(tmp_path / "again.zip"), code=1)
    with zipfile.ZipFile(tmp_path / "again.zip") as archive:
        assert "it cannot be read" in archive.read("configuration.json").decode()
        assert SECRET not in "\n".join(archive.read(name).decode() for name in archive.namelist())
