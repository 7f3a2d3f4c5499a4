"""What the API answers when it does not do what was asked."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """`error` is a heading, `sentence` says what happened and what to do."""

    error: str = Field(examples=["You may not do that"])
    sentence: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description}
    for status, description in {
        400: "The request cannot be read",
        401: "No token, or one that is over",
        403: "The token's role may not do it",
        404: "It is not there, or is in a school that the token may not see",
        409: "It cannot be done, or has changed since it was looked at",
        413: "It is too large",
        422: "Something in it is missing or of the wrong kind",
        503: "The store does not answer just now",
    }.items()
}
