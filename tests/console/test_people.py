"""Users are searched as one types and opened on one page; what is done to them is done once, by whom may, and said in a sentence."""

from __future__ import annotations

import re
import sqlite3
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from morning import MINE, OTHER, Browser, Morning, morning
from onroll_core.identities import Identity
from onroll_core.people import Role as Kind
from onroll_core.store import Store
from onroll_daemon.console.rights import Role
from onroll_daemon.console.views.people import natural
from onroll_daemon.operations.people import mark

BOLD = "O'Neill<b>x</b>"


@pytest.fixture
def ann(world: Morning) -> Browser:
    """An operator of the first school."""
    return world.as_(world.operator(Role.OPERATOR, MINE, name="ann"))


def person(world: Morning, text: str) -> Identity:
    (found,) = world.store.lookup.search([MINE, OTHER], text).people
    return found


def seen(world: Morning, text: str) -> dict[str, str]:
    return {"seen": mark(person(world, text))}


def said(page: Any) -> str:
    """The words of a page, as somebody reads them."""
    text = re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2].replace("<wbr>", ""))
    text = text.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return " ".join(text.split())


def audited(world: Morning) -> list[str]:
    return [f"{each.by} {each.what}" for each in world.store.console.audit.list(None)]


def test_a_list_is_narrowed_while_somebody_types_and_htmx_gets_the_list_alone(world: Morning, ann: Browser) -> None:
    whole, part = ann.get("/users?q=pott"), ann.get("/users?q=pott", headers={"HX-Request": "true"})
    for page in (whole, part):
        assert page.status_code == 200
        assert "2 people found" in page.text
        assert "Harry Potter" in page.text and "Hermione Potter" in page.text and "Weasley" not in page.text
    assert "<html" in whole.text and "<html" not in part.text and part.text.strip().endswith("</div>")
    assert "Nobody found" in said(ann.get("/users?q=zzzz"))
    assert '<option value="7">7 (2)</option>' in whole.text and "<option" not in part.text
    weasley = said(ann.get("/users?state=active&source=mis&role=student&year=8"))
    assert "Ron Weasley" in weasley and "Potter" not in weasley
    assert "Nobody found" in said(ann.get("/users?q=%00&role=%00&state=%ff&page=77"))


def test_pages_of_a_long_list_lead_to_each_other(tmp_path: Path) -> None:
    rows = [f"{each},Pupil{each:03},Sur{each:03},7,01/09/2026," for each in range(1, 121)]
    with morning(tmp_path, *rows) as world:
        ann = world.as_(world.operator(Role.VIEWER, MINE))
        names: list[str] = []
        href: str | None = "/users?role=student"
        while href:
            page = ann.get(href)
            names += re.findall(r"Pupil\d+ Sur\d+(?=</a>)", page.text)
            found = re.search(r'href="([^"]+)" rel="next"', page.text)
            href = found[1].replace("&amp;", "&") if found else None
        assert names == [f"Pupil{each:03} Sur{each:03}" for each in range(1, 121)]
        assert "101 to 120 of 120" in said(ann.get("/users?page=3"))
        assert "1 to 50 of 120" in said(ann.get("/users?page=999"))


def test_the_file_of_a_list_has_no_formula_and_everybody_who_fits(tmp_path: Path) -> None:
    with morning(tmp_path, "1,=cmd|'/c calc'!A1,Potter,7,01/09/2026,", "2,Ron,Weasley,8,01/09/2025,") as world:
        ann = world.as_(world.operator(Role.VIEWER, MINE, name="ann"))
        file = ann.get("/users.csv?q=potter")
        assert file.headers["content-disposition"] == 'attachment; filename="users.csv"'
        lines = file.text.removeprefix("\ufeff").splitlines()
        assert len(lines) == 2
        assert not any(cell.strip('"').startswith(("=", "+", "-", "@")) for cell in lines[1].split(","))
        assert "'=cmd" in lines[1]
        assert audited(world) == ["ann downloaded the list of users (q potter)"]


def test_a_name_with_markup_is_shown_as_it_is_written(tmp_path: Path) -> None:
    with morning(tmp_path, f"1,<script>alert(1)</script>,{BOLD},7,01/09/2026,") as world:
        ann = world.as_(world.operator(Role.ADMINISTRATOR))
        (who,) = world.store.lookup.search([MINE]).people
        for path in ("/users", f"/users/{who.id}", f"/users/{who.id}/names", f"/users?q={BOLD}&year={BOLD}"):
            page = ann.get(path)
            assert page.status_code == 200
            assert "<script>alert" not in page.text and "<b>x" not in page.text
        assert "&lt;b&gt;x&lt;/b&gt;" in ann.get("/users").text


def test_somebody_of_a_school_one_may_not_see_is_not_there(world: Morning, ann: Browser) -> None:
    ada = person(world, "ada")
    assert "Ada" not in ann.get("/users").text
    for path in (f"/users/{ada.id}", f"/users/{ada.id}/names", f"/users?school={OTHER}", f"/users.csv?school={OTHER}"):
        page = ann.get(path)
        assert page.status_code == 404 and "Ada" not in page.text and "you may not see" in said(page)
    told = ann.post(f"/users/{ada.id}/disable", {"seen": mark(ada)})
    assert told.status_code == 404
    assert person(world, "ada").suspended == ""
    assert ann.get("/users/nobody").status_code == 404


def test_one_page_says_who_somebody_is_what_they_have_and_why(world: Morning, ann: Browser) -> None:
    harry = person(world, "harry")
    page = said(ann.get(f"/users/{harry.id}"))
    assert "Harry Potter is a pupil of Milton Park School: on roll" in page
    assert "Why is this account like this?" in page and "[school.students] username" in page
    assert "20hpotter" in page and "20hpotter@miltonpark.test" in page and "student:1" in page
    assert harry.bonds["ad"].anchor in page
    assert "First known, as active, with the username 20hpotter" in page
    assert "never handed out" in page


def test_a_rename_is_shown_before_it_is_done_and_done_once(world: Morning, ann: Browser) -> None:
    harry = person(world, "harry")
    look = f"/users/{harry.id}/names?look=yes&username=H.Potter&email=&keep=yes&on="
    page = ann.get(look)
    assert "username 20hpotter to h.potter" in said(page) and "20hpotter@miltonpark.test stays as an alias" in said(
        page
    )
    assert person(world, "harry").username == "20hpotter"
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    done = ann.post(f"/users/{harry.id}/names", fields)
    assert (done.status_code, done.headers["location"]) == (303, f"/users/{harry.id}")
    after = person(world, "harry")
    assert (after.username, after.email, after.aliases) == (
        "h.potter",
        "h.potter@miltonpark.test",
        {"20hpotter@miltonpark.test"},
    )
    again = ann.post(f"/users/{harry.id}/names", fields)
    assert again.status_code == 409 and "changed since you opened the page" in said(again)
    assert "ann renamed 20hpotter to h.potter (h.potter@miltonpark.test)" in audited(world)
    assert "ann asked for it" in said(ann.get(f"/users/{harry.id}"))


def test_a_name_that_is_taken_or_no_name_is_said_above_the_form(world: Morning, ann: Browser) -> None:
    harry = person(world, "harry")
    for wish, sentence in (
        ("username=19rweasley", "19rweasley cannot be given to 20hpotter"),
        ("username=20hpotter&email=20hpotter@miltonpark.test", "Say the new username"),
        ("username=administrator", "administrator"),
        ("username=h.p&on=tomorrow", "'tomorrow' is no date"),
        ("email=no-address", "no-address"),
    ):
        page = ann.get(f"/users/{harry.id}/names?look=yes&{wish}")
        assert page.status_code == 200 and sentence in said(page) and "Rename to" not in page.text
    assert person(world, "harry") == harry


def test_a_rename_waits_for_its_day_and_is_taken_back(world: Morning, ann: Browser) -> None:
    harry = person(world, "harry")
    day = date(2026, 12, 1)
    page = ann.get(f"/users/{harry.id}/names?look=yes&username=h.potter&on={day}")
    assert "must not follow them" in said(page)  # the box was not ticked
    assert (
        ann.post(
            f"/users/{harry.id}/names", dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        ).status_code
        == 303
    )
    assert person(world, "harry").username == "20hpotter"
    assert "Will be h.potter (h.potter@miltonpark.test) on 1 December" in said(ann.get(f"/users/{harry.id}"))
    assert ann.post(f"/users/{harry.id}/names/cancel", seen(world, "harry")).status_code == 303
    assert world.store.pending_renames(MINE) == []
    assert ann.post(f"/users/{harry.id}/names/cancel", seen(world, "harry")).status_code == 409


def test_a_former_address_is_withheld_and_given_back(world: Morning, ann: Browser) -> None:
    harry = person(world, "harry")
    world.store.rename(harry.id, "h.potter", "h.potter@miltonpark.test", True, world.clock(), "ann")
    old = {"address": "20hpotter@miltonpark.test"}
    assert ann.post(f"/users/{harry.id}/alias", old | seen(world, "harry")).status_code == 303
    assert person(world, "harry").aliases == frozenset()
    assert "Let 20hpotter@miltonpark.test follow them" in said(ann.get(f"/users/{harry.id}"))
    assert ann.post(f"/users/{harry.id}/alias", old | {"follows": "yes"} | seen(world, "harry")).status_code == 303
    assert person(world, "harry").aliases == {"20hpotter@miltonpark.test"}
    wrong = ann.post(f"/users/{harry.id}/alias", {"address": "other@miltonpark.test"} | seen(world, "harry"))
    assert wrong.status_code == 409 and "no former address" in said(wrong)


def test_somebody_is_disabled_with_a_reason_and_enabled_again(world: Morning, ann: Browser) -> None:
    harry = person(world, "harry")
    assert ann.post(f"/users/{harry.id}/disable", {"why": "Lost <b>phone"} | seen(world, "harry")).status_code == 303
    assert person(world, "harry").suspended == "by ann on 2026-11-26: Lost <b>phone"
    page = said(ann.get(f"/users/{harry.id}"))
    assert "Sign-in is taken away, by ann on 2026-11-26: Lost <b>phone" in page and "Enable again" in page
    assert "disabled by hand" in said(ann.get("/users?only=disabled"))
    assert ann.post(f"/users/{harry.id}/disable", seen(world, "harry")).status_code == 409
    assert ann.post(f"/users/{harry.id}/enable", seen(world, "harry")).status_code == 303
    assert person(world, "harry").suspended == ""
    assert "Sign-in was given back." in said(ann.get(f"/users/{harry.id}"))


def test_of_two_people_who_change_somebody_at_once_one_is_told(world: Morning, ann: Browser) -> None:
    bob = world.as_(world.operator(Role.OPERATOR, MINE, name="bob"))
    harry, both = person(world, "harry"), seen(world, "harry")
    answers: list[int] = []

    def switch(by: Browser) -> None:
        answers.append(by.post(f"/users/{harry.id}/disable", both | {"why": "x"}).status_code)

    threads = [Thread(target=switch, args=(each,)) for each in (ann, bob) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers) == [303, 409, 409, 409, 409, 409]
    assert len([each for each in audited(world) if "disabled" in each]) == 1


def test_a_viewer_looks_and_changes_nothing(world: Morning) -> None:
    viewer = world.as_(world.operator(Role.VIEWER, MINE))
    harry = person(world, "harry")
    page = viewer.get(f"/users/{harry.id}")
    assert page.status_code == 200
    assert f'action="/users/{harry.id}' not in page.text and "/names" not in page.text
    assert viewer.post(f"/users/{harry.id}/disable", seen(world, "harry")).status_code == 403
    assert viewer.get(f"/users/{harry.id}/names").status_code == 403
    assert person(world, "harry") == harry


def test_a_form_without_its_token_changes_nothing(world: Morning, ann: Browser) -> None:
    harry = person(world, "harry")
    assert ann.post(f"/users/{harry.id}/disable", seen(world, "harry"), csrf=False).status_code == 403
    assert ann.post(f"/users/{harry.id}/disable").status_code == 422
    assert person(world, "harry") == harry


def test_one_person_is_synced_now_and_the_page_shows_how_far_it_is(world: Morning, ann: Browser) -> None:
    harry = person(world, "harry")
    for _ in range(2):
        assert ann.post(f"/users/{harry.id}/sync").headers["location"] == f"/users/{harry.id}"
    (request,) = world.store.requests.open(MINE)
    assert (request.kind, request.asked["identity"], request.by) == ("apply", harry.id, "ann")
    assert f'id="request-{request.id}"' in ann.get(f"/users/{harry.id}").text
    ron = person(world, "weasley")
    assert f"request-{request.id}" not in ann.get(f"/users/{ron.id}").text


def test_a_leaver_is_forgotten_by_an_administrator_who_is_sure(world: Morning, ann: Browser) -> None:
    ron = person(world, "weasley")
    boss = world.as_(world.operator(Role.ADMINISTRATOR))
    assert "Forget" not in said(boss.get(f"/users/{ron.id}"))
    assert boss.post(f"/users/{ron.id}/forget", {"sure": "yes"} | seen(world, "weasley")).status_code == 409
    world.command.students("1,Harry,Potter,7,01/09/2026,", "3,Ron,Weasley,8,01/09/2025,01/11/2026")
    world.command.run("pull", MINE)
    assert ann.post(f"/users/{ron.id}/forget", {"sure": "yes"} | seen(world, "weasley")).status_code == 403
    unsure = boss.post(f"/users/{ron.id}/forget", seen(world, "weasley"))
    assert unsure.status_code == 409 and "Tick the box" in said(unsure)
    assert boss.post(f"/users/{ron.id}/forget", {"sure": "yes"} | seen(world, "weasley")).status_code == 303
    gone = world.store.identity(ron.id)
    assert gone is not None and gone.forgotten and gone.username == "19rweasley"
    assert "Weasley" not in said(boss.get(f"/users/{ron.id}"))


def test_a_store_that_is_locked_is_said_on_a_page_and_nothing_is_done(world: Morning, ann: Browser) -> None:
    harry, fields = person(world, "harry"), seen(world, "harry")
    patient, world.place.store._engine = (
        world.place.store._engine,
        Store.open(f"sqlite:///{world.command.folder / 'onroll.db'}", world.clock, 0.05)._engine,
    )
    other = sqlite3.connect(world.command.folder / "onroll.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    page = ann.post(f"/users/{harry.id}/disable", fields)
    other.execute("ROLLBACK")
    other.close()
    world.place.store._engine.dispose()
    world.place.store._engine = patient
    assert page.status_code == 503 and "The store is locked by another program" in said(page)
    assert person(world, "harry") == harry and audited(world) == []


def test_year_9_comes_before_year_10_and_reception_before_year_1() -> None:
    assert sorted(["Year 10", "Year 9"], key=natural) == ["Year 9", "Year 10"]
    assert sorted(["10B", "²", "1", "10A", "R"], key=natural) == ["R", "²", "1", "10A", "10B"]


def test_my_profile_is_for_staff_and_never_for_pupils(world: Morning) -> None:
    world.command.run("users", "add", "--school", MINE, "--first", "Severus", "--last", "Snape", "--role", "staff")
    snape, harry = person(world, "snape"), person(world, "harry")
    assert snape.role is Kind.STAFF
    me = world.as_(world.staff(snape.id))
    page = me.get("/profile")
    assert "s.snape@miltonpark.test" in said(page) and me.get("/me").headers["location"] == "/profile"
    assert me.post("/profile", {"name": "  Prof. <Snape> ", "seen": mark(snape)}).status_code == 303
    assert person(world, "snape").chosen_display_name == "Prof. <Snape>"
    assert me.post("/profile", {"name": "Other", "seen": mark(snape)}).status_code == 409
    assert me.post("/profile", {"name": "x" * 65} | seen(world, "snape")).status_code == 409
    assert [me.get(path).status_code for path in ("/users", f"/users/{snape.id}", f"/schools/{MINE}/manual")] == [
        403
    ] * 3
    pupil = world.as_(world.staff(harry.id))
    assert [
        pupil.get("/profile").status_code,
        pupil.post("/profile", {"name": "H", "seen": mark(harry)}).status_code,
    ] == [403, 403]
    boss = world.as_(world.operator(Role.ADMINISTRATOR))
    assert "looks after accounts" in said(boss.get("/profile"))
