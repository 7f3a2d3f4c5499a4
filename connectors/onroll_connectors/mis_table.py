"""The tables of the README and of docs/mis, written from the catalogue: `python -m onroll_connectors.mis_table` prints them."""

from __future__ import annotations

from collections.abc import Iterable

from onroll_connectors.gives import Gives
from onroll_connectors.mis import MISES, gives
from onroll_core.people import GroupKind

_GROUPS = (GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.HOUSE, GroupKind.TEACHING)
_HEADS = (
    "students", "future", "leavers", "staff", "future staff", "year", "registration", "house", "teaching", "contacts",
)  # fmt: skip
_FIELDS = {
    "legal_first": "legal names", "legal_last": "legal names", "starts": "first day", "ends": "last day", "house": "house",
    "registration_group": "registration group", "year_group": "year group", "upn": "UPN", "scn": "SCN", "admission_number": "admission number",
    "staff_code": "staff code", "dob": "date of birth", "enrolment": "enrolment status", "first": "first name", "last": "last name",
}  # fmt: skip


def twelve() -> str:
    """The twelve MISs in Markdown: routes, what the default one gives, window."""
    rows = [
        (
            mis.title,
            ", ".join(f"**`{route}`**" if route == mis.route else f"`{route}`" for route in mis.routes),
            *_marks(gives(mis.route, mis.preset)),
            mis.window,
        )
        for mis in MISES.values()
    ]
    return _markdown(("MIS", "routes (default first)", *_HEADS, "window"), rows)


def routes() -> str:
    """Every route in Markdown: what it gives, what it cannot say, and why."""
    rows = []
    for name, told in _routes():
        rows.append((name, *_marks(told), untold(told.untold_students), untold(told.untold_staff), told.why or ""))
    return _markdown(("route", *_HEADS, "not told of students", "not told of staff", "why"), rows)


def _routes() -> Iterable[tuple[str, Gives]]:
    names = sorted({route for mis in MISES.values() for route in mis.routes} - {"csv"})
    for name in names:
        yield f"`{name}`", gives(name)
    for preset in sorted({mis.preset for mis in MISES.values() if mis.preset}):
        yield f"`csv`, {preset}", gives("csv", preset)


def _marks(told: Gives) -> tuple[str, ...]:
    yes = (
        True, told.future, told.leavers, told.staff, told.future_staff, *(kind in told.groups for kind in _GROUPS), told.contacts,
    )  # fmt: skip
    return tuple("yes" if each else "-" for each in yes)


def untold(fields: frozenset[str]) -> str:
    """Names of `Person`'s fields in words, as "house, legal names"; each once."""
    return ", ".join(sorted({_FIELDS[field] for field in fields}))


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{twelve()}\n\n{routes()}\n")
