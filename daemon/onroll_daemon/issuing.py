"""First passwords: who is to be given one, what becomes of it, and the slips of those who were."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.errors import OnrollError, Refused
from onroll_core.handout import Slip, first_password
from onroll_core.identities import Identity
from onroll_core.issue import Issued, issue
from onroll_core.lifecycle import standing
from onroll_core.line import Line
from onroll_core.people import Role
from onroll_core.rules import SchoolRules
from onroll_core.store import Store
from onroll_core.templates import FIELDS
from onroll_daemon.people import shown
from onroll_daemon.settings import SchoolSettings, Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to give one. Without users (usernames or addresses), groups, years and role, everybody who never got one; `again` those who did, too.

    `looked`: when the list was looked at that these were chosen from. Whoever was handed one since then gets no second one, which would make the first useless.
    """

    users: Sequence[str] = ()
    groups: Sequence[str] = ()
    years: Sequence[str] = ()
    role: str | None = None
    again: bool = False
    looked: datetime | None = None


def chosen(store: Store, rules: SchoolRules, wanted: Wanted, now: datetime) -> list[Identity]:
    """Those who are meant. Raises Refused where a name means nobody, where nobody is left, and where somebody was faster."""
    everybody, had = store.identities(rules.id), store.handouts(rules.id)
    if wanted.users:
        found = _named(everybody, rules, wanted.users)
    else:
        found = fitting(everybody, had, rules, wanted, now)
    if not found:
        raise Refused(
            "There is nobody to give a first password to: everybody chosen has one already (--again gives another)."
        )
    late = [each for each in found if wanted.looked and each.id in had and datetime.fromisoformat(had[each.id][0]) > wanted.looked]  # fmt: skip
    if late:
        by = had[late[0].id][1] or "Somebody"
        raise Refused(
            f"{by} has given {len(late)} of them a first password since you looked ({', '.join(each.label for each in late[:5])}). Nobody was given another; look again."
        )
    return found


def fitting(
    everybody: Sequence[Identity],
    had: Mapping[IdentityId, tuple[str, str]],
    rules: SchoolRules,
    wanted: Wanted,
    now: datetime,
) -> list[Identity]:
    """Those with an account whom groups, years and role mean; `had` are the hand-outs of the past."""
    around, day = rules.around, now.date()

    def fits(each: Identity) -> bool:
        if each.username is None or not standing(each, day, rules).access or not each.bonds:
            return False
        if wanted.role is not None and each.role.value != wanted.role:
            return False
        if wanted.groups and (each.person.registration_group or "") not in wanted.groups:
            return False
        return not wanted.years or (FIELDS["year"](each, around) or "") in wanted.years

    return [each for each in everybody if fits(each) and (wanted.again or each.id not in had)]


def _named(everybody: Sequence[Identity], rules: SchoolRules, names: Sequence[str]) -> list[Identity]:
    by_name = {name: each for each in everybody for name in (each.username, each.email) if name}
    unknown = [name for name in names if name.lower() not in by_name]
    if unknown:
        raise Refused(f"Nobody of {rules.id} has the username {', '.join(unknown)}. Nobody was given a password.")
    return [by_name[name.lower()] for name in dict.fromkeys(names)]


def takers(settings: Settings, school: SchoolSettings) -> list[str]:
    """The school's targets that take passwords. Raises Refused when there is none."""
    found = [name for name in school.targets if settings.targets[name].rules.passwords]
    if not found:
        raise Refused(f"{school.rules.id} has no target that takes passwords.")
    return found


def give(line: Line, people: Sequence[Identity], targets: Sequence[str], by: str) -> Issued:
    """Give each a password in all `targets`, role by role, as each has its own kind.

    Raises Busy, or what else keeps the first role from its passwords; what befalls a later one is a reason to leave it out, or the first ones' were lost.
    """
    whole = Issued()
    chance = random.SystemRandom()
    for role in Role:
        rules = line.school.of(role)
        some = [each for each in people if each.role is role]
        if rules is None or not some:
            continue

        def draw(identity: Identity, style: Any = rules.password) -> str:
            person = identity.person
            names = (identity.username, person.first, person.last, person.legal_first, person.legal_last)
            return first_password(style, chance, [each for each in names if each])

        try:
            part = issue(line, some, draw, rules.must_change, by, targets)
        except OnrollError as failure:
            if not whole.passwords:
                raise
            whole.left_out |= {each.id: failure.sentence for each in some}
            continue
        whole.passwords |= part.passwords
        whole.left_out |= part.left_out
        whole.set_in |= part.set_in
    return whole


def slips(people: Sequence[Identity], rules: SchoolRules, issued: Issued, now: datetime) -> list[Slip]:
    """What is handed to those who were given one."""
    return [_slip(each, rules, issued, now) for each in people if each.id in issued.passwords]


def _slip(identity: Identity, rules: SchoolRules, issued: Issued, now: datetime) -> Slip:
    row = shown(identity, rules, now.date())
    group = identity.person.registration_group or ("Staff" if identity.role is Role.STAFF else "")
    password = issued.passwords[identity.id]
    return Slip(row["display_name"], identity.username or "", identity.email or "", password, group)


def shape(people: Sequence[Identity], issued: Issued) -> dict[str, Any]:
    """Who got one and who did not, in the shape of `onroll passwords issue --json`: the passwords are in the hand-out alone."""
    names = {each.id: each.username for each in people}
    return {
        "issued": [names[each] for each in issued.passwords],
        "left_out": [
            {"username": names[each], "why": why, "set_in": issued.set_in.get(each, [])}
            for each, why in issued.left_out.items()
        ],
    }
