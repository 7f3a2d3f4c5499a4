"""The commands about groups."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from onroll_daemon.cli_options import Config, Json, OfTarget, School, Today, day

groups = typer.Typer(no_args_is_help=True, help="Groups, and who is in them.")
Kind = Literal["year", "registration", "teaching", "house", "role"]


@groups.command("list")
def groups_list(
    school: School = None,
    target: OfTarget = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only this kind.")] = None,
    config: Config = None,
    as_json: Json = False,
    today: Today = None,
) -> None:
    """The groups that each target should have, as they were read last."""
    from onroll_daemon.groups import groups_list as run

    run(config, school, target, kind, day(today), as_json)


@groups.command("show")
def groups_show(
    name: Annotated[str, typer.Argument(help="A group's name, or the MIS's record of it.")],
    config: Config = None,
    as_json: Json = False,
    today: Today = None,
) -> None:
    """One group: who is in it, who leads it, and why it is kept as it was."""
    from onroll_daemon.groups import groups_show as run

    run(config, name, day(today), as_json)
