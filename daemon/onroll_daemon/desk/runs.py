"""Requests that run a school's line: a sync, a plan carried out for everybody or for one person, a look at what would be done, and an undo."""

from __future__ import annotations

import time
from collections.abc import Callable

from onroll_core import pipeline
from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.night import Night
from onroll_core.store.requests import DONE
from onroll_daemon.desk.job import Answer, Job, answer_of
from onroll_daemon.undoing import shape


def sync(job: Job) -> Answer:
    """One night, now. Asked: `approve` (digests of plans, or of a reading that is held).

    Result: `sync --json` {"school", "run", "people": {...}, "targets": {NAME: {"verdict", "created", ..., "objections"?, "digest"?, "error"?, "problems"?}},
    "held"?: [sentences about the reading], "digest"?: of that reading, "conflicts"?, "notices"?}; "error"? and "changed"? are sentences.
    Status: done, held, failed, or cut off.
    """
    approve = job.texts("approve")
    night = _counted(job, lambda: pipeline.sync(job.line(), approve, job.by))
    return answer_of(night, night.sync_json(), approve)


def apply(job: Job) -> Answer:
    """Bring targets into line with what was last read. Asked: `approve` (digests), `targets` (None: all), `identity` (None: everybody).

    Result: as of `sync`; with `identity` also "only_people": [identity], and digest, objections and counts are of that person's changes alone.
    The changes themselves are in `store.run(result["run"])`. Status: done, held, failed, refused (no such person or target), or cut off.
    """
    approve, only = job.texts("approve"), job.targets()
    named = job.text("identity")
    people = None if named is None else frozenset({_of_this_school(job, named)})
    night = _counted(job, lambda: pipeline.apply(job.line(), only, approve, job.by, people))
    return answer_of(night, night.sync_json(), approve)


def plan(job: Job) -> Answer:
    """What would be done. Asked: `as_of` (ISO date or None: today), `targets` (None: all).

    Result: `plan --json` {"school", "plans": [{"target", "digest", "verdict": "cleared" | "held" | "failed", "objections": [], "changes": [{"kind", "identity",
    "username", "anchor", "reason", "before", "after"}], "conflicts": [{"identity", "username", "why"}], "notices"?}], "notices"?}, "as_of", "error"?.
    Status: done when every target was looked at, whatever would be held of it; failed when one could not be, with the others' plans in the result.
    """
    night = pipeline.plan(job.line(), job.targets(), job.day("as_of"))
    return _looked(answer_of(night, night.plan_json() | {"as_of": job.text("as_of")}))


def show_undo(job: Job) -> Answer:
    """What taking a run back would do. Asked: `run`, `targets` (None: all).

    Result: as of `plan`, without "as_of", and {"undoes": run, "left": [sentences: what stays and why], "notices": [sentences]}.
    Status: done, failed, or refused (no such run, or it wrote nothing).
    """
    run = job.number("run")
    night = pipeline.show_undo(job.line(), run, job.targets())
    return _looked(answer_of(night, shape(night, run)))


def undo(job: Job) -> Answer:
    """Take a run back in the targets of which `approve` has the digest. Asked: `run`, `targets` (None: all), `approve`.

    Result: as of `sync`, and {"undoes": run, "left": [], "notices": []}. Status: done, held, failed, refused, or cut off.
    """
    run, approve = job.number("run"), job.texts("approve")
    night = _counted(job, lambda: pipeline.undo(job.line(), run, job.targets(), approve, job.by))
    return answer_of(night, shape(night, run), approve)


def _of_this_school(job: Job, named: str) -> IdentityId:
    school = job.school.rules.id
    known = [*job.store.identities(school), *job.store.guests.of_school(school)]
    if all(each.id != named for each in known):
        raise Refused(f"{school} has nobody with the identity {named}. Nothing was done.")
    return IdentityId(named)


def _counted(job: Job, run: Callable[[], Night]) -> Night:
    began = time.monotonic()
    night = run()
    job.count(night, time.monotonic() - began)
    return night


def _looked(told: Answer) -> Answer:
    """A look is done when it was looked at, also where a plan would be held."""
    return told if "error" in told.result else Answer(DONE, told.result)
