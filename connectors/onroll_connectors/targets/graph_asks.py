"""What can be asked of Microsoft Graph, and what it answered, as plain data; the SDK turns one into the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from onroll_core.accounts import Anchor


@dataclass(frozen=True, slots=True)
class ListUsers:
    """Users that a filter finds; `advanced` asks for Entra's advanced query capabilities, which some filters need."""

    select: tuple[str, ...]
    filter: str | None = None
    top: int | None = None
    advanced: bool = False


@dataclass(frozen=True, slots=True)
class ListDeleted:
    """The recycle bin of users."""

    select: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListGroups:
    """Groups; they hold addresses too."""

    select: tuple[str, ...]
    filter: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed: a first round of everyone when `link` is None, else the page or the round that `link` leads to."""

    select: tuple[str, ...]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class More:
    """The next page of a list."""

    link: str


@dataclass(frozen=True, slots=True)
class ReadUser:
    """One user by anchor or sign-in name."""

    key: str
    select: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadOrganization:
    """The tenant and its verified domains."""


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Make a user. Never sent a second time without looking."""

    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PatchUser:
    """Change the properties named, and only those; None clears."""

    anchor: Anchor
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RevokeSessions:
    """Sign the user out everywhere."""

    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring a soft-deleted user back."""

    anchor: Anchor


@dataclass(frozen=True, slots=True)
class AssignLicences:
    """Give one user licences, and take others away: all of them or none."""

    anchor: Anchor
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GroupDelta:
    """As Delta, of groups and of who is in them."""

    select: tuple[str, ...]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class MakeGroup:
    """Make a group. Never sent a second time without looking."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MakeClass:
    """Make an education class, which is a group too. Never sent a second time without looking."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MakeTeam:
    """Give a group a team; Teams makes it later."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PatchGroup:
    """Change the properties named, or add up to twenty members."""

    anchor: Anchor
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PutIn:
    """Put one person into a group: `relation` is members, owners, or teachers of a class."""

    anchor: Anchor
    relation: str
    person: str


@dataclass(frozen=True, slots=True)
class TakeOut:
    """Take one person out of a group; see PutIn."""

    anchor: Anchor
    relation: str
    person: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is asked for `seconds`: what was written before may be visible then."""

    seconds: float


_BLINK = "Directory_ObjectNotFound"

Read = ListUsers | ListDeleted | ListGroups | Delta | GroupDelta | More | ReadUser | ReadOrganization
Once = CreateUser | MakeGroup | MakeClass
"""What makes something, and would make a second one if it were sent again."""
Write = Once | PatchUser | RevokeSessions | Restore | AssignLicences | MakeTeam | PatchGroup | PutIn | TakeOut
Ask = Read | Write


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON and headers (names lower case) of an answer; status 0 when none came, and `body` then says why."""

    status: int
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """True when it was carried out."""
        return 200 <= self.status < 300

    @property
    def unknown(self) -> bool:
        """True when nobody can say whether it was carried out: no answer, or the service failed.

        Now and then the directory loses sight of the whole tenant for a moment, and says so with a 404.
        """
        return self.status == 0 or self.status >= 500 or (self.status == 404 and _BLINK in str(self.body))

    @property
    def busy(self) -> bool:
        """True when it was turned away for want of quota."""
        return self.status == 429

    def wait(self) -> float | None:
        """Seconds that the service wants to be left alone, where it says so."""
        told = self.headers.get("retry-after", "")
        return float(told) if told.replace(".", "", 1).isdigit() else None


class Wire(Protocol):
    """The way to Graph: sends exactly what it is given, once, and never raises for an answer.

    Raises Halt where no token can be had.
    """

    def send(self, ask: Ask) -> Answer:
        """One request."""
        ...

    def batches(self, batches: Sequence[Sequence[Ask]]) -> list[list[Answer]]:
        """Several `$batch` documents of at most 20 parts at the same time; an answer for each part, in the order asked."""
        ...

    def close(self) -> None:
        """Let go of connections; may be called twice."""
        ...


def resource_units(ask: Ask) -> int:
    """What Microsoft charges for it (throttling limits of the identity service, 2026): reads with $select 1, writes 1."""
    return 2 if isinstance(ask, ReadOrganization) else 1
