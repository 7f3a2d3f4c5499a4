"""Who may use the console, and what they did there."""

from __future__ import annotations

from sqlalchemy import Engine

from onroll_core.store.console.audit import Audit, Entry
from onroll_core.store.console.links import Links
from onroll_core.store.console.operators import Operator, Operators
from onroll_core.store.console.sessions import Session, Sessions
from onroll_core.store.console.tokens import Token, Tokens

__all__ = ["Console", "Entry", "Operator", "Session", "Token"]


class Console:
    """The console's part of the store."""

    def __init__(self, engine: Engine) -> None:
        self.operators = Operators(engine)
        self.sessions = Sessions(engine)
        self.tokens = Tokens(engine)
        self.links = Links(engine)
        self.audit = Audit(engine)
