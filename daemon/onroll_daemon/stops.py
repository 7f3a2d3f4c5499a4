"""How a process is told to end: SIGTERM, Ctrl-C, and on Windows Ctrl-Break; the first time between two batches, the second time at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def told_to_stop(
    tell: Callable[[], None] = lambda: None, event: threading.Event | None = None
) -> Iterator[threading.Event]:
    """An event that is set when the process is told to end; `tell` is called then. Outside the main thread nothing can be caught, and the event
    is only somebody else's to set."""
    over = event or threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield over
        return

    def heard(number: int, frame: FrameType | None) -> None:
        if over.is_set():
            raise KeyboardInterrupt
        over.set()
        tell()

    names = ("SIGTERM", "SIGINT", "SIGBREAK")  # SIGBREAK is Windows' own, and how a console there is closed
    before = {number: signal.signal(number, heard) for name in names if (number := getattr(signal, name, None))}
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
