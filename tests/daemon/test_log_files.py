"""The log in files, where another program holds one of them open, as it may on Windows: no line is lost, and the service goes on."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from onroll_daemon.log_files import LogFile

LINES = 60
A_TURN = 5
"""Lines of a full file."""


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of files that nobody can rename or replace."""
    names: set[str] = set()
    replace = Path.replace

    def refused(path: Path, to: Path) -> Path:
        if {path.name, Path(to).name} & names:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        return replace(path, to)

    monkeypatch.setattr(Path, "replace", refused)
    return names


def write(handler: LogFile, first: int, last: int) -> None:
    for number in range(first, last):
        handler._not_before = 0.0  # a minute has passed
        handler.emit(logging.LogRecord("onroll", logging.INFO, "", 0, "line %02d", (number,), None))


def told(folder: Path) -> list[str]:
    return sorted(line for file in folder.iterdir() for line in file.read_text().splitlines())


@pytest.mark.parametrize("name", ["onroll.log", "onroll.log.1", "onroll.log.2", "onroll.log.next"])
def test_a_file_that_somebody_holds_open_costs_no_line_and_no_older_file(
    tmp_path: Path, held: set[str], name: str
) -> None:
    handler = LogFile(tmp_path / "onroll.log", limit=8 * A_TURN, keep=20)
    write(handler, 0, 20)
    held.add(name)
    write(handler, 20, 40)
    held.clear()
    write(handler, 40, LINES)
    handler.close()
    assert told(tmp_path) == [f"line {number:02d}" for number in range(LINES)]
    assert not (tmp_path / "onroll.log.next").exists()


def test_trying_again_and_again_drops_no_older_file(tmp_path: Path, held: set[str]) -> None:
    handler = LogFile(tmp_path / "onroll.log", limit=8 * A_TURN, keep=5)
    write(handler, 0, 5 * A_TURN)
    before = told(tmp_path)
    held.add("onroll.log.1")
    write(handler, 5 * A_TURN, LINES)
    handler.close()
    assert set(before) - set(told(tmp_path)) == set()


def test_a_log_that_cannot_be_opened_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = LogFile(tmp_path / "onroll.log", limit=8 * A_TURN)
    write(handler, 0, A_TURN)

    def refused() -> None:
        raise PermissionError(13, "Access is denied")

    with monkeypatch.context() as gone:
        gone.setattr(handler, "_open", refused)
        write(handler, A_TURN, A_TURN + 1)
    assert "Access is denied" in capsys.readouterr().err
    write(handler, A_TURN + 1, A_TURN + 2)
    handler.close()
    assert (tmp_path / "onroll.log").read_text() == f"line {A_TURN + 1:02d}\n"
