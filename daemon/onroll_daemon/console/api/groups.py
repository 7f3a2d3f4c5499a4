"""Groups for scripts: those that each target should have, and one with who is in it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import groups as view
from onroll_daemon.console.views.people import clean
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations.groups import Shown

router = APIRouter(prefix="/api/v1/schools/{school}/groups", tags=["groups"])
See = Annotated[Visitor, Depends(needs(Right.SEE))]
Where = Annotated[str, Path(description="The school's id")]
Narrow = Annotated[str, Query(max_length=200)]
Kind = Literal["year", "registration", "teaching", "house", "role"]


class Group(BaseModel):
    """A group as a target should have it. `doubt`: why its people were left as they were, for a person to settle; `note` says that, or that it is over."""

    target: str
    kind: Kind
    record: str
    name: str
    address: str
    members: int
    leaders: int
    archived: bool
    course: bool
    doubt: str
    note: str


class Groups(BaseModel):
    """A page of those who fit, by kind and name."""

    groups: list[Group]
    total: int
    offset: int


class Member(BaseModel):
    """Somebody in a group."""

    identity: str
    name: str
    username: str | None
    role: str
    year: str
    registration_group: str


class Whole(Group):
    """A group with its people, by surname."""

    member_list: list[Member]
    leader_list: list[Member]


@router.get("")
def groups(
    request: Request, school: Where, visitor: See, target: Narrow = "", kind: Kind | None = None, q: Narrow = "", only: Literal["", "doubt", "archived"] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Groups:  # fmt: skip
    """The groups of a school."""
    filters = view.Filters(clean(target), kind or "", clean(q), only)
    found = view.listing(view.groups(place_of(request), school), filters)
    shown = [_group(row) for row in found.rows[offset : offset + limit]]
    return Groups(groups=shown, total=len(found.rows), offset=offset)


@router.get("/one")
def one(request: Request, school: Where, visitor: See, target: Narrow, record: Narrow) -> Whole:
    """One group in one target."""
    place = place_of(request)
    found = view.groups(place, school)
    row = view.one(found, clean(target), clean(record))
    members, leaders = (view.people(place, school, found, each) for each in (row.group.members, row.group.owners))
    return Whole.model_validate(_group(row).model_dump() | {"member_list": members, "leader_list": leaders})


def _group(row: Shown) -> Group:
    group = row.group
    return Group(
        target=row.target, kind=row.kind, record=row.record, name=group.name, address=group.address or "", members=len(group.members),  # type: ignore[arg-type]
        leaders=len(group.owners), archived=group.archived, course=row.course, doubt=row.doubt, note=row.note,
    )  # fmt: skip
