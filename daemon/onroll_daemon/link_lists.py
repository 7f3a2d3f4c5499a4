"""Who in a target is whose: one look at both sides, the seven lists of it, and the pairs of a list that can be linked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from onroll_core.accounts import Account, Anchor, IdentityId, Observed
from onroll_core.contracts import Scope
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.linking.links import Lists, Names, Told, hindered, lists, severed
from onroll_core.store import Store
from onroll_core.store.linked import CONFIRMED, REJECTED, UNDONE
from onroll_core.templates import FIELDS
from onroll_daemon.settings import SchoolSettings, Settings
from onroll_daemon.wiring import Progress, line, now, quiet

LISTS = (
    "linked",
    "likely",
    "possible",
    "ambiguous",
    "account without MIS record",
    "MIS record without account",
    "not in the MIS",
)
AT_ONCE = ("likely", "possible")
"""The lists of which many can be confirmed at once."""


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

    store: Store
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


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of a list that can be linked; `left_out` says in a sentence of each of the others why a person has to see to it."""

    pairs: Mapping[IdentityId, Anchor]
    left_out: Mapping[IdentityId, str]


def target_of(school: SchoolSettings, named: str | None) -> str:
    """The target that is meant; without a name the one whose accounts are linked first. Raises Refused."""
    if named is None:
        if not school.targets:
            raise Refused(f"{school.rules.id} has no target, and so no accounts to link.")
        return school.rules.driver or school.targets[0]
    if named not in school.targets:
        raise Refused(f"{school.rules.id} has no target {named}; it has {', '.join(school.targets)}.")
    return named


def look(
    settings: Settings,
    school: SchoolSettings,
    store: Store,
    choice: Choice,
    told: Mapping[str, Told] | None = None,
    progress: Progress = quiet,
    stopping: Callable[[], bool] = lambda: False,
    clock: Callable[[], datetime] = now,
) -> Look:
    """Observe one target of one school, changing nothing; `told` are names of accounts from elsewhere. Raises Refused, Unavailable, Halt."""
    name, target_name = school.rules.id, target_of(school, choice.target)
    people = store.identities(name)
    if not people:
        raise Refused(f"Nothing has been read for {name} yet. Run: onroll pull {name}")
    it = line(settings, school, store, choice.today, stopping, progress, clock)
    progress(f"looking at {target_name}", 0, None)
    target = it.targets[target_name].connect()
    try:
        anchors = frozenset(each.bonds[target_name].anchor for each in people if target_name in each.bonds)
        said = store.links_said
        joined = frozenset(anchor for _, anchor in said(name, target_name, CONFIRMED))
        everything = target.observe(Scope(name, anchors, joined))
        seen = severed(everything, said(name, target_name, REJECTED, UNDONE))
        by_name = target.abilities.login == "name"
    finally:
        target.close()
    store.absorb(target_name, seen.names, clock())
    rejected = store.rejected_links(name, target_name)
    found = lists(people, seen, target_name, it.targets[target_name].rules.link_by, rejected, told or {})
    accounts = {
        text.lower(): anchor
        for anchor, each in seen.accounts.items()
        for text in (anchor, each.login, each.email)
        if text
    }
    return Look(store, school, target_name, by_name, {each.id: each for each in people}, seen, found, accounts)


def chosen(seen: Look, choice: Choice, which: str) -> Pairs:
    """The pairs of the list likely or possible that fit the filter. Raises Refused for another list."""
    if which not in AT_ONCE:
        raise Refused(f"Only the lists likely and possible can be confirmed at once, not {which}.")
    matches = seen.lists.likely if which == "likely" else seen.lists.possible
    pairs = {
        IdentityId(each.record): Anchor(each.known)
        for each in matches
        if fits(seen, seen.people[IdentityId(each.record)], choice)
    }
    out = hindered(pairs, seen.people.values(), seen.observed, seen.target)
    kept = {each: anchor for each, anchor in pairs.items() if each not in out}
    return Pairs(kept, {each: reasons[0] for each, reasons in out.items()})


def fits(seen: Look, identity: Identity, choice: Choice) -> bool:
    """Whether somebody is among those whom the filter means."""
    around = seen.school.rules.around
    return (
        (choice.role is None or identity.role.value == choice.role)
        and (not choice.groups or (identity.person.registration_group or "") in choice.groups)
        and (not choice.years or (FIELDS["year"](identity, around) or "") in choice.years)
    )


def rows(seen: Look, choice: Choice) -> list[dict[str, str]]:
    """Everybody and every account of the seven lists, in the shape of `onroll links list --json`."""
    return [_row(seen, *each) for each in placed(seen, choice)]


def placed(seen: Look, choice: Choice) -> list[tuple[str, str | None, str | None, str]]:
    """Every entry of the seven lists that fits the filter: list, identity, anchor, why."""
    told = seen.lists
    found: list[tuple[str, str | None, str | None, str]] = []
    for where, matches in (("linked", told.linked), ("likely", told.likely), ("possible", told.possible)):
        found += [(where, each.record, each.known, each.why) for each in matches]
    found += [("ambiguous", record, known, each.why) for each in told.ambiguous for record in each.records for known in each.known]  # fmt: skip
    found += [("account without MIS record", None, known, "") for known in told.accounts_alone]
    found += [("MIS record without account", record, None, "") for record in told.people_alone]
    found += [("not in the MIS", record, None, "") for record in told.not_in_mis]
    return [each for each in found if not each[1] or fits(seen, seen.people[IdentityId(each[1])], choice)]


def both(seen: Look, identity: str | None, anchor: str | None) -> tuple[Identity | None, Account | None]:
    """The two sides of an entry."""
    return (
        seen.people.get(IdentityId(identity)) if identity else None,
        seen.observed.accounts.get(Anchor(anchor)) if anchor else None,
    )


def _row(seen: Look, where: str, record: str | None, known: str | None, why: str) -> dict[str, str]:
    identity, account = both(seen, record, known)
    return {
        "list": where,
        "identity": record or "",
        "name": name_of(identity) if identity else "",
        "role": identity.role.value if identity else "",
        "record": identity.person.key.record if identity else "",
        "account": account.login if account else "",
        "account_name": (account.display_name or "") if account else "",
        "why": why,
    }


def name_of(identity: Identity) -> str:
    """First and last name, as the MIS has them."""
    person = identity.person
    return f"{person.first or person.legal_first or ''} {person.last or person.legal_last or ''}".strip()
