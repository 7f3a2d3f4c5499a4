"""Audit: everybody sees what was done in their own schools; a file of it is safe in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from morning import MINE, OTHER, Morning
from onroll_daemon.console.rights import Role


def note(world: Morning, what: str, school: str | None = MINE, by: str = "minerva", about: str = "") -> None:
    world.store.console.audit.note(world.clock(), by, school, what, about)


def rows(answer: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))  # type: ignore[attr-defined]


def test_the_newest_stands_first_with_its_day_and_its_school(world: Morning) -> None:
    note(world, "asked for a sync", about="request 7")
    world.later(hours=1)
    note(world, "approved 3 changes in ad", about="run 12")
    text = world.as_(world.operator(Role.OPERATOR, MINE)).get("/audit").text
    assert text.index("Approved 3 changes in ad") < text.index("Asked for a sync")
    assert "26 November at 09:10" in text
    assert "Milton Park School" in text
    assert '<a href="/requests/7">Request 7</a>' in text
    assert '<a href="/runs/12">Run 12</a>' in text


def test_everybody_sees_their_own_schools_and_the_administrators_of_everything_the_rest(world: Morning) -> None:
    note(world, "did the first thing", MINE)
    note(world, "did the second thing", OTHER)
    note(world, "did the third thing", None)
    seen = {
        (): {"first", "second", "third"},
        (MINE,): {"first"},
        (OTHER,): {"second"},
    }
    for schools, expected in seen.items():
        text = world.as_(world.operator(Role.ADMINISTRATOR, *schools)).get("/audit").text
        assert {each for each in ("first", "second", "third") if f"Did the {each} thing" in text} == expected
    everywhere = world.as_(world.operator(Role.OPERATOR)).get("/audit").text
    assert {each for each in ("first", "second", "third") if f"Did the {each} thing" in everywhere} == {
        "first",
        "second",
    }
    one = world.as_(world.operator(Role.ADMINISTRATOR)).get(f"/audit?school={OTHER}").text
    assert "Did the second thing" in one
    assert "Did the third thing" not in one


def test_another_school_is_not_there_and_a_viewer_may_not_look(world: Morning) -> None:
    for path in ("/audit", "/audit.csv"):
        assert world.as_(world.operator(Role.OPERATOR, MINE)).get(f"{path}?school={OTHER}").status_code == 404
        assert world.as_(world.operator(Role.VIEWER)).get(path).status_code == 403
        assert world.as_(world.operator(Role.ISSUER)).get(path).status_code == 403


def test_it_is_searched_and_read_a_page_at_a_time(world: Morning) -> None:
    for number in range(120):
        note(world, f"did thing {number:03}", by="filius" if number == 7 else "minerva")
    browser = world.as_(world.operator(Role.OPERATOR, MINE))
    first = browser.get("/audit?q=did+thing").text
    assert ("Did thing 119" in first, "Did thing 070" in first, "Did thing 069" in first) == (True, True, False)
    assert ">Newest</a>" not in first
    older = first.partition('" rel="next">Older</a>')[0].rpartition('href="')[2].replace("&amp;", "&")
    second = browser.get(older).text
    assert ("Did thing 069" in second, "Did thing 020" in second, "Did thing 070" in second) == (True, True, False)
    assert 'href="/audit?q=did+thing">Newest</a>' in second
    alone = browser.get("/audit?q=FILIUS").text
    assert ("Did thing 007" in alone, "Did thing 008" in alone, 'rel="next"' in alone) == (True, False, False)
    assert "Nothing fits." in browser.get("/audit?q=%25").text
    assert "Nothing fits." in browser.get("/audit?q=nothing%00like%20it").text


def test_the_page_of_an_older_entry_is_asked_for_with_a_number(world: Morning) -> None:
    browser = world.as_(world.operator(Role.OPERATOR, MINE))
    for wrong in ("x", "0", "99999999999"):
        assert browser.get(f"/audit?before={wrong}").status_code == 422


def test_markup_in_what_was_done_is_text(world: Morning) -> None:
    note(world, "renamed <script>alert(1)</script>", by="<b>minerva</b>", about="<i>")
    text = world.as_(world.operator(Role.OPERATOR, MINE)).get("/audit").text
    assert "<script>alert" not in text
    assert "Renamed &lt;script&gt;" in text
    assert "&lt;b&gt;minerva" in text
    assert "<i>" not in text


@pytest.mark.parametrize("formula", ['=HYPERLINK("https://evil.test")', "+1+1", "-2+3", "@SUM(A1)"])
def test_the_file_has_everything_that_fits_and_no_formula(world: Morning, formula: str) -> None:
    note(world, formula, by=formula, about=formula)
    note(world, "did something else", OTHER)
    browser = world.as_(world.operator(Role.OPERATOR, MINE))
    answer = browser.get("/audit.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    heads, *told = rows(answer)
    assert heads == ["when", "who", "school", "what", "about"]
    assert told == [["2026-11-26 08:10:00+00:00", f"'{formula}", MINE, f"'{formula}", f"'{formula}"]]
    assert rows(browser.get("/audit.csv?q=nothing+like+it"))[1:] == []


def test_who_downloads_the_audit_is_in_it(world: Morning) -> None:
    browser = world.as_(world.operator(Role.OPERATOR, MINE, name="minerva"))
    browser.get(f"/audit.csv?school={MINE}")
    newest = world.store.console.audit.list(None)[0]
    assert (newest.by, newest.school, newest.what) == ("minerva", MINE, "downloaded the audit")


def test_a_long_audit_is_written_a_piece_at_a_time_and_whole(world: Morning, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onroll_daemon.console.views.audit._CHUNK", 4)
    for number in range(11):
        note(world, f"did thing {number}")
    told = rows(world.as_(world.operator(Role.OPERATOR, MINE)).get("/audit.csv?q=did"))
    assert [row[3] for row in told[1:]] == [f"did thing {number}" for number in reversed(range(11))]


def test_a_script_reads_it_page_by_page_until_the_end(world: Morning) -> None:
    for number in range(5):
        note(world, f"did thing {number}", about="run 1")
    note(world, "did something else", OTHER)
    headers = {"Authorization": f"Bearer {world.token(Role.OPERATOR, MINE)}"}
    seen, before = [], ""
    for _ in range(3):
        told = world.client.get(f"/api/v1/audit?limit=2{before}", headers=headers).json()
        seen += [(each["what"], each["school"]) for each in told["entries"]]
        before = f"&before={told['before']}"
    assert seen == [(f"did thing {number}", MINE) for number in reversed(range(5))]
    assert told["before"] is None
    assert world.client.get(f"/api/v1/audit?school={OTHER}", headers=headers).status_code == 404
    viewer = {"Authorization": f"Bearer {world.token(Role.VIEWER, MINE)}"}
    assert world.client.get("/api/v1/audit", headers=viewer).status_code == 403
