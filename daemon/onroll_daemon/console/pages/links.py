"""Link accounts: the seven lists side by side, and what somebody says of them; each answer is a request with exactly what was shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from onroll_core.errors import OnrollError, Refused
from onroll_core.linking.links import Names
from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.templating import query
from onroll_daemon.console.views import linking
from onroll_daemon.console.views import links as view
from onroll_daemon.console.views.people import ROLES, clean
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
See = Annotated[Visitor, Depends(needs(Right.LINK))]
Text = Annotated[str, Query(max_length=200)]
Field = Annotated[str, Form(max_length=400)]
Lines = Annotated[list[str], Form(default_factory=list)]
Number = Annotated[int, Query(ge=1, le=1_000_000, alias="page")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address of these pages says: the target, the list, whose names count, and the filters."""

    target: str
    tab: str
    keep: Names
    filters: view.Filters

    def query(self, **changed: Any) -> str:
        """The same as the part of an address after the question mark."""
        keep = "" if self.keep == "theirs" else self.keep
        return query({"target": self.target, "list": self.tab, "keep": keep, **self.filters.asked(), **changed})


def asked(
    request: Request, school: str, target: Text = "", list: Text = "", keep: Text = "", q: Text = "", role: Text = "", year: Text = "", registration: Text = ""
) -> Asked:  # fmt: skip
    """What the address says."""
    filters = view.Filters(*(clean(each) for each in (q, role, year, registration)))
    tab = list if list in view.TABS else view.LIKELY
    return Asked(clean(target), tab, view.keep_of(keep), filters)


Said = Annotated[Asked, Depends(asked)]


@router.get("/schools/{school}/links")
def links(request: Request, school: str, visitor: See, said: Said, number: Number = 1, asked: int = 0) -> Response:
    """One list of the newest look at a target."""
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    said = Asked(target, said.tab, said.keep, said.filters)
    seen = view.seen(place, school, target, said.keep)
    rows = seen.of(said.tab, said.filters) if seen else []
    first = (number - 1) * view.PER_PAGE
    return page(
        request, "links/links.html", visitor, school, seen=seen, said=said, counts=seen.counts if seen else {}, tabs=view.TABS, total=len(rows),
        rows=rows[first : first + view.PER_PAGE], first=first, number=number, per_page=view.PER_PAGE, href=f"/schools/{school}/links",
        targets=place.settings.schools[school].targets, at_once=view.at_once(rows, said.keep) if said.tab in view.AT_ONCE else None,
        going=linking.going(place, school), outcome=linking.outcome(place, school, asked), query=said.query,
        roles=[(each, ROLES.get(each, each)) for each in seen.choices("role")] if seen else [], years=seen.choices("year") if seen else [],
        registrations=seen.choices("registration_group") if seen else [],
    )  # fmt: skip


@router.post("/schools/{school}/links/look")
def look(request: Request, school: str, visitor: See, said: Said) -> Response:
    """Look at the target now."""
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    number = linking.ask(
        place, school, "links", {"target": target}, visitor, f"asked for a look at the accounts of {target}"
    )
    return _back(request, school, said, number)


@router.post("/schools/{school}/links/confirm")
def confirm(request: Request, school: str, visitor: See, said: Said, pair: Lines, only: Field = "") -> Response:
    """Link the lines that are ticked, or the one whose button was pressed."""
    return _link(request, school, visitor, said, view.pairs_from([only] if only else pair))


@router.post("/schools/{school}/links/confirm-list")
def confirm_list(request: Request, school: str, visitor: See, said: Said, digest: Field) -> Response:
    """Link all of a filtered list, if it is still the one that was shown."""
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    wanted = linking.whole_list(place, school, target, said.tab, said.filters, said.keep, digest)
    what = f"asked to link the {len(wanted.pairs)} {view.NAMES[said.tab]} pairs in {target}"
    number = linking.ask(place, school, "link", wanted.asked | {"view": said.query()}, visitor, what)
    return _back(request, school, said, number)


@router.post("/schools/{school}/links/reject")
def reject(request: Request, school: str, visitor: See, said: Said, pair: Lines, only: Field = "") -> Response:
    """These accounts are not theirs."""
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    pairs = view.pairs_from([only] if only else pair)
    told = [[who, anchor] for who, anchor in sorted(pairs.items())]
    what = f"said that {len(told)} suggested accounts in {target} are not theirs"
    wanted = {"target": target, "pairs": told, "view": said.query()}
    return _back(request, school, said, linking.ask(place, school, "reject-link", wanted, visitor, what))


@router.post("/schools/{school}/links/undo")
def undo(request: Request, school: str, visitor: See, said: Said, who: Field, gone: Field = "") -> Response:
    """Take a link back, or give up an account that is gone for good."""
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    identity = linking.person_in(place, school, who)
    what = f"gave up the account of {identity.label} in {target}" if gone else f"took the link of {identity.label} in {target} back"  # fmt: skip
    wanted = {"target": target, "identity": identity.id, "gone": bool(gone), "view": said.query()}
    return _back(request, school, said, linking.ask(place, school, "unlink", wanted, visitor, what, identity.id))


@router.get("/schools/{school}/links/by-hand")
def by_hand(
    request: Request, school: str, visitor: See, said: Said, person: Text = "", account: Text = "", who: Text = "", anchor: Text = ""
) -> Response:  # fmt: skip
    """Choose a person and an account, each by a search."""
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    seen = view.seen(place, school, target, said.keep)
    if seen is None:
        raise Refused("Nobody has looked at this target yet. Look at the lists first.")
    found = linking.sides(seen, clean(person), clean(account), who, anchor)
    return page(
        request, "links/by_hand.html", visitor, school, said=said, target=target, sides=found, person_text=person, account_text=account, who=who, anchor=anchor,
        href=f"/schools/{school}/links", query=said.query,
    )  # fmt: skip


@router.post("/schools/{school}/links/by-hand")
def link_by_hand(
    request: Request, school: str, visitor: See, said: Said, who: Field = "", anchor: Field = ""
) -> Response:
    """Link the two that were chosen."""
    return _link(request, school, visitor, said, view.pairs_from([f"{who} {anchor}"]))


@router.get("/schools/{school}/links/import")
def import_form(request: Request, school: str, visitor: See, said: Said) -> Response:
    """The form for a file."""
    return _import_page(request, school, visitor, said, [])


@router.post("/schools/{school}/links/import")
def import_file(
    request: Request, school: str, visitor: See, said: Said, file: Annotated[UploadFile, File()]
) -> Response:
    """Link what a file says, all of it or nothing."""
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    raw, name = file.file.read(), (file.filename or "the file")[:80]
    try:
        pairs, known = linking.from_file(place, school, target, raw, name)
    except OnrollError as why:
        return _import_page(request, school, visitor, said, why.sentence.splitlines(), 422)
    if not pairs:
        told = f"All {known} of {name} are linked already."
        return back(request, f"/schools/{school}/links?{said.query(list='linked')}", told, "note")
    return _link(request, school, visitor, said, pairs, f"from {name} ")


def _import_page(
    request: Request, school: str, visitor: Visitor, said: Asked, mistakes: list[str], status: int = 200
) -> Response:
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    looked = view.seen(place, school, target, said.keep) is not None
    return page(
        request, "links/import.html", visitor, school, status, said=said, target=target, mistakes=mistakes[:100], more=max(0, len(mistakes) - 100),
        looked=looked, href=f"/schools/{school}/links", query=said.query,
    )  # fmt: skip


def _link(
    request: Request, school: str, visitor: Visitor, said: Asked, pairs: Mapping[Any, Any], where: str = ""
) -> Response:
    place = place_of(request)
    target = view.target_in(place, school, said.target)
    linking.free(place, school, target, pairs)
    wanted = view.of_pairs(pairs, target, said.keep) | {"view": said.query()}
    what = f"asked to link {len(pairs)} {where}{'pair' if len(pairs) == 1 else 'pairs'} in {target}"
    return _back(request, school, said, linking.ask(place, school, "link", wanted, visitor, what))


def _back(request: Request, school: str, said: Asked, number: int) -> Response:
    return back(request, f"/schools/{school}/links?{said.query(asked=number)}")
