"""What groups are called: templates of a school's own, and what is made safe of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from string import Formatter

from unidecode import unidecode

FIELDS = ("name", "kind", "school", "school_id", "yoe4", "yoe2", "year", "academic_year")
"""What a group's template may name. `name` is the MIS's own name of the group; `year`, `yoe4` and `yoe2` are of a year group alone; `academic_year`
reads "2026-27"."""


@dataclass(frozen=True, slots=True)
class GroupTemplate:
    """A text with {fields} of a group; made by `parse`."""

    text: str

    @classmethod
    def parse(cls, text: str) -> GroupTemplate:
        """Raises ValueError with a sentence when a field is not one of FIELDS, a brace is left open, or nothing tells two groups apart."""
        try:
            pieces = list(Formatter().parse(text))
        except ValueError as failure:
            raise ValueError(f"{text!r} cannot be read as a template: {failure}.") from None
        named = [name for _, name, _, _ in pieces if name is not None]
        for _, name, spec, conversion in pieces:
            if name is not None and (spec or conversion):
                raise ValueError(f"{{{name}}} in {text!r} takes nothing after the name.")
            if name is not None and name not in FIELDS:
                near = get_close_matches(name, FIELDS, n=1)
                hint = f" Did you mean {{{near[0]}}}?" if near else f" It may be one of: {', '.join(FIELDS)}."
                raise ValueError(f"{{{name}}} in {text!r} is not known.{hint}")
        if not {"name", "yoe4", "yoe2", "year"} & set(named):
            raise ValueError(f"{text!r} would call every group the same; put {{name}} into it.")
        return cls(text)

    def render(self, facts: Mapping[str, str]) -> str:
        """The text; a field that this group does not have is left out."""
        return " ".join(self.text.format_map({name: facts.get(name, "") for name in FIELDS}).split())


def slug(text: str) -> str:
    """What an address can be made of: "Milton Park 7A/Ma1" becomes "milton-park-7a-ma1"; at most 60 characters."""
    plain = re.sub(r"[^a-z0-9]+", "-", unidecode(text).lower()).strip("-")
    return plain[:60].strip("-")


def academic_year_name(year: int) -> str:
    """The academic year that begins in `year`, as people write it: 2026-27."""
    return f"{year}-{(year + 1) % 100:02}"
