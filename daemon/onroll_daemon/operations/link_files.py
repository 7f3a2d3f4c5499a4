"""A list of accounts and the records that they are, as somebody uploads or names it: every line is looked up, and every mistake is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_daemon.user_files import Row

COLUMNS = ("username", "mis_id")


def exactly(identity: Identity) -> set[str]:
    """All that names one person and nobody else, in lower case: records (with and without their kind), numbers, id, username and address."""
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


def pairs_of(
    rows: Iterable[Row], name: str, people: Iterable[Identity], accounts: Mapping[str, Anchor], target: str
) -> dict[IdentityId, Anchor]:
    """The pairs of a file called `name`; `accounts` are anchors by sign-in name and address, in lower case.

    Raises Refused with a line for each mistake: nothing of a file with a mistake is linked.
    """
    by_name: dict[str, list[Identity]] = {}
    for identity in people:
        for text in exactly(identity):
            by_name.setdefault(text, []).append(identity)
    pairs: dict[IdentityId, Anchor] = {}
    wrong = []
    for row in rows:
        told = _pair(row, by_name, accounts, target)
        if isinstance(told, str):
            wrong.append(f"{name}, line {row.line}: {told}")
        elif told[0] in pairs:
            wrong.append(f"{name}, line {row.line}: {row.cells['mis_id']} is in it twice.")
        elif told[1] in pairs.values():
            wrong.append(f"{name}, line {row.line}: {row.cells['username']} is in it twice.")
        else:
            pairs[told[0]] = told[1]
    if wrong:
        raise Refused("\n".join([*wrong, "Nothing was linked. Put the lines right, and send the whole file again."]))
    return pairs


def _pair(
    row: Row, people: Mapping[str, list[Identity]], accounts: Mapping[str, Anchor], target: str
) -> tuple[IdentityId, Anchor] | str:
    """The pair of a line, or what is wrong with it."""
    username, record = row.cells.get("username", ""), row.cells.get("mis_id", "")
    if not username or not record:
        return "a row needs a username and a mis_id."
    found = people.get(record.lower(), [])
    if len(found) != 1:
        return f"{record!r} is {'nobody' if not found else 'more than one person'} of this school."
    anchor = accounts.get(username.lower())
    if anchor is None:
        return f"{target} has no account {username!r} in what onroll looks after."
    return found[0].id, anchor
