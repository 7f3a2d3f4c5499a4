"""Plans for scripts: what would be done, what is held, and a yes or no to it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import decisions, plan, tonight
from onroll_daemon.console.visitors import Visitor

router = APIRouter(prefix="/api/v1", tags=["plans"])
Where = Annotated[str, Path(description="The school's id")]
See = Annotated[Visitor, Depends(needs(Right.SEE))]
Approve = Annotated[Visitor, Depends(needs(Right.APPROVE))]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="Of what is held, as the plan has it")]
LARGEST = 500


class Begun(BaseModel):
    """It is asked for: how far it is stands at /api/v1/requests/{request}."""

    request: int


class Conflict(BaseModel):
    """Something that a person has to settle. `identity` is null where it is nobody's in particular."""

    identity: str | None
    username: str
    why: str


class TargetPlan(BaseModel):
    """One target's plan as it was last worked out: in the run `run`, or because somebody asked (`request`). `changes` counts what is still to be done.

    `observe_only`: nothing is ever written to the target, whatever is approved, and a plan that says "held" waits for nobody.
    """

    target: str
    verdict: Literal["cleared", "held", "failed"]
    digest: str
    worked_out: str
    run: int | None
    request: int | None
    changes: int
    kinds: dict[str, int]
    observe_only: bool
    objections: list[str]
    conflicts: list[Conflict]
    notices: list[str]


class Yes(BaseModel):
    """What people said of a digest until now; `complete` once everybody who has to has said yes."""

    by: list[str]
    until: str
    complete: bool


class Held(BaseModel):
    """Something that waits for a yes: the plan for `target`, or the last reading where that is null. `people_needed` is how many have to say yes."""

    digest: str
    target: str | None
    objections: list[str]
    people_needed: int
    approved: Yes | None
    refused_because: str | None


class Plan(BaseModel):
    """What would be done tonight, as far as is known."""

    school: str
    as_of: str | None
    plans: list[TargetPlan]
    held: list[Held]


class Change(BaseModel):
    """One change; `before` and `after` are the values that it changes, `what` says it in a few words."""

    kind: str
    what: str
    reason: str
    username: str
    identity: str | None
    before: dict[str, Any]
    after: dict[str, Any]


class Changes(BaseModel):
    """Some of the changes that fit, in the plan's order; `total` is how many fit."""

    changes: list[Change]
    total: int
    offset: int


class Day(BaseModel):
    """Of which day the plan is: null is tonight."""

    model_config = ConfigDict(extra="forbid")
    as_of: date | None = None


class Approval(BaseModel):
    """A yes to exactly this digest. `target`, where it is told, has to be the one that the digest is of. `now`: it is done at once, else by the next run within a day."""

    model_config = ConfigDict(extra="forbid")
    digest: Digest
    target: str | None = Field(default=None, max_length=100)
    now: bool = False


class Approved(BaseModel):
    """`complete` is false where a second person has to say yes too; `request` does it, where it is done now."""

    complete: bool
    request: int | None


class Refusal(BaseModel):
    """A no to exactly this digest, and why."""

    model_config = ConfigDict(extra="forbid")
    digest: Digest
    why: str = Field(min_length=1, max_length=500)


class Refused(BaseModel):
    """It is refused, and stays held."""

    digest: str


@router.get("/schools/{school}/plan")
def one_plan(
    request: Request,
    school: Where,
    visitor: See,
    look: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="A request of the kind plan: its plan")] = None,
) -> Plan:
    """What would be done, target by target, and what is held."""
    place = place_of(request)
    chosen = plan.looked(place, school, look)
    plans = tonight.worked_out(place, school, chosen)
    held = [] if chosen else decisions.decisions(place, school, plans)
    as_of = chosen.as_of if chosen else None
    return Plan(
        school=school, as_of=as_of, plans=[_plan(place, each) for each in plans], held=[_held(each) for each in held]
    )


@router.get("/schools/{school}/plan/changes")
def plan_changes(
    request: Request,
    school: Where,
    visitor: See,
    target: Annotated[str, Query(max_length=100)],
    kind: Annotated[str, Query(max_length=40)] = "",
    text: Annotated[str, Query(max_length=200)] = "",
    look: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST)] = 100,
) -> Changes:
    """The changes of one target: of one kind, with every word of `text`."""
    place = place_of(request)
    plans = tonight.worked_out(place, school, plan.looked(place, school, look))
    one = next((each for each in plans if each.target == target), None)
    if one is None:
        raise NoSuch("Nothing has been worked out for a target of that name.")
    found = tonight.changes(place, one, kind, text, offset, limit)
    rows = [Change(**{name: row[name] for name in Change.model_fields}) for row in found.rows]
    return Changes(changes=rows, total=found.total, offset=offset)


@router.post("/schools/{school}/plan", status_code=202)
def work_out(request: Request, school: Where, visitor: See, told: Day) -> Begun:
    """Have the plan worked out, of tonight or of a day to come. Nothing is written anywhere."""
    as_of = told.as_of.isoformat() if told.as_of else ""
    return Begun(request=plan.ask_plan(place_of(request), visitor, school, as_of))


@router.post("/schools/{school}/approvals", status_code=202)
def approve(request: Request, school: Where, visitor: Approve, told: Approval) -> Approved:
    """Say yes to what is held. 409 when it is not held (any more), or was approved already."""
    said = decisions.approve(place_of(request), visitor, school, told.digest, told.now, told.target)
    return Approved(complete=said.complete, request=said.request)


@router.post("/schools/{school}/refusals")
def refuse(request: Request, school: Where, visitor: Approve, told: Refusal) -> Refused:
    """Say no to what is held. 409 when it is not held (any more)."""
    decisions.refuse(place_of(request), visitor, school, told.digest, told.why)
    return Refused(digest=told.digest)


@router.post("/schools/{school}/sync", status_code=202)
def sync(request: Request, school: Where, visitor: Annotated[Visitor, Depends(needs(Right.RUN))]) -> Begun:
    """One night, now: read the MIS and bring every target into line, within the limits."""
    return Begun(request=plan.ask_sync(place_of(request), visitor, school))


def _plan(place: Place, each: tonight.Worked) -> TargetPlan:
    return TargetPlan(
        target=each.target,
        verdict=each.verdict,
        digest=each.digest,
        worked_out=each.at,
        run=each.run,
        request=each.look.number if each.look else None,
        changes=each.total,
        kinds=dict(each.kinds),
        observe_only=tonight.observed(place, each.target),
        objections=list(each.objections),
        conflicts=[Conflict(**{name: one[name] for name in Conflict.model_fields}) for one in each.conflicts],
        notices=list(each.notices),
    )


def _held(each: decisions.Decision) -> Held:
    given = each.approval
    yes = None
    if given is not None:
        by = [one for one in (given["by"], given["also_by"]) if one]
        yes = Yes(by=by, until=given["expires"], complete=each.complete)
    return Held(
        digest=each.digest,
        target=each.target,
        objections=list(each.objections),
        people_needed=each.needed,
        approved=yes,
        refused_because=each.refusal["why"] if each.refusal else None,
    )
