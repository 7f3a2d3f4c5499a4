"""Distinguished names, places, and names as Windows compares them."""

from __future__ import annotations

import unicodedata

from onroll_connectors.targets.ad_limits import LONGEST_CN

_SPECIAL = frozenset(',+"\\<>;=#')
"""What RFC 4514 allows to be escaped; # need be at the start alone, but ldap3 takes it nowhere else either."""


def escape(value: str) -> str:
    """A value for use in a DN (RFC 4514). Control characters are to be refused before (`ad_limits.problem_with_text`)."""
    found = []
    for position, each in enumerate(value):
        ends = position in (0, len(value) - 1)
        if each in _SPECIAL or (each == " " and ends):
            found.append("\\" + each)
        elif ord(each) < 32:
            found.append(f"\\{ord(each):02X}")
        else:
            found.append(each)
    return "".join(found)


def respelled(dn: str) -> str:
    """A DN that somebody else wrote, escaped as we do it."""
    if dn.startswith("<"):
        return dn
    names = (part.partition("=") for part in split(dn))
    return ",".join(f"{kind}{equals}{escape(unescape(value))}" for kind, equals, value in names)


def split(dn: str) -> list[str]:
    """The relative names of a DN, as they stand, without the commas between them."""
    if "\\" not in dn:
        return [part.strip() for part in dn.split(",")] if dn else []
    parts, current, escaped = [], "", False
    for each in dn:
        if escaped:
            current, escaped = current + each, False
        elif each == "\\":
            current, escaped = current + each, True
        elif each == ",":
            parts.append(current.lstrip())
            current = ""
        else:
            current += each
    return [*parts, current.lstrip()] if current.strip() else parts


def unescape(value: str) -> str:
    """The plain text of an escaped value."""
    if "\\" not in value:
        return value
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
    if "\\" not in dn:
        return dn.partition(",")[2].lstrip()
    return ",".join(split(dn)[1:])


def name_of(dn: str) -> str:
    """The plain text of the first relative name's value: "Potter, Harry" of CN=Potter\\, Harry,OU=..."""
    parts = split(dn)
    return unescape(parts[0].partition("=")[2]) if parts else ""


def key(dn: str) -> str:
    """A DN for comparing: case, escapes and the spaces around commas set aside. What lies under another has a key that ends in the other's."""
    names = (part.partition("=") for part in split(dn))
    return "".join(f"\x00{kind.strip().lower()}={unescape(value).strip().casefold()}" for kind, _, value in names)


def lies_under(dn: str, base: str) -> bool:
    """Whether `dn` is `base` or lies somewhere under it."""
    return key(dn).endswith(key(base))


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
    if name.isascii():
        return name.lower()
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return plain.casefold()


def common_name(display_name: str, login: str) -> tuple[str, str]:
    """The CN of a person, within 64 characters: the display name, and that with the login for when the first is taken."""
    plain = " ".join(display_name.split())
    first = plain[:LONGEST_CN].strip() or login
    return first, f"{plain[: LONGEST_CN - len(login) - 3].strip()} ({login})".strip()
