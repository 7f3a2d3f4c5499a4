"""Linking for scripts: the lists of the newest look at a target, and what is said of them; each answer is a request to the service."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from onroll_core.errors import Refused
from onroll_daemon.console.access import needs
from onroll_daemon.console.api.asked import Accepted, accepted
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import linking
from onroll_daemon.console.views import links as view
from onroll_daemon.console.views.people import clean
from onroll_daemon.console.visitors import Visitor

router = APIRouter(prefix="/api/v1/schools/{school}/links", tags=["links"])
Say = Annotated[Visitor, Depends(needs(Right.LINK))]
Where = Annotated[str, Path(description="The school's id")]
Narrow = Annotated[str, Query(max_length=200)]
Short = Annotated[str, Field(max_length=200)]
Tab = Literal["linked", "likely", "possible", "ambiguous", "accounts", "people", "outside"]
Keep = Literal["theirs", "ours"]


class Ours(BaseModel):
    """A person as the MIS and onroll have them."""

    identity: str
    name: str
    role: str
    year: str
    registration_group: str
    record: str
    numbers: dict[str, str]
    username: str
    email: str
    state: str
    source: str


class Theirs(BaseModel):
    """An account as the target has it."""

    anchor: str
    login: str
    email: str
    display_name: str
    place: str
    enabled: bool
    attributes: dict[str, str]


class Line(BaseModel):
    """One line of a list; a side that is missing is null. `hindered` says why the two cannot be linked, `becomes` what a link would rename."""

    list: Tab
    ours: Ours | None
    theirs: Theirs | None
    why: str
    hindered: str
    becomes: str


class Links(BaseModel):
    """A page of one list. `counts` has the lines of every list, in the command line's words; `digest` names all pairs of this list that fit the filter and
    can be linked, for `confirm`; it is "" for a list that cannot be confirmed at once."""

    target: str
    as_of: str
    counts: dict[str, int]
    total: int
    offset: int
    digest: str
    rows: list[Line]


class LookAt(BaseModel):
    """`target`: the one whose accounts are linked first, when it is left out."""

    target: Short = ""


class Chosen(LookAt):
    """A person and an account each, by identity and anchor."""

    pairs: Annotated[list[tuple[Short, Short]], Field(min_length=1, max_length=5000)]


class Confirmed(LookAt):
    """Either `pairs`, or a `list` with the `digest` and the filter under which it was shown."""

    keep: Keep = "theirs"
    pairs: Annotated[list[tuple[Short, Short]], Field(max_length=5000)] = []
    which: Annotated[Literal["likely", "possible"] | None, Field(alias="list")] = None
    digest: Short = ""
    q: Short = ""
    role: Short = ""
    year: Short = ""
    registration: Short = ""


class TakenBack(LookAt):
    """`gone`: the account is gone for good, and another one may be made."""

    identity: Short
    gone: bool = False


@router.get("")
def lists(
    request: Request, school: Where, visitor: Say, target: Narrow = "", list: Tab = "likely", keep: Keep = "theirs", q: Narrow = "", role: Narrow = "",
    year: Narrow = "", registration: Narrow = "", offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Links:  # fmt: skip
    """One of the seven lists. Refused (409) until somebody has looked at the target."""
    place = place_of(request)
    seen = view.seen(place, school, view.target_in(place, school, clean(target)), keep)
    if seen is None:
        raise Refused("Nobody has looked at this target yet: ask for a look first, with /links/look.")
    rows = seen.of(list, view.Filters(*(clean(each) for each in (q, role, year, registration))))
    shown = [
        Line(list=row.tab, ours=row.ours, theirs=row.theirs, why=row.why, hindered=row.hindered, becomes=row.becomes)  # type: ignore[arg-type]
        for row in rows[offset : offset + limit]
    ]
    return Links(
        target=seen.target, as_of=seen.at, counts={view.NAMES[tab]: count for tab, count in seen.counts.items()}, total=len(rows), offset=offset,
        digest=view.at_once(rows, keep).digest if list in view.AT_ONCE else "", rows=shown,
    )  # fmt: skip


@router.post("/look", status_code=202)
def look(request: Request, school: Where, visitor: Say, at: LookAt) -> Accepted:
    """Look at the accounts of a target."""
    place = place_of(request)
    target = view.target_in(place, school, clean(at.target))
    return accepted(place, school, "links", {"target": target}, visitor, f"asked for a look at the accounts of {target}")  # fmt: skip


@router.post("/confirm", status_code=202)
def confirm(request: Request, school: Where, visitor: Say, said: Confirmed) -> Accepted:
    """These accounts are theirs: pairs, or a whole list as it was shown."""
    place = place_of(request)
    target = view.target_in(place, school, clean(said.target))
    if said.which is not None:
        filters = view.Filters(*(clean(each) for each in (said.q, said.role, said.year, said.registration)))
        whole = linking.whole_list(place, school, target, said.which, filters, said.keep, said.digest)
        return accepted(place, school, "link", whole.asked, visitor, f"asked to link the {len(whole.pairs)} {said.which} pairs in {target}")  # fmt: skip
    pairs = view.pairs_from(f"{who} {anchor}" for who, anchor in said.pairs)
    linking.free(place, school, target, pairs)
    wanted = view.of_pairs(pairs, target, said.keep)
    return accepted(place, school, "link", wanted, visitor, f"asked to link {len(pairs)} pairs in {target}")


@router.post("/reject", status_code=202)
def reject(request: Request, school: Where, visitor: Say, said: Chosen) -> Accepted:
    """These accounts are not theirs, and are not suggested again."""
    place = place_of(request)
    target = view.target_in(place, school, clean(said.target))
    pairs = view.pairs_from(f"{who} {anchor}" for who, anchor in said.pairs)
    told = [[who, anchor] for who, anchor in sorted(pairs.items())]
    what = f"said that {len(told)} suggested accounts in {target} are not theirs"
    return accepted(place, school, "reject-link", {"target": target, "pairs": told}, visitor, what)


@router.post("/undo", status_code=202)
def undo(request: Request, school: Where, visitor: Say, said: TakenBack) -> Accepted:
    """Take a link back."""
    place = place_of(request)
    target = view.target_in(place, school, clean(said.target))
    identity = linking.person_in(place, school, clean(said.identity))
    what = f"gave up the account of {identity.label} in {target}" if said.gone else f"took the link of {identity.label} in {target} back"  # fmt: skip
    wanted = {"target": target, "identity": identity.id, "gone": said.gone}
    return accepted(place, school, "unlink", wanted, visitor, what, identity.id)
