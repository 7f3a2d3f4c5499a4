"""The entities that a school ticks in Bromcom for onroll's partner application."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from onroll_connectors.rights import Right, Rights
from onroll_connectors.sources.bromcom_roll import Wanted

HOUSES = Right("the entity of house_entity", "houses", ({"house_entity": True},))

RIGHTS = Rights(
    "Bromcom",
    "entity",
    "Ask Bromcom (PartnerSupport@bromcom.com) for a partner application, its id and its secret. In Bromcom, the school ticks these entities for it (none is ticked at"
    " first):",
    "Have it ticked in Bromcom for onroll's application",
    "Entities are called so in the Partner API (told by published clients); HouseClasses and its like are not published: Bromcom's support desk can tell.",
    (
        Right("StudentFlatView", "pupils, and with contacts = true three contacts of each"),
        Right("Staff", "staff"),
        Right("YearGroupSubjectStudents", "teaching groups and who is in them", ({"classes": True},)),
        Right(
            "CollectionAssociates", "the names of collections and who is in them, for teachers and houses",
            ({"classes": True, "teachers": "collections"}, {"house_entity": True}),
        ),
        Right("CollectionTimetables", "who takes a teaching group", ({"classes": True, "teachers": "collections"},)),
        Right("Timetable", "who takes a teaching group", ({"classes": True, "teachers": "timetable"},)),
        HOUSES,
    ),
)  # fmt: skip


def asked(settings: Wanted) -> list[Right]:
    """Those that these settings ask for, with the entity of houses by its own name."""
    return named(RIGHTS.of(settings), settings)


def named(rights: Iterable[Right], settings: Wanted) -> list[Right]:
    """`rights` with the entity of houses by its own name."""
    return [replace(each, name=cast("str", settings.house_entity)) if each is HOUSES else each for each in rights]
