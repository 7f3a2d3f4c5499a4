"""What a person says of accounts and people: these are one, these are not, and take that back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.linking.links import Linked, Names, differing, digest, linked, problems
from onroll_core.store import Store
from onroll_daemon.link_lists import Choice, Look, chosen
from onroll_daemon.operations.link_files import exactly


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What some pairs come to, or came to; `renamed` says in sentences which accounts get other names, `left_out` who was left out of a list and why."""

    pairs: Mapping[IdentityId, Anchor]
    found: list[Linked]
    digest: str
    renamed: list[str]
    left_out: Mapping[IdentityId, str]


def judged(seen: Look, pairs: Mapping[IdentityId, Anchor], keep: Names) -> Confirmed:
    """What the pairs come to. Raises Refused, with every reason, when one of them may not be."""
    wrong = problems(pairs, seen.people.values(), seen.observed, seen.target)
    if wrong:
        raise Refused("\n".join([*wrong, f"{len(wrong)} things stand in the way, so nothing was linked."]))
    found = linked(pairs, seen.people.values(), seen.observed, seen.by_name, keep)
    return Confirmed(pairs, found, digest(pairs, keep), differing(found, seen.observed, seen.by_name), {})


def listed(seen: Look, choice: Choice, which: str) -> Confirmed:
    """What confirming a filtered list would come to."""
    found = chosen(seen, choice, which)
    told = judged(seen, found.pairs, choice.keep)
    return Confirmed(told.pairs, told.found, told.digest, told.renamed, found.left_out)


def unchanged(told: Confirmed, shown: str) -> None:
    """Raises Refused when the digest that a person was shown is not that of what would be linked."""
    if shown != told.digest:
        raise Refused(
            f"The digest {shown} is not that of this list, which is {told.digest}: something has changed since. Look again."
        )


def confirm(seen: Look, told: Confirmed, by: str, now: datetime) -> None:
    """Link them all, or nobody."""
    seen.store.link_all(seen.target, told.found, by, now)


def reject(seen: Look, identity: Identity, anchor: Anchor, by: str, now: datetime) -> None:
    """Keep that an account is not this person's. Raises Refused when it is linked to them."""
    if has(identity, seen.target) == anchor:
        raise Refused(
            f"{seen.called(anchor)} is linked to {identity.label}. To take that back: onroll links undo {identity.label}"
        )
    seen.store.reject_link(seen.target, identity, anchor, by, now)


def undo(
    store: Store, school: str, target: str, named: str, by: str, now: datetime, gone: bool
) -> tuple[Identity, Identity]:
    """Take a confirmed link back, or give up an account that is `gone` for good; gives the person before and after. Raises Refused."""
    found = [each for each in store.find(school, named) if target in each.bonds]
    if len(found) != 1:
        raise Refused(f"{named!r} is {'nobody' if not found else 'more than one person'} with an account in {target}.")
    return found[0], store.undo_link(target, found[0], by, now, gone)


def person_named(seen: Look, text: str, where: str = "") -> Identity:
    """The one person whom an id, a number, a record or a username means; `where` is the place in a file. Raises Refused."""
    before = f"{where}: " if where else ""
    found = [each for each in seen.store.find(seen.school.rules.id, text) if text.lower() in exactly(each)]
    if len(found) != 1:
        raise Refused(
            f"{before}{text!r} is {'nobody' if not found else 'more than one person'} of {seen.school.rules.id}. Nothing was linked."
        )
    return found[0]


def account_named(seen: Look, text: str, where: str = "") -> Anchor:
    """The account of an anchor, a sign-in name or an address. Raises Refused."""
    anchor = seen.accounts.get(text.lower())
    if anchor is None:
        before = f"{where}: " if where else ""
        raise Refused(f"{before}{seen.target} has no account {text!r} in what onroll looks after. Nothing was linked.")
    return anchor


def has(identity: Identity, target: str) -> Anchor | None:
    """The account that somebody has in a target."""
    bond = identity.bonds.get(target)
    return None if bond is None else bond.anchor


def shape(seen: Look, told: Confirmed, done: bool) -> dict[str, object]:
    """The document of `onroll links confirm --json`."""
    made = [
        {
            "identity": each.before.id,
            "account": seen.called(each.anchor),
            "username": each.after.username,
            "email": each.after.email,
        }
        for each in told.found
    ]
    return {
        "school": seen.school.rules.id,
        "target": seen.target,
        "digest": told.digest,
        "done": done,
        "links": made,
        "renamed": told.renamed,
    }
