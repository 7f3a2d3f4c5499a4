"""What the failure stories share: a school that has had its first nights, what targets really hold, and proof that nothing was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from directories import RealDomain
from onroll_core.line import Line
from onroll_core.night import Night
from onroll_daemon.settings import load
from onroll_daemon.wiring import line, open_store
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year

PLACES = ("/Staff", *(f"/Students/{year}" for year in range(2012, 2024)))
"""Google makes one org unit a second, so that a school whose org units are there has its first night sooner."""


@contextmanager
def story(
    folder: Path, pupils: int = 42, samba: Samba | None = None, targets: tuple[str, ...] = EVERYWHERE
) -> Iterator[SchoolYear]:
    """Milton Park after its first night, with nothing to do; `targets` are those that it has."""
    with school_year(folder, pupils, samba) as year:
        for place in PLACES:
            year.world.google.add_unit(place)
        if targets != EVERYWHERE:
            only = str(list(targets)).replace("'", '"')
            year.configure(lambda text: text.replace('targets = ["ad", "m365", "google"]', f"targets = {only}"))
        year.night("the first night")
        year.nothing_to_do()
        yield year


def held_there(year: SchoolYear) -> dict[str, Any]:
    """Everything that each target holds, asked of its own data."""
    world = year.world
    return {
        "ad": _domain(year),
        "m365": {key: (dict(user.props), user.deleted) for key, user in world.graph.directory.users.items()},
        "google": {key: replace(user) for key, user in world.google.state.users.items()},
        "groups": {
            key: replace(group, members=dict(group.members)) for key, group in world.google.state.groups.items()
        },
    }


def _domain(year: SchoolYear) -> Any:
    if isinstance(year.ad, RealDomain):
        # Every write to an object of the domain gives it another number.
        return year.ad.samba.ldbsearch("(objectClass=*)", "uSNChanged", base=year.ad.base)
    return {guid: (each.dn, dict(each.values), each.password) for guid, each in year.ad.there.objects.items()}


def asked_to_write(year: SchoolYear) -> dict[str, int]:
    """How many writes each cloud was asked for, done or refused."""
    graph = sum(1 for method, _, _ in year.world.graph.calls if method != "GET")
    google = sum(1 for name, _, _ in year.world.google.calls if not name.endswith((".get", ".list")))
    return {"m365": graph, "google": google}


@contextmanager
def untouched(year: SchoolYear) -> Iterator[None]:
    """In this block no target is written to: everything there stays as it is, and no cloud is even asked."""
    there, asked = held_there(year), asked_to_write(year)
    yield
    assert asked_to_write(year) == asked
    assert held_there(year) == there


def verdicts(night: Night) -> dict[str, str]:
    """Each target's verdict."""
    return {name: str(one.verdict) for name, one in night.targets.items()}


def everywhere(word: str) -> dict[str, str]:
    """That verdict in every target."""
    return dict.fromkeys(EVERYWHERE, word)


def done(night: Night) -> dict[str, dict[str, int]]:
    """What was done in each target, without the noughts."""
    return {name: {kind: count for kind, count in one.tally.items() if count} for name, one in night.targets.items()}


def said(night: Night) -> str:
    """Every sentence of a night, as one text."""
    told = [night.unread, *night.held, *night.conflicts, *night.notices, *SchoolYear.troubles(night)]
    for one in night.targets.values():
        told += [*(each.why for each in one.plan.conflicts), *one.plan.notices] if one.plan else []
    return "\n".join(told)


def today(year: SchoolYear) -> tuple[str, str]:
    """`--today` as the next command needs it."""
    return "--today", year.world.day.isoformat()


def later(year: SchoolYear, wait: timedelta = timedelta(), stopping: Callable[[], bool] = lambda: False) -> Line:
    """What a run of the last night's day is given when it begins so much later; `stopping` is the end of its window."""
    world = year.world
    return line(
        world.settings,
        world.settings.schools[SCHOOL],
        world.store,
        world.day,
        stopping,
        clock=lambda: datetime.now(UTC) + wait,
    )


def who(year: SchoolYear, first: str, last: str) -> str:
    """Somebody's username by the names that the MIS has."""
    return year.person(first, last).username or ""


def reopened(year: SchoolYear) -> None:
    """The process ends and another one begins: the settings are read and the store is opened again."""
    year.world.store.close()
    year.world.settings = load(year.world.settings.path)
    year.world.store = open_store(year.world.settings)


def vanish(year: SchoolYear, *numbers: int) -> dict[int, Any]:
    """These pupils are in no answer of the MIS any more; gives their records, to be put back."""
    gone = {number: year.school.pupils.pop(number) for number in numbers}
    for key, lesson in year.school.classes.items():
        year.school.classes[key] = replace(lesson, pupils=tuple(each for each in lesson.pupils if each not in gone))
    return gone


__all__ = [
    "EVERYWHERE", "PLACES", "SCHOOL", "SchoolYear", "asked_to_write", "done", "everywhere", "held_there", "later", "reopened", "said", "story", "today",
    "untouched", "vanish", "verdicts", "who",
]  # fmt: skip
