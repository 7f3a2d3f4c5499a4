"""People added by hand: the list says who ends soonest; a file adds all of them, or nobody and says each line that is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest

from morning import MINE, OTHER, Browser, Morning
from onroll_core.identities import Identity
from onroll_daemon.console.rights import Role
from onroll_daemon.operations.people import mark

ADD, FILE, LIST = (f"/schools/{MINE}/manual{each}" for each in ("/add", "/file", ""))


@pytest.fixture
def ann(world: Morning) -> Browser:
    """An operator of the first school."""
    return world.as_(world.operator(Role.OPERATOR, MINE, name="ann"))


def by_hand(world: Morning) -> list[Identity]:
    return list(world.store.lookup.search([MINE], source="manual").people)


def said(page: Any) -> str:
    text = re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2].replace("<wbr>", ""))
    return " ".join(text.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").split())


def upload(ann: Browser, raw: bytes | str, name: str = "governors.csv") -> Any:
    return ann.post(FILE, files={"file": (name, raw, "text/csv")})


def test_one_person_is_added_and_whose_last_day_is_near_comes_first(world: Morning, ann: Browser) -> None:
    for first, ends in (("Ann", ""), ("Bert", "2027-08-31"), ("Carl", "2026-12-05")):
        made = ann.post(ADD, {"first": first, "last": "Lee", "role": "other", "ends": ends})
        assert made.status_code == 303, said(made)
    page = said(ann.get(LIST))
    assert [page.index(each) for each in ("Carl Lee", "Bert Lee", "Ann Lee")] == sorted(
        page.index(each) for each in ("Carl Lee", "Bert Lee", "Ann Lee")
    )
    assert "5 December soon" in page and "31 August 2027 Change" in page
    audit = [f"{each.by} {each.what}" for each in world.store.console.audit.list([MINE])]
    assert "ann added c.lee by hand" in audit


def test_what_cannot_be_added_is_said_and_what_was_written_stays(world: Morning, ann: Browser) -> None:
    for told, sentence in (
        ({"first": "", "last": ""}, "needs a first or a last name"),
        ({"first": "Ann", "last": "Lee", "ends": "2020-01-01"}, "in the past"),
        ({"first": "Ann", "last": "Lee", "ends": "soon"}, "'soon' is no date"),
        ({"first": "Ann", "last": "Lee", "role": "king"}, "'king' is no role"),
        ({"first": "<b>Ann", "last": "Lee", "username": "20hpotter"}, "20hpotter is taken"),
    ):
        page = ann.post(ADD, told)
        assert page.status_code == 409 and sentence in said(page), said(page)
        assert "<b>" not in page.text
    assert 'value="&lt;b&gt;Ann"' in page.text
    assert by_hand(world) == []


def test_a_file_adds_everybody_in_it(world: Morning, ann: Browser) -> None:
    done = upload(ann, "First;Last;Role;End\nAnn;Lee;other;31/08/2027\nBen;Ng;staff;\n".encode("utf-16"))
    assert done.status_code == 303 and done.headers["location"] == LIST
    assert [(each.username, str(each.person.ends)) for each in by_hand(world)] == [
        ("a.lee", "2027-08-31"),
        ("b.ng", "None"),
    ]
    assert upload(ann, ann.get(f"{LIST}/example.csv").content).status_code == 409  # she is there already


def test_a_file_with_mistakes_adds_nobody_and_says_every_line(world: Morning, ann: Browser) -> None:
    page = upload(
        ann,
        "first,last,role,end,username\nAnn,Lee,other,,\nBen,Ng,king,,\nCy,Orr,other,31/02/2027,\nDi,Poe,other,,administrator\nAnn,Lee,other,,\n",
    )
    text = said(page)
    assert page.status_code == 409
    for line in (
        "governors.csv, line 3: 'king' is no role",
        "governors.csv, line 4:",
        "governors.csv, line 5:",
        "governors.csv, line 6: Ann Lee is there already",
    ):
        assert line in text, text
    assert by_hand(world) == []


@pytest.mark.parametrize(
    ("name", "raw", "sentence"),
    [
        ("list.xlsx", b"PK\x03\x04whatever", "list.xlsx is a workbook"),
        ("photo.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "photo.png"),
        ("other.csv", b"name,age\nAnn,3\n", "other.csv has no column last or first"),
        ("formula.csv", b"first,last\n=1+1,Lee\n", "is a formula"),
        ("empty.csv", b"", "has no column last or first"),
        ("header.csv", b"first,last\n", "has a header and no row"),
        ("../../etc/<i>passwd", b"first\n", "<i>passwd has a header and no row"),
    ],
)  # fmt: skip
def test_a_file_of_the_wrong_kind_is_refused_with_a_sentence(
    world: Morning, ann: Browser, name: str, raw: bytes, sentence: str
) -> None:
    page = upload(ann, raw, name)
    assert page.status_code == 409 and sentence in said(page), said(page)
    assert "<i>" not in page.text and "Traceback" not in page.text
    assert by_hand(world) == []


def test_a_file_that_is_too_large_is_refused(world: Morning, ann: Browser) -> None:
    page = upload(ann, b"first,last\n" + b"Ann,Lee\n" * 140_000)
    assert page.status_code == 413 and "larger than 1 MB" in said(page)
    assert upload(ann, b"x" * 3_000_000).status_code == 413
    assert by_hand(world) == []


def test_names_and_dates_are_changed_and_an_empty_last_day_means_that_they_stay(world: Morning, ann: Browser) -> None:
    ann.post(ADD, {"first": "Ann", "last": "Lee", "role": "other", "ends": "2026-12-05"})
    (who,) = by_hand(world)
    form = ann.get(f"/users/{who.id}/edit")
    assert 'value="2026-12-05"' in form.text
    fields = {"first": "Anna", "last": "Lee", "starts": "", "ends": "", "seen": mark(who)}
    assert ann.post(f"/users/{who.id}/edit", fields).status_code == 303
    (after,) = by_hand(world)
    assert (after.person.first, after.person.ends, after.username) == ("Anna", None, "a.lee")
    assert ann.post(f"/users/{who.id}/edit", fields).status_code == 409  # by somebody who saw them as they were before
    wrong = ann.post(f"/users/{who.id}/edit", fields | {"first": "", "last": "", "seen": mark(after)})
    assert wrong.status_code == 409 and "needs a first or a last name" in said(wrong)


def test_people_of_the_mis_and_of_other_schools_are_not_changed_here(world: Morning, ann: Browser) -> None:
    (harry,) = world.store.lookup.search([MINE], "harry").people
    page = ann.get(f"/users/{harry.id}/edit")
    assert page.status_code == 409 and "is in the MIS, which has the say" in said(page)
    assert ann.post(f"/users/{harry.id}/edit", {"first": "H", "last": "P", "seen": mark(harry)}).status_code == 409
    assert ann.get(f"/schools/{OTHER}/manual").status_code == 404
    assert ann.post(f"/schools/{OTHER}/manual/add", {"first": "Ann", "last": "Lee"}).status_code == 404
    assert world.as_(world.operator(Role.VIEWER, MINE)).post(ADD, {"first": "Ann", "last": "Lee"}).status_code == 403
    assert by_hand(world) == []


def test_nobody_is_added_while_a_run_has_the_school(world: Morning, ann: Browser) -> None:
    with world.store.lease(MINE, "the night", world.clock()):
        page = ann.post(ADD, {"first": "Ann", "last": "Lee"})
    assert page.status_code == 503 and "the night" in said(page)
    assert by_hand(world) == []
