"""Runs for scripts: what was done, change by change, and taken back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from onroll_daemon.console.access import needs
from onroll_daemon.console.api.plans import LARGEST, Approved, Begun, Digest, Where
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import runs as views
from onroll_daemon.console.views import undo as undoing
from onroll_daemon.console.views.runs import Became
from onroll_daemon.console.visitors import Visitor

router = APIRouter(prefix="/api/v1", tags=["runs"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The run's number")]
See = Annotated[Visitor, Depends(needs(Right.SEE))]
Undo = Annotated[Visitor, Depends(needs(Right.UNDO))]


class Run(BaseModel):
    """A run. `status` is null while it goes on; `summary` is the document of `onroll sync --json`; `undoes` is the run that it takes back."""

    id: int
    school: str
    kind: str
    by: str
    started: str
    ended: str | None
    status: str | None
    summary: dict[str, Any]
    undoes: int | None


class Runs(BaseModel):
    """Some of the runs that fit, the newest first; `total` is how many fit."""

    runs: list[Run]
    total: int
    offset: int


class RunPlan(BaseModel):
    """What a run planned for one target, and how much of it came to what."""

    target: str
    verdict: str
    digest: str
    objections: list[str]
    notices: list[str]
    outcomes: dict[Became, int]


class RunDetail(Run):
    """A run with its plans; `undone_by` are the runs that took it back."""

    plans: list[RunPlan]
    undone_by: list[int]


class Done(BaseModel):
    """One change of a run, and what became of it; `note` says why it was not done. Times are null until it was sent, and answered."""

    target: str
    kind: str
    username: str
    identity: str
    sentence: str
    outcome: Became
    note: str
    sent: str | None
    answered: str | None


class Changes(BaseModel):
    """Some of the changes that fit, in the order of the plans; `total` is how many fit."""

    changes: list[Done]
    total: int
    offset: int


class Taken(BaseModel):
    """A yes to taking back exactly what these digests are of: those of the last look at it."""

    model_config = ConfigDict(extra="forbid")
    approve: list[Digest] = Field(min_length=1, max_length=50)


@router.get("/schools/{school}/runs")
def runs(
    request: Request,
    school: Where,
    visitor: See,
    kind: Literal["sync", "apply", "pull", "undo"] | None = None,
    status: Literal["done", "held", "failed", "unread", "cut off", "under way"] | None = None,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST)] = 50,
) -> Runs:
    """What was run at a school."""
    found = place_of(request).store.browse.runs(school, kind, status, limit, offset)
    return Runs(runs=[Run.model_validate(each) for each in found.rows], total=found.total, offset=offset)


@router.get("/runs/{run}")
def one_run(request: Request, run: Number, visitor: See) -> RunDetail:
    """One run; its changes are at /api/v1/runs/{run}/changes."""
    row = views.run_of(place_of(request), run)
    plans = [
        RunPlan(
            target=head.target,
            verdict=head.verdict,
            digest=head.digest,
            objections=list(head.objections),
            notices=list(head.notices),
            outcomes={name: head.number(of) for name, of in views.OUTCOMES.items()},
        )
        for head in row["plans"]
    ]
    return RunDetail.model_validate(row | {"plans": plans, "undone_by": [each["id"] for each in row["undone_by"]]})


@router.get("/runs/{run}/changes")
def run_changes(
    request: Request,
    run: Number,
    visitor: Annotated[Visitor, Depends(needs(Right.PEOPLE))],
    outcome: Became | None = None,
    target: Annotated[str, Query(max_length=100)] = "",
    kind: Annotated[str, Query(max_length=40)] = "",
    text: Annotated[str, Query(max_length=200)] = "",
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST)] = 100,
) -> Changes:
    """The changes of a run: of one target, outcome and kind, with every word of `text`."""
    place = place_of(request)
    heads = [each.id for each in views.run_of(place, run)["plans"] if target in ("", each.target)]
    wanted = views.OUTCOMES[outcome] if outcome else None
    found = place.store.browse.changes(heads, kind=kind, outcomes=wanted, text=text, limit=limit, offset=offset)
    told = [Done.model_validate(views.told(each)) for each in found.rows]
    return Changes(changes=told, total=found.total, offset=offset)


@router.post("/runs/{run}/undo/look", status_code=202)
def look(request: Request, run: Number, visitor: Undo) -> Begun:
    """Have it worked out what taking a run back would do; the request's result has the digests."""
    return Begun(request=undoing.ask_to_show(place_of(request), visitor, run))


@router.post("/runs/{run}/undo", status_code=202)
def undo(request: Request, run: Number, visitor: Undo, told: Taken) -> Approved:
    """Take a run back in the targets whose digests these are. 409 when that is no longer what there is to take back."""
    said = undoing.ask_to_undo(place_of(request), visitor, run, told.approve)
    return Approved(complete=said.complete, request=said.request)
