"""What `onroll check` says of an Active Directory: a sentence for each thing that has to be right before a run can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from onroll_connectors.targets.ad_access import TOLD, Access
from onroll_connectors.targets.ad_entries import Attributes
from onroll_connectors.targets.ad_errors import unreadable
from onroll_connectors.targets.ad_groups import GroupAttributes
from onroll_connectors.targets.ad_limits import LONGEST_IDENTITY
from onroll_connectors.targets.ad_observe import no_base
from onroll_connectors.targets.ad_rights import Places, rights, schema_names
from onroll_connectors.targets.ad_session import Session
from onroll_connectors.targets.ad_wire import AnyOf, Entry, Equal, Search, pages, read
from onroll_core.contracts import Finding, Report
from onroll_core.errors import OnrollError


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at: where, which attributes carry what, whether groups are kept there, and as whom."""

    base: str
    names_base: str | None
    attributes: Attributes
    groups: GroupAttributes
    keeps_groups: bool
    account: str
    password_length: int


def check(session: Session, looked: Looked) -> Report:
    """Everything that can be told by reading. Never raises what it can put in a sentence."""
    found: list[Finding] = []
    try:
        for finding in _findings(session, looked):
            found.append(finding)  # noqa: PERF402 - what was found before a trouble is kept
    except OnrollError as trouble:
        found.append(Finding("problem", str(trouble)))
    return Report(found)


def _findings(session: Session, looked: Looked) -> Iterator[Finding]:
    base, names_base = looked.base, looked.names_base
    root = session.root().text("defaultNamingContext")
    yield Finding("ok", f"Signed in to Active Directory; the domain is {root}.")
    there = session.ask(read(base, TOLD)).entries
    if not there:
        yield Finding("problem", no_base(base))
        return
    names_there = names_base is None or bool(session.ask(read(names_base, ["objectClass"])).entries)
    if not names_there:
        yield Finding(
            "problem",
            f"names_base {names_base} is not there, or onroll's account may not see it, so names cannot be looked up.",
        )
    table = rights(looked.attributes, looked.groups, looked.keeps_groups)
    schema = _described(session, (*schema_names(table), looked.attributes.identity, looked.attributes.note))
    # What the schema has not is told below; nobody can be given a right to it.
    table = tuple(each for each in table if each.kind != "write" or not schema or each.of.lower() in schema)
    places = Places.under(base, looked.groups.place, (names_base if names_there else None) or root)
    yield from Access(session, places, table, looked.account, schema, looked.groups.carrier).findings(there[0])
    yield from _schema(looked.attributes, schema)
    yield from _passwords(session, root, looked.password_length)


def _described(session: Session, names: tuple[str, ...]) -> dict[str, Entry]:
    """What the schema says of attributes and classes, by name in lower case."""
    wanted = ("lDAPDisplayName", "rangeUpper", "isSingleValued", "schemaIDGUID", "attributeSecurityGUID")
    terms = tuple(Equal("lDAPDisplayName", name) for name in dict.fromkeys(names))
    search = Search(session.root().text("schemaNamingContext"), wanted, AnyOf(terms))
    return {entry.text("lDAPDisplayName").lower(): entry for entry in pages(session.ask, search, unreadable)}


def _schema(attributes: Attributes, there: Mapping[str, Entry]) -> Iterator[Finding]:
    """Whether the attributes that the settings name exist, hold one value, and are long enough."""
    keys = (
        (attributes.identity, "identity_attribute"),
        (attributes.note, "note_attribute"),
        *((name, "write") for name in attributes.extra),
    )
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
