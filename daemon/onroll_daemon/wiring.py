"""From the configuration to the line that the core runs: clocks, randomness and secrets enter here and nowhere else."""

from __future__ import annotations

import base64
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from importlib import import_module
from pathlib import Path

from onroll_core.accounts import IdentityId
from onroll_core.contracts import Context, Source, Target
from onroll_core.passwords import temporary
from onroll_core.pipeline import Line, TargetLine
from onroll_core.store import Store
from onroll_core.store.processes import this_process
from onroll_daemon.settings import SchoolSettings, Settings, TargetSettings

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


def open_store(settings: Settings) -> Store:
    """The store that the configuration names."""
    return Store.open(settings.store_url, now)


def quiet(what: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def line(
    settings: Settings,
    school: SchoolSettings,
    store: Store,
    today: date | None = None,
    stopping: Callable[[], bool] = lambda: False,
    progress: Progress = quiet,
) -> Line:
    """Everything a run of `school` needs; `today` is the day to work as if it were."""
    day = today or now().astimezone(school.window.zone).date()
    context = partial(_context, school=school, store=store, today=day, stopping=stopping, progress=progress)

    def source() -> Source:
        found: Source = import_module(school.module).connect(school.source, context(f"source:{school.rules.id}"))
        return found

    def target(of: TargetSettings) -> Target:
        found: Target = import_module(of.module).connect(of.settings, context(of.name))
        return found

    targets: Mapping[str, TargetLine] = {
        name: TargetLine(settings.targets[name].rules, partial(target, settings.targets[name]))
        for name in school.targets
    }
    return Line(
        school.rules, store, source, targets, day, now, new_identity, this_process("onroll"), stopping, progress
    )


def _context(
    name: str, school: SchoolSettings, store: Store, today: date, stopping: Callable[[], bool], progress: Progress
) -> Context:
    return Context(
        name,
        now,
        time.monotonic,
        time.sleep,
        new_password,
        store.memory(name),
        stopping,
        progress,
        school.rules.id,
        school.rules.country.value,
        school.timezone,
        today,
    )


def sample() -> str:
    """The commented configuration that `onroll init` writes."""
    return Path(__file__).with_name("onroll.toml").read_text(encoding="utf-8")
