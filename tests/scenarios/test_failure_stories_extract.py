"""Stories of extracts that lie: half an export, or a directory that moved, never disables anybody and never makes anybody twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import delegated
from directories import RealDomain
from samba import Samba
from stories import EVERYWHERE, SCHOOL, SchoolYear, done, everywhere, said, story, today, untouched, vanish, verdicts


def believed_not(year: SchoolYear, name: str, *sentences: str) -> None:
    """A night whose reading is held: nothing is written, nothing remembered, and the technician is told why and what to type."""
    people = year.world.store.identities(SCHOOL)
    with untouched(year):
        night = year.night(name, code=3)
        typed = year.onroll("sync", SCHOOL, *today(year), code=3).out
    for each in (*sentences, "Nothing was remembered and nothing written", f"--approve {night.snapshot}"):
        assert each in typed, (each, typed)
    assert verdicts(night) == everywhere("held")
    assert year.world.store.identities(SCHOOL) == people


def test_mass_disable_after_a_bad_extract(tmp_path: Path) -> None:
    """Story 1: half an extract, nobody, a year group gone, a column gone, a leaving date for everybody: all accounts were disabled. Here: none."""
    with story(tmp_path, 60) as year:
        school, wonde = year.school, year.world.stage.simulator
        everybody = {number: replace(each) for number, each in school.pupils.items()}

        # The export stopped half way.
        year.world.halve(True)
        believed_not(year, "half an extract", "30 of 60 pupils are missing", "The extract is probably incomplete")
        year.world.halve(False)
        year.nothing_to_do()

        # A file with nothing but its header: the MIS names nobody at all.
        wonde.fault = "empty"
        with untouched(year):
            night = year.night("nobody", code=4)
        assert "An empty school is never believed" in night.unread or "nobody" in night.unread, night.unread
        wonde.fault = ""
        year.nothing_to_do()

        # The next academic year was opened, and everybody has a leaving date in the old one.
        for number, pupil in everybody.items():
            school.pupils[number] = replace(pupil, ends=year.world.day - timedelta(days=1))
        believed_not(year, "everybody leaves", "60 of 60 pupils have become leavers at once", "60 of them on")
        school.pupils |= everybody
        year.nothing_to_do()

        # A permission was taken away: names, then year groups, are null in every row. Null is "not told", and here nobody is blanked.
        for column, caption in (("surname", "last"), ("registration", "registration_group")):
            before = wonde.hidden
            wonde.hidden |= {column}
            believed_not(year, f"without {column}", f"The column {caption} of pupils was filled for 60 of 60")
            wonde.hidden = before
            year.nothing_to_do()

        # One year group was left out of the export: nine of sixty, fewer than the ten who would be believed one by one.
        gone = vanish(year, *(number for number, each in school.pupils.items() if each.year == 9))
        believed_not(
            year, "without Year 9", "All 9 pupils of year group 9 are missing", "limited to other year groups?"
        )
        school.pupils |= gone
        year.nothing_to_do()


def test_a_changed_ou_makes_everyone_look_deleted(samba: Samba, tmp_path: Path) -> None:
    """Story 5: an OU was renamed, or a permission withdrawn, and everyone was deleted and made anew. Here: lost sight is an error."""
    with story(tmp_path, 42, samba) as year:
        ad, base = year.ad, year.ad.base
        assert isinstance(ad, RealDomain)
        people = year.world.store.identities(SCHOOL)
        bonds = {each.id: each.bonds for each in people}
        zofia = year.school.joins("Zofia", "Wiśniewska", 9)

        # Somebody renames the OU that is the base. The clouds go on; Active Directory says what is wrong.
        name = base.partition(",")[0]
        samba.ldap("ldapmodrdn", "-r", base, "OU=renamed-by-somebody")
        night = year.night("the base was renamed", code=1)
        assert verdicts(night) == {"ad": "failed", "m365": "cleared", "google": "cleared"}
        assert f"The base {base} is not there" in night.targets["ad"].error
        assert done(night) == {"ad": {}, "m365": {"created": 1}, "google": {"created": 1}}
        samba.ldap("ldapmodrdn", "-r", f"OU=renamed-by-somebody,{base.partition(',')[2]}", name)
        assert done(year.night("it is back")) == {"ad": {"created": 1}, "m365": {}, "google": {}}
        year.nothing_to_do()
        assert zofia.number

        # Somebody moves the pupils' OU out of the base. They are known by what never changes, so nobody is lost, made twice, or moved back;
        # and whoever leaves meanwhile is still disabled.
        count = ad.count()
        samba.ldap("ldapmodrdn", "-r", "-s", samba.root, f"OU=Students,{base}", "OU=Students")
        delegated.put(samba, {f"OU=Students,{samba.root}": ad.descriptor("base")})  # what the base gave ended with it
        try:
            with untouched(year):
                night = year.night("the pupils are elsewhere")
            year.world.leaves(zofia.number)
            assert done(year.night("one leaves")) == dict.fromkeys(EVERYWHERE, {"disabled": 1})
            control = samba.values("(sAMAccountName=18zwisniewska)", "userAccountControl")
            assert int(control[0]) & 2
        finally:
            samba.ldap("ldapmodrdn", "-r", "-s", base, f"OU=Students,{samba.root}", "OU=Students")
        assert ad.count() == count
        year.nothing_to_do()

        # Everything is moved out, or the right to read the OU is withdrawn: the base answers, and shows nobody.
        for unit in ("Students", "Staff"):
            samba.ldap("ldapmodrdn", "-r", "-s", samba.root, f"OU={unit},{base}", f"OU={unit}")
        try:
            with untouched(year):
                night = year.night("an empty base", code=1)
            assert "holds no user at all, although onroll has 47 accounts there" in night.targets["ad"].error
        finally:
            for unit in ("Students", "Staff"):
                samba.ldap("ldapmodrdn", "-r", "-s", base, f"OU={unit},{samba.root}", f"OU={unit}")
        year.nothing_to_do()

        # Rights are withdrawn: the app of Microsoft 365 may not read users, Google's role is limited to an empty org unit.
        graph, google = year.world.graph, year.world.google
        permissions, users = set(graph.permissions), dict(google.state.users)
        graph.permissions.clear()
        google.state.users.clear()
        with untouched(year):
            night = year.night("nobody to be seen", code=1)
        assert verdicts(night) == {"ad": "cleared", "m365": "failed", "google": "failed"}
        assert "The app may not read the users of this tenant: grant it" in night.targets["m365"].error
        assert "shows no user at all, not even an administrator" in night.targets["google"].error
        graph.permissions |= permissions

        # A role that shows its own administrator and nobody else is no empty school either: whoever comes that day waits with everybody.
        admins = {key: user for key, user in users.items() if user.admin}
        google.state.users |= admins
        harry = year.school.joins("Harry", "Potter", 9)
        before = google.written()
        night = year.night("only an administrator", code=3)
        assert verdicts(night) == {"ad": "cleared", "m365": "cleared", "google": "held"}
        assert "46 of the 47 accounts that onroll looks after in google are no longer to be seen there" in said(night)
        assert (google.written(), dict(google.state.users)) == (before, admins)
        google.state.users |= users
        assert done(year.night("the role is given back"))["google"] == {"created": 1}
        assert set(year.enabled("18hpotter").values()) == {True}
        assert harry.year == 9
        year.nothing_to_do()
        assert {each.id: each.bonds for each in people} == bonds
