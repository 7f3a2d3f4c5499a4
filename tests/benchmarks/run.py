"""`make bench`: every measurement with its floor, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MEASURES = (
    "core",
    "command_line",
    "linking",
    "sources",
    "active_directory",
    "microsoft365",
    "google_workspace",
    "console",
)


def main() -> int:
    here = Path(__file__).parent
    return max(subprocess.run([sys.executable, str(here / f"{name}.py")], check=False).returncode for name in MEASURES)


if __name__ == "__main__":
    sys.exit(main())
