"""What onroll's app has to be allowed in Microsoft 365, and no more: one table, from which come what `onroll setup` prints, what `onroll check`
says when a part of it is missing, and the page on Microsoft 365.

For each thing that onroll asks of Graph it has the least permission that Microsoft's reference names (2026). What is *inferred* there is so marked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from onroll_connectors.targets.graph_group_book import DEFAULTS, As
from onroll_core.people import GroupKind

WIDE = "User.ReadWrite.All"
LICENCES = "LicenseAssignment.ReadWrite.All"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
"""The template of the Entra role User Administrator, the same in every tenant."""
_GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"


@dataclass(frozen=True, slots=True)
class Uses:
    """What of a tenant is looked after: whether accounts are made, what groups are made as (nothing: there are none), whether licences are
    released, and whether mobile phone numbers are written."""

    creates: bool = True
    made_as: frozenset[As] = frozenset()
    licences: bool = False
    phones: bool = False


def uses(
    creates: bool, kinds: Collection[str], groups_as: Mapping[str, As], licences: bool, fields: Collection[str]
) -> Uses:
    """What settings come to: `kinds` of groups are looked after, each made as `groups_as` or the default says; `fields` are extra ones."""
    made_as = (groups_as.get(kind) or DEFAULTS.get(GroupKind(kind), "security") for kind in kinds)
    return Uses(creates, frozenset(made_as), licences, "mobilePhone" in fields)


@dataclass(frozen=True, slots=True)
class Right:
    """One application permission, or with `role` a role of Entra's. `purpose` goes on from "The app may not", `when` from "only".

    `without` says what is lost without it where a night goes on all the same; where it is "", nothing does. `wider` includes it.
    `inferred`: nobody has seen yet that a tenant asks for it.
    """

    name: str
    purpose: str
    when: str = ""
    asked: Callable[[Uses], bool] = lambda uses: True
    without: str = ""
    wider: frozenset[str] = frozenset()
    inferred: bool = False
    role: str = ""

    def had(self, granted: Collection[str]) -> bool:
        """True where one of these permissions (or for a role: templates of roles) is it or includes it."""
        return (self.role or self.name) in granted or not self.wider.isdisjoint(granted)

    @property
    def sentence(self) -> str:
        """That it is missing, what for, and what to do."""
        give = f"give its service principal the Entra role {self.name}" if self.role else f"grant it {self.name}"
        end = "" if self.role else " and consent as an administrator"
        lost = f" {self.without}" if self.without else ""
        return f"The app may not {self.purpose}: {give}{end}.{lost}"


_USERS = frozenset({WIDE})
_GROUPS = frozenset({"Group.Read.All", "Group.ReadWrite.All"})


def _classes(uses: Uses) -> bool:
    return not uses.made_as.isdisjoint({"class", "team"})


RIGHTS = (
    Right("User.Read.All", "read the tenant's users and deleted users", wider=_USERS),
    Right("User.Create", "make accounts", "where `create` is not false", lambda uses: uses.creates, wider=_USERS),
    Right("User.ReadUpdate.All", "change and rename accounts", wider=_USERS),
    Right("User.EnableDisableAccount.All", "disable leavers and bring returners back", wider=_USERS),
    Right("User.RevokeSessions.All", "sign leavers out everywhere", wider=_USERS),
    Right("User.DeleteRestore.All", "restore a deleted account instead of making a second one", wider=_USERS),
    Right(
        "User-Phone.ReadWrite.All", "write mobile phone numbers", "with mobilePhone in `extra_fields`",
        lambda uses: uses.phones, wider=_USERS,
    ),
    Right(
        "User-PasswordProfile.ReadWrite.All", "hand out first passwords",
        without="Without it onroll passwords issue is refused here; everything else goes on.",
    ),
    Right(
        "User Administrator", "hand out first passwords",
        without="Microsoft asks for the role beside the permission; where it was given for an administrative unit only, the token does not show it.",
        wider=frozenset({_GLOBAL_ADMINISTRATOR}), role=USER_ADMINISTRATOR,
    ),
    Right(
        "Organization.Read.All", "read the tenant's domains",
        without="Without it addresses are not checked before they are written.", wider=frozenset({"Directory.Read.All"}),
    ),
    Right(
        "GroupMember.Read.All", "read the tenant's groups", "without groups", lambda uses: not uses.made_as,
        "Without it a group's address may be given to a person and refused then.", _GROUPS | {"GroupMember.ReadWrite.All"},
    ),
    Right(
        "Group.ReadWrite.All", "read, make and rename groups, and change who is in them", "with groups",
        lambda uses: bool(uses.made_as),
    ),
    Right(
        "EduRoster.ReadWrite.All", "make classes and change who teaches them", "with groups made as class or team", _classes,
    ),
    Right(
        "Member.Read.Hidden", "see who is in classes whose membership is hidden", "with groups made as class or team", _classes,
        "Without it such a class may look empty, and everybody is put into it again every night.", inferred=True,
    ),
    Right("Team.Create", "give classes a team", "with groups made as team", lambda uses: "team" in uses.made_as),
    Right(LICENCES, "release licences", "with `release_licences_after`", lambda uses: uses.licences),
)  # fmt: skip


def rights(uses: Uses) -> tuple[Right, ...]:
    """Those that are asked for."""
    return tuple(each for each in RIGHTS if each.asked(uses))


def named(name: str) -> Right:
    """The right of that name; raises KeyError."""
    for each in RIGHTS:
        if each.name == name:
            return each
    raise KeyError(name)


def missing(uses: Uses, permissions: Collection[str], roles: Collection[str] | None) -> Iterator[Right]:
    """Those that are asked for and were not granted; `roles` are None where the token does not tell them."""
    for each in rights(uses):
        held = roles if each.role else permissions
        if held is not None and not each.had(held):
            yield each


def table() -> list[str]:
    """The table for the page, in Markdown."""
    rows = [
        f"| {f'the Entra role {each.name}' if each.role else f'`{each.name}`'} | {each.purpose} | {_when(each)} |"
        for each in RIGHTS
    ]
    return ["| right | for | when |", "|---|---|---|", *rows]


def _when(right: Right) -> str:
    told = f"only {right.when}" if right.when else "always"
    return told + (", optional" if right.without else "") + (" (inferred)" if right.inferred else "")
