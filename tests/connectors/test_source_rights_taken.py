"""Each right of each route, taken away: the check names it and what it is for; what is needed ends a reading, what is optional does not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from onroll_connectors import source_rights
from onroll_connectors.rights import Right
from onroll_connectors.sandbox import sims as sims_sandbox
from onroll_connectors.sandbox.oneroster import CLIENT, SECRET
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import Application, Request, Response, serve
from onroll_connectors.sandbox.stages import build
from onroll_connectors.secrets import Secret
from onroll_core.contracts import Report, Source
from onroll_core.errors import Halt
from onroll_core.people import Role, Status
from onroll_daemon.kinds import settings_of
from sql_world import watched
from world import Clock, DictMemory, context

TODAY = date(2026, 11, 24)
SCHOOL = milton_park(TODAY, 7, 4)
ALL = {"contacts": True, "dates_of_birth": True}
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("wonde", ALL), ("arbor", ALL), ("arbor", {"classes": "academic_units", "future": "enrolment"}), ("bromcom", {"house_entity": "HouseClasses"}),
    ("bromcom", {"teachers": "timetable"}), ("bromcom_soap", {"house_entity": "HouseClasses", "contacts": True}), ("isams", {}),
    ("isams_rest", ALL), ("oneroster", {"contacts": True}), ("xporter", ALL), ("scholarpack", ALL), ("cmis", {"class_name": "{subject}"}),
    ("wcbs", {"contacts": True}),
]  # fmt: skip
"""Routes, with settings that ask for each of their rights at least once."""


def lose(simulator: Any, attribute: str, name: str) -> None:
    setattr(simulator, attribute, frozenset(getattr(simulator, attribute)) - {name})


def gain(simulator: Any, attribute: str, name: str) -> None:
    setattr(simulator, attribute, frozenset({name}))


def untick(simulator: Any, name: str) -> None:
    simulator.scopes = frozenset(simulator._entities()) - {name}


TAKE: dict[str, Callable[[Any, str], None]] = {
    "wonde": lambda it, name: gain(it, "withheld", name),
    "arbor": lambda it, name: gain(it, "unseen", name),
    "bromcom": untick,
    "bromcom_soap": lambda it, name: lose(it, "ticked", name),
    "isams": lambda it, name: lose(it, "methods", name),
    "isams_rest": lambda it, name: gain(it, "forbidden", f"/{name.partition('{}')[0]}"),
    "oneroster": lambda it, name: gain(it, "withheld", name),
    "xporter": lambda it, name: lose(it, "scopes", name),
    "scholarpack": lambda it, name: lose(it, "scopes", name),
}


class Door:
    """One server for all these tests, since a server of its own takes each of them longer than all else; `application` is who answers."""

    url: str
    application: Application

    def __call__(self, request: Request) -> Response:
        return self.application(request)

    def lets_in(self, application: Application) -> str:
        """Where `application` answers from now on."""
        self.application = application
        return self.url


DOOR = Door()


@pytest.fixture(scope="module", autouse=True)
def served() -> Iterator[None]:
    with serve(DOOR) as url:
        DOOR.url = url
        yield


@contextmanager
def reached(
    kind: str, more: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, taken: Right | None = None
) -> Iterator[tuple[Source, int]]:
    """A source of `kind` without the right that is `taken`, and how many pupils are on roll."""
    school = with_comers_and_goers(milton_park(TODAY, 30, 5))
    built = build(kind, school, folder)
    for name, value in built.secrets.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        url = ""
        if built.application is not None:
            url = DOOR.lets_in(built.application)
            if kind == "wonde":
                built.application.hidden = frozenset()  # type: ignore[attr-defined]
            if taken is not None:
                TAKE[kind](built.application, taken.name)
        else:
            built.refresh()
            if taken is not None:
                stack.enter_context(watched(lambda table, column: table == taken.name))
        told = settings_of("sources", kind)(**(tomllib.loads(built.source(url)) | more))
        connect = import_module(f"onroll_connectors.sources.{kind}").connect
        source = connect(told, context("source", Clock(), memory=DictMemory()))
        try:
            yield (
                source,
                sum(
                    each.status == "on roll" and not (each.ends and each.ends < TODAY)
                    for each in school.pupils.values()
                ),
            )
        finally:
            source.close()


def rights() -> Iterator[Any]:
    for kind, more in WAYS:
        told = settings_of("sources", kind)(
            **(tomllib.loads(build(kind, SCHOOL, Path()).source("http://127.0.0.1:1")) | more)
        )
        for right in source_rights.asked(kind, told):
            yield pytest.param(kind, more, right, id=f"{kind}-{right.name}")


def on_roll(source: Source) -> int:
    return sum(each.role is Role.STUDENT and each.status is Status.ON_ROLL for each in source.read().people)


def said(report: Report, level: str) -> list[str]:
    return [each.sentence for each in report.findings if each.level == level]


@pytest.mark.parametrize(("kind", "more", "right"), [*rights()])
def test_a_right_that_is_taken_away_is_named_with_what_it_is_for(
    kind: str, more: dict[str, Any], right: Right, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reached(kind, more, tmp_path, monkeypatch, right) as (source, people):
        report = source.check()
        level = "problem" if right.needed else "warning"
        assert [each for each in said(report, level) if right.name in each and right.purpose in each]
        assert report.good is not right.needed
        if right.needed:
            with pytest.raises(Halt, match=re.escape(right.name)):
                source.read()
        else:
            assert on_roll(source) == people


@pytest.mark.parametrize(("kind", "more"), WAYS)
def test_with_every_right_nothing_is_said_to_be_missing(
    kind: str, more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reached(kind, more, tmp_path, monkeypatch) as (source, people):
        report = source.check()
        assert report.good
        assert not [each for each in said(report, "warning") if "given onroll" in each]
        assert on_roll(source) == people


def test_every_right_of_every_web_or_sql_route_was_taken_away() -> None:
    tried = {(each.values[0], each.values[2].purpose) for each in rights()}
    assert {(kind, each.purpose) for kind, _ in WAYS for each in source_rights.rights(kind).table} <= tried


def refused(self: Path, *_: Any) -> Any:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("kind", ["csv", "ctf", "oneroster_csv", "sims"])
@pytest.mark.parametrize(
    ("way", "says"), [("iterdir", "The folder"), ("is_dir", "The folder"), ("read_bytes", "cannot be read")]
)
def test_files_that_may_not_be_read_are_named_with_whom_to_let_in(
    kind: str, way: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (kind, way) == ("ctf", "is_dir"):
        way = "exists"
    with reached(kind, {}, tmp_path, monkeypatch) as (source, _):
        assert source.check().good
        monkeypatch.setattr(Path, way, refused)
        (problem,) = said(source.check(), "problem")
        assert says in problem
        assert "Let the account that onroll's service runs as read it" in problem
        with pytest.raises(Halt, match="Permission denied"):
            source.read()


@pytest.mark.parametrize(
    ("group", "without", "level"),
    [("Third Party Reporting", {"ids": False}, "problem"), ("Class Teacher", {"classes": False}, "warning")],
)
def test_a_group_that_the_user_of_sims_is_not_in_is_named(
    group: str, without: dict[str, bool], level: str, tmp_path: Path
) -> None:
    sims_sandbox.Sims(milton_park(TODAY, 30, 5), tmp_path, **without).write()
    sims = import_module("onroll_connectors.sources.sims")
    source = sims.connect(
        sims.Settings(path=str(tmp_path), quiet_seconds=0, max_age_days=0), context("source", Clock())
    )
    assert [each for each in said(source.check(), level) if group in each]


def test_a_user_who_may_not_run_reports_is_told_the_group_for_it(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    sims_sandbox.Sims(milton_park(TODAY, 30, 5), tmp_path / "reports").write()
    command = sims_sandbox.command_reporter(tmp_path / "reports", tmp_path, may_run=False)
    sims = import_module("onroll_connectors.sources.sims")
    source = sims.connect(sims.Settings(command=str(command)), context("source", Clock()))
    (problem,) = said(source.check(), "problem")
    assert "Scheduled Reports" in problem


@pytest.mark.parametrize(
    ("scope", "granted", "lacking"),
    [
        ("", "", False),
        ("", "roster.readonly", False),
        ("roster-core.readonly", "roster.readonly", False),
        ("", "roster-core.readonly", False),
        ("", "roster-demographics.readonly", True),
    ],
)
def test_a_scope_that_a_token_comes_without_is_named(
    scope: str, granted: str, lacking: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "https://purl.imsglobal.org/spec/or/v1p2/scope/"
    monkeypatch.setenv("ONROLL_TEST_ONEROSTER", SECRET)
    built = build("oneroster", milton_park(TODAY, 30, 5), tmp_path)
    built.application.granted = whole + granted if granted else ""  # type: ignore[union-attr]
    oneroster = import_module("onroll_connectors.sources.oneroster")
    url = DOOR.lets_in(built.application)  # type: ignore[arg-type]
    own = tomllib.loads(built.source(url)) | {
        "client_id": CLIENT,
        "client_secret": Secret("env:ONROLL_TEST_ONEROSTER"),
    }
    del own["token"]
    told = oneroster.Settings(**own, token_url=f"{url}/oauth/token", scope=whole + scope if scope else "")
    source = oneroster.connect(told, context("source", Clock()))
    problems = said(source.check(), "problem")
    source.close()
    assert any(f"the scope {whole}roster.readonly, but {whole}{granted}." in each for each in problems) is lacking
    assert bool(problems) is lacking
