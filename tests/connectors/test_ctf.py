"""The Common Transfer File: the contract, and what such files are known for."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring, tostring

import pytest

from fuzz import HOSTILE, MUTATIONS, mutate_bytes, survives
from onroll_connectors.sandbox.ctf import DFE, Files
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sources import ctf
from onroll_connectors.sources.ctf import proper
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError
from onroll_core.people import Role
from same_school import assert_same_school
from source_world import SourceWorld
from world import DictMemory, context

TODAY = date(2026, 11, 24)


@dataclass
class World(SourceWorld):
    """The school, its files, and how onroll reaches them."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / f"{DFE}_CTF_{DFE}_001.xml"

    def connect(self, **settings: Any) -> Source:
        told = {"path": str(self.folder), "staff": str(self.folder / "staff.csv"), "quiet_seconds": 0} | settings
        return ctf.connect(ctf.Settings(**told), context("source", self.clock, memory=DictMemory()))

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    def misbehave(self, how: str) -> bool:
        self.simulator.write()
        body = self.file.read_bytes()
        pupil = body[body.index(b"<Pupil>") : body.index(b"</Pupil>") + 8]
        told = {
            "garbage": b"<html>Down</html>", "empty": body[: body.index(b"<Pupil>")] + b"</CTFpupilData></CTfile>",
            "repeated records": body.replace(b"</CTFpupilData>", pupil + b"</CTFpupilData>"), "breaks off half way": body[: len(body) // 2],
            "totals do not match": body.replace(b">full<", b">partial<"),
        }.get(how)  # fmt: skip
        if told is not None:
            self.file.write_bytes(told)
        if how == "shows nothing of one kind":
            (self.folder / "staff.csv").write_text("Staff ID,Preferred Forename,Preferred Surname\n", encoding="utf-8")
        return told is not None or how == "shows nothing of one kind"


@pytest.fixture
def world(tmp_path: Path) -> World:
    simulator = Files(milton_park(TODAY, 120, 12), tmp_path / "ctf")
    simulator.write()
    return World(simulator, tmp_path / "ctf")


class TestCtf(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


def test_the_school_is_the_same_by_this_route(world: World) -> None:
    with_comers_and_goers(world.school)
    world.simulator.write()
    assert_same_school(world.read(), world.school, ctf.GIVES)


def test_nothing_sensitive_is_kept_and_contacts_only_where_the_school_asks(world: World) -> None:
    people = world.read().people
    assert all(each.dob is None for each in people)
    assert {each.role for each in people} == {Role.STUDENT, Role.STAFF}
    told = [each for each in world.read(contacts=True, dates_of_birth=True).people if each.role is Role.CONTACT]
    assert sum(len(each.children or ()) for each in told) == len(world.school.pupils)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("POTTER", "Potter"), ("O'NEIL", "O'Neil"), ("MCADAM", "McAdam"), ("LLEWELYN-BOWEN", "Llewelyn-Bowen"), ("ANN MARIE", "Ann Marie"), ("ZOË", "Zoë"),
        ("D’ARCY", "D’Arcy"), ("MCA", "Mca"), ("X", "X"),
    ],
)  # fmt: skip
def test_names_in_capitals_are_written_as_names(written: str, meant: str) -> None:
    assert proper(written) == meant


def test_capitals_are_kept_where_the_school_wants_them(world: World) -> None:
    world.simulator.capitals = True
    world.simulator.write()
    pupils = [each for each in world.read().people if each.role is Role.STUDENT]
    assert [each.legal_last for each in pupils if (each.legal_last or "").isupper()] == ["O"]  # which has no other form
    kept = [each for each in world.read(proper_case=False).people if each.role is Role.STUDENT]
    assert all((each.legal_last or "X").isupper() for each in kept)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (">full<", ">partial<", "partial CTF"), ("<CTfile>", "<ATfile>", "ATfile|Admissions|not whole XML"), ("<DateTime>2026", "<DateTime>last year", "when it was made"),
        ("<?xml version=\"1.0\" encoding=\"utf-8\"?>", "<!DOCTYPE CTfile [<!ENTITY a \"b\">]>", "DTD"), ("CTFpupilData>", "Data>", "no CTFpupilData"),
    ],
)  # fmt: skip
def test_what_is_no_full_ctf_is_refused(world: World, old: str, new: str, says: str) -> None:
    world.edit(old, new)
    with pytest.raises(OnrollError, match=says):
        world.read()


def test_an_admissions_file_is_named(world: World) -> None:
    world.edit("CTfile>", "ATfile>")
    with pytest.raises(Halt, match="Admissions Transfer File"):
        world.read()


def test_a_file_for_another_school_is_refused_unless_it_names_none(world: World) -> None:
    assert world.read(school=DFE).people
    with pytest.raises(Halt, match="for the school 9994001, not for 9990001"):
        world.read(school="9990001")
    world.edit("<Estab>4001</Estab></DestSchool>", "<Estab>LLLL</Estab></DestSchool>")
    assert world.read(school="9990001").people


def test_of_a_pupil_in_two_files_the_newest_counts(world: World) -> None:
    pupil = world.school.pupils[10_000]
    text = world.file.read_text(encoding="utf-8")
    old = text.replace("<DateTime>2026-11-24", "<DateTime>2025-07-01").replace("<NCyearActual>7<", "<NCyearActual>6<")
    (world.folder / "0000000_CTF_9994001_001.xml").write_text(old, encoding="utf-8")
    (found,) = [each for each in world.read().people if each.upn == pupil.upn]
    assert found.year_group == "7"


def test_a_contact_whom_the_newest_file_names_otherwise_is_not_there_twice(world: World) -> None:
    text = world.file.read_text(encoding="utf-8")
    old = text.replace("<DateTime>2026-11-24", "<DateTime>2025-07-01").replace(
        "<Contact><Order>1<", "<Contact><Order>4<"
    )
    (world.folder / "0000000_CTF_9994001_001.xml").write_text(old, encoding="utf-8")
    before = Path(world.folder / "0000000_CTF_9994001_001.xml")
    both = world.read(contacts=True)
    before.unlink()
    assert {each.key for each in world.read(contacts=True).people} == {each.key for each in both.people}


def test_a_wrong_upn_is_kept_and_said(world: World) -> None:
    world.edit(f"<UPN>{world.school.pupils[10_000].upn}</UPN>", "<UPN>a12 </UPN>")
    assert [each for each in world.read().people if each.key.record == "student:A12"]
    assert any("UPNs are none, such as A12" in each.sentence for each in world.connect().check().findings)


def test_dirty_variants_are_read(world: World) -> None:
    """A wrapper, a version attribute, a mark of byte order, empty elements: third parties write all of them."""
    world.edit("<CTfile>", '<CTfile version="3">')
    world.edit("<CTFpupilData>", "<CTFpupilData><Pupils>")
    world.edit("</CTFpupilData>", "</Pupils></CTFpupilData>")
    world.edit("<MedicalFlag>false</MedicalFlag>", "<FormerUPN></FormerUPN>")
    text = world.file.read_text(encoding="utf-8")
    text = re.sub(
        r"<Surname>([^<]*)</Surname>(.*?)<BasicDetails>", r"\2<BasicDetails><LegalSurname>\1</LegalSurname>", text
    )
    world.file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert_same_school(world.read(), world.school, ctf.GIVES)


def test_a_pupil_without_a_number_or_a_name_is_said(world: World) -> None:
    upn = world.school.pupils[10_000].upn
    world.edit(f"<UPN>{upn}</UPN>", "<ApplicationReference>A17</ApplicationReference>")
    assert [each for each in world.read().people if each.key.record == "student:application-A17"]
    world.edit("<ApplicationReference>A17</ApplicationReference>", "")
    with pytest.raises(Halt, match="neither UPN nor ApplicationReference"):
        world.read()


def test_without_a_list_of_staff_there_are_none_and_a_check_says_so(world: World) -> None:
    source = world.connect(staff=None)
    assert any("no staff" in each.sentence for each in source.check().findings)
    assert {each.role for each in source.read().people} == {Role.STUDENT}


def mutate_element(body: bytes, chance: random.Random) -> bytes:
    """One value somewhere is gone or hostile; the file stays XML."""
    root = fromstring(body)  # noqa: S314  our own file
    leaf = chance.choice([each for each in root.iter() if len(each) == 0])
    leaf.text = chance.choice([None, *(each for each in HOSTILE if each.isprintable())])
    return tostring(root, encoding="utf-8")


@pytest.mark.parametrize(("mutate", "least"), [(mutate_bytes, 0), (mutate_element, 1)])
def test_a_mutated_file_never_makes_a_shorter_school(
    tmp_path: Path, mutate: Callable[[bytes, random.Random], bytes], least: int
) -> None:
    world = World(Files(with_comers_and_goers(milton_park(TODAY, 28, 8)), tmp_path / "ctf"), tmp_path / "ctf")
    world.simulator.write()
    whole, survived = world.read(), 0
    body = world.file.read_bytes()
    for number in range(MUTATIONS):
        world.file.write_bytes(mutate(body, random.Random(f"ctf/{number}")))
        survived += survives(world.read, whole, f"mutation {number}")
    assert least <= survived < MUTATIONS
