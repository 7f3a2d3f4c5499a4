"""The commands of `onroll runs`. What they do is imported when they are called."""

from __future__ import annotations

from typing import Annotated

import typer

from onroll_daemon.cli_options import Approve, Config, Json, Only

runs = typer.Typer(invoke_without_command=True, help="What was done, when, and why; and taking it back.")
Run = Annotated[int, typer.Argument(metavar="ID", help="A run's number, as `onroll runs` shows it.")]


@runs.callback()
def runs_list(
    context: typer.Context,
    config: Config = None,
    as_json: Json = False,
    school: Annotated[str | None, typer.Option("--school", help="Only this school's.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many.")] = 20,
) -> None:
    """The last runs, newest first."""
    if context.invoked_subcommand is None:
        from onroll_daemon.commands import runs_list as run

        run(config, school, limit, as_json)


@runs.command("show")
def runs_show(number: Run, config: Config = None, as_json: Json = False) -> None:
    """One run: what was read, planned, done and refused."""
    from onroll_daemon.commands import runs_show as run

    run(config, number, as_json)


@runs.command("undo")
def runs_undo(
    number: Run,
    target: Only = None,
    approve: Approve = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take a run back: shown first, done where exactly that is approved. Deletes nothing."""
    from onroll_daemon.undoing import runs_undo as run

    run(config, number, target, approve or (), as_json)
