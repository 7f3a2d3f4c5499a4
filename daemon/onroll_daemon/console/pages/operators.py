"""Who may use the console: people with a role and schools, and the one-time links with which they choose a password."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from onroll_core.store.console import Operator
from onroll_daemon.console import operating
from onroll_daemon.console.access import needs
from onroll_daemon.console.operating import SIGNED_IN, Wanted
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import GIVEN, RIGHTS, Right
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
_ADMINISTRATOR = Annotated[Visitor, Depends(needs(Right.ADMINISTER))]
_TEXT = Annotated[str, Form()]
_MANY = Annotated[list[str], Form(default_factory=list)]


@router.get("/operators")
def operators(request: Request, visitor: _ADMINISTRATOR) -> Response:
    """Everybody, with when they last signed in."""
    place = place_of(request)
    last = place.store.console.audit.last(SIGNED_IN)
    rows = [
        {"operator": each, "schools": _named(place, each), "last": last.get(each.name)}
        for each in place.store.console.operators.all()
    ]
    return page(request, "operators/all.html", visitor, rows=rows)


@router.get("/operators/add")
def add_page(request: Request, visitor: _ADMINISTRATOR) -> Response:
    """The form for somebody new."""
    return _form(request, visitor, None, Wanted("", "", None, "viewer", None))


@router.post("/operators/add")
def add(
    request: Request, visitor: _ADMINISTRATOR, schools: _MANY, name: _TEXT = "", display: _TEXT = "", email: _TEXT = "",
    role: _TEXT = "", whole: _TEXT = "",
) -> Response:  # fmt: skip
    """Somebody new; the link for their password is shown once, to be handed over."""
    place = place_of(request)
    wanted = Wanted(name, display, email.strip() or None, role, None if whole == "all" else schools)
    if wrong := operating.objections(wanted, place.settings.schools):
        return _form(request, visitor, None, wanted, wrong)
    made, secret = operating.add(place.store, wanted, visitor.by, place.clock())
    return _link(request, visitor, made, secret)


@router.get("/operators/{operator}")
def one(request: Request, operator: int, visitor: _ADMINISTRATOR) -> Response:
    """One of them, to be changed."""
    found = _found(place_of(request), operator)
    schools = None if found.schools is None else sorted(found.schools)
    wanted = Wanted(found.name, found.display, found.email, found.role, schools, found.disabled)
    return _form(request, visitor, found, wanted)


@router.post("/operators/{operator}")
def change(
    request: Request, operator: int, visitor: _ADMINISTRATOR, schools: _MANY, display: _TEXT = "", email: _TEXT = "",
    role: _TEXT = "", whole: _TEXT = "", disabled: _TEXT = "",
) -> Response:  # fmt: skip
    """Another role, address or schools, or no access any more; they are signed out, so that it holds at once."""
    place = place_of(request)
    found = _found(place, operator)
    of = None if whole == "all" else schools
    wanted = Wanted(found.name, display, email.strip() or None, role, of, disabled == "yes")
    if wrong := operating.objections(wanted, place.settings.schools):
        return _form(request, visitor, found, wanted, wrong)
    operating.change(place.store, found, wanted, visitor.by, place.clock())
    if found.id == visitor.operator:
        return back(request, "/sign-in", "You have changed yourself, so sign in again.", "note")
    return back(request, "/operators", f"{found.name} is changed, and was signed out.")


@router.post("/operators/{operator}/link")
def link(request: Request, operator: int, visitor: _ADMINISTRATOR) -> Response:
    """A new link for a password; it is shown once, to be handed over."""
    place = place_of(request)
    found = _found(place, operator)
    return _link(request, visitor, found, operating.new_link(place.store, found, visitor.by, place.clock()))


def _found(place: Place, operator: int) -> Operator:
    found = place.store.console.operators.get(operator) if 0 < operator < 2**31 else None
    if found is None:
        raise NoSuch("There is no such console user. The list has all that there are.")
    return found


def _form(
    request: Request, visitor: Visitor, operator: Operator | None, wanted: Wanted, errors: dict[str, str] | None = None
) -> Response:
    place = place_of(request)
    told: dict[str, Any] = {
        "operator": operator,
        "wanted": wanted,
        "errors": errors or {},
        "roles": roles(),
        "all_schools": [(each, school.rules.name) for each, school in place.settings.schools.items()],
        "own": operator is not None and operator.id == visitor.operator,
    }
    return page(request, "operators/form.html", visitor, status=400 if errors else 200, **told)


def roles() -> list[tuple[str, str, str]]:
    """The roles that can be given: value, name and what each may do."""
    return [(role.value, role.value.capitalize(), "May " + _listed(RIGHTS[role]) + ".") for role in GIVEN]


def _listed(rights: frozenset[Right]) -> str:
    return "do everything" if rights == frozenset(Right) else "; ".join(each.value for each in Right if each in rights)


def _link(request: Request, visitor: Visitor, operator: Operator, secret: str) -> Response:
    href = f"{_reached(request)}/choose-password/{secret}"
    days = operating.LINK_LASTS.days
    return page(request, "operators/link.html", visitor, operator=operator, href=href, days=days)


def _reached(request: Request) -> str:
    """The address in the browser of whoever looks is one at which the console can be reached."""
    return place_of(request).settings.console.address or str(request.base_url).rstrip("/")


def _named(place: Place, operator: Operator) -> str:
    if operator.schools is None:
        return "All schools"
    known = place.settings.schools
    return ", ".join(known[each].rules.name if each in known else each for each in sorted(operator.schools))
