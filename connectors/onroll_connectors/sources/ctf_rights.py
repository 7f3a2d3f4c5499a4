"""Who has to be able to read the folder with the CTF files."""

from __future__ import annotations

from onroll_connectors.rights import Right
from onroll_connectors.sources.folder_rights import commands, folder

__all__ = ["RIGHTS", "commands"]

RIGHTS = folder(
    Right("reading the folder", "seeing which files are there"),
    Right("reading the files", "pupils"),
    Right("reading the file of staff", "staff, whom a CTF has not", ({"staff": True},)),
)
