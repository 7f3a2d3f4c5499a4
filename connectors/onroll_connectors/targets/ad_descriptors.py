"""Security descriptors as Windows keeps them (MS-DTYP 2.4.6): what one says, what a new object below would get of it, and whether it lets somebody do a thing."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

CREATE_CHILD, LIST, READ, WRITE, CONTROL = 0x1, 0x4, 0x10, 0x20, 0x100
DELETE, READ_DESCRIPTOR = 0x10000, 0x20000
_INHERITED_BY_CONTAINERS, _ONE_LEVEL, _INHERIT_ONLY = 2, 4, 8
_ALLOW, _DENY, _ALLOW_OBJECT, _DENY_OBJECT = 0, 1, 5, 6
# MS-ADTS 5.1.3.2: what the generic bits stand for in a directory; what is inherited only may keep them.
_GENERIC = ((0x80000000, 0x20094), (0x40000000, 0x20028), (0x20000000, 0x20004), (0x10000000, 0xF01FF))
CREATOR_OWNER = "S-1-3-0"


@dataclass(frozen=True, slots=True)
class Ace:
    """An access control entry: it allows or denies the bits of `mask` to `sid`, on one property, property set, right or child class (`of`) or on
    all of them, and is inherited by objects of one class (`inherits_to`) or of any."""

    allows: bool
    flags: int
    mask: int
    sid: str
    of: UUID | None = None
    inherits_to: UUID | None = None

    @property
    def inherited_only(self) -> bool:
        """True when it says nothing of the object itself."""
        return bool(self.flags & _INHERIT_ONLY)


def parse(raw: bytes) -> tuple[Ace, ...]:
    """The entries of a self-relative descriptor's DACL, in their order; kinds that hang on conditions are left out. Raises ValueError when it is none."""
    try:
        return tuple(_aces(raw))
    except (struct.error, IndexError) as failure:
        raise ValueError("not a security descriptor") from failure


def sid_text(raw: bytes) -> str:
    """A SID as text: S-1-5-21-..."""
    count = raw[1]
    parts = struct.unpack_from(f"<{count}I", raw, 8)
    return "-".join(["S", str(raw[0]), str(int.from_bytes(raw[2:8], "big")), *map(str, parts)])


def allowed(aces: Sequence[Ace], who: Collection[str], bit: int, of: Collection[UUID] = ()) -> bool:
    """Whether one of these SIDs may do what `bit` stands for, to a thing that goes by any of the GUIDs in `of` (its own, its property set's):
    the first entry that speaks of it decides (MS-ADTS 5.1.3.3)."""
    for ace in aces:
        if ace.mask & bit and not ace.inherited_only and ace.sid in who and (ace.of is None or ace.of in of):
            return ace.allows
    return False


def inherited(aces: Sequence[Ace], class_guid: UUID | None, owner: str) -> tuple[Ace, ...]:
    """What a new object of a class, made by `owner`, would get of its parent's entries."""
    found = []
    for ace in aces:
        if not ace.flags & _INHERITED_BY_CONTAINERS:
            continue
        if ace.inherits_to is None or ace.inherits_to == class_guid:
            once = _INHERITED_BY_CONTAINERS | _ONE_LEVEL if ace.flags & _ONE_LEVEL else 0
            sid = owner if ace.sid == CREATOR_OWNER else ace.sid
            found.append(replace(ace, flags=ace.flags & ~(_INHERIT_ONLY | once), sid=sid))
        elif not ace.flags & _ONE_LEVEL:
            found.append(replace(ace, flags=ace.flags | _INHERIT_ONLY))
    return tuple(found)


def _aces(raw: bytes) -> list[Ace]:
    (start,) = struct.unpack_from("<I", raw, 16)
    if not start:
        return [Ace(True, 0, 0xF01FF, "S-1-1-0")]  # without a DACL, everybody may do everything
    (count,) = struct.unpack_from("<H", raw, start + 4)
    at, found = start + 8, []
    for _ in range(count):
        kind, flags, size = struct.unpack_from("<BBH", raw, at)
        if size < 8 or at + size > len(raw):
            raise ValueError("not a security descriptor")
        if kind in (_ALLOW, _DENY, _ALLOW_OBJECT, _DENY_OBJECT):
            found.append(_ace(raw[at : at + size], kind, flags))
        at += size
    return found


def _ace(raw: bytes, kind: int, flags: int) -> Ace:
    (mask,) = struct.unpack_from("<I", raw, 4)
    for generic, bits in _GENERIC:
        mask |= bits if mask & generic else 0
    guids: list[UUID | None] = [None, None]
    at = 8
    if kind in (_ALLOW_OBJECT, _DENY_OBJECT):
        (present,) = struct.unpack_from("<I", raw, 8)
        at = 12
        for which in (0, 1):
            if present & (1 << which):
                guids[which] = UUID(bytes_le=raw[at : at + 16])
                at += 16
    return Ace(kind in (_ALLOW, _ALLOW_OBJECT), flags, mask, sid_text(raw[at:]), guids[0], guids[1])
