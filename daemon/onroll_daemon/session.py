"""What every command does around its work: find and check the configuration, open the store, end with the right exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import typer

from onroll_core.errors import OnrollError
from onroll_core.store import Store, copies
from onroll_daemon import log
from onroll_daemon import settings as configuration
from onroll_daemon.mistakes import Misconfigured, suggestion
from onroll_daemon.settings import SchoolSettings, Settings
from onroll_daemon.wiring import open_store, store_address

FAILED, USAGE, HELD = 1, 2, 3
quieten = log.set_up


@dataclass(frozen=True, slots=True)
class Session:
    """One command's configuration and store."""

    settings: Settings
    store: Store

    def schools(self, named: str | None) -> Sequence[SchoolSettings]:
        """The school that was named, or all of them; a name that is not there ends with exit code 2."""
        return chosen(self.settings, named)


def chosen(settings: Settings, named: str | None) -> Sequence[SchoolSettings]:
    """The school that was named, or all of them; a name that is not there ends with exit code 2."""
    if named is None:
        return list(settings.schools.values())
    if named not in settings.schools:
        stop(USAGE, f"There is no school {named} in {settings.path}. {suggestion(named, settings.schools)}")
    return [settings.schools[named]]


@contextmanager
def session(config: str | None, service: bool = False) -> Iterator[Session]:
    """Open everything for one command. Whatever fails as expected is a sentence on standard error and an exit code.

    The service looks the store over first: a damaged one stops the start, before a night is built on it.
    """
    log.set_up(service)
    with sentences():
        settings = read_settings(config)
        if service:
            copies.sound(store_address(settings))
        store = open_store(settings)
        try:
            yield Session(settings, store)
        finally:
            store.close()


def read_settings(config: str | None) -> Settings:
    """The configuration that --config, the environment or the folder names."""
    return configuration.load(configuration.locate(config, os.environ))


@contextmanager
def sentences() -> Iterator[None]:
    """Turn failures into sentences and exit codes; ONROLL_DEBUG=1 shows where they came from."""
    try:
        yield
    except Misconfigured as wrong:
        stop(USAGE, *wrong.sentences)
    except OnrollError as failure:
        if log.debugging():
            raise
        stop(FAILED, failure.sentence)
    except KeyboardInterrupt:
        stop(FAILED, "Stopped. What was done is recorded; run it again to go on.")


def stop(code: int, *said: str) -> NoReturn:
    """End with an exit code and sentences on standard error."""
    for sentence in said:
        say_error(sentence)
    raise typer.Exit(code)


def document(value: Any) -> None:
    """One JSON document on standard output."""
    say(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say(text: str = "") -> None:
    """A line on standard output."""
    print(text)  # noqa: T201 - this is the command line's voice


def say_error(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr)  # noqa: T201
