"""Groups in sentences, on a real domain controller and in both clouds: who is in them, what people did to them by hand, what the MIS no longer tells."""

from __future__ import annotations

from pathlib import Path

from onroll_core.accounts import Anchor
from samba import Samba
from school_year import EVERYWHERE, SchoolYear, school_year


def test_a_class_follows_the_timetable(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 60, samba) as year:
        year.groups("year", "registration", "teaching")
        year.night("first night")
        year.nothing_to_do()
        zofia = year.school.joins("Zofia", "Wiśniewska", 9)
        year.night("a joiner")
        assert set(year.enabled("18zwisniewska").values()) == {True}
        groups = year.ad.value("18zwisniewska", "memberOf")
        assert any(f"CN=Milton Park School {zofia.form}," in each for each in groups)
        year.nothing_to_do()


def class_of(year: SchoolYear, target: str, name: str) -> tuple[Anchor, frozenset[Anchor]]:
    """A class as a target has it: what it is, and who is in it."""
    seen = year.observe(target)
    ((anchor, group),) = ((anchor, each) for anchor, each in seen.groups.items() if each.name == name)
    return anchor, group.members


def put_in_by_hand(year: SchoolYear, name: str, username: str) -> None:
    """Another administrator puts somebody into a class, in every target."""
    bonds = {target: bond.anchor for target, bond in year.world.store.find("milton-park", username)[0].bonds.items()}
    year.ad.join_by_hand(class_of(year, "ad", name)[0], username)
    year.world.graph.groups.join(class_of(year, "m365", name)[0], bonds["m365"])
    group = year.world.google.state.groups[class_of(year, "google", name)[0]]
    group.members[bonds["google"]] = "MEMBER"


def test_who_was_put_into_a_class_by_hand_stays_or_goes_as_the_school_says(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 30, samba) as year:
        year.groups("teaching", targets=EVERYWHERE)
        year.night("first night")
        lesson = next(each for each in year.school.classes.values() if each.pupils)
        name = f"Milton Park School {lesson.name}"
        outsider = next(each for number, each in year.school.pupils.items() if number not in lesson.pupils)
        username = year.person(outsider.first, outsider.last).username or ""

        # Somebody of ours, put in by hand, stays: that is what schools expect unless they say otherwise.
        put_in_by_hand(year, name, username)
        counts = {target: len(class_of(year, target, name)[1]) for target in EVERYWHERE}
        taught = len(lesson.pupils) + 1
        assert counts == {"ad": taught + len(lesson.teachers), "m365": taught, "google": taught}, "AD knows no owners"
        year.nothing_to_do()

        # The school says otherwise. A stranger in the same class is nobody's to take out.
        year.ad.stranger("stan")
        year.ad.join_by_hand(class_of(year, "ad", name)[0], "stan")
        for target in EVERYWHERE:
            year.set(f"targets.{target}", 'strangers = "remove"')
        night = year.night("strangers go")
        assert {target: one.tally["members"] for target, one in night.targets.items()} == dict.fromkeys(EVERYWHERE, 1)
        for target in EVERYWHERE:
            mine = year.person(outsider.first, outsider.last).bonds[target].anchor
            assert mine not in class_of(year, target, name)[1]
        assert any(name.replace("/", "-") in each for each in year.ad.value("stan", "memberOf"))
        year.nothing_to_do()


def test_an_mis_that_tells_of_no_class_at_all_leaves_every_class_as_it_was(tmp_path: Path) -> None:
    """ScholarPack has none; elsewhere a permission was withdrawn."""
    with school_year(tmp_path, 30) as year:
        year.groups("registration", "teaching", targets=EVERYWHERE)
        year.night("first night")
        before = {target: year.observe(target).groups for target in EVERYWHERE}
        year.school.classes.clear()
        year.configure(lambda text: text + "\n[school.sanity]\ngroups = { count = 500, percent = 100 }\n")
        year.night("no class is told")
        assert {target: year.observe(target).groups for target in EVERYWHERE} == before
        year.nothing_to_do()
