"""Stories of a school year: classes that are emptied in the holidays, an intake under the wrong year, and a move to another MIS."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from directories import RealDomain
from onroll_connectors.sandbox.school import Lesson, School
from onroll_daemon.demo import DOMAIN
from samba import Samba
from school_year import school_year
from stories import (
    EVERYWHERE,
    PLACES,
    SCHOOL,
    SchoolYear,
    done,
    everywhere,
    said,
    story,
    today,
    untouched,
    verdicts,
    who,
)

TERMS = '[["2026-09-02", "2026-12-18"], ["2027-01-04", "2027-07-21"], ["2027-09-02", "2027-12-17"]]'


def one_class_a_year(school: School, first: int) -> None:
    """Every year group is one form with one class, so that a class is more than one pupil."""
    for number, pupil in school.pupils.items():
        school.pupils[number] = replace(pupil, form=f"{pupil.year}A")
    school.classes = {}
    teachers = sorted(school.staff)
    for year in sorted({each.year for each in school.pupils.values() if each.status == "on roll"}):
        members = tuple(
            number for number, each in school.pupils.items() if each.year == year and each.status == "on roll"
        )
        school.classes[first + year] = Lesson(first + year, f"{year}A/Ma1", members, (teachers[year % len(teachers)],))


def members(year: SchoolYear, name: str) -> dict[str, set[str]]:
    """Who is in a group, by username, as each target has it."""
    graph, google = year.world.graph.directory, year.world.google.state
    by_anchor = {
        bond.anchor: each.username or "" for each in year.world.store.identities(SCHOOL) for bond in each.bonds.values()
    }
    assert isinstance(year.ad, RealDomain)
    (dn,) = year.ad.value(name.replace("/", "-"), "dn")
    (group,) = (each for each in google.groups.values() if each.name == name)
    (team,) = (each for each in graph.groups.values() if each["displayName"] == name)
    return {
        "ad": set(year.ad.samba.values(f"(&(employeeID=*)(memberOf={dn}))", "sAMAccountName", year.ad.base)),
        "google": {by_anchor[each] for each in group.members},
        "m365": {by_anchor[each] for each in year.world.graph.groups.crowd(team["id"]).members},
    }


def test_year_rollover_empties_classes(samba: Samba, tmp_path: Path) -> None:
    """Story 20: in the holidays the MIS emptied its classes, and so did every Team. Here classes keep their people until the new year, and then too."""
    with school_year(tmp_path, 35, samba) as year:
        school = year.school
        for place in PLACES:
            year.world.google.add_unit(place)
        one_class_a_year(school, 30_000)
        year.groups("year", "teaching", targets=EVERYWHERE)
        year.set("school.groups", f"terms = {TERMS}")
        year.night("the first night")
        year.nothing_to_do()
        nine = "Milton Park School 9A/Ma1"
        before = members(year, nine)
        assert {name: len(each) for name, each in before.items()} == dict.fromkeys(EVERYWHERE, 6)
        classes = dict(school.classes)

        # Christmas: the MIS takes first a few and then everybody out of their classes, and then has no class at all any more.
        year.go_to(date(2026, 12, 22))
        school.classes = {key: replace(each, pupils=each.pupils[2:]) for key, each in classes.items()}
        with untouched(year):
            assert not said(year.night("two are in no class"))
        school.classes = {key: replace(each, pupils=(), teachers=()) for key, each in classes.items()}
        with untouched(year):
            assert not said(year.night("nobody is in a class"))
        school.classes = {}
        with untouched(year):
            year.night("there is no class")
            year.night("and still none")
        assert members(year, nine) == before
        school.classes = dict(classes)
        year.go_to(date(2027, 1, 5))
        year.nothing_to_do()

        # In the middle of term one class loses everybody: left as it was, and one digest lets exactly that through.
        (key,) = (key for key, each in classes.items() if each.name == "9A/Ma1")
        school.classes[key] = replace(classes[key], pupils=())
        with untouched(year):
            night = year.night("an empty class")
        assert (
            "The MIS took 5 of 5 people out of the class 9A/Ma1 in the middle of the year, so it was left as it was"
            in said(night)
        )
        assert members(year, nine) == before
        school.classes[key] = classes[key]
        year.nothing_to_do()

        # In March somebody rolls the MIS over by mistake: held, and taken back the next day.
        year.go_to(date(2027, 3, 2))
        kept = dict(school.pupils)
        for number, pupil in kept.items():
            school.pupils[number] = replace(pupil, year=min(pupil.year + 1, 13), form=f"{min(pupil.year + 1, 13)}A")
        with untouched(year):
            night = year.night("rolled over by mistake", code=3)
        assert "have moved up a year group at once" in said(night)
        school.pupils = kept
        year.nothing_to_do()

        # September: new classes are made, last year's keep whoever was in them under the year's name, and nobody changes their year's group.
        finals = [number for number, each in school.pupils.items() if each.year == 13]
        for number in finals:
            school.pupils[number] = replace(school.pupils[number], ends=date(2027, 7, 21))
        entry = "Milton Park School Year 2018"
        year.go_to(date(2027, 9, 6))
        year_2018 = members(year, entry)
        school.turns_the_year(year.world.day + timedelta(days=1))
        one_class_a_year(school, 40_000)
        night = year.night("September")
        assert {name: one.tally["disabled"] for name, one in night.targets.items()} == dict.fromkeys(
            EVERYWHERE, len(finals)
        )
        assert members(year, "Milton Park School 9A/Ma1 2026-27") == before
        assert members(year, entry) == year_2018
        ten = members(year, "Milton Park School 10A/Ma1")
        pupils = {each.username for each in year.world.store.identities(SCHOOL) if each.person.year_group == "10"}
        assert {name: each & pupils for name, each in ten.items()} == dict.fromkeys(EVERYWHERE, pupils)
        year.nothing_to_do()


def test_admissions_given_the_wrong_year_or_username(tmp_path: Path) -> None:
    """Story 21: an intake typed in early got this year's cohort in its usernames, for good. Here a year is reckoned when they start, and is seen first."""
    with story(tmp_path, 60) as year:
        school = year.school
        year.go_to(date(2027, 5, 10))
        first_day = date(2027, 9, 2)

        # In May the office types in next September's Year 7. A week before, it can be seen what they will be called and where.
        intake = school.accepts(9, first_day)
        year.onroll("pull", SCHOOL, "--today", "2027-05-10")
        with untouched(year):
            shown = year.json("plan", SCHOOL, "--as-of", "2027-09-03")
        for plan in shown["plans"]:
            created = [each["after"]["login"] for each in plan["changes"] if each["kind"] == "create"]
            assert len(created) == 9
            assert all(each.startswith("21") for each in created), created
        year.night("the intake")
        names = {pupil.number: who(year, pupil.first, pupil.last) for pupil in intake}
        assert all("OU=2021,OU=Students" in year.ad.value(each, "dn")[0] for each in names.values())
        year.nothing_to_do()

        # One was typed in as Year 8. When that is put right, the place is; the name, which is on a letter home, stays.
        wrong = school.accepts(1, first_day + timedelta(days=1))[0]
        school.pupils[wrong.number] = replace(
            wrong, first="Yusuf", last="Wrongyear", legal_first="Yusuf", legal_last="Wrongyear", year=8, form="8A"
        )
        year.night("one in Year 8")
        assert who(year, "Yusuf", "Wrongyear") == "20ywrongyear"
        school.pupils[wrong.number] = replace(school.pupils[wrong.number], year=7, form="7A")
        night = year.night("who is in Year 7")
        assert done(night) == {"ad": {"moved": 1}, "m365": {}, "google": {"moved": 1}}
        assert who(year, "Yusuf", "Wrongyear") == "20ywrongyear"
        assert "OU=2021,OU=Students" in year.ad.value("20ywrongyear", "dn")[0]
        year.nothing_to_do()

        # The first day has passed and the office has admitted nobody yet: ten no-shows at once are not believed.
        school.turns_the_year(date(2027, 9, 1))
        for number, pupil in school.pupils.items():
            if pupil.year > 13:
                school.pupils[number] = replace(pupil, ends=date(2027, 7, 21), status="left")
        year.go_to(first_day - timedelta(days=1))
        year.approved(year.world.night("the year has turned"))
        year.go_to(first_day + timedelta(days=4))
        with untouched(year):
            night = year.night("nobody is admitted", code=3)
        assert verdicts(night) == everywhere("held")
        assert "10 pupils would be disabled for a reason that the school year does not explain" in said(night)

        # They are; two never came. Those are disabled, and one who arrives a week late works again.
        here, late, never = intake[:7], intake[7], intake[8]
        for pupil in (*here, wrong):
            school.pupils[pupil.number] = replace(school.pupils[pupil.number], status="on roll")
        assert done(year.night("two no-shows")) == dict.fromkeys(EVERYWHERE, {"disabled": 2})
        assert "has not arrived" in year.onroll("explain", names[never.number], *today(year)).out
        school.pupils[late.number] = replace(school.pupils[late.number], status="on roll")
        assert done(year.night("a week late")) == dict.fromkeys(EVERYWHERE, {"enabled": 1})
        assert set(year.enabled(names[late.number]).values()) == {True}
        assert set(year.enabled(names[never.number]).values()) == {False}
        assert {number: who(year, school.pupils[number].first, school.pupils[number].last) for number in names} == names
        year.nothing_to_do()


def test_an_mis_migration_breaks_all_links(tmp_path: Path) -> None:
    """Story 22: the school moved to another MIS, whose numbers are other people's here: everybody left, and joined. Here everybody is matched first."""
    with story(tmp_path) as year:
        school = year.school
        before = {
            each.person.upn: (each.id, each.username, dict(each.bonds))
            for each in year.world.store.identities(SCHOOL)
            if each.person.upn
        }

        # The new MIS behind Wonde numbers everybody from the same number on, in another order.
        old = (dict(school.pupils), dict(school.classes))
        numbers = sorted(school.pupils)
        moved = dict(zip(numbers, [*numbers[7:], *numbers[:7]], strict=True))
        school.pupils = {moved[number]: replace(each, number=moved[number]) for number, each in old[0].items()}
        school.classes = {
            key: replace(each, pupils=tuple(moved[one] for one in each.pupils)) for key, each in old[1].items()
        }
        with untouched(year):
            night = year.night("the new MIS", code=3)
        assert "42 people have another name and number than before under the same MIS record" in said(night)
        assert f"onroll rekey {SCHOOL} --to" in said(night)
        with untouched(year):
            year.onroll("plan", SCHOOL, *today(year))

        # Everybody is shown beside whom they would be; nothing happens before exactly that is confirmed.
        with untouched(year):
            shown = year.json("rekey", SCHOOL, "--to", "wonde", code=3)
        assert {row["list"] for row in shown["people"]} <= {
            "likely",
            "linked",
            "possible",
            "account without MIS record",
        }
        assert sum(row["list"] == "likely" for row in shown["people"]) >= 42
        assert {row["why"] for row in shown["people"] if row["list"] == "possible"} == {"the names are the same"}, (
            "staff have no number"
        )
        with untouched(year):
            year.onroll("rekey", SCHOOL, "--to", "wonde", "--possible", "--confirm", "0123456789abcdef", code=1)

        # Confirmed, taken back, and confirmed again: no account is touched by any of it. Whoever was forgotten is asked about, and not made twice.
        with untouched(year):
            year.onroll("rekey", SCHOOL, "--to", "wonde", "--confirm", shown["digest"])
            year.onroll("rekey", SCHOOL, "--undo")
            year.night("taken back", code=3)
            shown = year.json("rekey", SCHOOL, "--to", "wonde", code=3)
            year.onroll("rekey", SCHOOL, "--to", "wonde", "--confirm", shown["digest"])
            night = year.night("moved, without the staff")
            assert said(night).count("is missing from the MIS, and the MIS now has a new staff record") == 4
            shown = year.json("rekey", SCHOOL, "--to", "wonde", "--possible", code=3)
            year.onroll("rekey", SCHOOL, "--to", "wonde", "--possible", "--confirm", shown["digest"])
            night = year.night("moved")
        assert (night.people.joiners, night.people.leavers) == (0, 0)
        after = {
            each.person.upn: (each.id, each.username, dict(each.bonds))
            for each in year.world.store.identities(SCHOOL)
            if each.person.upn
        }
        assert after == before
        for pupil in school.pupils.values():
            (found,) = year.world.store.find(SCHOOL, pupil.upn)
            assert (found.person.first, found.person.last) == (pupil.first, pupil.last)
        year.nothing_to_do()

        # And life goes on under the new records.
        school.leaves(numbers[0], year.world.day)
        gone = who(year, school.pupils[numbers[0]].first, school.pupils[numbers[0]].last)
        assert done(year.night("a leaver")) == dict.fromkeys(EVERYWHERE, {"disabled": 1})
        assert set(year.enabled(gone).values()) == {False}
        assert year.entra(f"{gone}@{DOMAIN}")["accountEnabled"] is False
        year.nothing_to_do()
