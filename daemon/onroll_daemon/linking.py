"""`onroll links`: accounts that were there before us, and whose they are. onroll suggests; a person confirms, rejects, imports a list, and takes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Refused
from onroll_core.linking.links import Told, digest
from onroll_core.people import Role
from onroll_daemon import link_acts as acts
from onroll_daemon.bars import watching
from onroll_daemon.link_lists import AT_ONCE, LISTS, Choice, Look, Pairs, chosen, look, name_of, rows, target_of
from onroll_daemon.links_telling import tell_list, tell_pairs
from onroll_daemon.nights import who
from onroll_daemon.session import FAILED, HELD, USAGE, Session, document, say, say_error, session, stop
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.user_files import read_rows
from onroll_daemon.wiring import now

__all__ = ["Choice", "links_confirm", "links_import", "links_list", "links_reject", "links_undo"]


def links_list(config: str | None, choice: Choice, as_json: bool) -> None:
    """`onroll links list`"""
    with _looked(config, choice) as seen:
        found = rows(seen, choice)
        pairs = _said(seen, chosen(seen, choice, "likely")).pairs
        named = digest(pairs, choice.keep)
        if as_json:
            document(
                {
                    "school": seen.school.rules.id,
                    "target": seen.target,
                    "digest": named,
                    "likely": len(pairs),
                    "people": found,
                }
            )
            return
        for where in LISTS:
            tell_list(where, [row for row in found if row["list"] == where])
        if pairs:
            say(f"\nTo confirm the {len(pairs)} likely ones: onroll links confirm --list likely --digest {named}")


def links_confirm(
    config: str | None,
    choice: Choice,
    person: str | None,
    account: str | None,
    which: str | None,
    confirm: str | None,
    as_json: bool,
) -> None:
    """`onroll links confirm`: one pair, or a filtered list by its digest."""
    with _looked(config, choice) as seen:
        if which is not None:
            if which not in AT_ONCE:
                stop(USAGE, f"Only the lists likely and possible can be confirmed at once, not {which}.")
            pairs = _said(seen, chosen(seen, choice, which)).pairs
            told = acts.judged(seen, pairs, choice.keep)
            if confirm is None:
                _tell(seen, told, as_json, done=False)
                raise typer.Exit(HELD if pairs else 0)
            acts.unchanged(told, confirm)
        elif person is not None and account is not None:
            pair = {acts.person_named(seen, person).id: acts.account_named(seen, account)}
            told = acts.judged(seen, pair, choice.keep)
        else:
            stop(USAGE, "Say what to confirm: onroll links confirm PERSON ACCOUNT, or --list likely.")
        acts.confirm(seen, told, who(), now())
        _tell(seen, told, as_json, done=True)


def links_import(config: str | None, choice: Choice, path: str, as_json: bool) -> None:
    """`onroll links import`: a list of accounts and the records that they are, which counts as confirmed; all of it or nothing."""
    with _looked(config, choice) as seen:
        pairs: dict[IdentityId, Anchor] = {}
        for row in read_rows(path, ("username",), ("mis_id",)):
            where = f"{path}, line {row.line}"
            username, record = row.cells.get("username", ""), row.cells.get("mis_id", "")
            if not username or not record:
                stop(FAILED, f"{where}: a row needs a username and a mis_id. Nothing was linked.")
            person = acts.person_named(seen, record, where)
            if person.id in pairs:
                stop(FAILED, f"{where}: {record} is in it twice. Nothing was linked.")
            pairs[person.id] = acts.account_named(seen, username, where)
        new = {each: anchor for each, anchor in pairs.items() if acts.has(seen.people[each], seen.target) != anchor}
        told = acts.judged(seen, new, choice.keep)
        acts.confirm(seen, told, who(), now())
        _tell(seen, told, as_json, done=True, named=digest(pairs, choice.keep))


def links_reject(config: str | None, choice: Choice, person: str, account: str, as_json: bool) -> None:
    """`onroll links reject`"""
    with _looked(config, choice) as seen:
        identity, anchor = acts.person_named(seen, person), acts.account_named(seen, account)
        acts.reject(seen, identity, anchor, who(), now())
        if as_json:
            document({"identity": identity.id, "account": anchor, "rejected": True})
        else:
            say(f"{account} is not {name_of(identity)}, and is not suggested again.")


def links_undo(config: str | None, choice: Choice, person: str, as_json: bool, gone: bool = False) -> None:
    """`onroll links undo`"""
    with session(config) as opened:
        school = _school(opened, choice)
        target = _target(school, choice)
        before, after = acts.undo(opened.store, school.rules.id, target, person, who(), now(), gone)
        if as_json:
            document({"identity": after.id, "username": after.username, "undone": True})
        elif gone:
            say(
                f"The account of {before.label} in {target} is given up. If it cannot be found, the next sync makes another one."
            )
        else:
            say(f"The link of {before.label} in {target} is taken back; the account is left as it is.")


@contextmanager
def _looked(config: str | None, choice: Choice) -> Iterator[Look]:
    """One look, for one command."""
    with session(config) as opened:
        school = _school(opened, choice)
        _target(school, choice)
        told = _told(choice.names) if choice.names else {}
        with watching() as progress:
            seen = look(opened.settings, school, opened.store, choice, told, progress)
        yield seen


def _school(opened: Session, choice: Choice) -> SchoolSettings:
    schools = opened.schools(choice.school)
    if len(schools) != 1:
        stop(USAGE, f"Links are made school by school: name one with --school {schools[0].rules.id}")
    return schools[0]


def _target(school: SchoolSettings, choice: Choice) -> str:
    try:
        return target_of(school, choice.target)
    except Refused as failure:
        stop(USAGE, failure.sentence)


def _told(path: str) -> dict[str, Told]:
    """A list of the directory's users with their names, for accounts whose own are blank."""
    roles = {"student": Role.STUDENT, "pupil": Role.STUDENT, "staff": Role.STAFF, "teacher": Role.STAFF}
    kinds = {"upn": "upn", "scn": "scn", "admission_number": "admission number", "staff_code": "staff code"}
    found = {}
    for row in read_rows(path, ("username",), ("first", "last", "role", *kinds)):
        cells = row.cells
        numbers = {kind: cells[name] for name, kind in kinds.items() if cells.get(name)}
        told = Told(cells.get("first", ""), cells.get("last", ""), roles.get(cells.get("role", "").lower()), numbers)
        found[cells.get("username", "").lower()] = told
    return found


def _said(seen: Look, found: Pairs) -> Pairs:
    """The pairs of a list, once those that are left out have been told."""
    for each, reason in found.left_out.items():
        say_error(f"{name_of(seen.people[each])} is left out: {reason}")
    return found


def _tell(seen: Look, told: acts.Confirmed, as_json: bool, done: bool, named: str | None = None) -> None:
    """`named` is the digest where it is that of more than what was linked now."""
    if as_json:
        document(acts.shape(seen, told, done) | {"digest": named or told.digest})
    else:
        tell_pairs(seen.school.rules.id, seen.target, len(told.found), told.renamed, named or told.digest, done)
