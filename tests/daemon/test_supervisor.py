"""systemd hears that the service is ready and well, by its own protocol; nobody else hears anything."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certificates_made import made
from command import CONFIG, milton_park
from onroll_daemon.supervisor import Supervisor


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket like systemd's, and where it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(tmp_path / "notify"))
        door.settimeout(30)
        yield door, str(tmp_path / "notify")


def waiting(door: socket.socket) -> list[str]:
    """What has been said by now."""
    door.setblocking(False)
    found: list[str] = []
    while True:
        try:
            found.append(door.recv(1000).decode())
        except BlockingIOError:
            return found


def test_a_sign_of_life_is_given_three_times_in_the_time_that_is_allowed(ear: tuple[socket.socket, str]) -> None:
    door, place = ear
    moment = [100.0]
    told = {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    supervisor = Supervisor(told, lambda: moment[0])
    for _ in range(60):  # half a minute, twice a second
        supervisor.well()
        moment[0] += 0.5
    assert waiting(door) == ["WATCHDOG=1"] * 3


def test_another_processs_watchdog_and_none_at_all_are_left_alone(ear: tuple[socket.socket, str]) -> None:
    door, place = ear
    for told in (
        {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": place},
        {},
    ):
        Supervisor(told).well()
    assert waiting(door) == []
    Supervisor({}).ready("nobody listens")
    Supervisor({"NOTIFY_SOCKET": place + "-gone"}).ready("nobody is there")


def test_an_address_of_the_abstract_kind_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        name = f"onroll-test-{os.getpid()}"
        door.bind("\0" + name)
        Supervisor({"NOTIFY_SOCKET": "@" + name}).ready("well")
        assert door.recv(100) == b"READY=1\nSTATUS=well"


def heard(door: socket.socket, word: str) -> str:
    while True:
        said = door.recv(1000).decode()
        if said.startswith(word):
            return said


def test_the_service_is_ready_when_its_console_is_and_says_so_when_it_stops(
    tmp_path: Path, ear: tuple[socket.socket, str]
) -> None:
    door, place = ear
    command = milton_park(tmp_path)
    # An expired certificate of the console stops no night: it is a sentence in the log.
    made(tmp_path, datetime.now(UTC) - timedelta(days=3))
    command.configure(
        CONFIG.replace("[console]", '[console]\ntls_certificate = "certificate.pem"\ntls_key = "key.pem"')
    )
    environment = os.environ | {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "1500000"}
    running = command.start("serve", "--config", "onroll.toml", env=environment)
    try:
        assert "STATUS=console at https://127.0.0.1:" in heard(door, "READY=1")
        heard(door, "WATCHDOG=1")
        heard(door, "WATCHDOG=1")
    finally:
        running.send_signal(signal.SIGTERM)
    heard(door, "STOPPING=1")
    _, log = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "console: The console's certificate expired on" in log and "Renew it" in log


def test_a_damaged_store_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    command = milton_park(tmp_path)
    command.run("sync")
    with (tmp_path / "onroll.db").open("r+b") as stream:
        stream.seek(4096 * 2)
        stream.write(b"\xff" * 4096 * 5)
    said = command.process("serve", "--config", "onroll.toml", code=1).err
    assert "The store is damaged. Restore it from a backup" in said
