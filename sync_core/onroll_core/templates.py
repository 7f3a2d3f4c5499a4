"""Texts with facts of a person in them: display names, places, attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from string import Formatter

from onroll_core.identities import Identity
from onroll_core.people import Person
from onroll_core.years import Country, parse_stage

Getter = Callable[[Identity, "Surroundings"], str | None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a template may say of the school itself."""

    school: str
    school_id: str
    country: Country
    preferred: bool = True


def first_name(person: Person, preferred: bool = True) -> str | None:
    """The first name to use: the preferred one where it is filled in, unless the school wants legal names."""
    if preferred:
        return person.first or person.legal_first
    return person.legal_first or person.first


def last_name(person: Person, preferred: bool = True) -> str | None:
    """The last name to use, as `first_name`."""
    if preferred:
        return person.last or person.legal_last
    return person.legal_last or person.last


def _year(identity: Identity, around: Surroundings) -> str | None:
    return _year_label(identity.person.year_group, around.country)


@lru_cache(maxsize=1024)
def _year_label(text: str | None, country: Country) -> str | None:
    stage = parse_stage(text, country)
    return stage.label if stage else text


@lru_cache(maxsize=1024)
def _stage_label(text: str | None, country: Country) -> str | None:
    stage = parse_stage(text, country)
    return stage.short if stage else None


FIELDS: Mapping[str, Getter] = {
    "first": lambda identity, around: first_name(identity.person, around.preferred),
    "last": lambda identity, around: last_name(identity.person, around.preferred),
    "legal_first": lambda identity, _: identity.person.legal_first,
    "legal_last": lambda identity, _: identity.person.legal_last,
    "username": lambda identity, _: identity.username,
    "email": lambda identity, _: identity.email,
    "yoe4": lambda identity, _: None if identity.year_of_entry is None else f"{identity.year_of_entry:04}",
    "yoe2": lambda identity, _: None if identity.year_of_entry is None else f"{identity.year_of_entry % 100:02}",
    "year": _year,
    "stage": lambda identity, around: _stage_label(identity.person.year_group, around.country),
    "registration": lambda identity, _: identity.person.registration_group,
    "house": lambda identity, _: identity.person.house,
    "upn": lambda identity, _: identity.person.upn,
    "scn": lambda identity, _: identity.person.scn,
    "admission_number": lambda identity, _: identity.person.admission_number,
    "staff_code": lambda identity, _: identity.person.staff_code,
    "role": lambda identity, _: identity.role.value,
    "school": lambda _, around: around.school,
    "school_id": lambda _, around: around.school_id,
}
"""What a template may name. `year` reads "Year 7", "Reception" or "P4"; `stage` reads "7", "R" or "P4"."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with {fields}; made by `parse`."""

    text: str
    parts: tuple[str | Getter, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises ValueError with a sentence when a field is not one of FIELDS or a brace is left open."""
        parts: list[str | Getter] = []
        try:
            pieces = list(Formatter().parse(text))
        except ValueError as failure:
            raise ValueError(f"{text!r} cannot be read as a template: {failure}.") from None
        for literal, name, format_spec, conversion in pieces:
            if literal:
                parts.append(literal)
            if name is None:
                continue
            if format_spec or conversion:
                raise ValueError(f"{{{name}}} in {text!r} takes nothing after the name.")
            if name not in FIELDS:
                near = get_close_matches(name, FIELDS, n=1)
                hint = f" Did you mean {{{near[0]}}}?" if near else f" It may be one of: {', '.join(FIELDS)}."
                raise ValueError(f"{{{name}}} in {text!r} is not known.{hint}")
            parts.append(FIELDS[name])
        return cls(text, tuple(parts))

    def render(self, identity: Identity, around: Surroundings) -> str | None:
        """The text; None when something in it was not told, so that what is there is left as it is."""
        found: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                found.append(part)
                continue
            value = part(identity, around)
            if value is None:
                return None
            found.append(value)
        return "".join(found)


@dataclass(frozen=True, slots=True)
class Place:
    """A path of templates, from the root that the target's settings name; made by `parse`."""

    text: str
    parts: tuple[Template, ...]

    @classmethod
    def parse(cls, text: str) -> Place:
        """Accepts "Students/{yoe4}" and "OU=Students/Year {yoe4}"; raises ValueError with a sentence."""
        segments = [segment.strip() for segment in text.split("/")]
        bare = [segment[3:].strip() if segment[:3].upper() == "OU=" else segment for segment in segments]
        if any("," in segment for segment in bare):
            raise ValueError(
                f"{text!r} looks like a distinguished name. Write the path from the top, parted by /: Students/Year {{yoe4}}."
            )
        return cls(text, tuple(Template.parse(segment) for segment in bare if segment))

    def render(self, identity: Identity, around: Surroundings) -> str:
        """The path; a part of which something was not told is left out, and a "/" inside a value becomes "-"."""
        found = (part.render(identity, around) for part in self.parts)
        return "/".join(segment.strip().replace("/", "-") for segment in found if segment and segment.strip())
