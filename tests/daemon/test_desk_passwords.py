"""First passwords by request: they work, lie in the tray for the person who asked, and are kept nowhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command import CONFIG, POTTERS
from desks import Office
from onroll_core.store.requests import Request
from onroll_daemon.desk.tray import Tray
from onroll_daemon.wiring import now

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    office.onroll.run("sync")
    office.desk.start()
    yield office
    office.close()


def handed_out(office: Office, found: Request) -> dict[str, str]:
    """Username and password of everybody on the hand-out of a request."""
    laid = office.desk.tray.get(found.id, found.by, now())
    assert laid is not None
    assert all(password in laid.html for password in (row["password"] for row in rows(laid.csv)))
    return {row["username"]: row["password"] for row in rows(laid.csv)}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_they_work_and_are_in_the_tray_of_the_person_who_asked_alone(office: Office) -> None:
    found = office.ask("passwords")
    assert found.status == "done"
    assert found.result is not None
    assert (set(found.result["issued"]), found.result["left_out"], found.result["tray"]) == (
        {"20hpotter", "20hpotter1", "19rweasley"},
        [],
        True,
    )
    given = handed_out(office, found)
    for username, password in given.items():
        assert office.directory().sign_in(username, password) == "must change"
    assert office.desk.tray.get(found.id, "sam", now()) is None
    assert found.result["until"] > (now() + timedelta(minutes=58)).isoformat()


def test_no_password_is_in_the_store_in_any_file_of_it_or_in_a_log(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    found = office.ask("passwords")
    given = handed_out(office, found)
    files = [each.read_bytes() for each in office.onroll.folder.glob("onroll.db*")]
    assert any(b"20hpotter" in each for each in files)
    for password in given.values():
        assert all(password.encode() not in each for each in files)
        assert password not in caplog.text
        assert password not in f"{office.desk.tray!r}{vars(office.desk.tray)!r}{found!r}"


def test_one_person_one_year_and_only_those_who_never_had_one(office: Office) -> None:
    assert office.done("passwords", users=["20hpotter"])["issued"] == ["20hpotter"]
    assert office.done("passwords", years=["Year 8"])["issued"] == ["19rweasley"]
    assert office.done("passwords")["issued"] == ["20hpotter1"]
    nobody = office.ask("passwords")
    assert (nobody.status, "There is nobody to give" in (nobody.result or {})["error"]) == ("refused", True)
    assert len(office.done("passwords", again=True)["issued"]) == 3
    stranger = office.ask("passwords", users=["nobody"])
    assert "has the username nobody" in (stranger.result or {})["error"]


def test_nobody_who_could_be_given_one_is_a_failure_with_the_reason(office: Office) -> None:
    office.onroll.students(*POTTERS, "4,Ginny,Weasley,7,01/09/2026,")
    office.onroll.run("pull")
    found = office.ask("passwords", users=["20gweasley"])
    assert found.status == "failed"
    assert found.result is not None
    assert "has no account in ad yet" in found.result["error"]
    assert (found.result["tray"], office.desk.tray.get(found.id, "pat", now())) == (False, None)
    both = office.ask("passwords", users=["20gweasley", "20hpotter"])
    assert (both.status, set(handed_out(office, both))) == ("done", {"20hpotter"})


def test_a_school_without_a_target_that_takes_passwords_says_so(office: Office) -> None:
    office.desk.stop()
    office.onroll.configure(CONFIG.replace('base = "OU', 'passwords = false\nbase = "OU'))
    office.load()
    office.desk = office.new_desk()
    office.desk.start()
    found = office.ask("passwords")
    assert (found.status, "no target that takes passwords" in (found.result or {})["error"]) == ("refused", True)


def test_who_has_signed_in_is_asked_for_a_rename(office: Office) -> None:
    office.done("passwords", users=["20hpotter"])
    harry, ron = office.person("20hpotter"), office.person("19rweasley")
    told = office.done("rename-preview", identities=[harry.id, ron.id])
    assert (list(told["handed_out"]), told["signed_in"], told["last"]) == ([harry.id], {}, {})
    assert isinstance(told["untold"], list)


def test_the_tray_gives_a_hand_out_for_an_hour_to_one_person_until_it_is_thrown_away() -> None:
    tray = Tray()
    assert tray.put(1, "pat", "secret", "<p>secret", NOON) == NOON + timedelta(hours=1)
    tray.put(2, "sam", "other", "", NOON + timedelta(minutes=30))
    laid = tray.get(1, "pat", NOON + timedelta(minutes=59))
    assert laid is not None
    assert (laid.csv, laid.html) == ("secret", "<p>secret")
    assert "secret" not in f"{laid!r}{tray!r}"
    assert tray.get(1, "sam", NOON) is None
    assert tray.get(1, "pat", NOON + timedelta(hours=1)) is None
    assert tray.get(1, "pat", NOON) is None, "it is gone, not hidden"
    assert not tray.drop(2, "pat")
    assert tray.drop(2, "sam")
    assert tray.get(2, "sam", NOON) is None
    tray.put(3, "pat", "late", "", NOON)
    tray.tidy(NOON + timedelta(hours=2))
    assert tray.get(3, "pat", NOON) is None
