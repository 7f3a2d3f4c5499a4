"""From the configuration to the line that the core runs: clocks, randomness and secrets enter here and nowhere else."""

from __future__ import annotations

import base64
import logging
import os
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

from onroll_core.accounts import IdentityId
from onroll_core.contracts import Context, Source, Target
from onroll_core.errors import Halt
from onroll_core.line import Line, TargetLine
from onroll_core.passwords import temporary
from onroll_core.rules import TargetRules
from onroll_core.store import Store
from onroll_core.store.processes import this_process
from onroll_core.trust import Sister, Sisters, sharing
from onroll_daemon.ownership import give
from onroll_daemon.settings import Route, SchoolSettings, Settings, TargetSettings

Progress = Callable[[str, int, int | None], None]


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def new_identity() -> IdentityId:
    """13 random characters of base32: short enough for employeeID, and nobody can guess the next."""
    return IdentityId(base64.b32encode(secrets.token_bytes(8)).decode().rstrip("=").lower())


def new_password(forbidden: Iterable[str]) -> str:
    """A temporary password from the system's own randomness."""
    return temporary(random.SystemRandom(), forbidden)


def open_store(settings: Settings, clock: Callable[[], datetime] = now) -> Store:
    """The store that the configuration names, created or upgraded; an older one on PostgreSQL is backed up first."""
    if settings.store_url.startswith("postgresql"):
        from onroll_daemon.backup import keep_before_upgrade

        kept = keep_before_upgrade(settings, now(), os.environ)
        if kept is not None:
            logging.getLogger("onroll").warning("The store is upgraded now. As it was, it is kept in %s", kept.file)
    store = Store.open(store_address(settings), clock)
    _hand_over(store_address(settings))
    return store


def _hand_over(address: str) -> None:
    """A store file that root has just made belongs to whoever its folder belongs to, the service, and to nobody else."""
    name = address.removeprefix("sqlite:///")
    if name == address or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    file = Path(name)
    if file.is_file() and file.stat().st_uid == 0 != (around := file.parent.stat()).st_uid:
        for each in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
            if each.exists():
                give(each, around)
                each.chmod(0o640)


def store_address(settings: Settings) -> str:
    """Where the store is, with its password: never to be shown."""
    url = settings.store_url
    if settings.store_password is not None:
        scheme, _, rest = url.partition("://")
        user, at, server = rest.rpartition("@")
        url = (
            f"{scheme}://{user or 'onroll'}:{quote(settings.store_password.reveal(), safe='')}@{server if at else rest}"
        )
    return url


def quiet(what: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def line(
    settings: Settings,
    school: SchoolSettings,
    store: Store,
    today: date | None = None,
    stopping: Callable[[], bool] = lambda: False,
    progress: Progress = quiet,
    clock: Callable[[], datetime] = now,
) -> Line:
    """Everything a run of `school` needs; `today` is the day to work as if it were, else the school's own day by `clock`."""
    day = today or clock().astimezone(school.window.zone).date()
    context = partial(_context, school, store, day, stopping, progress, clock)

    def target(of: TargetSettings) -> Target:
        licences = of.rules.release_licences_after is not None
        around = replace(context(of.name), groups=of.rules.groups, domain=school.rules.staff.domain, licences=licences)
        found: Target = import_module(of.module).connect(of.settings, around)
        problem = unwritable(of.rules, found)
        if problem is not None:
            found.close()
            raise Halt(problem)
        return found

    targets: Mapping[str, TargetLine] = {
        name: TargetLine(settings.targets[name].rules, partial(target, settings.targets[name]))
        for name in school.targets
    }
    return Line(
        school=school.rules,
        store=store,
        source=lambda: _source(school.route, context(memory_of(school.rules.id, school.route))),
        targets=targets,
        today=day,
        now=clock,
        new_id=new_identity,
        holder=this_process("onroll"),
        stopping=stopping,
        progress=progress,
        mis=school.route.name,
        sisters=sisters_of(settings, school),
    )


def sisters_of(settings: Settings, school: SchoolSettings) -> Sisters:
    """The other schools of the configuration that write to one of the school's targets."""
    everybody = {each.rules.id: Sister(each.rules, frozenset(each.targets)) for each in settings.schools.values()}
    return sharing(school.targets, everybody, school.rules.id)


def source_moved_to(
    school: SchoolSettings, route: Route, store: Store, today: date | None = None, progress: Progress = quiet
) -> Source:
    """The MIS to which the school moves, to be looked at by a person; where that is the present route, its records may all be new."""
    day = today or now().astimezone(school.window.zone).date()
    context = _context(school, store, day, lambda: False, progress, now, memory_of(school.rules.id, route))
    return _source(route, replace(context, moving=True))


def memory_of(school: str, route: Route) -> str:
    """The name under which a school's source keeps its memory; another MIS, or another way to it, has one of its own."""
    return f"source:{school}:{route.name}"


def _source(route: Route, context: Context) -> Source:
    found: Source = import_module(route.module).connect(route.settings, context)
    return found


def _context(
    school: SchoolSettings,
    store: Store,
    day: date,
    stopping: Callable[[], bool],
    progress: Progress,
    clock: Callable[[], datetime],
    name: str,
) -> Context:
    return Context(
        name=name,
        now=clock,
        monotonic=time.monotonic,
        sleep=time.sleep,
        password=new_password,
        memory=store.memory(name),
        stopping=stopping,
        progress=progress,
        school=school.rules.id,
        country=school.rules.country.value,
        timezone=school.timezone,
        today=day,
    )


def unwritable(rules: TargetRules, target: Target) -> str | None:
    """A sentence about what the configuration wants written and the target cannot write, or None."""
    if rules.release_licences_after is not None and not target.abilities.licences:
        return f"onroll looks after no licences in {rules.name}: take release_licences_after out of [targets.{rules.name}]."
    wanted = {name for each in rules.attributes.values() for name in each}
    strange = sorted(wanted - target.abilities.attributes)
    if not strange:
        return None
    known = ", ".join(sorted(target.abilities.attributes)) or "none"
    return (
        f"{', '.join(strange)} cannot be written to {rules.name}, which [targets.{rules.name}.attributes] asks for. It can write: {known}."
        " Some targets have a list of further ones (write, extra_fields)."
    )
