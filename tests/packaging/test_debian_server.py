"""On a clean Debian 12 the package installs, runs, is upgraded with every row, moves to another server, and goes. Part of `make soak`, as root."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from debian_root import Server, booted, can_boot
from packaged_server import as_service, built, runs, usernames, wait_for_run

CONFIG = """
[store]
url = "sqlite:////var/lib/onroll/onroll.db"
[targets.ad]
kind = "active_directory"
server = "embedded:/var/lib/onroll/directory.json"
base = "OU=Milton Park,DC=school,DC=test"
[[school]]
id = "milton-park"
name = "Milton Park School"
domain = "miltonpark.test"
mis = "csv"
window = "00:00-24:00"
spread = 0
targets = ["ad"]
[school.source]
path = "/srv/export"
quiet_seconds = 0
"""
HEADER = "Adno,Forename,Surname,Year,DOA,Date of leaving\n"
POTTERS = ("1,Harry,Potter,7,01/09/2026,", "2,Hermione,Potter,7,01/09/2026,", "3,Ron,Weasley,8,01/09/2025,")


def school(server: Server, *more: str) -> None:
    """The MIS's export, and a configuration for it."""
    (server.root / "srv/export").mkdir(exist_ok=True)
    text = HEADER + "".join(f"{row}\n" for row in (*POTTERS, *more))
    (server.root / "srv/export/students.csv").write_text(text, encoding="utf-8")


if os.environ.get("ONROLL_SOAK") and can_boot():

    @pytest.fixture(scope="module")
    def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
        """The previous build, the same once more, and the next."""
        folder = tmp_path_factory.mktemp("packages")
        return built(folder, "0.1.0"), built(folder / "again", "0.1.0"), built(folder, "0.1.1")

    @pytest.fixture
    def server(tmp_path: Path) -> Iterator[Server]:
        with booted(tmp_path / "first") as running:
            yield running

    def test_the_same_tree_gives_the_same_package(packages: tuple[Path, Path, Path]) -> None:
        one, again, _ = packages
        assert again.read_bytes() == one.read_bytes()

    def test_the_life_of_a_server(packages: tuple[Path, Path, Path], server: Server, tmp_path: Path) -> None:
        # installed: nothing runs before somebody has said what
        assert "not started yet" in server.install(packages[0])
        assert server.run("systemctl is-active onroll", code=None).out.strip() == "inactive"
        assert server.run("systemctl is-enabled onroll").out.strip() == "enabled"
        told = server.run("stat -c '%U:%G %a %n' /etc/onroll/onroll.toml /etc/onroll/secrets /var/lib/onroll").out
        assert told.split("\n")[:3] == ["root:onroll 640 /etc/onroll/onroll.toml", "root:onroll 750 /etc/onroll/secrets",
                                        "onroll:onroll 750 /var/lib/onroll"]  # fmt: skip

        # started: under its own user, and a night runs
        school(server)
        (server.root / "etc/onroll/onroll.toml").write_text(CONFIG, encoding="utf-8")
        server.run("systemctl start onroll")
        assert server.run("ps -o user= -p $(systemctl show -P MainPID onroll)").out.strip() == "onroll"
        assert wait_for_run(server, 1)["summary"]["targets"]["ad"]["created"] == 3
        known = usernames(server)
        assert '"status":"ok"' in server.run("curl -s http://127.0.0.1:8750/healthz").out
        assert server.run("stat -c '%U %a' /var/lib/onroll/onroll.db").out.strip() == "onroll 600"
        judged = server.run("systemd-analyze security onroll | tail -n 2").out
        assert float(judged.split("onroll.service: ")[1].split()[0]) <= 2.0
        print(judged)
        # what MemoryDenyWriteExecute forbids, nothing here needs
        hashes = "from argon2 import PasswordHasher; PasswordHasher().hash('x'); import cryptography.fernet, onroll_connectors.targets.active_directory"
        server.run(
            f"systemd-run --wait --pipe -p MemoryDenyWriteExecute=yes -p User=onroll /opt/onroll/bin/python -I -c {shlex.quote(hashes)}"
        )

        # killed: it is started again, and goes on
        server.run("systemctl kill -s KILL onroll; sleep 32; systemctl is-active onroll")
        # stopped in good order
        server.run("systemctl restart onroll")

        # upgraded: every row is there, a backup was made, and it runs again
        before = len(runs(server))
        said = server.install(packages[2])
        assert "kept /var/lib/onroll/backups/before-upgrade-from-0.1.0-" in said
        assert server.run("systemctl is-active onroll").out.strip() == "active"
        assert usernames(server) == known and len(runs(server)) >= before
        assert server.run("ls /var/lib/onroll/backups | wc -l").out.strip() == "1"

        # moved: on another server the next night goes on
        server.run("onroll backup /var/tmp/moved.zip && systemctl stop onroll")
        with booted(tmp_path / "second") as other:
            other.install(packages[2])
            for name in ("var/tmp/moved.zip", "var/lib/onroll/directory.json"):
                shutil.copyfile(server.root / name, other.root / name)
            other.run("chown onroll: /var/lib/onroll/directory.json")
            school(other, "4,Luna,Lovegood,7,01/09/2026,")
            last = max(each["id"] for each in runs(server))
            assert "Restored the store of" in other.run("onroll restore /var/tmp/moved.zip --into /etc/onroll").out
            assert other.run("stat -c '%U:%G %a' /etc/onroll/onroll.toml").out.strip() == "root:onroll 640"
            other.run("systemctl start onroll")
            # Tonight's run was made on the first server; somebody asks for one more.
            as_service(other, "onroll sync milton-park")
            night = wait_for_run(other, last + 1)
            assert night["status"] == "done" and night["summary"]["targets"]["ad"]["created"] == 1
            assert set(usernames(other)) > set(known)

        # removed and purged: what it remembers stays until somebody says otherwise
        server.run("dpkg --remove onroll")
        server.run("ls /opt/onroll /usr/bin/onroll", code=2)
        server.run("test -e /var/lib/onroll/onroll.db && test -e /etc/onroll/onroll.toml")
        assert "were kept" in server.run("dpkg --purge onroll").out
        server.run("test -e /var/lib/onroll/onroll.db")
        server.install(packages[2])
        assert usernames(server) == known
        server.run("echo 'onroll onroll/purge-data boolean true' | debconf-set-selections && dpkg --purge onroll")
        server.run("ls -d /var/lib/onroll /etc/onroll", code=2)
        server.run("getent passwd onroll", code=2)
