"""The command `onroll`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; every expected failure is one sentence on standard error and an exit code (DESIGN 8)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # a Windows console may be anything
    from onroll_daemon.cli import app

    try:
        app()
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain again while it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
