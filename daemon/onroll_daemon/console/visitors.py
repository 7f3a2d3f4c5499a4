"""Who is at the console: the person behind a cookie, or the script behind a token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from onroll_core.accounts import IdentityId
from onroll_core.identities import State
from onroll_core.store import Store
from onroll_daemon.console.rights import RIGHTS, WHOLE, Right, Role


@dataclass(frozen=True, slots=True)
class Visitor:
    """`schools` None means all of them. `csrf` is "" for scripts, which send no cookie. `by` is what is kept of them beside what they did."""

    by: str
    name: str
    role: Role
    schools: frozenset[str] | None
    csrf: str = ""
    operator: int | None = None
    identity: IdentityId | None = None
    email: str | None = None

    def may(self, right: Right) -> bool:
        """Whether they have a right, in the schools that they may see."""
        return right in RIGHTS[self.role] and (right not in WHOLE or self.schools is None)

    def sees(self, school: str) -> bool:
        """Whether a school is one of theirs."""
        return self.schools is None or school in self.schools

    def among(self, schools: Iterable[str]) -> list[str]:
        """Those of `schools` that are theirs."""
        return [each for each in schools if self.sees(each)]


def behind_cookie(store: Store, cookie: str, now: datetime, idle: timedelta) -> Visitor | None:
    """The person who is signed in with a cookie; None when the session is over, or they may not sign in any more."""
    session = store.console.sessions.find(cookie, now, idle)
    if session is None:
        return None
    if session.operator is not None:
        operator = store.console.operators.get(session.operator)
        if operator is None or operator.disabled:
            return None
        return Visitor(
            operator.name, operator.display, Role(operator.role), operator.schools, session.csrf, operator.id, email=operator.email
        )  # fmt: skip
    person = store.identity(session.identity) if session.identity is not None else None
    if person is None or person.state is State.LEFT or person.suspended:
        return None
    name = " ".join(filter(None, (person.person.first, person.person.last))) or person.label
    return Visitor(
        person.label, name, Role.STAFF, frozenset({person.school}), session.csrf, None, person.id, person.email
    )


def behind_token(store: Store, secret: str, now: datetime) -> Visitor | None:
    """The script that shows a token; None when it is over or was taken back."""
    token = store.console.tokens.find(secret, now)
    if token is None:
        return None
    return Visitor(f"token {token.name}", token.name, Role(token.role), token.schools)
