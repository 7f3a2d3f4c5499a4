"""Audit: who did what, and the same as a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import audit as views
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
See = Annotated[Visitor, Depends(needs(Right.AUDIT))]
Text = Annotated[str, Query(max_length=200)]


@router.get("/audit")
def audit(
    request: Request,
    visitor: See,
    school: Text = "",
    q: Text = "",
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """A page of it; htmx takes the list alone out of it."""
    told = views.listed(place_of(request), visitor, school, q, before)
    return page(request, "audit/audit.html", visitor, school or None, **told)


@router.get("/audit.csv")
def audit_csv(request: Request, visitor: See, school: Text = "", q: Text = "") -> Response:
    """Everything that fits, for a spreadsheet."""
    place = place_of(request)
    place.store.console.audit.note(place.clock(), visitor.by, school or None, "downloaded the audit")
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    told = views.exported(place, visitor, school, q)
    return StreamingResponse(told, media_type="text/csv; charset=utf-8", headers=headers)
