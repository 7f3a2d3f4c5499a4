"""Windows' own limits on names and values, which Samba does not assert and a school should read as a sentence: asserted before anything is sent."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from onroll_core.accounts import Account
from onroll_core.changes import Naming

LONGEST_LOGIN = 20
LONGEST_CN = 64
LONGEST_IDENTITY = 16
LONGEST_NOTE = 1024
# MS-ADLS rangeUpper; 1123 is that of one proxyAddresses value.
_LENGTHS = {
    "given": 64,
    "family": 64,
    "display_name": 256,
    "email": 256,
    "alias": 1118,
    "department": 64,
    "company": 64,
    "title": 128,
    "physicalDeliveryOfficeName": 128,
    "description": 1024,
    "employeeNumber": 512,
    "employeeType": 256,
}
_FORBIDDEN = frozenset('"/\\[]:;|=,+*?<>@')
_DELIMITERS = str.maketrans(",.-_#\t", "      ")


def problem_with_text(what: str, value: str) -> str | None:
    """Why a text cannot be written, or None: control characters, half a character, and what is too long for Windows."""
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in value):
        return f"The {_plain(what)} holds a control character, which a directory cannot keep. Correct it in the MIS."
    longest = _LENGTHS.get(what)
    if longest is not None and len(value) > longest:
        return f"The {_plain(what)} has {len(value)} characters; Active Directory takes at most {longest}. Shorten it in the MIS."
    return None


def problem_with_login(login: str) -> str | None:
    """Why Windows refuses a sAMAccountName for a user, or None."""
    if not login:
        return "There is no username."
    if len(login) > LONGEST_LOGIN:
        return f"The username {login} has {len(login)} characters; Windows takes at most {LONGEST_LOGIN}."
    bad = sorted(
        {each for each in login if each in _FORBIDDEN or ord(each) < 32 or unicodedata.category(each) in ("Cc", "Cs")}
    )
    if bad:
        return f"The username {login!r} holds {' '.join(map(repr, bad))}, which Windows refuses."
    if login.endswith(".") or login != login.strip() or not login.strip(". "):
        return f"The username {login!r} ends or begins with a dot or a space, which Windows refuses."
    return None


def problem_with_address(address: str) -> str | None:
    """Why an address cannot be written, or None."""
    name, at, domain = address.rpartition("@")
    if not at or not name or not domain or any(each.isspace() for each in address):
        return f"{address!r} is not an e-mail address."
    return problem_with_text("email", address)


def problem_with_place(place: str) -> str | None:
    """Why a place cannot become OUs, or None."""
    for part in place.split("/"):
        if len(part) > LONGEST_CN:
            return f"The OU {part!r} has {len(part)} characters; Active Directory takes at most {LONGEST_CN}."
        if part != part.strip() or (not part and place):
            return f"The place {place!r} has a part that is empty or begins or ends with a space."
    return problem_with_text("place", place)


def problem_with_account(account: Account, identity: str) -> str | None:
    """Why Windows would refuse to make this account, in a sentence; None when it would not."""
    if not 0 < len(identity) <= LONGEST_IDENTITY:
        return (
            f"The identity {identity} has {len(identity)} characters; the directory holds at most {LONGEST_IDENTITY}."
        )
    texts = (
        ("display_name", account.display_name),
        ("given", account.given),
        ("family", account.family),
        *account.attributes.items(),
    )
    for what, value in texts:
        problem = problem_with_text(what, value) if value else None
        if problem:
            return problem
    for address in (account.email, *sorted(account.aliases)):
        problem = problem_with_address(address)
        if problem:
            return problem
    return problem_with_place(account.place or "") or problem_with_login(account.login)


def problem_with_naming(naming: Naming) -> str | None:
    """Why Windows would refuse these names."""
    for address in (naming.email, *sorted(naming.aliases)):
        problem = problem_with_address(address)
        if problem:
            return problem
    return problem_with_login(naming.login)


def holds_a_name(password: str, login: str, display_name: str) -> bool:
    """Whether Windows' complexity rule finds the username or a part of the display name, three characters or longer, in a password."""
    low = password.lower()
    return any(len(word) > 2 and word in low for word in _words(login, display_name))


def _words(login: str, display_name: str) -> Iterable[str]:
    return (login.lower(), *display_name.lower().translate(_DELIMITERS).split())


def _plain(what: str) -> str:
    return what.replace("_", " ")
