"""Whether a night would work in this tenant: what is missing, in a sentence each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from onroll_connectors.targets.graph_asks import (
    Answer,
    Ask,
    GroupDelta,
    ListDeleted,
    ListGroups,
    ListUsers,
    ReadOrganization,
)
from onroll_connectors.targets.graph_courier import Courier
from onroll_connectors.targets.graph_licences import DISABLED
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_rights import WIDE, Right, Uses, missing, named
from onroll_connectors.targets.graph_users import Shape
from onroll_core.contracts import Finding, Report
from onroll_core.errors import OnrollError

_READABLE = {
    False: "Users, deleted users and groups can be read.",
    True: "Users, deleted users, groups and who is in them can be read.",
}


@dataclass(frozen=True, slots=True)
class Organization:
    """The tenant: its name, its verified domains (lower case), and whether Entra Connect feeds it."""

    name: str
    domains: frozenset[str]
    synced: bool


def organization(answer: Answer) -> Organization | None:
    """What Graph tells of the tenant; None when it may not be read."""
    if not answer.done or not answer.body.get("value"):
        return None
    told = answer.body["value"][0]
    domains = frozenset(str(each.get("name", "")).lower() for each in told.get("verifiedDomains") or ())
    return Organization(
        str(told.get("displayName") or "this tenant"), domains, told.get("onPremisesSyncEnabled") is True
    )


def check(
    courier: Courier,
    shape: Shape,
    uses: Uses,
    domain: str | None,
    permissions: Callable[[], frozenset[str] | None],
    roles: Callable[[], frozenset[str] | None],
) -> Report:
    """The report on a tenant. `permissions` gives those in the token, `roles` the roles of Entra's there, None where it does not tell; `domain` is one that must be verified."""
    try:
        tenant = organization(courier.ask(ReadOrganization()))
        findings = [*_tenant(tenant, uses.creates, domain)]
        granted = permissions()
        lacking = [] if granted is None else list(missing(uses, granted, roles()))
        tried = _reading(courier, shape, uses)
        # What was refused is told once, be it by the token or by Graph.
        found = {each.name: each for each in (*lacking, *(each for each in tried if isinstance(each, Right)))}
        if tenant is None:
            found.setdefault("Organization.Read.All", named("Organization.Read.All"))
        findings += [each for each in tried if isinstance(each, Finding)]
        findings += [] if tried else [Finding("ok", _READABLE[bool(uses.made_as)])]
        findings += [Finding("warning" if each.without else "problem", each.sentence) for each in found.values()]
        if granted is not None and not any(not each.without for each in found.values()):
            findings.append(Finding("ok", _enough(granted)))
    except OnrollError as failure:
        return Report([Finding("problem", str(failure))])
    return Report(findings)


def _tenant(tenant: Organization | None, creates: bool, domain: str | None) -> list[Finding]:
    if tenant is None:
        return []
    found = [
        Finding("ok", f"Microsoft 365 answers as {tenant.name}, with the domains {', '.join(sorted(tenant.domains))}.")
    ]
    if domain is not None and domain.lower() not in tenant.domains:
        found.append(
            Finding(
                "problem",
                f"The domain {domain} is not verified in this tenant: verify it in the Microsoft 365 admin center.",
            )
        )
    if tenant.synced and creates:
        found.append(
            Finding(
                "warning",
                "Entra Connect feeds this tenant from Active Directory. Synchronised accounts are never written here; if it brings"
                " every account, set create = false so that none is made twice.",
            )
        )
    if not tenant.synced and not creates:
        found.append(
            Finding(
                "warning", "create = false, but no Entra Connect feeds this tenant: nobody will make accounts in it."
            )
        )
    return found


def _reading(courier: Courier, shape: Shape, uses: Uses) -> list[Finding | Right]:
    """What cannot be read: a right where Graph says so, else a finding."""
    groups = "Group.ReadWrite.All" if uses.made_as else "GroupMember.Read.All"
    asks: list[tuple[Ask, str, str]] = [
        (ListUsers(shape.select, top=1), "its users", "User.Read.All"),
        (ListDeleted(("id",)), "its deleted users", "User.Read.All"),
        (
            ListUsers(("id",), shape.filter(["onroll-check"]), top=1, advanced=shape.advanced),
            f"users by {shape.identity}",
            "User.Read.All",
        ),
        (ListGroups(("id", "mail")), "its groups", groups),
    ]
    if uses.made_as:
        asks.append((GroupDelta(("id", "members")), "who is in its groups", groups))
    if uses.licences:
        asks.append((replace(DISABLED, top=1), "the licences of disabled users", "User.Read.All"))
    found: list[Finding | Right] = []
    for ask, what, permission in asks:
        answer = courier.ask(ask)
        if answer.status == 403:
            found.append(named(permission))
        elif not answer.done:
            found.append(Finding("problem", f"Reading {what} failed: {read_problem(answer).sentence}"))
    return found


def _enough(granted: Collection[str]) -> str:
    if WIDE in granted:
        return f"The app has {WIDE}, which is enough for every night's work."
    return "The app has every permission that a night needs."
