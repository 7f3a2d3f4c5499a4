"""What CommandReporter writes: reports in XML, whose captions are escaped and whose empty columns are absent; and how CommandReporter is run.

Command lines, the escape of captions, and how a failure shows are as many public scripts use and meet them.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from onroll_connectors.safe_xml import parse
from onroll_connectors.secrets import Secret
from onroll_connectors.shape import trimmed
from onroll_connectors.sources.csv_table import Row
from onroll_core.errors import Halt, OnrollError, Unavailable

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ERROR = "CommandReporterError"


@dataclass(frozen=True, slots=True)
class Report:
    """One report: captions, and rows whose cells are in their order; a row's line is the number of its record."""

    captions: Sequence[str]
    rows: Sequence[Row]


def from_xml(body: bytes, name: str) -> Report:
    """The report in `body`; `name` is for sentences. Raises Unavailable for what is no whole report, Halt for an error of CommandReporter's or a caption that comes twice."""
    root = parse(body, name)
    if root.tag == _ERROR:
        raise _failed(trimmed("".join(root.itertext())))
    if root.tag != "SuperStarReport":
        raise Unavailable(f"{name} is no report of SIMS: it begins with {root.tag[:40]}. Nothing was read.")
    positions: dict[str, int] = {}
    records: list[dict[str, str]] = []
    for number, record in enumerate(root, start=1):
        if record.tag != "Record":
            raise Unavailable(f"{name} holds a {record.tag[:40]} where a Record should be. Nothing was read.")
        cells: dict[str, str] = {}
        for column in record:
            if len(column):
                raise Unavailable(
                    f"{name}, record {number}: {column.tag[:40]} holds more than a text. Nothing was read."
                )
            if column.tag in cells:
                raise Halt(
                    f"{name}, record {number}: the report has the column {caption_of(column.tag)!r} twice. Give one of them another caption in SIMS."
                )
            cells[column.tag] = trimmed(column.text or "")
            positions.setdefault(column.tag, len(positions))
        records.append(cells)
    tags = list(positions)
    rows = [Row(number, [cells.get(tag, "") for tag in tags]) for number, cells in enumerate(records, start=1)]
    return Report([caption_of(tag) for tag in tags], rows)


def caption_of(tag: str) -> str:
    """The caption that an element's name stands for: `Year_x0020_taught_x0020_in` is "Year taught in"."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), tag)


@dataclass(frozen=True, slots=True)
class Reporter:
    """CommandReporter.exe and what it signs in with; without a user it is Windows' own login (`/TRUSTED`)."""

    command: str
    user: str | None
    password: Secret | None
    server: str | None
    database: str | None
    timeout: float

    def run(self, report: str, into: Path) -> None:
        """Write one report, in the format that the ending of `into` names. Raises Unavailable or Halt; the password is in no sentence."""
        words = [self.command, *self._signed_in(), f"/REPORT:{report}", f"/OUTPUT:{into}", "/QUIET"]
        try:
            done = subprocess.run(words, capture_output=True, timeout=self.timeout, check=False)
        except FileNotFoundError:
            raise Halt(
                f"{self.command} is not there. Is SIMS .net installed on this computer? Name its CommandReporter.exe in command."
            ) from None
        except OSError as failure:
            raise Halt(f"{self.command} cannot be run: {failure.strerror}.") from None
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"CommandReporter did not finish the report {report!r} in {self.timeout:g} seconds. It is tried again later."
            ) from None
        said = done.stdout.decode("utf-8", "replace")
        if f"<{_ERROR}" in said:
            raise _failed(self._without_password(trimmed(re.sub(r"<[^>]*>", " ", said))), report)
        if not into.exists() or not into.stat().st_size:
            raise Halt(
                f"CommandReporter wrote nothing for the report {report!r}. Is it imported in SIMS under that name, and is the user who runs it in the group"
                " Scheduled Reports? Nothing was read."
            )

    def _signed_in(self) -> list[str]:
        words = ["/TRUSTED"]
        if self.user is not None and self.password is not None:
            words = [f"/USER:{self.user}", f"/PASSWORD:{self.password.reveal()}"]
        named: Mapping[str, str | None] = {"SERVERNAME": self.server, "DATABASENAME": self.database}
        return words + [f"/{switch}:{value}" for switch, value in named.items() if value]

    def _without_password(self, text: str) -> str:
        try:
            secret = self.password.reveal() if self.password is not None else ""
        except OnrollError:
            return text
        return text.replace(secret, "***") if secret else text


def _failed(words: str, report: str = "") -> Halt:
    of = f" for the report {report!r}" if report else ""
    return Halt(f"CommandReporter failed{of}: {words.rstrip('.') or 'without saying why'}. Nothing was read.")
