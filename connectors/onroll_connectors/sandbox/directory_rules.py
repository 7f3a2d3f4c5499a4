"""What Windows refuses, said with its result codes and hex digits; written apart from the target's own limits, so that one can judge the other."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence

from onroll_connectors.targets.ad_wire import Answer

# name: (rangeUpper, whether it has one value), as MS-ADA1 to MS-ADA3 give them.
SCHEMA: Mapping[str, tuple[int | None, bool]] = {
    "accountExpires": (None, True), "adminCount": (None, True), "adminDescription": (1024, True), "carLicense": (None, False), "cn": (64, True), "co": (128, True), "company": (64, True), "department": (64, True),
    "description": (1024, True), "displayName": (256, True), "division": (256, True), "employeeID": (16, True), "employeeNumber": (512, True),
    "employeeType": (256, True), "givenName": (64, True), "groupType": (None, True), "homeDirectory": (None, True), "homeDrive": (None, True),
    "info": (1024, True), "initials": (6, True), "l": (128, True), "mail": (256, True), "manager": (None, True), "member": (None, False),
    "middleName": (64, True), "objectClass": (None, False), "ou": (64, True), "personalTitle": (64, True), "physicalDeliveryOfficeName": (128, True),
    "postalCode": (40, True), "profilePath": (None, True), "proxyAddresses": (1123, False), "pwdLastSet": (None, True),
    "sAMAccountName": (256, True), "scriptPath": (None, True), "sn": (64, True), "st": (128, True), "streetAddress": (1024, True),
    "telephoneNumber": (64, True), "title": (128, True), "uidNumber": (None, True), "unicodePwd": (None, True), "userAccountControl": (None, True),
    "userPrincipalName": (1024, True), "wWWHomePage": (2048, True),
    **{f"msDS-cloudExtensionAttribute{n}": (1024, True) for n in range(1, 21)},
}  # fmt: skip
CLASSES = frozenset(
    {b"top", b"person", b"organizationalperson", b"user", b"group", b"contact", b"computer", b"organizationalunit"}
)
_ATTRIBUTES = {name.lower(): limits for name, limits in SCHEMA.items()}
_LOGIN_FORBIDDEN = re.compile(r'["/\\\[\]:;|=,+*?<>@\x00-\x1f]')
_DELIMITERS = re.compile(r"[,.\-_ #\t]+")

DISABLED, PASSWORD_NOT_REQUIRED = 2, 32
OK = Answer(0)
NO_OBJECT = Answer(32, "0000208D: NameErr: DSID-03100241, problem 2001 (NO_OBJECT), data 0, best match of:\n\x00")
NO_PARENT = Answer(32, "0000208D: NameErr: DSID-03100241, problem 2001 (NO_OBJECT), data 0, best match of:\n\x00")
BAD_DN = Answer(34, "0000208F: NameErr: DSID-03100231, problem 2006 (BAD_NAME), data 8350, best match of:\n\x00")
EXISTS = Answer(68, "00002071: UpdErr: DSID-0305, problem 6005 (ENTRY_EXISTS), data 0\n\x00")
LOGIN_EXISTS = Answer(68, "00000524: UpdErr: DSID-031A11FA, problem 6005 (ENTRY_EXISTS), data 0\n\x00")
UPN_EXISTS = Answer(19, "000021C8: AtrErr: DSID-03200E13, #1:\n\t0: 000021C8: DSID-03200E13, problem 1005\n\x00")
BAD_LOGIN = Answer(80, "00000523: SysErr: DSID-031A1256, problem 22 (Invalid argument), data 0\n\x00")
BAD_VALUE = Answer(19, "00002082: AtrErr: DSID-03151E0D, #1:\n\t0: 00002082: DSID-03151E0D, problem 1005\n\x00")
TWO_VALUES = Answer(19, "00002081: AtrErr: DSID-03151904, #1:\n\t0: 00002081: DSID-03151904, problem 1005\n\x00")
NOT_ON_RDN = Answer(67, "000020B1: UpdErr: DSID-030F0B6A, problem 6004 (CANT_ON_RDN), data 0\n\x00")
NO_ATTRIBUTE = Answer(16, "00000057: LdapErr: DSID-0C090F83, comment: Error in attribute conversion operation\n\x00")
ALREADY_MEMBER = Answer(68, "00000562: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0\n\x00")
NOT_A_MEMBER = Answer(53, "00000561: SvcErr: DSID-031A1254, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00")
NOT_QUOTED = Answer(53, "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00")
WEAK = Answer(53, "0000052D: SvcErr: DSID-031A124C, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00")

EVERYONE = bytes.fromhex("010100000000000100000000")
"""The SID S-1-1-0."""
ANYTHING_GOES = bytes.fromhex("010004800000000000000000000000001400000004001c000100000000021400ff010f00") + EVERYONE
"""A security descriptor with one entry: everyone may do everything there and below."""


def bad_values(values: Mapping[str, Sequence[bytes]]) -> Answer | None:
    """Why Windows would not have these values, whatever object they are for."""
    for name, held in values.items():
        limits = _ATTRIBUTES.get(name)
        if limits is None:
            return NO_ATTRIBUTE
        longest, single = limits
        if single and len(held) > 1:
            return TWO_VALUES
        for value in held:
            if not value or (longest is not None and len(_text(value)) > longest):
                return BAD_VALUE
        if len({value.lower() for value in held}) < len(held):
            return Answer(20, "00002083: AtrErr: DSID-03151907, #1:\n\t0: 00002083: DSID-03151907, problem 1006\n\x00")
    if not {value.lower() for value in values.get("objectclass", ())} <= CLASSES:
        return NO_ATTRIBUTE
    for name in ("useraccountcontrol", "pwdlastset"):
        for value in values.get(name, ()):
            if not re.fullmatch(rb"-?\d+", value):
                return BAD_VALUE
    if values.get("pwdlastset", [b"0"])[0] not in (b"0", b"-1"):
        return Answer(80, "00000057: SysErr: DSID-031A1203, problem 22 (Invalid argument), data 0\n\x00")
    return None


def bad_login(login: str, is_user: bool) -> bool:
    """Whether Windows refuses a sAMAccountName."""
    return (
        not login.strip(" .")
        or len(login) > (20 if is_user else 256)
        or _LOGIN_FORBIDDEN.search(login) is not None
        or login.endswith(".")
    )


def weak(password: str, login: str, display_name: str, shortest: int) -> bool:
    """Whether the complexity rule refuses a password: too short, fewer than three kinds of character, or a name in it."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum())
    words = [login, *_DELIMITERS.split(display_name)]
    return (
        len(password) < shortest
        or sum(any(map(kind, password)) for kind in kinds) < 3
        or any(len(word) > 2 and word.lower() in password.lower() for word in words)
    )


def kept(password: str) -> str:
    """A password as it is kept: salted and hashed."""
    salt = secrets.token_hex(8)
    return f"{salt}${hashlib.sha256((salt + password).encode()).hexdigest()}"


def fits(password: str, stored: str) -> bool:
    """Whether a password is the one that is kept."""
    salt, _, digest = stored.partition("$")
    return bool(digest) and secrets.compare_digest(digest, hashlib.sha256((salt + password).encode()).hexdigest())


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
