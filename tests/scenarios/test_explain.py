"""Why is this account like this? Asked through a fortnight of a school's life, in the directory and both clouds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year


def signs_in(told: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["target"]: (each["value"], each["because"]) for each in told["things"] if each["what"] == "sign-in"}


def thing(told: dict[str, Any], what: str, target: str = "") -> dict[str, Any]:
    (found,) = [each for each in told["things"] if (each["what"], each["target"]) == (what, target)]
    return found


def tonight(told: dict[str, Any]) -> dict[str, list[str]]:
    return {each["target"]: [change["kind"] for change in each["changes"]] for each in told["tonight"]}


def test_every_turn_of_a_pupils_life_is_explained(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 30, samba) as year:
        first = year.night("first night")
        zofia = year.world.joins("Zofia", "Wiśniewska", 9)
        joined = year.night("a joiner")
        told = explained(year, "18zwisniewska")
        assert signs_in(told) == dict.fromkeys(EVERYWHERE, ("enabled", "on roll"))
        assert {each["run"] for each in told["things"]} == {joined.run}
        assert joined.run != first.run
        assert thing(told, "username")["rule"] == '[school.students] username = "{yoe2}{initial}{last}"'
        assert thing(told, "place", "ad")["value"] == "Students/2018"
        assert [each["target"] for each in told["things"] if each["what"] == "place"] == ["ad", "google"], (
            "Entra has no places"
        )
        assert tonight(told) == {name: [] for name in EVERYWHERE}

        # Somebody else disables her in the directory alone.
        year.ad.change("18zwisniewska", {"userAccountControl": ["514"]})
        told = explained(year, "18zwisniewska")
        assert "somebody disabled it in ad, not onroll" in signs_in(told)["ad"][1]
        assert signs_in(told)["m365"] == ("enabled", "on roll")
        year.ad.change("18zwisniewska", {"userAccountControl": ["512"]})

        # The office disables her everywhere; the next night does it.
        year.onroll("users", "disable", "18zwisniewska", "--why", "the head asked")
        assert tonight(explained(year, "18zwisniewska")) == {name: ["disable"] for name in EVERYWHERE}
        year.night("disabled by hand")
        told = explained(year, "18zwisniewska")
        assert {value for value, _ in signs_in(told).values()} == {"disabled"}
        assert "the head asked" in signs_in(told)["google"][1]
        year.onroll("users", "enable", "18zwisniewska")
        year.night("enabled again")

        # She is renamed, and leaves.
        year.onroll("users", "rename", "18zwisniewska", "z.wisniewska")
        year.night("renamed")
        told = explained(year, "z.wisniewska")
        assert "in place of 18zwisniewska" in thing(told, "username")["because"]
        assert thing(told, "alias")["value"] == "18zwisniewska@miltonpark.test"
        year.world.leaves(zofia)
        left = year.night("she left")
        told = explained(year, "z.wisniewska")
        day = year.world.day - timedelta(days=1)
        assert {value for value, _ in signs_in(told).values()} == {"disabled"}
        assert f"left on {day.day} {day:%B %Y} (expected)" in signs_in(told)["ad"][1]
        assert {each["run"] for each in told["things"] if each["what"] == "sign-in"} == {left.run}
        out = year.onroll("explain", "z.wisniewska").out
        for name in EVERYWHERE:
            assert f"  {name}: nothing" in out

        # A directory that is away leaves the rest explained.
        text = year.world.settings.path.read_text(encoding="utf-8")
        away = text.replace('server = "ldaps://', 'server = "ldaps://nowhere.')
        year.world.settings.path.write_text(away, encoding="utf-8")
        told_away = year.json("explain", "z.wisniewska", "--today", year.world.day.isoformat())
        assert told_away["tonight"][0]["error"] and not told_away["tonight"][1]["error"]
        assert signs_in(told_away)["m365"] == signs_in(told)["m365"]
        year.world.settings.path.write_text(text, encoding="utf-8")

        year.nothing_to_do()


def test_a_held_plan_is_explained_to_whoever_it_would_hit(tmp_path: Path) -> None:
    with school_year(tmp_path, 60) as year:
        year.configure(lambda text: text.replace("[[school]]\n", "[[school]]\nabsences = 1\n"))
        year.set("school.limits", "disable = { count = 0, percent = 0 }")
        year.night("first night")
        number = min(year.school.pupils)
        gone = year.school.pupils.pop(number)
        year.school.classes = {
            n: replace(each, pupils=tuple(one for one in each.pupils if one != number))
            for n, each in year.school.classes.items()
        }
        held = year.night("somebody is missing", code=3)
        who = next(each for each in year.world.store.identities(SCHOOL) if each.absences)
        told = explained(year, who.username or "")
        assert gone.last in told["name"]
        assert tonight(told) == {name: ["disable"] for name in EVERYWHERE}
        for each in told["tonight"]:
            plan = held.targets[each["target"]].plan
            assert each["held"] and plan is not None and each["digest"] == plan.digest
        assert any("the whole plan for ad is held" in each for each in told["waiting"])
        year.approved(held)
        told = explained(year, who.username or "")
        assert {each["asked"] for each in told["things"] if each["what"] == "sign-in"} == {
            "held first, and approved by the network manager"
        }
        year.nothing_to_do()


def explained(year: SchoolYear, who: str) -> dict[str, Any]:
    told: dict[str, Any] = year.json("explain", who, "--today", year.world.day.isoformat())
    return told
