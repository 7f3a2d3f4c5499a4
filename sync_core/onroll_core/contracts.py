"""What a connector promises, and what it is given: a source is read whole, a target is observed and then changed.

A connector module has two names, `Settings` (a pydantic model) and `connect(settings, context)`; its file name is its name in the
configuration. The suites that hold it to these promises ship in `onroll_connectors.testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol, runtime_checkable

from onroll_core.accounts import Anchor, Observed
from onroll_core.changes import Change, Outcome
from onroll_core.people import GroupKind, Snapshot


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found, in a sentence; a `problem` stops a run, a `warning` does not."""

    level: Literal["ok", "warning", "problem"]
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `onroll check` says of one source or target."""

    findings: Sequence[Finding]

    @property
    def good(self) -> bool:
        """True when nothing found would stop a run."""
        return all(finding.level != "problem" for finding in self.findings)


class Memory(Protocol):
    """A connector's own small memory between runs (a delta token and the state behind it); losing it costs a full read."""

    def get(self, key: str) -> bytes | None:
        """What was put under `key`, or None."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key` in place of what was there."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a connector may know and use of the world around it: time, randomness and the end of the window are arguments.

    `name` is the target's name in the configuration, or the school's id for a source. `now` gives an aware UTC datetime,
    `monotonic` and `sleep` are in seconds. `password(forbidden)` makes a random temporary password that holds none of the
    words given (usernames and names of the person). `stopping()` turns true when the run has to end: finish the call in
    hand and raise or stop yielding nothing more. `progress(what, done, total)` is free to call often.
    `moving`: a person is looking at a move to another MIS, so that records under new ids are no reason to stop reading.
    A target is told the kinds of `groups` that are kept in it, and the `domain` of its staff's addresses, in which groups have theirs too;
    with `licences` it is to tell those of disabled accounts, which are released in the end.
    """

    name: str
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    password: Callable[[Iterable[str]], str]
    memory: Memory
    stopping: Callable[[], bool] = lambda: False
    progress: Callable[[str, int, int | None], None] = lambda what, done, total: None
    school: str = ""
    country: str = "england"
    timezone: str = "Europe/London"
    today: date | None = None
    moving: bool = False
    groups: frozenset[GroupKind] = frozenset()
    domain: str = ""
    licences: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What an observation must cover: `anchors` are the accounts we already know; they must be found wherever they are now. Those of them that are
    `linked` somebody else made: they may not carry our identity yet, and that says nothing."""

    school: str
    anchors: frozenset[Anchor] = frozenset()
    linked: frozenset[Anchor] = frozenset()


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a target can do, so that projection and diff ask nothing else of it.

    `login`: people sign in with a short "name" or with an "address". `aliases`: "written" by us, or "automatic" (they follow
    from a rename and can only be confirmed). `places`: it has OUs. `batch`: the number of changes it likes to get at once.
    `attributes`: the extra attribute names it can write. `owners`: a group has owners beside its members; where it has not, they are members.
    `courses`: the kinds of groups that are made as courses too or, with `courses_alone`, as nothing else; a course has the key of `courses.course_key`.
    `licences`: people are given licences there, which can be released.
    """

    login: Literal["name", "address"]
    aliases: Literal["written", "automatic"]
    places: bool
    groups: bool
    batch: int
    attributes: frozenset[str] = field(default_factory=frozenset)
    owners: bool = True
    courses: frozenset[GroupKind] = frozenset()
    courses_alone: bool = False
    licences: bool = False


class Source(Protocol):
    """A system we read."""

    def check(self) -> Report:
        """Look, without changing anything, at whether a read would work; never raises for what it can put in a sentence."""
        ...

    def read(self) -> Snapshot:
        """Everyone, complete; raises Unavailable, or Halt when only a person can help. Never a part."""
        ...

    def close(self) -> None:
        """Let go of connections; may be called twice."""
        ...


class Target(Protocol):
    """A system we bring into line."""

    @property
    def abilities(self) -> Abilities:
        """What this target can do; constant."""
        ...

    def check(self) -> Report:
        """As `Source.check`: read-only."""
        ...

    def observe(self, scope: Scope) -> Observed:
        """What is there now; raises Unavailable or Halt. A base that is missing or a right withdrawn is Halt, never "empty"."""
        ...

    def perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Carry out a batch in order, dependencies first, yielding one outcome per change in the order given, each as soon as it
        is known. Raises Unavailable or Halt when the rest of the batch cannot be answered; what was yielded stands."""
        ...

    def close(self) -> None:
        """Let go of connections; may be called twice."""
        ...


@runtime_checkable
class TellsSignIns(Protocol):
    """A target that keeps when people last signed in. Asked only where a person looks (a rename's preview), never by a night."""

    def signed_in(self, anchors: frozenset[Anchor]) -> Mapping[Anchor, datetime]:
        """When each last did, aware, as far as the target knows; whoever never did is not in it. Raises Unavailable or Halt."""
        ...
