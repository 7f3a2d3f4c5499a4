"""`onroll doctor`: versions, clock, certificates, disk, store and last runs, a sentence each; it changes nothing and asks nobody outside the configuration."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Literal

from onroll_core.errors import OnrollError
from onroll_core.store import copies
from onroll_core.store.engine import HEAD
from onroll_daemon import __file__ as program
from onroll_daemon import clock
from onroll_daemon.certificates import Endpoint, Shown, endpoints, lasts_until, shown
from onroll_daemon.freshness import freshness
from onroll_daemon.settings import Settings
from onroll_daemon.wiring import now as the_time
from onroll_daemon.wiring import open_store, store_address

Level = Literal["ok", "warning", "problem"]
SOON = timedelta(days=30)
ROOM = 1_000_000_000
"""Less free space than this, in bytes, or than three stores, is worth a word: an upgrade and a backup each need one more."""


@dataclass(frozen=True, slots=True)
class Found:
    """`about` and `sentence` are for people and may name a school; `what` and `facts` are numbers and words of our own, the only ones that go into a bundle."""

    what: str
    about: str
    level: Level
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def examine(settings: Settings | None, mistakes: Sequence[str], now: datetime) -> list[Found]:
    """Everything that can be looked at; without a configuration that can be used, only the machine."""
    found = [_versions(), *(Found("configuration", "configuration", "problem", each) for each in mistakes)]
    if settings is None:
        return [*found, *_clock([], now)]
    found.append(Found("configuration", "configuration", "ok", f"{settings.path} is in order."))
    address = store_address(settings)
    place = copies.file_of(address)
    found += _disk(place or settings.path, place)
    there, latest = _store(address)
    files = [settings.path, *([place, place.with_name(f"{place.name}-wal")] if place else [])]
    times = clock.file_times(files) + ([latest] if latest else [])
    found += [there, *_clock(times, now), *_certificates(settings, now)]
    return found + (list(_schools(settings, now)) if there.level == "ok" and there.facts.get("schema") == HEAD else [])


def shape(found: Sequence[Found]) -> dict[str, list[dict[str, str]]]:
    """The document of `onroll doctor --json`."""
    return {"findings": [{"where": each.about, "level": each.level, "sentence": each.sentence} for each in found]}


def packages() -> dict[str, str]:
    """The versions of onroll and of what it stands on."""
    names = ["onroll", *(each.partition(";")[0].split("[")[0] for each in requires("onroll") or ())]
    found: dict[str, str] = {}
    for name in (each.split(">")[0].split("<")[0].split("=")[0].split("~")[0].strip() for each in names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an extra that is not installed
    return found


def _versions() -> Found:
    told = {
        "onroll": version("onroll"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "sqlite": sqlite3.sqlite_version,
        "openssl": ssl.OPENSSL_VERSION.split()[1],
        "schema": HEAD,
    }
    words = f"onroll {told['onroll']} on Python {told['python']}, {told['system']}; SQLite {told['sqlite']}, OpenSSL {told['openssl']}."
    return Found("versions", "versions", "ok", words, told)


def _disk(near: Path, store: Path | None) -> Iterator[Found]:
    folder = near.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as failure:
        yield Found("disk", "disk", "problem", f"The disk of {folder} cannot be looked at: {failure.strerror}.")
        return
    size = store.stat().st_size if store is not None and store.exists() else 0
    facts = {"free": free, "store": size}
    words = f"{free / 1e9:.1f} GB are free in {folder}; the store has {size / 1e6:.1f} MB."
    if free < max(ROOM, 3 * size):
        yield Found(
            "disk",
            "disk",
            "warning",
            f"{words} Make room: an upgrade and a backup each need a copy of the store.",
            facts,
        )
    else:
        yield Found("disk", "disk", "ok", words, facts)


def _store(address: str) -> tuple[Found, datetime | None]:
    try:
        copies.sound(address)
        schema = copies.schema(address)
        if schema is None:
            return Found("store", "store", "ok", "It is not there yet; the first run makes it.", {"schema": None}), None
        latest = copies.latest_time(address)
    except OnrollError as failure:
        return Found("store", "store", "problem", failure.sentence), None
    words = (
        "It is whole."
        if schema == HEAD
        else f"It is whole, of an older version ({schema}); the next start upgrades it to {HEAD}, after a copy."
    )
    return Found("store", "store", "ok", words, {"schema": schema}), latest


def _clock(times: Sequence[datetime], now: datetime) -> Iterator[Found]:
    told = [*times, *clock.file_times([Path(program)])]
    step = clock.kept_in_step()
    facts = {"kept_in_step": step}
    late = clock.behind(now, told)
    if late is not None:
        words = (
            f"It says {now:%d %B %Y %H:%M} UTC, and something here was written {clock.in_words(late)} later than that: it is behind, or was ahead."
            " Windows and leaving dates go by the clock: put it right, and look at what the last runs did."
        )
        yield Found("clock", "clock", "problem", words, facts | {"behind_seconds": int(late.total_seconds())})
    elif step is False:
        words = f"It says {now:%d %B %Y %H:%M} UTC, and nothing keeps it in step. Turn on NTP (on Debian: apt-get install systemd-timesyncd)."
        yield Found("clock", "clock", "warning", words, facts)
    else:
        yield Found(
            "clock", "clock", "ok", f"It says {now:%d %B %Y %H:%M} UTC, and nothing here speaks against that.", facts
        )


def own_certificate(settings: Settings, now: datetime) -> Iterator[Found]:
    """The console's own certificate, where it has one."""
    own = settings.console.tls_certificate
    if own is not None:
        try:
            until = lasts_until(Path(own))
            yield _lasting("console", "the console's certificate", until, now, "Renew it and restart the service.")
        except OnrollError as failure:
            yield Found("certificate", "console", "problem", failure.sentence)


def _certificates(settings: Settings, now: datetime) -> Iterator[Found]:
    yield from own_certificate(settings, now)
    for each in endpoints(settings):
        name = f"{each.host}:{each.port}"
        try:
            seen = shown(each, the_time)
        except OnrollError as failure:
            if (
                not each.vendors
            ):  # whether the vendor can be reached, perhaps through a proxy, is what `onroll check` finds out
                words = f"{name} could not be looked at: {failure.sentence.rstrip('.')}."
                yield Found("certificate", each.of, "warning", words)
            continue
        if not each.vendors:
            todo = "Ask whoever looks after that server to renew it."
            yield _lasting(each.of, f"the certificate of {name}", seen.until, now, todo)
        yield from _compared(each, seen)


def _compared(server: Endpoint, seen: Shown) -> Iterator[Found]:
    """Our clock beside a server's; nothing where it does not tell the time."""
    if seen.ahead is None:
        return
    name, facts = f"{server.host}:{server.port}", {"apart_seconds": round(seen.ahead.total_seconds())}
    if abs(seen.ahead) <= clock.SLACK:
        yield Found("clock", "clock", "ok", f"{name} tells the same time.", facts)
        return
    which = "ahead of" if seen.ahead > timedelta(0) else "behind"
    words = (
        f"The clock of {name} is {clock.in_words(seen.ahead)} {which} this server's. More than 5 minutes apart, sign-ins to directories and clouds are refused, and"
        " windows and leaving dates go wrong. Look which of the two is right, and put the other right (on Windows: w32tm /resync; on Linux: turn on NTP)."
    )
    yield Found("clock", "clock", "problem", words, facts)


def _lasting(of: str, what: str, until: datetime, now: datetime, todo: str) -> Found:
    left = until - now
    facts = {"days": left.days}
    if left <= timedelta(0):
        return Found(
            "certificate", of, "problem", f"{what[0].upper()}{what[1:]} expired on {until:%d %B %Y}. {todo}", facts
        )
    words = f"{what[0].upper()}{what[1:]} lasts until {until:%d %B %Y}."
    return (
        Found("certificate", of, "warning", f"{words} {todo}", facts)
        if left < SOON
        else Found("certificate", of, "ok", words, facts)
    )


def _schools(settings: Settings, now: datetime) -> Iterator[Found]:
    """How fresh each school is, and how its last runs ended."""
    with closing(open_store(settings)) as store:
        for name, school in settings.schools.items():
            rows = store.runs(name, 20)
            ended = [str(row["status"] or "under way") for row in rows[:7]]
            known = store.freshness(name)
            if known["last_read"] is None and known["problem"] is None:
                yield Found("school", name, "ok", "Nothing has been read yet.", {"last": ended})
                continue
            fresh = freshness(known, rows, school.targets, school.window, now)
            level: Level = {"fresh": "ok", "late": "warning", "failing": "problem"}[fresh.word]  # type: ignore[assignment]
            words = f"{fresh.word}: {fresh.why.rstrip('.')}. The last runs: {', '.join(ended)}."
            yield Found("school", name, level, words, {"word": fresh.word, "last": ended})
