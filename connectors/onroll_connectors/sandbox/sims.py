"""Milton Park's SIMS: the reports that CommandReporter drops, and a CommandReporter that runs them.

Reports have the captions and habits of those in public scripts: two blanks in "Year  7", `multiple_id` with a comma behind it, absent elements for
empty columns, UPNs in lower case.
"""

from __future__ import annotations

import csv
import io
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from onroll_connectors.sandbox.csv import Export
from onroll_connectors.sandbox.school import School
from onroll_connectors.sandbox.stages import Built

USER, PASSWORD = "onroll", "a-sims-password"
REPORTS = {
    "onroll students": "students", "onroll pre-admission": "pre-admission", "onroll leavers": "leavers", "onroll staff": "staff", "onroll classes": "classes",
    "onroll contacts": "contacts",
}  # fmt: skip


@dataclass(slots=True)
class Sims:
    """The reports of one school in `folder`. `ids` is whether the user may see them ("Third Party Reporting"), `classes` whether he sees
    any class ("Class Teacher"; that its report is then empty is inferred); `form` is "xml" or "csv"."""

    school: School
    folder: Path
    form: str = "xml"
    ids: bool = True
    classes: bool = True

    def write(self) -> None:
        """Every report, in place of the last night's."""
        hidden = self.folder / ".export"
        for old in [*self.folder.glob("*.xml"), *self.folder.glob("*.csv"), *hidden.glob("*.csv")]:
            old.unlink()
        Export(self.school, hidden, "sims").write()
        for name in REPORTS.values():
            head, rows = _table(hidden / f"{name}.csv")
            if name == "classes" and not self.classes:
                rows = []
            if not self.ids:
                kept = [n for n, caption in enumerate(head) if not caption.lower().endswith("_id")]
                head, rows = [head[n] for n in kept], [[row[n] for n in kept] for row in rows]
            body = _xml(head, rows) if self.form == "xml" else _csv(head, rows)
            (self.folder / f"{name}.{self.form}").write_bytes(body)


def command_reporter(folder: Path, into: Path, may_run: bool = True) -> Path:
    """A CommandReporter that knows the reports in `folder`: it takes the real one's switches, in any case, and fails as the real one does.

    `may_run` is whether the user may run reports ("Scheduled Reports"): that it says nothing and writes nothing then is inferred.
    """
    script = f"""#!{sys.executable}
import sys, shutil
from pathlib import Path
told = {{}}
for word in sys.argv[1:]:
    name, _, value = word.lstrip("/").partition(":")
    told[name.upper()] = value.strip('"')
Path({str(into / "asked.txt")!r}).open("a").write(" ".join(sorted(set(told) - {{"PASSWORD"}})) + "\\n")
reports = {REPORTS!r}
def fail(words):
    print("<CommandReporterError>" + words + "</CommandReporterError>")
    sys.exit(0)
if "TRUSTED" not in told and (told.get("USER"), told.get("PASSWORD")) != ({USER!r}, {PASSWORD!r}):
    fail("Login failed for user " + told.get("USER", "") + " with the password " + told.get("PASSWORD", ""))
if told.get("REPORT") not in reports:
    fail("Report not found: " + told.get("REPORT", ""))
out = Path(told["OUTPUT"])
found = Path({str(folder)!r}) / (reports[told["REPORT"]] + out.suffix.lower())
if found.exists() and {may_run!r}:
    shutil.copyfile(found, out)
"""
    path = into / "CommandReporter.py"
    path.write_text(script, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park's reports; see `stages`."""
    place = folder / "sims"
    place.mkdir(parents=True, exist_ok=True)
    lines = f"path = {place.as_posix()!r}\nquiet_seconds = 0\nmax_age_days = 0"
    return Built(lambda url: lines, refresh=Sims(school, place).write)


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    """The captions and rows of an export; none where it is not there."""
    if not path.exists():
        return [], []
    rows = [row for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")) if any(row)]
    return rows[1], rows[2:]  # above the captions stands a title


def _xml(head: list[str], rows: list[list[str]]) -> bytes:
    return "".join(_records(head, rows)).encode()


def _records(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\r\n<SuperStarReport>\r\n'
    tags = [
        "".join(letter if letter.isalnum() or letter == "_" else f"_x{ord(letter):04X}_" for letter in caption)
        for caption in head
    ]
    for row in rows:
        cells = "".join(f"<{tag}>{escape(cell)}</{tag}>" for tag, cell in zip(tags, row, strict=True) if cell)
        yield f"  <Record>{cells}</Record>\r\n"
    yield "</SuperStarReport>\r\n"


def _csv(head: list[str], rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([head, *rows])
    return out.getvalue().encode("utf-8-sig") if head else b""
