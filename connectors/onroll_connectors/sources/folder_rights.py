"""Files that another program writes: who has to read them, how that is granted on Windows and Linux, and what is said when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from pydantic import BaseModel

from onroll_connectors.rights import Right, Rights
from onroll_core.errors import Halt

ASK = "On the server where the files are, let the account that onroll's service runs as read them, and change nothing:"
GIVE = "Let the account that onroll's service runs as read it"
KNOWN = "On Windows that account is NT SERVICE\\onroll, or the group-managed account that it was installed with; for a share on another server it is this computer's own account (SCHOOL\\SERVER$). On Linux it is onroll."


def folder(*table: Right) -> Rights:
    """The rights of a route that reads files and needs nothing else."""
    return Rights("The folder", "right of", ASK, GIVE, KNOWN, table)


def commands(settings: BaseModel) -> list[str]:
    """What grants it, for the paths of these settings: on Windows where they are Windows' own, else on Linux."""
    found = []
    for key in ("path", "staff"):
        path = getattr(settings, key, None)
        if path is None:
            continue
        windows = PureWindowsPath(path)
        if windows.drive:
            found.append(f'icacls "{path}" /grant "NT SERVICE\\onroll:{"(R)" if windows.suffix else "(OI)(CI)(RX)"}"')
        elif Path(path).suffix:
            found.append(f"setfacl -m u:onroll:r '{path}'")
        else:
            found.append(f"setfacl -R -m u:onroll:rX -m d:u:onroll:rX '{path}'")
    return found


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """What the block does with a folder; raises Halt where onroll's account may not look into it."""
    try:
        yield
    except OSError as failure:
        raise Halt(
            f"The folder {folder} cannot be read ({failure.strerror}), so that nobody in its files can be. {GIVE}. Nothing was read."
        ) from None
