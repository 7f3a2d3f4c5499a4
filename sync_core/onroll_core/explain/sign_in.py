"""Why an account may or may not sign in, where it is kept and what else is written to it, target by target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from onroll_core.accounts import Account, Observed
from onroll_core.changes import Conflict
from onroll_core.explain.words import TABLES, Row, Rulebook, Thing, last_change, record_of, standing_record
from onroll_core.identities import Bond, Identity, State
from onroll_core.lifecycle import Standing
from onroll_core.plan import Plan
from onroll_core.rules import TargetRules

SWITCHES = ("create", "enable", "disable")


@dataclass(frozen=True, slots=True)
class There:
    """One target at this moment. `observed` is None when it was not asked or, with `error`, could not be reached; `plan` is what tonight would do to
    everybody, `verdict` and `objections` what would become of that. `last` is the last plan that was kept (see `Store.last_plan`)."""

    rules: TargetRules
    observed: Observed | None = None
    error: str = ""
    plan: Plan | None = None
    verdict: str = ""
    objections: Sequence[str] = ()
    last: Row | None = None


def conflicts_of(identity: Identity, there: There) -> list[Conflict]:
    """What a person has to decide about somebody in this target."""
    return [each for each in there.plan.conflicts if each.identity == identity.id] if there.plan else []


def sign_in(identity: Identity, where: Standing, there: There, book: Rulebook, history: Sequence[Row]) -> Thing:
    """Whether they may sign in to one target."""
    name = there.rules.name
    made = last_change(history, name, SWITCHES)
    thing = Thing("sign-in", "", "", standing_record(identity), standing_rule(identity, where, book), name)
    bond = identity.bonds.get(name)
    if book.school.mode == "link":
        return _linked(identity, thing, there, book).made_by(made)
    if bond is None:
        return _no_account(identity, thing, where, there, book)
    account = there.observed.accounts.get(bond.anchor) if there.observed else None
    if there.observed is None:
        return _as_left(thing, where, bond).made_by(made)
    if account is None:
        why = f"it was deleted in {name}, or moved to where onroll may not look"
        return replace(thing, value="gone", because=why, rule="").made_by(made)
    return _seen(thing, where, bond, account, there, book).made_by(made)


def _seen(thing: Thing, where: Standing, bond: Bond, account: Account, there: There, book: Rulebook) -> Thing:
    deleted = bond.anchor in (there.observed.deleted if there.observed else ())
    value = "deleted" if deleted else "enabled" if account.enabled else "disabled"
    owner = there.rules.owner("enabled")
    mine = book.of(f"targets.{thing.target}.owners", "enabled", owner)
    if account.enabled == where.access and not deleted:
        return replace(thing, value=value, because=_because(where))
    if owner == "never":
        return replace(thing, value=value, because="somebody else minds this in the target", rule=mine)
    if account.enabled:
        return replace(thing, value=value, because=f"{_because(where)}, and it has not been disabled yet")
    if deleted or bond.enabled is False or owner == "always":
        return replace(thing, value=value, because=f"{where.because}, so it is to be given back")
    why = f"somebody disabled it in {thing.target}, not onroll, and so it stays until they enable it there ({where.because})"
    return replace(thing, value=value, because=why, rule=mine)


def _as_left(thing: Thing, where: Standing, bond: Bond) -> Thing:
    value = {True: "enabled", False: "disabled", None: "unknown"}[bond.enabled]
    seen = "onroll has neither enabled nor disabled it" if bond.enabled is None else "so onroll left it"
    return replace(thing, value=value, because=f"{_because(where)}; {seen}, and the target was not asked")


def _no_account(identity: Identity, thing: Thing, where: Standing, there: There, book: Rulebook) -> Thing:
    if not where.access:
        return replace(thing, value="no account", because=_because(where))
    if identity.username is None:
        why = f"waits for a name: {identity.waiting or 'it is issued at the next reading'}"
        return replace(thing, value="no account", because=why)
    if where.early:
        days = getattr(book.school.of(identity.role), "early", None)
        return replace(thing, value="no account yet", because=f"{where.because}; it is made {days} days before")
    for conflict in conflicts_of(identity, there):
        return replace(thing, value="no account", because=conflict.why, rule="")
    return replace(thing, value="no account yet", because=f"{where.because}, so it is made at the next sync")


def _linked(identity: Identity, thing: Thing, there: There, book: Rulebook) -> Thing:
    """In Link Mode the directory decides."""
    driver = book.school.driver
    rule = f"{book.of_school('mode', 'link')}, {book.of_school('life_cycle', driver)}".replace(", [[school]]", ",")
    thing = replace(thing, rule=rule)
    bond = identity.bonds.get(thing.target)
    if driver not in identity.bonds:
        why = f"nobody has linked this record to an account of {driver}: onroll links list"
        return replace(thing, value="not linked", because=why)
    if bond is None:
        return replace(
            thing, value="no account yet", because=f"{driver} decides who has one, and they are linked there"
        )
    if there.observed is None:
        return replace(
            thing, value="unknown", because=f"{driver} decides who may sign in, and {thing.target} was not asked"
        )
    account = there.observed.accounts.get(bond.anchor)
    value = "gone" if account is None else "enabled" if account.enabled else "disabled"
    return replace(thing, value=value, because=f"{driver} decides who may sign in, the MIS does not")


def _because(where: Standing) -> str:
    if where.state in (State.LEFT, State.LEAVING):
        return f"{where.because} ({'expected' if where.expected else 'not expected: no date was told'})"
    return where.because


def standing_rule(identity: Identity, where: Standing, book: Rulebook) -> str:
    """The key of the configuration that makes somebody stand as they do; "" where none has a say."""
    school, rules = book.school, book.school.of(identity.role)
    if identity.suspended and not where.access:
        return f"onroll users disable {identity.label}; taken back with: onroll users enable {identity.label}"
    if rules is None or not rules.provision:
        return book.of_role(identity.role, "provision", False)
    if where.state is State.EXCLUDED:
        return book.of_school("enrolments", sorted(school.enrolments))
    if identity.absences and identity.source == "mis" and where.state is not State.ACTIVE:
        return book.of_school("absences", school.absences)
    if where.state in (State.LEFT, State.LEAVING):
        return book.of_role(identity.role, "grace", rules.grace)
    if where.state is State.FUTURE and rules.early is not None:
        return book.of_role(identity.role, "early", rules.early)
    if where.access:
        return book.of_role(identity.role, "provision", rules.provision)
    return ""


def written_values(
    identity: Identity, where: Standing, there: There, book: Rulebook, history: Sequence[Row]
) -> Iterator[Thing]:
    """The place of an account and the attributes that this target gets beside names."""
    rules, name = book.school.of(identity.role), there.rules.name
    if rules is None or name not in identity.bonds or identity.forgotten:
        return
    account = there.observed.accounts.get(identity.bonds[name].anchor) if there.observed else None
    yield from _place(identity, where, there, account, book, history)
    for attribute, template in there.rules.attributes.get(identity.role, {}).items():
        value = template.render(identity, book.school.around)
        row = last_change(history, name, ("create", "update"), lambda told, key=attribute: _has(told, key))  # type: ignore[misc]
        because = "as the rule says" if value is not None else "the MIS does not tell it, so it is left as it is"
        shown = value if value is not None else "left as it is"
        rule = book.of(f"targets.{name}.attributes.{TABLES.get(identity.role)}", attribute, template.text)
        record = record_of(identity, _facts(identity))
        yield Thing(f"attribute {attribute}", shown, because, record, rule, name).made_by(row)


def _place(
    identity: Identity,
    where: Standing,
    there: There,
    account: Account | None,
    book: Rulebook,
    history: Sequence[Row],
) -> Iterator[Thing]:
    """Nothing where the target has no places."""
    rules, name = book.school.of(identity.role), there.rules.name
    row = last_change(history, name, ("create", "move"), lambda told: told["after"].get("place") is not None)
    seen = account.place if account is not None else None
    if rules is None or (seen is None and row is None):
        return
    key, template = ("place", rules.place) if where.access else ("leavers_place", rules.leavers_place)
    if there.rules.owner("place") == "never" or book.school.mode == "link":
        rule, why = book.of(f"targets.{name}.owners", "place", "never"), "somebody else minds this in the target"
        if book.school.mode == "link":
            rule, why = book.of_school("mode", "link"), f"{book.school.driver} decides where accounts are"
    elif template is None:
        rule, why = (
            f"[school.{TABLES.get(identity.role)}] leavers_place is not set",
            "a leaver's account stays where it is",
        )
    else:
        rule, wanted = book.of_role(identity.role, key, template.text), template.render(identity, book.school.around)
        why = f"the rule makes it {wanted}" + (", and it is not there yet" if seen not in (None, wanted) else "")
    shown = seen if seen is not None else row["document"]["after"]["place"] if row else ""
    yield Thing("place", shown or "the top", why, record_of(identity, _facts(identity)), rule, name).made_by(row)


def _facts(identity: Identity) -> str:
    person = identity.person
    told = (
        f"year group {person.year_group}" if person.year_group else "",
        f"registration group {person.registration_group}" if person.registration_group else "",
        f"house {person.house}" if person.house else "",
    )
    return ", ".join(filter(None, told)) or person.role.value


def _has(told: Row, attribute: str) -> bool:
    after = told["after"]
    return attribute in after or attribute in (after.get("attributes") or {})
