"""School and settings: the configuration in words and without a secret, what is wrong in it now, a check, and a test of the alerts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from at_work import AtWork, at_work
from command import CONFIG, POTTERS, SECOND, Command
from morning import MINE, OTHER, Morning
from onroll_connectors.secrets import Secret
from onroll_core.people import Role as Of
from onroll_core.rules import Limit, Limits
from onroll_core.years import Country
from onroll_daemon import configured
from onroll_daemon import settings as configuration
from onroll_daemon.alerts.services import MISSING, UNKNOWN, service
from onroll_daemon.console.rights import Role
from onroll_daemon.console.views.allowed import nights, share
from onroll_daemon.console.views.examples import examples
from onroll_daemon.kinds import kinds

SECRET = "correct horse battery staple"
HOSTILE = '<script>alert("1")</script> & "School"'
PAGE = f"/schools/{MINE}/settings"
RICH = (
    CONFIG.replace('name = "Milton Park School"', f"name = '{HOSTILE}'\nsecond_person = true\nonly = {{ roles = [\"staff\"], years = [\"Year 10\", \"7\"] }}\nkeep_leavers = \"18 months\"")
    .replace("base =", 'observe_only = true\nuser = "onroll@school.test"\npassword = "env:ONROLL_AD_PASSWORD"\nwrite = ["department"]\nbase =')
    .replace("[[school]]", 'groups = ["year"]\n[targets.ad.attributes.students]\ndepartment = "{year}"\n[targets.ad.owners]\ndepartment = "once"\n[[school]]', 1)
    + '[school.students]\nusername = "{initial}.{last}{yoe2}"\nprefix = "s"\ngrace = 14\nleavers_place = "Leavers"\n'
    + '[school.limits]\ndisable = { count = 1, percent = 34 }\n'
    + '[school.groups]\nterms = [["2026-09-02", "2026-12-18"]]\n'
    + SECOND
    + '[alerts]\nto = ["env:ONROLL_ALERTS", "file:secrets/teams.txt"]\nabout = ["held", "digest"]\ndigest = "Friday 08:15"\n'
)  # fmt: skip


@pytest.fixture
def rich(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AtWork]:
    """A school that has set a good deal, on a desk that works."""
    monkeypatch.setenv("ONROLL_AD_PASSWORD", SECRET)
    monkeypatch.setenv("ONROLL_ALERTS", f"json://127.0.0.1:1/{SECRET.replace(' ', '-')}")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/teams.txt").write_text(f"workflows://{SECRET.replace(' ', '-')}.test/a/b")
    command = Command(tmp_path)
    command.configure(RICH)
    command.students(*POTTERS)
    command.students("1,Ada,Byron,3,01/09/2026,", folder="oakfield")
    with at_work(command, MINE, OTHER) as world:
        yield world


def words(answer: Any) -> str:
    """What a page says, without its tags."""
    assert answer.status_code == 200, answer.text
    main = re.sub(r"<svg.*?</svg>", "", answer.text.partition("<main")[2].partition(">")[2], flags=re.DOTALL)
    inline = re.sub(r"</?(span|time|code|wbr|strong)\b[^>]*>", "", main)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", inline)).split())


def viewer(world: Morning, *schools: str) -> Any:
    return world.as_(world.operator(Role.VIEWER, *(schools or (MINE,))))


def write(world: Morning, old: str, new: str) -> None:
    """Somebody edits the configuration while the service runs."""
    text = world.settings.path.read_text()
    assert old in text
    world.settings.path.write_text(text.replace(old, new))


def test_the_page_says_what_the_file_says_in_words(rich: AtWork) -> None:
    told = words(viewer(rich).get(PAGE))
    for each in (
        "It tells of pupils on roll, pupils who start later",
        "19:00 to 22:00 Time zone Europe/London",
        "26 November at 19:00 to 22:00",
        "28 November at 19:00 to 22:00",
        "Set when it is made or empty department, whether it is enabled",
        "Pupils department {year}",
        "Kinds of groups year",
        "s{initial}.{last}{yoe2}",
        "14 days after leaving",
        "Place of leavers Leavers",
        "ss.oconnor20 ss.oconnor20@miltonpark.test Siân O'Connor Students/2020",
        "Siân O'Connor (Year 7)",
        "the yes of two people",
        "all staff, pupils of Year 10, pupils of 7; nothing is done to anybody else",
        "nothing is ever written to it, whatever anybody approves",
        "18 months after they left",
        "Term 1 2 September to 18 December",
        "It begins on 1 September",
        "Up to 1 of 3 pupils may be disabled in one night.",
        "a plan that is held, the digest of the week",
        "Friday at 08:15",
    ):
        assert each in told


def test_no_secret_and_no_address_is_on_the_page_only_where_they_are(rich: AtWork) -> None:
    for browser in (viewer(rich), rich.as_(rich.operator(Role.ADMINISTRATOR))):
        text = browser.get(PAGE).text
        assert "correct" not in text
        assert "horse" not in text
        told = words(browser.get(PAGE))
        assert "a secret, kept in env:ONROLL_AD_PASSWORD" in told
        assert "A web hook env:ONROLL_ALERTS" in told
        assert "Microsoft Teams file:secrets/teams.txt" in told


def test_only_administrators_of_everything_are_told_where_the_file_is(rich: AtWork) -> None:
    folder = str(rich.command.folder)
    assert rich.ask(rich.operator_at(), f"/schools/{MINE}/check").status == "done"
    for browser in (viewer(rich), rich.operator_at(), rich.as_(rich.operator(Role.ADMINISTRATOR, MINE))):
        text = browser.get(PAGE).text
        assert folder not in text
        assert "onroll.toml, line 17" in text
    assert rich.settings.path.read_text().splitlines()[16] == "[[school]]"
    whole = rich.as_(rich.operator(Role.ADMINISTRATOR)).get(PAGE).text
    assert f"<code>{folder}/onroll.toml</code>" in whole


def test_markup_in_the_name_of_a_school_is_text(rich: AtWork) -> None:
    for path in (PAGE, "/audit"):
        text = rich.as_(rich.operator(Role.ADMINISTRATOR)).get(path).text
        assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in viewer(rich).get(PAGE).text


def test_a_school_that_one_may_not_see_is_not_there(world: Morning) -> None:
    browser = world.as_(world.operator(Role.OPERATOR, MINE))
    for path in (f"/schools/{OTHER}/settings", "/schools/nowhere/settings"):
        assert browser.get(path).status_code == 404
    for path in (f"/schools/{OTHER}/check", f"/schools/{OTHER}/alert-test"):
        assert browser.post(path).status_code == 404
    assert world.store.requests.latest(OTHER) == []


def test_a_viewer_reads_and_may_neither_check_nor_send_a_test(world: Morning) -> None:
    browser = viewer(world)
    text = browser.get(PAGE).text
    assert "Check now" not in text
    assert "Send a test" not in text
    assert browser.post(f"/schools/{MINE}/check").status_code == 403
    assert browser.post(f"/schools/{MINE}/alert-test").status_code == 403
    assert world.store.requests.latest(MINE) == []
    assert world.as_(world.operator(Role.ISSUER, MINE)).get(PAGE).status_code == 403


def test_a_file_that_is_as_it_was_has_nothing_wrong_in_it(world: Morning) -> None:
    told = words(viewer(world).get(PAGE))
    assert "in order Nothing: the file is as it was when the service started." in told
    assert "restart" not in told


def test_a_file_that_changed_since_is_said_to_wait_for_a_restart(world: Morning) -> None:
    write(world, 'name = "Milton Park School"', 'name = "Milton Park Academy"')
    told = words(viewer(world).get(PAGE))
    assert "waiting for a restart" in told
    assert "Changed: school milton-park." in told
    assert "Milton Park Academy" not in told
    write(world, 'base = "OU=Milton Park', 'base = "OU=Park')
    assert "Changed: target ad, school milton-park." in words(viewer(world).get(PAGE))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('quiet_seconds = 0', 'quite_seconds = 0', "onroll.toml, line 16: school.source.quite_seconds (of milton-park): there is no such key. Did you mean quiet_seconds?"),
        ('domain = "miltonpark.test"', 'domain = miltonpark.test', "onroll.toml cannot be understood"),
        ('targets = ["ad"]', 'targets = ["add"]', "there is no [targets.add] in the file. Did you mean ad?"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_said_in_a_sentence_with_its_line(
    world: Morning, old: str, new: str, said: str
) -> None:
    write(world, old, new)
    told = words(viewer(world).get(PAGE))
    assert said in told
    assert "cannot be read as it is now" in told
    assert str(world.command.folder) not in told


def test_a_file_that_is_gone_is_a_mistake_and_no_failure(world: Morning) -> None:
    world.settings.path.unlink()
    told = words(viewer(world).get(PAGE))
    assert "onroll.toml cannot be read: No such file or directory." in told
    assert "onroll.toml, line" not in told


def test_nothing_is_told_of_a_school_that_one_does_not_see(world: Morning) -> None:
    write(world, 'domain = "oakfield.test"', 'domain = "willowfield.test"')
    told = words(viewer(world).get(PAGE))
    assert "Changed: something about schools that you do not see." in told
    assert "oakfield" not in told.lower()
    assert "Changed: school oakfield." in words(viewer(world, OTHER).get(f"/schools/{OTHER}/settings"))
    write(world, 'name = "Oakfield Primary School"', 'nam = "Oakfield Primary School"')
    told = words(viewer(world).get(PAGE))
    assert "more mistakes are about schools that you do not see." in told
    assert "oakfield" not in told.lower()
    assert "Did you mean name?" in words(viewer(world, OTHER).get(f"/schools/{OTHER}/settings"))
    write(world, 'id = "milton-park"', 'id = "secret-school"\nfoo = 1')
    assert "secret-school" not in words(viewer(world).get(PAGE))


def test_check_now_asks_once_and_its_findings_are_listed_worst_first(rich: AtWork) -> None:
    browser = rich.operator_at(name="minerva")
    assert "Nobody has checked yet." in words(browser.get(PAGE))
    (rich.command.folder / "export/students.csv").unlink()
    assert rich.ask(browser, f"/schools/{MINE}/check").status == "done"
    told = words(browser.get(PAGE))
    assert "Checked on 26 November at 08:10 (just now), asked for by minerva." in told
    assert told.index("does not work milton-park, csv") < told.index("in order store")
    assert "in order settings onroll.toml is in order." in told
    noted = [(each.what, each.about) for each in rich.store.console.audit.list([MINE])]
    assert noted == [("asked for a check of everything", f"request {rich.store.requests.latest(MINE, 'check')[0].id}")]


def test_a_check_that_is_under_way_is_shown_and_not_asked_for_again(world: Morning) -> None:
    browser = world.as_(world.operator(Role.OPERATOR, MINE))
    first = browser.post(f"/schools/{MINE}/check")
    assert first.status_code == 303
    assert browser.post(f"/schools/{MINE}/check").headers["location"] == first.headers["location"]
    text = browser.get(PAGE).text
    assert 'hx-trigger="every 2s"' in text
    assert "Check now" not in text
    assert len(world.store.console.audit.list([MINE])) == 1


def test_a_check_that_came_to_nothing_says_why_above_the_one_before(world: Morning) -> None:
    store, now = world.store, world.clock()
    for status, result in (("done", {"findings": [{"where": "ad", "level": "warning", "sentence": "an <i>old</i> one."}]}), ("cut off", {"error": "The service ended."})):  # fmt: skip
        number = store.requests.ask(MINE, "check", {}, "minerva", now)
        store.requests.finish(number, status, result, now)
    answer = viewer(world).get(PAGE)
    told = words(answer)
    assert "The newest check came to nothing: The service ended." in told
    assert "worth a look ad An <i>old</i> one." in told
    assert "<i>old" not in answer.text


def test_findings_about_other_schools_mistakes_are_only_counted(world: Morning) -> None:
    number = world.store.requests.ask(MINE, "check", {}, "minerva", world.clock())
    sentences = [f"{world.settings.path}, line 3: school.nam (of {OTHER}): there is no such key.", "all is well."]
    rows = [{"where": "settings", "level": "problem", "sentence": each} for each in sentences]
    world.store.requests.finish(number, "done", {"findings": rows}, world.clock())
    told = words(viewer(world).get(PAGE))
    assert "All is well." in told
    assert OTHER not in told
    assert "1 more finding is about schools that you do not see." in told
    assert f"onroll.toml, line 3: school.nam (of {OTHER})" in words(world.as_(world.operator(Role.OPERATOR)).get(PAGE))


def test_a_script_is_told_no_more_of_other_schools_mistakes_than_the_page(world: Morning) -> None:
    number = world.store.requests.ask(MINE, "check", {}, "minerva", world.clock())
    sentences = [f"{world.settings.path}, line 3: school.nam (of {OTHER}): there is no such key.", "all is well."]
    rows = [{"where": "settings", "level": level, "sentence": each} for each, level in zip(sentences, ("problem", "ok"), strict=True)]  # fmt: skip
    world.store.requests.finish(number, "done", {"findings": rows, "problems": 1}, world.clock())
    told = {}
    for schools in ((MINE,), ()):
        headers = {"Authorization": f"Bearer {world.token(Role.VIEWER, *schools)}"}
        answer = world.client.get(f"/api/v1/requests/{number}", headers=headers)
        told[schools] = answer.json()["result"]
        assert str(world.settings.path.parent) not in answer.text
    assert told[MINE,] == {"findings": rows[1:], "problems": 0, "hidden": 1}
    assert [each["sentence"] for each in told[()]["findings"]] == [f"onroll.toml, line 3: school.nam (of {OTHER}): there is no such key.", "all is well."]  # fmt: skip
    assert (told[()]["problems"], told[()]["hidden"]) == (1, 0)


def test_a_test_of_the_alerts_is_sent_and_its_answer_shown_without_an_address(rich: AtWork) -> None:
    browser = rich.operator_at(name="minerva")
    assert rich.ask(browser, f"/schools/{MINE}/alert-test").status == "done"
    answer = browser.get(PAGE)
    told = words(answer)
    assert "Tested on 26 November at 08:10" in told
    assert told.count("not sent") == 2
    assert "Look at the address in file:secrets/teams.txt." in told
    assert "correct" not in answer.text
    assert [each.what for each in rich.store.console.audit.list([MINE])] == ["sent a test of the alerts"]


def test_where_nobody_is_told_the_page_says_what_to_write(world: Morning) -> None:
    browser = world.as_(world.operator(Role.OPERATOR, MINE))
    told = words(browser.get(PAGE))
    assert 'Nobody is told. Write to = ["env:ONROLL_ALERT_EMAIL"] under [alerts] in onroll.toml' in told
    assert "Send a test" not in told


def test_the_window_that_is_open_now_is_the_first_of_three(world: Morning) -> None:
    world.later(hours=12)
    told = words(viewer(world).get(PAGE))
    assert "26 November at 19:00 to 22:00 open now" in told
    assert "28 November at 19:00 to 22:00" in told
    assert "29 November" not in told


def test_a_script_reads_the_settings_and_asks_for_a_check(rich: AtWork) -> None:
    told = rich.api(Role.VIEWER, "GET", f"/schools/{MINE}/settings").json()
    assert told == {
        "school": MINE, "mis": "csv", "route": "csv", "targets": [{"name": "ad", "kind": "active_directory"}], "mistakes": [], "changed": [], "hidden": 0,
    }  # fmt: skip
    write(rich, 'domain = "oakfield.test"', 'domain = "willowfield.test"')
    assert rich.api(Role.VIEWER, "GET", f"/schools/{MINE}/settings").json()["hidden"] == 1
    assert rich.api(Role.VIEWER, "POST", f"/schools/{MINE}/check").status_code == 403
    assert rich.api(Role.OPERATOR, "POST", f"/schools/{OTHER}/check").status_code == 404
    asked = rich.api(Role.OPERATOR, "POST", f"/schools/{MINE}/check")
    assert asked.status_code == 202
    assert asked.json()["href"] == f"/api/v1/requests/{asked.json()['request']}"
    assert rich.ended(asked.json()["request"]).kind == "check"
    assert [each.what for each in rich.store.console.audit.list([MINE])] == ["asked for a check of everything"]


# --- what the page is made of ---


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mailtos://me:password@mail.school.test", "e-mail"),
        ("MAILTO://x", "e-mail"),
        ("workflows://host/a/b", "Microsoft Teams"),
        ("s3cret://x", UNKNOWN),
        ("s3cret", "not an address that onroll knows"),
        ("", "not an address that onroll knows"),
    ],
)
def test_the_kind_of_an_address_repeats_nothing_of_it(monkeypatch: pytest.MonkeyPatch, address: str, said: str) -> None:
    monkeypatch.setenv("ONROLL_ADDRESS", address)
    assert service(Secret("env:ONROLL_ADDRESS")) == said
    monkeypatch.delenv("ONROLL_ADDRESS")
    assert service(Secret("env:ONROLL_ADDRESS")) == MISSING


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file:{here}/secrets/teams.txt", "file:secrets/teams.txt"),
        ("file:{here}/../teams.txt", "file:../teams.txt"),
        ("file:/etc/onroll/teams.txt", "file:/etc/onroll/teams.txt"),
        ("file:{home}/teams.txt", "file:~/teams.txt"),
        ("{here}/export", "export"),
        ("embedded:{here}/directory.json", "embedded:directory.json"),
        ("env:ONROLL_X", "env:ONROLL_X"),
        ("credential:onroll-x", "credential:onroll-x"),
    ],
)
def test_a_reference_is_told_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    here = tmp_path / "onroll"
    assert configured.as_written(text.format(here=here, home=tmp_path / "home"), here) == said


def test_a_password_inside_an_address_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "onroll.toml"
    path.write_text(CONFIG.replace('user = "', "").replace("base =", 'observe_only = true\nuser = "https://ann:hunter2@x.test/a?token=hunter2"\nbase ='))  # fmt: skip
    ad = configuration.load(path).targets["ad"]
    told = {each.name: each.told for each in configured.keys(ad.settings, tmp_path)}
    assert told["user"] == "https://...@x.test/a?..."
    assert "timeout" not in told, "only what the file sets is told"


@pytest.mark.parametrize("kind", kinds("sources"))
def test_what_every_source_gives_can_be_said(kind: str) -> None:
    class Anything:
        preset = None

    told = configured.reads(configuration.Route(kind, f"onroll_connectors.sources.{kind}", Anything()))
    assert "pupils on roll" in told.yes
    assert not set(told.yes) & set(told.no)


def test_a_limit_is_told_in_the_numbers_of_the_school() -> None:
    assert share(Limit(5, 3), 1203) == "up to 36 of 1,203"
    assert share(Limit(5, 3), 0) == "up to 5"
    assert share(Limit(5, 3), 4) == "all 4"
    told = nights(Limits(), {"student": 1203, "staff": 90})
    assert told["lead"] == "Up to 36 of 1,203 pupils may be disabled in one night."
    assert told["heads"] == ["Pupils", "Staff"]
    by = {each["what"]: each["shares"] for each in told["rows"]}
    assert by["get a new account although they are not recent joiners"] == ["up to 60", "up to 25"]
    assert nights(Limits(), {"other": 2})["heads"] == ["Pupils", "Staff", "Others"]


def test_the_examples_are_of_a_year_group_that_the_school_has(world: Morning) -> None:
    rules, today = world.place.rules(MINE), world.clock().date()
    pupil, _ = examples(rules, Of.STUDENT, today, {"7": 2, "9": 5, "nonsense": 100})
    assert (pupil["year"], pupil["username"], pupil["place"]) == ("Year 9", "18soconnor", "Students/2018")
    pupil, _ = examples(rules, Of.STUDENT, today, {})
    assert (pupil["year"], pupil["username"]) == ("Year 7", "20soconnor")
    scottish, _ = examples(replace(rules, country=Country.SCOTLAND), Of.STUDENT, today, {})
    assert scottish["year"] == "S1"
    nobody = replace(rules, staff=replace(rules.staff, provision=False))
    assert examples(nobody, Of.STAFF, today, {}) == []
    assert examples(rules, Of.CONTACT, today, {}) == []
