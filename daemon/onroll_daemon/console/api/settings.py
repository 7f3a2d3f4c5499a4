"""A school's settings for scripts: how it is read, what is written, whether the file is in order; and a check of everything."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from onroll_daemon.configured import kind
from onroll_daemon.console.access import needs
from onroll_daemon.console.api.asked import Accepted
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import settings as views
from onroll_daemon.console.visitors import Visitor

router = APIRouter(prefix="/api/v1", tags=["schools"])


class WrittenTo(BaseModel):
    """A target of a school; `kind` is the connector's name."""

    name: str
    kind: str


class Configured(BaseModel):
    """What the configuration says of a school. `mistakes` are those in the file as it is on disk now; without any, `changed` names the parts of it that
    count only once the service is started again. `hidden` is how many of either are about schools that you may not see."""

    school: str
    mis: str
    route: str
    targets: list[WrittenTo]
    mistakes: list[str]
    changed: list[str] = Field(examples=[["target ad", "school oakfield"]])
    hidden: int


@router.get("/schools/{school}/settings")
def read_settings(request: Request, school: str, visitor: Annotated[Visitor, Depends(needs(Right.SEE))]) -> Configured:
    """How a school is set up, and whether its configuration is in order."""
    place = place_of(request)
    one = place.settings.schools[school]
    file: dict[str, Any] = views.file_now(place, visitor, school)
    return Configured(
        school=school,
        mis=one.route.name.partition(" over ")[0],
        route=kind(one.route.module),
        targets=[WrittenTo(name=each, kind=kind(place.settings.targets[each].module)) for each in one.targets],
        mistakes=file["mistakes"],
        changed=file["changed"],
        hidden=file["others"] + file["elsewhere"],
    )


@router.post("/schools/{school}/check", status_code=202)
def check(request: Request, school: str, visitor: Annotated[Visitor, Depends(needs(Right.RUN))]) -> Accepted:
    """Ask for a check of everything: settings, store, source and every target, read-only."""
    number = views.ask(place_of(request), visitor, school, "check", "asked for a check of everything")
    return Accepted(request=number, href=f"/api/v1/requests/{number}")
