"""The machine and the bundle, for every test here; what needs Windows' own Python under Wine is part of `make windows-test` and `make soak`."""

from __future__ import annotations

import os

from wine import bundle, windows

__all__ = ["bundle", "windows"]

if not (os.environ.get("ONROLL_SOAK") or os.environ.get("ONROLL_WINDOWS")):
    collect_ignore = ["test_windows_bundle.py", "test_windows_machine.py", "test_windows_service.py"]
