"""Identities and the school's rules become the accounts and groups that a target should have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from onroll_core.accounts import Account, DesiredAccount, Observed
from onroll_core.changes import Conflict
from onroll_core.contracts import Abilities
from onroll_core.groups.known import moving_up
from onroll_core.identities import Identity
from onroll_core.lifecycle import Standing, standing
from onroll_core.people import Role
from onroll_core.reconcile import RECENT
from onroll_core.rules import RoleRules, SchoolRules, TargetRules
from onroll_core.templates import Surroundings, Template, first_name, last_name
from onroll_core.usernames import clean_display


def project(
    identities: Iterable[Identity], today: date, school: SchoolRules, target: TargetRules, abilities: Abilities
) -> Iterator[DesiredAccount]:
    """The account of everyone who should have one in `target`, and the disabled one of everyone who should no longer.

    Identities that still wait for a name are left out (see `waiting`), as are those who never had an account and should not get one.
    """
    around = school.around
    season = moving_up(today, school)
    by_role = {role: rules for role in Role if (rules := school.of(role)) is not None}
    for identity in identities:
        rules = by_role.get(identity.role)
        if rules is None or identity.username is None or identity.email is None:
            continue
        where = standing(identity, today, school)
        known = target.name in identity.bonds
        if not known and (where.early or not where.access):
            continue
        login = identity.username if abilities.login == "name" else identity.email
        if where.access:
            account = _account(identity, login, rules, target, abilities, around)
            arriving = _has_just_come(identity, today, school)
            moving = arriving or (identity.role is Role.STUDENT and season)
            yield DesiredAccount(
                identity.id, identity.role, account, where.because, identity.expected, moving, arriving
            )
        else:
            yield DesiredAccount(
                identity.id,
                identity.role,
                _gone(identity, login, rules, abilities, around),
                where.because,
                where.expected,
                True,
                gone=_since(where, rules),
            )


def project_abandoned(
    former: Iterable[Identity], school: SchoolRules, abilities: Abilities
) -> Iterator[DesiredAccount]:
    """The disabled account of everyone who went over to another school of the trust, which does not write to this target (see `trust.Roll`)."""
    for identity in former:
        rules = school.of(identity.role)
        if rules is not None and identity.username is not None and identity.email is not None:
            login = identity.username if abilities.login == "name" else identity.email
            gone = _gone(identity, login, rules, abilities, school.around)
            yield DesiredAccount(identity.id, identity.role, gone, f"left {school.name}", True, True)


def _has_just_come(identity: Identity, today: date, school: SchoolRules) -> bool:
    """True in the first weeks of somebody who came from another school of the trust."""
    starts = identity.person.starts
    return starts is not None and starts >= today - RECENT and any(key.school != school.id for key in identity.also)


def project_linked(
    identities: Iterable[Identity],
    driver: str,
    seen: Observed,
    school: SchoolRules,
    target: TargetRules,
    abilities: Abilities,
) -> Iterator[DesiredAccount]:
    """Link Mode: `seen` are the accounts of the target `driver`, which alone says who has one, under which names, and whether they may sign in.

    There, the MIS adds names and attributes to accounts that are linked. Every other target follows: an account for everyone who has a working one in
    `driver`, switched off when that one is. Whoever is not linked is left alone, and a leaver is nobody's to disable.
    """
    around = school.around
    for identity in identities:
        rules, bond = school.of(identity.role), identity.bonds.get(driver)
        account = None if bond is None else seen.accounts.get(bond.anchor)
        if rules is None or account is None or identity.username is None or identity.email is None:
            continue
        because = f"{driver} has {'a working' if account.enabled else 'a disabled'} account"
        wanted = _account(identity, "", rules, target, abilities, around)
        if target.name == driver:
            wanted = replace(
                wanted,
                login=account.login,
                email=account.email,
                aliases=frozenset(),
                place=None,
                enabled=account.enabled,
            )
        elif not account.enabled and target.name not in identity.bonds:
            continue
        else:
            login = identity.username if abilities.login == "name" else identity.email
            wanted = replace(wanted, login=login, enabled=account.enabled)
        yield DesiredAccount(identity.id, identity.role, wanted, because, True)


def waiting(identities: Iterable[Identity], today: date, school: SchoolRules) -> list[Conflict]:
    """Everyone who should have an account and has no name yet, with what a person can do about it."""
    found: list[Conflict] = []
    for identity in identities:
        if identity.username is None and identity.waiting is not None:
            where: Standing = standing(identity, today, school)
            if where.access and not where.early:
                found.append(Conflict(identity.id, identity.waiting, identity.proposal or ""))
    return found


def _account(
    identity: Identity, login: str, rules: RoleRules, target: TargetRules, abilities: Abilities, around: Surroundings
) -> Account:
    person = identity.person
    return Account(
        login,
        identity.email or "",
        identity.aliases,
        _clean(own_display_name(identity) or rules.display_name.render(identity, around)),
        _clean(first_name(person, around.preferred)),
        _clean(last_name(person, around.preferred)),
        rules.place.render(identity, around) if abilities.places else None,
        True,
        _attributes(identity, target.attributes.get(identity.role), around),
    )


def own_display_name(identity: Identity) -> str | None:
    """What somebody chose to be called; a pupil's name follows the MIS, whatever they chose when they were staff."""
    return None if identity.role is Role.STUDENT else identity.chosen_display_name


def _gone(identity: Identity, login: str, rules: RoleRules, abilities: Abilities, around: Surroundings) -> Account:
    """A leaver's account: sign-in is taken away, perhaps its place changes, and everything else stays as it was."""
    place = None
    if abilities.places and rules.leavers_place is not None and not identity.forgotten:
        place = rules.leavers_place.render(identity, around)
    return Account(login, identity.email or "", identity.aliases, place=place, enabled=False)


def _since(where: Standing, rules: RoleRules) -> date | None:
    """The last day on which somebody who has left could sign in; None for who is shut out for another reason."""
    return None if where.left_on is None else where.left_on + timedelta(days=rules.grace)


_NONE: Mapping[str, str] = {}


def _attributes(
    identity: Identity, templates: Mapping[str, Template] | None, around: Surroundings
) -> Mapping[str, str]:
    if not templates:
        return _NONE
    rendered = ((name, template.render(identity, around)) for name, template in templates.items())
    return {name: value.strip() for name, value in rendered if value is not None}


def _clean(text: str | None) -> str | None:
    return None if text is None else clean_display(text)
