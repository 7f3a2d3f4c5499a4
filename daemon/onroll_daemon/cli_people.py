"""The commands about people and their accounts: users, passwords, links."""

from __future__ import annotations

from typing import Annotated

import typer

from onroll_daemon.cli_options import (
    Config,
    Groups,
    Json,
    Keep,
    NamesFile,
    OfRole,
    OfSchool,
    OfTarget,
    School,
    Today,
    Years,
    day,
)

users = typer.Typer(no_args_is_help=True, help="People and their usernames.")
passwords = typer.Typer(no_args_is_help=True, help="First passwords, handed out on paper.")
links = typer.Typer(no_args_is_help=True, help="Accounts that were there before, and whose they are.")


@users.command("list")
def users_list(
    school: School = None,
    config: Config = None,
    as_json: Json = False,
    today: Today = None,
    csv: Annotated[str | None, typer.Option("--csv", metavar="FILE", help="Write the list to a file.")] = None,
) -> None:
    """Everybody, with username and state."""
    from onroll_daemon.people import users_list as run

    run(config, school, as_json, day(today), csv)


@users.command("show")
def users_show(username: str, config: Config = None, as_json: Json = False) -> None:
    """One person."""
    from onroll_daemon.people import users_show as run

    run(config, username, as_json)


@users.command("rename")
def users_rename(
    username: Annotated[str, typer.Argument(help="The present username, or the identity of somebody who has none.")],
    new: Annotated[str | None, typer.Argument(help="The new username.")] = None,
    email: Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="Another address.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="Do it on this day.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what it would come to.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take back a rename that waits for its day.")] = False,
    config: Config = None,
    as_json: Json = False,
    no_alias: Annotated[bool, typer.Option("--no-alias", help="Do not keep the old address as an alias.")] = False,
) -> None:
    """Give somebody another username; every target follows at the next sync, and the old address stays as an alias."""
    from onroll_daemon.rename_one import One
    from onroll_daemon.rename_one import users_rename as run

    run(config, username, One(new, email, not no_alias, day(on), preview, cancel), as_json)


@users.command("alias")
def users_alias(
    username: str,
    address: Annotated[str, typer.Argument(help="A former address.")],
    withhold: Annotated[
        bool, typer.Option("--withhold/--keep", help="It must not follow the person; or it may again.")
    ],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say whether a former address follows somebody."""
    from onroll_daemon.rename_one import users_alias as run

    run(config, username, address, withhold, as_json)


@passwords.command("issue")
def passwords_issue(
    school: School = None,
    csv: Annotated[
        str, typer.Option("--csv", metavar="FILE", help="Where to write the hand-out; must not exist.")
    ] = "passwords.csv",
    slips: Annotated[
        str | None, typer.Option("--slips", metavar="FILE", help="Also slips to print and cut (HTML).")
    ] = None,
    user: Annotated[list[str] | None, typer.Option("--user", help="Only this username; may be repeated.")] = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", help="Only this registration group; may be repeated.")
    ] = None,
    year: Annotated[
        list[str] | None, typer.Option("--year", help='Only this year group ("Year 7"); may be repeated.')
    ] = None,
    role: Annotated[str | None, typer.Option("--role", help="Only student or staff.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those who were given one before.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Set a first password for new people in every target, and write the hand-out."""
    from onroll_daemon.passwords import Choice
    from onroll_daemon.passwords import passwords_issue as run

    run(config, school, Choice(csv, slips, user or (), group or (), year or (), role, again), as_json)


@links.command("list")
def links_list(
    school: OfSchool = None,
    target: OfTarget = None,
    names: NamesFile = None,
    year: Years = None,
    group: Groups = None,
    role: OfRole = None,
    keep: Keep = "theirs",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The seven lists; changes nothing."""
    from onroll_daemon.linking import Choice
    from onroll_daemon.linking import links_list as run

    run(config, Choice(school, target, names, year or (), group or (), role, keep), as_json)


@links.command("confirm")
def links_confirm(
    person: Annotated[str | None, typer.Argument(help="A person: id, number, record or username.")] = None,
    account: Annotated[str | None, typer.Argument(help="The account's sign-in name or address.")] = None,
    which: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="A whole list: likely or possible.")
    ] = None,
    digest: Annotated[str | None, typer.Option("--digest", help="The digest of the list that was shown.")] = None,
    school: OfSchool = None,
    target: OfTarget = None,
    names: NamesFile = None,
    year: Years = None,
    group: Groups = None,
    role: OfRole = None,
    keep: Keep = "theirs",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Link one person, or a filtered list."""
    from onroll_daemon.linking import Choice
    from onroll_daemon.linking import links_confirm as run

    choice = Choice(school, target, names, year or (), group or (), role, keep)
    run(config, choice, person, account, which, digest, as_json)


@links.command("import")
def links_import(
    file: Annotated[str, typer.Argument(help="CSV with the columns username and mis_id.")],
    school: OfSchool = None,
    target: OfTarget = None,
    keep: Keep = "theirs",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Link everybody in a list; it counts as confirmed."""
    from onroll_daemon.linking import Choice
    from onroll_daemon.linking import links_import as run

    run(config, Choice(school, target, keep=keep), file, as_json)


@links.command("reject")
def links_reject(
    person: str,
    account: str,
    school: OfSchool = None,
    target: OfTarget = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """This account is not this person's."""
    from onroll_daemon.linking import Choice
    from onroll_daemon.linking import links_reject as run

    run(config, Choice(school, target), person, account, as_json)


@links.command("undo")
def links_undo(
    person: str,
    school: OfSchool = None,
    target: OfTarget = None,
    gone: Annotated[
        bool, typer.Option("--gone", help="The account is gone for good: another one may be made.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take a confirmed link back, or give up an account that is gone for good."""
    from onroll_daemon.linking import Choice
    from onroll_daemon.linking import links_undo as run

    run(config, Choice(school, target), person, as_json, gone)


_First = Annotated[str | None, typer.Option("--first", help="First name.")]
_Last = Annotated[str | None, typer.Option("--last", help="Last name.")]
_Start = Annotated[str | None, typer.Option("--start", metavar="DATE", help="The first day (2026-09-01).")]
_End = Annotated[str | None, typer.Option("--end", metavar="DATE", help="The last day.")]
_OfRecord = Annotated[
    str | None, typer.Option("--school", help="The school of the record, when it is not the person's own.")
]
_YearGroup = Annotated[str | None, typer.Option("--year", help='The year group of a pupil ("Year 7").')]


@users.command("add")
def users_add(
    school: OfSchool = None,
    first: _First = None,
    last: _Last = None,
    role: Annotated[str | None, typer.Option("--role", help="student, staff or other (governors, visitors).")] = None,
    username: Annotated[
        str | None, typer.Option("--username", help="Another username than the school's format gives.")
    ] = None,
    start: _Start = None,
    end: _End = None,
    year: _YearGroup = None,
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Many at once: first, last, role, start, end.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Somebody whom the MIS does not know."""
    from onroll_daemon.manual_users import Asked
    from onroll_daemon.manual_users import users_add as run

    run(config, school, Asked(first, last, role, username, day(start), day(end), False, year, csv), as_json)


@users.command("edit")
def users_edit(
    username: Annotated[str | None, typer.Argument()] = None,
    first: _First = None,
    last: _Last = None,
    start: _Start = None,
    end: _End = None,
    no_end: Annotated[bool, typer.Option("--no-end", help="They stay.")] = False,
    year: _YearGroup = None,
    csv: Annotated[str | None, typer.Option("--csv", metavar="FILE", help="Many at once: username, end.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Names and dates of somebody added by hand."""
    from onroll_daemon.manual_users import Asked
    from onroll_daemon.manual_users import users_edit as run

    run(config, username, Asked(first, last, None, None, day(start), day(end), no_end, year, csv), as_json)


@users.command("disable")
def users_disable(
    username: str,
    why: Annotated[str, typer.Option("--why", help="For the record.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take sign-in away until somebody enables it again."""
    from onroll_daemon.manual_users import users_switch

    users_switch(config, username, False, why, as_json)


@users.command("enable")
def users_enable(username: str, config: Config = None, as_json: Json = False) -> None:
    """Take a disable by hand back."""
    from onroll_daemon.manual_users import users_switch

    users_switch(config, username, True, "", as_json)


@users.command("forget")
def users_forget(
    username: str,
    confirm: Annotated[bool, typer.Option("--confirm", help="Do it; it cannot be undone.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Forget what is known of somebody who has left, at once; the username stays taken."""
    from onroll_daemon.forgetting import users_forget as run

    run(config, username, confirm, as_json)


@users.command("display-name")
def users_display_name(username: str, name: str, config: Config = None, as_json: Json = False) -> None:
    """What a member of staff wants to be called; an empty text goes back to the school's form."""
    from onroll_daemon.manual_users import users_display_name as run

    run(config, username, name, as_json)


@users.command("link")
def users_link(
    username: str, record: str, school: _OfRecord = None, config: Config = None, as_json: Json = False
) -> None:
    """This record of the MIS is this person too."""
    from onroll_daemon.records import users_link as run

    run(config, username, record, as_json, school)


@users.command("apart")
def users_apart(
    username: str, record: str, school: _OfRecord = None, config: Config = None, as_json: Json = False
) -> None:
    """This record of the MIS is somebody else."""
    from onroll_daemon.records import users_apart as run

    run(config, username, record, as_json, school)
