"""`onroll check`: settings, store, every source and target looked at without changing anything, a sentence each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import typer

from onroll_core.contracts import Finding, Source, Target
from onroll_core.errors import OnrollError
from onroll_core.store import Store, copies
from onroll_daemon import log
from onroll_daemon.bars import watching
from onroll_daemon.freshness import freshness
from onroll_daemon.session import FAILED, chosen, document, read_settings, say, sentences
from onroll_daemon.settings import SchoolSettings, Settings
from onroll_daemon.wiring import line, now, open_store, store_address


class Found(NamedTuple):
    """What was found, and of what."""

    where: str
    finding: Finding


def check(config: str | None, school: str | None, as_json: bool) -> None:
    """`onroll check`; exit code 1 when something found would stop a run."""
    log.set_up()
    found: list[Found] = []
    with sentences(), watching() as progress:
        settings = read_settings(config)
        for each in _everything(settings, chosen(settings, school)):
            found.append(each)
            progress(f"checked {each.where}", len(found), None)
    if as_json:
        document(shape(found))
    else:
        for each in found:
            say(f"{each.finding.level:<8} {each.where}: {each.finding.sentence}")
    if any(each.finding.level == "problem" for each in found):
        raise typer.Exit(FAILED)


def shape(found: Sequence[Found]) -> dict[str, list[dict[str, str]]]:
    """The document of `onroll check --json`."""
    rows = [{"where": each.where, "level": each.finding.level, "sentence": each.finding.sentence} for each in found]
    return {"findings": rows}


def _everything(settings: Settings, schools: Sequence[SchoolSettings]) -> Iterator[Found]:
    yield Found("settings", Finding("ok", f"{settings.path} is in order."))
    whole = store_found(settings)  # a damaged store is not upgraded
    try:
        store = open_store(settings) if whole.finding.level == "ok" else None
    except OnrollError as failure:
        whole, store = Found("store", Finding("problem", failure.sentence)), None
    yield whole
    if store is None:
        return
    try:
        looked_at: set[str] = set()
        for school in schools:
            yield from check_school(settings, school, store, looked_at)
    finally:
        store.close()


def store_found(settings: Settings) -> Found:
    """Whether the store is damaged, be it open or not: one may go on working with it until the damaged page is come to."""
    address = store_address(settings)
    try:
        copies.sound(address)
    except OnrollError as failure:
        return Found("store", Finding("problem", failure.sentence))
    whole = "there, whole" if copies.file_of(address) is not None else "there"
    return Found("store", Finding("ok", f"it is {whole} and up to date."))


def check_school(
    settings: Settings,
    school: SchoolSettings,
    store: Store,
    looked_at: set[str],
    clock: Callable[[], datetime] = now,
) -> Iterator[Found]:
    """One school: how fresh it is, its next start, its source, and its targets but those `looked_at` already."""
    name, at = school.rules.id, clock()
    yield Found(name, _fresh(school, store, at))
    hours = school.window.next_opening(at)
    start = school.window.start(hours, name).astimezone(school.window.zone)
    yield Found(
        name, Finding("ok", f"the service next begins on {start.day} {start:%B} at {start:%H:%M} ({school.timezone}).")
    )
    it = line(settings, school, store)
    source = f"{name}, {school.route.module.rpartition('.')[2]}"
    yield from (Found(source, each) for each in _looked_at(it.source))
    if not school.targets:
        yield Found(
            name, Finding("warning", "it has no targets, so its people are read and nothing is written anywhere.")
        )
    for target, one in it.targets.items():
        if target not in looked_at:
            looked_at.add(target)
            yield from (Found(target, each) for each in _looked_at(one.connect))


def _fresh(school: SchoolSettings, store: Store, at: datetime) -> Finding:
    """What `serve` says of the school at /healthz; a school that was never read is only new."""
    name = school.rules.id
    try:
        known = store.freshness(name)
        if known["last_read"] is None and known["problem"] is None:
            return Finding("ok", "nothing has been read yet.")
        fresh = freshness(known, store.runs(name, 20), school.targets, school.window, at)
    except OnrollError as failure:
        return Finding("problem", failure.sentence)
    return Finding("ok" if fresh.word == "fresh" else "warning", f"{fresh.word}: {fresh.why}.".replace("..", "."))


def _looked_at(connect: Callable[[], Source | Target]) -> list[Finding]:
    """What a source or target says of itself; what it raises is a finding too."""
    try:
        connected = connect()
        try:
            return list(connected.check().findings)
        finally:
            connected.close()
    except OnrollError as failure:
        return [Finding("problem", failure.sentence)]
    except Exception as failure:
        # A connector's own mistake must not hide what the others have to say.
        logging.getLogger("onroll").exception("A check failed in a way onroll did not expect")
        return [Finding("problem", f"it could not be checked: {type(failure).__name__}. The log says where.")]
