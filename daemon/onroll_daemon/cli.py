"""The command line of DESIGN 8. Everything heavy is imported by the command that needs it, so that --help is quick."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from onroll_daemon import cli_operations
from onroll_daemon.alerts.cli import alerts
from onroll_daemon.cli_console import console
from onroll_daemon.cli_groups import groups
from onroll_daemon.cli_options import Approve, Config, Json, Only, School, Today, day
from onroll_daemon.cli_people import links, passwords, users
from onroll_daemon.cli_runs import runs
from onroll_daemon.cli_service import service

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Keeps a school's accounts in step with who is on roll.",
)
app.add_typer(users, name="users")
app.add_typer(links, name="links")
app.add_typer(groups, name="groups")
app.add_typer(passwords, name="passwords")
app.add_typer(runs, name="runs")
app.add_typer(alerts, name="alerts")
app.add_typer(service, name="service")
app.add_typer(console, name="console")
cli_operations.register(app)


@app.command()
def init(
    folder: Annotated[str, typer.Argument(help="Where to write it.")] = ".",
    mis: Annotated[str, typer.Option("--mis", metavar="NAME", help="The MIS: arbor, sims, bromcom, ...")] = "csv",
    route: Annotated[str | None, typer.Option("--route", metavar="NAME", help="Another way to it.")] = None,
) -> None:
    """Write a commented onroll.toml and create the store."""
    from onroll_daemon.commands import init as run

    run(folder, mis, route)


@app.command()
def setup(
    folder: Annotated[
        str | None, typer.Argument(help="Where to write it; the system's own place when left out.")
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option("--answers", metavar="FILE", help="An onroll.toml with anything left out; asks nobody."),
    ] = None,
    as_json: Json = False,
) -> None:
    """A guided first run: looks around, asks, writes onroll.toml, says what to grant."""
    from onroll_daemon.setup.command import setup as run

    run(folder, answers, as_json)


@app.command()
def rights(school: School = None, config: Config = None, as_json: Json = False) -> None:
    """What to grant to onroll's accounts, by this configuration; changes nothing."""
    from onroll_daemon.setup.command import rights as run

    run(config, school, as_json)


@app.command()
def check(school: School = None, config: Config = None, as_json: Json = False) -> None:
    """Look at settings, store, sources and targets; changes nothing."""
    from onroll_daemon.checks import check as run

    run(config, school, as_json)


@app.command()
def pull(
    school: School = None, config: Config = None, as_json: Json = False, today: Today = None, approve: Approve = None
) -> None:
    """Read the MIS, reconcile and remember; writes to no target."""
    from onroll_daemon.nights import Ask
    from onroll_daemon.nights import pull as run

    run(Ask(config, school, as_json, day(today), approve=approve or ()))


@app.command()
def plan(
    school: School = None,
    config: Config = None,
    as_json: Json = False,
    today: Today = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="Show what would be done on this day.")
    ] = None,
    target: Only = None,
) -> None:
    """Show what would be done, and why; writes nothing."""
    from onroll_daemon.nights import Ask
    from onroll_daemon.nights import plan as run

    run(Ask(config, school, as_json, day(today), target, day(as_of)))


@app.command()
def apply(
    school: School = None,
    config: Config = None,
    as_json: Json = False,
    today: Today = None,
    target: Only = None,
    approve: Approve = None,
) -> None:
    """Bring the targets into line with what was last read."""
    from onroll_daemon.nights import Ask
    from onroll_daemon.nights import apply as run

    run(Ask(config, school, as_json, day(today), target, approve=approve or ()))


@app.command()
def sync(
    school: School = None, config: Config = None, as_json: Json = False, today: Today = None, approve: Approve = None
) -> None:
    """One night, now: pull, plan, clear, apply."""
    from onroll_daemon.nights import Ask
    from onroll_daemon.nights import sync as run

    run(Ask(config, school, as_json, day(today), approve=approve or ()))


@app.command()
def serve(config: Config = None) -> None:
    """Run the service: windows, health and metrics."""
    from onroll_daemon.commands import serve as run

    run(config)


@app.command()
def explain(
    username: Annotated[str, typer.Argument(help="A username, address, identity, MIS record or number.")],
    config: Config = None,
    as_json: Json = False,
    today: Today = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no target.")] = False,
) -> None:
    """Which record, rule and run made this account as it is, and what would change tonight."""
    from onroll_daemon.explaining import explain_person as run

    run(config, username, as_json, day(today), offline)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End when the story is told.")] = False,
    as_json: Json = False,
    pupils: Annotated[int, typer.Option(help="How many pupils the school has.")] = 1200,
    mis: Annotated[str, typer.Option("--mis", metavar="NAME", help="The MIS: arbor, sims, bromcom, ...")] = "wonde",
    route: Annotated[str | None, typer.Option("--route", metavar="NAME", help="Another way to it.")] = None,
) -> None:
    """A fictional school and the whole line, on this machine alone."""
    from onroll_daemon.demo import main

    main(once, as_json, pupils, mis, route)


@app.command()
def rekey(
    school: Annotated[str, typer.Argument(help="The school's id.")],
    to: Annotated[str | None, typer.Option("--to", metavar="MIS", help="The new MIS; see [school.moves_to].")] = None,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="DIGEST", help="Do exactly what was shown.")
    ] = None,
    possible: Annotated[bool, typer.Option("--possible", help="Also the possible ones.")] = False,
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Your own pairs: columns username and record.")
    ] = None,
    export: Annotated[str | None, typer.Option("--export", metavar="FILE", help="Write the lists to a file.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the move back.")] = False,
    config: Config = None,
    as_json: Json = False,
    today: Today = None,
) -> None:
    """Move a school to another MIS: who is who, shown first, done when exactly that is confirmed."""
    from onroll_daemon.moving import Asked
    from onroll_daemon.moving import rekey as run

    run(config, school, Asked(to, confirm, possible, csv, export, undo, day(today)), as_json)


@app.command()
def rename(
    school: School = None,
    csv: Annotated[str | None, typer.Option("--csv", metavar="FILE", help="An edited list of users.")] = None,
    by_format: Annotated[
        bool, typer.Option("--format", help="The names that the school's present format gives.")
    ] = False,
    user: Annotated[list[str] | None, typer.Option("--user", help="Only this username; may be repeated.")] = None,
    group: Annotated[list[str] | None, typer.Option("--group", help="Only this registration group.")] = None,
    year: Annotated[list[str] | None, typer.Option("--year", help='Only this year group ("Year 7").')] = None,
    role: Annotated[str | None, typer.Option("--role", help="Only student or staff.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="Do it on this day.")] = None,
    no_alias: Annotated[bool, typer.Option("--no-alias", help="Do not keep old addresses as aliases.")] = False,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="DIGEST", help="Do exactly what was shown.")
    ] = None,
    emails: Annotated[bool, typer.Option("--emails", help="With --format: addresses alone.")] = False,
    no_sign_ins: Annotated[
        bool, typer.Option("--no-sign-ins", help="Do not ask the targets who has signed in.")
    ] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only show renames that wait for their day.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Rename many people at once: shown first, done when exactly that is confirmed."""
    from onroll_daemon.renames import Asked
    from onroll_daemon.renames import rename as run

    names = Asked(csv, by_format, user or (), group or (), year or (), role, day(on), not no_alias, confirm, emails)
    asked = replace(names, sign_ins=not no_sign_ins, waiting=waiting)
    run(config, school, asked, as_json)
