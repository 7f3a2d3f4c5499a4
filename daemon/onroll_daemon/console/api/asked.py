"""What the API answers when the service was asked for something that takes a while."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from onroll_daemon.console.place import Place
from onroll_daemon.console.views.linking import ask
from onroll_daemon.console.visitors import Visitor


class Accepted(BaseModel):
    """It was asked for, and is not done yet: `href` tells how far it is, and what came of it."""

    request: int
    href: str = Field(examples=["/api/v1/requests/7"])


def accepted(place: Place, school: str, kind: str, wanted: dict[str, Any], visitor: Visitor, what: str, about: str = "") -> Accepted:  # fmt: skip
    """Ask the desk, note who did, and say where the answer will be."""
    number = ask(place, school, kind, wanted, visitor, what, about)
    return Accepted(request=number, href=f"/api/v1/requests/{number}")
