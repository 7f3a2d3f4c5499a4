"""From the tables of a school and of a target to the rules that the core works by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, get_args

from pydantic import BaseModel

from onroll_core.chosen import Only
from onroll_core.people import GroupKind, Role
from onroll_core.periods import Period
from onroll_core.rules import Limit, Limits, Owner, RoleRules, Sanity, SchoolRules, TargetRules
from onroll_core.templates import Place, Template
from onroll_core.usernames import Format, problem_with_address
from onroll_core.years import ROLLOVERS, Rollover
from onroll_daemon.group_tables import group_rules
from onroll_daemon.mistakes import Mistakes, suggestion
from onroll_daemon.tables import LimitTable, RoleTable, SchoolTable, TargetTable
from onroll_daemon.toml_lines import Spot

Made = TypeVar("Made")

ROLES: Mapping[str, Role] = {"students": Role.STUDENT, "staff": Role.STAFF, "others": Role.OTHER}
_USERNAMES = {Role.STUDENT: "{yoe2}{initial}{last}", Role.STAFF: "{initial}.{last}", Role.OTHER: "{initial}.{last}"}
_PLACES = {Role.STUDENT: "Students/{yoe4}", Role.STAFF: "Staff", Role.OTHER: "Others"}
_OWNED = ("login", "display_name", "given", "family", "place", "aliases", "enabled")


def place_of(table: RoleTable, role: Role) -> str:
    """The place as it is written, or the role's usual one."""
    return _PLACES[role] if table.place is None else table.place


def username_of(table: RoleTable, role: Role) -> str:
    """The format of usernames as it is written, or the role's usual one."""
    return table.username or _USERNAMES[role]


def school_rules(table: SchoolTable, spot: Spot, mistakes: Mistakes) -> SchoolRules | None:
    """The rules of one school, or None when something in it cannot be used."""
    students = _role(table, table.students, Role.STUDENT, (*spot, "students"), mistakes)
    staff = _role(table, table.staff, Role.STAFF, (*spot, "staff"), mistakes)
    others = _role(table, table.others, Role.OTHER, (*spot, "others"), mistakes)
    rollover: Rollover | None = ROLLOVERS[table.country]
    if table.rollover is not None:
        text = table.rollover
        rollover = _made(lambda: Rollover.parse(text), (*spot, "rollover"), mistakes)
    if problem_with_address(f"a@{table.domain.lower()}") is not None:
        mistakes.say((*spot, "domain"), f"{table.domain!r} is not a domain; write it as in addresses, without the @.")
    keep = None
    if table.keep_leavers.strip().lower() != "always":
        keep = _made(lambda: Period.parse(table.keep_leavers), (*spot, "keep_leavers"), mistakes)
    groups = group_rules(table.groups, (*spot, "groups"), mistakes)
    if students is None or staff is None or rollover is None:
        return None
    return SchoolRules(
        table.id,
        table.name,
        table.country,
        rollover,
        students,
        staff,
        table.preferred_names,
        table.absences,
        frozenset(each.strip().upper() for each in table.enrolments),
        Limits(**_limits(table.limits)),
        Sanity(**_limits(table.sanity)),
        table.mode,
        table.life_cycle or (table.targets[0] if table.targets else ""),
        groups,
        others,
        keep,
        table.second_person,
        _only(table),
    )


def _only(table: SchoolTable) -> Only | None:
    told = table.only
    if told is None:
        return None
    roles = frozenset(ROLES[each] for each in told.roles)
    return Only(roles, frozenset(told.years), frozenset(told.registration_groups))


def _role(school: SchoolTable, table: RoleTable, role: Role, spot: Spot, mistakes: Mistakes) -> RoleRules | None:
    domain = (table.domain or school.domain).lower()
    if table.domain is not None and problem_with_address(f"a@{domain}") is not None:
        mistakes.say((*spot, "domain"), f"{table.domain!r} is not a domain; write it as in addresses, without the @.")
    text = username_of(table, role)
    # The affixes are looked at apart from the format, so that a mistake in both is told twice, at the key that holds it.
    plain = _made(lambda: Format.parse(text, role), (*spot, "username"), mistakes)
    prefixed = _made(lambda: Format.parse("{last}", role, table.prefix), (*spot, "prefix"), mistakes)
    suffixed = _made(lambda: Format.parse("{last}", role, "", table.suffix), (*spot, "suffix"), mistakes)
    username = Format.parse(text, role, table.prefix, table.suffix) if plain and prefixed and suffixed else None
    email, leavers = None, None
    if table.email is not None:
        local = table.email
        email = _made(lambda: Format.parse(local, role), (*spot, "email"), mistakes)
    if table.leavers_place is not None:
        last = table.leavers_place
        leavers = _made(lambda: Place.parse(last), (*spot, "leavers_place"), mistakes)
    place = _made(lambda: Place.parse(place_of(table, role)), (*spot, "place"), mistakes)
    display = _made(lambda: Template.parse(table.display_name), (*spot, "display_name"), mistakes)
    if username is None or place is None or display is None:
        return None
    password = table.password or ("words" if role is Role.STUDENT else "strong")
    return RoleRules(
        username,
        place,
        display,
        domain,
        email,
        table.grace,
        table.early,
        leavers,
        table.provision,
        password,
        table.must_change,
    )


def _limits(table: BaseModel) -> dict[str, Limit]:
    return {name: Limit(each.count, each.percent) for name, each in table if isinstance(each, LimitTable)}


def _made(make: Callable[[], Made], spot: Spot, mistakes: Mistakes) -> Made | None:
    try:
        return make()
    except ValueError as problem:
        mistakes.say(spot, str(problem))
        return None


def target_rules(name: str, table: TargetTable, spot: Spot, mistakes: Mistakes) -> TargetRules:
    """What is written to a target beside names, and who minds which value."""
    attributes: dict[Role, dict[str, Template]] = {}
    for who, texts in table.attributes.items():
        role = ROLES.get(who)
        if role is None:
            mistakes.say((*spot, "attributes", who), f"there is no such role. {suggestion(who, ROLES)}")
            continue
        for attribute, text in texts.items():
            template = _made(lambda text=text: Template.parse(text), (*spot, "attributes", who, attribute), mistakes)  # type: ignore[misc]
            if template is not None:
                attributes.setdefault(role, {})[attribute] = template
    owners: dict[str, Owner] = {}
    known = {*_OWNED, *(attribute for texts in table.attributes.values() for attribute in texts)}
    for value, owner in table.owners.items():
        if value not in known:
            mistakes.say((*spot, "owners", value), f"onroll writes no such value here. {suggestion(value, known)}")
        found = next((each for each in get_args(Owner) if each == owner), None)
        if found is None:
            mistakes.say((*spot, "owners", value), f"{owner!r} minds nothing: write always, once or never.")
        else:
            owners[value] = found
    for kind in table.groups:
        if kind not in set(GroupKind):
            mistakes.say((*spot, "groups"), f"{kind!r} is no kind of group. {suggestion(kind, list(GroupKind))}")
    groups = frozenset(kind for kind in GroupKind if kind in table.groups)
    return TargetRules(
        name,
        attributes,
        owners,
        groups,
        table.strangers,
        table.passwords,
        dict(table.link_by),
        table.release_licences_after,
        table.observe_only,
    )
