"""What runs did: a list, one run, and its changes as a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import runs as views
from onroll_daemon.console.views.plan import FARTHEST
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Text = Annotated[str, Query(max_length=200)]
PageNumber = Annotated[int, Query(ge=1, le=FARTHEST, alias="page")]
See = Annotated[Visitor, Depends(needs(Right.SEE))]


@router.get("/schools/{school}/runs")
def runs(
    request: Request, school: str, visitor: See, kind: Text = "", status: Text = "", number: PageNumber = 1
) -> Response:
    """The runs of a school, newest first."""
    return page(
        request, "runs/runs.html", visitor, school, **views.listed(place_of(request), school, kind, status, number)
    )


@router.get("/runs/{run}.csv")
def run_csv(request: Request, run: Number, visitor: Annotated[Visitor, Depends(needs(Right.PEOPLE))]) -> Response:
    """Every change of a run as a file for a spreadsheet."""
    place = place_of(request)
    school = views.run_of(place, run)["school"]
    place.store.console.audit.note(
        place.clock(), visitor.by, school, f"downloaded the changes of run {run}", f"run {run}"
    )
    headers = {"Content-Disposition": f'attachment; filename="run-{run}.csv"'}
    return StreamingResponse(views.exported(place, run), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/runs/{run}")
def run(
    request: Request,
    run: Number,
    visitor: See,
    target: Text = "",
    outcome: Text = "",
    kind: Text = "",
    q: Text = "",
    number: PageNumber = 1,
) -> Response:
    """One run; htmx takes the list alone out of it."""
    told = views.of_run(place_of(request), run, target, outcome, kind, q, number)
    return page(request, "runs/run.html", visitor, told["run"]["school"], **told)
