"""The machine and the bundle, for every test here."""

from wine import bundle, windows

__all__ = ["bundle", "windows"]
