"""What the console answers instead of a page, in a sentence."""

from __future__ import annotations


class Turned(Exception):
    """A request that ends here. `status` is HTTP's, `title` the heading of the page; the text is a sentence."""

    status = 400
    title = "That cannot be done"

    @property
    def sentence(self) -> str:
        """What happened, and what to do."""
        return str(self)


class NotSignedIn(Turned):
    """Nobody is signed in, or the session is over."""

    status = 401
    title = "You are signed out"

    def __init__(self) -> None:
        super().__init__("Sign in to go on. Whoever does nothing for a while is signed out; nothing was changed.")


class Forbidden(Turned):
    """They may not do it."""

    status = 403
    title = "You may not do that"


class NoSuch(Turned):
    """It is not there, or not for them."""

    status = 404
    title = "That is not there"


class Conflict(Turned):
    """It has changed since they looked, or was done already."""

    status = 409
    title = "It has changed since you looked"


class TooMuch(Turned):
    """More than the console takes."""

    status = 413
    title = "That is too much"


class TooOften(Turned):
    """More often than the console lets anybody try."""

    status = 429
    title = "Wait a little"
