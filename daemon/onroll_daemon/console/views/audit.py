"""Who did what at the console: the newest first, of the schools that one may see, by the page and as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from onroll_core.handout import safe_cell
from onroll_core.store.console.audit import Entry
from onroll_daemon.console.place import Place
from onroll_daemon.console.rights import Right
from onroll_daemon.console.templating import moment, query
from onroll_daemon.console.views.people import clean
from onroll_daemon.console.visitors import Visitor

PAGE = 50
_CHUNK = 1000
COLUMNS = ("when", "who", "school", "what", "about")
_PAGES = re.compile(r"(run|request) ([1-9]\d{0,8})")


def entries(
    place: Place, visitor: Visitor, school: str = "", text: str = "", before: int | None = None, limit: int = PAGE
) -> list[Entry]:
    """The newest that fit: of one school, or of all that are the visitor's. What concerns the whole installation is for its administrators alone."""
    theirs: list[str] | None = [school] if school else visitor.among(place.settings.schools)
    if not school and visitor.may(Right.ADMINISTER):
        theirs = None
    return place.store.console.audit.list(theirs, limit, before, clean(text))


def listed(place: Place, visitor: Visitor, school: str, text: str, before: int | None) -> dict[str, Any]:
    """One page of the audit, with where older entries are."""
    found = entries(place, visitor, school, text, before, PAGE + 1)
    shown = found[:PAGE]
    asked = {"q": clean(text), "school": school}
    return {
        "entries": [_shown(place, each) for each in shown],
        "asked": asked,
        "choices": [("", "Every school"), *((each, place.rules(each).name) for each in visitor.among(place.settings.schools))],
        "older": f"/audit?{query(asked, before=shown[-1].id)}" if len(found) > PAGE else "",
        "newest": f"/audit?{query(asked)}".rstrip("?") if before else "",
        "file": f"/audit.csv?{query(asked)}".rstrip("?"),
    }  # fmt: skip


def exported(place: Place, visitor: Visitor, school: str, text: str) -> Iterator[str]:
    """Everything that fits as CSV, a piece at a time; times in the school's zone, and no cell is a formula."""
    yield "\ufeff" + _line(COLUMNS)
    before = None
    while found := entries(place, visitor, school, text, before, _CHUNK):
        yield "".join(_line(_cells(place, each)) for each in found)
        before = found[-1].id


def _cells(place: Place, entry: Entry) -> Sequence[str]:
    zone = place.zone(entry.school if entry.school in place.settings.schools else None)
    at = moment(entry.at).astimezone(zone).isoformat(sep=" ", timespec="seconds")
    return (at, entry.by, entry.school or "", entry.what, entry.about)


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe_cell(each) for each in cells])
    return out.getvalue()


def _shown(place: Place, entry: Entry) -> dict[str, Any]:
    """An entry with the school's own name, and the page of a run or a request that it is about."""
    known = place.settings.schools
    page = _PAGES.fullmatch(entry.about)
    return {
        "at": entry.at,
        "by": entry.by,
        "school": "" if entry.school is None else known[entry.school].rules.name if entry.school in known else entry.school,
        "what": f"{entry.what[:1].upper()}{entry.what[1:]}",
        "about": entry.about,
        "href": f"/{page[1]}s/{page[2]}" if page else "",
    }  # fmt: skip
