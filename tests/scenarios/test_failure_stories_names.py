"""Stories of names: one that is held where nobody looked, one that was somebody's before, a rename that nobody asked for, an alias that was lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.google_state import Lag as GoogleLag
from onroll_connectors.sandbox.graph_state import Lag as GraphLag
from onroll_core import pipeline
from onroll_core.changes import sentence
from onroll_daemon.demo import DOMAIN
from samba import Samba
from stories import EVERYWHERE, SCHOOL, SchoolYear, done, later, said, story, today, untouched, who


def joins(year: SchoolYear, last: str) -> str:
    """A Jo joins Year 7; gives the username that the format alone would give."""
    year.school.joins("Jo", last)
    return f"20j{last.lower()}"


def test_a_username_clash_at_create(samba: Samba, tmp_path: Path) -> None:
    """Story 6: a create failed, or took over a stranger's account, because the name was held where nobody had looked. Here all places are looked at."""
    with story(tmp_path, 42, samba) as year:
        graph, google = year.world.graph, year.world.google
        held: dict[str, str] = {}

        # Another administrator's user and group in Active Directory, outside the OU that onroll works in.
        elsewhere = samba.unit()
        try:
            held["a user somewhere else in the domain"] = name = joins(year, "Ashdown")
            samba.ldap(
                "ldapadd", stdin=f"dn: CN=Stan Stranger,{elsewhere}\nobjectClass: user\nsAMAccountName: {name}\n"
            )
            held["a group of the domain"] = name = joins(year, "Birch")
            samba.ldap("ldapadd", stdin=f"dn: CN=Birches,{elsewhere}\nobjectClass: group\nsAMAccountName: {name}\n")
            # In Microsoft 365: somebody made by hand, somebody in the recycle bin, a group, and an alias of somebody else.
            held["a user made by hand"] = name = joins(year, "Cedar")
            graph.add_user(f"{name}@{DOMAIN}", displayName="Made By Hand")
            held["the recycle bin"] = name = joins(year, "Dogwood")
            graph.directory.delete(graph.add_user(f"{name}@{DOMAIN}"))
            held["a group of Microsoft 365"] = name = joins(year, "Elder")
            graph.directory.add_group("Elders", f"{name}@{DOMAIN}")
            held["an alias in Microsoft 365"] = name = joins(year, "Fir")
            alias = graph.add_user(f"somebody@{DOMAIN}")
            graph.directory.patch(alias, {"mail": f"{name}@{DOMAIN}"})
            # In Google: the same, and a user deleted a week ago.
            held["a Google user made by hand"] = name = joins(year, "Gorse")
            google.add_user(f"{name}@{DOMAIN}", "Made", "By Hand")
            held["a Google group"] = name = joins(year, "Hazel")
            google.add_group(f"{name}@{DOMAIN}")
            held["a Google alias"] = name = joins(year, "Ivy")
            google.writes.add_alias(
                google.add_user(f"another@{DOMAIN}", "An", "Other").id, {"alias": f"{name}@{DOMAIN}"}
            )
            held["a deleted Google user"] = name = joins(year, "Juniper")
            google.writes.delete(google.add_user(f"{name}@{DOMAIN}", "Long", "Gone").id)
            strangers = _strangers(year)

            night = year.night("ten Jos")
            assert done(night) == dict.fromkeys(EVERYWHERE, {"created": 10})
            names = {each.username for each in year.world.store.identities(SCHOOL) if each.person.first == "Jo"}
            assert names == {f"{name}1" for name in held.values()}
            for name in names:
                assert set(year.enabled(name or "").values()) == {True}
            assert _strangers(year) == strangers
            year.nothing_to_do()

            # A name that is taken between the plan and the write is a conflict, told and put right the night after, and never a take-over.
            name = joins(year, "Larch")
            year.onroll("pull", SCHOOL, *today(year))
            user = graph.add_user(f"{name}@{DOMAIN}", displayName="Made By Hand Meanwhile")
            before = dict(user.props)
            applied = year.json("apply", SCHOOL, *today(year))
            assert applied["targets"]["m365"]["created"] == 0, applied
            shown = year.onroll("plan", SCHOOL, *today(year)).out
            assert (
                f"The name {name}@{DOMAIN} is held in m365 by the account {name}@{DOMAIN}, which onroll did not make"
                in shown
            )
            assert "onroll users rename" in shown
            assert dict(user.props) == before
            year.onroll("users", "rename", name, f"{name}2")
            year.night("and another name")
            year.nothing_to_do()
            assert set(year.enabled(f"{name}2").values()) == {True}
            assert dict(user.props) == before
        finally:
            samba.ldap("ldapdelete", "-r", elsewhere)


def _strangers(year: SchoolYear) -> dict[str, Any]:
    """Every account and group of the clouds that does not carry an identity of onroll's."""
    graph, google = year.world.graph.directory, year.world.google.state
    found: dict[str, Any] = {
        key: dict(user.props) for key, user in graph.users.items() if not user.props.get("employeeId")
    }
    found |= {key: dict(group) for key, group in graph.groups.items()}
    found |= {key: replace(user) for key, user in google.users.items() if "onroll" not in str(user.told)}
    return found | {key: replace(group) for key, group in google.groups.items()}


def test_a_name_is_used_again(tmp_path: Path) -> None:
    """Story 7: a new A. Smith got the old A. Smith's mail and files. Here a name is issued once, whatever became of the account, years later too."""
    with story(tmp_path, 14) as year:
        school, graph, google = year.school, year.world.graph, year.world.google
        adam = school.is_employed("Adam", "Smith")
        jo = school.is_employed("Jo", "Former")
        year.night("two new colleagues")
        old = who(year, "Adam", "Smith")
        assert old == "a.smith"
        # Jo changes her name, and asks for another username: the old address still reaches her.
        school.marries(jo.number, "Latter")
        year.night("a marriage")
        year.onroll("users", "rename", "j.former", "j.latter")
        year.night("a rename")

        # Both leave. The accounts are deleted by hand in all three places, and purged.
        for person in (adam, jo):
            school.staff[person.number] = replace(school.staff[person.number], ends=year.world.day)
        assert done(year.night("they leave")) == dict.fromkeys(EVERYWHERE, {"disabled": 2})
        for name in ("a.smith", "j.latter"):
            user = graph.user(f"{name}@{DOMAIN}")
            graph.directory.delete(user)
            graph.directory.purge(user)
            google.state.users.pop(google.user(f"{name}@{DOMAIN}").id)
            for address in [each for each in google.state.addresses if each.partition("@")[0] in (name, "j.former")]:
                google.state.addresses.pop(address)
            _deleted(year, name)
        year.nothing_to_do()

        # Years go by; the MIS forgets them too. Then come an Alice Smith and two other Js.
        school.staff.pop(adam.number), school.staff.pop(jo.number)
        for later in range(2027, 2034):
            day = date(later, 9, 6)
            for number, pupil in list(school.pupils.items()):
                if pupil.year == 13:
                    school.pupils[number] = replace(pupil, ends=day - timedelta(days=40))
            year.go_to(day)
            school.turns_the_year(day)
            year.night(f"September {later}")
        for first, last in (("Alice", "Smith"), ("Joan", "Former"), ("Jill", "Latter")):
            school.is_employed(first, last, year.world.day)
        assert done(year.night("namesakes")) == dict.fromkeys(EVERYWHERE, {"created": 3})
        assert [who(year, *name) for name in (("Alice", "Smith"), ("Joan", "Former"), ("Jill", "Latter"))] == [
            "a.smith1",
            "j.former1",
            "j.latter1",
        ]
        for person in year.world.store.identities(SCHOOL):
            if person.person.first in ("Alice", "Joan", "Jill"):
                assert not person.aliases
        year.nothing_to_do()

        # A person who insists is told whose it was.
        with untouched(year):
            refused = year.onroll("users", "rename", "a.smith1", "a.smith", code=1).err
        assert "it was issued to somebody else, and a name is issued once" in refused
        assert year.person("Alice", "Smith").username == "a.smith1"
        year.nothing_to_do()


def _deleted(year: SchoolYear, login: str) -> None:
    """An administrator deletes an account of the embedded directory."""
    there = year.ad.there
    found = there.find(login)
    assert found is not None
    guid = there.logins.pop(login)
    there.objects.pop(guid)
    for index in (there.by_dn, there.upns):
        for key in [key for key, value in index.items() if value == guid]:
            index.pop(key)


def test_a_rename_breaks_sign_in(tmp_path: Path) -> None:
    """Story 10: a surname changed in the MIS, and with it the username: people could not sign in. Here a rename is asked for, seen first, on a day."""
    with story(tmp_path) as year:
        old, new = year.world.marries("Featherstone")
        identity = year.world.store.find(SCHOOL, old)[0].id
        names = {name: _names(year, old)[name] for name in EVERYWHERE}

        # The display name follows the MIS; username, address and everything that hangs on them stay, for ever if nobody asks.
        night = year.night("a marriage")
        assert done(night) == dict.fromkeys(EVERYWHERE, {"updated": 1})
        assert _names(year, old) == names
        assert year.entra(year.address(old))["displayName"].endswith("Featherstone")
        year.nothing_to_do()

        # It is seen first: who, what, and what will still work. Nothing is done by looking.
        with untouched(year):
            shown = year.onroll("rename", SCHOOL, "--format", "--user", old, code=3).out
        assert f"username {old} to {new}" in shown
        assert f"{old}@{DOMAIN} stays as an alias" in shown
        assert "home folder and profile stay where they are" in shown
        digest = shown.rpartition("--confirm ")[2].strip()

        # It is put off to half-term, and until then nothing happens.
        real, day = date.today(), year.world.day + timedelta(days=3)
        day = max(day, real + timedelta(days=1))
        year.onroll("rename", SCHOOL, "--format", "--user", old, "--on", day.isoformat(), "--confirm", digest)
        while year.world.day + timedelta(days=1) < day:
            with untouched(year):
                year.night("not yet")
        assert _names(year, old) == names
        assert done(year.night("the day")) == dict.fromkeys(EVERYWHERE, {"renamed": 1})
        (person,) = year.world.store.find(SCHOOL, new)
        assert (person.id, person.username, person.aliases) == (identity, new, frozenset({f"{old}@{DOMAIN}"}))
        assert _names(year, new) == {name: (anchor, new) for name, (anchor, _) in names.items()}
        for held in (year.ad.value(new, "proxyAddresses"), year.entra(f"{new}@{DOMAIN}")["proxyAddresses"]):
            assert f"smtp:{old}@{DOMAIN}" in held
        assert f"{old}@{DOMAIN}" in year.world.google.user(f"{new}@{DOMAIN}").aliases
        assert set(year.enabled(new).values()) == {True}
        year.nothing_to_do()


def _names(year: SchoolYear, username: str) -> dict[str, tuple[str, str]]:
    """Somebody's immutable id and sign-in name in each target."""
    address = f"{username}@{DOMAIN}"
    user, other = year.entra(address), year.world.google.user(address)
    return {
        "ad": (year.ad.value(username, "employeeID")[0], year.ad.value(username, "sAMAccountName")[0]),
        "m365": (user["id"], user["userPrincipalName"].partition("@")[0]),
        "google": (other.id, other.email.partition("@")[0]),
    }


def test_an_alias_is_lost_on_rename(tmp_path: Path) -> None:
    """Story 11: the old address was to stay as an alias, and was not there. Here it is read back every night, and put back or told."""
    with story(tmp_path) as year:
        graph, google = year.world.graph, year.world.google
        google.lag, graph.directory.lag = GoogleLag(alias=36_000.0), GraphLag(addresses=36_000.0)
        old, new = year.world.marries("Featherstone")
        address = f"{new}@{DOMAIN}"
        year.world.rename(old, new)
        assert done(year.night("a rename")) == dict.fromkeys(EVERYWHERE, {"renamed": 1, "updated": 1})

        # Both clouds say yes, and take their time. A yes is not believed before the alias is read back: Google's is missed when it is overdue.
        with untouched(year):
            assert not said(year.night("not there yet"))
            late = pipeline.plan(later(year, timedelta(hours=2)))
        assert late.targets["google"].plan is not None
        (missed,) = late.targets["google"].plan.changes
        assert f"aliases from nothing to {old}@{DOMAIN}: a former address must still reach them" in sentence(missed)
        google.lag, graph.directory.lag = GoogleLag(), GraphLag()
        _ripe(year)
        year.nothing_to_do()
        assert f"smtp:{old}@{DOMAIN}" in year.entra(address)["proxyAddresses"]
        assert not said(year.night("and now it is there"))

        # Another tool wipes what it should not: Active Directory's addresses, Google's alias, Microsoft 365's with the licence.
        year.ad.change(new, {"proxyAddresses": [f"SMTP:{address}"]})
        google.writes.remove_alias(google.user(address).id, f"{old}@{DOMAIN}")
        user = graph.user(address)
        user.addresses = [f"SMTP:{address}"]
        graph.directory._write(user, {"proxyAddresses": list(user.addresses)}, graph.directory.seconds())
        night = pipeline.sync(later(year, timedelta(hours=2)))
        assert done(night) == {"ad": {"updated": 1}, "m365": {}, "google": {"updated": 1}}
        assert f"smtp:{old}@{DOMAIN}" in year.ad.value(new, "proxyAddresses")
        assert f"{old}@{DOMAIN}" in google.user(address).aliases
        # Graph cannot write an alias: what onroll cannot put right, it says.
        assert f"{old}@{DOMAIN} is not (yet) an alias of {address} in m365" in said(night), said(night)
        year.nothing_to_do()

        # And while the alias was lost nobody else got the name.
        year.school.is_employed(old[0].upper() + "eter", old.partition(".")[2].title())
        year.night("a namesake")
        assert who(year, old[0].upper() + "eter", old.partition(".")[2].title()) == f"{old}1"
        year.nothing_to_do()


def _ripe(year: SchoolYear) -> None:
    """An hour goes by in Microsoft 365."""
    directory = year.world.graph.directory
    directory._due = [(0.0, order, key) for _, order, key in directory._due]
    directory.ripen()
