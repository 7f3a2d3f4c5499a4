"""One item of a plan: a fact that a target can carry out and a sentence that a person can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from onroll_core.accounts import Account, Anchor, DesiredGroup, IdentityId
from onroll_core.groups.courses import is_course
from onroll_core.people import Role, SourceKey

Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Who:
    """Whose account is changed. `username` is for people to read; the object is addressed by `anchor`, None only before it exists."""

    identity: IdentityId
    username: str
    role: Role
    anchor: Anchor | None = None

    @property
    def object(self) -> Anchor:
        """The anchor of an account that exists; raises ValueError where there is none yet."""
        if self.anchor is None:
            raise ValueError(f"{self.username} has no account to address yet")
        return self.anchor


@dataclass(frozen=True, slots=True)
class Naming:
    """The names that a rename changes together; `aliases` are the addresses that must still reach the person."""

    login: str
    email: str
    aliases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Create:
    """Make the account, enabled, with a random temporary password that must be changed."""

    who: Who
    account: Account
    reason: str
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Write our identity onto an account that existed before us and that a person has confirmed."""

    who: Who
    reason: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Change login and address together; the old address stays as an alias, unless it is not among the aliases of `after`: then it must go."""

    who: Who
    before: Naming
    after: Naming
    reason: str


@dataclass(frozen=True, slots=True)
class Update:
    """Set values. Keys are display_name, given, family, aliases (all that must be there; one is taken away only where `before` has it and `after`
    has not) or the target's own attribute names; "" clears."""

    who: Who
    before: Mapping[str, Value]
    after: Mapping[str, Value]
    reason: str


@dataclass(frozen=True, slots=True)
class Move:
    """Put the account in another place (OU)."""

    who: Who
    before: str
    after: str
    reason: str
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Enable:
    """Give the account back; `restore` when it is soft-deleted and has to be undeleted first. `expected` when the school year explains it."""

    who: Who
    reason: str
    restore: bool = False
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Disable:
    """Take sign-in away; nothing is deleted."""

    who: Who
    reason: str
    expected: bool = False


@dataclass(frozen=True, slots=True)
class GivePassword:
    """Set a first password that its owner is told on paper. The password is in no repr, no plan and no journal; `must_change` asks for another one
    at the first sign-in."""

    who: Who
    password: str = field(repr=False, compare=False)
    must_change: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseLicences:
    """Take back licences that were given to the person directly, not by a group. `licences` are in the target's own words, enough to give them again.
    `expected` when the school year explains the leaving."""

    who: Who
    licences: tuple[str, ...]
    reason: str
    expected: bool = False


@dataclass(frozen=True, slots=True)
class ReturnLicences:
    """Give licences again that were released."""

    who: Who
    licences: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """Make a group; its members follow as changes of their own."""

    group: DesiredGroup
    reason: str


@dataclass(frozen=True, slots=True)
class UpdateGroup:
    """Give a group another name; `archive` says that its class is over (True) or held again (False), None leaves that as it is."""

    key: SourceKey
    anchor: Anchor
    before: str
    after: str
    reason: str
    archive: bool | None = None


@dataclass(frozen=True, slots=True)
class AddMember:
    """Put a person into a group; `group_anchor` is None for a group made in the same plan. `owner` makes them an owner of it."""

    key: SourceKey
    group_anchor: Anchor | None
    group_name: str
    who: Who
    reason: str
    owner: bool = False


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Take a person out of a group of ours. `expected`: the school year, or the person's own leaving, explains it."""

    key: SourceKey
    group_anchor: Anchor
    group_name: str
    who: Who
    reason: str
    owner: bool = False
    expected: bool = False


AccountChange = (
    Create | Link | Rename | Update | Move | Enable | Disable | GivePassword | ReleaseLicences | ReturnLicences
)
GroupChange = CreateGroup | UpdateGroup | AddMember | RemoveMember
Change = AccountChange | GroupChange


@dataclass(frozen=True, slots=True)
class Applied:
    """It is done; `anchor` is the object's id (the new one after a Create); `note` is worth a line in the journal."""

    change: Change
    anchor: Anchor | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """It was refused and will be again until somebody acts on `why`."""

    change: Change
    why: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """It could not be done now and is tried again at the next run."""

    change: Change
    why: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """It was never sent: the window ended or the target was halted."""

    change: Change
    why: str = ""


Outcome = Applied | Rejected | Deferred | Unsent


def kind(change: Change) -> str:
    """The change's name in JSON, the journal and limits: "create", "add_member"..."""
    return _KINDS[type(change)]


_KINDS: Mapping[type, str] = {
    Create: "create",
    Link: "link",
    Rename: "rename",
    Update: "update",
    Move: "move",
    Enable: "enable",
    Disable: "disable",
    GivePassword: "give_password",
    ReleaseLicences: "release_licences",
    ReturnLicences: "return_licences",
    CreateGroup: "create_group",
    UpdateGroup: "update_group",
    AddMember: "add_member",
    RemoveMember: "remove_member",
}


_NAMES = frozenset({"display_name", "given", "family"})


def sentence(change: Change) -> str:
    """The change as a sentence, with its reason."""
    match change:
        case Create(who, account, reason):
            text = f"Create {who.username} ({account.display_name or account.email})" + _where(account.place)
        case Link(who, reason):
            text = f"Link the existing account of {who.username}"
        case Rename(who, before, after, reason):
            text = f"Rename {before.login} to {after.login}{_stays(before.email, after)}"
        case Update(who, before, after, reason):
            pairs = (f"{name}{_from(name, before)} to {_shown(value)}" for name, value in sorted(after.items()))
            text = f"Change {who.username}: " + ", ".join(pairs)
        case Move(who, old, new, reason):
            text = f"Move {who.username} from {old or 'the top'} to {new or 'the top'}"
        case Enable(who, reason, restore):
            text = f"{'Restore' if restore else 'Enable'} {who.username}"
        case Disable(who, reason):
            text = f"Disable {who.username}"
        case GivePassword(who, _, _, reason):
            text = f"Give {who.username} a first password"
        case ReleaseLicences(who, licences, reason) | ReturnLicences(who, licences, reason):
            text = f"{'Release' if isinstance(change, ReleaseLicences) else 'Give again'} {_counted(licences)} of {who.username}"
        case CreateGroup(group, reason):
            text = f"Create the {_thing(group.key)} {group.name}"
        case UpdateGroup(key, _, old, new, reason, archive):
            text = f"{'Archive' if archive else 'Rename'} the {_thing(key)} {old}" + (
                f" as {new}" if archive else f" to {new}"
            )
        case AddMember(key, _, name, who, reason):
            text = f"Add {who.username} to {'the course ' * is_course(key)}{name}"
        case RemoveMember(key, _, name, who, reason):
            text = f"Remove {who.username} from {'the course ' * is_course(key)}{name}"
        case _:
            assert_never(change)
    return f"{text}: {reason}." if reason else f"{text}."


def _stays(address: str, after: Naming) -> str:
    if not address or address == after.email:
        return ""
    return f"; {address} {'stays as an alias' if address in after.aliases else 'does not stay'}"


def _counted(licences: tuple[str, ...]) -> str:
    return "a licence" if len(licences) == 1 else f"{len(licences)} licences"


def _thing(key: SourceKey) -> str:
    return "course" if is_course(key) else "group"


def _where(place: str | None) -> str:
    return f" in {place}" if place else ""


def _from(name: str, before: Mapping[str, Value]) -> str:
    """What a value was; a name that somebody no longer uses is not told."""
    return "" if name in _NAMES else f" from {_shown(before.get(name, ''))}"


def _shown(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "nothing"
    return repr(value) if value else "nothing"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something a person has to decide; nothing is written for this identity in this target until then."""

    identity: IdentityId | None
    why: str
    username: str = field(default="")
