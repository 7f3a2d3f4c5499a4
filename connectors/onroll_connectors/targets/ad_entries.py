"""Between an account in our words and a user object in Active Directory's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onroll_connectors.targets.ad_limits import LONGEST_NOTE
from onroll_connectors.targets.ad_wire import Entry
from onroll_core.accounts import Account
from onroll_core.changes import Naming, Value

NORMAL, OFF = 512, 2
FIELDS: Mapping[str, str] = {"display_name": "displayName", "given": "givenName", "family": "sn"}
NAMED = ("objectGUID", "objectClass", "sAMAccountName", "userPrincipalName", "mail", "proxyAddresses")
_NOTE = "Disabled by onroll: "
_BREAK = "\r\n"


@dataclass(frozen=True, slots=True)
class Attributes:
    """Which attributes carry what: the identity, our note, and the extra ones the school writes."""

    identity: str
    note: str
    extra: tuple[str, ...]
    upn_suffix: str | None

    @property
    def read(self) -> list[str]:
        """Every attribute that is asked for: what we own, and no more."""
        return [*NAMED, "userAccountControl", *FIELDS.values(), self.identity, *self.extra]

    @property
    def write(self) -> list[str]:
        """What is read of an object that is about to be written."""
        return [*self.read, self.note]

    def upn(self, login: str, email: str) -> str:
        """What people type to sign in: the address, or the login at the suffix that the settings name."""
        return f"{login}@{self.upn_suffix}" if self.upn_suffix else email


def account_of(entry: Entry, place: str | None, mapping: Attributes) -> Account:
    """The account that an object is; `place` is None when it lies outside our base."""
    primary, aliases = addresses(entry.texts("proxyAddresses"))
    email = entry.text("mail").lower() or primary
    return Account(
        entry.text("sAMAccountName").lower(),
        email,
        frozenset((aliases | {primary}) - {email, ""}),
        entry.text("displayName"),
        entry.text("givenName"),
        entry.text("sn"),
        place,
        enabled(entry),
        {name: entry.text(name) for name in mapping.extra},
    )


def enabled(entry: Entry) -> bool:
    """Whether the object may sign in."""
    return not _flags(entry) & OFF


def addresses(proxies: Iterable[str]) -> tuple[str, set[str]]:
    """The primary SMTP address and the others, lower case, of proxyAddresses; other kinds (x500:, sip:) are not ours."""
    primary, others = "", set()
    for proxy in proxies:
        kind, _, address = proxy.partition(":")
        if kind == "SMTP":
            primary = address.lower()
        elif kind.lower() == "smtp":
            others.add(address.lower())
    return primary, others


def proxies(before: Sequence[str], email: str, aliases: Iterable[str], drop: Iterable[str] = ()) -> list[str]:
    """proxyAddresses with `email` primary and `aliases` beside it. What others wrote there (x500:, sip:, more aliases) is kept;
    `drop` are addresses that must not stay."""
    kept = [proxy for proxy in before if proxy.partition(":")[0].lower() != "smtp"]
    primary, others = addresses(before)
    email, dropped = email.lower(), {each.lower() for each in drop}
    wanted = (others | {primary} | {alias.lower() for alias in aliases}) - {email, ""} - dropped
    return [*([f"SMTP:{email}"] if email else []), *(f"smtp:{alias}" for alias in sorted(wanted)), *kept]


def new_user(
    account: Account, cn: str, identity: str, password: str, mapping: Attributes
) -> dict[str, Sequence[str | bytes]]:
    """Every attribute of a new object, for one add: enabled, with a temporary password that must be changed."""
    values: dict[str, Sequence[str | bytes]] = {
        "objectClass": ["top", "person", "organizationalPerson", "user"],
        "cn": [cn],
        "sAMAccountName": [account.login],
        "userPrincipalName": [mapping.upn(account.login, account.email)],
        "mail": [account.email],
        "proxyAddresses": list(proxies([], account.email, account.aliases)),
        "userAccountControl": [str(NORMAL)],
        "unicodePwd": [encoded(password)],
        "pwdLastSet": ["0"],
        mapping.identity: [identity],
    }
    for name, attribute in FIELDS.items():
        value = getattr(account, name)
        if value:
            values[attribute] = [value]
    for attribute, value in account.attributes.items():
        if value:
            values[attribute] = [value]
    return values


def encoded(password: str) -> bytes:
    """unicodePwd's form: quoted, UTF-16."""
    return f'"{password}"'.encode("utf-16-le")


def updated(before: Mapping[str, Value], after: Mapping[str, Value], entry: Entry) -> dict[str, Sequence[str | bytes]]:
    """The attributes that an Update sets; an alias that `before` has and `after` has not is taken away."""
    values: dict[str, Sequence[str | bytes]] = {}
    for name, value in after.items():
        if name == "aliases":
            there = entry.texts("proxyAddresses")
            email = entry.text("mail").lower() or addresses(there)[0]
            values["proxyAddresses"] = list(proxies(there, email, value, {*before.get("aliases", ())} - {*value}))
        else:
            values[FIELDS.get(name, name)] = [str(value)] if value else []
    return values


def renamed(before: Naming, after: Naming, entry: Entry, mapping: Attributes) -> dict[str, Sequence[str | bytes]]:
    """The attributes that a Rename sets: the old address stays as an alias unless `after` says that it must not."""
    dropped = {before.email, *before.aliases} - after.aliases
    kept = list(proxies(entry.texts("proxyAddresses"), after.email, after.aliases, dropped))
    return {
        "sAMAccountName": [after.login],
        "userPrincipalName": [mapping.upn(after.login, after.email)],
        "mail": [after.email],
        "proxyAddresses": kept,
    }


def switched_off(entry: Entry, why: str, mapping: Attributes) -> dict[str, Sequence[str | bytes]]:
    """The attributes that a Disable sets: the flag, and the note."""
    note = noted(entry.text(mapping.note), why)
    return {"userAccountControl": [str(_flags(entry) | OFF)], mapping.note: [note] if note else []}


def switched_on(entry: Entry, mapping: Attributes) -> dict[str, Sequence[str | bytes]]:
    """The attributes that an Enable sets: the flag is lifted, our note goes, other people's stay."""
    note = without_note(entry.text(mapping.note))
    return {"userAccountControl": [str(_flags(entry) & ~OFF)], mapping.note: [note] if note else []}


def _flags(entry: Entry) -> int:
    return int(entry.text("userAccountControl") or NORMAL)


def noted(text: str, why: str) -> str:
    """What people wrote in the note, with our line on top of it. Theirs is never cut: where both do not fit, ours is, or stays away."""
    rest = without_note(text)
    mine = f"{_NOTE}{' '.join(why.split())}."
    room = LONGEST_NOTE - len(rest) - (len(_BREAK) if rest else 0)
    if room < len(_NOTE):
        return rest
    return mine[:room] + (_BREAK + rest if rest else "")


def without_note(text: str) -> str:
    """What people wrote in the note, to the letter, without our line."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(_NOTE))


def classes(entry: Entry) -> frozenset[bytes]:
    """The object's classes, in lower case."""
    return frozenset(each.lower() for each in entry.values.get("objectclass", ()))


def is_person(entry: Entry) -> bool:
    """A user, and neither a computer nor a managed service account."""
    found = classes(entry)
    return b"user" in found and b"computer" not in found


def what(entry: Entry) -> str:
    """The object in words: "the group staff"."""
    found = classes(entry)
    kind = next((kind for kind in ("group", "computer", "contact") if kind.encode() in found), "user")
    return f"the {kind} {entry.text('sAMAccountName') or entry.dn}"


def names_of(entry: Entry) -> set[str]:
    """Every login and address of an object, in lower case."""
    primary, aliases = addresses(entry.texts("proxyAddresses"))
    found = {entry.text(name).lower() for name in ("sAMAccountName", "userPrincipalName", "mail")}
    return (found | {primary} | aliases) - {""}
