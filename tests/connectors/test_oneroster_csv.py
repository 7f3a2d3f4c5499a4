"""Rosters as files: the contract, OneRoster 1.1 and 1.2 in bulk, Microsoft's formats, zips, and what files in the wild have been."""

from __future__ import annotations

import random
import zipfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fuzz import MUTATIONS, mutate_bytes, mutate_csv, survives
from onroll_connectors.sandbox.oneroster_csv import Files
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sources import oneroster_csv
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError
from onroll_core.people import GroupKind, Role
from same_school import assert_same_school
from source_world import SourceWorld
from world import DictMemory, context

TODAY = date(2026, 11, 24)


@dataclass
class World(SourceWorld):
    """The school, its files, and how onroll reaches them."""

    folder: Path

    def connect(self, **settings: Any) -> Source:
        told = {"path": str(self.folder), "quiet_seconds": 0, "max_age_days": 0} | settings
        return oneroster_csv.connect(oneroster_csv.Settings(**told), context("source", self.clock, memory=DictMemory()))

    def write(self, form: str, zipped: bool = False) -> None:
        self.simulator.form, self.simulator.zipped = form, zipped
        self.simulator.write()

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8-sig")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="")

    def misbehave(self, how: str) -> bool:
        self.simulator.write()
        users = self.folder / "users.csv"
        body = users.read_bytes()
        if how == "garbage":
            users.write_bytes(b"<html>Down</html>")
        elif how == "empty":
            users.write_bytes(body.split(b"\r\n")[0] + b"\r\n")
        elif how == "repeated records":
            lines = body.split(b"\r\n")
            users.write_bytes(b"\r\n".join([*lines[:2], *lines[1:]]))
        elif how == "breaks off half way":
            users.write_bytes(body[: len(body) // 2])
        elif how == "shows nothing of one kind":
            users.write_bytes(b"\r\n".join(line for line in body.split(b"\r\n") if not line.startswith(b"t-")))
        elif how == "totals do not match":
            (self.folder / "classes.csv").unlink()
        return how in (
            "garbage",
            "empty",
            "repeated records",
            "breaks off half way",
            "shows nothing of one kind",
            "totals do not match",
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    simulator = Files(milton_park(TODAY, 120, 12), tmp_path / "roster")
    simulator.write()
    return World(simulator, tmp_path / "roster")


class TestOneRosterFiles(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


@pytest.mark.parametrize("zipped", [False, True])
def test_the_school_is_the_same_by_version_12(world: World, zipped: bool) -> None:
    with_comers_and_goers(world.school)
    world.write("1.2", zipped)
    assert_same_school(world.read(), world.school, oneroster_csv.GIVES)


SIMPLE = replace(
    oneroster_csv.GIVES, future=False, future_staff=False, untold_staff=frozenset({"starts", "ends"}),
    untold_students=frozenset({"house", "legal_first", "legal_last", "starts", "ends"}),
)  # fmt: skip


@pytest.mark.parametrize("form", ["1.1", "sds_v1", "sds_v1_uk", "sds_v2.1"])
def test_the_school_is_the_same_by_formats_that_tell_less(world: World, form: str) -> None:
    world.write(form)
    gives = SIMPLE
    if form.startswith("sds"):
        gives = replace(
            gives,
            groups=frozenset({GroupKind.YEAR, GroupKind.TEACHING}),
            untold_students=gives.untold_students | {"registration_group"},
        )
    if form == "sds_v2.1":
        gives = replace(
            gives,
            untold_students=gives.untold_students | {"upn", "admission_number"},
            untold_staff=gives.untold_staff | {"staff_code"},
        )
    assert_same_school(world.read(), world.school, gives)
    told = world.connect().check().findings[0].sentence
    assert {"1.1": "OneRoster 1.1", "sds_v1": "v1:", "sds_v1_uk": "v1 (UK)", "sds_v2.1": "v2.1"}[form] in told


def test_guardians_are_read_where_the_school_asks(world: World) -> None:
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    told = [each for each in world.read(contacts=True).people if each.role is Role.CONTACT]
    assert len(told) == len(world.school.contacts)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("manifest.csv", "file.users,bulk", "file.users,delta", "changes alone"), ("manifest.csv", "file.orgs,bulk", "file.orgs,some", "neither bulk nor absent"),
        ("manifest.csv", "oneroster.version,1.2", "oneroster.version,1.3", "says OneRoster 1.3"), ("users.csv", "enabledUser", "givenName", "givenname twice"),
        ("users.csv", ",true,", ",perhaps,", "neither true nor false"), ("roles.csv", "student", "ext:prefect", "ext:prefect"), ("roles.csv", "2020-09-03", "31/31/2020", "is not a date"),
        ("enrollments.csv", "p-10000,student", "p-99999,student", "p-99999"), ("orgs.csv", "district", "school", "2 schools"), ("users.csv", "p-10000,", ",", "there is no sourcedid"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_place(world: World, name: str, old: str, new: str, says: str) -> None:
    world.edit(name, old, new)
    with pytest.raises(OnrollError, match=says):
        world.read()


def test_what_files_in_the_wild_have_been_is_read(world: World) -> None:
    """Misspelt headers, status in bulk files, capitals of every kind, extension columns."""
    world.edit("users.csv", "preferredGivenName", "prefferedGivenName")
    world.edit("users.csv", ",true,", ",TRUE,")
    world.edit("users.csv", "p-10000,,", "p-10000,active,")
    (world.folder / "Users.csv").write_bytes((world.folder / "users.csv").read_bytes())
    (world.folder / "users.csv").unlink()
    assert len(world.read().people) == world.people


def test_a_zip_that_is_no_whole_zip_or_holds_a_name_twice_is_refused(world: World) -> None:
    world.write("1.2", zipped=True)
    path = world.folder / "roster.zip"
    body = path.read_bytes()
    path.write_bytes(body[: len(body) // 2])
    with pytest.raises(Halt, match="no whole zip"):
        world.read()
    path.write_bytes(body)
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("users.csv", b"x")
    with pytest.raises(Halt, match=r"users\.csv twice"):
        world.read()
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(101):
            archive.writestr(f"{n}.csv", b"x")
    with pytest.raises(Halt, match="more than a roster"):
        world.read()


def test_files_that_are_no_roster_are_named(world: World) -> None:
    (world.folder / "manifest.csv").unlink()
    (world.folder / "roles.csv").unlink()
    with pytest.raises(Halt, match="neither OneRoster's"):
        world.read()


@pytest.mark.parametrize("form", ["1.2", "sds_v1_uk"])
def test_a_mutated_file_never_makes_a_shorter_school(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "roster"
    world = World(Files(with_comers_and_goers(milton_park(TODAY, 28, 8)), folder, form), folder)
    world.simulator.write()
    whole = world.read()
    files = {path: path.read_bytes() for path in sorted(folder.glob("*.csv"))}
    survived = 0
    for number in range(MUTATIONS):
        chance = random.Random(f"oneroster {form}/{number}")
        path = chance.choice(
            [
                each
                for each in files
                if each.stem.lower() in ("users", "roles", "orgs", "manifest", "student", "teacher", "school")
            ]
        )
        path.write_bytes(mutate_csv(files[path], chance))
        survived += survives(world.read, whole, f"mutation {number} of {path.name}")
        path.write_bytes(files[path])
    assert 0 < survived < MUTATIONS


def test_a_mutated_zip_never_makes_a_shorter_school(tmp_path: Path) -> None:
    folder = tmp_path / "roster"
    world = World(Files(milton_park(TODAY, 28, 8), folder, "1.2", zipped=True), folder)
    world.simulator.write()
    whole, path = world.read(), folder / "roster.zip"
    body = path.read_bytes()
    for number in range(MUTATIONS):
        path.write_bytes(mutate_bytes(body, random.Random(f"zip/{number}")))
        survives(world.read, whole, f"mutation {number} of the zip")
    path.write_bytes(body)
    assert len(world.read().people) == len(whole.people)
