"""A bad extract that somebody approved is undone the next morning; the night after it waits, and when the extract is mended there is nothing to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from directories import RealDomain
from onroll_core.changes import kind
from onroll_core.night import Night
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year

AT_ONCE = "All of it at once: onroll "


@dataclass
class Morning:
    """A school with groups and a place for leavers, and what its targets' own data said before the bad night."""

    year: SchoolYear

    def __post_init__(self) -> None:
        for role in ("students", "staff"):
            self.year.set(f"school.{role}", 'leavers_place = "Leavers"')
        self.year.groups("year", "registration", "teaching")
        self.year.night("first night")
        self.year.nothing_to_do()
        self.people = {each.id for each in self.year.world.store.identities(SCHOOL)}
        self.before = self.picture()
        assert sum(bool(told[2]) for told in self.before.values()) >= 60  # every pupil is in a group

    def picture(self) -> dict[str, tuple[dict[str, bool], list[str], list[str], str]]:
        """Who may sign in where, where they are and in which groups."""
        google, ad = self.year.world.google, self.year.ad
        told = {}
        # Two hundred questions to a real domain take a minute, one takes a second.
        there = ad.samba.people(ad.base, "memberOf", "userAccountControl") if isinstance(ad, RealDomain) else None
        for each in self.year.world.store.identities(SCHOOL):
            name = each.username or ""
            if each.id in self.people:
                unit = google.state.path(google.user(each.email or "").unit)
                if there is None:
                    told[name] = self.year.enabled(name), ad.value(name, "dn"), self.groups(name), unit
                    continue
                seen = there[name]
                enabled = self.year.in_clouds(name) | {"ad": not int(seen["userAccountControl"][0]) & 2}
                told[name] = enabled, seen["dn"], sorted(seen.get("memberOf", [])), unit
        return told

    def groups(self, username: str) -> list[str]:
        """The groups of somebody in the domain; the embedded directory has them at the groups alone."""
        ad = self.year.ad
        if isinstance(ad, RealDomain):
            return sorted(ad.value(username, "memberOf"))
        (dn,) = ad.value(username, "dn")
        return sorted(each.dn for each in ad.there.objects.values() if dn.encode() in each.values.get("member", ()))

    def bad_extract(self, count: int) -> Night:
        """A column of leaving dates slips by some rows, two pupils change class, and somebody is in a hurry; gives that night."""
        school = self.year.school
        self.gone = list(school.pupils)[:count]
        ends = self.year.world.day - timedelta(days=7)
        for number in self.gone:
            school.leaves(number, ends)
        bad = self.year.approved(self.year.night("a bad extract", code=3))
        assert {name: one.tally["disabled"] for name, one in bad.targets.items()} == dict.fromkeys(EVERYWHERE, count)
        assert bad.targets["ad"].tally["moved"] == count
        assert bad.targets["ad"].tally["members"] > count
        self.year.nothing_to_do()
        assert self.picture() != self.before
        return bad

    def undo(self, run: int | None) -> None:
        """As the command itself says it."""
        said = self.year.onroll("runs", "undo", str(run), code=3).out
        (line,) = (each for each in said.splitlines() if each.startswith(AT_ONCE))
        self.year.onroll(*line.removeprefix(AT_ONCE).split())
        assert self.picture() == self.before
        assert "Nothing of run" in self.year.onroll("runs", "undo", str(run)).out

    def mend(self) -> None:
        """The next extract has everybody on roll again, as they were."""
        pupils = self.year.school.pupils
        for number in self.gone:
            pupils[number] = replace(pupils[number], ends=None, status="on roll")


def test_a_bad_extract_is_undone_and_the_next_night_waits(tmp_path: Path) -> None:
    with school_year(tmp_path) as year:
        morning = Morning(year)
        bad = morning.bad_extract(20)
        name = next(each for each in morning.before if not year.ad.enabled(each))
        graph = year.world.graph
        graph.directory.delete(graph.user(year.address(name)))
        morning.undo(bad.run)
        assert year.enabled(name) == dict.fromkeys(EVERYWHERE, True)
        (undone,) = year.json("runs", "show", str(bad.run))["undone_by"]

        held = year.night("the extract is still bad", code=3)
        for one in held.targets.values():
            assert one.objections[0].endswith(f"(run {undone['id']}): if they are right now, approve."), one.objections
        assert morning.picture() == morning.before

        morning.mend()
        mended = year.night("mended")
        assert not any(sum(one.tally.values()) for one in mended.targets.values())
        year.nothing_to_do()
        assert morning.picture() == morning.before


def test_a_rename_a_joiner_and_leavers_of_one_night_are_undone_together(tmp_path: Path) -> None:
    with school_year(tmp_path) as year:
        morning = Morning(year)
        old, new = year.world.marries("Featherstone")
        year.onroll("users", "rename", old, new)
        zofia = year.school.joins("Zofia", "Wiśniewska", 9)
        bad = morning.bad_extract(12)
        assert {one.tally["renamed"] for one in bad.targets.values()} == {1}
        morning.undo(bad.run)
        assert old in year.onroll("users", "show", old).out
        assert year.enabled("18zwisniewska") == dict.fromkeys(EVERYWHERE, False)
        assert morning.groups("18zwisniewska") == []
        assert any(new in each for each in year.ad.value(old, "proxyAddresses"))

        morning.mend()
        held = year.night("Zofia is on roll all the same", code=3)
        again = {name: [*one.plan.changes] for name, one in held.targets.items() if one.plan}
        assert {name: [kind(each) for each in again[name]] for name in ("m365", "google")} == {
            "m365": ["enable", "update"],
            "google": ["enable", "update"],
        }
        year.approved(held)
        assert year.enabled("18zwisniewska") == dict.fromkeys(EVERYWHERE, True)
        assert any(f"CN=Milton Park School {zofia.form}," in each for each in morning.groups("18zwisniewska"))
        year.nothing_to_do()


def test_places_and_groups_of_a_real_domain_come_back(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, samba=samba) as year:
        morning = Morning(year)
        bad = morning.bad_extract(20)
        morning.undo(bad.run)
        again = year.approved(year.night("the extract is still bad", code=3))
        assert again.targets["ad"].tally["disabled"] == 20
        year.nothing_to_do()
        morning.undo(again.run)
        morning.mend()
        year.night("mended")
        year.nothing_to_do()
