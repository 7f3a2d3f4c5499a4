"""Stories of two who are taken for one, and of one who is taken for two: duplicate records, twins, staff who are parents, pupils who become staff."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from onroll_connectors.sandbox.school import Contact
from onroll_daemon.demo import DOMAIN
from stories import EVERYWHERE, SCHOOL, SchoolYear, done, said, story, today, untouched, who


def named(year: SchoolYear, last: str) -> list[str]:
    """The usernames of everybody of a surname, in order."""
    return sorted(each.username or "" for each in year.world.store.identities(SCHOOL) if each.person.last == last)


def test_duplicate_mis_records(tmp_path: Path) -> None:
    """Story 16: a pupil was in the MIS twice, and got two accounts. Here the second record waits for somebody to remove it."""
    with story(tmp_path) as year:
        school = year.school

        # Typed in twice on the same day, by two people.
        first, second = school.joins("Dora", "Double", 9), school.joins("Dora", "Double", 9)
        school.pupils[second.number] = replace(second, upn=first.upn)
        night = year.night("typed in twice")
        assert done(night) == dict.fromkeys(EVERYWHERE, {"created": 1})
        assert "The MIS has two new student records of Dora Double with one number" in said(night)
        assert named(year, "Double") == ["18ddouble"]

        # The next night says it again, in the same place, until it is put right; the class list of the wrong record moves nobody.
        with untouched(year):
            night = year.night("still there")
        assert "with the number of 18ddouble (Dora Double" in said(night)
        assert "remove the wrong record in the MIS" in said(night)

        # The office removes the first record, and keeps the second: she has the same account.
        identity = year.person("Dora", "Double").id
        school.pupils.pop(first.number)
        with untouched(year):
            year.night("put right")
        assert (year.person("Dora", "Double").id, named(year, "Double")) == (identity, ["18ddouble"])
        year.nothing_to_do()

        # Two pupils who were given one number by mistake are two pupils, and both keep what they have.
        one, two = school.joins("Ann", "Archer", 9), school.joins("Ben", "Baker", 9)
        year.night("two joiners")
        school.pupils[two.number] = replace(two, upn=one.upn)
        with untouched(year):
            night = year.night("one number for two")
        assert "have the same number" in said(night)
        assert "Correct one of them there" in said(night)
        school.pupils[two.number] = two
        year.nothing_to_do()


def test_twins(tmp_path: Path) -> None:
    """Story 17: twins with one birthday, one initial, one name were taken for each other. Here each has their own, whatever the MIS's order."""
    with story(tmp_path) as year:
        school, ad = year.school, year.ad
        harry, hermione = school.joins("Harry", "Potter", 9), school.joins("Hermione", "Potter", 9)
        school.pupils[hermione.number] = replace(hermione, born=harry.born, form=harry.form)
        # And two who are called the same: Alexander and Alexandra, both Alex.
        alexander, alexandra = school.joins("Alex", "Twain", 9), school.joins("Alex", "Twain", 9)
        school.pupils[alexander.number] = replace(alexander, legal_first="Alexander")
        school.pupils[alexandra.number] = replace(
            alexandra, legal_first="Alexandra", born=alexander.born, form=alexander.form
        )
        assert done(year.night("two pairs of twins")) == dict.fromkeys(EVERYWHERE, {"created": 4})
        assert named(year, "Potter") == ["18hpotter", "18hpotter1"]
        assert named(year, "Twain") == ["18atwain", "18atwain1"]
        hers = {
            each.person.legal_first: each.username
            for each in year.world.store.identities(SCHOOL)
            if each.person.last == "Twain"
        }
        year.nothing_to_do()

        # The MIS tells them in another order, one of them goes by another name: nobody is exchanged.
        school.pupils = dict(reversed(school.pupils.items()))
        with untouched(year):
            year.night("in another order")
        school.pupils[alexandra.number] = replace(school.pupils[alexandra.number], first="Sasha")
        assert done(year.night("Alexandra is called Sasha")) == dict.fromkeys(EVERYWHERE, {"updated": 1})
        sasha = year.person("Sasha", "Twain")
        assert sasha.username == hers["Alexandra"]
        assert ad.value(sasha.username or "", "displayName") == ["Sasha Twain"]
        year.nothing_to_do()

        # One leaves: only that one is disabled.
        year.world.leaves(harry.number)
        assert done(year.night("Harry leaves")) == dict.fromkeys(EVERYWHERE, {"disabled": 1})
        assert set(year.enabled("18hpotter").values()) == {False}
        assert set(year.enabled("18hpotter1").values()) == {True}
        year.nothing_to_do()

        # A new record with the name of one twin and no number is not given to anybody: onroll asks.
        back = school.joins("Harry", "Potter", 9)
        school.pupils[back.number] = replace(back, upn="")
        with untouched(year):
            night = year.night("a Harry without a number")
        assert "onroll users apart 18hpotter student:" in said(night)
        school.pupils.pop(back.number)
        year.nothing_to_do()

        # Accounts that were there before onroll: of two of one name neither is likely, and a person says which is whose.
        ad.domain = DOMAIN
        for login in ("acopy1", "acopy2"):
            ad.stranger(login, givenName="Alex", sn="Copy", displayName="Alex Copy", userAccountControl="544")
        twins = [school.joins("Alex", "Copy", 9), school.joins("Alex", "Copy", 9)]
        year.onroll("pull", SCHOOL, "--today", year.world.day.isoformat())
        with untouched(year):
            shown = year.json("links", "list", "--target", "ad")
        assert shown["likely"] == 0
        assert {row["list"] for row in shown["people"] if "Copy" in str(row)} == {"ambiguous"}, [
            row for row in shown["people"] if "Copy" in str(row)
        ]
        with untouched(year):
            year.onroll("links", "confirm", "--list", "likely", "--target", "ad")
        for twin, login in zip(twins, ("acopy2", "acopy1"), strict=True):
            year.onroll("links", "confirm", f"{twin.upn}", login, "--target", "ad")
        night = year.night("each has their own")
        assert done(night)["ad"].get("created", 0) == 0
        for twin, login in zip(twins, ("acopy2", "acopy1"), strict=True):
            (person,) = [each for each in year.world.store.identities(SCHOOL) if each.person.upn == twin.upn]
            assert ad.value(login, "employeeID") == [person.id]
        year.nothing_to_do()


def test_staff_who_are_also_parents(tmp_path: Path) -> None:
    """Story 18: a teacher who is a parent, a pupil who becomes a colleague: one role took the other's address. Here each role has its own account."""
    with story(tmp_path) as year:
        school = year.school
        teacher = school.is_employed("Mary", "Archer")
        pupil = school.joins("Tom", "Archer", 13)
        sixth_former = school.joins("Sam", "Saturday", 13)
        year.night("a teacher, her son, and a pupil")
        assert (who(year, "Mary", "Archer"), who(year, "Tom", "Archer")) == ("m.archer", "14tarcher")
        before = year.person("Mary", "Archer")

        # She is in the MIS as a parent too, with the same name, and with another. Parents get no account, and take nobody's address.
        school.contacts[90_001] = Contact(90_001, "Mary", "Archer", "Mrs", (pupil.number,))
        school.contacts[90_002] = Contact(90_002, "Mary", "Smith", "Mrs", (pupil.number,))
        with untouched(year):
            year.night("she is a parent")
        assert year.person("Mary", "Archer").bonds == before.bonds
        listed = year.json("users", "list")["users"]
        assert {each["role"] for each in listed} == {"student", "staff"}
        year.nothing_to_do()

        # A parent of that name who is not the teacher changes nothing either; and when the teacher leaves, she leaves, parent or not.
        school.staff[teacher.number] = replace(teacher, ends=year.world.day)
        assert done(year.night("she leaves the staff")) == dict.fromkeys(EVERYWHERE, {"disabled": 1})
        assert set(year.enabled("m.archer").values()) == {False}
        assert set(year.enabled("14tarcher").values()) == {True}

        # A pupil works in the kitchen on Saturdays: two roles at once, two accounts, and neither address is the other's.
        school.is_employed("Sam", "Saturday")
        assert done(year.night("a Saturday job")) == dict.fromkeys(EVERYWHERE, {"created": 1})
        assert named(year, "Saturday") == ["14ssaturday", "s.saturday"]
        assert year.entra(f"14ssaturday@{DOMAIN}")["id"] != year.entra(f"s.saturday@{DOMAIN}")["id"]
        year.nothing_to_do()

        # School is over, and the job is not: the pupil's account ends, with its address, and the colleague's goes on.
        year.world.leaves(sixth_former.number)
        assert done(year.night("and no pupil any more")) == dict.fromkeys(EVERYWHERE, {"disabled": 1})
        assert set(year.enabled("14ssaturday").values()) == {False}
        assert set(year.enabled("s.saturday").values()) == {True}
        assert year.ad.value("14ssaturday", "mail") == [f"14ssaturday@{DOMAIN}"]
        told = year.onroll("explain", "14ssaturday", *today(year)).out
        assert "left on" in told
        year.nothing_to_do()
