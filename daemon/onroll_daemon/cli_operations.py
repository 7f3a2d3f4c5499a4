"""The commands of whoever looks after the machine: backup, restore, doctor, config migrate."""

from __future__ import annotations

from typing import Annotated

import typer

from onroll_daemon.cli_options import Config, Json

config = typer.Typer(no_args_is_help=True, help="The configuration file.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(backup)
    app.command()(restore)
    app.command()(doctor)
    app.add_typer(config, name="config")


def backup(
    file: Annotated[str, typer.Argument(help="A new file, or a folder for one with a name of its own.")] = ".",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy the store and the configuration into one file, at any time; no secret is in it."""
    from onroll_daemon.housekeeping import backup as run

    run(config, file, as_json)


def restore(
    file: Annotated[str, typer.Argument(help="A file that onroll backup made.")],
    into: Annotated[
        str | None, typer.Option("--into", metavar="DIR", help="Put the configuration there too: on a new machine.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a backup in place, on this machine or another; what was there is kept."""
    from onroll_daemon.housekeeping import restore as run

    run(config, file, into, as_json)


def doctor(
    bundle: Annotated[
        str | None, typer.Option("--bundle", metavar="FILE.zip", help="A file for a bug report: no names, no secrets.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Look at the machine: versions, clock, certificates, disk, store, last runs; changes nothing."""
    from onroll_daemon.housekeeping import doctor as run

    run(config, bundle, as_json)


@config.command()
def migrate(
    config: Config = None,
    write: Annotated[bool, typer.Option("--write", help="Change the file; the old one is kept beside it.")] = False,
) -> None:
    """Show how the file has to change for this version of onroll."""
    from onroll_daemon.housekeeping import migrate as run

    run(config, write)
