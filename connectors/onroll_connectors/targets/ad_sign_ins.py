"""Who signed in, and when last, as far as Active Directory tells: asked for only where a person looks, never by a night."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from onroll_connectors.targets.ad_errors import unreadable
from onroll_connectors.targets.ad_session import Session
from onroll_connectors.targets.ad_wire import AllOf, Entry, Equal, Search, by_guid, pages, read
from onroll_core.accounts import Anchor

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_TIMES = ("lastLogonTimestamp", "lastLogon")
"""The first is the same on every domain controller and may be two weeks late; the second is what the one that we ask has seen itself."""
_ASKED = ("objectGUID", *_TIMES)


def signed_in(session: Session, base: str, anchors: frozenset[Anchor]) -> dict[Anchor, datetime]:
    """When each last signed in; whoever never did, or of whom nothing may be read, is not in it."""
    found: dict[Anchor, datetime] = {}
    users = AllOf((Equal("objectCategory", "person"), Equal("objectClass", "user")))
    seen = set()
    for entry in pages(session.ask, Search(base, _ASKED, users), unreadable):
        seen.add(Anchor(entry.guid))
        _note(entry, anchors, found)
    for anchor in sorted(anchors - seen):
        at = by_guid(anchor)
        for entry in session.ask(read(at, _ASKED)).entries if at else ():
            _note(entry, anchors, found)
    return found


def _note(entry: Entry, anchors: Iterable[Anchor], found: dict[Anchor, datetime]) -> None:
    moments = [when for name in _TIMES if (when := moment(entry.text(name))) is not None]
    if moments and Anchor(entry.guid) in anchors:
        found[Anchor(entry.guid)] = max(moments)


def moment(text: str) -> datetime | None:
    """A FILETIME: tenths of microseconds since 1601, to the second; None for never, and for what is none."""
    ticks = int(text) if text.isdigit() else 0
    if not 0 < ticks < 2**62:
        return None
    return _EPOCH + timedelta(seconds=ticks // 10_000_000)
