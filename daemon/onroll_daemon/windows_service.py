"""onroll as a Windows service: pywin32's host runs what `onroll serve` runs, and the service manager's stop ends it between two batches."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import win32service
import win32serviceutil

from onroll_core.errors import OnrollError
from onroll_daemon import log
from onroll_daemon.event_log import EventLog
from onroll_daemon.log_files import LogFile
from onroll_daemon.mistakes import Misconfigured
from onroll_daemon.settings import load

_LOG = logging.getLogger("onroll")
_SECOND = 1000
NAME = "onroll"


class Ended(Exception):
    """The service ended by itself. Raised to pywin32's host, which tells the service manager, which starts it again; it says nothing more, because the host
    writes it into the event log."""


class OnrollService(win32serviceutil.ServiceFramework):  # type: ignore[misc]
    """What pywin32's host makes one of: it speaks with the service manager, and a thread of its own does the work."""

    _svc_name_ = NAME
    _svc_display_name_ = "onroll"

    def __init__(self, args: Any) -> None:
        super().__init__(args)
        self._over = threading.Event()
        self._state = win32service.SERVICE_START_PENDING

    def GetAcceptedControls(self) -> int:  # noqa: N802 - pywin32's own name
        """Stop, and the notice before the machine goes down, which gives more time than the shutdown itself."""
        accepted: int = super().GetAcceptedControls() | win32service.SERVICE_ACCEPT_PRESHUTDOWN
        return accepted

    def SvcStop(self) -> None:  # noqa: N802
        """The service manager's stop: answered at once; the batch in hand is ended first."""
        self._tell(win32service.SERVICE_STOP_PENDING)
        self._over.set()

    def SvcOther(self, control: int) -> None:  # noqa: N802
        """The machine is about to go down: the same as a stop."""
        if control == win32service.SERVICE_CONTROL_PRESHUTDOWN:
            self.SvcStop()

    def SvcInterrogate(self) -> None:  # noqa: N802
        """Say again what was said last."""
        self._tell(self._state)

    def SvcRun(self) -> None:  # noqa: N802
        """Work until told to stop. Raises Ended when the work ended by itself, so that the service is started again."""
        self._tell(win32service.SERVICE_START_PENDING, 120 * _SECOND)  # the store may have to be upgraded first
        path = Path(win32serviceutil.GetServiceCustomOption(NAME, "config"))
        outcome: list[bool] = []
        running = lambda: self._tell(win32service.SERVICE_RUNNING)  # noqa: E731
        # Not in this thread: Python may take the host's for the main one, where signals could be minded, and they cannot.
        work = threading.Thread(target=lambda: outcome.append(run(path, self._over, running)), name="work")
        work.start()
        while work.is_alive():
            work.join(2)
            if self._over.is_set():
                self._tell(win32service.SERVICE_STOP_PENDING)  # each says that it still moves
        if outcome != [True]:
            raise Ended("onroll ended by itself; its own entry says why.")
        self._tell(win32service.SERVICE_STOP_PENDING)

    def _tell(self, state: int, hint: int = 20 * _SECOND) -> None:
        self._state = state
        self.ReportServiceStatus(state, hint)


def run(config: Path, over: threading.Event, running: Callable[[], None]) -> bool:
    """Serve until `over` is set; `running` is called when the store is open. False when it ended by itself and is worth starting again.

    What is wrong in the configuration stays wrong until a person puts it right: it is said, and ends it for good. Raises nothing.
    """
    from onroll_daemon.service import serve
    from onroll_daemon.wiring import open_store

    with _logged(config.parent / "logs"):
        try:
            settings = load(config)
            with closing(open_store(settings)) as store:
                running()
                serve(settings, store, over)
        except Misconfigured as wrong:
            for sentence in wrong.sentences:
                _LOG.error("%s", sentence)
            _LOG.error("onroll does not start until that is put right in %s. Then: onroll service start", config)
        except OnrollError as failure:
            _LOG.error("%s", failure.sentence)
            return False
        except Exception as failure:
            # Only the kind: the text of an unforeseen error could hold anything. ONROLL_DEBUG=1 puts the rest into the log file.
            _LOG.error("onroll failed in a way it did not expect (%s). Please report it.", type(failure).__name__)
            _LOG.debug("where it failed", exc_info=True)
            return False
        return True


@contextmanager
def _logged(folder: Path) -> Iterator[None]:
    """Log to a file and to the event log; a service has no standard error."""
    if sys.stderr is None:
        sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    log.set_up(service=True)
    file, root = LogFile(folder / "onroll.log"), logging.getLogger()
    file.setFormatter(log.lines(tracebacks=True))
    handlers = (file, EventLog())
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
