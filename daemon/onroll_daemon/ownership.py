"""Files that root writes for the service belong to the service."""

from __future__ import annotations

import os
from pathlib import Path


def give(path: Path, like: os.stat_result) -> None:
    """Make `path` its owner's and group's to whom `like` belongs, where root writes it; anybody else's files are their own, and Windows has no owners of that kind."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.chown(path, like.st_uid, like.st_gid)
