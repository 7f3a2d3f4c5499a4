"""What may happen in one night, and how far a reading may fall short, in this school's numbers of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onroll_core.people import Role
from onroll_core.rules import Limit, Limits, Sanity

PEOPLE: Mapping[Role, str] = {Role.STUDENT: "pupils", Role.STAFF: "staff", Role.OTHER: "others"}
_NIGHT: Mapping[str, str] = {
    "disable": "are disabled for a reason that the school year does not explain",
    "create": "get a new account although they are not recent joiners",
    "rename": "get another username or address",
    "update": "have their names changed",
    "move": "are moved for a reason that no change of year explains",
    "enable": "are enabled again",
    "namesake": "get a new account beside an unknown one of the same name",
    "member": "are taken out of a group in the middle of the year",
    "licence": "lose their licences for a reason that the school year does not explain",
}
_ANEW = ("create", "namesake", "joining")
_READING: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "people": ("People who are missing, with no leaving date", ("student", "staff")),
    "year_group": ("Pupils who are missing from one year group", ()),
    "groups": ("Groups of one kind that are gone", ()),
    "blank": ("Values that are gone from a column", ()),
    "leaving": ("People who have become leavers at once, outside the end of their final year", ("student", "staff")),
    "joining": ("People on roll whom onroll has never seen, without a recent first day", ("",)),
    "exchanged": ("People who are suddenly others under the same MIS record", ("",)),
}


def share(limit: Limit, population: int) -> str:
    """ "up to 36 of 1,203": what a limit comes to among so many; "all 3" where it stops nothing."""
    allowed = limit.allows(population)
    if not population:
        return f"up to {allowed:,}"
    return f"all {population:,}" if allowed >= population else f"up to {allowed:,} of {population:,}"


def anew(limit: Limit, population: int) -> str:
    """ "up to 36" of people who are not among the `population` yet."""
    return f"up to {limit.allows(population):,}"


def spoken(limit: Limit) -> str:
    """ "5 or 3 %, whichever is more"."""
    return f"{limit.count:,} or {limit.percent:g} %, whichever is more"


def nights(limits: Limits, now: Mapping[str, int]) -> dict[str, Any]:
    """The limits as rows; `now` is how many people there are by role. Roles that nobody has are left out, but for pupils and staff."""
    roles = [role for role in PEOPLE if role is not Role.OTHER or now.get(role.value)]
    rows = []
    for name, words in _NIGHT.items():
        limit: Limit = getattr(limits, name)
        say = anew if name in _ANEW else share
        rows.append(
            {"what": words, "limit": spoken(limit), "shares": [say(limit, now.get(role.value, 0)) for role in roles]}
        )
    pupils = now.get(Role.STUDENT.value, 0)
    lead = f"{share(limits.disable, pupils).capitalize()} pupils may be disabled in one night."
    return {"heads": [PEOPLE[role].capitalize() for role in roles], "rows": rows, "lead": lead}


def readings(sanity: Sanity, now: Mapping[str, int]) -> list[dict[str, str]]:
    """The limits of a reading as rows."""
    words = {role.value: people for role, people in PEOPLE.items()} | {"": "people"}
    counts = {**now, "": now.get("student", 0) + now.get("staff", 0)}
    return [
        {
            "what": what,
            "limit": spoken(getattr(sanity, name)),
            "today": ", ".join(
                f"{(anew if name in _ANEW else share)(getattr(sanity, name), counts.get(role, 0))} {words[role]}"
                for role in roles
            ),
        }
        for name, (what, roles) in _READING.items()
    ]
