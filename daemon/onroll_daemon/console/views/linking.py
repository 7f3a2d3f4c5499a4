"""What somebody says of accounts and people, before it is asked for: whether it is still what was shown, and what became of what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.linking.links import Names
from onroll_core.store.requests import DONE, Request
from onroll_core.usernames import fold
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import Conflict, NoSuch
from onroll_daemon.console.views import links
from onroll_daemon.console.views.links import Filters, Seen
from onroll_daemon.console.views.requests import shown
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations.link_files import COLUMNS, pairs_of
from onroll_daemon.user_files import rows_of

KINDS = ("links", "link", "reject-link", "unlink")
_LISTED = 20


def ask(place: Place, school: str, kind: str, wanted: dict[str, Any], visitor: Visitor, what: str, about: str = "") -> int:  # fmt: skip
    """Ask the desk for something, and note who did; gives the number of the request."""
    now = place.clock()
    number = place.store.requests.ask(school, kind, wanted, visitor.by, now)
    place.store.console.audit.note(now, visitor.by, school, what, about)
    place.wake()
    return number


def going(place: Place, school: str) -> list[dict[str, Any]]:
    """What is asked about links and not over, as `parts.watch` takes it."""
    return [shown(each) for each in place.store.requests.open(school) if each.kind in KINDS]


def outcome(place: Place, school: str, number: int) -> tuple[str, str] | None:
    """What became of a request of these pages, as a flash message; None while it is not over, and where there is nothing to say."""
    found = place.store.requests.get(number) if 0 < number < 2**31 else None
    if found is None or found.school != school or found.kind not in KINDS or not found.over:
        return None
    result = found.result or {}
    if found.status != DONE:
        return "error", str(result.get("error") or "It was not done.")
    return _done(found, result)


def _done(found: Request, result: Mapping[str, Any]) -> tuple[str, str] | None:
    match found.kind:
        case "link":
            count, renamed = len(result["links"]), len(result["renamed"])
            told = "One person is linked to their account." if count == 1 else f"{count} people are linked to their accounts."  # fmt: skip
            told += f" {renamed} of the accounts get other names at the next sync." if renamed else ""
            return "done", f"{told} onroll looks after them from the next sync on."
        case "reject-link":
            return "done", f"{len(result['rejected'])} turned down: not theirs, and not suggested again."
        case "unlink" if result.get("gone"):
            return "done", "The account is given up. If it cannot be found, the next sync makes another one."
        case "unlink":
            return "done", "The link is taken back; the account is left as it is."
    return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the desk for a whole list, and whom that links."""

    asked: dict[str, Any]
    pairs: Mapping[IdentityId, Anchor]


def whole_list(
    place: Place, school: str, target: str, tab: str, filters: Filters, keep: Names, digest: str
) -> Wanted:  # fmt: skip
    """All of a filtered list. Raises Conflict when it is not the one that `digest` names any more, Refused where it may not be confirmed at once."""
    if tab not in links.AT_ONCE:
        raise Refused("Only the lists likely and possible can be confirmed at once. Nothing was linked.")
    seen = links.seen(place, school, target, keep)
    told = links.at_once(seen.of(tab, filters) if seen else [], keep)
    if told.digest != digest:
        raise Conflict("The list has changed since you looked at it. Look through it again. Nothing was linked.")
    if not told.pairs:
        raise Refused("There is nobody in this list to link.")
    return Wanted(links.of_list(tab, filters, told, target, keep), told.pairs)


def free(place: Place, school: str, target: str, pairs: Mapping[IdentityId, Anchor]) -> None:
    """Raises Conflict when somebody of the pairs has an account by now, or an account of them is somebody's; NoSuch for a person of another school."""
    people = {each.id: each for each in place.store.identities(school)}
    holders = {each.bonds[target].anchor: each for each in people.values() if target in each.bonds}
    settled = []
    for who, anchor in pairs.items():
        if who not in people:
            raise NoSuch("There is no such person, or you may not see them.")
        if target in people[who].bonds:
            settled.append(f"{name_of(people[who])} has an account in {target} by now.")
        elif anchor in holders:
            settled.append(
                f"The account chosen for {name_of(people[who])} is linked to {holders[anchor].label} by now."
            )
    if settled:
        more = f" And {len(settled) - 5} more." if len(settled) > 5 else ""
        raise Conflict(f"{' '.join(settled[:5])}{more} Somebody may have been faster. Nothing was linked.")


def person_in(place: Place, school: str, who: str) -> Identity:
    """A person of the school. Raises NoSuch."""
    found = place.store.identity(IdentityId(who))
    if found is None or found.school != school:
        raise NoSuch("There is no such person, or you may not see them.")
    return found


def name_of(identity: Identity) -> str:
    """First and last name, else what they are called."""
    person = identity.person
    told = f"{person.first or person.legal_first or ''} {person.last or person.legal_last or ''}".strip()
    return told or identity.label


@dataclass(frozen=True, slots=True)
class Sides:
    """People without an account and accounts without a person: the first of those who fit, and how many do."""

    people: Sequence[Mapping[str, Any]]
    people_total: int
    accounts: Sequence[Mapping[str, Any]]
    accounts_total: int


def sides(seen: Seen, person: str, account: str, who: str, anchor: str) -> Sides:
    """Both sides of a link by hand, each narrowed by a search; who is chosen already stands first."""
    open_ = [row for row in seen.rows if row.tab != "linked"]
    people = {row.ours["identity"]: row.ours for row in open_ if row.ours}
    accounts = {row.theirs["anchor"]: row.theirs for row in open_ if row.theirs}
    fit = _narrowed(people.values(), person, ("name", "record", "username", "email"), "identity", who)
    also = _narrowed(accounts.values(), account, ("login", "email", "display_name", "place"), "anchor", anchor)
    return Sides(fit[:_LISTED], len(fit), also[:_LISTED], len(also))


def _narrowed(found: Any, text: str, names: Sequence[str], key: str, chosen: str) -> list[Mapping[str, Any]]:
    words = [fold(word) for word in text.split()]
    fit = [
        each
        for each in found
        if each[key] == chosen or all(any(word in fold(each[name]) for name in names) for word in words)
    ]
    return sorted(fit, key=lambda each: (each[key] != chosen, each[names[0]].casefold()))


def from_file(place: Place, school: str, target: str, raw: bytes, name: str) -> tuple[dict[IdentityId, Anchor], int]:
    """The pairs of an uploaded list that are not linked yet, and how many are. Raises Refused (or Halt) with a line for every mistake."""
    seen = links.seen(place, school, target, "theirs")
    if seen is None:
        raise Refused("Nobody has looked at this target yet. Look at the lists first, so that the accounts are known.")
    rows = rows_of(raw, name, COLUMNS[:1], COLUMNS[1:])
    pairs = pairs_of(rows, name, seen.people.values(), seen.accounts, target)
    if not rows:
        raise Refused(f"{name} has no line below its first one. Nothing was linked.")
    new = {who: anchor for who, anchor in pairs.items() if _anchor(seen.people[who], target) != anchor}
    return new, len(pairs) - len(new)


def _anchor(identity: Identity, target: str) -> Anchor | None:
    bond = identity.bonds.get(target)
    return None if bond is None else bond.anchor
