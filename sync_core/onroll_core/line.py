"""What a run is given, and the targets it reaches: connected on first use, observed once, closed at its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from onroll_core.accounts import IdentityId, Observed
from onroll_core.contracts import Scope, Source, Target
from onroll_core.errors import OnrollError
from onroll_core.identities import Identity
from onroll_core.linking.links import severed
from onroll_core.night import Night, TargetNight
from onroll_core.rules import SchoolRules, TargetRules
from onroll_core.store import Store
from onroll_core.store.linked import CONFIRMED, REJECTED, UNDONE
from onroll_core.trust import Sisters


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One target of a school: what is written to it, and how to reach it."""

    rules: TargetRules
    connect: Callable[[], Target]


@dataclass(frozen=True, slots=True)
class Line:
    """Everything a run needs. Time, randomness and the end of the window come from outside; any worker can run it.

    A snapshot whose own feed time is before `feed_after` is last night's: nothing of it is used, and it is asked for again. `mis` is what is read.
    `sisters` are the other schools that write to one of our targets.
    """

    school: SchoolRules
    store: Store
    source: Callable[[], Source]
    targets: Mapping[str, TargetLine]
    today: date
    now: Callable[[], datetime]
    new_id: Callable[[], IdentityId]
    holder: str
    stopping: Callable[[], bool] = lambda: False
    progress: Callable[[str, int, int | None], None] = lambda what, done, total: None
    feed_after: datetime | None = None
    mis: str = ""
    sisters: Sisters = field(default_factory=dict)


@dataclass(slots=True)
class Reached:
    """The targets of one run, connected on first use and observed once."""

    line: Line
    night: Night
    lines: dict[str, TargetLine]
    open: dict[str, Target] = field(default_factory=dict)
    seen: dict[str, Observed] = field(default_factory=dict)

    def target(self, name: str) -> Target:
        """The connected target."""
        if name not in self.open:
            self.open[name] = self.line.targets[name].connect()
        return self.open[name]

    def all(self, identities: Sequence[Identity]) -> Iterator[tuple[str, Observed]]:
        """Each target that can be looked at. In Link Mode nothing can be said of any without the one that drives."""
        driver = self.line.school.driver
        if self.line.school.mode == "link" and self.lines and self.observe(driver, identities) is None:
            for name in [each for each in self.lines if each != driver]:
                self._failed(name, f"{driver} says who has an account, and it could not be looked at.")
        for name in sorted(self.lines, key=lambda each: each != driver):
            observed = self.observe(name, identities)
            if observed is not None:
                yield name, observed

    def observe(self, name: str, identities: Sequence[Identity]) -> Observed | None:
        """What is there; None when the target failed, which the night then says and which ends that target's part in it."""
        if name in self.seen:
            return self.seen[name]
        anchors = frozenset(identity.bonds[name].anchor for identity in identities if name in identity.bonds)
        self.line.progress(f"looking at {name}", 0, None)
        try:
            school, said = self.line.school.id, self.line.store.links_said
            linked = frozenset(anchor for _, anchor in said(school, name, CONFIRMED))
            seen = self.target(name).observe(Scope(school, anchors, linked))
            self.seen[name] = severed(seen, said(school, name, REJECTED, UNDONE))
        except OnrollError as failure:
            self._failed(name, str(failure))
            return None
        except Exception as failure:
            # A connector's own mistake is that target's failure, never the whole night's.
            logging.getLogger("onroll").exception("unexpected failure in %s", name)
            self._failed(name, f"{name} failed in a way onroll did not expect ({type(failure).__name__}): see the log.")
            return None
        return self.seen[name]

    def _failed(self, name: str, why: str) -> None:
        self.night.targets[name] = TargetNight("failed", error=why)
        self.lines.pop(name, None)


@contextmanager
def reached_by(line: Line, only: Sequence[str] | None, night: Night) -> Iterator[Reached]:
    """The targets that take part in a run; their connections end with it."""
    lines = {name: each for name, each in line.targets.items() if only is None or name in only}
    reached = Reached(line, night, lines)
    try:
        yield reached
    finally:
        for target in reached.open.values():
            target.close()
