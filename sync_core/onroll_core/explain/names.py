"""Why somebody has this username, these addresses, this display name and this Year of Entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from onroll_core.explain.words import Row, Rulebook, Thing, last_change, last_event, record_of
from onroll_core.identities import Identity
from onroll_core.people import Role
from onroll_core.rules import RoleRules
from onroll_core.templates import first_name, last_name
from onroll_core.usernames import Named, clean_display
from onroll_core.years import academic_year, parse_stage, year_of_entry

_TRIES = 1000
_ASKED = re.compile(r"(\S.*?) asked for it\.")


def names(identity: Identity, book: Rulebook, history: Sequence[Row]) -> Iterator[Thing]:
    """Username, address, aliases, display name; for pupils the Year of Entry."""
    rules = book.school.of(identity.role)
    if rules is None:
        return
    yield _username(identity, rules, book, history)
    if identity.email is not None:
        yield _address(identity, rules, book, history)
    for alias in sorted(identity.aliases):
        yield _alias(identity, alias, history)
    if identity.forgotten:
        return
    yield _display(identity, rules, book, history)
    if identity.role is Role.STUDENT:
        yield _entry(identity, book, history)


def _used(identity: Identity, book: Rulebook) -> str:
    preferred = book.school.preferred_names
    told = (first_name(identity.person, preferred), last_name(identity.person, preferred))
    return " ".join(filter(None, told)) or "no name"


def _format(identity: Identity, rules: RoleRules, book: Rulebook) -> str:
    affixes = "".join(
        f', {name} = "{value}"'
        for name, value in (("prefix", rules.username.prefix), ("suffix", rules.username.suffix))
        if value
    )
    return book.of_role(identity.role, "username", rules.username.text) + affixes


def _username(identity: Identity, rules: RoleRules, book: Rulebook, history: Sequence[Row]) -> Thing:
    record, rule = record_of(identity, _used(identity, book)), _format(identity, rules, book)
    if identity.forgotten:
        record = record_of(identity, "forgotten")
    name = identity.username
    if name is None:
        why = identity.waiting or "it is issued at the next reading"
        proposal = f" Proposed: {identity.proposal}" if identity.proposal else ""
        return Thing("username", "none yet", f"waits for a name: {why}{proposal}", record, rule)
    issued = last_event(history, rf"username from \S+ to {re.escape(name)}\b|with the username {re.escape(name)} ")
    row = issued[0] if issued else None
    asked = _ASKED.search(row["what"].rpartition(". ")[2] or row["what"]) if row else None
    linked = last_event(history, r"^(.+) linked the account ")
    if asked is not None and "username from" in (row or {"what": ""})["what"]:
        before = re.search(r"username from (\S+) to", row["what"] if row else "")
        was = f" in place of {before[1]}" if before and before[1] != "nothing" else ""
        thing = Thing("username", name, f"was given by hand{was}: {asked[1]} asked for it", record)
    elif book.school.mode == "link":
        why = f"is that of the account in {book.school.driver}"
        thing = Thing("username", name, why, record, book.of_school("mode", "link"))
    elif linked is not None and not _number(identity, rules, book):
        thing = Thing(
            "username", name, f"is that of an account that was there before, which {linked[1][1]} linked", record
        )
    else:
        thing = Thing("username", name, _made(identity, name, rules, book), record, rule)
    return thing.made_by(row)


def _number(identity: Identity, rules: RoleRules, book: Rulebook) -> tuple[str, str] | None:
    """The name that the format gives today and the username, when the one is the other with a number behind it, or the same."""
    tries = 0

    def taken(candidate: str) -> bool:
        nonlocal tries
        tries += 1
        return candidate != identity.username and tries < _TRIES

    preferred, person = book.school.preferred_names, identity.person
    told = (first_name(person, preferred) or "", last_name(person, preferred) or "", identity.year_of_entry)
    found = rules.username.propose(*told, taken)
    bare = rules.username.propose(*told, lambda candidate: False)
    if isinstance(found, Named) and isinstance(bare, Named) and found.username == identity.username:
        return bare.username, found.username
    return None


def _made(identity: Identity, name: str, rules: RoleRules, book: Rulebook) -> str:
    if identity.forgotten:
        return "stays, so that nobody is ever issued it again"
    found = _number(identity, rules, book)
    if found is None:
        return "was issued when the name or the rule was another; a rename is never a side effect"
    entry = f" and the Year of Entry {identity.year_of_entry}" if rules.username.needs_year else ""
    made = f"made of {_used(identity, book)}{entry}"
    bare, _ = found
    if bare == name:
        return made
    return f"{made}; {bare} was taken, so {name[len(bare) :] if name.startswith(bare) else 'a number'} was appended"


def _address(identity: Identity, rules: RoleRules, book: Rulebook, history: Sequence[Row]) -> Thing:
    email = identity.email or ""
    own = f"school.{'students' if identity.role is Role.STUDENT else 'staff'}.domain"
    if rules.email is not None:
        rule = book.of_role(identity.role, "email", rules.email.text)
    elif book.has(own):
        rule = book.of_role(identity.role, "domain", rules.domain)
    else:
        rule = book.of_school("domain", rules.domain)
    why = "the username at the school's domain" if email == f"{identity.username}@{rules.domain}" else "was issued so"
    found = last_event(history, rf"email from \S+ to {re.escape(email)}|address {re.escape(email)}")
    return Thing("address", email, why, rule=rule).made_by(found[0] if found else None)


def _alias(identity: Identity, alias: str, history: Sequence[Row]) -> Thing:
    found = last_event(history, rf"email from {re.escape(alias)} to (\S+?)[,.]?(?: |$)")
    if found is None:
        return Thing("alias", alias, "is a former address, which must still reach them")
    row, how = found
    asked = _ASKED.search(row["what"].rpartition(". ")[2])
    by = f"; {asked[1]} asked for the rename" if asked else ""
    return Thing("alias", alias, f"was the address before {how[1]}, and must still reach them{by}").made_by(row)


def _display(identity: Identity, rules: RoleRules, book: Rulebook, history: Sequence[Row]) -> Thing:
    rendered = clean_display(rules.display_name.render(identity, book.school.around) or "")
    rule, why = book.of_role(identity.role, "display_name", rules.display_name.text), "follows the MIS"
    if identity.chosen_display_name and identity.role is Role.STAFF:
        rendered, rule = identity.chosen_display_name, f'onroll users display-name {identity.label} "..."'
        why = "is what they want to be called"
    elif book.school.preferred_names and (identity.person.first or identity.person.last):
        why = f"follows the preferred name in the MIS, {book.of_school('preferred_names', True)}"
    made = [
        last_change(history, name, ("create", "update"), lambda told: "display_name" in told["after"])
        for name in identity.bonds
    ]
    newest = max(filter(None, made), key=lambda row: row["at"], default=None)
    return Thing("display name", rendered or "none", why, record_of(identity, _used(identity, book)), rule).made_by(
        newest
    )


def _entry(identity: Identity, book: Rulebook, history: Sequence[Row]) -> Thing:
    school, person = book.school, identity.person
    rule = book.of_school("rollover", f"{school.rollover.month:02}-{school.rollover.day:02}")
    record = record_of(identity, f"year group {person.year_group or 'not told'}")
    if identity.year_of_entry is None:
        return Thing("Year of Entry", "none", f"{person.year_group!r} is no year group that gives one", record, rule)
    stage, why = parse_stage(person.year_group, school.country), "is kept from what was known before"
    year = identity.year_of_entry + stage.n - 1 if stage else None
    if stage is not None and year is not None and year_of_entry(stage, year) == identity.year_of_entry:
        own = person.starts is not None and academic_year(person.starts, school.rollover) == year
        why = f"{stage.label} in the academic year {year}-{(year + 1) % 100:02}"
        why += ", that of their first day" if own else ""
    found = last_event(history, rf"year of entry from \S+ to {identity.year_of_entry}\b|^First known")
    return Thing("Year of Entry", str(identity.year_of_entry), why, record, rule).made_by(found[0] if found else None)
