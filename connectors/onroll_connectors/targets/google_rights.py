"""What onroll has to be allowed in Google Workspace, and no more: two tables, from which come the scopes that it asks for, what `onroll setup`
prints, what `onroll check` says when a part of them is missing, and the page on Google Workspace.

A scope says which calls a token is good for (Google's discovery documents tell which); a privilege of an admin role says what whoever acts may do.
Both are needed, unless a super administrator is acted for, who has every privilege.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from onroll_connectors.targets.google_settings import Settings, uses_of
from onroll_core.people import GroupKind

PREFIX = "https://www.googleapis.com/auth/"
READ_ROLES = "admin.directory.rolemanagement.readonly"
"""With this scope, which a night does not need, a check can read the role. It is asked for by a token of its own."""
SUPER = "SUPER_ADMIN"
_WHOLE = ("ADMIN_APIS_ALL", SUPER)


@dataclass(frozen=True, slots=True)
class Needs:
    """What of Google is used beside accounts: `names` are the addresses of groups, which are read; `sign_out` ends sessions before a rename."""

    groups: bool = False
    courses: bool = False
    names: bool = True
    sign_out: bool = False


def needs_of(settings: Settings, kinds: Collection[GroupKind]) -> Needs:
    """What settings and the kinds of groups that are looked after come to."""
    uses = uses_of(settings, frozenset(kinds))
    return Needs(uses.groups, uses.courses, settings.group_addresses, settings.sign_out)


@dataclass(frozen=True, slots=True)
class Right:
    """One scope (less the common beginning of their names) or one privilege. `purpose` goes on from "onroll may not", `when` from "only".

    `console` is what a privilege is called in the Admin console. `inferred`: Google's pages do not say which privilege it takes.
    """

    name: str
    purpose: str
    when: str = ""
    asked: Callable[[Needs], bool] = lambda needs: True
    console: str = ""
    inferred: bool = False

    def had(self, held: Collection[str]) -> bool:
        """True where one of these privileges is it or includes it."""
        family = self.name[: self.name.rindex("_")] if "_" in self.name else self.name
        return any(each in held for each in (self.name, f"{family}_ALL", *_WHOLE))

    def scope_sentence(self, client: str) -> str:
        """That this scope is missing, what for, and what to do."""
        return (
            f"The scope {PREFIX}{self.name} is not given to the service account, so onroll may not {self.purpose}: add it in the Admin console under"
            f" Security, Access and data control, API controls, Domain-wide delegation, to the client id {client or 'of the key'}."
        )

    @property
    def privilege_sentence(self) -> str:
        """That this privilege is missing, what for, and what to do."""
        return (
            f"onroll's admin role lacks {self.console} ({self.name}), so onroll may not {self.purpose}: add it to the role in the Admin console under"
            " Account, Admin roles, Privileges, Admin API privileges."
        )


def _names_only(needs: Needs) -> bool:
    return needs.names and not needs.groups


def _groups(needs: Needs) -> bool:
    return needs.groups


def _courses(needs: Needs) -> bool:
    return needs.courses


def _sign_out(needs: Needs) -> bool:
    return needs.sign_out


_NAMES = "look which addresses groups have"
_WITH_GROUPS, _WITH_COURSES, _WITH_SIGN_OUT = "with Google Groups", "with `classroom`", "with `sign_out = true`"
SCOPES = (
    Right("admin.directory.user", "read, make, change, suspend and restore users and their aliases"),
    Right("admin.directory.orgunit", "read and make org units"),
    Right("admin.directory.group.readonly", _NAMES, "without Google Groups, where `group_addresses` is not false", _names_only),
    Right("admin.directory.group", "read, make and rename Google Groups, and change who is in them", _WITH_GROUPS, _groups),
    Right("admin.directory.domain.readonly", "let onroll check see which domains are verified"),
    Right("admin.directory.user.security", "sign people out before a rename", _WITH_SIGN_OUT, _sign_out),
    Right("classroom.courses", "read, make, rename and archive courses", _WITH_COURSES, _courses),
    Right("classroom.rosters", "read and change who teaches and learns in courses", _WITH_COURSES, _courses),
)  # fmt: skip
PRIVILEGES = (
    Right("USERS_RETRIEVE", "read users and deleted users", console="Users, Read"),
    Right("USERS_CREATE", "make users and restore deleted ones", console="Users, Create", inferred=True),
    Right(
        "USERS_UPDATE", "change, rename, move and suspend users, and give them aliases and passwords", console="Users, Update",
    ),
    Right("ORGANIZATION_UNITS_RETRIEVE", "read org units", console="Organizational Units, Read"),
    Right("ORGANIZATION_UNITS_CREATE", "make org units", console="Organizational Units, Create"),
    Right(
        "GROUPS_RETRIEVE", "read groups and who is in them", "with Google Groups, or where `group_addresses` is not false",
        lambda needs: needs.groups or needs.names, "Groups, Read",
    ),
    Right("GROUPS_CREATE", "make Google Groups", _WITH_GROUPS, _groups, "Groups, Create"),
    Right(
        "GROUPS_UPDATE", "rename Google Groups, and change who is in them", _WITH_GROUPS, _groups, "Groups, Update", inferred=True,
    ),
    Right("USER_SECURITY_ALL", "sign people out before a rename", _WITH_SIGN_OUT, _sign_out, "User Security Management"),
)  # fmt: skip


def scopes(needs: Needs) -> tuple[str, ...]:
    """What is asked of Google for what is used, and no more: who may write groups may read them."""
    return tuple(each.name for each in SCOPES if each.asked(needs))


def privileges(needs: Needs) -> tuple[Right, ...]:
    """What the role of whoever acts has to have, where that is no super administrator."""
    return tuple(each for each in PRIVILEGES if each.asked(needs))


def listed(rights: Iterable[Right]) -> str:
    """Privileges and what each is for, in one line."""
    return "; ".join(f"{each.console} ({each.name}), to {each.purpose}" for each in rights)


def table(rights: Iterable[Right]) -> list[str]:
    """A table for the page, in Markdown."""
    rows = []
    for each in rights:
        name = f"{each.console} (`{each.name}`)" if each.console else f"`{each.name}`"
        when = (f"only {each.when}" if each.when else "always") + (" (inferred)" if each.inferred else "")
        rows.append(f"| {name} | {each.purpose} | {when} |")
    head = "privilege" if any(each.console for each in rights) else "scope"
    return [f"| {head} | for | when |", "|---|---|---|", *rows]
