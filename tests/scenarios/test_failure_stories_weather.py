"""Stories of clouds that are not as told: mastered elsewhere, busy, slow, late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from onroll_connectors.sandbox.google_quota import Quotas as GoogleQuotas
from onroll_connectors.sandbox.google_state import Lag as GoogleLag
from onroll_connectors.sandbox.graph_quota import Quotas as GraphQuotas
from onroll_connectors.sandbox.graph_quota import Window as GraphWindow
from onroll_connectors.sandbox.graph_state import Lag as GraphLag
from onroll_connectors.sandbox.serving import Faults
from onroll_core import pipeline
from onroll_daemon.demo import DOMAIN
from school_year import school_year
from stories import (
    EVERYWHERE,
    PLACES,
    SCHOOL,
    SchoolYear,
    done,
    later,
    reopened,
    said,
    story,
    untouched,
    verdicts,
    who,
)


def connect_cycle(year: SchoolYear) -> None:
    """Entra Connect brings every user of the domain into the tenant, as it does every half hour: mastered in Active Directory, read-only here."""
    directory = year.world.graph.directory
    by_identity = {
        user.props.get("employeeId"): user for user in directory.users.values() if user.props.get("employeeId")
    }
    for each in list(year.ad.there.objects.values()):
        told = {
            name: [value.decode(errors="replace") for value in values]
            for name, values in each.values.items()
            if name != "objectguid"
        }
        if "employeeid" not in told:
            continue
        upn = told["userprincipalname"][0]
        props: Mapping[str, object] = {
            "displayName": told["displayname"][0], "givenName": told["givenname"][0], "surname": told["sn"][0], "employeeId": told["employeeid"][0],
            "mail": told["mail"][0], "accountEnabled": not int(told["useraccountcontrol"][0]) & 2,
        }  # fmt: skip
        user = by_identity.get(told["employeeid"][0])
        if user is None:
            year.world.graph.add_user(upn, synced=True, **props)
        elif any(user.props.get(name) != value for name, value in (props | {"userPrincipalName": upn}).items()):
            before = user.props["userPrincipalName"], user.props["mail"]
            directory._write(user, dict(props) | {"userPrincipalName": upn}, directory.seconds())
            if before != (upn, props["mail"]):
                directory._readdress(user, *before)


def test_on_premises_objects_cannot_be_changed_in_the_cloud(tmp_path: Path) -> None:
    """Story 12: every change of an account that comes from Active Directory was refused by Graph. Here such accounts are left to it, one by one."""
    with school_year(tmp_path, 21) as year:
        year.set("targets.m365", "create = false")
        graph = year.world.graph
        graph.synced_tenant = True
        for place in PLACES:
            year.world.google.add_unit(place)
        night = year.night("the first night")
        assert done(night)["ad"] == {"created": 25}
        assert graph.written() == 0

        # Connect brings them. They carry onroll's identity, so that they are known at once, and none of them is written to.
        connect_cycle(year)
        assert done(year.night("Connect has been"))["m365"] == {}
        assert all(set(each.bonds) == set(EVERYWHERE) for each in year.world.store.identities(SCHOOL))
        year.nothing_to_do()

        # A marriage, a rename, a leaver: written to Active Directory alone, and in the cloud half an hour later.
        old, new = year.world.marries("Featherstone")
        year.night("a marriage")
        year.world.rename(old, new)
        pupil = next(iter(year.school.pupils.values()))
        year.world.leaves(pupil.number)
        night = year.night("a rename and a leaver")
        assert (done(night)["ad"], done(night)["m365"]) == ({"renamed": 1, "disabled": 1}, {})
        gone = who(year, pupil.first, pupil.last)
        assert graph.user(f"{gone}@{DOMAIN}").props["accountEnabled"] is True
        connect_cycle(year)
        assert graph.user(f"{gone}@{DOMAIN}").props["accountEnabled"] is False
        assert graph.user(f"{new}@{DOMAIN}").props["displayName"].endswith("Featherstone")
        year.nothing_to_do()

        # Somebody who is in the cloud alone is still onroll's to write to: it is decided account by account.
        user = graph.user(f"{new}@{DOMAIN}")
        graph.directory._write(user, {"onPremisesSyncEnabled": None}, graph.directory.seconds())
        number = min(year.school.staff)
        year.school.marries(number, "Fairweather")
        night = year.night("a second marriage")
        assert done(night)["m365"] == {"updated": 1}
        assert graph.user(f"{new}@{DOMAIN}").props["surname"] == "Fairweather"
        assert graph.written() == 1
        connect_cycle(year)
        year.nothing_to_do()


def test_rate_limits_and_gateway_timeouts(tmp_path: Path) -> None:
    """Story 13: 429 and 504 ended the run, or were asked again at once until nothing worked. Here a wait is waited, and a restart goes on."""
    with story(tmp_path, 14) as year:
        graph, google = year.world.graph, year.world.google
        for n in range(24):
            year.school.joins(f"Jo{chr(97 + n)}", "Stormy", 9)

        # Quotas that are used up, and a gateway that times out after the work was done: every part is done once, in one night.
        graph.quotas = GraphQuotas(writes=GraphWindow(12, 2.0))
        google.quotas = GoogleQuotas(creates_per_second=8)
        graph.part_faults = Faults(0.1, (504,), after=0.5)
        google.part_faults = Faults(0.1, (503,), after=0.5)
        night = year.night("a storm")
        assert done(night) == dict.fromkeys(EVERYWHERE, {"created": 24})
        assert graph.quotas.refused > 0
        assert graph.quotas.refused <= 24, "it was asked again before the wait was over"
        upns = [user.props["userPrincipalName"] for user in graph.directory.users.values()]
        assert len(upns) == len(set(upns)) == 1 + len(year.world.store.identities(SCHOOL))
        graph.quotas, google.quotas, graph.part_faults, google.part_faults = None, None, Faults(), Faults()
        year.nothing_to_do()

        # Nothing works at all: the sentence says so, the other targets go on, and the run after a restart does the rest.
        graph.faults = Faults(1.0, (503,), after=0.0, retry_after=1)
        zofia = year.school.joins("Zofia", "Wiśniewska", 9)
        night = year.night("Microsoft 365 is down", code=1)
        assert verdicts(night) == {"ad": "cleared", "m365": "failed", "google": "cleared"}
        assert "It is tried again later" in night.targets["m365"].error
        graph.faults = Faults()
        reopened(year)
        assert done(year.night("after the restart")) == {"ad": {}, "m365": {"created": 1}, "google": {}}
        assert set(year.enabled(who(year, zofia.first, zofia.last)).values()) == {True}
        year.nothing_to_do()


def test_a_sync_slower_than_the_night(tmp_path: Path) -> None:
    """Story 14: the run was still at it in the morning, or was killed half way. Here it stops in time, the safest first, and the rest is next night's."""
    with story(tmp_path) as year:
        school = year.school
        leavers = sorted(school.pupils)[:4]
        for number in leavers:
            year.world.leaves(number)
        gone = [who(year, school.pupils[number].first, school.pupils[number].last) for number in leavers]
        for n in range(300):
            school.joins(f"J{chr(97 + n // 26)}{chr(97 + n % 26)}", "Latecomer", 9)
        year.world.day += timedelta(days=1)
        school.today = year.world.day
        before = year.ad.count()

        # The window ends when Active Directory has a good part of them.
        night = pipeline.sync(later(year, stopping=lambda: year.ad.count() >= before + 50))
        made = night.targets["ad"].tally["created"]
        assert 50 <= made < 300
        assert done(night)["ad"] == {"disabled": 4, "created": made, "deferred": 300 - made}
        assert [year.ad.enabled(each) for each in gone] == [False] * 4
        # The run says what waits, and why.
        shown = year.onroll("runs", "show", str(night.run)).out
        assert "the window ended" in shown
        assert night.exit_code == 0
        assert year.ad.count() == before + made

        # A cloud that is cut off in the middle has disabled before it has made.
        google = year.world.google
        people = len(list(google.state.live()))
        night = pipeline.apply(later(year, stopping=lambda: len(list(google.state.live())) >= people + 40), ["google"])
        assert night.targets["google"].tally["disabled"] == 4
        assert night.targets["google"].tally["deferred"] > 0
        assert not any(year.world.google.user(f"{each}@{DOMAIN}").suspended == "" for each in gone)

        # The next night does the rest, and nothing twice.
        night = year.night("the rest")
        assert done(night)["ad"] == {"created": 300 - made}
        assert done(night)["m365"] == {"disabled": 4, "created": 300}
        assert year.ad.count() == before + 300
        assert len(list(google.state.live())) == people + 300
        year.nothing_to_do()


def test_eventual_consistency(tmp_path: Path) -> None:
    """Story 15: what had just been made could not be seen, and was made again, or was given up. Here it is known to be there, and waited for."""
    with story(tmp_path, 14) as year:
        graph, google = year.world.graph, year.world.google
        graph.directory.lag = GraphLag(reads=3600.0, index=3600.0, addresses=3600.0)
        google.lag = GoogleLag(creation=2.0, visible=5.0, alias=600.0, mailbox=120.0)
        zofia = year.school.joins("Zofia", "Wiśniewska", 9)
        assert done(year.night("a joiner")) == dict.fromkeys(EVERYWHERE, {"created": 1})
        name = who(year, "Zofia", "Wiśniewska")
        bonds = year.person("Zofia", "Wiśniewska").bonds

        # Runs in quick succession, with lists that do not show her yet: she is not lost, and not made again. A change waits until it can reach her.
        for _ in range(2):
            with untouched(year):
                assert not said(year.night("she is in no list yet"))
        year.school.pupils[zofia.number] = replace(zofia, last="Nowak")
        night = year.night("and has another surname")
        assert done(night) == {"ad": {"updated": 1}, "m365": {"deferred": 1}, "google": {"updated": 1}}
        graph.directory.lag = GraphLag(index=3600.0, addresses=3600.0)
        assert done(year.night("which can be written now")) == {"ad": {}, "m365": {"updated": 1}, "google": {}}
        assert graph.user(f"{name}@{DOMAIN}").props["surname"] == "Nowak"
        year.nothing_to_do()
        assert year.person("Zofia", "Nowak").bonds == bonds

        # The store forgets that it made her (a run was killed before it could be written down): the lists do not help, and still there is one of her.
        for cloud in ("m365", "google"):
            year.onroll("links", "undo", name, "--target", cloud, "--gone")
        users, others = len(graph.directory.users), len(google.state.users)
        for _ in range(2):
            night = year.world.night("she is found again")
            assert (len(graph.directory.users), len(google.state.users)) == (users, others)
        graph.directory.lag, google.lag = GraphLag(), GoogleLag()
        year.night("the lists have caught up")
        assert {each: bond.anchor for each, bond in year.person("Zofia", "Nowak").bonds.items()} == {
            each: bond.anchor for each, bond in bonds.items()
        }
        year.nothing_to_do()
