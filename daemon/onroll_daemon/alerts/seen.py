"""What alerts are decided from: one school as it is now, and its runs of the last days. Sentences in here may be told as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from onroll_daemon.freshness import Word

Kind = Literal["late", "failing", "well", "held", "failed changes", "digest"]
Cause = Literal["fresh", "unread", "reading waits", "never read", "not in time", "target failed", "plan waits", "stale"]
"""Why a school is as fresh as it is. never read: it has just been set up. stale: the MIS itself says that its data is old."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell. `key` names it for ever: what has the same key is the same alert."""

    kind: Kind
    school: str
    title: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """What a run came to in one target. `reasons`: why changes were refused, and how often, the commonest first."""

    name: str
    verdict: str
    changes: int = 0
    failed: int = 0
    deferred: int = 0
    digest: str = ""
    objections: tuple[str, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run that is over. `held` are the objections to its reading, and `digest` approves that."""

    id: int
    kind: str
    started: datetime
    ended: datetime
    status: str
    joiners: int = 0
    movers: int = 0
    leavers: int = 0
    returners: int = 0
    conflicts: int = 0
    held: tuple[str, ...] = ()
    digest: str = ""
    targets: tuple[TargetSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class SchoolSeen:
    """A school now; `runs` are those of the last days that are over, newest first. Times are aware."""

    id: str
    name: str
    zone: ZoneInfo
    targets: tuple[str, ...]
    word: Word
    reason: str
    cause: Cause = "fresh"
    last_read: datetime | None = None
    runs: tuple[RunSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is held now: of a run, in a place ("" is the reading itself), until somebody approves the digest."""

    run: int
    where: str
    digest: str
    objections: tuple[str, ...]


def waiting(school: SchoolSeen) -> list[Waiting]:
    """The reading or the plans that wait for a person: what the newest nightly run of each came to, whichever run that was."""
    found: list[Waiting] = []
    known: set[str] = set()
    for run in school.runs:
        if run.kind not in ("sync", "pull", "apply") or run.status not in ("done", "held", "failed"):
            continue
        if run.kind != "apply" and "" not in known:
            known.add("")
            if run.held:
                return [Waiting(run.id, "", run.digest, run.held)]
        if run.held:
            continue
        for target in run.targets:
            if target.name in school.targets and target.name not in known:
                known.add(target.name)
                if target.verdict == "held":
                    found.append(Waiting(run.id, target.name, target.digest, target.objections))
    return found


def spoken(moment: datetime, zone: ZoneInfo) -> str:
    """Tuesday 24 November at 19:02."""
    local = moment.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B} at {local:%H:%M}"
