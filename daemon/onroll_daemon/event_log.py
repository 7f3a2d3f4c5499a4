"""What Windows' event log is told: warnings and errors of onroll, a sentence each, without tracebacks and without names."""

from __future__ import annotations

import logging

SOURCE = "onroll"
_LONGEST = 30_000  # the event log takes 31,839 characters


class EventLog(logging.Handler):
    """Writes what onroll warns of to the Application log. A log that is full or out of reach stops nothing: the log file has it all."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.addFilter(lambda record: record.name.partition(".")[0] == "onroll")

    def emit(self, record: logging.LogRecord) -> None:
        """One entry: the sentence alone, because a traceback or another library's words could hold anything."""
        import pywintypes
        import win32evtlog

        error = record.levelno >= logging.ERROR
        kind = win32evtlog.EVENTLOG_ERROR_TYPE if error else win32evtlog.EVENTLOG_WARNING_TYPE
        number = 2 if error else 1
        try:
            log = win32evtlog.RegisterEventSource(None, SOURCE)
            try:
                win32evtlog.ReportEvent(log, kind, 0, number, None, [record.getMessage()[:_LONGEST]], None)
            finally:
                win32evtlog.DeregisterEventSource(log)
        except pywintypes.error:
            pass


def register() -> None:
    """Make the source known, with the message file of pywin32, whose every message is the sentence itself. Needs an administrator."""
    import win32evtlog
    import win32evtlogutil

    warned = win32evtlog.EVENTLOG_ERROR_TYPE | win32evtlog.EVENTLOG_WARNING_TYPE
    win32evtlogutil.AddSourceToRegistry(SOURCE, win32evtlog.__file__, eventLogFlags=warned)


def unregister() -> None:
    """Forget the source; entries stay."""
    import pywintypes
    import win32evtlogutil

    try:
        win32evtlogutil.RemoveSourceFromRegistry(SOURCE)
    except pywintypes.error:
        pass  # it was never there
