"""Accounts made in a second in a real domain controller (Samba), against ldapadd with the same entries, in the same run.

The server hashes each password, 13 ms or so: that is the floor, and ldapadd (OpenLDAP's, in C, one connection) stands on it. The two take turns,
so that a domain that grows slows both alike.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("servers", "connectors"))

from onroll_connectors.targets import active_directory, ad_entries
from onroll_connectors.targets.ad_target import ActiveDirectory
from onroll_core.accounts import Account, IdentityId
from onroll_core.changes import Applied, Create, Who
from onroll_core.contracts import Scope
from onroll_core.passwords import temporary
from onroll_core.people import Role
from samba import Samba, new_folder, start, stop
from world import context

AT_ONCE = 125
ROUNDS = 4


def accounts(series: str, count: int) -> list[Account]:
    return [
        Account(
            f"{series}{n:04d}",
            f"{series}{n:04d}@school.test",
            display_name=f"Zoë Örsted-{series} {n}",
            given="Zoë",
            family=f"Örsted-{series} {n}",
            place="Year 7",
        )
        for n in range(count)
    ]


def ours(samba: Samba, unit: str, made: Sequence[Account]) -> float:
    os.environ["ONROLL_BENCH_PASSWORD"] = samba.env["AD_BIND_PASSWORD"]
    settings = active_directory.Settings(
        server=f"ldaps://{samba.env['AD_HOST']}",
        base=unit,
        user=samba.env["AD_BIND_USER"],
        password="env:ONROLL_BENCH_PASSWORD",  # type: ignore[arg-type]
        ca_file=samba.env["AD_CA_FILE"],
    )
    target = active_directory.connect(settings, context("ad"))
    assert isinstance(target, ActiveDirectory)
    target.observe(Scope("bench"))
    changes = [Create(Who(IdentityId(f"i-{each.login}"), each.login, Role.STUDENT), each, "on roll") for each in made]
    began = time.perf_counter()
    for at in range(0, len(changes), target.abilities.batch):
        outcomes = list(target.perform(changes[at : at + target.abilities.batch]))
        assert all(isinstance(each, Applied) for each in outcomes), outcomes
    took = time.perf_counter() - began
    target.close()
    return took


def ldapadd(samba: Samba, unit: str, made: Sequence[Account]) -> float:
    mapping = ad_entries.Attributes("employeeID", "info", (), None)
    chance = random.Random(5)
    place = f"OU=Year 7,{unit}"
    entries = [_ldif(place, {"objectClass": ["top", "organizationalUnit"]})]
    for each in made:
        cn = each.display_name or each.login
        password = temporary(chance, [each.login])
        entries.append(_ldif(f"CN={cn},{place}", ad_entries.new_user(each, cn, f"i-{each.login}", password, mapping)))
    env = samba.env
    command = ("ldapadd", "-x", "-H", env["AD_LDAPS_URL"], "-D", env["AD_BIND_USER"], "-w", env["AD_BIND_PASSWORD"])
    began = time.perf_counter()
    done = samba.tool(*command, stdin="\n".join(entries))
    took = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    return took


def _ldif(dn: str, values: Mapping[str, Sequence[str | bytes]]) -> str:
    def line(name: str, value: str | bytes) -> str:
        raw = value if isinstance(value, bytes) else value.encode()
        return f"{name}:: {base64.b64encode(raw).decode()}"

    return "\n".join([line("dn", dn), *(line(name, each) for name, held in values.items() for each in held)]) + "\n"


def main() -> dict[str, Any]:
    """Creates a second by each, and their ratio."""
    folder = new_folder()
    spent = {"ours": 0.0, "ldapadd": 0.0}
    try:
        samba = start(folder)
        for turn in range(ROUNDS):
            order = [("ours", ours), ("ldapadd", ldapadd)]
            for name, make in order if turn % 2 else reversed(order):
                spent[name] += make(samba, samba.unit(), accounts(f"{name[0]}{turn}x", AT_ONCE))
    finally:
        stop(folder)
        shutil.rmtree(folder, ignore_errors=True)
    count = AT_ONCE * ROUNDS
    return {
        "creates_per_second": round(count / spent["ours"], 1),
        "ldapadd_per_second": round(count / spent["ldapadd"], 1),
        "ratio": round(spent["ldapadd"] / spent["ours"], 3),
    }


if __name__ == "__main__":
    found = main()
    print(
        f"Active Directory (Samba): {found['creates_per_second']} accounts a second with passwords; ldapadd {found['ldapadd_per_second']};"
        f" ratio {found['ratio']} (aim 0.95)"
    )
