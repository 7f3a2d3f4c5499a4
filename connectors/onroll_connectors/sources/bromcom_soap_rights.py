"""The entities that a school ticks in Bromcom for onroll's third-party account."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights
from onroll_connectors.sources.bromcom_rights import HOUSES, named
from onroll_connectors.sources.bromcom_roll import Wanted

RIGHTS = Rights(
    "Bromcom",
    "entity",
    "In Bromcom, the school makes a third-party account for onroll (user and password) and ticks these entities for it (none is ticked at first):",
    "Have it ticked in Bromcom for this account",
    "Entities are called so in the service (told by published clients); StudentContacts, HouseClasses and their columns are not published: Bromcom's support desk can tell.",
    (
        Right("Students", "pupils"),
        Right("Staff", "staff"),
        Right("SubjectClasses", "teaching groups", ({"classes": True},)),
        Right(
            "CollectionAssociates",
            "who is in a teaching group or a house",
            ({"classes": True}, {"house_entity": True}),
        ),
        Right(
            "CollectionExecutives", "who takes a teaching group or a tutor group", ({"classes": True}, {"tutors": True})
        ),
        Right("Collections", "which tutor group somebody is the tutor of", ({"tutors": True},)),
        HOUSES,
        Right("StudentContacts", "pupils' contacts", ({"contacts": True},)),
    ),
)


def asked(settings: Wanted) -> list[Right]:
    """Those that these settings ask for, with the entity of houses by its own name."""
    return named(RIGHTS.of(settings), settings)
