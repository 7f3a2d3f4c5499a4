"""The service's log in files: a new one when it is full, a few old ones kept, and no line lost while somebody reads any of them."""

from __future__ import annotations

import logging
import time
from pathlib import Path

_AGAIN = 60.0


class LogFile(logging.FileHandler):
    """Appends to `path` in UTF-8; at `limit` bytes it becomes `path`.1, and so on up to `keep`.

    On Windows a file that another program holds open cannot be renamed. Then the log goes on in the same file, and tries again a minute later. Nothing that
    goes wrong with a file gets out of here: a log is no reason for a service to stop.
    """

    def __init__(self, path: Path, limit: int = 5_000_000, keep: int = 5) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._path, self._limit, self._keep, self._not_before = path, limit, keep, 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """One line, in a new file when this one is full."""
        try:
            if self.stream is not None and self.stream.tell() >= self._limit and time.monotonic() >= self._not_before:
                self.stream.close()
                self.stream = None  # the next line opens the file anew, as logging does it
                self._turn()
            super().emit(record)
        except OSError:
            self.handleError(record)

    def _turn(self) -> None:
        aside = self._path.with_name(f"{self._path.name}.next")
        try:
            if aside.exists():  # an earlier turn could not end, because an older file was held open
                self._put_away(aside)
            self._path.replace(aside)  # first, so that a file that is held open costs no older one
            self._put_away(aside)
        except OSError:
            self._not_before = time.monotonic() + _AGAIN

    def _put_away(self, aside: Path) -> None:
        """`aside` as the first of the old ones. They move up to the first gap and no farther: trying again after a failure costs none of them."""
        gap = next((each for each in range(1, self._keep) if not self._numbered(each).exists()), self._keep)
        for number in range(gap - 1, 0, -1):
            self._numbered(number).replace(self._numbered(number + 1))
        aside.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
