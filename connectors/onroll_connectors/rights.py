"""What a school has to grant so that a source can read its MIS, as data: `onroll setup` prints it, `onroll check` names what is missing of it,
and the pages of docs/mis tell it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from onroll_core.contracts import Finding


@dataclass(frozen=True, slots=True)
class Right:
    """One right. `name` is what it is called where it is granted, `purpose` what it is for, as "pupils to come".

    `when` are the settings that ask for it: one of these sets of keys and values (True: any value but nothing); none means always. `needed` says that
    nothing is read without it; else the rest is read, and what it is for is not told. `words` say when, where `when` cannot.
    """

    name: str
    purpose: str
    when: tuple[Mapping[str, object], ...] = ()
    needed: bool = True
    words: str = ""

    def asked(self, settings: BaseModel) -> bool:
        """True where these settings ask for it."""
        return not self.when or any(
            all(_holds(getattr(settings, key), value) for key, value in keys.items()) for keys in self.when
        )

    @property
    def condition(self) -> str:
        """When it is asked for, in words: `contacts`, or `classes` and `teachers = "timetable"`; nothing for always."""
        sets = (
            " and ".join(f"`{key}`" if value is True else f'`{key} = "{value}"`' for key, value in keys.items())
            for keys in self.when
        )
        return self.words or ", or ".join(sets)

    @property
    def keys(self) -> Sequence[str]:
        """The settings that it hangs on."""
        return tuple(dict.fromkeys(key for keys in self.when for key in keys))

    @property
    def level(self) -> str:
        """How much it matters, in words, for a table or a list."""
        told = [f"with {self.condition}"] if self.condition else []
        return ", ".join([*told, "needed" if self.needed else "optional"])


@dataclass(frozen=True, slots=True)
class Rights:
    """All that one route needs. `mis` is what a person calls it, `noun` what it calls a right, `ask` says whom to ask for the `table`, `give` what to do about one that is missing,
    and `known` how far the names of the rights are known."""

    mis: str
    noun: str
    ask: str
    give: str
    known: str
    table: Sequence[Right]

    def of(self, settings: BaseModel) -> list[Right]:
        """Those that these settings ask for."""
        return [each for each in self.table if each.asked(settings)]

    def named(self, name: str) -> Right | None:
        """The right of that name, or None where there is no such one."""
        return next((each for each in self.table if each.name == name), None)

    def missing(self, name: str, said: str = "", sure: bool = True) -> str:
        """That a right is missing, what for, and what to do; `said` is what the MIS said or showed, which leaves it open where it
        is not `sure`. For what is no right of the table it is a plain refusal."""
        right = self.named(name)
        reason = f" ({said})" if said else ""
        given = f"{self.mis} {'has not' if sure else 'may not have'} given onroll the {self.noun} {name}{reason}"
        if right is None:
            return f"{given}. {self.give}."
        way = f", or do without: {' and '.join(right.keys)} in [school.source]" if right.needed and right.keys else ""
        weight = "Nothing is read without it." if right.needed else "The rest is read, and that is not told."
        return f"{given}, which is for {right.purpose}. {weight} {self.give}{way}."

    def finding(self, name: str, said: str = "", sure: bool = True) -> Finding:
        """The same for a check: a problem where it is needed, else a warning."""
        right = self.named(name)
        return Finding("problem" if right is None or right.needed else "warning", self.missing(name, said, sure))

    def lines(self, asked: Collection[Right]) -> list[str]:
        """Whom to ask for what, for people: a sentence, a line for each right, and how far that is known."""
        return [
            self.ask,
            *(f"- {each.name}: {each.purpose}{'' if each.needed else ' (optional)'}" for each in asked),
            self.known,
        ]


def _holds(told: object, value: object) -> bool:
    return bool(told) if value is True else told == value
