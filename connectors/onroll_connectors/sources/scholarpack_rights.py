"""The scopes that somebody of the school approves for onroll in ScholarPack."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights

RIGHTS = Rights(
    "ScholarPack",
    "scope",
    "Ask ScholarPack for an application for onroll (client_id and client_secret). Somebody of the school with the roles Admin and System Admin opens the address that"
    " `onroll check` shows and approves these scopes:",
    "Let the school approve it again: `onroll check` shows the address",
    "Scopes are called so in ScholarPack's documentation.",
    (
        Right("student:read", "pupils"),
        Right("staff:read", "staff"),
        Right(
            "school-info:read", "noticing another school's approval behind the same settings", needed=False
        ),
        Right("contacts:third-party", "pupils' contacts", ({"contacts": True},)),
    ),
)  # fmt: skip
