"""A rename before it is confirmed, at the command line: the targets are asked who has signed in, and each rename is a line to read."""

from __future__ import annotations

from onroll_core.renames import Preview, Renaming
from onroll_daemon.bars import watching
from onroll_daemon.operations.rename_looks import Look, at_hand
from onroll_daemon.session import Session
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.sign_ins import sign_ins
from onroll_daemon.wiring import line


def look(opened: Session, school: SchoolSettings, shown: Preview, ask: bool) -> Look:
    """What can be told without changing anything. With `ask` the targets are asked who has signed in; one that cannot be reached is a sentence."""
    found = at_hand(opened.settings, opened.store, school, shown)
    if ask and shown.renamings:
        with watching() as progress:
            it = line(opened.settings, school, opened.store, progress=progress)
            told = sign_ins(it, [each.identity for each in shown.renamings])
        found.signed_in, found.untold = told.last, told.untold
    return found


def sentence(each: Renaming, found: Look, keep_alias: bool) -> str:
    """What changes for one person, and what is known of them."""
    told = [*each.changes(keep_alias)]
    last = found.last(each.identity.id)
    if last is not None:
        told.append(f"last signed in on {last[0]:%d %B %Y} ({last[1]})")
    if each.identity.id in found.handed_out:
        told.append(f"was handed a first password under the old name on {found.handed_out[each.identity.id][:10]}")
    return f"{each.identity.label:<20} {'; '.join(told)}"
