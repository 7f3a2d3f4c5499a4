"""Killed at random moments of reading, naming and writing, against a real domain controller and the clouds: the next sync puts everything right."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from directories import RealDomain
from onroll_core import pipeline
from onroll_daemon.demo import Demo, demo
from onroll_daemon.wiring import line
from samba import Samba

MOMENTS = int(os.environ.get("ONROLL_KILLS") or (200 if os.environ.get("ONROLL_SOAK") else 6))
SEED = int(os.environ.get("ONROLL_SEED") or 11)
PEOPLE = 24


def sync(world: Demo, kill_after: float | None = None) -> int | None:
    """`onroll sync` in a process of its own; killed after some seconds, or its exit code. None when it was killed."""
    command = [
        sys.executable,
        "-m",
        "onroll_daemon",
        "sync",
        "--config",
        str(world.settings.path),
        "--today",
        world.day.isoformat(),
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=kill_after if kill_after is not None else 120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    assert process.returncode == 0, said
    return process.returncode


def test_killed_at_any_moment(samba: Samba, tmp_path: Path) -> None:
    ad = RealDomain(samba=samba)
    base = ad.base
    told = {"server", "base", "names_base", "user", "ca_file"}
    settings = ad.settings(names_base=base).model_dump(include=told)
    table = "\n".join(f'{name} = "{value}"' for name, value in settings.items())
    table += '\npassword = "env:ONROLL_TEST_AD_PASSWORD"'
    chance = random.Random(SEED)
    killed = 0
    with demo(PEOPLE, tmp_path, table) as world:
        world.school.today = world.day
        assert sync(world) == 0
        began = time.monotonic()
        assert sync(world) == 0
        whole = time.monotonic() - began
        for moment in range(MOMENTS):
            number = world.joins(f"Joiner{chr(97 + moment % 26)}{chr(97 + moment // 26)}", "Smith", 7 + moment % 5)
            if moment % 3 == 1:
                world.leaves(number - 1)
            # The first part of a run is Python starting; what is worth interrupting comes after it.
            killed += sync(world, 0.4 + chance.random() * (whole - 0.4)) is None
            assert sync(world) == 0
            settled(world, samba, base)
    assert killed > MOMENTS // 4, f"only {killed} of {MOMENTS} runs were really cut off"


def settled(world: Demo, samba: Samba, base: str) -> None:
    """Nothing to do, nobody twice, nobody forgotten."""
    plan = pipeline.plan(line(world.settings, world.settings.schools["milton-park"], world.store, world.day))
    assert {name: list(one.plan.changes) if one.plan else one.error for name, one in plan.targets.items()} == {
        "ad": [],
        "m365": [],
        "google": [],
    }
    people = world.store.identities("milton-park")
    everybody = len(world.school.pupils) + len(world.school.staff)
    assert len(people) == everybody
    assert all(set(each.bonds) == {"ad", "m365", "google"} for each in people)
    there = samba.ldbsearch("(&(objectCategory=person)(employeeID=*))", "employeeID", base=base)
    ids = [line_.split(": ")[1] for line_ in there.splitlines() if line_.startswith("employeeID: ")]
    assert sorted(ids) == sorted(each.id for each in people)
    for target in ("m365", "google"):
        assert len({each.bonds[target].anchor for each in people}) == everybody
    ours = sorted(each.email or "" for each in people)
    upns = sorted(
        user.props["userPrincipalName"]
        for user in world.graph.directory.users.values()
        if not user.props["userPrincipalName"].startswith("admin@")
    )
    assert upns == ours
    assert sorted(user.email for user in world.google.state.live() if not user.email.startswith("admin@")) == ours
