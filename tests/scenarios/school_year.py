"""A school day by day, for scenarios: its MIS, a domain controller, both clouds, and the command line that a network manager has."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from directories import Embedded, RealDomain
from onroll_connectors.sandbox.directory import forget
from onroll_connectors.sandbox.school import School
from onroll_core import pipeline
from onroll_core.accounts import Observed
from onroll_core.contracts import Scope
from onroll_core.identities import Identity
from onroll_core.night import Night
from onroll_daemon import settings as configuration
from onroll_daemon.demo import Demo, demo
from onroll_daemon.wiring import line
from samba import Samba

SCHOOL = "milton-park"
EVERYWHERE = ("ad", "m365", "google")


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass
class SchoolYear:
    """Milton Park: `world` is the demo's, `ad` its domain as another administrator sees it."""

    world: Demo
    ad: Embedded

    @property
    def school(self) -> School:
        """The MIS's own data; edit it as the office would."""
        return self.world.school

    def configure(self, change: Callable[[str], str]) -> None:
        """Another configuration file; a change that changes nothing is a mistake of the test."""
        path = self.world.settings.path
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        path.write_text(after, encoding="utf-8")
        self.world.settings = configuration.load(path)

    def groups(self, *kinds: str, targets: tuple[str, ...] = ("ad",)) -> None:
        """Switch kinds of groups on in targets."""
        told = f"groups = {json.dumps(list(kinds))}"
        for name in targets:
            self.configure(lambda text, name=name: text.replace(f"[targets.{name}]\n", f"[targets.{name}]\n{told}\n"))  # type: ignore[misc]

    def set(self, table: str, *lines: str) -> None:
        """Write lines under a table of the file ("school.students", "targets.ad"), which is made when it is not there."""
        head, added = f"[{table}]\n", "\n".join(lines) + "\n"
        self.configure(lambda text: text.replace(head, head + added) if head in text else f"{text}\n{head}{added}")

    def go_to(self, day: date) -> None:
        """The next night is that of `day`."""
        self.world.day = day - timedelta(days=1)
        self.school.today = day

    def night(self, name: str, code: int = 0, approve: str | None = None) -> Night:
        """One night, a day later than the last one; `code` is how it must end."""
        night = self.world.night(name, approve)
        assert night.exit_code == code, (
            night.exit_code,
            night.unread,
            night.held[:5],
            night.conflicts[:5],
            self.troubles(night)[:5],
        )
        return night

    def approved(self, night: Night) -> Night:
        """The same night again, with everything approved that was held: the reading, then every plan by its digest."""
        if night.held:
            night = self._again(night.snapshot or "")
        held = [one.plan.digest for one in night.targets.values() if one.verdict == "held" and one.plan]
        if held:
            night = self._again(*held)
        assert night.exit_code == 0, (night.exit_code, night.held[:5], self.troubles(night)[:5])
        return night

    def _again(self, *digests: str) -> Night:
        return pipeline.sync(self._line(), digests, "the network manager")

    def plan(self) -> Night:
        """What would be done today."""
        return pipeline.plan(self._line())

    def observe(self, name: str) -> Observed:
        """A target as it is, seen by onroll's own eyes."""
        target = self._line().targets[name].connect()
        try:
            return target.observe(Scope(SCHOOL))
        finally:
            target.close()

    def nothing_to_do(self) -> None:
        """And now there is nothing to do: an empty plan in every target, and a night that writes nothing."""
        plan = self.plan()
        left = {name: [*one.plan.changes] if one.plan else one.error for name, one in plan.targets.items()}
        assert left == {name: [] for name in self.world.settings.schools[SCHOOL].targets}
        night = self.night("nothing to do")
        assert not any(sum(one.tally.values()) for one in night.targets.values()), night.sync_json()

    def onroll(self, *arguments: str, code: int = 0) -> Said:
        """A command, as the network manager types it, with this school's configuration."""
        from onroll_daemon.cli import app

        out, err, ended = io.StringIO(), io.StringIO(), 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                app([*arguments, "--config", str(self.world.settings.path)])
            except SystemExit as end:
                ended = int(end.code or 0)
        said = Said(ended, out.getvalue(), err.getvalue())
        assert said.code == code, said
        assert "Traceback" not in said.err, said.err
        return said

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The same, for a script."""
        return json.loads(self.onroll(*arguments, "--json", code=code).out)

    def person(self, first: str, last: str) -> Identity:
        """Somebody by the names that the MIS has."""
        found = [
            each
            for each in self.world.store.identities(SCHOOL)
            if (each.person.first, each.person.last) == (first, last)
        ]
        assert len(found) == 1, found
        return found[0]

    def enabled(self, username: str) -> dict[str, bool]:
        """Whether somebody may sign in, asked of each target's own data."""
        return {"ad": self.ad.enabled(username)} | self.in_clouds(username)

    def in_clouds(self, username: str) -> dict[str, bool]:
        """As `enabled`, of the clouds alone."""
        address = self.address(username)
        return {
            "m365": bool(self.entra(address)["accountEnabled"]),
            "google": not self.world.google.user(address).suspended,
        }

    def entra(self, address: str) -> Mapping[str, Any]:
        """A user of Microsoft 365 as the tenant has it."""
        found = [each.props for each in self.world.graph.directory.users.values() if each.deleted is None]
        (user,) = (each for each in found if each["userPrincipalName"] == address)
        return user

    def address(self, username: str) -> str:
        """Somebody's address by username."""
        (person,) = self.world.store.find(SCHOOL, username)
        return person.email or ""

    @staticmethod
    def troubles(night: Night) -> list[str]:
        """Everything that went wrong in a night, in its own words."""
        told = [one.error or "" for one in night.targets.values()]
        told += [each for one in night.targets.values() for each in (*one.objections, *one.troubles)]
        return [each for each in told if each]

    def _line(self) -> Any:
        return line(self.world.settings, self.world.settings.schools[SCHOOL], self.world.store, self.world.day)


@contextmanager
def school_year(folder: Path, pupils: int = 60, samba: Samba | None = None) -> Iterator[SchoolYear]:
    """Milton Park on 24 November 2026, nothing read yet: with a real domain controller, or without one with the embedded directory."""
    ad = Embedded(name=f"milton park {folder.name}", base="OU=Milton Park,DC=miltonpark,DC=test")
    told = f'server = "embedded:{ad.name}"\nbase = "{ad.base}"'
    if samba is not None:
        ad = RealDomain(samba=samba)
        settings = ad.settings().model_dump(include={"server", "base", "user"})
        told = "\n".join(f'{name} = "{value}"' for name, value in settings.items())
        told += f'\npassword = "env:ONROLL_TEST_AD_PASSWORD"\nca_file = "{samba.env["AD_CA_FILE"]}"'
    try:
        with demo(pupils, folder, told) as world:
            yield SchoolYear(world, ad)
            assert (world.graph.breaches, world.google.breaches) == ([], [])
    finally:
        if isinstance(ad, RealDomain):
            ad.clear()
        else:
            forget(ad.name)
