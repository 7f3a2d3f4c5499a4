"""What every command does around its work: find and check the configuration, open the store, end with the right exit code."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import typer

from onroll_core.errors import OnrollError
from onroll_core.store import Store
from onroll_daemon import settings as configuration
from onroll_daemon.settings import Misconfigured, SchoolSettings, Settings
from onroll_daemon.wiring import open_store

FAILED, USAGE = 1, 2


@dataclass(frozen=True, slots=True)
class Session:
    """One command's configuration and store."""

    settings: Settings
    store: Store

    def schools(self, named: str | None) -> list[SchoolSettings]:
        """The school that was named, or all of them; a name that is not there ends with exit code 2."""
        if named is None:
            return list(self.settings.schools.values())
        school = self.settings.schools.get(named)
        if school is None:
            stop(
                USAGE,
                f"There is no school {named} in {self.settings.path}. There is: {', '.join(self.settings.schools)}.",
            )
        return [school]


@contextmanager
def session(config: str | None) -> Iterator[Session]:
    """Open everything for one command. Whatever fails as expected is a sentence on standard error and an exit code."""
    quieten()
    with sentences():
        settings = configuration.load(configuration.locate(config, configuration.environment()))
        store = open_store(settings)
        try:
            yield Session(settings, store)
        finally:
            store.close()


@contextmanager
def sentences() -> Iterator[None]:
    """Turn failures into sentences and exit codes; ONROLL_DEBUG=1 shows where they came from."""
    try:
        yield
    except Misconfigured as wrong:
        stop(USAGE, *wrong.sentences)
    except OnrollError as failure:
        if os.environ.get("ONROLL_DEBUG") == "1":
            raise
        stop(FAILED, str(failure))
    except KeyboardInterrupt:
        stop(FAILED, "Stopped. What was done is recorded; run it again to go on.")


def stop(code: int, *said: str) -> NoReturn:
    """End with an exit code and sentences on standard error."""
    for sentence in said:
        print(sentence, file=sys.stderr)  # noqa: T201 - this is the command line's voice
    raise typer.Exit(code)


def document(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2))  # noqa: T201


def say(text: str = "") -> None:
    """A line on standard output."""
    print(text)  # noqa: T201


def quieten() -> None:
    """Logs go to standard error, libraries only when something is wrong; ldap3's own log is never shown, because passwords are in it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for name in (
        "httpx",
        "httpx2",
        "httpcore",
        "azure",
        "msgraph",
        "kiota",
        "googleapiclient",
        "google",
        "apscheduler",
        "alembic",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("ldap3").setLevel(logging.CRITICAL)
