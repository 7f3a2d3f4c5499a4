"""Which key of a ScholarPack record says what: the school's own map, else likely names; never a value that is not there any more.

The keys of ScholarPack's records are not public. What is tried here are likely names, and `onroll check` prints the keys that came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onroll_connectors.shape import Shape
from onroll_core.errors import Halt

_SHAPE = Shape("ScholarPack")
_PERSON: dict[str, tuple[str, ...]] = {
    "id": ("uuid", "student_uuid", "staff_uuid", "contact_uuid", "id"),
    "preferred_first": ("preferred_forename", "preferred_first_name", "preferred_name", "known_as", "chosen_name"),
    "preferred_last": ("preferred_surname", "preferred_last_name"),
    "first": ("forename", "first_name", "firstname"),
    "last": ("surname", "last_name", "lastname"),
    "legal_first": ("legal_forename", "legal_first_name"),
    "legal_last": ("legal_surname", "legal_last_name"),
    "status": (),
    "dob": ("date_of_birth", "dob"),
}
LIKELY: Mapping[str, dict[str, tuple[str, ...]]] = {
    "students": _PERSON
    | {
        "upn": ("upn",),
        "former_upn": ("former_upn",),
        "admission_number": ("admission_number", "admission_no"),
        "year_group": ("year_group", "nc_year", "national_curriculum_year", "year"),
        "registration_group": ("registration_group", "reg_group", "registration", "form"),
        "starts": ("admission_date", "date_of_admission", "start_date"),
        "ends": ("leaving_date", "date_of_leaving", "end_date"),
        "enrolment": ("enrolment_status", "enrollment_status"),
    },
    "staff": _PERSON
    | {
        "staff_code": ("staff_code", "code", "initials"),
        "starts": ("start_date", "employment_start_date", "date_started"),
        "ends": ("end_date", "employment_end_date", "leaving_date", "date_left"),
    },
    "contacts": _PERSON
    | {"children": ("students", "student_uuids", "student_uuid", "pupils", "children", "student_id", "student")},
}
"""Keys that are tried, by list and by our names; `status` is only read where a school says which key it is, because its words are not known."""

_NEEDED = {
    "students": ("id", "first", "last"),
    "staff": ("id", "first", "last"),
    "contacts": ("id", "last", "children"),
}


class Fields:
    """The map of one list of records. `own` is the school's own: our names to ScholarPack's keys, where a dot goes into a record within the record."""

    def __init__(self, what: str, own: Mapping[str, str]) -> None:
        self._what, self._own = what, own
        self.seen: set[str] = set()
        self._plain: dict[str, str | None] = {}
        self._names = {path.partition(".")[0].lower() for path in own.values()} | {
            each for tried in LIKELY[what].values() for each in tried
        }

    def kept(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of a record only what the map may need, its keys in lower case; the rest is let go of at once."""
        found = {}
        for name, value in record.items():
            if name not in self._plain:
                self.seen.add(name.lower())
                self._plain[name] = name.lower() if name.lower() in self._names else None
            plain = self._plain[name]
            if plain is not None:
                found[plain] = value
        return found

    def chosen(self, last_time: Mapping[str, str]) -> Mapping[str, str]:
        """The key of each of our names, once all records have been seen. Raises Halt where one that is needed, or was there last time, is not there."""
        found: dict[str, str] = {}
        for ours, likely in LIKELY[self._what].items():
            if ours in self._own:
                path = self._own[ours]
                if path.partition(".")[0].lower() not in self.seen:
                    raise Halt(
                        f"No record of ScholarPack's {self._what} has {path!r}, which [school.source] {self._what} names for {ours}. Nothing was read;"
                        f" the keys that came are {self.listed()}."
                    )
                found[ours] = path.lower()
                continue
            there = [each for each in likely if each in self.seen]
            if there:
                found[ours] = there[0]
        missing = [each for each in _NEEDED[self._what] if each not in found and f"preferred_{each}" not in found]
        if missing:
            raise Halt(
                f"ScholarPack's {self._what} have no key that onroll takes for {', '.join(missing)}. Name it in [school.source] {self._what}; the keys that came are"
                f" {self.listed()}."
            )
        gone = sorted(ours for ours in last_time if ours not in found)
        if gone:
            raise Halt(
                f"ScholarPack's {self._what} no longer tell the {', '.join(gone)} ({', '.join(last_time[each] for each in gone)} before). Nothing was read, so that nothing is"
                f" taken back: look at the scopes, or name the new key in [school.source] {self._what}."
            )
        return found

    def listed(self) -> str:
        """The keys that came, for a sentence; never a value."""
        return ", ".join(sorted(self.seen)[:60]) or "none"


def value(record: Mapping[str, Any], path: str | None) -> Any:
    """What stands under a key, or within the record that stands there; None where it is not told."""
    if path is None:
        return None
    name, _, rest = path.partition(".")
    found = record.get(name)
    for each in filter(None, rest.split(".")):
        if found is None:
            return None
        found = {key.lower(): one for key, one in _SHAPE.table(found, path).items()}.get(each)
    return found


def text(record: Mapping[str, Any], path: str | None) -> str | None:
    """A text; of a record within the record its name."""
    found = record.get(path or "") if path is None or "." not in path else value(record, path)
    if found.__class__ is str and found.isprintable() and found.strip() == found and found and "  " not in found:
        return str(found)  # what nearly every value is, told cheaply
    if isinstance(found, dict):
        named = next((found[each] for each in ("name", "title", "code") if found.get(each)), None)
        return _SHAPE.key(named, f"{path} (say which of its keys: {path}.name)")
    return _SHAPE.text(found, path or "")


def ids(record: Mapping[str, Any], path: str, likely: Sequence[str] = LIKELY["students"]["id"]) -> Iterable[str]:
    """One id or several, also of records within the record."""
    found = value(record, path)
    several = found if isinstance(found, list) else [] if found is None else [found]
    for each in several:
        if isinstance(each, dict):
            each = next((each[name] for name in likely if name in each), None)
        yield _SHAPE.key(each, path)
