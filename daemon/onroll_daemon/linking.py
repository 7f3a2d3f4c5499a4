"""`onroll links`: accounts that were there before us, and whose they are. onroll suggests; a person confirms, rejects, imports a list, and takes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import typer

from onroll_core.accounts import Anchor, IdentityId, Observed
from onroll_core.contracts import Scope
from onroll_core.identities import Identity
from onroll_core.linking.links import (
    Linked,
    Lists,
    Names,
    Told,
    differing,
    digest,
    hindered,
    linked,
    lists,
    problems,
    severed,
)
from onroll_core.people import Role
from onroll_core.store.linked import CONFIRMED, REJECTED, UNDONE
from onroll_core.templates import FIELDS
from onroll_daemon.bars import watching
from onroll_daemon.links_telling import tell_list, tell_pairs
from onroll_daemon.nights import who
from onroll_daemon.session import FAILED, HELD, USAGE, Session, document, say, say_error, session, stop
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.user_files import read_rows
from onroll_daemon.wiring import line, now

LISTS = (
    "linked",
    "likely",
    "possible",
    "ambiguous",
    "account without MIS record",
    "MIS record without account",
    "not in the MIS",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which target, and whom of a list; `names` is a file that says what accounts are called, `keep` whose names count."""

    school: str | None = None
    target: str | None = None
    names: str | None = None
    years: Sequence[str] = ()
    groups: Sequence[str] = ()
    role: str | None = None
    keep: Names = "theirs"
    today: date | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a target and the people of a school; `by_name`: people sign in there by a short name."""

    opened: Session
    school: SchoolSettings
    target: str
    by_name: bool
    people: Mapping[IdentityId, Identity]
    observed: Observed
    lists: Lists
    accounts: Mapping[str, Anchor] = field(default_factory=dict)

    def called(self, anchor: str) -> str:
        """The account's sign-in name."""
        account = self.observed.accounts.get(Anchor(anchor))
        return account.login if account else anchor


def links_list(config: str | None, choice: Choice, as_json: bool) -> None:
    """`onroll links list`"""
    with _looked(config, choice) as look:
        rows = _rows(look, choice)
        pairs = _chosen(look, choice, "likely")
        named = digest(pairs, choice.keep)
        if as_json:
            document(
                {
                    "school": look.school.rules.id,
                    "target": look.target,
                    "digest": named,
                    "likely": len(pairs),
                    "people": rows,
                }
            )
            return
        for where in LISTS:
            tell_list(where, [row for row in rows if row["list"] == where])
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
    with _looked(config, choice) as look:
        if which is not None:
            if which not in ("likely", "possible"):
                stop(USAGE, f"Only the lists likely and possible can be confirmed at once, not {which}.")
            pairs = _chosen(look, choice, which)
            named = digest(pairs, choice.keep)
            found = _judged(look, pairs, choice)
            if confirm is None:
                _tell(look, found, as_json, named, done=False)
                raise typer.Exit(HELD if pairs else 0)
            if confirm != named:
                stop(
                    FAILED,
                    f"The digest {confirm} is not that of this list, which is {named}: something has changed since. Look again.",
                )
        elif person is not None and account is not None:
            pairs = {_person(look, person).id: _account(look, account)}
            found, named = _judged(look, pairs, choice), digest(pairs, choice.keep)
        else:
            stop(USAGE, "Say what to confirm: onroll links confirm PERSON ACCOUNT, or --list likely.")
        look.opened.store.link_all(look.target, found, who(), now())
        _tell(look, found, as_json, named, done=True)


def links_import(config: str | None, choice: Choice, path: str, as_json: bool) -> None:
    """`onroll links import`: a list of accounts and the records that they are, which counts as confirmed; all of it or nothing."""
    with _looked(config, choice) as look:
        pairs: dict[IdentityId, Anchor] = {}
        for row in read_rows(path, ("username",), ("mis_id",)):
            where = f"{path}, line {row.line}"
            username, record = row.cells.get("username", ""), row.cells.get("mis_id", "")
            if not username or not record:
                stop(FAILED, f"{where}: a row needs a username and a mis_id. Nothing was linked.")
            person = _person(look, record, where)
            if person.id in pairs:
                stop(FAILED, f"{where}: {record} is in it twice. Nothing was linked.")
            pairs[person.id] = _account(look, username, where)
        done = {each: anchor for each, anchor in pairs.items() if _has(look.people[each], look.target) == anchor}
        found = _judged(look, {each: anchor for each, anchor in pairs.items() if each not in done}, choice)
        look.opened.store.link_all(look.target, found, who(), now())
        _tell(look, found, as_json, digest(pairs, choice.keep), done=True)


def links_reject(config: str | None, choice: Choice, person: str, account: str, as_json: bool) -> None:
    """`onroll links reject`"""
    with _looked(config, choice) as look:
        identity, anchor = _person(look, person), _account(look, account)
        if _has(identity, look.target) == anchor:
            stop(
                FAILED,
                f"{account} is linked to {identity.label}. To take that back: onroll links undo {identity.label}",
            )
        look.opened.store.reject_link(look.target, identity, anchor, who(), now())
        if as_json:
            document({"identity": identity.id, "account": anchor, "rejected": True})
        else:
            say(f"{account} is not {_name(identity)}, and is not suggested again.")


def links_undo(config: str | None, choice: Choice, person: str, as_json: bool, gone: bool = False) -> None:
    """`onroll links undo`"""
    with session(config) as opened:
        school = _school(opened, choice)
        target = _target(school, choice)
        found = [each for each in opened.store.find(school.rules.id, person) if target in each.bonds]
        if len(found) != 1:
            stop(
                FAILED,
                f"{person!r} is {'nobody' if not found else 'more than one person'} with an account in {target}.",
            )
        after = opened.store.undo_link(target, found[0], who(), now(), gone)
        if as_json:
            document({"identity": after.id, "username": after.username, "undone": True})
        elif gone:
            say(
                f"The account of {found[0].label} in {target} is given up. If it cannot be found, the next sync makes another one."
            )
        else:
            say(f"The link of {found[0].label} in {target} is taken back; the account is left as it is.")


@contextmanager
def _looked(config: str | None, choice: Choice) -> Iterator[Look]:
    """Observe one target of one school, changing nothing."""
    with session(config) as opened:
        school = _school(opened, choice)
        name, target_name = school.rules.id, _target(school, choice)
        people = opened.store.identities(name)
        if not people:
            stop(FAILED, f"Nothing has been read for {name} yet. Run: onroll pull {name}")
        with watching() as progress:
            it = line(opened.settings, school, opened.store, choice.today, progress=progress)
            target = it.targets[target_name].connect()
            try:
                anchors = frozenset(each.bonds[target_name].anchor for each in people if target_name in each.bonds)
                said = opened.store.links_said
                joined = frozenset(anchor for _, anchor in said(name, target_name, CONFIRMED))
                everything = target.observe(Scope(name, anchors, joined))
                seen = severed(everything, said(name, target_name, REJECTED, UNDONE))
                by_name = target.abilities.login == "name"
            finally:
                target.close()
        opened.store.absorb(target_name, seen.names, now())
        rejected = opened.store.rejected_links(name, target_name)
        told = _told(choice.names) if choice.names else {}
        found = lists(people, seen, target_name, it.targets[target_name].rules.link_by, rejected, told)
        accounts = {
            text.lower(): anchor
            for anchor, each in seen.accounts.items()
            for text in (anchor, each.login, each.email)
            if text
        }
        yield Look(opened, school, target_name, by_name, {each.id: each for each in people}, seen, found, accounts)


def _school(opened: Session, choice: Choice) -> SchoolSettings:
    schools = opened.schools(choice.school)
    if len(schools) != 1:
        stop(USAGE, f"Links are made school by school: name one with --school {schools[0].rules.id}")
    return schools[0]


def _target(school: SchoolSettings, choice: Choice) -> str:
    if choice.target is None:
        if not school.targets:
            stop(USAGE, f"{school.rules.id} has no target, and so no accounts to link.")
        return school.rules.driver or school.targets[0]
    if choice.target not in school.targets:
        stop(USAGE, f"{school.rules.id} has no target {choice.target}; it has {', '.join(school.targets)}.")
    return choice.target


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


def _person(look: Look, text: str, where: str = "") -> Identity:
    """The one person whom an id, a number, a record or a username means."""
    before = f"{where}: " if where else ""
    found = [each for each in look.opened.store.find(look.school.rules.id, text) if text.lower() in _exactly(each)]
    if len(found) != 1:
        stop(
            FAILED,
            f"{before}{text!r} is {'nobody' if not found else 'more than one person'} of {look.school.rules.id}. Nothing was linked.",
        )
    return found[0]


def _exactly(identity: Identity) -> set[str]:
    person = identity.person
    numbers = (
        person.upn,
        person.scn,
        person.admission_number,
        person.staff_code,
        identity.id,
        identity.username,
        identity.email,
    )
    records = [text for key in identity.keys for text in (key.record, key.record.partition(":")[2])]
    return {each.lower() for each in (*numbers, *records) if each}


def _account(look: Look, text: str, where: str = "") -> Anchor:
    anchor = look.accounts.get(text.lower())
    if anchor is None:
        stop(
            FAILED,
            f"{f'{where}: ' if where else ''}{look.target} has no account {text!r} in what onroll looks after. Nothing was linked.",
        )
    return anchor


def _has(identity: Identity, target: str) -> Anchor | None:
    bond = identity.bonds.get(target)
    return None if bond is None else bond.anchor


def _name(identity: Identity) -> str:
    person = identity.person
    return f"{person.first or person.legal_first or ''} {person.last or person.legal_last or ''}".strip()


def _chosen(look: Look, choice: Choice, which: str) -> dict[IdentityId, Anchor]:
    """The pairs of a list that fit the filter and can be linked; those that cannot are for a person, one by one."""
    matches = look.lists.likely if which == "likely" else look.lists.possible
    pairs = {
        IdentityId(each.record): Anchor(each.known)
        for each in matches
        if _fits(look, look.people[IdentityId(each.record)], choice)
    }
    left_out = hindered(pairs, look.people.values(), look.observed, look.target)
    for each, reasons in left_out.items():
        say_error(f"{_name(look.people[each])} is left out: {reasons[0]}")
    return {each: anchor for each, anchor in pairs.items() if each not in left_out}


def _fits(look: Look, identity: Identity, choice: Choice) -> bool:
    around = look.school.rules.around
    return (
        (choice.role is None or identity.role.value == choice.role)
        and (not choice.groups or (identity.person.registration_group or "") in choice.groups)
        and (not choice.years or (FIELDS["year"](identity, around) or "") in choice.years)
    )


def _judged(look: Look, pairs: Mapping[IdentityId, Anchor], choice: Choice) -> list[Linked]:
    """What the pairs come to; the command ends here when one of them may not be."""
    wrong = problems(pairs, look.people.values(), look.observed, look.target)
    if wrong:
        stop(FAILED, *wrong, f"{len(wrong)} things stand in the way, so nothing was linked.")
    return linked(pairs, look.people.values(), look.observed, look.by_name, choice.keep)


def _rows(look: Look, choice: Choice) -> list[dict[str, str]]:
    told = look.lists

    def row(where: str, record: str | None, known: str | None, why: str = "") -> dict[str, str]:
        identity = look.people.get(IdentityId(record)) if record else None
        account = look.observed.accounts.get(Anchor(known)) if known else None
        return {
            "list": where,
            "identity": record or "",
            "name": _name(identity) if identity else "",
            "role": identity.role.value if identity else "",
            "record": identity.person.key.record if identity else "",
            "account": account.login if account else "",
            "account_name": (account.display_name or "") if account else "",
            "why": why,
        }

    found = []
    for where, matches in (("linked", told.linked), ("likely", told.likely), ("possible", told.possible)):
        found += [row(where, each.record, each.known, each.why) for each in matches]
    found += [row("ambiguous", record, known, each.why) for each in told.ambiguous for record in each.records for known in each.known]  # fmt: skip
    found += [row("account without MIS record", None, known) for known in told.accounts_alone]
    found += [row("MIS record without account", record, None) for record in told.people_alone]
    found += [row("not in the MIS", record, None) for record in told.not_in_mis]
    return [
        each for each in found if not each["identity"] or _fits(look, look.people[IdentityId(each["identity"])], choice)
    ]


def _tell(look: Look, found: Sequence[Linked], as_json: bool, named: str, done: bool) -> None:
    renamed = differing(found, look.observed, look.by_name)
    tell_pairs(look.school.rules.id, look.target, found, renamed, look.called, as_json, named, done)
