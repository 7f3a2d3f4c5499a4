"""Between an account in our words and a user object in Active Directory's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onroll_connectors.targets.ad_names import folded, place_of
from onroll_connectors.targets.ad_wire import Entry
from onroll_core.accounts import Account, Anchor, Holder
from onroll_core.changes import Value

NORMAL, OFF = 512, 2
FIELDS: Mapping[str, str] = {"display_name": "displayName", "given": "givenName", "family": "sn"}
_NOTE = "Disabled by onroll: "
_LONGEST_NOTE = 1024


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
        own = ["objectGUID", "sAMAccountName", "userPrincipalName", "mail", "proxyAddresses", "userAccountControl"]
        return [*own, *FIELDS.values(), self.identity, self.note, *self.extra]

    def upn(self, login: str, email: str) -> str:
        """What people type to sign in: the address, or the login at the suffix that the settings name."""
        return f"{login}@{self.upn_suffix}" if self.upn_suffix else email


def account_of(entry: Entry, base: str, mapping: Attributes) -> Account:
    """The account that an object is."""
    primary, aliases = addresses(entry.texts("proxyAddresses"))
    email = entry.text("mail").lower() or primary
    return Account(
        entry.text("sAMAccountName").lower(),
        email,
        frozenset(aliases | ({primary} if primary and primary != email else set())),
        entry.text("displayName"),
        entry.text("givenName"),
        entry.text("sn"),
        place_of(entry.dn, base),
        enabled(entry),
        {name: entry.text(name) for name in mapping.extra},
    )


def enabled(entry: Entry) -> bool:
    """Whether the object may sign in."""
    return not int(entry.text("userAccountControl") or NORMAL) & OFF


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


def proxies(before: Sequence[str], email: str, aliases: Iterable[str], drop: str = "") -> list[str]:
    """proxyAddresses with `email` primary and `aliases` beside it. What others wrote there (x500:, sip:, more aliases) is kept;
    `drop` is an address that must not stay."""
    kept = [proxy for proxy in before if proxy.partition(":")[0].lower() != "smtp"]
    primary, others = addresses(before)
    wanted = (others | {primary} | set(aliases)) - {email, drop, ""}
    return [f"SMTP:{email}", *(f"smtp:{alias}" for alias in sorted(wanted)), *kept]


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


def updated(after: Mapping[str, Value], entry: Entry) -> dict[str, Sequence[str | bytes]]:
    """The attributes that an Update sets."""
    values: dict[str, Sequence[str | bytes]] = {}
    for name, value in after.items():
        if name == "aliases":
            email = entry.text("mail").lower() or addresses(entry.texts("proxyAddresses"))[0]
            values["proxyAddresses"] = list(proxies(entry.texts("proxyAddresses"), email, value))
        else:
            values[FIELDS.get(name, name)] = [str(value)] if value else []
    return values


def noted(text: str, why: str) -> str:
    """What people wrote in the note, with our line on top of it."""
    mine = f"{_NOTE}{why}."
    rest = without_note(text)
    return f"{mine}\n{rest}"[:_LONGEST_NOTE] if rest else mine[:_LONGEST_NOTE]


def without_note(text: str) -> str:
    """What people wrote in the note, without our line."""
    return "\n".join(line for line in text.replace("\r\n", "\n").split("\n") if not line.startswith(_NOTE)).strip("\n")


def holders(entries: Iterable[Entry]) -> dict[str, Holder]:
    """Every login and address in use, in lower case and as Windows folds accents, with who holds it."""
    found: dict[str, Holder] = {}
    for entry in entries:
        classes = {each.lower() for each in entry.texts("objectClass")}
        what = (
            "group"
            if "group" in classes
            else "computer"
            if "computer" in classes
            else "contact"
            if "contact" in classes
            else "user"
        )
        login = entry.text("sAMAccountName")
        holder = Holder(Anchor(entry.guid), f"the {what} {login or entry.dn}")
        primary, aliases = addresses(entry.texts("proxyAddresses"))
        upn = entry.text("userPrincipalName").lower()
        for name in (login.lower(), upn, entry.text("mail").lower(), primary, *aliases):
            if name:
                found.setdefault(name, holder)
                found.setdefault(folded(name), holder)
    return found
