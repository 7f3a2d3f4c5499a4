"""Who may use the console, as the store keeps it: by digests of secrets, with a second person where a school asks for one."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from builders import NOON, SCHOOL
from onroll_core.errors import Refused
from onroll_core.store import Store

DAY, SOON = timedelta(days=1), timedelta(minutes=30)


def administrator(store: Store, name: str = "minerva") -> int:
    return store.console.operators.add(name, "Minerva", f"{name}@school.test", "administrator", None, "init", NOON).id


# --- operators ---


def test_a_name_and_an_address_are_somebodys_once(store: Store) -> None:
    administrator(store)
    for name, email in (("MINERVA", None), ("other", "Minerva@School.Test")):
        with pytest.raises(Refused, match="Somebody else has"):
            store.console.operators.add(name, "Other", email, "viewer", None, "minerva", NOON)
    found = store.console.operators.with_email("MINERVA@school.test")
    assert found is not None
    assert found == store.console.operators.named(" Minerva ")
    assert (found.schools, found.has_password, found.disabled) == (None, False, False)


def test_the_last_administrator_of_everything_stays_one(store: Store) -> None:
    assert not store.console.operators.any()
    only = administrator(store)
    for change in (("viewer", None, False), ("administrator", [SCHOOL], False), ("administrator", None, True)):
        with pytest.raises(Refused, match="all schools"):
            store.console.operators.change(only, "Minerva", None, *change)
    administrator(store, "albus")
    store.console.operators.change(only, "Minerva", None, "viewer", [SCHOOL], disabled=False)
    found = store.console.operators.get(only)
    assert found is not None
    assert (found.role, found.schools) == ("viewer", frozenset({SCHOOL}))


def test_a_new_password_or_another_role_signs_somebody_out(store: Store) -> None:
    one, sessions = administrator(store), store.console.sessions
    administrator(store, "albus")
    sessions.begin("cookie", "csrf", one, None, NOON, DAY)
    store.console.operators.rehash(one, "argon2 again")
    assert sessions.find("cookie", NOON, SOON) is not None
    store.console.operators.set_password(one, "argon2")
    assert store.console.operators.password(one) == "argon2"
    assert sessions.find("cookie", NOON, SOON) is None
    sessions.begin("cookie 2", "csrf", one, None, NOON, DAY)
    store.console.operators.change(one, "Minerva", None, "viewer", None, disabled=False)
    assert sessions.find("cookie 2", NOON, SOON) is None


# --- sessions, tokens, links: the store has none of the secrets ---


def test_a_session_lives_while_somebody_is_seen_and_not_beyond_its_day(store: Store) -> None:
    one, sessions = administrator(store), store.console.sessions
    sessions.begin("cookie", "csrf", one, None, NOON, DAY)
    found = sessions.find("cookie", NOON + timedelta(minutes=29), SOON)
    assert found is not None
    assert (found.operator, found.csrf) == (one, "csrf")
    assert sessions.find("cookie", NOON + timedelta(minutes=58), SOON) is not None
    assert sessions.find("cookie", NOON + timedelta(minutes=89), SOON) is None
    assert sessions.find("cookie", NOON + DAY, timedelta(days=2)) is None
    assert sessions.find("another", NOON, SOON) is None
    sessions.end("cookie")
    assert sessions.find("cookie", NOON, SOON) is None


def test_signing_out_elsewhere_leaves_the_one_at_hand(store: Store) -> None:
    one, sessions = administrator(store), store.console.sessions
    for cookie in ("here", "there"):
        sessions.begin(cookie, "csrf", one, None, NOON, DAY)
    sessions.end_others(one, "here")
    assert sessions.find("here", NOON, SOON) is not None
    assert sessions.find("there", NOON, SOON) is None


def test_a_token_is_good_until_it_ends_or_is_taken_back(store: Store) -> None:
    tokens = store.console.tokens
    number = tokens.add("onr_secret", "nightly report", "viewer", [SCHOOL], "minerva", NOON, timedelta(days=90))
    found = tokens.find("onr_secret", NOON)
    assert found is not None
    assert (found.id, found.schools, found.used) == (number, frozenset({SCHOOL}), None)
    assert tokens.all()[0].used == "2026-11-24T12:00:00+00:00"
    assert tokens.find("onr_secret", NOON + timedelta(days=90)) is None
    assert tokens.revoke(number, NOON)
    assert not tokens.revoke(number, NOON)
    assert tokens.find("onr_secret", NOON) is None


def test_a_link_works_once_however_many_use_it(store: Store) -> None:
    links = store.console.links
    links.make("first", None, NOON, DAY)
    assert links.look("first", NOON) == (True, None)
    assert links.look("first", NOON + DAY) == (False, None)
    used: list[bool] = []
    threads = [threading.Thread(target=lambda: used.append(links.use("first", NOON))) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(used) == [False] * 4 + [True]


def test_a_new_link_for_somebody_ends_the_one_before(store: Store) -> None:
    links, one = store.console.links, administrator(store)
    links.make("old", one, NOON, DAY)
    links.make("first", None, NOON, DAY)
    links.make("new", one, NOON, DAY)
    assert not links.use("old", NOON)
    assert links.look("new", NOON) == (True, one)
    assert links.look("first", NOON) == (True, None)


def test_the_file_of_the_store_has_no_secret_in_it(store: Store) -> None:
    one = administrator(store)
    store.console.sessions.begin("cookie-secret", "csrf", one, None, NOON, DAY)
    store.console.tokens.add("token-secret", "report", "viewer", None, "minerva", NOON, DAY)
    store.console.links.make("link-secret", one, NOON, DAY)
    with store._engine.connect() as connection:
        for table in ("console_sessions", "tokens", "one_time_links"):
            rows = str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            assert "-secret" not in rows
            assert len(rows) > 64


# --- who did what ---


def test_the_audit_is_told_newest_first_to_those_who_may_see_a_school(store: Store) -> None:
    note = store.console.audit.note
    note(NOON, "minerva", SCHOOL, "Approved the plan for ad.", "d1")
    note(NOON, "severus", "oakfield", "Renamed h.potter 100%.", "who")
    note(NOON, "minerva", None, "Made the operator severus.")
    told = store.console.audit.list
    assert [each.by for each in told(None)] == ["minerva", "severus", "minerva"]
    assert [each.about for each in told([SCHOOL])] == ["d1"]
    assert [each.about for each in told(None, text="POTTER 100%")] == ["who"]
    assert told(None, text="potter%100") == []
    newest = told(None, limit=1)[0]
    assert [each.about for each in told(None, before=newest.id)] == ["who", "d1"]


# --- approvals of two people ---


def test_where_two_people_are_needed_one_cannot_be_both(store: Store) -> None:
    for _ in range(2):
        store.approve("d1", SCHOOL, "minerva", NOON, NOON + DAY, needed=2)
        assert not store.use_approval("d1", NOON)
    waiting = store.open_approval("d1", NOON)
    assert waiting is not None
    assert (waiting["by"], waiting["also_by"], waiting["needed"]) == ("minerva", None, 2)
    store.approve("d1", SCHOOL, "severus", NOON, NOON + DAY, needed=2)
    found = store.open_approval("d1", NOON)
    assert found is not None
    assert (found["by"], found["also_by"]) == ("minerva", "severus")
    assert store.use_approval("d1", NOON)
    assert not store.use_approval("d1", NOON)
    assert store.open_approval("d1", NOON) is None


def test_a_first_yes_that_has_expired_is_not_half_of_anything(store: Store) -> None:
    store.approve("d1", SCHOOL, "minerva", NOON, NOON + DAY, needed=2)
    store.approve("d1", SCHOOL, "severus", NOON + 2 * DAY, NOON + 3 * DAY, needed=2)
    assert not store.use_approval("d1", NOON + 2 * DAY)
    store.approve("d1", SCHOOL, "minerva", NOON + 2 * DAY, NOON + 3 * DAY, needed=2)
    assert store.use_approval("d1", NOON + 2 * DAY)


def test_a_complete_approval_is_not_undone_by_one_of_its_people_saying_yes_again(store: Store) -> None:
    for who in ("minerva", "severus", "minerva", "severus"):
        store.approve("d1", SCHOOL, who, NOON, NOON + DAY, needed=2)
    assert store.use_approval("d1", NOON)


def test_a_no_takes_a_yes_back_and_a_later_yes_the_no(store: Store) -> None:
    store.approve("d1", SCHOOL, "minerva", NOON, NOON + DAY)
    store.refuse("d1", SCHOOL, "severus", "The extract is half a school.", NOON)
    assert not store.use_approval("d1", NOON)
    found = store.refusal("d1")
    assert found is not None
    assert (found["by"], found["why"]) == ("severus", "The extract is half a school.")
    store.approve("d1", SCHOOL, "minerva", NOON + SOON, NOON + DAY)
    assert store.refusal("d1") is None
    assert store.use_approval("d1", NOON + SOON)
