"""The machine and the bundle, for every test here."""

from __future__ import annotations

from wine import bundle, windows

__all__ = ["bundle", "windows"]
