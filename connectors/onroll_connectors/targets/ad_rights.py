"""What onroll's account has to be allowed in Active Directory, and no more: one table, from which come the commands that grant it, what
`onroll check` says when a part of it is missing, the entries that the tests delegate, and the page on Active Directory.

Each right is there because something that onroll writes or reads asks for it. Windows wants the writing of `name` and of the naming attribute
for a rename, and for a move beside that the deletion of the object where it was and the creation of one of its class where it goes (MS-ADTS 3.1.1.5.4.1.1).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal
from uuid import UUID

from onroll_connectors.targets import ad_descriptors as descriptors
from onroll_connectors.targets import ad_names
from onroll_connectors.targets.ad_entries import FIELDS, NAMED, Attributes
from onroll_connectors.targets.ad_groups import GroupAttributes

Kind = Literal["create", "write", "reset", "delete", "list", "read"]
Where = Literal["base", "groups", "names"]
RESET_PASSWORD = UUID("00299570-246d-11d0-a768-00aa006e0529")
"""The control access right User-Force-Change-Password, the same in every forest (MS-ADTS 5.1.3.2.1)."""
DESCRIPTOR = "nTSecurityDescriptor"
_UNIT, _USER, _GROUP = "organizationalUnit", "user", "group"
_PLURALS = {_UNIT: "organisational units", _USER: "users", _GROUP: "groups"}
_MASKS = {
    "create": ("CC", descriptors.CREATE_CHILD),
    "write": ("WP", descriptors.WRITE),
    "reset": ("CR", descriptors.CONTROL),
    "delete": ("SD", descriptors.DELETE),
    "list": ("LC", descriptors.LIST),
    "read": ("RP", descriptors.READ),
}


@dataclass(frozen=True, slots=True)
class Right:
    """One right: to do `kind` to objects of the class `on`, with `of` (a class of children, an attribute, or ""), at and below `where`, in order to `purpose`.

    `usual`: Windows lets everybody who is signed in do so, unless somebody changed that.
    """

    kind: Kind
    on: str
    of: str
    where: Where
    purpose: str
    usual: bool = False

    @property
    def here_too(self) -> bool:
        """True when it is needed on the OU itself and not only on what lies below it."""
        return self.on == _UNIT

    @property
    def bit(self) -> int:
        """Its bit in an access mask."""
        return descriptors.READ_DESCRIPTOR if self.of == DESCRIPTOR else _MASKS[self.kind][1]

    def act(self, of: Iterable[str] = ()) -> str:
        """In words: "write mail and sn of users". `of` are what several rights of one kind are about."""
        things = _and(of or [self.of])
        match self.kind:
            case "create":
                return f"make {_and([_PLURALS[each] for each in of or [self.of]])}"
            case "reset":
                return "reset passwords of users"
            case "delete":
                return f"delete {_PLURALS[self.on]}"
            case "list":
                return "list what is in organisational units"
            case "write" | "read":
                return f"{self.kind} {things} of {_PLURALS[self.on]}"


def rights(attributes: Attributes, groups: GroupAttributes, keeps_groups: bool) -> tuple[Right, ...]:
    """The table, for these settings; rights on groups only where groups are kept."""
    found = [*_accounts(attributes)]
    if keeps_groups:
        found += _groups(groups)
    found += _reading(attributes, groups)
    return tuple(found)


def _accounts(attributes: Attributes) -> Iterator[Right]:
    yield Right("create", _UNIT, _UNIT, "base", "make the OUs that people are put into")
    yield Right("create", _UNIT, _USER, "base", "make accounts and move them into another OU")

    def write(purpose: str, *names: str) -> Iterator[Right]:
        return (Right("write", _USER, name, "base", purpose) for name in names)

    yield from write("correct names", *FIELDS.values())
    yield from write("rename accounts and keep former addresses", *_naming())
    yield from write("rename and move accounts", "cn", "name")
    yield Right("delete", _USER, "", "base", "move accounts out of an OU (Windows asks for it; onroll deletes nothing)")
    yield from write("disable leavers and enable returners", "userAccountControl")
    yield from write("note why an account is disabled", attributes.note)
    yield from write("link accounts that were there before", attributes.identity)
    yield Right("reset", _USER, "", "base", "hand out first passwords")
    yield from write("have first passwords changed", "pwdLastSet")
    own = {each.lower() for each in (*FIELDS.values(), *_naming(), attributes.note)}
    yield from write(
        "fill the attributes that write in [targets] names",
        *(name for name in attributes.extra if name.lower() not in own),
    )


def _naming() -> tuple[str, ...]:
    return tuple(name for name in NAMED if name not in ("objectGUID", "objectClass"))


def _groups(groups: GroupAttributes) -> Iterator[Right]:
    yield Right("create", _UNIT, _GROUP, "groups", "make groups")
    for name in ("sAMAccountName", "displayName", "cn", "name"):
        yield Right("write", _GROUP, name, "groups", "rename groups")
    yield Right("write", _GROUP, groups.carrier, "groups", "archive groups whose class is over")
    yield Right("write", _GROUP, "member", "groups", "put people into groups and take them out")


def _reading(attributes: Attributes, groups: GroupAttributes) -> Iterator[Right]:
    kinds = ("objectClass", "objectGUID")
    looked = (*NAMED, "userAccountControl", *FIELDS.values(), attributes.identity, attributes.note, *attributes.extra)
    of_users = (*looked, "objectCategory", "adminCount", "lastLogon", "lastLogonTimestamp")
    of_groups = (*kinds, "sAMAccountName", "displayName", groups.carrier, "member")
    names = (*kinds, *_naming(), attributes.identity)
    yield Right("list", _UNIT, "", "base", "find its way below base", usual=True)
    tables: tuple[tuple[str, Where, str, tuple[str, ...]], ...] = (
        (_UNIT, "base", "find its way below base", ("objectClass",)),
        (_USER, "base", "see how accounts are", of_users),
        (_GROUP, "base", "see how groups are", of_groups),
        *((on, "base", "let onroll check see what it may do", (DESCRIPTOR,)) for on in (_UNIT, _USER, _GROUP)),
        (_USER, "names", "give nobody a name that is taken", names),
        (_GROUP, "names", "give nobody a name that is taken", names),
    )
    for on, where, purpose, things in tables:
        for of in dict.fromkeys(things):
            yield Right("read", on, of, where, purpose, usual=True)


# --- what comes of the table ---


@dataclass(frozen=True, slots=True)
class Places:
    """The DNs that the table's places stand for."""

    base: str
    groups: str
    names: str

    @classmethod
    def under(cls, base: str, groups_place: str, names: str) -> Places:
        """The places of a target's settings."""
        return cls(base, ad_names.unit(groups_place, base), names)

    def dn(self, where: Where) -> str:
        """The DN of a place."""
        match where:
            case "base":
                return self.base
            case "groups":
                return self.groups
            case "names":
                return self.names


def together(table: Iterable[Right]) -> Iterator[tuple[Right, ...]]:
    """The rights that are granted in one command and told in one sentence: of one kind, on one class, for one purpose."""
    for _, some in groupby(table, lambda each: (each.kind, each.on, each.where, each.purpose)):
        yield tuple(some)


def sentence(some: tuple[Right, ...]) -> str:
    """What rights of `together` are, in words: "write mail and sn of users"."""
    return some[0].act([each.of for each in some])


def command(some: tuple[Right, ...], places: Places, account: str) -> str:
    """The command of Windows that grants rights of `together` to an account (NAME@DOMAIN or DOMAIN\\NAME)."""
    statements = " ".join(f'"{account}:{_statement(each)}"' for each in some)
    inheritance = "T" if some[0].here_too else "S"
    return f'dsacls "{places.dn(some[0].where)}" /I:{inheritance} /G {statements}'


def _statement(right: Right) -> str:
    if right.of == DESCRIPTOR:
        return f"RC;;{'' if right.here_too else right.on}".rstrip(";")
    letters = "CA" if right.kind == "reset" else _MASKS[right.kind][0]
    of = "Reset Password" if right.kind == "reset" else right.of
    return f"{letters};{of};{'' if right.here_too else right.on}".rstrip(";")


def sddl(right: Right, sid: str, guid: Callable[[str], UUID]) -> str:
    """The access control entry that grants it, as text; `guid` knows the schemaIDGUID of an attribute or class."""
    flags = "CI" if right.here_too else "CIIO"
    of: UUID | str = ""
    letters = _MASKS[right.kind][0]
    if right.of == DESCRIPTOR:
        letters = "RC"
    elif right.kind == "reset":
        of = RESET_PASSWORD
    elif right.of:
        of = guid(right.of)
    to: UUID | str = "" if right.here_too else guid(right.on)
    return f"({'OA' if of or to else 'A'};{flags};{letters};{of};{to};{sid})"


def schema_names(table: Iterable[Right]) -> tuple[str, ...]:
    """Every attribute and class that the table speaks of, as the schema calls them."""
    return tuple(dict.fromkeys(name for right in table for name in (right.on, right.of) if name))


def account_named(user: str) -> str:
    """The account as dsacls takes it; what stands there when the settings do not say (Kerberos, a DN)."""
    return user if ("@" in user or "\\" in user) and "=" not in user else "DOMAIN\\ACCOUNT"


def commands(table: Collection[Right], places: Places, account: str) -> list[str]:
    """A sentence, and the commands that grant everything that Windows does not let everybody do."""
    who = account_named(account)
    found = [
        f"Give {who} these rights on {places.base}, and no others: in a command prompt of a domain administrator, one after the other."
    ]
    if who != account:
        found.append("Put the account under which onroll signs in for DOMAIN\\ACCOUNT.")
    groups = any(right.where == "groups" for right in table)
    if groups and places.groups != places.base:
        found.append(
            "The OU of the groups has to be there before rights can be given on it; dsadd complains where it is, and does no harm."
        )
        found += map(_indented, making(places))
    granted = together(each for each in table if not each.usual)
    found += [_indented(command(some, places, who)) for some in granted]
    found.append(
        "Reading needs nothing where everybody may read the domain, as Windows sets it up; onroll check says so where it does."
    )
    return found


def _indented(line: str) -> str:
    return f"    {line}"


def making(places: Places) -> list[str]:
    """The commands that make the OUs of the groups below the base, from the top."""
    found, dn = [], places.groups
    while ad_names.key(dn) != ad_names.key(places.base):
        found.append(f'dsadd ou "{dn}"')
        dn = ad_names.parent(dn)
    return found[::-1]


def guids_of(right: Right, known: Mapping[str, tuple[UUID, ...]]) -> tuple[UUID, ...]:
    """The GUIDs by which an entry may speak of what a right is about: its own and that of its property set."""
    if right.kind == "reset":
        return (RESET_PASSWORD,)
    return known.get(right.of.lower(), ()) if right.of != DESCRIPTOR else ()


def _and(things: Iterable[str]) -> str:
    some = list(things)
    return ", ".join(some[:-1]) + " and " + some[-1] if len(some) > 1 else some[0]
