"""`onroll users forget`: what is known of somebody who has left is forgotten at once."""

from __future__ import annotations

import typer

from onroll_daemon.nights import who
from onroll_daemon.operations.forgetting import forget, may_be_forgotten
from onroll_daemon.people import found_person
from onroll_daemon.session import HELD, document, say, session
from onroll_daemon.wiring import now


def users_forget(config: str | None, username: str, confirm: bool, as_json: bool) -> None:
    """Without `confirm` it says what would be forgotten, and does nothing."""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        may_be_forgotten(identity, rules, now().date())
        if confirm:
            forget(opened.store, identity.id, rules, now().date(), who(), now())
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
