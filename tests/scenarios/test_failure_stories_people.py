"""Stories of people whom a machine takes for somebody else: in the recycle bin, back again, twice in the MIS, twins, and in two roles."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from onroll_core import pipeline
from onroll_core.night import Night
from onroll_daemon.demo import DOMAIN
from stories import EVERYWHERE, SCHOOL, SchoolYear, done, later, said, story, untouched, who


def accounts(year: SchoolYear) -> dict[str, int]:
    """How many accounts there are, deleted ones not counted."""
    users = year.world.graph.directory.users.values()
    return {
        "ad": year.ad.count(),
        "m365": sum(each.deleted is None for each in users),
        "google": len(list(year.world.google.state.live())),
    }


def clouds(year: SchoolYear, username: str) -> tuple[str, str]:
    """Somebody's immutable ids in the clouds."""
    address = f"{username}@{DOMAIN}"
    return year.world.graph.user(address).id, year.world.google.user(address).id


def late_night(year: SchoolYear) -> Night:
    """The next night, two hours later than it is: a cloud that has just been written to is believed to be late."""
    year.world.day += timedelta(days=1)
    year.school.today = year.world.day
    return pipeline.sync(later(year, timedelta(hours=2)))


def test_a_soft_deleted_account_stands_in_the_way(tmp_path: Path) -> None:
    """Story 8: the account was in the recycle bin, so that the create failed, or made a second one. Here it is taken out of the bin."""
    with story(tmp_path) as year:
        school, graph, google = year.school, year.world.graph, year.world.google
        zofia, yann = school.joins("Zofia", "Wiśniewska", 9), school.joins("Yann", "Tiersen", 9)
        year.night("two joiners")
        names = who(year, "Zofia", "Wiśniewska"), who(year, "Yann", "Tiersen")
        before = [clouds(year, each) for each in names]
        for pupil in (zofia, yann):
            year.world.leaves(pupil.number)
        year.night("they leave")
        # Somebody tidies up in both clouds.
        for user, other in before:
            graph.directory.delete(graph.directory.users[user])
            google.writes.delete(other)
        year.nothing_to_do()
        there = accounts(year)

        # Zofia is back: her own accounts are, with everything that hangs on them.
        school.returns(zofia.number)
        shown = year.onroll("pull", SCHOOL, "--today", (year.world.day + timedelta(days=1)).isoformat())
        assert "1 returners" in shown.out
        plan = year.onroll("plan", SCHOOL, "--today", (year.world.day + timedelta(days=1)).isoformat()).out
        assert f"Restore {names[0]}@{DOMAIN}" in plan
        assert "create" not in plan.lower()
        night = year.night("Zofia is back")
        assert done(night)["m365"] == {"enabled": 1}
        assert done(night)["ad"] == {"enabled": 1}
        assert done(night)["google"]["enabled"] == 1
        year.night("and in her place")
        assert clouds(year, names[0]) == before[0]
        assert set(year.enabled(names[0]).values()) == {True}
        assert accounts(year) == {"ad": there["ad"], "m365": there["m365"] + 1, "google": there["google"] + 1}
        year.nothing_to_do()

        # Yann is back too, and meanwhile somebody was given his address by hand: nothing is taken over, and the sentence says what to do.
        graph.add_user(f"{names[1]}@{DOMAIN}", displayName="Somebody Else")
        google.add_user(f"{names[1]}@{DOMAIN}", "Somebody", "Else")
        strangers = clouds(year, names[1])
        school.returns(yann.number)
        night = year.night("Yann is back", code=1)
        assert "cannot be restored: its address was given to somebody else meanwhile. Free the address" in said(night)
        assert f"{names[1]}@{DOMAIN} cannot be restored: the address has been given to somebody else since" in said(
            night
        )
        assert clouds(year, names[1]) == strangers
        assert strangers[0] != before[1][0]
        # The technician renames those two, and the rest happens by itself.
        graph.directory.patch(
            graph.user(f"{names[1]}@{DOMAIN}"), {"userPrincipalName": f"other@{DOMAIN}", "mail": f"other@{DOMAIN}"}
        )
        graph.user(f"other@{DOMAIN}").addresses.clear()
        for address in [
            address for address, key in graph.directory._holders.items() if key == strangers[0] and names[1] in address
        ]:
            graph.directory._holders.pop(address)
        google.writes.delete(strangers[1])
        year.night("freed")
        year.night("and in his place")
        assert clouds(year, names[1]) == before[1]
        year.nothing_to_do()


def test_a_rejoiner_gets_a_new_account(tmp_path: Path) -> None:
    """Story 9: somebody came back and got a second account, "j.smith1". Here they are known by number, and by name they are asked about."""
    with story(tmp_path) as year:
        school, graph, google = year.school, year.world.graph, year.world.google
        zofia, harry = school.joins("Zofia", "Wiśniewska", 9), school.joins("Harry", "Potter", 9)
        adam = school.is_employed("Adam", "Smith")
        year.night("three joiners")
        ids = {
            each: year.person(*each).id for each in (("Zofia", "Wiśniewska"), ("Harry", "Potter"), ("Adam", "Smith"))
        }
        for pupil in (zofia, harry):
            year.world.leaves(pupil.number)
        school.staff[adam.number] = replace(adam, ends=year.world.day)
        assert done(year.night("they leave")) == dict.fromkeys(EVERYWHERE, {"disabled": 3})
        there = accounts(year)

        # Zofia comes back under a new record, with the old one still there as a leaver's: her UPN says who she is.
        second = school.joins("Zofia", "Wiśniewska", 9)
        school.pupils[second.number] = replace(second, upn=zofia.upn)
        assert done(year.night("Zofia under a new record")) == dict.fromkeys(EVERYWHERE, {"enabled": 1})
        assert year.person("Zofia", "Wiśniewska").id == ids["Zofia", "Wiśniewska"]
        year.nothing_to_do()

        # Harry's UPN comes back with another name: one of the two is wrong, and a person has to say which. Nobody gets an account until then.
        wrong = school.joins("Barry", "Trotter", 9)
        school.pupils[wrong.number] = replace(wrong, upn=harry.upn)
        with untouched(year):
            night = year.night("a doubtful number")
        assert "(Barry Trotter) with the number of 18hpotter (Harry Potter" in said(night)
        assert "No account was made for the new record" in said(night)
        school.pupils[wrong.number] = wrong
        assert done(year.night("it was mistyped")) == dict.fromkeys(EVERYWHERE, {"created": 1})

        # Staff have no number. Adam Smith is back under a new record, or somebody of his name is: that is asked, with both answers ready to be typed.
        school.staff.pop(adam.number)
        school.is_employed("Adam", "Smith", year.world.day)
        with untouched(year):
            night = year.night("an Adam Smith")
        assert "a.smith is a leaver, and the MIS now has a new staff record" in said(night)
        typed = said(night).partition("If they are back: onroll ")[2].partition(". If it is")[0]
        year.onroll(*typed.split())
        assert done(year.night("it is him")) == dict.fromkeys(EVERYWHERE, {"enabled": 1})
        assert year.person("Adam", "Smith").id == ids["Adam", "Smith"]
        assert (who(year, "Adam", "Smith"), accounts(year)) == (
            "a.smith",
            {name: count + 1 for name, count in there.items()},
        )
        year.nothing_to_do()

        # Harry is back when his accounts have been purged from both clouds. No second one is made on the quiet: a person says that it is gone.
        one, other = clouds(year, "18hpotter")
        graph.directory.delete(graph.directory.users[one])
        graph.directory.purge(graph.directory.users[one])
        google.writes.delete(other)
        google.state.users.pop(other)
        school.returns(harry.number)
        night = late_night(year)
        assert done(night) == {"ad": {"enabled": 1}, "m365": {}, "google": {}}
        for cloud in ("m365", "google"):
            assert f"The account of 18hpotter@{DOMAIN} is no longer in {cloud}" in said(night)
            assert f"If it is gone for good: onroll links undo 18hpotter@{DOMAIN} --target {cloud} --gone" in said(
                night
            )
            year.onroll("links", "undo", f"18hpotter@{DOMAIN}", "--target", cloud, "--gone")
        assert done(late_night(year)) == {"ad": {}, "m365": {"created": 1}, "google": {"created": 1}}
        assert (who(year, "Harry", "Potter"), year.person("Harry", "Potter").id) == (
            "18hpotter",
            ids["Harry", "Potter"],
        )
        year.nothing_to_do()

        # Whoever says that of an account which is there after all has done no harm: it is found again.
        count = accounts(year)
        year.onroll("links", "undo", "18hpotter", "--target", "ad", "--gone")
        with untouched(year):
            year.night("it was there")
        assert (accounts(year), set(year.person("Harry", "Potter").bonds)) == (count, set(EVERYWHERE))
        year.nothing_to_do()
