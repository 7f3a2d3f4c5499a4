"""Errors are named for what happens next; their text is a sentence that a school technician can act on."""

from __future__ import annotations


class OnrollError(Exception):
    """Any failure that onroll expects and can explain."""

    @property
    def sentence(self) -> str:
        """What went wrong, where, and what to do, for a person."""
        return str(self)


class Unavailable(OnrollError):
    """It did not answer or was too busy: try again later in the window. Nothing is known to be wrong with the request."""


class Refused(OnrollError):
    """This one request will never be accepted as it is: report it and go on with the others."""


class Halt(OnrollError):
    """Nothing more can be done with this source or target until a person has put something right."""
