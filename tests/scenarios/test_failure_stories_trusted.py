"""Stories of trust that was betrayed: a name that should be gone, a dry run that was not dry, and a sync that stood still and said nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI

from onroll_daemon.demo import DOMAIN
from onroll_daemon.freshness import Freshness
from onroll_daemon.health import health_routes
from onroll_daemon.metrics import Metrics
from onroll_daemon.service import Service
from onroll_daemon.timetable import Attempt
from school_year import school_year
from stories import EVERYWHERE, PLACES, SCHOOL, SchoolYear, done, held_there, said, story, today, untouched, who


def test_preferred_names_and_deadnames(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Story 23: a pupil's former name stayed in an alias, a log, a list. Here it is in none, and the legal name is nowhere but in the MIS."""
    caplog.set_level(logging.DEBUG)
    with school_year(tmp_path, 14) as year:
        for place in PLACES:
            year.world.google.add_unit(place)
        year.configure(lambda text: text.replace('username = "{yoe2}{initial}{last}"', 'username = "{first}{last}"'))
        school, graph = year.school, year.world.graph
        pupil = school.joins("Tobias", "Nightshade", 9)
        # And one whose legal name was never used here at all.
        other = school.joins("Robin", "Gale", 9)
        school.pupils[other.number] = replace(other, legal_first="Bartholomew")
        year.night("the first night")
        year.nothing_to_do()
        assert "bartholomew" not in everything_there(year)
        caplog.clear()

        # The pupil is called Thea from now on; the legal name in the MIS stays. The plan says the new name, and not the old one.
        school.pupils[pupil.number] = replace(pupil, first="Thea")
        year.onroll("pull", SCHOOL, *today(year))
        shown = year.onroll("plan", SCHOOL, *today(year)).out
        assert "display_name to 'Thea Nightshade', given to 'Thea'" in shown
        assert "Tobias" not in shown
        assert done(year.night("Thea")) == dict.fromkeys(EVERYWHERE, {"updated": 1})
        assert year.ad.value("tobiasnightshade", "displayName") == ["Thea Nightshade"]

        # The username is changed when she asks, and the old address does not follow her.
        year.onroll("users", "rename", "tobiasnightshade", "theanightshade", "--no-alias")
        assert done(year.night("a rename")) == dict.fromkeys(EVERYWHERE, {"renamed": 1})
        night = year.night("what onroll cannot do")
        assert "onroll cannot take an alias away in m365: remove it in its admin center" in said(night)
        user = graph.user(f"theanightshade@{DOMAIN}")
        user.addresses = [each for each in user.addresses if "tobias" not in each]
        graph.directory._write(user, {"proxyAddresses": list(user.addresses)}, graph.directory.seconds())
        assert not said(year.night("it was removed"))
        year.nothing_to_do()

        # It is in no target, in nothing that is listed or planned, and in no log; and what her own page tells has it in no sentence.
        assert "tobias" not in everything_there(year)
        for command in (
            ("users", "list"), ("plan", SCHOOL), ("check", SCHOOL), ("runs",), ("links", "list", "--target", "ad"), ("groups", "list", SCHOOL),
            ("runs", "show", str(night.run)),
        ):  # fmt: skip
            told = year.onroll(*command)
            assert "tobias" not in (told.out + told.err).lower(), (command, told)
        for command in (("users", "show", "theanightshade"), ("explain", "theanightshade")):
            told = year.onroll(*command)
            assert "Tobias" not in told.out + told.err, [line for line in told.out.splitlines() if "Tobias" in line]
        assert not [
            each for each in caplog.records if each.levelno >= logging.INFO and "tobias" in each.getMessage().lower()
        ]

        # Nobody else is ever given the old address, and nobody learns the legal name of somebody who does not use it.
        school.joins("Tobias", "Nightshade", 8)
        year.night("a namesake")
        assert who(year, "Tobias", "Nightshade") == "tobiasnightshade1"
        for command in (
            ("users", "show", "robingale"),
            ("explain", "robingale"),
            ("users", "list"),
            ("runs", "show", "1"),
        ):
            told = year.onroll(*command)
            assert "bartholomew" not in (told.out + told.err).lower(), command
        assert "bartholomew" not in everything_there(year)
        year.nothing_to_do()


def everything_there(year: SchoolYear) -> str:
    """All that the targets hold, as one lower-case text."""
    return str(held_there(year)).lower()


def test_a_dry_run_that_is_not_dry(tmp_path: Path) -> None:
    """Story 24: the test run wrote, or did something else than the real one. Here nothing but reads leaves, and what was shown is what is done."""
    with story(tmp_path) as year:
        school = year.school
        # As much as can be to do: a joiner, a leaver, a returner whose accounts are in the recycle bin, a marriage, a rename, other classes.
        zofia = school.joins("Zofia", "Wiśniewska", 9)
        year.night("a joiner")
        name = who(year, "Zofia", "Wiśniewska")
        year.world.leaves(zofia.number)
        year.night("a leaver")
        year.world.graph.directory.delete(year.world.graph.user(f"{name}@{DOMAIN}"))
        year.world.google.writes.delete(year.world.google.user(f"{name}@{DOMAIN}").id)
        school.returns(zofia.number)
        school.joins("Harry", "Potter", 7)
        old, new = year.world.marries("Featherstone")
        year.world.rename(old, new)
        year.world.leaves(min(school.pupils))
        year.groups("registration", targets=("ad",))

        # A pull remembers, and writes to no target. From then on, everything that looks leaves every target and the store's own tables as they are.
        with untouched(year):
            year.onroll("pull", SCHOOL, *today(year))
        before = remembered(year)
        with untouched(year):
            for command in (
                ("plan", SCHOOL, *today(year)), ("plan", SCHOOL, *today(year), "--target", "google", "--json"), ("plan", SCHOOL, "--as-of", "2027-09-06"),
                ("check", SCHOOL), ("users", "list", "--csv", str(tmp_path / "users.csv")), ("users", "show", name), ("explain", name, *today(year)),
                ("groups", "list", SCHOOL), ("links", "list", "--target", "ad"), ("runs",), ("runs", "show", "1"),
            ):  # fmt: skip
                year.onroll(*command, code=3 if "--as-of" in command and year.plan().exit_code == 3 else 0)
            year.onroll("rename", SCHOOL, "--format", "--user", new, code=0)
        assert remembered(year) == before

        # Nor could it write: with rights to read and no other, the plan is the same.
        shown = {each["target"]: each for each in year.json("plan", SCHOOL, *today(year))["plans"]}
        graph, google = year.world.graph, year.world.google
        permissions, graph.permissions = set(graph.permissions), graph.permissions
        graph.permissions -= {each for each in permissions if "ReadWrite" in each or "Create" in each}
        graph.permissions |= {"User.Read.All", "Group.Read.All"}
        google.denied |= {f"directory.users.{each}" for each in ("insert", "update", "patch", "undelete")} | {
            "directory.orgunits.insert"
        }
        with untouched(year):
            again = {each["target"]: each for each in year.json("plan", SCHOOL, *today(year))["plans"]}
        assert again == shown
        graph.permissions |= permissions
        google.denied.clear()

        # The real run does that, all of that and nothing else.
        applied = year.json("apply", SCHOOL, *today(year))
        run = year.json("runs", "show", str(applied["run"]))
        for plan in run["plans"]:
            told = [(each["kind"], each["identity"]) for each in shown[plan["target"]]["changes"]]
            assert [(each["kind"], each["identity"]) for each in plan["changes"]] == told
            assert {each["outcome"] for each in plan["changes"]} == {"applied"}
            assert plan["digest"] == shown[plan["target"]]["digest"]
        year.night("a restored account is put in its place")
        year.nothing_to_do()


def remembered(year: SchoolYear) -> dict[str, list[Any]]:
    """Every table of the store, less what was only seen: names in use, what a target keeps to read less."""
    with sqlite3.connect(next(year.world.settings.path.parent.glob("*.db"))) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: store.execute(f"SELECT * FROM {name}").fetchall()
            for name in tables
            if name not in ("names", "memories")
        }  # noqa: S608


@dataclass
class Clock:
    """The time, as a watch on a wall in London."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def at(self, day: date, hour: int, minute: int = 0) -> None:
        self.now = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo("Europe/London"))


@dataclass
class Watched:
    """The service as its pages see it, with a schedule that this test keeps by hand."""

    service: Service
    clock: Clock

    @property
    def metrics(self) -> Metrics:
        return self.service.metrics

    def freshness(self) -> dict[str, Freshness]:
        return self.service.freshness()

    def schedule_runs(self) -> bool:
        return True

    def next_start(self, school: str) -> datetime:
        return self.clock() + timedelta(hours=20)


def page(service: Watched, path: str) -> tuple[int, str]:
    """One of the service's pages, asked as a monitor asks."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode(),
             "query_string": b"", "headers": [], "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1)}  # fmt: skip
    app = FastAPI()
    app.include_router(health_routes(service))
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]).decode()


def test_a_silent_stall_nobody_notices(tmp_path: Path) -> None:
    """Story 25: nothing had been synchronised for weeks, and the date on the page meant nothing. Here it is said since when, and why."""
    with story(tmp_path, 14) as year:
        tuesday = date(2026, 12, 1)
        clock = Clock(datetime(2026, 12, 1, tzinfo=ZoneInfo("UTC")))
        service = Watched(Service(year.world.settings, year.world.store, clock), clock)
        year.school.today = tuesday

        def night(day: date, hour: int = 19) -> dict[str, Any]:
            """A run of the service in its window, and what the health page says an hour after that closed."""
            clock.at(day, hour, 5)
            year.school.today = day
            service.service.run(SCHOOL, lambda: False, Attempt(clock(), clock() + timedelta(hours=2)))
            return health(day, 23)

        def health(day: date, hour: int) -> dict[str, Any]:
            clock.at(day, hour)
            status, body = page(service, "/healthz")
            told: dict[str, Any] = json.loads(body)
            assert (status == 200) is (told["status"] == "ok")
            return {"status": told["status"]} | told["schools"][SCHOOL]

        # Nights on which nothing had to be changed are fresh all the same, and say why the date of the last change is old.
        for days in range(3):
            told = night(tuesday + timedelta(days=days))
            assert told["word"] == "fresh", told
        assert "everybody was read on 3 December at 19:05" in told["why"]
        assert "an older day there only means that nothing had to be" in told["why"]

        # The MIS withdraws its permission. That evening it may still come right; after the window it has not, and the page says since when and why.
        wonde = year.world.stage.simulator
        wonde.fault = "403"
        friday = tuesday + timedelta(days=3)
        told = night(friday)
        assert told["word"] == "failing", told
        for each in (
            "the MIS could not be read since 4 December at 19:05",
            "Everybody was read on 3 December at 19:05",
        ):
            assert each in told["why"], told["why"]
        told = night(friday + timedelta(days=3))
        assert "since 4 December at 19:05" in told["why"], "since the first time, not the last"
        assert told["status"] == "failing"
        metrics = page(service, "/metrics")[1]
        assert "onroll" in metrics
        assert SCHOOL in metrics
        with untouched(year):
            typed = year.onroll("sync", SCHOOL, *today(year), code=4)
        assert typed.err or typed.out
        assert "unread" in year.onroll("runs").out
        assert "could not be read" in year.onroll("check", SCHOOL, code=1).out

        # It is given back, and everything is well the same night.
        wonde.fault = ""
        assert night(friday + timedelta(days=4))["word"] == "fresh"

        # The service itself stands still (the machine is off, the process hangs): nobody reports anything, and that is what is reported.
        told = health(friday + timedelta(days=6), 23)
        assert told["word"] == "failing", told
        assert (
            "everybody was read on 8 December at 19:05, and nothing was read in the window that closed on 10 December"
            in told["why"]
        ), told["why"]

        # One target that takes nothing is failing too, whatever the others do.
        year.world.graph.locked_out = True
        told = night(friday + timedelta(days=7))
        assert told["word"] == "failing", told
        assert "m365 could not be brought into line" in told["why"], told["why"]
        year.world.graph.locked_out = False
        assert night(friday + timedelta(days=8))["word"] == "fresh"
        year.world.day = clock.now.date()
        year.nothing_to_do()
