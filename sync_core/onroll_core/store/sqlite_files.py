"""A store that is one file: copied while others write to it, looked over for damage, and kept as it was before it is upgraded."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from onroll_core.errors import Halt
from onroll_core.store.failures import DAMAGED, is_busy, sentences

_PATIENCE = 15.0
_LONG_AGO = 3600


def copy_file(source: Path, to: Path) -> None:
    """One moment of the store `source` as the new file `to`, whoever writes to it meanwhile; nothing is left of a copy that fails."""
    try:
        # Each of the two is opened as a file of its own name: a missing one must not be made.
        with sentences(), closing(_opened(source)) as one, closing(sqlite3.connect(to)) as other:
            one.backup(other)  # in one step: page by page it would begin anew with everything that a run writes
            other.execute("PRAGMA journal_mode=DELETE")  # the copy is whole without files beside it
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def look_over(file: Path, thorough: bool = False) -> None:
    """Raises Halt when the file is damaged or no database. Quick; `thorough` also holds every index against its table."""
    with sentences(), closing(_opened(file)) as connection:
        found = connection.execute(f"PRAGMA {'integrity_check' if thorough else 'quick_check'}(1)").fetchone()
    if found is None or found[0] != "ok":
        raise Halt(DAMAGED)


def schema_of(file: Path) -> str | None:
    """The revision of a store's schema; None where the file holds no store of ours."""
    with sentences(), closing(_opened(file)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "identities"} <= names:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def is_open_elsewhere(file: Path) -> bool:
    """Whether another connection has the file open. Where none has, what stood beside the file is brought home, and the file is whole by itself.

    A damaged file, which nobody can work with, is not open.
    """
    try:
        with closing(_opened(file, patience=0.5)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as failure:
        return is_busy(failure)
    return False


def keep_before(file: Path, version: str, wanted: str) -> None:
    """Before `file` is upgraded from `version` to `wanted`: a copy beside it, in place of one that an attempt before this left. Raises Halt when there is no room."""
    kept = file.with_name(f"{file.name}.before-{wanted}")
    try:
        part = _own_file(kept)
        copy_file(file, part)
    except (Halt, OSError) as failure:
        raise Halt(
            f"{failure} Before it is upgraded, the store is copied to {kept}, and that failed; it was left as it was."
        ) from None
    # Two programs may start at once: the one that comes second finds the store upgraded, which is not what is to be kept.
    if schema_of(part) == version:
        part.chmod(file.stat().st_mode & 0o777)
        part.replace(kept)
    else:
        part.unlink()


def _own_file(kept: Path) -> Path:
    """An empty file that no other program has, beside `kept`; what a power cut left of earlier ones is cleared away."""
    for left in kept.parent.glob(f"{kept.name}.part-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LONG_AGO:
                left.unlink()
    number, name = tempfile.mkstemp(prefix=f"{kept.name}.part-", dir=kept.parent)
    os.close(number)
    return Path(name)


def _opened(file: Path, patience: float = _PATIENCE) -> sqlite3.Connection:
    try:
        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=patience, isolation_level=None)
    except sqlite3.Error:
        if not file.exists():
            raise Halt(f"{file} is not there.") from None
        raise
