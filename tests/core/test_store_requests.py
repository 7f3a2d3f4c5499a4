"""What people ask the service for is asked once, taken once, ended once, and never done again by itself."""

from __future__ import annotations

import threading
from datetime import timedelta

from builders import NOON, SCHOOL
from onroll_core.store import Store


def test_the_same_thing_asked_twice_is_one_request_until_it_is_over(store: Store) -> None:
    first = store.requests.ask(SCHOOL, "sync", {"approve": ["d1"]}, "minerva", NOON)
    assert store.requests.ask(SCHOOL, "sync", {"approve": ["d1"]}, "severus", NOON) == first
    other = store.requests.ask(SCHOOL, "sync", {"approve": ["d2"]}, "severus", NOON)
    assert other != first
    assert [each.by for each in store.requests.open(SCHOOL)] == ["minerva", "severus"]
    store.requests.finish(first, "done", {"run": 4}, NOON)
    assert store.requests.ask(SCHOOL, "sync", {"approve": ["d1"]}, "minerva", NOON) not in (first, other)


def test_many_who_ask_at_the_same_moment_ask_once(store: Store) -> None:
    numbers: list[int] = []
    together = threading.Barrier(6)

    def ask() -> None:
        together.wait()
        numbers.append(store.requests.ask(SCHOOL, "plan", {}, "somebody", NOON))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(numbers) == 6
    assert len(set(numbers)) == 1


def test_a_request_is_taken_by_one_process_and_ends_once(store: Store) -> None:
    number = store.requests.ask(SCHOOL, "check", {}, "minerva", NOON)
    assert store.requests.take(number, "host 1 100", NOON)
    assert not store.requests.take(number, "host 2 200", NOON)
    store.requests.progress(number, "checked ad", 3, 7)
    found = store.requests.get(number)
    assert found is not None
    assert (found.status, found.progress, found.over) == (
        "under way",
        {"what": "checked ad", "done": 3, "total": 7},
        False,
    )
    store.requests.finish(number, "done", {"findings": []}, NOON + timedelta(minutes=2))
    store.requests.finish(number, "failed", {"error": "too late"}, NOON + timedelta(minutes=3))
    store.requests.progress(number, "checked m365", 4, 7)
    found = store.requests.get(number)
    assert found is not None
    assert (found.status, found.result, found.ended) == ("done", {"findings": []}, "2026-11-24T12:02:00+00:00")
    assert found.progress == {"what": "checked ad", "done": 3, "total": 7}
    assert store.requests.newest_done(SCHOOL, "check") == found
    assert store.requests.newest_done(SCHOOL, "sync") is None


def test_what_could_not_begin_waits_again(store: Store) -> None:
    number = store.requests.ask(SCHOOL, "sync", {}, "minerva", NOON)
    assert store.requests.take(number, "host 1 100", NOON)
    assert store.requests.waiting() == []
    store.requests.put_back(number)
    assert [each.id for each in store.requests.waiting()] == [number]
    assert store.requests.take(number, "host 1 100", NOON)


def test_what_a_dead_process_had_begun_is_cut_off_and_not_begun_again(store: Store) -> None:
    lost = store.requests.ask(SCHOOL, "sync", {}, "minerva", NOON)
    alive = store.requests.ask(SCHOOL, "check", {}, "minerva", NOON)
    elsewhere = store.requests.ask(SCHOOL, "plan", {}, "minerva", NOON)
    for number, process in ((lost, "dead"), (alive, "alive"), (elsewhere, "unknown")):
        assert store.requests.take(number, process, NOON)
    judged = {"dead": True, "alive": False, "unknown": None}
    assert store.requests.cut_off(judged.__getitem__, "The service ended. Ask again.", NOON) == 1
    found = store.requests.get(lost)
    assert found is not None
    assert (found.status, found.result) == ("cut off", {"error": "The service ended. Ask again."})
    assert store.requests.waiting() == []
    assert [each.id for each in store.requests.open(SCHOOL)] == [alive, elsewhere]


def test_old_answers_are_forgotten_and_open_questions_are_not(store: Store) -> None:
    old, recent, waiting = (store.requests.ask(SCHOOL, kind, {}, "minerva", NOON) for kind in ("plan", "check", "sync"))
    store.requests.finish(old, "done", {}, NOON - timedelta(days=31))
    store.requests.finish(recent, "done", {}, NOON)
    assert store.requests.tidy(NOON - timedelta(days=30)) == 1
    assert store.requests.get(old) is None
    assert {each.id for each in store.requests.latest(SCHOOL)} == {recent, waiting}


def test_old_looks_are_forgotten_but_for_the_newest_that_came_to_something(store: Store) -> None:
    def ended(kind: str, status: str, school: str = SCHOOL) -> int:
        number = store.requests.ask(school, kind, {}, "minerva", NOON)
        store.requests.finish(number, status, {}, NOON)
        return number

    old, answered, failed = ended("plan", "done"), ended("plan", "held"), ended("plan", "failed")
    other, run = ended("plan", "done", "oakfield"), ended("sync", "done")
    waiting = store.requests.ask(SCHOOL, "plan", {}, "minerva", NOON)
    assert store.requests.tidy_looks(NOON, ["plan", "check"]) == 0
    assert store.requests.tidy_looks(NOON + timedelta(seconds=1), ["plan", "check"]) == 2
    kept = [number for number in (old, answered, failed, other, run, waiting) if store.requests.get(number)]
    assert kept == [answered, other, run, waiting]


def test_the_newest_answer_to_exactly_what_was_asked_is_found(store: Store) -> None:
    first = store.requests.ask(SCHOOL, "links", {"target": "ad"}, "minerva", NOON)
    second = store.requests.ask(SCHOOL, "links", {"target": "m365"}, "minerva", NOON)
    for number in (first, second):
        store.requests.finish(number, "done", {}, NOON)
    for asked, expected in (
        ({"target": "ad"}, first),
        ({"target": "m365"}, second),
        ({"target": "google"}, None),
        (None, second),
    ):
        found = store.requests.newest_done(SCHOOL, "links", asked)
        assert (found and found.id) == expected
