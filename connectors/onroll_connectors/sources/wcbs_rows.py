"""PASS's tables as they are asked for, and its codes, read strictly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from onroll_connectors.shape import trimmed
from onroll_connectors.sql_query import Cells, Query
from onroll_core.errors import Halt

CELLS = Cells("PASS")

YEAR = Query("YEAR", ("code", "in_use"))
CALENDAR = Query("SCHOOL_CALENDAR", ("academic_year", "year_start"))
SCHOOL = Query("SCHOOL", ("school_id", "code"))
PUPIL = Query("PUPIL", ("academic_year", "pupil_id", "name_id", "code", "form", "school", "record_type", "in_use"))
STAFF = Query("STAFF", ("name_id", "code", "school", "category", "in_use"))
TYPES = Query("RELATIONSHIP_TYPE", ("id", "to_relation"))


class Wishes(Protocol):
    """The settings that people and groups are made by; see `wcbs.Settings`."""

    @property
    def strays(self) -> str: ...
    @property
    def year_column(self) -> str: ...
    @property
    def schools(self) -> list[str]: ...
    @property
    def record_types(self) -> list[int]: ...
    @property
    def staff_categories(self) -> list[str]: ...
    @property
    def other_categories(self) -> list[str]: ...
    @property
    def year_groups(self) -> dict[str, str]: ...
    @property
    def class_name(self) -> str: ...
    @property
    def dates_of_birth(self) -> bool: ...
    @property
    def birth_column(self) -> str: ...
    @property
    def contacts(self) -> bool: ...
    @property
    def contact_rank(self) -> int: ...
    @property
    def not_contacts(self) -> list[str]: ...
    @property
    def contacts_need_email(self) -> bool: ...


def fold(value: object) -> str:
    """A code as SQL Server compares it: blanks at its end and capitals do not count."""
    return trimmed(str(value)).casefold()


class Codes:
    """What in_use and contact_in_use say: Y, or one of `not_in_use`; anything else ends the read."""

    def __init__(self, not_in_use: Sequence[str]) -> None:
        self._not = {fold(each) for each in not_in_use}

    def in_use(self, value: Any, where: str) -> bool:
        """True for Y. Raises Halt for a code that is not known, since nobody leaves by a slip of the pen."""
        text = CELLS.text(value, where) or ""
        if text.casefold() == "y":
            return True
        if text.casefold() in self._not:
            return False
        shown = repr(text[:20]) if text else "nothing"
        raise Halt(
            f"PASS says {shown} in {where}, which is neither Y nor one of not_in_use in [school.source]. Correct it in PASS, or add it there. Nothing was"
            " changed."
        )
