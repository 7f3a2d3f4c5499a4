"""`onroll rename`: many people at once, from an edited list or by the school's present format; shown first, done when exactly that is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import typer

from onroll_core.identities import Identity
from onroll_core.renames import Pending, Preview, Wish, by_format, preview
from onroll_core.rules import SchoolRules
from onroll_core.templates import FIELDS
from onroll_daemon.nights import who
from onroll_daemon.session import FAILED, HELD, USAGE, Session, document, say, say_error, session, stop
from onroll_daemon.user_files import Row, read_rows
from onroll_daemon.wiring import now


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be renamed, and when. `confirm` is the digest of a preview; without it nothing is done."""

    csv: str | None = None
    by_format: bool = False
    users: Sequence[str] = ()
    groups: Sequence[str] = ()
    years: Sequence[str] = ()
    role: str | None = None
    on: date | None = None
    keep_alias: bool = True
    confirm: str | None = None


def rename(config: str | None, school: str | None, asked: Asked, as_json: bool) -> None:
    """`onroll rename`"""
    if (asked.csv is None) == (not asked.by_format):
        stop(
            USAGE,
            "Say what to rename: --csv FILE (from onroll users list --csv), or --format with --user, --group, --year or --role.",
        )
    with session(config) as opened:
        schools = opened.schools(school)
        if len(schools) != 1:
            stop(USAGE, f"Renames are made school by school: onroll rename {schools[0].rules.id} ...")
        rules = schools[0].rules
        ledger = opened.store.ledger(rules.id)
        wishes = (
            _from_file(opened, rules, asked.csv) if asked.csv else by_format(_some(opened, rules, asked), rules, ledger)
        )
        shown = preview(wishes, rules, ledger)
        if asked.confirm is not None and not shown.problems:
            _do(opened, shown, asked)
    _tell(shown, asked, as_json)
    if shown.problems:
        raise typer.Exit(FAILED)
    raise typer.Exit(HELD if asked.confirm is None and shown.renamings else 0)


def _do(opened: Session, shown: Preview, asked: Asked) -> None:
    if asked.confirm != shown.digest:
        stop(
            FAILED,
            f"The digest {asked.confirm} is not that of these renames, which is {shown.digest}: something has changed since. Look again.",
        )
    day = asked.on or now().date()
    wanted = [
        Pending(each.identity.id, each.username, each.email, asked.keep_alias, day, who()) for each in shown.renamings
    ]
    if day > now().date():
        opened.store.put_off_renames(wanted, now())
    else:
        opened.store.rename_all(wanted, now())


def _tell(shown: Preview, asked: Asked, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "identity": each.identity.id,
                "before": {"username": each.identity.username, "email": each.identity.email},
                "after": {"username": each.username, "email": each.email},
                "problem": each.problem,
            }
            for each in shown.renamings
        ]
        done = asked.confirm is not None and not shown.problems
        document({"digest": shown.digest, "done": done, "unchanged": shown.unchanged, "renames": rows})
        return
    for each in shown.renamings:
        say(f"{each.identity.label:<20} {'; '.join(each.changes)}")
    for each in shown.problems:
        say_error(each.problem)
    count = len(shown.renamings)
    if shown.problems:
        say_error(f"{len(shown.problems)} of {count} cannot be done, so nobody was renamed.")
    elif not count:
        say(f"Nothing would change ({shown.unchanged} people have these names already).")
    elif asked.confirm is None:
        alias = "Old addresses stay as aliases" if asked.keep_alias else "Old addresses do not stay"
        say(
            f"{count} people would be renamed, {shown.unchanged} stay as they are. Sign-in names and addresses change in every target;"
            f" {alias.lower()}; home folders stay where they are. If it is right, the same with: --confirm {shown.digest}"
        )
    elif asked.on is not None and asked.on > now().date():
        say(f"{count} people will be renamed on {asked.on:%d %B %Y}.")
    else:
        say(f"{count} people are renamed from the next sync on. Now: onroll apply")


def _from_file(opened: Session, rules: SchoolRules, path: str) -> list[Wish]:
    """One wish for each row; a row of somebody who is not of this school ends the command."""
    everybody = opened.store.identities(rules.id)
    by_id = {each.id: each for each in everybody}
    by_name = {name: each for each in everybody for name in (each.username, each.email) if name}
    rows = read_rows(path, ("identity",), ("username", "email"))
    wishes = []
    for row in rows:
        found = by_id.get(row.cells.get("identity", "")) or by_name.get(row.cells.get("identity", "").lower())  # type: ignore[call-overload]
        if found is None:
            known = opened.store.identity(row.cells.get("identity", ""))  # type: ignore[arg-type]
            what = f"belongs to {known.school}, not to {rules.id}" if known else f"is nobody of {rules.id}"
            stop(
                FAILED,
                f"{path}, line {row.line}: {row.cells.get('identity') or 'the empty identity'} {what}. Nobody was renamed.",
            )
        wishes.append(_wish(found, row))
    return wishes


def _wish(identity: Identity, row: Row) -> Wish:
    """What an edited row asks for; an address that was left as it is follows the username."""
    username = row.cells.get("username", "").strip().lower() or None
    email = row.cells.get("email", "").strip().lower() or None
    if email == identity.email:
        email = None
    return Wish(identity, username, email, f"line {row.line}")


def _some(opened: Session, rules: SchoolRules, asked: Asked) -> list[Identity]:
    """Those whom the options name; somebody has to be named."""
    if not (asked.users or asked.groups or asked.years or asked.role):
        stop(
            USAGE,
            "Say whom: --user, --group, --year or --role. The new format is never given to everybody by accident.",
        )
    everybody = opened.store.identities(rules.id)
    around = rules.around
    unknown = {each.lower() for each in asked.users} - {each.username for each in everybody}
    if unknown:
        stop(FAILED, f"Nobody of {rules.id} has the username {', '.join(sorted(unknown))}. Nobody was renamed.")

    def wanted(each: Identity) -> bool:
        return (
            each.username is not None
            and (not asked.users or each.username in {name.lower() for name in asked.users})
            and (asked.role is None or each.role.value == asked.role)
            and (not asked.groups or (each.person.registration_group or "") in asked.groups)
            and (not asked.years or (FIELDS["year"](each, around) or "") in asked.years)
        )

    return [each for each in everybody if wanted(each)]
