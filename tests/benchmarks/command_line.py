"""`onroll --help`, as a whole process, against a bare Python."""

from __future__ import annotations

import subprocess
import sys
import time


def median(command: list[str]) -> float:
    """The median of seven runs, in seconds."""
    times = []
    for _ in range(7):
        began = time.monotonic()
        subprocess.run(command, capture_output=True, check=True)
        times.append(time.monotonic() - began)
    return sorted(times)[3]


def main() -> None:
    ours = median([sys.executable, "-m", "onroll_daemon", "--help"])
    floor = median([sys.executable, "-c", "pass"])
    print(f"onroll --help: {ours:.3f} s (python -c pass: {floor:.3f} s)")


if __name__ == "__main__":
    main()
