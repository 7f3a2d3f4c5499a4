"""What `onroll check` says of an Active Directory: a sentence for each thing that has to be right before a run can be."""

from __future__ import annotations

from collections.abc import Iterator

from onroll_connectors.targets.ad_entries import FIELDS, Attributes, is_person
from onroll_connectors.targets.ad_errors import unreadable
from onroll_connectors.targets.ad_limits import LONGEST_IDENTITY
from onroll_connectors.targets.ad_observe import no_base
from onroll_connectors.targets.ad_session import Session
from onroll_connectors.targets.ad_wire import AllOf, AnyOf, Entry, Equal, Search, pages, read
from onroll_core.contracts import Finding, Report
from onroll_core.errors import OnrollError

_DELEGATE = "Delegate to it, for that OU and below: create users and organisational units, and write all properties and reset passwords of users."


def check(session: Session, base: str, names_base: str | None, attributes: Attributes, password_length: int) -> Report:
    """Everything that can be told by reading. Never raises what it can put in a sentence."""
    found: list[Finding] = []
    try:
        found += _findings(session, base, names_base, attributes, password_length)
    except OnrollError as trouble:
        found.append(Finding("problem", str(trouble)))
    return Report(found)


def _findings(
    session: Session, base: str, names_base: str | None, attributes: Attributes, password_length: int
) -> Iterator[Finding]:
    root = session.root().text("defaultNamingContext")
    yield Finding("ok", f"Signed in to Active Directory; the domain is {root}.")
    there = session.ask(read(base, ["objectClass", "allowedChildClassesEffective", "sDRightsEffective"])).entries
    if not there:
        yield Finding("problem", no_base(base))
        return
    yield from _base(there[0], base)
    if names_base is not None and not session.ask(read(names_base, ["objectClass"])).entries:
        yield Finding(
            "problem",
            f"names_base {names_base} is not there, or onroll's account may not see it, so names cannot be looked up.",
        )
    yield from _users(session, base, attributes)
    yield from _schema(session, attributes)
    yield from _passwords(session, root, password_length)


def _base(entry: Entry, base: str) -> Iterator[Finding]:
    told = {each.lower() for each in entry.texts("allowedChildClassesEffective")}
    missing = [
        word for name, word in (("user", "users"), ("organizationalunit", "organisational units")) if name not in told
    ]
    if not missing:
        yield Finding("ok", f"The base {base} is there, and users and OUs may be made in it.")
    elif told or entry.text("sDRightsEffective") == "0":
        yield Finding("problem", f"onroll's account may not make {' or '.join(missing)} in {base}. {_DELEGATE}")
    else:
        yield Finding(
            "warning",
            f"The base {base} is there; the server does not say whether onroll's account may make users in it. If it may not: {_DELEGATE}",
        )


def _users(session: Session, base: str, attributes: Attributes) -> Iterator[Finding]:
    """Whether users can be read and written, told by the first one there."""
    wanted = (*attributes.write, "allowedAttributesEffective")
    people = AllOf((Equal("objectCategory", "person"), Equal("objectClass", "user")))
    answer = session.ask(Search(base, wanted, people, page=1))  # the first page is enough
    if not answer.done:
        raise unreadable(base, answer)
    first = next((entry for entry in answer.entries if is_person(entry)), None)
    if first is None:
        yield Finding("ok", f"There is no user in {base} yet.")
        return
    if not first.text("sAMAccountName") or not first.text("userAccountControl"):
        yield Finding("problem", f"onroll's account may not read usernames in {base}. {_DELEGATE}")
        return
    told = {each.lower() for each in first.texts("allowedAttributesEffective")}
    needed = ["sAMAccountName", "userPrincipalName", "mail", "proxyAddresses", "userAccountControl", *FIELDS.values()]
    needed += [attributes.identity, attributes.note, *attributes.extra]
    missing = sorted(name for name in needed if name.lower() not in told)
    if missing:
        yield Finding(
            "problem",
            f"onroll's account may not write {', '.join(missing)} of users in {base} ({first.dn}). {_DELEGATE}",
        )
    else:
        yield Finding("ok", f"Users in {base} can be read and written.")


def _schema(session: Session, attributes: Attributes) -> Iterator[Finding]:
    """Whether the attributes that the settings name exist, hold one value, and are long enough."""
    keys = (
        (attributes.identity, "identity_attribute"),
        (attributes.note, "note_attribute"),
        *((name, "write") for name in attributes.extra),
    )
    search = Search(
        session.root().text("schemaNamingContext"),
        ("lDAPDisplayName", "rangeUpper", "isSingleValued"),
        AnyOf(tuple(Equal("lDAPDisplayName", name) for name, _ in keys)),
    )
    there = {entry.text("lDAPDisplayName").lower(): entry for entry in pages(session.ask, search, unreadable)}
    good = True
    for name, setting in keys:
        entry = there.get(name.lower())
        longest = entry.text("rangeUpper") if entry is not None else ""
        if entry is None:
            good = False
            yield Finding(
                "problem",
                f"The directory's schema has no attribute {name} ({setting} in [targets]). extensionAttribute1 to 15 and their like"
                " come with Exchange's schema. Name another one.",
            )
        elif name == attributes.identity and longest and int(longest) < LONGEST_IDENTITY:
            good = False
            yield Finding(
                "problem",
                f"{name} holds {longest} characters, and onroll's identities have up to {LONGEST_IDENTITY}. Name another identity_attribute.",
            )
        elif entry.text("isSingleValued").upper() == "FALSE" and name == attributes.identity:
            good = False
            yield Finding("problem", f"{name} may hold several values. Name another identity_attribute.")
    if good:
        yield Finding("ok", f"The schema has {', '.join(name for name, _ in keys)}.")


def _passwords(session: Session, root: str, length: int) -> Iterator[Finding]:
    """Whether the domain's policies accept our temporary passwords."""
    domain = session.ask(read(root, ["minPwdLength", "pwdProperties"]))
    rules = [(f"the domain {root}", each.text("minPwdLength")) for each in domain.entries]
    container = f"CN=Password Settings Container,CN=System,{root}"
    if session.ask(read(container, ["cn"])).entries:  # visible to administrators alone, unless it is opened
        search = Search(container, ("msDS-MinimumPasswordLength",), Equal("objectClass", "msDS-PasswordSettings"))
        rules += [
            (f"the fine-grained policy {entry.dn}", entry.text("msDS-MinimumPasswordLength"))
            for entry in pages(session.ask, search, unreadable)
        ]
    too_long = [(where, asked) for where, asked in rules if asked.isdigit() and int(asked) > length]
    for where, asked in too_long:
        yield Finding(
            "problem",
            f"The password policy of {where} asks for {asked} characters; onroll's temporary passwords have {length}. Create would be refused.",
        )
    if not too_long:
        yield Finding("ok", f"The password policy accepts onroll's temporary passwords of {length} characters.")
