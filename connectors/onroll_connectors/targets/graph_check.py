"""Whether a night would work in this tenant: what is missing, in a sentence each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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
from onroll_connectors.targets.graph_licences import DISABLED, PERMISSION
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_users import Shape
from onroll_core.contracts import Finding, Report
from onroll_core.errors import OnrollError

_WIDE = "User.ReadWrite.All"
_PASSWORDS = "User-PasswordProfile.ReadWrite.All"
_NEEDED: Mapping[str, str] = {
    "User.Create": "make accounts",
    "User.ReadUpdate.All": "change and rename accounts",
    "User.EnableDisableAccount.All": "disable leavers and bring returners back",
    "User.RevokeSessions.All": "sign leavers out everywhere",
    "User.DeleteRestore.All": "restore a deleted account instead of making a second one",
}


_ANY = frozenset({"security", "microsoft365", "class", "team"})
_OF_GROUPS = (
    (_ANY, "Group.ReadWrite.All", "make and rename groups, and change who is in them"),
    (frozenset({"class", "team"}), "EduRoster.ReadWrite.All", "make classes and change who teaches them"),
    (frozenset({"team"}), "Team.Create", "give classes a team"),
)


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
    creates: bool,
    domain: str | None,
    permissions: Callable[[], frozenset[str] | None],
    groups: Collection[str] = (),
    licences: bool = False,
) -> Report:
    """The report on a tenant. `permissions` gives the roles in the token, None where it does not tell; `domain` is one that must be verified."""
    try:
        tenant = organization(courier.ask(ReadOrganization()))
        findings = [*_tenant(tenant, creates, domain)]
        findings += _reading(courier, shape)
        findings += _reading_groups(courier) if groups else []
        findings += _reading_licences(courier) if licences else []
        findings += _granted(permissions(), groups, licences)
    except OnrollError as failure:
        return Report([Finding("problem", str(failure))])
    return Report(findings)


def _tenant(tenant: Organization | None, creates: bool, domain: str | None) -> list[Finding]:
    if tenant is None:
        sentence = "The app may not read the tenant's domains, so addresses are not checked before they are written: grant it Organization.Read.All."
        return [Finding("warning", sentence)]
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


def _reading(courier: Courier, shape: Shape) -> list[Finding]:
    asks: list[tuple[Ask, str, str, str]] = [
        (ListUsers(shape.select, top=1), "problem", "its users", "User.Read.All"),
        (ListDeleted(("id",)), "problem", "its deleted users", "User.Read.All"),
        (
            ListUsers(("id",), shape.filter(["onroll-check"]), top=1, advanced=shape.advanced),
            "problem",
            f"users by {shape.identity}",
            "User.Read.All",
        ),
        (
            ListGroups(("id", "mail")),
            "warning",
            "its groups, so a group's address may be given to a person and refused then",
            "Group.Read.All",
        ),
    ]
    found: list[Finding] = []
    for ask, level, what, permission in asks:
        answer = courier.ask(ask)
        if answer.status == 403:
            sentence = f"The app may not read {what}: grant it {permission} and consent as an administrator."
            found.append(Finding("problem" if level == "problem" else "warning", sentence))
        elif not answer.done:
            found.append(Finding("problem", f"Reading {what} failed: {read_problem(answer).sentence}"))
    return found or [Finding("ok", "Users, deleted users and groups can be read.")]


def _reading_groups(courier: Courier) -> list[Finding]:
    answer = courier.ask(GroupDelta(("id", "members")))
    if answer.status == 403:
        sentence = (
            "The app may not read who is in its groups: grant it GroupMember.Read.All and consent as an administrator."
        )
        return [Finding("problem", sentence)]
    return [] if answer.done else [Finding("problem", f"Reading groups failed: {read_problem(answer).sentence}")]


def _reading_licences(courier: Courier) -> list[Finding]:
    answer = courier.ask(replace(DISABLED, top=1))
    if answer.done:
        return []
    return [Finding("problem", f"Reading the licences of disabled users failed: {read_problem(answer).sentence}")]


def _granted(roles: frozenset[str] | None, groups: Collection[str], licences: bool) -> list[Finding]:
    """The permissions in the token; a sandbox's says nothing."""
    if roles is None:
        return []
    further = (
        []
        if _PASSWORDS in roles
        else [
            Finding(
                "warning",
                f"The app may not hand out first passwords (onroll passwords issue): grant it {_PASSWORDS}, and give its service principal the"
                " Entra role User Administrator.",
            )
        ]
    )
    further += [
        Finding("problem", f"The app may not {what}: grant it {permission} and consent as an administrator.")
        for kinds, permission, what in _OF_GROUPS
        if kinds & set(groups) and permission not in roles
    ]
    if licences and PERMISSION not in roles:
        sentence = f"The app may not release licences: grant it {PERMISSION} and consent as an administrator."
        further.append(Finding("problem", sentence))
    if _WIDE in roles:
        return [Finding("ok", f"The app has {_WIDE}, which is enough for every night's work."), *further]
    missing = [
        Finding("problem", f"The app may not {what}: grant it {permission} and consent as an administrator.")
        for permission, what in _NEEDED.items()
        if permission not in roles
    ]
    return [*(missing or [Finding("ok", "The app has every permission that a night needs.")]), *further]
