"""Asking Google, outside a run, what a token is given for; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from onroll_connectors.targets.google_asks import Answer, Ask, Pause, Problem, Reply, Script
from onroll_core.errors import Halt

Result = TypeVar("Result")
_TRIES = 3


class Token(Protocol):
    """A way to Google that can sign in with some scopes (see google_target.Wire)."""

    @property
    def scopes(self) -> Sequence[str]:
        """What its token is good for."""
        ...

    def sign_in(self) -> None:
        """Raises Halt when a token is refused."""
        ...

    def with_scopes(self, scopes: Sequence[str]) -> Token:
        """The same with other scopes."""
        ...

    def send(self, asks: Sequence[Ask]) -> Sequence[Reply]:
        """One reply for each ask."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def refused_scopes(wire: Token) -> frozenset[str]:
    """Which scopes are refused: Google refuses all of a request for one that is missing, so a token is asked for each by itself.

    Raises Unavailable when the token service does not answer.
    """
    found = set()
    for scope in wire.scopes:
        alone = wire.with_scopes([scope])
        try:
            alone.sign_in()
        except Halt:
            found.add(scope)
        finally:
            alone.close()
    return frozenset(found)


def said(script: Script[Result], wire: Token) -> Result:
    """The result of a script of reads that are few and not in a hurry; what is busy or failing is asked a few times. Raises Halt where the token is refused."""
    reply: Reply = Answer({})
    try:
        ask = next(script)
        while True:
            if not isinstance(ask, Pause):
                for _ in range(_TRIES):
                    (reply,) = wire.send([ask])
                    if not isinstance(reply, Problem) or not (reply.busy or reply.passing):
                        break
            ask = script.send(reply)
    except StopIteration as end:
        result: Result = end.value
        return result
