"""What a database raises, told apart by its code and never by its text, which may show people's data."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Kind(Enum):
    """What a failure means for whoever reads a MIS's tables."""

    LOGIN = "the login is refused"
    DATABASE = "there is no such database"
    SHAPE = "a table or a column is not there"
    DENIED = "a table or a column may not be read"
    BUSY = "somebody else is in the way"
    SLOW = "it took too long"
    AWAY = "it does not answer"
    DAMAGED = "it is no database any more"
    UNKNOWN = "none of these"


# https://learn.microsoft.com/en-us/sql/relational-databases/errors-events/database-engine-events-and-errors
# Numbers from 20000 are those of FreeTDS's db-lib (sybdb.h), which pymssql is made of.
_SQL_SERVER = {
    **dict.fromkeys((18401, 18451, 18452, 18456, 18470, 18486, 18487, 18488, 20014), Kind.LOGIN),
    **dict.fromkeys((911, 916, 4060, 4064), Kind.DATABASE),
    **dict.fromkeys((207, 208), Kind.SHAPE),
    **dict.fromkeys((229, 230, 300), Kind.DENIED),
    **dict.fromkeys((1205, 1222, 3951, 3960, 3961), Kind.BUSY),
    20003: Kind.SLOW,
    **dict.fromkeys((233, 10053, 10054, 10060, 20002, 20004, 20006, 20009, 20013, 20017, 20047), Kind.AWAY),
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html: the first two characters are the class.
_POSTGRESQL = (
    ("28", Kind.LOGIN), ("3D", Kind.DATABASE), ("42P01", Kind.SHAPE), ("42703", Kind.SHAPE), ("3F", Kind.SHAPE), ("42501", Kind.DENIED),
    ("40", Kind.BUSY), ("55P03", Kind.BUSY), ("57014", Kind.SLOW), ("57", Kind.AWAY), ("53", Kind.AWAY), ("08", Kind.AWAY),
    ("XX", Kind.DAMAGED),
)  # fmt: skip

# https://www.sqlite.org/rescode.html; SQLITE_ERROR is also what a wrong statement gives, and ours are not wrong.
_SQLITE = (
    ("SQLITE_BUSY", Kind.BUSY), ("SQLITE_LOCKED", Kind.BUSY), ("SQLITE_INTERRUPT", Kind.SLOW), ("SQLITE_CANTOPEN", Kind.DATABASE),
    ("SQLITE_PERM", Kind.DENIED), ("SQLITE_AUTH", Kind.DENIED), ("SQLITE_ERROR", Kind.SHAPE), ("SQLITE_NOTADB", Kind.DAMAGED),
    ("SQLITE_CORRUPT", Kind.DAMAGED), ("SQLITE_IOERR", Kind.AWAY),
)  # fmt: skip


def kind(original: BaseException | None) -> Kind:
    """What a driver's own exception means."""
    name = getattr(original, "sqlite_errorname", None)
    if isinstance(name, str):
        return _by_start(name, _SQLITE)
    state = getattr(original, "sqlstate", None)
    if isinstance(state, str):
        return _by_start(state, _POSTGRESQL)
    number = _number(original.args if original is not None else ())
    if number is not None:
        return _SQL_SERVER.get(number, Kind.UNKNOWN)
    # A connection that was never made has no code in PostgreSQL's driver.
    return Kind.AWAY if type(original).__name__ in ("OperationalError", "InterfaceError") else Kind.UNKNOWN


def _by_start(code: str, known: tuple[tuple[str, Kind], ...]) -> Kind:
    return next((found for start, found in known if code.startswith(start)), Kind.UNKNOWN)


def _number(arguments: Any) -> int | None:
    """pymssql gives (number, message), or that in another tuple when it is the connection that failed."""
    first = arguments[0] if arguments else None
    if isinstance(first, tuple):
        return _number(first)
    return first if isinstance(first, int) and not isinstance(first, bool) else None
