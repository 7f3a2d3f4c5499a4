"""A Graph user and an account of ours, each made of the other. Pure: JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onroll_core.accounts import Account, Anchor, IdentityId
from onroll_core.changes import Value

LONGEST = {
    "displayName": 256,
    "givenName": 64,
    "surname": 64,
    "mailNickname": 64,
    "userPrincipalName": 113,
    "employeeId": 16,
    "department": 64,
    "companyName": 64,
    "mobilePhone": 64,
    "jobTitle": 128,
    "city": 128,
    "state": 128,
    "country": 128,
    "postalCode": 40,
    "streetAddress": 1024,
}
"""The most characters that a property takes; the rest are free."""

USUAL = frozenset(
    {
        "department",
        "jobTitle",
        "companyName",
        "officeLocation",
        "employeeType",
        "usageLocation",
        "ageGroup",
        "consentProvidedForMinor",
    }
)
"""What a school may want to write beside names. Nothing that would tell where somebody lives or can be reached."""

FURTHER = frozenset({"city", "state", "country", "postalCode", "streetAddress", "mobilePhone", "preferredLanguage"})
_NAMES = {"display_name": "displayName", "given": "givenName", "family": "surname"}
_ALWAYS = (
    "id",
    "userPrincipalName",
    "mail",
    "mailNickname",
    "proxyAddresses",
    "displayName",
    "givenName",
    "surname",
    "accountEnabled",
    "onPremisesSyncEnabled",
    "userType",
)
_EXTENSIONS = "onPremisesExtensionAttributes"
_NEVER_NULL = {"displayName": "display name", "usageLocation": "usage location"}


@dataclass(frozen=True, slots=True)
class Shape:
    """Which property carries our identity, and which further ones onroll may write."""

    identity: str
    attributes: frozenset[str]

    @property
    def select(self) -> tuple[str, ...]:
        """The properties to read, and no more than those; `_NEVER_NULL` ones cannot be cleared."""
        names = {_EXTENSIONS if _nested(name) else name for name in (self.identity, *self.attributes)}
        return (*_ALWAYS, *sorted(names))

    @property
    def advanced(self) -> bool:
        """True where a filter on the identity needs Entra's advanced query capabilities."""
        return _nested(self.identity)

    def owner(self, user: Mapping[str, Any]) -> IdentityId | None:
        """The identity that a user carries."""
        value = _read(user, self.identity)
        return IdentityId(value) if value else None

    def carrying(self, identity: IdentityId) -> dict[str, Any]:
        """The body that makes a user carry `identity`."""
        return _written({self.identity: str(identity)})

    def filter(self, identities: Sequence[str]) -> str:
        """The filter that finds everyone who carries one of `identities` (Graph takes 15 at most)."""
        name = f"{_EXTENSIONS}/{self.identity}" if _nested(self.identity) else self.identity
        return f"{name} in ({','.join(quoted(each) for each in identities)})"

    def account(self, user: Mapping[str, Any]) -> Account:
        """The account that a user is. One without mail is reached by its sign-in name."""
        login = sign_in_name(user)
        email = str(user.get("mail") or login).lower()
        # Only what is there is looked at: most of what could be there is not.
        told = {name: str(value) for name, value in user.items() if value and name in self.attributes}
        extensions = user.get(_EXTENSIONS)
        if extensions:
            told |= {name: str(value) for name, value in extensions.items() if value and name in self.attributes}
        return Account(
            login=login,
            email=email,
            aliases=frozenset(addresses(user)) - {email},
            display_name=user.get("displayName") or "",
            given=user.get("givenName") or "",
            family=user.get("surname") or "",
            place=None,
            enabled=user.get("accountEnabled") is True,
            attributes=told,
        )

    def new(self, account: Account, identity: IdentityId, password: str, usage_location: str | None) -> dict[str, Any]:
        """The body that makes an account: enabled, with a password that must be changed."""
        body: dict[str, Any] = {
            "accountEnabled": True,
            "userPrincipalName": account.login,
            "mail": account.email,
            "mailNickname": account.login.partition("@")[0],
            "displayName": account.display_name or account.login.partition("@")[0],
            "givenName": account.given or None,
            "surname": account.family or None,
        }
        body = {name: value for name, value in body.items() if value is not None}
        if usage_location is not None:
            body["usageLocation"] = usage_location
        extras = {name: value for name, value in account.attributes.items() if value}
        body |= _written({**extras, self.identity: str(identity)})
        body["passwordProfile"] = {"password": password, "forceChangePasswordNextSignIn": True}
        return body

    def changed(self, after: Mapping[str, Value]) -> dict[str, Any]:
        """The body that sets values of ours; "" clears, which Graph wants to be told as null. Aliases cannot be written through Graph."""
        values = {_NAMES.get(name, name): value or None for name, value in after.items() if isinstance(value, str)}
        return _written(values)


def renamed(login: str, email: str) -> dict[str, Any]:
    """The body of a rename: sign-in name, address and nickname change together."""
    return {"userPrincipalName": login, "mail": email, "mailNickname": login.partition("@")[0]}


def misfit(body: Mapping[str, Any]) -> str | None:
    """Why Graph would not take a body, in a sentence; None when it would."""
    for name, value in body.items():
        if isinstance(value, str) and len(value) > LONGEST.get(name, 1024):
            return f"{name} would be {len(value)} characters long, and Microsoft 365 takes {LONGEST.get(name, 1024)}: shorten it in the MIS."
        if value is None and name in _NEVER_NULL:
            return f"The {_NEVER_NULL[name]} cannot be emptied in Microsoft 365: fill it in the MIS or let onroll leave it alone."
    return None


def unverified(address: str, domains: frozenset[str] | None) -> str | None:
    """Why an address cannot be had in a tenant with these verified domains (None: unknown), in a sentence."""
    domain = address.rpartition("@")[2]
    if domains is None or domain in domains:
        return None
    return (
        f"{address} cannot be had: the domain {domain} is not verified in this tenant (it has {', '.join(sorted(domains))})."
        " Verify it in the Microsoft 365 admin center, or change the school's domain."
    )


def sign_in_name(user: Mapping[str, Any]) -> str:
    """The userPrincipalName, lower case. Entra puts a soft-deleted user's id in front of it; that is taken off again."""
    name = str(user.get("userPrincipalName") or "").lower()
    return name.removeprefix(str(user.get("id", "")).replace("-", "").lower())


def addresses(holder: Mapping[str, Any]) -> Iterator[str]:
    """The mail addresses in proxyAddresses, lower case, without prefix (SIP, X500 and the like are none)."""
    for entry in holder.get("proxyAddresses") or ():
        kind, _, address = str(entry).partition(":")
        if kind.lower() == "smtp" and address:
            yield address.lower()


def names(holder: Mapping[str, Any]) -> Iterator[str]:
    """Every name that a user or group holds: sign-in name, addresses, and the bare nickname."""
    if holder.get("userPrincipalName"):
        yield sign_in_name(holder)
    yield from (str(holder[name]).lower() for name in ("mail", "mailNickname") if holder.get(name))
    yield from addresses(holder)


def holding(address: str, users: bool = True) -> str:
    """The filter that finds who holds an address."""
    clauses = [f"mail eq {quoted(address)}", f"proxyAddresses/any(p:p eq {quoted(f'smtp:{address}')})"]
    return " or ".join([f"userPrincipalName eq {quoted(address)}", *clauses] if users else clauses)


def quoted(value: str) -> str:
    """A string as OData writes it."""
    return "'" + value.replace("'", "''") + "'"


def anchor(user: Mapping[str, Any]) -> Anchor:
    """The object id."""
    return Anchor(str(user["id"]))


def _nested(name: str) -> bool:
    return name.startswith("extensionAttribute")


def _read(user: Mapping[str, Any], name: str) -> str:
    value = (user.get(_EXTENSIONS) or {}).get(name) if _nested(name) else user.get(name)
    return str(value) if value is not None else ""


def _written(values: Mapping[str, Any]) -> dict[str, Any]:
    body = {name: value for name, value in values.items() if not _nested(name)}
    nested = {name: value for name, value in values.items() if _nested(name)}
    if nested:
        body[_EXTENSIONS] = nested
    return body
