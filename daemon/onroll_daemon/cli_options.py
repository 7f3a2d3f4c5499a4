"""Options and arguments that several commands share."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import typer

School = Annotated[str | None, typer.Argument(help="A school's id; all of them when left out.")]
Config = Annotated[str | None, typer.Option("--config", help="The configuration file.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Today = Annotated[str | None, typer.Option("--today", metavar="DATE", help="Work as if it were this day (2026-09-01).")]
Approve = Annotated[
    list[str] | None,
    typer.Option("--approve", metavar="DIGEST", help="Approve exactly this digest, once; may be repeated."),
]
Only = Annotated[list[str] | None, typer.Option("--target", metavar="NAME", help="Only this target; may be repeated.")]
OfSchool = Annotated[str | None, typer.Option("--school", metavar="ID", help="Which school.")]
OfTarget = Annotated[str | None, typer.Option("--target", metavar="NAME", help="Which target's accounts.")]
NamesFile = Annotated[
    str | None, typer.Option("--names", metavar="FILE", help="A list that names accounts: username, first, last, ...")
]
Years = Annotated[list[str] | None, typer.Option("--year", help='Only this year group ("Year 7"); may be repeated.')]
Groups = Annotated[list[str] | None, typer.Option("--group", help="Only this registration group; may be repeated.")]
OfRole = Annotated[str | None, typer.Option("--role", help="Only student or staff.")]
Keep = Annotated[
    Literal["theirs", "ours"], typer.Option("--keep", help="Whose names count: the account's, or those onroll issued.")
]


def day(text: str | None) -> date | None:
    """The day that somebody wrote; ends the command when it is none."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write 2026-09-01.") from None
