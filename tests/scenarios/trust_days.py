"""Two schools of a trust day by day: a CSV export each, one domain and two clouds that both write to, and the command line."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from directories import Embedded, RealDomain
from onroll_connectors.sandbox.directory import forget
from onroll_connectors.sandbox.google import Workspace
from onroll_connectors.sandbox.graph import Graph
from onroll_connectors.sandbox.serving import serve
from onroll_core import pipeline
from onroll_core.identities import Identity
from onroll_core.night import Night
from onroll_core.store import Store
from onroll_daemon import settings as configuration
from onroll_daemon.demo import clouds
from onroll_daemon.settings import Settings
from onroll_daemon.wiring import line, open_store
from samba import Samba

MILTON, LOWER = "milton-park", "lower-park"
SCHOOLS = (MILTON, LOWER)
EVERYWHERE = ("ad", "m365", "google")
DOMAINS = {MILTON: "miltonpark.test", LOWER: "lowerpark.test"}
FIRST_DAY = date(2026, 11, 24)
_TOKEN = "ONROLL_TRUST_TOKEN"
_PLACES = [f"/{school}/{unit}" for school in ("Milton Park", "Lower Park") for unit in ("2020", "2021", "Staff")]
"""Google makes one org unit a second, so that schools whose org units are there have their first night sooner."""
_PUPILS = "Adno,UPN,Forename,Surname,Year,Reg,Classes,Enrolment Status,DOA,Date of leaving"
_STAFF = "Staff Code,Forename,Surname,Employment start,Employment end"


@dataclass
class Export:
    """What one school's MIS exports: pupils by admission number, staff by code. Edit it as the office would."""

    folder: Path
    pupils: dict[str, dict[str, str]] = field(default_factory=dict)
    staff: dict[str, dict[str, str]] = field(default_factory=dict)

    def admits(self, number: str, upn: str, first: str, last: str, year: str, form: str, **other: str) -> None:
        """A pupil is on roll, in a form and in its class; `other` are further columns."""
        row = {"Adno": number, "UPN": upn, "Forename": first, "Surname": last, "Year": year, "Reg": form}
        self.pupils[number] = row | {"Classes": f"{form}/Ma", "Enrolment Status": "C", "DOA": "01/09/2024"} | other

    def employs(self, code: str, first: str, last: str) -> None:
        """Somebody works here."""
        self.staff[code] = {"Staff Code": code, "Forename": first, "Surname": last, "Employment start": "01/09/2020"}

    def tells(self, number: str, **other: str) -> None:
        """Other columns of a pupil: Year, Reg, or Leaving and Enrolment for short."""
        names = {"Leaving": "Date of leaving", "Enrolment": "Enrolment Status"}
        self.pupils[number] |= {names.get(name, name): value for name, value in other.items()}

    def write(self) -> None:
        """The files, as they are exported tonight."""
        self.folder.mkdir(exist_ok=True)
        for name, header, rows in (("students", _PUPILS, self.pupils), ("staff", _STAFF, self.staff)):
            lines = [",".join(row.get(column, "") for column in header.split(",")) for row in rows.values()]
            (self.folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


@dataclass
class TrustDays:
    """Milton Park and Lower Park, the systems that they share, and the day it is."""

    folder: Path
    settings: Settings
    store: Store
    ad: Embedded
    graph: Graph
    google: Workspace
    day: date = FIRST_DAY - timedelta(days=1)

    def __post_init__(self) -> None:
        self.export = {each: Export(self.folder / each) for each in SCHOOLS}

    @property
    def milton(self) -> Export:
        return self.export[MILTON]

    @property
    def lower(self) -> Export:
        return self.export[LOWER]

    @property
    def today(self) -> str:
        """The day as an office writes it."""
        return f"{self.day:%d/%m/%Y}"

    def night(self, *order: str, code: int = 0) -> dict[str, Night]:
        """One night of both schools, a day later than the last one."""
        self.day += timedelta(days=1)
        return {each: self.school(each, code) for each in order or SCHOOLS}

    def school(self, name: str, code: int = 0) -> Night:
        """One school's night."""
        for each in self.export.values():
            each.write()
        night = pipeline.sync(self.line(name))
        held = [one.objections or one.error or one.troubles for one in night.targets.values()]
        assert night.exit_code == code, (night.sync_json(), night.held, held)
        return night

    def reload(self) -> None:
        """The configuration file has been edited."""
        self.settings = configuration.load(self.settings.path)

    def line(self, name: str) -> Any:
        return line(self.settings, self.settings.schools[name], self.store, self.day)

    def nothing_to_do(self) -> None:
        """And now there is nothing to do, for either school in any target."""
        for name in SCHOOLS:
            plan = pipeline.plan(self.line(name))
            left = {target: [*one.plan.changes] if one.plan else one.error for target, one in plan.targets.items()}
            assert left == {target: [] for target in self.settings.schools[name].targets}, name
        for name in SCHOOLS:
            night = self.school(name)
            assert not any(sum(one.tally.values()) for one in night.targets.values()), night.sync_json()

    def onroll(self, *arguments: str, code: int = 0) -> str:
        """A command, as the network manager types it; what it says."""
        from onroll_daemon.cli import app

        out, err, ended = io.StringIO(), io.StringIO(), 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                app([*arguments, "--config", str(self.folder / "onroll.toml")])
            except SystemExit as end:
                ended = int(end.code or 0)
        assert ended == code, (out.getvalue(), err.getvalue())
        return out.getvalue() + err.getvalue()

    def json(self, *arguments: str) -> Any:
        """The same, for a script."""
        return json.loads(self.onroll(*arguments, "--json"))

    def person(self, first: str, last: str) -> Identity:
        """The one human of that name in the whole trust."""
        everybody = [each for name in SCHOOLS for each in self.store.identities(name)]
        found = [each for each in everybody if (each.person.first, each.person.last) == (first, last)]
        assert len(found) == 1, found
        return found[0]

    def accounts(self, first: str, last: str) -> dict[str, int]:
        """How many accounts of that name each target has, asked of its own data."""
        users = [each.props for each in self.graph.directory.users.values() if each.deleted is None]
        return {
            "ad": len(self._objects(f"(&(objectClass=user)(givenName={first})(sn={last}))", first, last)),
            "m365": sum((each.get("givenName"), each.get("surname")) == (first, last) for each in users),
            "google": sum(
                (each.name["givenName"], each.name["familyName"]) == (first, last)
                for each in self.google.state.users.values()
            ),
        }

    def _objects(self, query: str, first: str, last: str) -> list[str]:
        if isinstance(self.ad, RealDomain):
            return self.ad.samba.values(query, "sAMAccountName", self.ad.base)
        wanted = (first.encode(), last.encode())
        objects = [each.values for each in self.ad.there.objects.values()]
        return [
            "found"
            for each in objects
            if (*each.get("givenname", [b""]), *each.get("sn", [b""])) == wanted and b"user" in each["objectclass"]
        ]

    def enabled(self, person: Identity) -> dict[str, bool]:
        """Whether somebody may sign in, asked of each target's own data."""
        (user,) = (
            each.props
            for each in self.graph.directory.users.values()
            if each.props["userPrincipalName"] == person.email and each.deleted is None
        )
        return {
            "ad": self.ad.enabled(person.username or ""),
            "m365": bool(user["accountEnabled"]),
            "google": not self.google.user(person.email or "").suspended,
        }

    def groups(self, username: str) -> set[str]:
        """The groups of the domain that somebody is in, by name."""
        if isinstance(self.ad, RealDomain):
            (dn,) = self.ad.value(username, "dn")
            return set(self.ad.samba.values(f"(&(objectClass=group)(member={dn}))", "cn", self.ad.base))
        (dn,) = self.ad.value(username, "dn")
        groups = [each for each in self.ad.there.objects.values() if b"group" in each.values["objectclass"]]
        return {each.values["cn"][0].decode() for each in groups if dn.encode() in each.values.get("member", [])}

    def place(self, username: str) -> str:
        """The org unit of somebody, from the school's down."""
        (dn,) = self.ad.value(username, "dn")
        units = dn.removesuffix(f",{self.ad.base}").split(",")[1:]
        return "/".join(each.partition("=")[2] for each in reversed(units))


@contextmanager
def trust_days(folder: Path, samba: Samba | None = None, targets: tuple[str, ...] = EVERYWHERE) -> Iterator[TrustDays]:
    """The two schools on 24 November 2026, nothing read yet: with a real domain controller, or without one with the embedded directory."""
    ad = Embedded(name=f"trust {folder.name}", base="OU=Trust,DC=trust,DC=test")
    told = f'server = "embedded:{ad.name}"\nbase = "{ad.base}"'
    if samba is not None:
        ad = RealDomain(samba=samba)
        settings = ad.settings().model_dump(include={"server", "base", "user"})
        told = "\n".join(f'{name} = "{value}"' for name, value in settings.items())
        told += f'\npassword = "env:ONROLL_TEST_AD_PASSWORD"\nca_file = "{samba.env["AD_CA_FILE"]}"'
    os.environ[_TOKEN] = "a-token-of-the-trust"

    def clock() -> datetime:
        return datetime.now(UTC)

    graph = Graph(domains=dict.fromkeys(DOMAINS.values(), "Managed"), now=clock)
    google = Workspace(domains=dict.fromkeys(DOMAINS.values(), True), now=clock)
    for place in _PLACES:
        google.add_unit(place)
    with ExitStack() as stack:
        if isinstance(ad, RealDomain):
            stack.callback(ad.clear)
        else:
            stack.callback(forget, ad.name)
        urls = [stack.enter_context(serve(each)) for each in (graph, google)]
        (folder / "onroll.toml").write_text(_configuration(told, targets, *urls), encoding="utf-8")
        settings = configuration.load(folder / "onroll.toml")
        store = open_store(settings)
        stack.callback(store.close)
        yield TrustDays(folder, settings, store, ad, graph, google)
        assert (graph.breaches, google.breaches) == ([], [])


def _configuration(directory: str, targets: tuple[str, ...], graph: str, google: str) -> str:
    schools = "".join(
        f"""
[[school]]
id = "{name}"
name = "{called}"
domain = "{DOMAINS[name]}"
mis = "csv"
targets = {json.dumps(list(targets))}
source = {{ path = "{name}", quiet_seconds = 0, max_age_days = 0 }}
students = {{ username = "{{yoe2}}{{initial}}{{last}}", place = "{called}/{{yoe4}}" }}
staff = {{ username = "{{initial}}.{{last}}", place = "{called}/Staff" }}
"""
        for name, called in ((MILTON, "Milton Park"), (LOWER, "Lower Park"))
    )
    return f"""
[targets.ad]
kind = "active_directory"
groups = ["year", "registration", "teaching", "role"]
{directory}
{clouds(graph, google, _TOKEN)}
{schools}"""
