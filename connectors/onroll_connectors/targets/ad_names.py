"""Distinguished names, places and Windows' own limits on names, which Samba does not assert and we therefore do."""

from __future__ import annotations

import unicodedata

from onroll_core.accounts import Account
from onroll_core.changes import Naming

LONGEST_LOGIN = 20
LONGEST_CN = 64
_FORBIDDEN = frozenset('"/\\[]:;|=,+*?<>@')
_LENGTHS = {"given": 64, "family": 64, "display_name": 256, "email": 256}
_SPECIAL = frozenset(',+"\\<>;=')


def escape(value: str) -> str:
    """A value for use in a DN (RFC 4514). Control characters are to be refused before (`problem_with_text`)."""
    found = []
    for position, each in enumerate(value):
        ends = position in (0, len(value) - 1)
        if each in _SPECIAL or (each == "#" and position == 0) or (each == " " and ends):
            found.append("\\" + each)
        elif ord(each) < 32:
            found.append(f"\\{ord(each):02X}")
        else:
            found.append(each)
    return "".join(found)


def split(dn: str) -> list[str]:
    """The relative names of a DN, as they stand, without the commas between them."""
    parts, current, escaped = [], "", False
    for each in dn:
        if escaped:
            current, escaped = current + each, False
        elif each == "\\":
            current, escaped = current + each, True
        elif each == ",":
            parts.append(current.strip())
            current = ""
        else:
            current += each
    return [*parts, current.strip()] if current.strip() else parts


def unescape(value: str) -> str:
    """The plain text of an escaped value."""
    raw = bytearray()
    at = 0
    while at < len(value):
        if value[at] == "\\" and at + 1 < len(value):
            pair = value[at + 1 : at + 3]
            if len(pair) == 2 and all(each in "0123456789abcdefABCDEF" for each in pair):
                raw.append(int(pair, 16))
                at += 3
                continue
            raw += value[at + 1].encode()
            at += 2
            continue
        raw += value[at].encode()
        at += 1
    return raw.decode("utf-8", "replace")


def parent(dn: str) -> str:
    """The DN without its first relative name."""
    return ",".join(split(dn)[1:])


def name_of(dn: str) -> str:
    """The plain text of the first relative name's value: "Potter, Harry" of CN=Potter\\, Harry,OU=..."""
    parts = split(dn)
    return unescape(parts[0].partition("=")[2]) if parts else ""


def key(dn: str) -> str:
    """A DN for comparing: case, escapes and the spaces around commas set aside."""
    return ",".join(
        f"{part.partition('=')[0].strip().lower()}={unescape(part.partition('=')[2]).strip().casefold()}\x00"
        for part in split(dn)
    )


def unit(place: str, base: str) -> str:
    """The DN of a place under `base`: "Students/2019" is OU=2019,OU=Students,BASE."""
    parts = [part for part in place.split("/") if part]
    return ",".join([f"OU={escape(part)}" for part in reversed(parts)] + [base])


def place_of(dn: str, base: str) -> str | None:
    """The place of an object under `base`; None when it lies elsewhere."""
    above, root = split(parent(dn)), split(base)
    cut = len(above) - len(root)
    if cut < 0 or key(",".join(above[cut:])) != key(base):
        return None
    return "/".join(unescape(part.partition("=")[2]) for part in reversed(above[:cut]))


def folded(name: str) -> str:
    """A name as Windows compares it: without case and accents (KB 938447)."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return plain.casefold()


def common_name(display_name: str, login: str, taken: set[str]) -> str:
    """A CN that is free among `taken` (folded): the display name, or that with the login, within 64 characters."""
    plain = " ".join(display_name.split())[:LONGEST_CN].strip() or login
    if folded(plain) not in taken:
        return plain
    room = LONGEST_CN - len(login) - 3
    return f"{plain[:room].strip()} ({login})"


def problem_with_text(what: str, value: str) -> str | None:
    """Why a text cannot be written, or None: control characters and what is too long for Windows."""
    if any(unicodedata.category(each) == "Cc" for each in value):
        return f"The {what} holds a control character, which a directory cannot keep. Correct it in the MIS."
    longest = _LENGTHS.get(what)
    if longest is not None and len(value) > longest:
        return f"The {what.replace('_', ' ')} has {len(value)} characters; Active Directory takes at most {longest}. Shorten it in the MIS."
    return None


def problem_with_login(login: str) -> str | None:
    """Why Windows refuses a sAMAccountName for a user, or None."""
    if not login:
        return "There is no username."
    if len(login) > LONGEST_LOGIN:
        return f"The username {login} has {len(login)} characters; Windows takes at most {LONGEST_LOGIN}."
    bad = sorted({each for each in login if each in _FORBIDDEN or ord(each) < 32})
    if bad:
        return f"The username {login!r} holds {' '.join(map(repr, bad))}, which Windows refuses."
    if login.endswith(".") or login != login.strip():
        return f"The username {login!r} ends or begins with a dot or a space, which Windows refuses."
    return None


def problem_with_account(account: Account, identity: str) -> str | None:
    """Why Windows would refuse to make this account, in a sentence; None when it would not."""
    if len(identity) > 16:
        return f"The identity {identity} has {len(identity)} characters; employeeID holds at most 16."
    for what, value in (
        ("display_name", account.display_name),
        ("given", account.given),
        ("family", account.family),
        ("email", account.email),
        ("place", account.place),
        *account.attributes.items(),
    ):
        problem = problem_with_text(what, value) if value else None
        if problem:
            return problem
    for part in (account.place or "").split("/"):
        if len(part) > LONGEST_CN:
            return f"The OU {part!r} has {len(part)} characters; Active Directory takes at most {LONGEST_CN}."
    return problem_with_login(account.login)


def problem_with_naming(naming: Naming) -> str | None:
    """Why Windows would refuse these names."""
    return problem_with_login(naming.login) or problem_with_text("email", naming.email)
