"""What an administrator does with those who may use the console: people, their one-time links, and tokens for scripts. Each is written down."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from onroll_core.errors import Refused
from onroll_core.store import Store
from onroll_core.store.console import Operator
from onroll_daemon.console.rights import GIVEN, Role
from onroll_daemon.settings import Settings

FIRST_LINK_LASTS = timedelta(hours=24)
LINK_LASTS = timedelta(days=3)
LONGEST_TOKEN = 366
SIGNED_IN = "signed in"
"""What the audit says when a console user signs in."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
_EMAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]+\.[^@\s<>,;.]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an operator should be. `schools` None means all of them."""

    name: str
    display: str
    email: str | None
    role: str
    schools: Sequence[str] | None
    disabled: bool = False


def objections(wanted: Wanted, known: Collection[str]) -> dict[str, str]:
    """What is wrong with it, by field: a sentence each. `known` are the ids of schools."""
    wrong = {}
    if not _NAME.fullmatch(wanted.name.strip().lower()):
        wrong["name"] = "Write 2 to 64 letters, digits, dots, hyphens or underscores, without a space: ann.lee"
    if len(wanted.display) > 100:
        wrong["display"] = "Write at most 100 characters."
    if wanted.email and not (_EMAIL.fullmatch(wanted.email.strip()) and len(wanted.email) <= 254):
        wrong["email"] = "That is not an e-mail address. Write it as ann.lee@school.test, or leave it out."
    return wrong | access_objections(wanted.role, wanted.schools, known)


def access_objections(role: str, schools: Sequence[str] | None, known: Collection[str]) -> dict[str, str]:
    """What is wrong with a role and schools, by field."""
    wrong = {}
    if role not in GIVEN:
        wrong["role"] = f"Choose one of: {', '.join(GIVEN)}."
    if schools is not None and not schools:
        wrong["schools"] = "Choose at least one school, or all of them."
    elif schools is not None and (unknown := sorted(set(schools) - set(known))):
        wrong["schools"] = f"There is no school {unknown[0]}. There are: {', '.join(sorted(known))}."
    return wrong


def add(store: Store, wanted: Wanted, by: str, now: datetime) -> tuple[Operator, str]:
    """Somebody new, with the secret of a link for choosing a password. Raises Refused when the name or the address is somebody else's."""
    made = store.console.operators.add(wanted.name, wanted.display, wanted.email, wanted.role, wanted.schools, by, now)
    store.console.audit.note(now, by, None, f"added {made.name} to the console as {_access(made)}", made.name)
    return made, new_link(store, made, by, now)


def change(store: Store, operator: Operator, wanted: Wanted, by: str, now: datetime) -> None:
    """Another role, address or schools, or no access. Raises Refused for the last administrator of all schools, and for somebody else's address."""
    store.console.operators.change(
        operator.id, wanted.display or operator.name, wanted.email, wanted.role, wanted.schools, wanted.disabled
    )
    found = store.console.operators.get(operator.id)
    assert found is not None
    what = f"changed {found.name} to {_access(found)}"
    if found.disabled != operator.disabled:
        what = f"{'took' if found.disabled else 'gave'} {found.name} {'the console away' if found.disabled else 'the console back'}"
    store.console.audit.note(now, by, None, what, found.name)


def new_link(store: Store, operator: Operator, by: str, now: datetime) -> str:
    """The secret of a link with which an operator chooses a password; earlier ones stop working. Raises Refused for somebody who is disabled."""
    if operator.disabled:
        raise Refused(f"{operator.name} may not use the console. Give it back to them first. Nothing was changed.")
    secret = secrets.token_urlsafe(32)
    store.console.links.make(secret, operator.id, now, LINK_LASTS)
    store.console.audit.note(now, by, None, f"made a link for {operator.name} to choose a password", operator.name)
    return secret


def new_token(
    store: Store, name: str, role: str, schools: Sequence[str] | None, days: int, by: str, now: datetime
) -> str:
    """The secret of a new token for scripts. Raises Refused when something about it is wrong."""
    if not name.strip() or len(name) > 100:
        raise Refused("Say in at most 100 characters what the token is for. Nothing was changed.")
    if not 1 <= days <= LONGEST_TOKEN:
        raise Refused(f"A token lasts for 1 to {LONGEST_TOKEN} days. Nothing was changed.")
    secret = f"onr_{secrets.token_urlsafe(32)}"
    number = store.console.tokens.add(secret, name.strip(), role, schools, by, now, timedelta(days=days))
    store.console.audit.note(now, by, None, f"made the token {name.strip()} ({role}, {days} days)", f"token {number}")
    return secret


def revoke(store: Store, number: int, by: str, now: datetime) -> bool:
    """Take a token back; False when it was so already, or there is none."""
    done = store.console.tokens.revoke(number, now)
    if done:
        store.console.audit.note(now, by, None, f"took back token {number}", f"token {number}")
    return done


def first_link(store: Store, now: datetime) -> str | None:
    """The secret of a link with which the first administrator makes themselves known; None once there is one."""
    if store.console.operators.any():
        return None
    secret = secrets.token_urlsafe(32)
    store.console.links.make(secret, None, now, FIRST_LINK_LASTS)
    return secret


def address(settings: Settings, served_at: str = "") -> str:
    """Where people find the console, without a final slash: its [console] address, else where it is served."""
    console = settings.console
    scheme = "https" if console.tls_certificate else "http"
    return (console.address or served_at or f"{scheme}://{console.listen}").rstrip("/")


def role_named(text: str) -> str:
    """A role as somebody types it: "issuer" is "password issuer"; what is none comes back as it was."""
    return Role.ISSUER.value if text == "issuer" else text


def _access(operator: Operator) -> str:
    return f"{operator.role} of {'all schools' if operator.schools is None else ', '.join(sorted(operator.schools))}"
