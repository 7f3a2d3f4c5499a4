"""The commands about who may use the console: for whoever has locked themselves out, and for scripts that set a machine up."""

from __future__ import annotations

from typing import Annotated

import typer

from onroll_daemon.cli_options import Config, Json

console = typer.Typer(no_args_is_help=True, help="Who may use the console.")

Name = Annotated[str, typer.Argument(help="The sign-in name.")]
OfRole = Annotated[str, typer.Option("--role", help="administrator, operator, issuer or viewer.")]
OfSchools = Annotated[
    list[str] | None, typer.Option("--school", metavar="ID", help="Only this school; may be repeated. All when left out.")
]  # fmt: skip


@console.command("users")
def users(config: Config = None, as_json: Json = False) -> None:
    """Who may use it, with role, schools and last sign-in."""
    from onroll_daemon.console_users import users as run

    run(config, as_json)


@console.command("add")
def add(
    name: Name,
    role: OfRole,
    school: OfSchools = None,
    email: Annotated[str | None, typer.Option("--email", help="To sign in with Microsoft or Google.")] = None,
    display: Annotated[str, typer.Option("--display", help="As the others see them.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let somebody in, and print the link with which they choose a password."""
    from onroll_daemon.console.operating import Wanted
    from onroll_daemon.console_users import add as run

    run(config, Wanted(name, display, email, role, school), as_json)


@console.command("link")
def link(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Print a link with which somebody chooses a new password; it works once, for three days."""
    from onroll_daemon.console_users import link as run

    run(config, name, as_json)


@console.command("disable")
def disable(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Somebody may not use it any more, and is signed out."""
    from onroll_daemon.console_users import switch as run

    run(config, name, True, as_json)


@console.command("enable")
def enable(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Somebody who was disabled may use it again."""
    from onroll_daemon.console_users import switch as run

    run(config, name, False, as_json)


@console.command("token")
def token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: OfRole,
    school: OfSchools = None,
    days: Annotated[int, typer.Option("--days", help="When it ends, 1 to 366.")] = 90,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print a token for a script; it is shown once."""
    from onroll_daemon.console_users import token as run

    run(config, name, role, school, days, as_json)
