"""Every thing about a person has a record, a rule and a run behind it, and what would change tonight is told without changing it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from builders import DOMAIN, NOON, SCHOOL, day, pupil, school, teacher
from onroll_core import pipeline
from onroll_core.accounts import Anchor
from onroll_core.errors import Unavailable
from onroll_core.explain import Explanation, Facts, Thing, explain
from onroll_core.explain.look import holders, look, looked, together, unasked
from onroll_core.explain.words import Rulebook
from onroll_core.identities import Identity
from onroll_core.line import Line, TargetLine
from onroll_core.night import Night
from onroll_core.people import Group, GroupKind, Role, SourceKey, Status
from onroll_core.rules import GroupRules, Limit, Limits, TargetRules, Term
from onroll_core.store import Store
from onroll_core.templates import Place, Template
from test_pipeline import FakeSource, World

ALL = frozenset(GroupKind)


@dataclass
class School(World):
    """The world of the pipeline's tests, and a person who asks why."""

    target_rules: TargetRules = TargetRules("ad")  # noqa: RUF009 (frozen)

    def line(self, today: date | None = None) -> Line:
        line = super().line(today)
        return replace(
            line, targets={"ad": TargetLine(self.target_rules, lambda: self.ad), "google": line.targets["google"]}
        )

    def one(self, username: str) -> Identity:
        (found,) = [each for each in self.store.find(SCHOOL, username) if username in (each.username, each.proposal)]
        return found

    def why(
        self, username: str, offline: bool = False, today: date | None = None, said: tuple[str, ...] = ()
    ) -> Explanation:
        line, who = self.line(today), self.one(username)
        rules = [each.rules for each in line.targets.values()]
        there = unasked(line.store, line.school.id, rules, who.id) if offline else look(line)
        seen = self.store.past.last_seen(SCHOOL, who.absences)
        history, known = self.store.history(who.id), self.store.groups(SCHOOL)
        return explain(Facts(who, line.today, Rulebook(self.rules), history, there, known, said, seen))


def thing(told: Explanation, what: str, target: str = "", value: str | None = None) -> Thing:
    found = [each for each in told.things if (each.what, each.target) == (what, target) and value in (None, each.value)]
    assert len(found) == 1, [(each.what, each.target, each.value) for each in told.things]
    return found[0]


def sign_in(told: Explanation, target: str = "ad") -> Thing:
    return thing(told, "sign-in", target)


@pytest.fixture
def year(tmp_path: Path, migrated_file: Path) -> Iterator[School]:
    shutil.copy(migrated_file, tmp_path / "onroll.db")
    people = [
        pupil("harry"), pupil("hermione"), pupil("ron", last="Weasley"), teacher("severus"), teacher("minerva", last="McGonagall"),
    ]  # fmt: skip
    year = School(Store.open(f"sqlite:///{tmp_path / 'onroll.db'}", lambda: year.now), FakeSource(people))
    yield year
    year.store.close()


def test_each_thing_has_the_record_the_rule_and_the_run(year: School) -> None:
    night = year.night()
    told = year.why("20hpotter1")
    assert (told.username, told.name, told.who) == ("20hpotter1", "Hermione Potter", "a pupil of Milton Park School")
    enabled = sign_in(told)
    assert (enabled.value, enabled.because, enabled.run, enabled.at) == (
        "enabled",
        "on roll",
        night.run,
        "2026-11-25T12:00:00+00:00",
    )
    assert enabled.record == "student:hermione: on roll"
    assert enabled.rule == "[school.students] provision = true"
    name = thing(told, "username")
    assert name.because == "made of Hermione Potter and the Year of Entry 2020; 20hpotter was taken, so 1 was appended"
    assert (name.rule, name.run) == ('[school.students] username = "{yoe2}{initial}{last}"', night.run)
    assert thing(told, "Year of Entry").because == "Year 7 in the academic year 2026-27"
    place = thing(told, "place", "ad")
    assert (place.value, place.rule, place.run) == (
        "Students/2020",
        '[school.students] place = "Students/{yoe4}"',
        night.run,
    )
    assert thing(told, "address").value == f"20hpotter1@{DOMAIN}"
    assert thing(told, "display name").value == "Hermione Potter"
    assert [(each.target, each.changes, each.error) for each in told.tonight] == [("ad", [], ""), ("google", [], "")]
    assert told.waiting == []


def test_a_key_that_the_file_does_not_have_is_a_default() -> None:
    book = Rulebook(school(), frozenset({"school.absences"}))
    assert book.of_school("absences", 3) == "[[school]] absences = 3"
    assert book.of_role(Role.STAFF, "grace", 0) == "[school.staff] grace = 0 (the default)"


def test_a_leaver_with_a_date(year: School) -> None:
    year.night()
    year.person("harry", ends=year.now.date())
    night = year.night()
    told = year.why("20hpotter")
    gone = sign_in(told)
    assert (gone.value, gone.because, gone.run) == ("disabled", "left on 25 November 2026 (expected)", night.run)
    assert gone.rule == "[school.students] grace = 0"
    assert "last day 25 November 2026" in gone.record
    assert thing(told, "place", "ad").rule == "[school.students] leavers_place is not set"


def test_somebody_missing_is_kept_and_then_has_left_unexpected_and_the_record_was_last_seen_on_a_day(
    year: School,
) -> None:
    year.night()
    year.source.people = [each for each in year.source.people if "ron" not in each.key.record]
    year.night()
    told = year.why("20rweasley")
    assert sign_in(told).because == "was missing from the MIS once, and is kept until it is 3"
    assert sign_in(told).rule == "[school] absences = 3".replace("[school]", "[[school]]")
    assert told.because.endswith("the record was last seen on 24 November 2026")
    year.night()
    year.night()
    told = year.why("20rweasley")
    assert (sign_in(told).value, told.state) == ("disabled", "left")
    assert "missing from the last 3 complete reads of the MIS (not expected" in sign_in(told).because
    assert sign_in(told).rule == "[[school]] absences = 3"


def test_grace_and_leaving_soon(year: School) -> None:
    year.rules = replace(year.rules, students=replace(year.rules.students, grace=14))
    year.night()
    year.person("harry", ends=year.now.date())
    year.night()
    told = sign_in(year.why("20hpotter"))
    assert (told.value, told.rule) == ("enabled", "[school.students] grace = 14")
    assert "with grace until 9 December 2026" in told.because


def test_somebody_else_disabled_it_in_the_target(year: School) -> None:
    year.night()
    (anchor,) = [key for key, each in year.ad.accounts.items() if each.login == "20hpotter"]
    year.ad.accounts[anchor] = replace(year.ad.accounts[anchor], enabled=False)
    told = year.why("20hpotter")
    assert sign_in(told).value == "disabled"
    assert "somebody disabled it in ad, not onroll, and so it stays until they enable it there" in sign_in(told).because
    assert sign_in(told).rule == '[targets.ad.owners] enabled = "once"'
    assert sign_in(told, "google").value == "enabled"
    assert [each for each in told.tonight[0].notices if "not by onroll" in each]
    assert told.tonight[0].changes == []


def test_suspended_by_hand(year: School) -> None:
    year.night()
    year.store.remember(None, [replace(year.one("20hpotter"), suspended="by head on 2026-11-25: exam")], year.now)
    told = year.why("20hpotter")
    assert [each["kind"] for each in told.tonight[0].changes] == ["disable"]
    assert "it has not been disabled yet" in sign_in(told).because
    year.night()
    told = year.why("20hpotter")
    assert sign_in(told).because == "was disabled by hand (by head on 2026-11-25: exam)"
    assert sign_in(told).rule == "onroll users disable 20hpotter; taken back with: onroll users enable 20hpotter"


def test_whoever_waits_for_a_name_and_gets_no_account_meanwhile(year: School) -> None:
    year.source.people.append(teacher("root", first="Root", last=""))
    year.rules = replace(
        year.rules,
        staff=replace(
            year.rules.staff, username=replace(year.rules.staff.username, elements=("first",), separators=("",))
        ),
    )
    year.night()
    (who,) = [each for each in year.store.identities(SCHOOL) if each.waiting]
    told = year.why(who.proposal or "")
    assert sign_in(told).value == "no account"
    assert thing(told, "username").value == "none yet"
    assert "keep for themselves" in thing(told, "username").because
    assert told.waiting[0].startswith("Waits for a name: ")


def test_a_stranger_holds_the_name(year: School) -> None:
    year.night()
    year.source.people.append(pupil("luna", last="Lovegood"))
    pipeline.pull(year.line())
    anchor = year.ad.stranger("20llovegood", "Luna", "Lovegood")
    told = year.why("20llovegood")
    assert sign_in(told).value == "no account"
    assert "is held in ad by the user 20llovegood, which onroll did not make" in sign_in(told).because
    assert [each["kind"] for each in told.tonight[1].changes] == ["create"]
    assert any("has to be linked" in each for each in told.waiting)
    seen = {name: each for name, each in looked([year.line()]).items() if not isinstance(each, str)}
    assert [(each.target, each.identity) for each in holders(seen, "20llovegood")] == [("ad", None)]
    assert year.ad.accounts[anchor].login in holders(seen, "Luna Lovegood")[0].words
    assert holders(seen, "s.snape")[0].identity == year.one("s.snape").id
    assert holders(seen, "nobody") == []


def test_a_held_plan_says_what_waits_and_why(year: School) -> None:
    year.night()
    year.rules = replace(year.rules, limits=Limits(disable=Limit(0, 0)), absences=1)
    year.source.people = [each for each in year.source.people if "ron" not in each.key.record]
    night = year.night()
    assert night.exit_code == 3
    told = year.why("20rweasley")
    digest = night.targets["ad"].plan.digest  # type: ignore[union-attr]
    assert told.tonight[0].held and told.tonight[0].digest == digest
    assert (
        "1 change of theirs waits, because the whole plan for ad is held: 1 pupils would be disabled" in told.waiting[0]
    )
    assert f"onroll apply {SCHOOL} --target ad --approve {digest}" in told.waiting[0]
    assert year.why("20rweasley", offline=True).waiting == told.waiting  # the store remembers what waits
    assert year.why("20hpotter").waiting == []
    year.store.approve(digest, SCHOOL, "the head", year.now, year.now + timedelta(days=1))
    pipeline.apply(year.line(), ["ad"])
    approved = sign_in(year.why("20rweasley"))
    assert (approved.value, approved.asked) == ("disabled", "held first, and approved by the head")


def test_a_no_show_and_a_guest_and_a_role_without_accounts(year: School) -> None:
    first = year.now.date() + timedelta(days=5)
    year.source.people += [pupil("nick", status=Status.FUTURE, starts=first)]
    year.night()
    assert sign_in(year.why("20npotter")).because.startswith("starts on")
    year.night(6)
    told = year.why("20npotter")
    assert (told.state, sign_in(told).value) == ("no-show", "disabled")
    assert "has not arrived" in sign_in(told).because
    year.person("harry", enrolment="G")
    year.night()
    told = sign_in(year.why("20hpotter"))
    assert (told.because, told.rule) == (
        "has the enrolment status G, which gets no account here", '[[school]] enrolments = ["C", "M"]',
    )  # fmt: skip
    year.rules = replace(year.rules, staff=replace(year.rules.staff, provision=False))
    assert sign_in(year.why("s.snape")).rule == "[school.staff] provision = false"


def test_in_link_mode_the_directory_decides(year: School) -> None:
    year.night()
    year.rules = replace(year.rules, mode="link", driver="ad")
    (anchor,) = [key for key, each in year.ad.accounts.items() if each.login == "20hpotter"]
    year.ad.accounts[anchor] = replace(year.ad.accounts[anchor], enabled=False)
    told = year.why("20hpotter")
    assert (sign_in(told).value, sign_in(told).because) == ("disabled", "ad decides who may sign in, the MIS does not")
    assert sign_in(told).rule == '[[school]] mode = "link", life_cycle = "ad"'
    year.source.people.append(pupil("luna", last="Lovegood"))
    pipeline.pull(year.line())
    (luna,) = [each for each in year.store.identities(SCHOOL) if each.person.first == "Luna"]
    facts = Facts(luna, year.now.date(), Rulebook(year.rules), targets=look(year.line()))
    assert sign_in(explain(facts)).value == "not linked"
    assert "onroll links list" in sign_in(explain(facts)).because


def test_a_manual_user_has_no_record(year: School) -> None:
    year.night()
    added = replace(year.one("s.snape"), source="manual")
    year.store.remember(None, [added], year.now)
    assert sign_in(year.why("s.snape")).record == "added by hand, not in the MIS"


def test_a_rename_by_hand_says_who_asked_and_what_reaches_them(year: School) -> None:
    year.night()
    year.store.rename(year.one("20hpotter").id, "h.p", f"h.p@{DOMAIN}", True, year.now, "the office")
    told = year.why("h.p")
    assert thing(told, "username").because == "was given by hand in place of 20hpotter: the office asked for it"
    alias = thing(told, "alias")
    assert (alias.value, "the office asked for the rename" in alias.because) == (f"20hpotter@{DOMAIN}", True)
    assert [each["kind"] for each in told.tonight[0].changes] == ["rename"]
    assert f"Former addresses that still reach them: 20hpotter@{DOMAIN}." in told.sentences
    year.night()
    assert year.why("h.p").tonight[0].changes == []


def test_a_name_that_changed_leaves_the_username(year: School) -> None:
    year.night()
    year.person("minerva", last="Ogg")
    year.night()
    told = year.why("m.mcgonagall")
    assert "a rename is never a side effect" in thing(told, "username").because
    assert thing(told, "display name").value == "Minerva Ogg"


def in_class(year: School, *pupils: str) -> tuple[Group, ...]:
    members = frozenset(SourceKey(SCHOOL, f"student:{each}") for each in pupils)
    return (
        Group(
            SourceKey(SCHOOL, "class:1"),
            GroupKind.TEACHING,
            "7A/Ma1",
            members,
            frozenset({SourceKey(SCHOOL, "staff:severus")}),
        ),
    )


def test_groups_with_the_reason_for_each(year: School) -> None:
    year.ad.with_groups, year.target_rules = True, TargetRules("ad", groups=ALL)
    year.source.groups = in_class(year, "harry", "hermione", "ron")
    year.person("harry", registration_group="7A")
    night = year.night()
    told = year.why("20hpotter")
    groups = {each.value: each for each in told.things if each.what == "group"}
    assert {name.removeprefix("Milton Park School "): each.because for name, each in groups.items()} == {
        "Year 2020": "their Year of Entry is 2020",
        "7A": "is in this registration group in the MIS",
        "7A/Ma1": "has this class in the MIS",
        "Students": "is a pupil",
    }
    assert {each.run for each in groups.values()} == {night.run}
    assert '[school.groups] teaching = "{school} {name}"' in groups["Milton Park School 7A/Ma1"].rule
    taught = {each.value: each.because for each in year.why("s.snape").things if each.what == "group"}
    assert taught["Milton Park School 7A/Ma1"] == "takes this class"
    assert taught["Milton Park School Teachers"] == "takes a class"


def test_groups_by_hand_left_frozen_and_doubted(year: School) -> None:
    year.ad.with_groups, year.target_rules = True, TargetRules("ad", groups=frozenset({GroupKind.TEACHING}))
    for n in range(8):
        year.source.people.append(pupil(f"p{n}", last=f"Smith{chr(97 + n)}"))
    everybody = [f"p{n}" for n in range(8)]
    year.source.groups = in_class(year, "harry", *everybody)
    year.night()
    year.source.groups = in_class(year, "ron", "p0", "p1")
    year.night()
    told = year.why("20hpotter")
    (group,) = [each for each in told.things if each.what == "group"]
    assert "The MIS took 7 of 9 people out of the class 7A/Ma1" in group.because
    assert any("7A/Ma1: left as it was" in each for each in year.why("20rweasley").waiting)
    # Between terms classes are frozen.
    year.rules = replace(year.rules, groups=GroupRules(terms=(Term(day("2026-09-01"), day("2026-10-01")),)))
    assert any("Classes are frozen" in each for each in year.why("20rweasley").waiting)
    # Somebody else put Minerva in.
    key, seen = next(iter(year.ad.groups.items()))
    (anchor,) = [each for each, account in year.ad.accounts.items() if account.login == "m.mcgonagall"]
    year.ad.groups[key] = replace(seen, members=seen.members | {anchor})
    (by_hand,) = [each for each in year.why("m.mcgonagall").things if each.what == "group"]
    assert (by_hand.because, by_hand.rule) == ("somebody else put them into it", '[targets.ad] strangers = "keep"')


def test_whoever_may_not_sign_in_is_in_no_group(year: School) -> None:
    year.ad.with_groups, year.target_rules = True, TargetRules("ad", groups=ALL)
    year.night()
    year.person("harry", ends=year.now.date())
    year.night()
    (group,) = [each for each in year.why("20hpotter").things if each.what == "group"]
    assert (group.value, group.because) == ("none", "whoever may not sign in is in no group (left on 25 November 2026)")
    assert group.run is not None


def test_a_target_that_cannot_be_reached_says_so_and_the_rest_is_there(year: School) -> None:
    year.night()
    year.ad.broken = Unavailable("The directory does not answer.")
    told = year.why("20hpotter")
    assert [each.error for each in told.tonight] == ["The directory does not answer.", ""]
    assert sign_in(told).value == "enabled"
    assert "the target was not asked" in sign_in(told).because
    assert thing(told, "place", "ad").value == "Students/2020"
    assert [each.error for each in year.why("20hpotter", offline=True).tonight] == ["not asked", "not asked"]


def test_looking_writes_nothing(year: School) -> None:
    year.night()
    before = (len(year.ad.writes), year.store.runs(), year.store.identities(SCHOOL))
    year.person("harry", ends=year.now.date())
    year.why("20hpotter")
    assert (len(year.ad.writes), year.store.runs(), year.store.identities(SCHOOL)) == before


def test_names_that_are_no_longer_used_do_not_appear(year: School) -> None:
    year.person("harry", first="Thomas", legal_first="Thomas James", legal_last="Riddle")
    year.night()
    year.person("harry", first="Lily")
    told = year.why("20tpotter")
    pipeline.pull(year.line())
    for _ in range(2):
        told = year.why("20tpotter")
        said = "\n".join([*told.sentences, str(told.as_json())])
        assert "Thomas" not in said and "James" not in said and "Riddle" not in said
        assert "Lily Potter" in said and "20tpotter" in said
        year.night()
    year.rules = replace(year.rules, preferred_names=False)
    assert "Thomas James Riddle" in "\n".join(year.why("20tpotter").sentences)


def test_attributes_and_places_by_the_rule(year: School) -> None:
    year.target_rules = TargetRules("ad", {Role.STUDENT: {"department": Template.parse("{year}")}}, {"place": "never"})
    year.rules = replace(year.rules, students=replace(year.rules.students, place=Place.parse("Pupils")))
    year.night()
    told = year.why("20hpotter")
    attribute = thing(told, "attribute department", "ad")
    assert (attribute.value, attribute.rule) == ("Year 7", '[targets.ad.attributes.students] department = "{year}"')
    assert thing(told, "place", "ad").because == "somebody else minds this in the target"


def test_an_early_starter_has_no_account_yet(year: School) -> None:
    year.rules = replace(year.rules, students=replace(year.rules.students, early=7))
    year.source.people.append(pupil("luna", last="Lovegood", status=Status.FUTURE, starts=day("2027-09-01")))
    year.night()
    told = year.why("21llovegood")
    assert (sign_in(told).value, sign_in(told).rule) == ("no account yet", "[school.students] early = 7")
    assert "it is made 7 days before" in sign_in(told).because
    assert thing(told, "Year of Entry").because == "Year 7 in the academic year 2027-28, that of their first day"


def test_two_schools_that_write_to_one_target_are_told_together(year: School) -> None:
    year.night()
    year.person("harry", ends=year.now.date())
    pipeline.pull(year.line(day("2026-11-30")))
    line = year.line(day("2026-11-30"))
    one, two = look(line), look(line)
    assert [each.rules.name for each in together([*one, *two])] == ["ad", "google"]
    assert len(together([*one, *two])[0].plan.changes) == 2 * len(one[0].plan.changes)  # type: ignore[union-attr]


def test_an_account_that_is_gone_is_said_to_be(year: School) -> None:
    year.night()
    (anchor,) = [key for key, each in year.ad.accounts.items() if each.login == "20hpotter"]
    year.ad.accounts.pop(Anchor(anchor))
    told = year.why("20hpotter")
    assert sign_in(told).value == "gone"
    assert any("is no longer in ad" in each for each in told.waiting)


def test_the_night_of_an_explanation_ends_with_nothing_to_do(year: School) -> None:
    year.night()
    year.why("20hpotter")
    year.nothing_to_do()
    assert isinstance(year.night(), Night) and year.now > NOON
