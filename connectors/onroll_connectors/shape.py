"""Answers held to the shape that was expected: what has another is a sentence, never a missing person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NoReturn

from onroll_core.errors import Unavailable

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def trimmed(text: str) -> str:
    """Without control characters, runs of blanks made one, no blanks at the ends (names come padded from several systems)."""
    if text.isprintable() and "  " not in text:  # the everyday case: no blank in it is another than a single space
        return text.strip(" ")
    return " ".join(_CONTROL.sub(" ", text).replace("\u00a0", " ").split())


class Shape:
    """Reads values of what the MIS called `what` sent; `where` is what a sentence calls the place. Every method raises Unavailable."""

    def __init__(self, what: str) -> None:
        self._what = what

    def table(self, value: Any, where: str) -> Mapping[str, Any]:
        """A JSON object."""
        return value if isinstance(value, dict) else self._strange(value, where, "an object")

    def rows(self, value: Any, where: str) -> list[Mapping[str, Any]]:
        """A list of JSON objects."""
        if not isinstance(value, list):
            self._strange(value, where, "a list of records")
        for each in value:
            if not isinstance(each, dict):
                self._strange(each, where, "a record")
        return value

    def text(self, value: Any, where: str) -> str | None:
        """Trimmed; null, and what is only blanks, is "not told" (an MIS shows a field that it may not show as null). Numbers count as text."""
        if type(value) is str:
            return trimmed(value) or None
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            self._strange(value, where, "a text")
        return trimmed(str(value)) or None

    def key(self, value: Any, where: str) -> str:
        """An id: a text that is not empty."""
        return self.text(value, where) or self._strange(value, where, "an id")

    def number(self, value: Any, where: str) -> int:
        """A whole number, also where it is written as a text."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
            return int(value)
        return self._strange(value, where, "a whole number")

    def flag(self, value: Any, where: str) -> bool | None:
        """true or false, also as 1 and 0 and as texts; None for null and blank."""
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            return value
        words = {"true": True, "1": True, "y": True, "yes": True, "false": False, "0": False, "n": False, "no": False}
        found = words.get(str(value).strip().lower()) if isinstance(value, str | int) else None
        return found if found is not None else self._strange(value, where, "true or false")

    def day(self, value: Any, where: str) -> date | None:
        """The day of an ISO date or moment, as it stands (no zone is converted); None for null and blank."""
        if value is None or value == "":
            return None
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d([T ].*)?", value.strip()):
            try:
                return date.fromisoformat(value.strip()[:10])
            except ValueError:
                pass
        return self._strange(value, where, "a date")

    def _strange(self, value: Any, where: str, expected: str) -> NoReturn:
        seen = {dict: "an object", list: "a list", type(None): "nothing"}.get(type(value)) or f"{str(value)[:40]!r}"
        raise Unavailable(
            f"{self._what} sent {seen} where {expected} should be ({where}). Nothing was changed; it is tried again later."
        )
