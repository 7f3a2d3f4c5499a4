"""An account of a real domain that may do what it was delegated and nothing else, and the delegating, as an administrator does it."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from uuid import UUID

from onroll_connectors.targets.ad_descriptors import sid_text
from onroll_connectors.targets.ad_rights import Right, sddl
from samba import Samba

LOGIN, PASSWORD = "svc-delegated", "Deleg4ted-Account!"
_LETTERS = {"CC": 0x1, "LC": 0x4, "RP": 0x10, "WP": 0x20, "CR": 0x100, "SD": 0x10000, "RC": 0x20000}
_KINDS = {"A": 0, "D": 1, "OA": 5, "OD": 6}
_FLAGS = {"": 0, "CI": 2, "CINP": 6, "CIIO": 10}
_INHERITED = 16


_KNOWN: dict[Path, Delegation] = {}


@dataclass
class Delegation:
    """The service account of the tests, the domain's schema, and how an OU is before anything is delegated on it."""

    samba: Samba
    user: str = field(init=False)

    def __post_init__(self) -> None:
        self.user = f"{LOGIN}@{self.samba.env['AD_REALM'].lower()}"

    @cached_property
    def sid(self) -> str:
        """The account's SID; it is made when that is first asked for."""
        password = base64.b64encode(f'"{PASSWORD}"'.encode("utf-16-le")).decode()
        lines = [
            f"dn: CN={LOGIN},CN=Users,{self.samba.root}",
            "objectClass: user",
            f"sAMAccountName: {LOGIN}",
            f"userPrincipalName: {self.user}",
            "userAccountControl: 66048",
            f"unicodePwd:: {password}",
        ]
        self.samba.ldap("ldapadd", stdin="\n".join(lines) + "\n")
        return self.samba.values(f"(sAMAccountName={LOGIN})", "objectSid")[0]

    @cached_property
    def guids(self) -> dict[str, UUID]:
        """The schemaIDGUIDs of attributes and classes, by name."""
        where, found = f"CN=Schema,CN=Configuration,{self.samba.root}", {}
        told = self.samba.ldbsearch("(lDAPDisplayName=*)", "lDAPDisplayName", "schemaIDGUID", base=where)
        for block in told.split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            name = lines.get("lDAPDisplayName", "")
            if name:
                found[name] = UUID(lines["schemaIDGUID"])
        return found

    @cached_property
    def plain(self) -> bytes:
        """The descriptor of an OU that nobody has delegated anything on."""
        dn = self.samba.unit()
        found = descriptor(self.samba, dn)
        self.samba.ldap("ldapdelete", dn)
        return found

    def entries(self, table: Iterable[Right]) -> list[str]:
        """The entries that grant rights to the account; on what the schema has not, nothing can be granted."""
        known = (each for each in table if each.kind != "write" or each.of in self.guids)
        return [sddl(each, self.sid, self.guids.__getitem__) for each in known]


def delegation(samba: Samba) -> Delegation:
    """The one of this domain."""
    return _KNOWN.setdefault(samba.folder, Delegation(samba))


def descriptor(samba: Samba, dn: str) -> bytes:
    """The descriptor of an object, without what is for auditors."""
    parts = ("-E", "!1.2.840.113556.1.4.801=::MAMCAQc=")  # owner, group, DACL
    told = samba.ldap(
        "ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", dn, "-s", "base", *parts, "nTSecurityDescriptor"
    )
    return base64.b64decode(told.partition("nTSecurityDescriptor:: ")[2].split()[0])


def entry(dn: str, raw: bytes) -> str:
    """The LDIF that makes an OU with a descriptor."""
    return f"dn: {dn}\nobjectClass: organizationalUnit\nnTSecurityDescriptor:: {base64.b64encode(raw).decode()}\n\n"


def put(samba: Samba, descriptors: Mapping[str, bytes]) -> None:
    """Give objects these descriptors."""
    lines = []
    for dn, raw in descriptors.items():
        value = base64.b64encode(raw).decode()
        lines += [f"dn: {dn}", "changetype: modify", "replace: nTSecurityDescriptor"]
        lines += [f"nTSecurityDescriptor:: {value}", "-", ""]
    samba.ldap("ldapmodify", stdin="\n".join(lines) + "\n")


def with_entries(raw: bytes, texts: Iterable[str], inherits: bool = True) -> bytes:
    """A descriptor with entries beside its own ones: those that deny first, those that allow last. What it `inherits` is left to the server."""
    owner, group, start = (struct.unpack_from("<I", raw, at)[0] for at in (4, 8, 16))
    own, at = [], start + 8
    for _ in range(struct.unpack_from("<H", raw, start + 4)[0]):
        _, flags, size = struct.unpack_from("<BBH", raw, at)
        own += [] if flags & _INHERITED else [raw[at : at + size]]
        at += size
    more = [_entry(each) for each in texts]
    entries = [*(each for each in more if each[0] in (1, 6)), *own, *(each for each in more if each[0] in (0, 5))]
    dacl = b"".join(entries)
    dacl = struct.pack("<BBHHH", 4, 0, 8 + len(dacl), len(entries), 0) + dacl
    sids = [_sid_at(raw, each) for each in (owner, group)]
    head = struct.pack(
        "<BBHIIII", 1, 0, 0x8004 if inherits else 0x9004, 20, 20 + len(sids[0]), 0, 20 + len(sids[0] + sids[1])
    )
    return head + sids[0] + sids[1] + dacl


def without(raw: bytes, sid: str) -> bytes:
    """A descriptor that says nothing of somebody, and inherits nothing."""
    start = struct.unpack_from("<I", raw, 16)[0]
    head, at, kept = raw[: start + 8], start + 8, []
    for _ in range(struct.unpack_from("<H", raw, start + 4)[0]):
        size = struct.unpack_from("<H", raw, at + 2)[0]
        kept += [] if raw[at : at + size].endswith(sid_bytes(sid)) else [raw[at : at + size]]
        at += size
    dacl = b"".join(kept)
    size_and_count = struct.pack("<HH", 8 + len(dacl), len(kept))
    return head[:2] + struct.pack("<H", 0x9004) + head[4 : start + 2] + size_and_count + head[start + 6 :] + dacl


def deny(text: str) -> str:
    """The entry that denies what another allows."""
    return re.sub(r"^\((O?)A;", r"(\1D;", text)


def _entry(text: str) -> bytes:
    kind, flags, letters, of, to, sid = text.strip("()").split(";")
    guids = b"".join(UUID(each).bytes_le for each in (of, to) if each)
    objects = struct.pack("<I", bool(of) + 2 * bool(to)) + guids if kind in ("OA", "OD") else b""
    body = struct.pack("<I", _LETTERS[letters]) + objects + sid_bytes(sid)
    return struct.pack("<BBH", _KINDS[kind], _FLAGS[flags], 4 + len(body)) + body


def sid_bytes(text: str) -> bytes:
    """A SID as the directory keeps it."""
    _, revision, authority, *parts = text.split("-")
    head = struct.pack("<BB", int(revision), len(parts)) + int(authority).to_bytes(6, "big")
    found = head + struct.pack(f"<{len(parts)}I", *map(int, parts))
    assert sid_text(found) == text
    return found


def _sid_at(raw: bytes, at: int) -> bytes:
    return raw[at : at + 8 + 4 * raw[at + 1]]
