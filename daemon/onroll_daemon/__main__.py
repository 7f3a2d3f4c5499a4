"""The command `onroll`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line; every failure is a sentence on standard error and an exit code (DESIGN 8)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # a Windows console may be anything
    from onroll_daemon.cli import app

    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain again while it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as failure:
        if os.environ.get("ONROLL_DEBUG") == "1":
            raise
        # Only the kind and the place: the text of an unforeseen error could hold anything.
        print(  # noqa: T201
            f"onroll failed in a way it did not expect ({type(failure).__name__}, {_place(failure)}). Please report it;"
            " with ONROLL_DEBUG=1 set, it says more.",
            file=sys.stderr,
        )
        sys.exit(1)


def _place(failure: Exception) -> str:
    """File and line, in our own code where the failure passed through it."""
    place, trace = "", failure.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if not place or file.parent.name.startswith("onroll_") or file.parent.parent.name.startswith("onroll_"):
            place = f"{file.name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


if __name__ == "__main__":
    main()
