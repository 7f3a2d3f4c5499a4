"""`onroll console`: who may use the console, said at a shell."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from onroll_core.store import Store
from onroll_core.store.console import Operator
from onroll_daemon.console import operating
from onroll_daemon.console.operating import Wanted
from onroll_daemon.mistakes import suggestion
from onroll_daemon.nights import who
from onroll_daemon.session import FAILED, USAGE, Session, document, say, session, stop
from onroll_daemon.settings import Settings
from onroll_daemon.wiring import now

_LOG = logging.getLogger("onroll")


def users(config: str | None, as_json: bool) -> None:
    """`onroll console users`"""
    with session(config) as opened:
        found = opened.store.console.operators.all()
        last = opened.store.console.audit.last(operating.SIGNED_IN)
    rows = [_row(each) | {"last": last.get(each.name)} for each in found]
    if as_json:
        document({"users": rows})
        return
    for row in rows:
        schools = "all schools" if row["schools"] is None else ", ".join(row["schools"])
        seen = f"last signed in {row['last'][:16].replace('T', ' at ')} UTC" if row["last"] else "never signed in"
        say(f"{row['name']:<20} {row['role']:<16} {schools}; {seen}{'; disabled' if row['disabled'] else ''}")
    if not rows:
        say("Nobody may use the console yet. Let the first one in with: onroll console add NAME --role administrator")


def add(config: str | None, wanted: Wanted, as_json: bool) -> None:
    """`onroll console add`"""
    with session(config) as opened:
        wanted = replace(wanted, role=operating.role_named(wanted.role))
        _right(operating.objections(wanted, opened.settings.schools))
        made, secret = operating.add(opened.store, wanted, _by(), now())
        _tell_link(opened, made, secret, as_json)


def link(config: str | None, name: str, as_json: bool) -> None:
    """`onroll console link`"""
    with session(config) as opened:
        found = _named(opened.store, name)
        _tell_link(opened, found, operating.new_link(opened.store, found, _by(), now()), as_json)


def switch(config: str | None, name: str, disabled: bool, as_json: bool) -> None:
    """`onroll console disable` and `enable`"""
    with session(config) as opened:
        found = _named(opened.store, name)
        of = None if found.schools is None else sorted(found.schools)
        wanted = Wanted(found.name, found.display, found.email, found.role, of, disabled)
        if found.disabled != disabled:
            operating.change(opened.store, found, wanted, _by(), now())
    if as_json:
        document(_row(found) | {"disabled": disabled})
        return
    say(f"{found.name} may {'not ' if disabled else ''}use the console.")


def token(config: str | None, name: str, role: str, schools: Sequence[str] | None, days: int, as_json: bool) -> None:
    """`onroll console token`"""
    with session(config) as opened:
        role = operating.role_named(role)
        _right(operating.access_objections(role, schools, opened.settings.schools))
        secret = operating.new_token(opened.store, name, role, schools, days, _by(), now())
    if as_json:
        document({"name": name, "role": role, "schools": schools, "days": days, "token": secret})
        return
    say(secret)


def announce_first(settings: Settings, store: Store, at: datetime, served_at: str) -> None:
    """While nobody administers onroll, log a link with which somebody becomes the first. It is the one secret that a log may hold: it works once, for a day."""
    secret = operating.first_link(store, at)
    if secret is not None:
        until = at + operating.FIRST_LINK_LASTS
        _LOG.info(
            "nobody administers onroll yet: open %s/first/%s to become the first; the link works once, until %s",
            operating.address(settings, served_at),
            secret,
            f"{until.day} {until:%B}",
        )


def _tell_link(opened: Session, operator: Operator, secret: str, as_json: bool) -> None:
    href = f"{operating.address(opened.settings)}/choose-password/{secret}"
    if as_json:
        document(_row(operator) | {"link": href})
        return
    days = operating.LINK_LASTS.days
    say(f"Give this link to {operator.name}, and to nobody else. It works once, for {days} days:")
    say(href)


def _row(operator: Operator) -> dict[str, Any]:
    return {
        "name": operator.name,
        "display": operator.display,
        "email": operator.email,
        "role": operator.role,
        "schools": None if operator.schools is None else sorted(operator.schools),
        "disabled": operator.disabled,
        "password": operator.has_password,
    }


def _named(store: Store, name: str) -> Operator:
    found = store.console.operators.named(name)
    if found is None:
        known = [each.name for each in store.console.operators.all()]
        stop(FAILED, f"There is no console user {name}. {suggestion(name, known)}")
    return found


def _right(wrong: dict[str, str]) -> None:
    if wrong:
        stop(USAGE, *(f"--{field}: {sentence}" if field != "name" else sentence for field, sentence in wrong.items()))


def _by() -> str:
    return f"{who() or 'somebody'} at a shell"
