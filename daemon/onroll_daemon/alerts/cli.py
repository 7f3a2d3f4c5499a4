"""The commands of `onroll alerts`. What they do is imported when they are called."""

from __future__ import annotations

import typer

from onroll_daemon.cli_options import Config, Json

alerts = typer.Typer(no_args_is_help=True, help="Who is told when something is late, held or refused.")


@alerts.command("test")
def alerts_test(config: Config = None, as_json: Json = False) -> None:
    """Send a test message to everybody in [alerts]."""
    from onroll_daemon.alerts.commands import test as run

    run(config, as_json)


@alerts.command("show")
def alerts_show(config: Config = None, as_json: Json = False) -> None:
    """What would be told now, and what waits to be sent; sends nothing."""
    from onroll_daemon.alerts.commands import show as run

    run(config, as_json)
