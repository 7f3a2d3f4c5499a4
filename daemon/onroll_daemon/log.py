"""What is logged, and where: to standard error, without people's names above DEBUG, and without anything that could hold a secret."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

_QUIET = (
    "httpx",
    "httpx2",
    "httpcore",
    "azure",
    "msal",
    "msgraph",
    "kiota",
    "googleapiclient",
    "google",
    "apscheduler",
    "alembic",
    "uvicorn",
)
_SILENT = ("ldap3", "googleapiclient.http", "googleapiclient.discovery_cache")


def debugging() -> bool:
    """True when ONROLL_DEBUG=1 asks for everything: tracebacks, and people's names in the log."""
    return os.environ.get("ONROLL_DEBUG") == "1"


def set_up(service: bool = False) -> None:
    """Log to standard error. A command shows warnings in one line each, the service also what it does, and where a failure came from.

    ldap3's own log is never shown, because passwords stand in it; Google's client logs whole answers, with people in them.
    """
    handler = _Errors(sys.stderr)
    handler.setFormatter(_Lines(service or debugging()))
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Errors)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("onroll").setLevel(logging.DEBUG if debugging() else logging.INFO if service else logging.WARNING)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.WARNING if debugging() else logging.ERROR)


def lines(tracebacks: bool) -> logging.Formatter:
    """How a line of the log looks, for other places than standard error."""
    return _Lines(tracebacks)


class _Errors(logging.StreamHandler[TextIO]):
    """Our own handler, told apart from others."""


class _Lines(logging.Formatter):
    """A time, a level and a sentence; tracebacks only where they are wanted."""

    def __init__(self, tracebacks: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")
        self._tracebacks = tracebacks

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's own name
        """The traceback, or how to see it."""
        if self._tracebacks:
            return super().formatException(ei)  # type: ignore[arg-type]
        return "(ONROLL_DEBUG=1 shows where)"
