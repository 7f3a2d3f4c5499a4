"""What a Workspace customer holds: users live and deleted, org units, groups, courses, and one name space for all addresses."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from onroll_connectors.sandbox.google_rules import DUPLICATE, NO_SUCH_UNIT

KEPT = timedelta(days=20)


@dataclass(frozen=True, slots=True)
class Lag:
    """How long things take to come true, in seconds. All zero is a Google that has no delays.

    `creation`: "User creation is not complete" after an insert; `visible`: until a new user is listed and found by address;
    `alias`: until the old address of a renamed user is listed as an alias; `mailbox`: until isMailboxSetup; `group` and `course`: until
    people may be put into a new one; `owner`: until a new teacher may own a course, and the former owner be taken out of it.
    """

    creation: float = 0.0
    visible: float = 0.0
    alias: float = 0.0
    mailbox: float = 0.0
    group: float = 0.0
    course: float = 0.0
    owner: float = 0.0

    @classmethod
    def usual(cls) -> Lag:
        """What a real customer sees on an ordinary day."""
        return cls(creation=8.0, visible=3.0, alias=600.0, mailbox=120.0, group=4.0, course=6.0, owner=8.0)


@dataclass(slots=True)
class User:
    """One user. `told` are the writable fields as JSON, less those that have a home here."""

    id: str
    email: str
    name: dict[str, str]
    unit: str
    created: datetime
    told: dict[str, Any] = field(default_factory=dict)
    password: str = ""
    aliases: dict[str, datetime] = field(default_factory=dict)  # address: listed from
    suspended: str = ""  # the reason; "" is not suspended
    suspended_at: datetime | None = None
    deleted_at: datetime | None = None
    admin: bool = False
    delegated: bool = False
    on_hold: bool = False
    age: Literal["new", "old"] = "new"  # "old" ones were there before the simulator began: no lag
    sign_outs: int = 0
    revision: int = 1

    @property
    def display_name(self) -> str:
        return self.name.get("displayName") or f"{self.name['givenName']} {self.name['familyName']}"


@dataclass(slots=True)
class Group:
    """One group: an address that nobody else can have."""

    id: str
    email: str
    name: str
    created: datetime
    description: str = ""
    aliases: list[str] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)  # id of a user or a group, or a foreign address: role
    pending: set[str] = field(default_factory=set)  # asked to join: not listed, and yet there
    by_admin: bool = True  # False: a user made it at groups.google.com
    age: Literal["new", "old"] = "new"
    revision: int = 1


@dataclass(slots=True)
class Course:
    """One course of Classroom. `teachers` and `students` are ids of users, with the moment they came; the owner is a teacher."""

    id: str
    owner: str
    created: datetime
    state: str
    told: dict[str, Any] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    teachers: dict[str, datetime] = field(default_factory=dict)
    students: dict[str, datetime] = field(default_factory=dict)
    former: dict[str, datetime] = field(default_factory=dict)  # who owned it, and until when
    age: Literal["new", "old"] = "new"


@dataclass(slots=True)
class Unit:
    """One org unit; its path follows from its parents."""

    id: str
    name: str
    parent: str
    description: str = ""


@dataclass(slots=True)
class State:
    """All of one customer. Not thread safe by itself: whoever serves it holds a lock."""

    now: Callable[[], datetime]
    domains: dict[str, bool]  # name: is it the primary one
    lag: Lag
    customer: str = "C03test42"
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)  # every address held: id of a live user or a group
    ids: random.Random = field(default_factory=lambda: random.Random(5))
    root: str = field(init=False)

    def __post_init__(self) -> None:
        self.root = "id:03ph8a2z0root0"
        self.units[self.root] = Unit(self.root, "", "")

    def new_id(self) -> str:
        """21 digits, as Google's are."""
        return "1" + "".join(self.ids.choice("0123456789") for _ in range(20))

    def hold(self, address: str, holder: str) -> None:
        """Take an address; refuses one that a user, an alias or a group has."""
        if address in self.addresses:
            raise DUPLICATE
        self.addresses[address] = holder

    def live(self) -> Iterator[User]:
        """Users that are not deleted."""
        return (user for user in self.users.values() if user.deleted_at is None)

    def by_key(self, key: str) -> User | None:
        """A live user by id, address or alias, as userKey works."""
        found = self.users.get(key) or self.users.get(self.addresses.get(key.lower(), ""))
        if found is None or found.deleted_at is not None:
            return None
        if key != found.id and not (self.visible(found) and self.answers_to(found, key.lower())):
            return None
        return found

    def answers_to(self, user: User, address: str) -> bool:
        """Whether an address leads to a user by now."""
        return address == user.email or (address in user.aliases and user.aliases[address] <= self.now())

    def group(self, key: str) -> Group | None:
        """A group by id, address or alias."""
        return self.groups.get(key) or self.groups.get(self.addresses.get(key.lower(), ""))

    def visible(self, user: User) -> bool:
        return self.older(user, self.lag.visible)

    def complete(self, user: User) -> bool:
        return self.older(user, self.lag.creation)

    def mailbox(self, user: User) -> bool:
        return self.older(user, self.lag.mailbox)

    def older(self, one: User | Group | Course, seconds: float) -> bool:
        return one.age == "old" or seconds <= 0 or self.now() - one.created >= timedelta(seconds=seconds)

    def purge(self) -> None:
        """Forget for good what was deleted 20 days ago."""
        for user in [user for user in self.users.values() if user.deleted_at is not None]:
            if user.deleted_at is not None and self.now() - user.deleted_at >= KEPT:
                del self.users[user.id]

    def slots(self) -> int:
        """Licences in use: deleted users hold theirs until they are purged."""
        return len(self.users)

    def path(self, unit: str) -> str:
        """The full path of an org unit; "/" is the root."""
        parts: list[str] = []
        while unit != self.root:
            parts.append(self.units[unit].name)
            unit = self.units[unit].parent
        return "/" + "/".join(reversed(parts))

    def unit(self, path: object) -> str:
        """The id of an org unit by its path or its id; refuses one that is not there. Letter case does not matter."""
        if isinstance(path, str):
            if path in self.units:
                return path
            here = self.root
            for part in filter(None, path.split("/")):
                below = (unit for unit in self.units.values() if unit.parent == here)
                here = next((unit.id for unit in below if unit.name.casefold() == part.casefold()), "")
                if not here:
                    raise NO_SUCH_UNIT
            return here
        raise NO_SUCH_UNIT

    def stamp(self, moment: datetime) -> str:
        """A moment as Google writes it."""
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
