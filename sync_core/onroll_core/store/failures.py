"""What a database raises, as one of our three errors with a sentence; told apart by code, never by text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError

from onroll_core.errors import Halt, OnrollError, Unavailable


class Clash(Halt):
    """A constraint was broken. Whoever knows what it means says it better."""


_LOCKED = "The store is locked by another program. Close whatever has it open, then run onroll again. Nothing of this step was kept."
_FULL = "The disk that holds the store is full. Nothing of this step was kept. Make room, then run onroll again."
_MAY_NOT = "The store may not be written. Give the user that runs onroll the right to write it (for SQLite: the file and its folder)."
DAMAGED = "The store is damaged. Restore it from a backup, then run onroll again."
_AWAY = (
    "The PostgreSQL server of the store does not answer, or does not let us in. Look at the server and at [store] url."
)

_SQLITE: tuple[tuple[str, type[OnrollError], str], ...] = (
    ("SQLITE_FULL", Halt, _FULL),
    ("SQLITE_BUSY", Unavailable, _LOCKED),
    ("SQLITE_LOCKED", Unavailable, _LOCKED),
    ("SQLITE_READONLY", Halt, _MAY_NOT),
    (
        "SQLITE_CANTOPEN",
        Halt,
        "The file of the store cannot be opened or made. Look at [store] url and at the rights of its folder.",
    ),
    (
        "SQLITE_NOTADB",
        Halt,
        "The file of the store is no database. Look at [store] url, or restore the file from a backup.",
    ),
    ("SQLITE_CORRUPT", Halt, DAMAGED),
    ("SQLITE_IOERR", Halt, "The disk that holds the store gave an error. Look at the disk, then run onroll again."),
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html: the first two characters are the class.
_POSTGRESQL: tuple[tuple[str, type[OnrollError], str], ...] = (
    ("53100", Halt, _FULL),
    (
        "53",
        Unavailable,
        "The PostgreSQL server of the store has no room for us now (memory or connections). Run onroll again later.",
    ),
    ("55P03", Unavailable, _LOCKED),
    ("40", Unavailable, _LOCKED),
    ("08", Unavailable, _AWAY),
    ("57", Unavailable, _AWAY),
    ("25006", Halt, _MAY_NOT),
    ("42501", Halt, _MAY_NOT),
    ("XX", Halt, DAMAGED),
)


def is_busy(failure: BaseException) -> bool:
    """True when SQLite says that another connection has the file."""
    return str(getattr(failure, "sqlite_errorname", "")).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what the database raises into our errors; the original, which may show people's data, is not carried along."""
    try:
        yield
    except IntegrityError:
        raise Clash("The store refused what would break one of its rules. Nothing of this step was kept.") from None
    except DBAPIError as failure:
        raise _error(failure) from None
    except sqlite3.Error as failure:
        raise _named(getattr(failure, "sqlite_errorname", type(failure).__name__), _SQLITE) from None


def _error(failure: DBAPIError) -> OnrollError:
    code = getattr(failure.orig, "sqlite_errorname", None)
    known = _SQLITE
    if code is None:
        code = getattr(failure.orig, "sqlstate", None)
        known = _POSTGRESQL
        if code is None and type(failure.orig).__name__ in ("OperationalError", "InterfaceError"):
            return Unavailable(_AWAY)
    return _named(code or type(failure.orig).__name__, known)


def _named(code: str, known: tuple[tuple[str, type[OnrollError], str], ...]) -> OnrollError:
    for start, kind, words in known:
        if code.startswith(start):
            return kind(words)
    return Halt(f"The store refused a step for a reason onroll does not know ({code}). Nothing of this step was kept.")
