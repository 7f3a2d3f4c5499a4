"""What an explanation is made of: things with the record, the rule and the run behind each, and the words for those three."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from onroll_core.identities import Identity
from onroll_core.lifecycle import spoken
from onroll_core.people import Role
from onroll_core.rules import SchoolRules
from onroll_core.usernames import fold

Row = Mapping[str, Any]
"""A row of `Store.history`."""

TABLES: Mapping[Role, str] = {Role.STUDENT: "students", Role.STAFF: "staff", Role.OTHER: "others"}
ELSEWHERE = "(another name)"
"""Stands for a name that somebody no longer uses."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that is as it is. `record` is what the MIS says, `rule` the key of the configuration, `run` and `at` (ISO, UTC) the last change that made
    it so, and `asked` who wanted that; "" or None where there is no such thing. `target` is "" for what holds everywhere."""

    what: str
    value: str
    because: str
    record: str = ""
    rule: str = ""
    target: str = ""
    run: int | None = None
    at: str | None = None
    asked: str = ""

    def made_by(self, row: Row | None) -> Thing:
        """The same, with the run that a row of the history tells of."""
        if row is None:
            return self
        return replace(self, run=row["run"], at=row["at"], asked=asked_for(row))

    def as_json(self) -> dict[str, Any]:
        """The object in `things` of `explain --json`."""
        names = ("what", "value", "target", "record", "rule", "run", "at", "asked", "because")
        return {name: getattr(self, name) for name in names}


def asked_for(row: Row) -> str:
    """Who wanted a change: whoever approved a plan that was held, or started the run; "" for a night that the service began."""
    if row.get("approved"):
        return f"held first, and approved by {row['approved']}"
    return f"asked for by {row['by']}" if row.get("by") else ""


def last_change(
    history: Sequence[Row], target: str, kinds: Collection[str], about: Callable[[Row], bool] = lambda document: True
) -> Row | None:
    """The last change of one of these kinds that a target carried out; `about` looks at its document (the shape of `plan --json`)."""
    for row in reversed(history):
        if row["target"] == target and row["kind"] in kinds and row["outcome"] == "applied" and about(row["document"]):
            return row
    return None


def last_event(history: Sequence[Row], pattern: str) -> tuple[Row, re.Match[str]] | None:
    """The last thing that happened to the person here whose sentence has `pattern` in it."""
    for row in reversed(history):
        found = re.search(pattern, row["what"]) if row["target"] is None else None
        if found is not None:
            return row, found
    return None


def record_of(identity: Identity, said: str) -> str:
    """What the MIS's record says of one thing."""
    if identity.source != "mis":
        return "added by hand, not in the MIS"
    times = "complete read" if identity.absences == 1 else f"{identity.absences} complete reads"
    return f"{identity.person.key.record}: {said}{f', missing from the last {times}' if identity.absences else ''}"


def standing_record(identity: Identity) -> str:
    """What the record says of coming and going."""
    person = identity.person
    words = [person.status.value]
    if person.starts:
        words.append(f"first day {spoken(person.starts)}")
    if person.ends:
        words.append(f"last day {spoken(person.ends)}")
    if person.enrolment:
        words.append(f"enrolment status {person.enrolment}")
    return record_of(identity, ", ".join(words))


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The keys of the configuration as they are written there. `written` are those that the file has ("school.students.username"); the others are defaults.
    None: nobody looked."""

    school: SchoolRules
    written: Collection[str] | None = None

    def of_school(self, key: str, value: object) -> str:
        """A key of the school itself."""
        return self._key("school", key, value).replace("[school]", "[[school]]", 1)

    def of_role(self, role: Role, key: str, value: object) -> str:
        """A key of the school's pupils, staff or others."""
        return self._key(f"school.{TABLES.get(role, role.value)}", key, value)

    def of(self, table: str, key: str, value: object) -> str:
        """A key of any other table."""
        return self._key(table, key, value)

    def has(self, path: str) -> bool:
        """Whether the file itself says something of a key."""
        return self.written is not None and path in self.written

    def _key(self, table: str, key: str, value: object) -> str:
        default = self.written is not None and f"{table}.{key}" not in self.written
        return f"[{table}] {key} = {_toml(value)}{' (the default)' if default else ''}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Iterable):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value)


@dataclass(frozen=True, slots=True)
class Discreet:
    """Keeps names that somebody no longer uses out of what is told: legal ones where preferred names are in use, and former first names.

    Usernames and addresses stay as they are, for they are how the account is reached.
    """

    hidden: re.Pattern[str] | None
    spared: frozenset[str] = frozenset()

    @classmethod
    def of(cls, identity: Identity, school: SchoolRules, history: Iterable[Row]) -> Discreet:
        """What may not be told of this person."""
        if not school.preferred_names:
            return cls(None)
        person = identity.person
        used = {fold(word) for name in (person.first, person.last) if name for word in name.split()}
        former = [person.legal_first if person.first else None, person.legal_last if person.last else None]
        for row in history:
            if row["target"] is None:
                former += [each[0] for each in _FORMER.findall(row["what"])]
                former += [each[1] for each in _LEGAL.findall(row["what"])]
        words = {word for name in former if name and name != "nothing" for word in (name, *name.split())}
        words = {word for word in words if len(word) > 1 and not {fold(each) for each in word.split()} <= used}
        if not words:
            return cls(None)
        either = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
        names = (identity.username, identity.email, *identity.aliases)
        return cls(
            re.compile(rf"(?<![\w.@-])(?:{either})(?![\w@-]|\.\w)", re.IGNORECASE), frozenset(filter(None, names))
        )

    def clean(self, text: str) -> str:
        """The text without them."""
        if self.hidden is None:
            return text
        return self.hidden.sub(lambda found: found[0] if found[0] in self.spared else ELSEWHERE, text)

    def of_thing(self, thing: Thing) -> Thing:
        """The same thing without them."""
        clean = self.clean
        return replace(thing, value=clean(thing.value), because=clean(thing.because), record=clean(thing.record))

    def clean_all(self, value: Any) -> Any:
        """The same for every text of a document."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, Mapping):
            return {key: self.clean_all(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.clean_all(each) for each in value]
        return value


_FORMER = re.compile(r"\bfirst from (.+?) to (.+?)(?=, [a-z ]+ from |\.(?: |$))")
_LEGAL = re.compile(r"\blegal (first|last) from .+? to (.+?)(?=, [a-z ]+ from |\.(?: |$))")


def when(at: str | None) -> str:
    """A time of the store as the day that people say."""
    return spoken(date.fromisoformat(at[:10])) if at else ""
