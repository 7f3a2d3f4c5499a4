"""A fictional school's first weeks, on this machine alone: simulated MIS, Graph and Google over loopback, an embedded directory, SQLite.

Night one makes everybody, night two has nothing to do; then come a joiner, a marriage and a rename, a leaver, a returner, two Potters, and an
extract cut in half, which is held. What is shown is what `onroll sync` and `onroll plan` show a technician.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from onroll_connectors.gives import Gives
from onroll_connectors.mis import MISES, gives
from onroll_connectors.sandbox.directory import forget
from onroll_connectors.sandbox.google import Workspace
from onroll_connectors.sandbox.graph import Graph
from onroll_connectors.sandbox.school import School, milton_park
from onroll_connectors.sandbox.serving import serve
from onroll_connectors.sandbox.stages import Stage, stage
from onroll_core import pipeline
from onroll_core.changes import Create, sentence
from onroll_core.night import TALLIES, Night
from onroll_core.store import Store
from onroll_daemon import settings as configuration
from onroll_daemon.samples import chosen
from onroll_daemon.session import document, quieten, say, sentences
from onroll_daemon.settings import Settings
from onroll_daemon.wiring import line, open_store

FIRST_DAY = date(2026, 11, 24)
NIGHTFALL, MORNING = time(19, 30), time(8, 10)
ZONE = ZoneInfo("Europe/London")
DOMAIN = "miltonpark.test"
_TOKEN = "ONROLL_DEMO_TOKEN"
_DIRECTORY = "milton-park demo"


class StoryClock:
    """The time of the story: it goes on like any clock, and is turned forward from one night to the next. Aware, in UTC."""

    def __init__(self, moment: datetime) -> None:
        self.turn(moment)

    def turn(self, moment: datetime) -> None:
        """Set it to a moment of the school's own time."""
        self._moment, self._since = moment.replace(tzinfo=ZONE).astimezone(UTC), monotonic()

    def __call__(self) -> datetime:
        """What time it is in the story."""
        return self._moment + timedelta(seconds=monotonic() - self._since)


class MachineClock(StoryClock):
    """This machine's own time, for a story that commands of other processes take part in: it is not turned."""

    def turn(self, moment: datetime) -> None:
        """See `StoryClock`."""
        self._moment, self._since = datetime.now(UTC), monotonic()


@dataclass(slots=True)
class Demo:
    """The world of the demo: the school and the systems around it, and the day it is."""

    school: School
    stage: Stage
    gives: Gives
    graph: Graph
    google: Workspace
    settings: Settings
    store: Store
    day: date
    clock: StoryClock
    nights: list[dict[str, Any]] = field(default_factory=list)
    _whole: School | None = None

    def night(self, name: str, approve: str | None = None) -> Night:
        """One night's sync, a day later than the last one."""
        self.day += timedelta(days=1)
        self.clock.turn(datetime.combine(self.day, NIGHTFALL))
        self.school.today = self.day
        self.stage.refresh()
        school = self.settings.schools["milton-park"]
        it = line(self.settings, school, self.store, self.day, progress=_progress(), clock=self.clock)
        night = pipeline.sync(it, [approve] if approve else (), "demo")
        self.nights.append({"name": name} | night.sync_json())
        return night

    def joins(self, first: str, last: str, year: int = 7) -> int:
        """A pupil is admitted; gives the MIS's number."""
        return self.school.joins(first, last, year).number

    def marries(self, last: str) -> tuple[str, str]:
        """The first member of staff takes another surname; gives the username, and the one that would now fit."""
        number = min(self.school.staff)
        before = self.username(self.school.staff[number].first, self.school.staff[number].last)
        self.school.marries(number, last)
        return before, f"{before.partition('.')[0]}.{last.lower()}"

    def rename(self, old: str, new: str) -> None:
        """What `onroll users rename` does."""
        (person,) = self.store.find("milton-park", old)
        self.store.rename(person.id, new, f"{new}@{DOMAIN}", True, self.clock(), "demo")

    def leaves(self, number: int) -> None:
        """A pupil's last day was the last one."""
        self.school.leaves(number, self.day)

    def returns(self, number: int) -> None:
        """The pupil is put back on roll."""
        self.school.returns(number)

    def halve(self, half: bool) -> None:
        """The MIS's extract is cut in half, or whole again."""
        if half:
            self._whole = replace(self.school)
            self.school.pupils = {n: each for n, each in self.school.pupils.items() if n % 2}
            self.school.classes = {
                n: replace(each, pupils=tuple(one for one in each.pupils if one in self.school.pupils))
                for n, each in self.school.classes.items()
            }
        elif self._whole is not None:
            self.school.pupils, self.school.classes = self._whole.pupils, self._whole.classes

    def accounts(self) -> dict[str, Any]:
        """How many accounts there are, and a digest of usernames and addresses that is the same wherever the demo runs."""
        people = self.store.identities("milton-park")
        lines = sorted(f"{each.username}\t{each.email}" for each in people if each.username)
        return {"count": len(lines), "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest()}

    def username(self, first: str, last: str) -> str:
        """The username of somebody by their names."""
        for each in self.store.identities("milton-park"):
            if (each.person.first, each.person.last) == (first, last):
                return each.username or ""
        return ""


def main(once: bool, as_json: bool, pupils: int = 1200, mis: str = "wonde", route: str | None = None) -> None:
    """Tell the story; without `once` (and `--json`) it ends in a running console, until Ctrl-C.

    `mis` is one of the twelve, or the name of a source; `route` is another way to it than its own.
    """
    quieten()
    tell = (lambda text="": None) if as_json else say
    with sentences(), demo(pupils, mis=mis, route=route, own_time=not once) as world:
        story(world, tell)
        if as_json:
            document({"nights": world.nights, "accounts": world.accounts()})
        if not once and not as_json:
            from onroll_daemon.demo_console import closing_school, stay

            _told(
                tell,
                "The office types in the pupils of a school that closed in summer, all with September's dates.",
                closing_school(world),
            )
            stay(world)


@contextmanager
def demo(
    pupils: int = 1200,
    folder: Path | None = None,
    directory: str | None = None,
    mis: str = "wonde",
    route: str | None = None,
    own_time: bool = False,
) -> Iterator[Demo]:
    """The school and every system around it, up for the length of the block.

    `folder` keeps the configuration and the store; `directory` is the table of another Active Directory than the embedded one (TOML, without its header).
    `own_time`: the story has a time of its own, a night a day, and Active Directory gets groups; it is to be looked at.
    Raises Misconfigured for a MIS or a route that onroll does not have.
    """
    mis, chosen_route = chosen(mis, route)
    found = MISES.get(mis)
    way = chosen_route or (found.route if found else mis)
    preset = found.preset if found and way == "csv" else None
    with ExitStack() as stack:
        where = folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="onroll-demo-", ignore_cleanup_errors=True))
        )
        school = milton_park(FIRST_DAY, pupils, max(4, pupils * 140 // 1200))
        staged = stack.enter_context(stage(way, school, where, preset))

        clock = (StoryClock if own_time else MachineClock)(datetime.combine(FIRST_DAY, time(12)))
        graph = Graph(domains={DOMAIN: "Managed"}, now=clock)
        google = Workspace(domains={DOMAIN: True}, now=clock)
        urls = [stack.enter_context(serve(each)) for each in (graph, google)]
        os.environ[_TOKEN] = "a-token-of-the-demo"  # the simulated clouds let everybody in who has one
        os.environ.update(staged.secrets)
        name = f"{_DIRECTORY} {where.name}"
        stack.callback(forget, name)
        own = f'server = "embedded:{name}"\nbase = "OU=Milton Park,DC=miltonpark,DC=test"'
        path = where / "onroll.toml"
        table = (directory or own) + ('\ngroups = ["year", "registration"]' if own_time else "")
        path.write_text(_configuration(table, mis, way, staged, *urls), encoding="utf-8")
        settings = configuration.load(path)
        store = open_store(settings, clock)
        stack.callback(store.close)
        told = gives(way, preset)
        yield Demo(school, staged, told, graph, google, settings, store, FIRST_DAY - timedelta(days=1), clock)


def clouds(graph: str, google: str, token: str) -> str:
    """The tables of both simulated clouds at their addresses; `token` is the name of an environment variable. They have no quotas, so that a story is told in a minute."""
    return f"""
[targets.m365]
kind = "microsoft365"
endpoint = "{graph}/v1.0"
token = "env:{token}"
writes_per_window = 18000

[targets.google]
kind = "google_workspace"
endpoint = "{google}"
token = "env:{token}"
queries_per_minute = 6000000
creates_per_second = 100000
units_per_second = 1000
"""


def _configuration(directory: str, mis: str, route: str, staged: Stage, graph: str, google: str) -> str:
    return f"""
[console]
listen = "127.0.0.1:{_free("127.0.0.1", 8750)}"

[targets.ad]
kind = "active_directory"
{directory}
{clouds(graph, google, _TOKEN)}
[[school]]
id = "milton-park"
name = "Milton Park School"
domain = "{DOMAIN}"
mis = "{mis}"
route = "{route}"
country = "{staged.country}"
targets = ["ad", "m365", "google"]

[school.source]
{staged.source}

[school.students]
username = "{{yoe2}}{{initial}}{{last}}"
place = "Students/{{yoe4}}"

[school.staff]
username = "{{initial}}.{{last}}"
place = "Staff"
"""


def _free(host: str, port: int) -> int:
    """`port` where nobody has it, else another one."""
    for each in (port, 0):
        try:
            with socket.create_server((host, each)) as door:
                return int(door.getsockname()[1])
        except OSError:
            continue
    return port


def story(world: Demo, tell: Any) -> None:
    tell(
        "Milton Park School does not exist. Its MIS, its Active Directory, its Microsoft 365 and its Google Workspace are simulated here.\n"
    )
    _told(tell, "Night one: everybody gets an account.", world.night("first night"))
    _told(tell, "Night two: nothing has changed, so nothing is written.", world.night("nothing to do"))

    zofia = world.joins("Zofia", "Wiśniewska", 9)
    _told(tell, "A pupil joins.", world.night("a joiner"))

    if world.gives.staff:
        old, new = world.marries("Featherstone")
        _told(
            tell,
            "A member of staff marries: the display name follows the MIS, the username does not.",
            world.night("a marriage"),
        )
        world.rename(old, new)
        _told(tell, f"A person asks for it: onroll users rename {old} {new}", world.night("a rename"))

    world.leaves(zofia)
    _told(tell, "Zofia leaves again: the account is disabled, and still there.", world.night("a leaver"))
    world.returns(zofia)
    _told(tell, "And comes back, to the same account.", world.night("a returner"))

    world.joins("Harry", "Potter")
    world.joins("Hermione", "Potter")
    _told(tell, "Two Potters arrive in Year 7.", world.night("two Potters"))

    world.halve(True)
    _told(tell, "The MIS's extract is cut in half.", world.night("half an extract"))
    world.halve(False)
    _told(tell, "The next night it is whole again.", world.night("and now there is nothing to do"))


def _told(tell: Any, headline: str, night: Night) -> None:
    tell(headline)
    if night.unread:
        tell(f"  {night.unread}")
    for objection in night.held:
        tell(f"  HELD: {objection}")
    if any(target.verdict == "held" for target in night.targets.values()):
        for name, target in night.targets.items():
            for objection in target.objections:
                tell(f"  {name:<7} HELD: {objection}")
        tell("  Nothing was written. If it is right, a person approves exactly this plan.")
    elif night.held:
        tell(
            f"  Nothing was written, and nothing of it was remembered. If it is right: onroll sync milton-park --approve {night.snapshot}"
        )
    else:
        for name, target in night.targets.items():
            done = ", ".join(f"{target.tally[each]} {each}" for each in TALLIES if target.tally[each])
            tell(f"  {name:<7} {target.error or done or 'nothing to do'}")
            changes = target.plan.changes if target.plan else ()
            if 0 < len(changes) <= 4 or (changes and name == "ad"):
                for change in changes[:3]:
                    tell(f"            {sentence(change)}")
                if len(changes) > 3:
                    more = len(changes) - 3
                    tell(f"            ... and {more} more{' like these' if isinstance(changes[-1], Create) else ''}")
            for trouble in target.troubles[:5]:
                tell(f"            failed: {trouble}")
        for conflict in pipeline.unsettled(night)[:3]:
            tell(f"  for a person: {conflict.why}")
    tell("")


def _progress() -> Any:
    """A line that is written over, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda what, done, total: None

    def show(what: str, done: int, total: int | None) -> None:
        sys.stderr.write(f"\r\033[K  {what}: {done}{f' of {total}' if total else ''}" if done != total else "\r\033[K")
        sys.stderr.flush()

    return show
