"""Who may do what at the console: five roles, each a set of rights."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Right(StrEnum):
    """One thing a person may do. A route names the one that it needs."""

    SEE = "see schools, plans and runs"
    PEOPLE = "see people"
    PASSWORDS = "issue first passwords"
    CHANGE = "change people"
    LINK = "link accounts"
    APPROVE = "approve or refuse what is held"
    RUN = "run a school's sync"
    UNDO = "undo a run"
    AUDIT = "see who did what"
    FORGET = "forget people who have left"
    ADMINISTER = "say who may use the console"
    PROFILE = "see their own profile"


class Role(StrEnum):
    """What a person is at the console."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    ISSUER = "password issuer"
    VIEWER = "viewer"
    STAFF = "staff"


_VIEWER = frozenset({Right.SEE, Right.PEOPLE, Right.PROFILE})
_OPERATOR = _VIEWER | {Right.PASSWORDS, Right.CHANGE, Right.LINK, Right.APPROVE, Right.RUN, Right.UNDO, Right.AUDIT}
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.ADMINISTRATOR: frozenset(Right),
    Role.OPERATOR: _OPERATOR,
    Role.ISSUER: frozenset({Right.PEOPLE, Right.PASSWORDS, Right.PROFILE}),
    Role.VIEWER: _VIEWER,
    Role.STAFF: frozenset({Right.PROFILE}),
}
GIVEN = tuple(role for role in Role if role is not Role.STAFF)
"""The roles that an administrator gives; staff have theirs by signing in with the school's identity provider."""

WHOLE = frozenset({Right.ADMINISTER})
"""Rights over the whole installation: only for people who may see every school."""
