"""`onroll users forget`: what is known of somebody who has left is forgotten at once."""

from __future__ import annotations

import typer

from onroll_core.retention import forgotten, why_not
from onroll_core.store import this_process
from onroll_daemon.nights import who
from onroll_daemon.people import found_person
from onroll_daemon.session import FAILED, HELD, document, say, session, stop
from onroll_daemon.wiring import now


def users_forget(config: str | None, username: str, confirm: bool, as_json: bool) -> None:
    """Without `confirm` it says what would be forgotten, and does nothing."""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        problem = why_not(identity, now().date(), rules)
        if problem:
            stop(FAILED, problem)
        if confirm:
            by = f"{who() or 'somebody'} asked for it"
            with opened.store.lease(rules.id, this_process("users forget")):
                # Read again: a night may have changed them until the lease was had.
                identity, rules = found_person(opened, identity.id)
                problem = why_not(identity, now().date(), rules)
                if problem:
                    stop(FAILED, problem)
                emptied = forgotten(identity, now().date(), rules)
                opened.store.past.forget(None, rules.id, [(identity, emptied)], by, now())
    if as_json:
        document({"identity": identity.id, "username": identity.username, "forgotten": confirm})
    elif confirm:
        say(
            f"What was known of {identity.label} is forgotten. The username stays taken, and the accounts stay as they are."
        )
    else:
        say(
            f"Names, numbers, dates, groups and history of {identity.label} would be forgotten, for good; the username {identity.label} would stay taken and"
            f" the accounts as they are. Nothing was done yet: onroll users forget {identity.label} --confirm"
        )
    if not confirm:
        raise typer.Exit(HELD)
