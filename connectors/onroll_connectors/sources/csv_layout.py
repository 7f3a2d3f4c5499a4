"""What one file of an export is: which kind of table, whose, and which of its columns says what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onroll_connectors.sources import csv_columns
from onroll_connectors.sources.csv_people import Kind, role_of
from onroll_connectors.sources.csv_presets import Preset
from onroll_core.people import Role, Status

_CONTACTS = ("contact", "parent", "carer", "guardian")
_CLASSES = ("class", "timetable", "teaching", "membership", "sets")
_FUTURE = ("pre admission", "preadmission", "applicant", "future", "new starter", "new intake", "accepted")
_LEAVERS = ("leaver", "left", "former", "off roll")


@dataclass(frozen=True, slots=True)
class Layout:
    """`table` is one of `csv_columns.TABLES`; `status` is what the file's name says of everybody in it."""

    table: str
    columns: Mapping[str, int]
    status: Status | None = None

    @property
    def kind(self) -> Kind:
        """What its rows are."""
        return {"contacts": Kind.CONTACTS, "classes": Kind.CLASSES}.get(self.table, Kind.PEOPLE)


def layout(
    name: str, header: Sequence[str], own: Mapping[str, str], preset: Preset, role: Role | None, merge: bool
) -> Layout | None:
    """How the file `name` with this header is read, or None where the header is none. `merge` says that a pupil has a row for each class."""
    words = csv_columns.plain(name.rpartition(".")[0] or name)
    for table in _candidates(words, role):
        columns = csv_columns.recognise(header, own, table, preset.captions(table))
        if not _is(table, columns, words, header):
            continue
        if table == "students" and not merge:
            # Without it a class beside a registration group is only the same thing again, or one class of many.
            columns.pop("class", None)
            columns.pop("teacher", None)
        return Layout(table, columns, None if table in ("contacts", "classes") else _status(words))
    return None


def twins(layout: Layout, header: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Columns that are used and whose caption comes a second time: our name, where it was found, and where else it stands."""
    captions = [csv_columns.plain(caption) for caption in header]
    used = set(layout.columns.values())
    for ours, position in layout.columns.items():
        for other, caption in enumerate(captions):
            if other not in used and caption == captions[position]:
                yield ours, position, other


def ignored(layout: Layout, header: Sequence[str]) -> list[str]:
    """Captions of columns that are not read."""
    used = set(layout.columns.values())
    return [caption for position, caption in enumerate(header) if caption and position not in used]


def _candidates(words: str, role: Role | None) -> Iterator[str]:
    """Kinds of tables that a file of this name may be, the likeliest first."""
    people = role_of(words, {})
    if people is None:
        if any(word in words for word in _CONTACTS):
            yield "contacts"
        if any(word in words for word in _CLASSES):
            yield "classes"
        yield "people"
    yield from ("staff", "students") if (people or role) is Role.STAFF else ("students", "staff")
    yield from ("classes", "contacts")


def _is(table: str, columns: Mapping[str, int], words: str, header: Sequence[str]) -> bool:
    captions = {csv_columns.plain(caption) for caption in header}
    if table == "contacts":
        named = "contact_first" in columns or "contact_last" in columns
        return "contact_id" in columns and named and csv_columns.names_a_pupil(columns)
    if table == "classes":
        return "class" in columns and (csv_columns.names_a_pupil(columns) or "teacher" in columns)
    contacts = bool(captions & set(csv_columns.FIELDS["contact_id"]))
    if not csv_columns.names_people(columns) or (contacts and not captions & set(csv_columns.FIELDS["contact_first"])):
        return False
    if table == "people":
        return "role" in columns
    named_for = role_of(words, columns)
    if table == "staff":
        return named_for is not Role.STUDENT
    return named_for is Role.STUDENT or (named_for is None and not captions & set(csv_columns.FIELDS["staff_code"]))


def _status(words: str) -> Status | None:
    if any(word in words for word in _FUTURE):
        return Status.FUTURE
    return Status.LEFT if any(word in words for word in _LEAVERS) else None
