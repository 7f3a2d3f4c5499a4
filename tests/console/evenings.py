"""Nights at a school of sixty: a quiet one, one whose reading is cut off, one with more leavers than the limit; and a desk that does what was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

from desks import until
from morning import MINE, Morning
from onroll_connectors.sandbox.directory import forget
from onroll_core import pipeline
from onroll_core.night import Night
from onroll_daemon.desk.desk import Desk
from onroll_daemon.wiring import line

PUPILS = 60
MARKUP = "<b>Bo</b>"


def pupils(count: int = PUPILS, named: str = "Pupil") -> list[str]:
    """Rows of pupils who have just joined, so that nobody is surprised by their accounts."""
    return [f"{number},{named},Number{_letters(number)},7,{date.today():%d/%m/%Y}," for number in range(1, count + 1)]


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def catch_up(world: Morning) -> None:
    """The first night ran by the real clock: the morning comes after it, whatever day it is."""
    world.now[0] = datetime.now(UTC) + timedelta(minutes=1)


def night(world: Morning, school: str = MINE, by: str = "service") -> Night:
    """One night, a while later."""
    world.later(minutes=5)
    told = pipeline.sync(line(world.settings, world.settings.schools[school], world.store, clock=world.clock), by=by)
    world.later(minutes=5)
    forget(str(world.command.folder / "directory.json"))
    return told


def held_reading(world: Morning) -> Night:
    """The export is cut off after a third: what is read is not believed."""
    world.command.students(*pupils(20))
    told = night(world)
    assert told.held
    return told


def held_plan(world: Morning, gone: int = 8) -> Night:
    """The first few are missing from three readings in a row: more accounts would be disabled than may."""
    world.command.students(*pupils()[gone:])
    for _ in range(3):
        told = night(world)
    assert told.targets["ad"].verdict == "held", told.sync_json()
    return told


def digest_of(told: Night) -> str:
    """Of what is held."""
    if told.held:
        return told.snapshot
    plan = told.targets["ad"].plan
    assert plan is not None
    return plan.digest


def desk_does(world: Morning, school: str = MINE) -> list[Any]:
    """Everything that was asked for is done; gives those requests as they ended."""
    world.later(minutes=1)
    asked = [each.id for each in world.store.requests.open(school)]
    desk = Desk(world.settings, world.store, world.clock)
    desk.start()
    try:
        until(lambda: not world.store.requests.open(school))
    finally:
        desk.stop()
        forget(str(world.command.folder / "directory.json"))
    world.later(minutes=1)
    return [world.store.requests.get(each) for each in asked]


def disabled(world: Morning) -> int:
    """How many accounts onroll has switched off."""
    return sum(not bond.enabled for bond in world.store.bonds("ad").values())


def words(html: str) -> str:
    """What a page says, without its markup."""
    text = re.sub(r"<svg.*?</svg>|<head>.*?</head>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def forms(html: str, action: str) -> list[dict[str, str]]:
    """The hidden fields of each form that is sent to `action`."""
    found = re.findall(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', html, flags=re.DOTALL)
    return [dict(re.findall(r'name="([^"]+)" value="([^"]*)"', each)) for each in found]


def audited(world: Morning, *schools: str) -> Sequence[str]:
    """What the audit says, the newest first."""
    return [each.what for each in world.store.console.audit.list(schools or None)]
