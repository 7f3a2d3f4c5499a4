"""Many renames at once: who is meant, what each is to be called, and doing exactly what somebody was shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.lifecycle import GONE
from onroll_core.renames import Pending, Preview, Wish, addresses_by_format, by_format
from onroll_core.rules import SchoolRules
from onroll_core.store import Store
from onroll_core.templates import FIELDS
from onroll_daemon.user_files import Row


@dataclass(frozen=True, slots=True)
class Whom:
    """Who is meant: all that is said has to fit. Nothing said is nobody."""

    users: Sequence[str] = ()
    groups: Sequence[str] = ()
    years: Sequence[str] = ()
    role: str | None = None

    @property
    def said(self) -> bool:
        """True when anybody is named."""
        return bool(self.users or self.groups or self.years or self.role)


def named(store: Store, rules: SchoolRules, whom: Whom) -> list[Identity]:
    """Those who are meant and have a username. Raises Refused where a username is nobody's, and where nobody is named."""
    if not whom.said:
        raise Refused("Say whom: the new format is never given to everybody by accident. Nobody was renamed.")
    everybody = store.identities(rules.id)
    around = rules.around
    users = {each.lower() for each in whom.users}
    unknown = users - {each.username for each in everybody}
    if unknown:
        raise Refused(f"Nobody of {rules.id} has the username {', '.join(sorted(unknown))}. Nobody was renamed.")

    def wanted(each: Identity) -> bool:
        return (
            each.username is not None
            and each.state not in GONE
            and (not users or each.username in users)
            and (whom.role is None or each.role.value == whom.role)
            and (not whom.groups or (each.person.registration_group or "") in whom.groups)
            and (not whom.years or (FIELDS["year"](each, around) or "") in whom.years)
        )

    return [each for each in everybody if wanted(each)]


def by_the_format(store: Store, rules: SchoolRules, whom: Whom, emails: bool) -> list[Wish]:
    """What the school's present format would call them; with `emails` their addresses alone. Raises Refused as `named` does."""
    make = addresses_by_format if emails else by_format
    return make(named(store, rules, whom), rules, store.ledger(rules.id))


def from_rows(store: Store, rules: SchoolRules, rows: Iterable[Row], name: str) -> list[Wish]:
    """One wish for each row of an edited list called `name`. Raises Refused, with a line for each, when rows are of people who are not of this school."""
    everybody = store.identities(rules.id)
    by_id: dict[str, Identity] = {each.id: each for each in everybody}
    by_name = {known: each for each in everybody for known in (each.username, each.email) if known}
    wishes, strangers = [], []
    for each in rows:
        told = each.cells.get("identity", "")
        found = by_id.get(told) or by_name.get(told.lower())
        if found is None:
            strangers.append(f"{name}, line {each.line}: {_stranger(store, told, rules.id)}")
        else:
            wishes.append(_wish(found, each))
    if strangers:
        raise Refused("\n".join([*strangers, f"{len(strangers)} rows are not of {rules.id}. Nobody was renamed."]))
    return wishes


def _stranger(store: Store, told: str, school: str) -> str:
    known = [each for each in store.find(None, told) if told.lower() in (each.id, each.username, each.email)]
    if known:
        return f"{told} belongs to {known[0].school}, not to {school}."
    return f"{told or 'the empty identity'} is nobody of {school}."


def _wish(identity: Identity, row: Row) -> Wish:
    """What an edited row asks for; an address that was left as it is follows the username."""
    username = row.cells.get("username", "").strip().lower() or None
    email = row.cells.get("email", "").strip().lower() or None
    if email == identity.email:
        email = None
    return Wish(identity, username, email, f"line {row.line}")


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody says yes to: the digest of a preview, what becomes of the old addresses, and the day (None: at once)."""

    digest: str
    keep_alias: bool = True
    on: date | None = None


def do(store: Store, shown: Preview, agreed: Agreed, today: date, by: str, now: datetime) -> bool:
    """Rename everybody of a preview, or nobody; True when they wait for a later day instead.

    Raises Refused when it is not what was agreed to, when something stands in the way, and when somebody was faster.
    """
    if agreed.digest != shown.digest:
        raise Refused(
            f"The digest {agreed.digest} is not that of these renames, which is {shown.digest}: something has changed since. Look again."
        )
    if shown.problems:
        raise Refused(f"{len(shown.problems)} of {len(shown.renamings)} cannot be done, so nobody was renamed.")
    day = agreed.on or today
    wanted = [
        Pending(each.identity.id, each.username, each.email, agreed.keep_alias, day, by) for each in shown.renamings
    ]
    if day > today:
        store.put_off_renames(wanted, now)
        return True
    store.rename_all(wanted, now)
    return False
