"""Who may use the console, and what they did there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from onroll_core.store.console.audit import Audit, Entry
from onroll_core.store.console.first import first_administrator
from onroll_core.store.console.links import Links
from onroll_core.store.console.operators import Operator, Operators
from onroll_core.store.console.sessions import Session, Sessions
from onroll_core.store.console.tokens import Token, Tokens

__all__ = ["Console", "Entry", "Operator", "Session", "Token"]


class Console:
    """The console's part of the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.operators = Operators(engine)
        self.sessions = Sessions(engine)
        self.tokens = Tokens(engine)
        self.links = Links(engine)
        self.audit = Audit(engine)

    def first_administrator(
        self, secret: str, name: str, display: str, email: str | None, hashed: str, now: datetime
    ) -> int | None:
        """See `first.first_administrator`."""
        return first_administrator(self._engine, secret, name, display, email, hashed, now)
