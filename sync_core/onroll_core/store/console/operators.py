"""People who may use the console, with a role and the schools they may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, delete, func, insert, select, update

from onroll_core.errors import Refused
from onroll_core.store.codec import told, utc
from onroll_core.store.console.keys import kept, schools
from onroll_core.store.console_schema import console_sessions, operators
from onroll_core.store.engine import reading, writing
from onroll_core.store.failures import Clash


@dataclass(frozen=True, slots=True)
class Operator:
    """`schools` None means all of them. The password's hash is not in here: see `Operators.password`."""

    id: int
    name: str
    display: str
    email: str | None
    role: str
    schools: frozenset[str] | None
    made: str
    by: str
    disabled: bool
    has_password: bool


class Operators:
    """The operators of one installation."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[Operator]:
        """Everybody, by name."""
        with reading(self._engine) as connection:
            return [_operator(row) for row in connection.execute(select(operators).order_by(operators.c.name))]

    def any(self) -> bool:
        """True once somebody can administer the installation."""
        query = select(func.count()).where(operators.c.role == "administrator", operators.c.disabled.is_(False))
        with reading(self._engine) as connection:
            return bool(connection.execute(query).scalar())

    def get(self, operator: int) -> Operator | None:
        """One of them, or None."""
        return self._one(operators.c.id == operator)

    def named(self, name: str) -> Operator | None:
        """By sign-in name, whatever its case."""
        return self._one(operators.c.name == name.strip().lower())

    def with_email(self, email: str) -> Operator | None:
        """By the address that an identity provider told."""
        return self._one(operators.c.email == email.strip().lower())

    def password(self, operator: int) -> str | None:
        """argon2's text of the password, or None."""
        with reading(self._engine) as connection:
            return connection.execute(select(operators.c.password).where(operators.c.id == operator)).scalar()

    def add(
        self, name: str, display: str, email: str | None, role: str, of: Sequence[str] | None, by: str, now: datetime
    ) -> Operator:
        """Somebody new, without a password yet. Raises Refused when the name or the address is somebody else's."""
        row = {
            "name": name.strip().lower(), "display": display.strip() or name.strip(), "email": _address(email), "role": role,
            "schools": kept(of), "made": utc(now), "by": by, "disabled": False,
        }  # fmt: skip
        try:
            with writing(self._engine) as connection:
                number = int(connection.execute(insert(operators).values(row).returning(operators.c.id)).scalar_one())
        except Clash:
            raise Refused(_taken(name, email)) from None
        found = self.get(number)
        assert found is not None
        return found

    def change(
        self, operator: int, display: str, email: str | None, role: str, of: Sequence[str] | None, disabled: bool
    ) -> None:
        """Another role, other schools, or no access any more; whoever is disabled is signed out. Raises Refused for the last administrator of everything."""
        values = {
            "display": display.strip(), "email": _address(email), "role": role, "schools": kept(of), "disabled": disabled,
        }  # fmt: skip
        try:
            with writing(self._engine) as connection:
                # Locked, so that two administrators who take each other's role away do it one after the other; SQLite has one writer anyway.
                whole = {row.id for row in connection.execute(_WHOLE.with_for_update())}
                connection.execute(update(operators).where(operators.c.id == operator).values(values))
                if operator in whole and connection.execute(_WHOLE).first() is None:
                    raise Refused(_LAST)
                connection.execute(delete(console_sessions).where(console_sessions.c.operator == operator))
        except Clash:
            raise Refused(_taken("", email)) from None

    def set_password(self, operator: int, hashed: str) -> None:
        """Keep a password (argon2's text) and sign them out everywhere."""
        with writing(self._engine) as connection:
            connection.execute(update(operators).where(operators.c.id == operator).values(password=hashed))
            connection.execute(delete(console_sessions).where(console_sessions.c.operator == operator))

    def rehash(self, operator: int, hashed: str) -> None:
        """The same password, hashed anew because the cost has gone up; nobody is signed out."""
        with writing(self._engine) as connection:
            connection.execute(update(operators).where(operators.c.id == operator).values(password=hashed))

    def _one(self, which: Any) -> Operator | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(operators).where(which)).one_or_none()
        return None if row is None else _operator(row)


_WHOLE = (
    select(operators.c.id)
    .where(operators.c.role == "administrator", operators.c.disabled.is_(False), operators.c.schools.is_(None))
    .order_by(operators.c.id)
)
_LAST = "Somebody has to be able to administer all schools. Give another person that role first. Nothing was changed."


def _taken(name: str, email: str | None) -> str:
    what = " or ".join(filter(None, (f"the name {name.strip().lower()}" if name else "", f"the address {email}" if email else "")))  # fmt: skip
    return f"Somebody else has {what} already. Nothing was changed."


def _address(email: str | None) -> str | None:
    return (email or "").strip().lower() or None


def _operator(row: Row[Any]) -> Operator:
    return Operator(
        row.id, row.name, row.display, row.email, row.role, schools(row.schools), told(row.made) or "", row.by, bool(row.disabled),
        row.password is not None,
    )  # fmt: skip
