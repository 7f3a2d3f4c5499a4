"""The demo's story as a test: a school on a real domain controller and on the clouds' simulators, checked by other tools than ours."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

from directories import RealDomain
from onroll_connectors.sandbox.google_quota import Quotas as GoogleQuotas
from onroll_connectors.sandbox.google_state import Lag as GoogleLag
from onroll_connectors.sandbox.graph_quota import Quotas as GraphQuotas
from onroll_connectors.sandbox.graph_state import Lag as GraphLag
from onroll_connectors.sandbox.serving import Faults
from onroll_core import pipeline
from onroll_core.night import Night
from onroll_daemon.demo import DOMAIN, Demo, demo
from onroll_daemon.wiring import line
from samba import Samba

PUPILS, EVERYBODY = (1200, 1340) if os.environ.get("ONROLL_SOAK") else (340, 379)
"""On a real domain: the whole school in `make soak`, a part of it in `make test`."""


def nothing_to_do(world: Demo) -> None:
    """And now there is nothing to do: an empty plan, and a night that writes nothing."""
    it = line(world.settings, world.settings.schools["milton-park"], world.store, world.day)
    plan = pipeline.plan(it)
    assert {name: list(one.plan.changes) if one.plan else one.error for name, one in plan.targets.items()} == {
        "ad": [],
        "m365": [],
        "google": [],
    }
    night = world.night("nothing to do")
    assert night.exit_code == 0, night.sync_json()
    assert not any(sum(one.tally.values()) for one in night.targets.values())


def done(night: Night, **counts: int) -> None:
    """Every target did exactly this, and nothing failed."""
    for name, one in night.targets.items():
        assert dict(one.tally) == counts, (name, one.as_json(), one.error)


def story(world: Demo, between: Iterator[None], everybody: int) -> None:
    """The weeks, with a look by other tools between them."""
    done(world.night("first night"), created=everybody)
    nothing_to_do(world)
    next(between)
    zofia = world.joins("Zofia", "Wiśniewska", 9)
    done(world.night("a joiner"), created=1)
    nothing_to_do(world)
    old, new = world.marries("Featherstone")
    done(world.night("a marriage"), updated=1)
    nothing_to_do(world)
    world.rename(old, new)
    done(world.night("a rename"), renamed=1)
    nothing_to_do(world)
    next(between)
    world.leaves(zofia)
    done(world.night("a leaver"), disabled=1)
    nothing_to_do(world)
    next(between)
    world.returns(zofia)
    done(world.night("a returner"), enabled=1)
    nothing_to_do(world)
    next(between)
    world.joins("Harry", "Potter")
    world.joins("Hermione", "Potter")
    done(world.night("two Potters"), created=2)
    world.halve(True)
    assert world.night("half an extract").exit_code == 3
    world.halve(False)
    nothing_to_do(world)
    next(between)


def test_a_schools_weeks_on_a_real_domain(samba: Samba, tmp_path: Path) -> None:
    ad = RealDomain(samba=samba)
    base = ad.base
    table = "\n".join(
        [
            *(
                f'{name} = "{value}"'
                for name, value in ad.settings().model_dump(include={"server", "base", "user", "ca_file"}).items()
            ),
            'password = "env:ONROLL_TEST_AD_PASSWORD"',
        ]
    )

    def looked_at(world: Demo) -> Iterator[None]:
        users = samba.ldbsearch("(&(objectCategory=person)(employeeID=*))", "sAMAccountName", base=base)
        assert users.count("sAMAccountName: ") == EVERYBODY
        teacher = min(
            each.username or ""
            for each in world.store.identities("milton-park")
            if each.role.value == "staff" and each.person.key
        )
        assert "objectGUID" in samba.ldbsearch(f"(sAMAccountName={teacher})", "objectGUID", base=base)
        yield
        renamed = samba.ldbsearch("(sAMAccountName=*.featherstone)", "proxyAddresses", "objectGUID", base=base)
        assert renamed.count("proxyAddresses: SMTP:") == 1
        assert renamed.count("proxyAddresses: smtp:") == 1
        assert guid_of(renamed) in {
            bond.anchor for each in world.store.identities("milton-park") for bond in each.bonds.values()
        }
        set_password(samba, "18zwisniewska")
        assert samba.sign_in("18zwisniewska", PASSWORD) == "ok"
        yield
        assert samba.sign_in("18zwisniewska", PASSWORD) == "revoked"
        assert "info: Disabled by onroll: left on" in samba.ldbsearch(
            "(sAMAccountName=18zwisniewska)", "info", base=base
        )
        yield
        assert samba.sign_in("18zwisniewska", PASSWORD) == "ok"
        yield
        potters = samba.ldbsearch("(sn=Potter)", "sAMAccountName", base=base)
        assert "20hpotter\n" in potters
        assert "20hpotter1\n" in potters
        yield

    with demo(PUPILS, tmp_path, table) as world:
        story(world, looked_at(world), EVERYBODY)
        assert (world.graph.breaches, world.google.breaches) == ([], [])
    ad.clear()


PASSWORD = "Known-4-A-Moment!"


def set_password(samba: Samba, login: str) -> None:
    """As a technician would, with Samba's own tool."""
    done = samba.tool(
        "samba-tool",
        "user",
        "setpassword",
        login,
        f"--newpassword={PASSWORD}",
        "-H",
        samba.env["AD_SAM_LDB"],
        "-s",
        samba.env["AD_SMB_CONF"],
    )
    assert done.returncode == 0, done.stderr


def guid_of(found: str) -> str:
    return next(line.split(": ")[1] for line in found.splitlines() if line.startswith("objectGUID: "))


def test_the_same_weeks_in_bad_weather(tmp_path: Path) -> None:
    """429, 500 and 503 at random, sometimes after the work was done; quotas that count; and things that show late."""
    with demo(60, tmp_path) as world:
        world.graph.quotas, world.graph.directory.lag = GraphQuotas(), GraphLag(2.0, 4.0, 6.0)
        world.google.quotas, world.google.state.lag = GoogleQuotas(), GoogleLag(creation=2.0, visible=3.0, alias=6.0)
        for system in (world.graph, world.google):
            system.faults = Faults(0.05, random=random.Random(5), retry_after=0)
            system.part_faults = Faults(0.05, random=random.Random(6), retry_after=0)
        world.stage.simulator.faults = Faults(0.1, random=random.Random(7), retry_after=0)
        created: dict[str, int] = {}
        for _ in range(4):
            night = world.night("stormy")
            assert night.exit_code in (0, 1, 4), night.sync_json()
            for name, one in night.targets.items():
                created[name] = created.get(name, 0) + one.tally["created"]
        people = len(world.store.identities("milton-park"))
        assert people == 67
        zofia = world.joins("Zofia", "Wiśniewska", 9)
        for _ in range(3):
            world.night("a joiner")
        world.leaves(zofia)
        for _ in range(3):
            world.night("a leaver")
        for system in (world.graph, world.google):
            system.faults = system.part_faults = Faults()
        world.stage.simulator.faults = Faults()
        world.night("calm")
        nothing_to_do(world)
        (gone,) = (
            each
            for each in world.store.identities("milton-park")
            if each.person.first == "Zofia" and each.person.last == "Wiśniewska"
        )
        assert set(gone.bonds) == {"ad", "m365", "google"}
        assert {bond.enabled for bond in gone.bonds.values()} == {False}
        assert (world.graph.breaches, world.google.breaches) == ([], [])
        addresses = [each.email for each in world.store.identities("milton-park")]
        assert len(set(addresses)) == 68
        assert all(address and address.endswith(f"@{DOMAIN}") for address in addresses)
