"""How often somebody may try to sign in: a few wrong tries are free, then each costs a longer wait, by name and by address; a quiet quarter of an hour forgets it."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

FREE_BY_NAME, FREE_BY_ADDRESS = 5, 20
FORGOTTEN = timedelta(minutes=15)
_FIRST_WAIT = timedelta(seconds=30)
_MOST = 5000
"""Names, and addresses, that are remembered at a time; the longest quiet ones go first. One address cannot bring on so many: it waits long before."""


@dataclass(slots=True)
class _Tries:
    count: int
    last: datetime


class Throttle:
    """The tries of one console. A try counts as wrong from the moment it begins, so that a hundred at once are not a hundred free ones."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, _Tries] = OrderedDict()
        self._addresses: OrderedDict[str, _Tries] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, name: str, address: str, now: datetime) -> timedelta | None:
        """Somebody tries. None: let them; a time: they have to wait for so long, and this one is not counted."""
        with self._lock:
            by_name, by_address = _fresh(self._names, _key(name), now), _fresh(self._addresses, _network(address), now)
            wait = max(_wait(by_name, FREE_BY_NAME, now), _wait(by_address, FREE_BY_ADDRESS, now))
            if wait > timedelta():
                return wait
            for tries in (by_name, by_address):
                tries.count, tries.last = tries.count + 1, now
            return None

    def used_up(self, name: str, address: str) -> bool:
        """Whether exactly the last free try of the name or of the address has just been had: the moment to write it down, once."""
        with self._lock:
            by_name, by_address = self._names.get(_key(name)), self._addresses.get(_network(address))
            return (by_name is not None and by_name.count == FREE_BY_NAME) or (
                by_address is not None and by_address.count == FREE_BY_ADDRESS
            )

    def right(self, name: str, address: str) -> None:
        """It was the right password: the name is forgiven, and of the address this one try alone."""
        with self._lock:
            self._names.pop(_key(name), None)
            tries = self._addresses.get(_network(address))
            if tries is not None:
                tries.count = max(0, tries.count - 1)


def _fresh(kept: OrderedDict[str, _Tries], key: str, now: datetime) -> _Tries:
    tries = kept.get(key)
    if tries is None or now - tries.last >= FORGOTTEN:
        tries = kept[key] = _Tries(0, now)
    kept.move_to_end(key)
    while len(kept) > _MOST:
        kept.popitem(last=False)
    return tries


def _wait(tries: _Tries, free: int, now: datetime) -> timedelta:
    """What is left of the wait: half a minute after the last free try, twice as long after each further one, never longer than what forgets it all."""
    if tries.count < free:
        return timedelta()
    whole = min(_FIRST_WAIT * (1 << min(tries.count - free, 10)), FORGOTTEN)
    return max(tries.last + whole - now, timedelta())


def _key(name: str) -> str:
    return name.strip().lower()[:64]


def _network(address: str) -> str:
    """Who has one IPv6 address has 2^64 of them, so that they count as one."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
