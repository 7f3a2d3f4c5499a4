"""`onroll rekey`: a school moves to another MIS. Who is who is shown first, done when exactly that is confirmed, and can be taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import typer

from onroll_connectors.mis import find
from onroll_core.errors import Refused
from onroll_core.handout import safe_cell
from onroll_core.identities import Identity
from onroll_core.people import Snapshot
from onroll_core.rekey import Lists, digest, key_space, lists, rekeyed, taken_back, within
from onroll_core.store import Move
from onroll_daemon.bars import watching
from onroll_daemon.nights import who
from onroll_daemon.session import FAILED, HELD, USAGE, Session, document, say, session, stop
from onroll_daemon.settings import Route, SchoolSettings
from onroll_daemon.user_files import read_rows
from onroll_daemon.wiring import memory_of, now, source_moved_to

COLUMNS = ("username", "record", "list", "name", "mis_name", "why")
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants of a move. `to` names the new MIS, `confirm` the digest of what was shown; `csv` has a person's own pairs."""

    to: str | None = None
    confirm: str | None = None
    possible: bool = False
    csv: str | None = None
    export: str | None = None
    undo: bool = False
    today: date | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """One look at both sides; `short` takes the key space off a record, as people know it."""

    move: Move
    snapshot: Snapshot
    people: Mapping[str, Identity]
    lists: Lists

    def short(self, record: str) -> str:
        return record.removeprefix(key_space(self.move.number))

    def name(self, identity: str) -> str:
        person = self.people[identity].person
        return f"{person.first or person.legal_first or ''} {person.last or person.legal_last or ''}".strip()


def rekey(config: str | None, school: str, asked: Asked, as_json: bool) -> None:
    """`onroll rekey`"""
    with session(config) as opened:
        (told,) = opened.schools(school)
        if asked.undo:
            _take_back(opened, told, as_json)
            return
        if asked.to is None:
            stop(USAGE, f"Say where the school moves to: onroll rekey {school} --to MIS")
        route = _route(told, asked.to)
        seen = _look(opened, told, route, asked)
        pairs = seen.lists.pairs(asked.possible, _by_hand(seen, asked.csv) if asked.csv else {})
        named = digest(pairs)
        rekeyed(seen.people.values(), seen.snapshot, pairs)  # a pair that cannot be is refused before it is shown
        if asked.export:
            _export(seen, asked.export)
        if asked.confirm is not None:
            _confirm(opened, told, seen, pairs, asked.confirm)
    _tell(seen, told, pairs, named, asked, as_json)
    raise typer.Exit(HELD if asked.confirm is None and pairs else 0)


def _route(school: SchoolSettings, to: str) -> Route:
    """Where the school moves to, as the configuration says; the present MIS itself where that gives everybody new records."""
    found = find(to)
    names = {to, found.name} if found else {to}
    routes = [each for each in (school.moves_to, school.route) if each is not None]
    called = [{each.name, each.name.partition(" ")[0], each.module.rpartition(".")[2]} for each in routes]
    fitting = [route for route, words in zip(routes, called, strict=True) if names & words]
    if fitting:
        return fitting[0]
    return stop(
        USAGE,
        f'The configuration does not say how to read {to}. Write [school.moves_to] with mis = "{to}" and [school.moves_to.source] with its keys below'
        f" {school.rules.id}, then try again.",
    )


def _look(opened: Session, school: SchoolSettings, route: Route, asked: Asked) -> _Seen:
    """Read the new MIS and compare. From the first look on, nobody becomes a leaver."""
    store, name = opened.store, school.rules.id
    with watching() as progress, store.lease(name, f"rekey by {who()}", now()):
        with closing(source_moved_to(school, route, store, asked.today, progress)) as source:
            snapshot = source.read()
        if not snapshot.people:
            stop(FAILED, f"{route.name} named nobody at all. An empty school is never believed; nothing was changed.")
        move = store.moves.begin(name, route.name, who(), now())
        people = store.identities(name)
        snapshot = within(snapshot, key_space(move.number))
        return _Seen(move, snapshot, {each.id: each for each in people}, lists(snapshot, people))


def _by_hand(seen: _Seen, path: str) -> dict[str, str | None]:
    """A person's own pairs. An empty record means: none of these."""
    by_name = {each.username: each for each in seen.people.values() if each.username}
    records = {seen.short(each.key.record): each.key.record for each in seen.snapshot.people}
    loose: dict[str, list[str]] = {}
    for short, record in records.items():
        loose.setdefault(short.partition(":")[2], []).append(record)
    found: dict[str, str | None] = {}
    for row in read_rows(path, ("username",), ("record",)):
        username, told = row.cells.get("username", "").lower(), row.cells.get("record", "")
        if not username:
            continue  # a record without an account, as the exported list has them
        identity = by_name.get(username)
        if identity is None:
            stop(
                FAILED,
                f"{path}, line {row.line}: nobody of {seen.move.school} has the username {username}. Nothing was changed.",
            )
        if identity.id in found:
            stop(FAILED, f"{path}, line {row.line}: {username} is in it twice. Nothing was changed.")
        named = [records[told]] if told in records else loose.get(told, [])
        if told and len(named) != 1:
            what = "has no record" if not named else "has more than one record"
            stop(FAILED, f"{path}, line {row.line}: {seen.move.to} {what} {told}. Nothing was changed.")
        found[identity.id] = named[0] if told else None
    return found


def _confirm(opened: Session, school: SchoolSettings, seen: _Seen, pairs: Mapping[Any, str], confirmed: str) -> None:
    if confirmed != digest(pairs):
        stop(
            FAILED,
            f"The digest {confirmed} is not that of these pairs, which is {digest(pairs)}: something has changed since. Look again.",
        )
    store, name = opened.store, school.rules.id
    with store.lease(name, f"rekey by {who()}", now()):
        changed = rekeyed(store.identities(name), seen.snapshot, pairs)
        store.moves.confirm(seen.move, changed, pairs, who(), now())
        if seen.move.to == school.route.name:
            # The present source may tell of the new MIS from now on.
            store.forget_memory(memory_of(name, school.route))


def _take_back(opened: Session, school: SchoolSettings, as_json: bool) -> None:
    store, name = opened.store, school.rules.id
    with store.lease(name, f"rekey by {who()}", now()):
        move = store.moves.newest(name)
        if move is None or not (move.under_way or move.pairs) or move.status == "taken back":
            raise Refused(f"{name} is not moving to another MIS, so there is nothing to take back.")
        changed = taken_back(store.identities(name), move.pairs)
        store.moves.take_back(move, changed, who(), now())
    if as_json:
        document({"school": name, "to": move.to, "taken_back": len(changed)})
    else:
        say(
            f"The move of {name} to {move.to} is taken back: {len(changed)} people have their old records alone again."
            f" Let {school.rules.id} be read from the old MIS before the next sync."
        )


def _rows(seen: _Seen) -> list[dict[str, str]]:
    """Everybody on both sides, a row each, in the order in which a person would want to look at them."""
    told = seen.lists
    mis = {each.key.record: each for each in seen.snapshot.people}

    def row(where: str, known: str | None, record: str | None, why: str = "") -> dict[str, str]:
        person = mis.get(record or "")
        return {
            "username": seen.people[known].label if known else "",
            "record": seen.short(record or ""),
            "list": where,
            "name": seen.name(known) if known else "",
            "mis_name": f"{person.first or person.legal_first or ''} {person.last or person.legal_last or ''}".strip()
            if person
            else "",
            "why": why,
        }

    found = [row("ambiguous", known, record, each.why) for each in told.ambiguous for known in each.known for record in each.records]  # fmt: skip
    for where, matches in (("possible", told.possible), ("likely", told.likely), ("linked", told.linked)):
        found += [row(where, each.known, each.record, each.why) for each in matches]
    found += [row("account without MIS record", known, None) for known in told.unmatched]
    found += [row("MIS record without account", None, record) for record in told.unknown]
    return found + [row("not in the MIS", known, None) for known in told.not_in_mis]


def _export(seen: _Seen, path: str) -> None:
    """The lists as a file to edit and give back with --csv. Ambiguous rows have no record, so that nothing is confirmed by not looking."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in _rows(seen):
        if row["list"] == "ambiguous":
            row = row | {"why": f"{row['why']}: {row['record']} perhaps", "record": ""}
        writer.writerow({name: safe_cell(value) for name, value in row.items()})
    try:
        with Path(path).open("x", encoding="utf-8", newline="") as file:
            file.write(out.getvalue())
    except OSError as failure:
        stop(USAGE, f"{path} cannot be written: {failure.strerror}. Choose a file that is not there yet.")


def _tell(
    seen: _Seen, school: SchoolSettings, pairs: Mapping[Any, str], named: str, asked: Asked, as_json: bool
) -> None:
    rows = _rows(seen)
    done = asked.confirm is not None
    if as_json:
        document({"school": school.rules.id, "to": seen.move.to, "digest": named, "pairs": len(pairs), "done": done, "people": rows})  # fmt: skip
        return
    for where in dict.fromkeys(row["list"] for row in rows):
        _tell_list(where, [row for row in rows if row["list"] == where])
    name = school.rules.id
    if done:
        switch = (
            "" if seen.move.to == school.route.name else f" In onroll.toml, let {name} be read from {seen.move.to}."
        )
        say(
            f"\n{len(pairs)} people have their record of {seen.move.to} beside the old one.{switch} The move is done with the next good read: onroll pull {name},"
            f" and look at onroll plan {name}. To take it back: onroll rekey {name} --undo"
        )
    elif pairs:
        say(
            f"\n{len(pairs)} people would get their record of {seen.move.to} beside the old one. Nobody of {name} becomes a leaver until the move is done or"
            f" taken back. If it is right, the same with: --confirm {named}"
        )
    else:
        say("\nThere is nothing to confirm.")


def _tell_list(where: str, rows: Sequence[Mapping[str, str]]) -> None:
    say(f"\n{where} ({len(rows)})")
    for row in rows[:_SHOWN]:
        both = " = ".join(each for each in (row["username"], row["record"]) if each)
        names = " / ".join(dict.fromkeys(each for each in (row["name"], row["mis_name"]) if each))
        why = f": {row['why']}" if row["why"] else ""
        say(f"  {both:<40} {names}{why}")
    if len(rows) > _SHOWN:
        say(f"  ... and {len(rows) - _SHOWN} more (all of them: --export FILE)")
