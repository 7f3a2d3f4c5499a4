"""What people ask for is done once, seen while it goes on, and answered, whatever happens meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, POTTERS, SECOND
from desks import SCHOOL, Office, until
from onroll_core.errors import Unavailable
from onroll_core.store import this_process
from onroll_core.store.processes import signature
from onroll_daemon.desk.job import Answer, Job
from onroll_daemon.wiring import now

EVERYBODY = [f"{n},Ann,Smith{chr(97 + n // 26)}{chr(97 + n % 26)},7,01/09/2026," for n in range(40)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    office.desk.start()
    yield office
    office.close()


def married(office: Office, *numbers: int) -> None:
    """Some of the pupils have another surname from now on."""
    office.onroll.students(
        *(
            row.replace("Potter" if n < 2 else "Weasley", "Evans") if n in numbers else row
            for n, row in enumerate(POTTERS)
        )
    )


def test_a_sync_is_done_counted_and_told(office: Office) -> None:
    found = office.ask("sync")
    assert found.status == "done"
    assert found.result is not None
    assert (found.result["targets"]["ad"]["created"], found.result["people"]["joiners"]) == (3, 3)
    (run,) = office.store.runs(SCHOOL)
    assert (run["id"], run["by"], run["kind"]) == (found.result["run"], "pat", "sync")
    assert [night.run for night in office.counted] == [run["id"]]
    assert office.done("sync")["targets"]["ad"]["created"] == 0


def test_a_school_that_cannot_be_read_says_so(office: Office) -> None:
    (office.onroll.folder / "export" / "students.csv").unlink()
    found = office.ask("sync")
    assert found.status == "failed"
    assert found.result is not None
    assert "There is no CSV file" in found.result["error"]


def test_a_plan_is_done_and_has_every_change(office: Office) -> None:
    nothing = office.ask("plan")
    assert (nothing.status, "Nothing has been read" in (nothing.result or {})["error"]) == ("failed", True)
    office.onroll.run("pull")
    (plan,) = office.done("plan")["plans"]
    assert (plan["target"], plan["verdict"], [each["kind"] for each in plan["changes"]]) == (
        "ad",
        "cleared",
        ["create"] * 3,
    )
    told = office.done("plan", as_of="2027-09-02", targets=["ad"])
    assert told["as_of"] == "2027-09-02"
    assert [each["kind"] for each in told["plans"][0]["changes"]] == ["create"] * 3
    assert told["notices"], "and what cannot be foreseen of next September"


def held(office: Office) -> dict[str, Any]:
    """Forty pupils of whom thirty leave, which waits for a person; what the sync said."""
    office.onroll.configure(
        CONFIG.replace("quiet_seconds = 0", "quiet_seconds = 0\n[school.limits]\nupdate = { count = 1, percent = 1 }")
    )
    office.onroll.students(*EVERYBODY)
    office.onroll.run("sync")
    office.onroll.students(*(row.replace("Smith", "Jones") for row in EVERYBODY[:30]), *EVERYBODY[30:])
    restarted(office)
    found = office.ask("sync")
    assert found.status == "held", found.result
    assert found.result is not None
    return dict(found.result)


def restarted(office: Office) -> None:
    """The service again, with the configuration as it is now."""
    office.desk.stop()
    office.load()
    office.desk = office.new_desk()
    office.desk.start()


def test_a_held_plan_is_carried_out_when_its_digest_is_approved(office: Office) -> None:
    told = held(office)
    assert told["targets"]["ad"]["objections"][0].startswith("30 pupils would have their names changed")
    assert "changed" not in told
    (plan,) = office.done("plan")["plans"]
    assert (plan["verdict"], plan["digest"]) == ("held", told["targets"]["ad"]["digest"])
    done = office.done("apply", approve=[plan["digest"]])
    assert done["targets"]["ad"]["updated"] == 30
    with sqlite3.connect(office.onroll.folder / "onroll.db") as store:
        assert store.execute("select by, used is not null from approvals").fetchall() == [("pat", 1)]


def test_a_plan_that_changed_since_it_was_looked_at_is_held_and_says_so(office: Office) -> None:
    digest = held(office)["targets"]["ad"]["digest"]
    office.onroll.students(*(row.replace("Smith", "Evans") for row in EVERYBODY[:30]), *EVERYBODY[30:])
    found = office.ask("sync", approve=[digest])
    assert found.status == "held"
    assert found.result is not None
    assert found.result["changed"].startswith("The plan has changed since you looked at it:")
    assert found.result["targets"]["ad"]["updated"] == 0
    assert found.result["targets"]["ad"]["digest"] != digest


def test_where_two_people_have_to_say_yes_the_first_is_told_so(office: Office) -> None:
    digest = held(office)["targets"]["ad"]["digest"]
    text = office.path.read_text(encoding="utf-8")
    office.path.write_text(text.replace('mis = "csv"', 'mis = "csv"\nsecond_person = true'), encoding="utf-8")
    restarted(office)
    found = office.ask("apply", approve=[digest])
    assert (found.status, "a second person" in (found.result or {})["changed"]) == ("held", True)
    assert office.ask("apply", by="sam", approve=[digest]).status == "done"


def test_one_person_is_put_right_and_nobody_else(office: Office) -> None:
    office.onroll.run("sync")
    married(office, 0, 2)
    office.onroll.run("pull")
    harry = office.person("20hpotter")
    told = office.done("apply", identity=harry.id)
    assert (told["targets"]["ad"]["updated"], told["only_people"]) == (1, [harry.id])
    (plan,) = office.done("plan")["plans"]
    assert {each["username"] for each in plan["changes"]} == {"19rweasley"}
    stranger = office.ask("apply", identity="nobody")
    assert (stranger.status, "nobody with the identity" in (stranger.result or {})["error"]) == ("refused", True)


def test_an_undo_is_shown_and_done_by_its_digest(office: Office) -> None:
    office.onroll.run("sync")
    married(office, 0)
    run = office.done("sync")["run"]
    shown = office.done("show-undo", run=run)
    (plan,) = shown["plans"]
    assert (shown["undoes"], plan["verdict"], len(plan["changes"])) == (run, "held", 1)
    assert office.ask("undo", run=run, approve=["0" * 16]).status == "held"
    done = office.done("undo", run=run, approve=[plan["digest"]])
    assert (done["targets"]["ad"]["updated"], done["undoes"]) == (1, run)
    nothing = office.ask("show-undo", run=99)
    assert (nothing.status, "has no run 99" in (nothing.result or {})["error"]) == ("refused", True)


def test_a_check_tells_what_is_wrong_and_that_the_file_has_changed(office: Office) -> None:
    told = office.done("check")
    assert told["problems"] == 0
    assert {each["where"] for each in told["findings"]} == {"settings", "store", SCHOOL, f"{SCHOOL}, csv", "ad"}
    office.path.write_text(
        office.path.read_text(encoding="utf-8").replace("Milton Park School", "Another"), encoding="utf-8"
    )
    (settings,) = [each for each in office.done("check")["findings"] if each["where"] == "settings"]
    assert (settings["level"], "counts once the service is started again" in settings["sentence"]) == ("warning", True)
    office.path.write_text("[[school]]\nidd = 1\n", encoding="utf-8")
    told = office.done("check")
    assert told["problems"] >= 1


@pytest.mark.parametrize(
    ("kind", "asked", "sentence"),
    [
        ("apply", {"targets": ["m365"]}, "milton-park has no target m365"),
        ("apply", {"approve": "abc"}, "approve has to be a list"),
        ("plan", {"as_of": "tomorrow"}, "tomorrow is no date"),
        ("plan", {"as_of": 7}, "as_of has to be a text"),
        ("undo", {"run": "7"}, "run has to be a number"),
        ("passwords", {"again": "yes"}, "again has to be true or false"),
        ("passwords", {"role": "wizard"}, "There is no role wizard"),
        ("unlink", {}, "does not say identity"),
        ("rename-preview", {}, "does not say whom"),
        ("dance", {}, "does not know how to do dance"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_a_sentence(
    office: Office, kind: str, asked: dict[str, Any], sentence: str
) -> None:
    found = office.ask(kind, **asked)
    assert found.status == "refused"
    assert sentence in (found.result or {})["error"]


def test_a_school_that_is_gone_from_the_configuration_is_said_to_be(office: Office) -> None:
    found = office.ask("sync", school="oakfield")
    assert (found.status, "There is no school oakfield" in (found.result or {})["error"]) == ("refused", True)


def test_a_request_waits_while_its_school_is_at_work_and_a_look_does_not(office: Office) -> None:
    office.onroll.run("pull")
    with office.store.lease(SCHOOL, this_process("somebody")):
        number = office.send("sync")
        assert office.put_off(number).status in ("waiting", "under way")
        assert office.done("plan")["plans"]
        assert office.store.runs(SCHOOL, 1)[0]["kind"] == "pull"
    assert office.ended(number).status == "done"


def test_a_request_is_done_once_however_many_desks_look_for_it(office: Office) -> None:
    others = [office.new_desk() for _ in range(3)]
    for each in others:
        each.start()
    try:
        numbers = [office.send("sync"), office.send("check"), office.send("plan")]
        for each in others:
            each.wake()
        assert [office.ended(number).over for number in numbers] == [True] * 3
    finally:
        for each in others:
            each.stop()
    assert len(office.store.runs(SCHOOL)) == 1


class Stage:
    """A kind of our own, which goes on as far as the test lets it."""

    def __init__(self, office: Office) -> None:
        self.begun, self.go_on, self.office = threading.Event(), threading.Event(), office
        office.desk.stop()
        office.desk = office.new_desk(lanes=({"act": self.act},))
        office.desk.start()

    def act(self, job: Job) -> Answer:
        for count in range(3):
            job.progress("acting", count, 3)
        self.begun.set()
        assert self.go_on.wait(60)
        job.progress("acting", 3, 3)
        return Answer("done", {"acted": True})


def test_progress_is_seen_by_anybody_and_written_once_a_second(office: Office) -> None:
    stage = Stage(office)
    number = office.send("act")
    assert stage.begun.wait(60)
    seen = office.get(number)
    assert (seen.status, seen.progress) == ("under way", {"what": "acting", "done": 0, "total": 3})
    assert office.send("act") == number, "the same that is not over is the same request"
    stage.go_on.set()
    assert office.ended(number).result == {"acted": True}


def test_a_desk_that_stops_in_the_middle_ends_between_two_batches_and_says_so(office: Office) -> None:
    office.onroll.students(*(f"{n},{chr(97 + n % 26)}{chr(97 + n // 26)},Smith,7,01/09/2026," for n in range(600)))
    number = office.send("sync")
    until(lambda: (office.get(number).progress or {}).get("what") == "writing to ad" or office.store.bonds("ad"))
    office.desk.stop()
    found = office.get(number)
    assert (found.status, found.over) == ("cut off", True)
    assert found.result is not None
    assert "ask again for the rest" in found.result["error"]
    ad = found.result["targets"]["ad"]
    assert ad["created"] + ad["deferred"] == 600
    assert 0 < ad["created"] < 600
    office.desk = office.new_desk()
    office.desk.start()
    assert office.get(number).status == "cut off", "it does not begin again by itself"
    assert office.done("sync")["targets"]["ad"]["created"] == ad["deferred"]


def test_passwords_that_were_being_given_when_the_service_stopped_have_to_be_given_again(office: Office) -> None:
    begun = threading.Event()

    def give(job: Job) -> Answer:
        begun.set()
        until(job.stopping)
        return Answer("done", {})

    office.desk.stop()
    office.desk = office.new_desk(lanes=({"passwords": give},))
    office.desk.start()
    number = office.send("passwords")
    assert begun.wait(60)
    office.desk.stop()
    found = office.get(number)
    assert (found.status, "that nobody knows" in (found.result or {})["error"]) == ("cut off", True)


def test_what_a_dead_process_had_begun_is_cut_off_and_what_waited_is_done(office: Office) -> None:
    office.desk.stop()
    begun, waiting = office.send("sync"), office.send("check")
    machine, pid, _ = signature().split(" ")
    assert office.store.requests.take(begun, f"{machine} {pid} 1", now())
    office.desk = office.new_desk()
    office.desk.start()
    found = office.ended(begun)
    assert found.status == "cut off"
    assert "does not begin again by itself" in (found.result or {})["error"]
    assert office.ended(waiting).status == "done"
    assert office.store.runs(SCHOOL) == []


def test_what_another_machine_had_begun_is_believed_for_half_a_day(office: Office) -> None:
    office.desk.stop()
    new, old = office.send("sync"), office.send("check")
    assert office.store.requests.take(new, "elsewhere 1 1", now())
    assert office.store.requests.take(old, "elsewhere 1 1", now() - timedelta(hours=13))
    office.desk = office.new_desk()
    office.desk.start()
    assert office.ended(old).status == "cut off"
    assert office.get(new).status == "under way"


def test_a_request_outlives_the_service_that_was_asked(tmp_path: Path) -> None:
    office = Office(tmp_path)
    number = office.send("sync")
    office.close()
    again = Office(tmp_path, office.onroll)
    again.desk.start()
    try:
        assert again.ended(number).status == "done"
    finally:
        again.close()


def test_a_mistake_of_ours_is_a_general_sentence_and_a_trace_in_the_log(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(job: Job) -> Answer:
        raise ZeroDivisionError("Harry Potter")

    def away(job: Job) -> Answer:
        raise Unavailable("The directory does not answer.")

    def unkept(job: Job) -> Answer:
        return Answer("done", {"what": object()})

    office.desk.stop()
    office.desk = office.new_desk(lanes=({"stumble": stumble, "away": away, "unkept": unkept},))
    office.desk.start()
    found = office.ask("stumble")
    assert found.status == "failed"
    assert "onroll made a mistake" in (found.result or {})["error"]
    assert "Potter" not in str(found.result)
    assert any(record.exc_info for record in caplog.records)
    assert office.ask("away").result == {"error": "The directory does not answer."}
    lost = office.ask("unkept")
    assert (lost.status, "onroll made a mistake" in (lost.result or {})["error"]) == ("failed", True)


def test_two_schools_are_run_side_by_side(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.onroll.configure(CONFIG + SECOND)
    office.onroll.students("9,Luna,Lovegood,7,01/09/2026,", folder="oakfield")
    restarted(office)
    try:
        with office.store.lease(SCHOOL, this_process("somebody")):
            first = office.send("sync")
            assert office.ask("sync", school="oakfield").status == "done"
            assert not office.put_off(first).over
        assert office.ended(first).status == "done"
    finally:
        office.close()
