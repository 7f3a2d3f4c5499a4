"""The directory behind the Graph simulator: users with a history, so that some views of them are late, as Entra's are."""

from __future__ import annotations

import heapq
import random
import uuid
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from onroll_connectors.sandbox.graph_rules import (
    Refusal,
    absent,
    bad,
    check_mastery,
    check_password,
    check_values,
    conflict,
)

KEPT_DELETED = 30 * 86400.0
EXTENSIONS = "onPremisesExtensionAttributes"


@dataclass(slots=True)
class Lag:
    """Seconds by which views are late: `reads` for GET and PATCH of a new object, `index` for lists, filters and delta,
    `addresses` for proxyAddresses after a change of mail or name."""

    reads: float = 0.0
    index: float = 0.0
    addresses: float = 0.0


@dataclass(frozen=True, slots=True)
class Version:
    """A user at one moment; `gone` is "changed" when soft-deleted and "deleted" when purged. `judged` remembers which selections
    of it have been held against the definition."""

    at: float
    props: Mapping[str, Any]
    gone: str | None = None
    judged: set[tuple[str, ...]] = field(default_factory=set)


@dataclass(slots=True)
class User:
    """One user. `addresses` is what proxyAddresses will be in the end; `licensed` for Exchange; `password` as last set."""

    id: str
    created: float
    versions: list[Version]
    licensed: bool
    admin: bool = False
    deleted: float | None = None
    addresses: list[str] = field(default_factory=list)
    password: str = ""
    sessions_revoked: int = 0

    @property
    def props(self) -> Mapping[str, Any]:
        """The user as it is, without any lag."""
        return self.versions[-1].props


@dataclass(slots=True)
class Directory:
    """All users of one tenant. `domains` maps verified domain names to their authentication type; `licensed` is whether new users get
    an Exchange licence; `most` is the directory's object quota."""

    now: Callable[[], datetime]
    domains: dict[str, str]
    lag: Lag = field(default_factory=Lag)
    licensed: bool = True
    most: int | None = None
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[tuple[float, str]] = field(default_factory=list)
    _upns: dict[str, str] = field(default_factory=dict)
    _holders: dict[str, str] = field(default_factory=dict)
    _due: list[tuple[float, int, str]] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(7))

    def seconds(self) -> float:
        """Now, in seconds since 1970."""
        return self.now().timestamp()

    def ripen(self) -> None:
        """Let what was due by now happen: addresses appear, deleted users are purged after 30 days."""
        now = self.seconds()
        while self._due and self._due[0][0] <= now:
            at, _, key = heapq.heappop(self._due)
            user = self.users.get(key)
            if user is None:
                continue
            if user.deleted is None:
                self._write(user, {"proxyAddresses": list(user.addresses)}, at)
            elif at >= user.deleted + KEPT_DELETED:
                self.purge(user)

    def create(self, body: Mapping[str, Any], admin: bool = False, synced: bool | None = None) -> User:
        """Make a user as POST /users does; raises Refusal."""
        if self.most is not None and len(self.users) >= self.most:
            raise Refusal(
                403,
                "Directory_QuotaExceeded",
                "The directory object quota limit for the Tenant has been exceeded. Please ask your administrator to increase"
                " the quota limit or delete objects to reduce the used quota.",
            )
        check_values(body, self.domains)
        upn = str(body["userPrincipalName"])
        if self.domains[upn.rpartition("@")[2].lower()] == "Federated" and not body.get("onPremisesImmutableId"):
            raise bad("One or more properties contains invalid values.")
        check_password(body, upn, creating=True)
        user = User(
            str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            self.seconds(),
            [],
            self.licensed,
            admin,
        )
        mail = body.get("mail") or (upn if user.licensed else None)
        self._check_free(user, upn, mail)
        self.users[user.id] = user
        props = {name: value for name, value in body.items() if name != "passwordProfile"}
        props |= {
            "id": user.id,
            "mail": mail,
            "createdDateTime": stamp(user.created),
            "userType": body.get("userType", "Member"),
        }
        props |= {
            "onPremisesSyncEnabled": synced,
            "deletedDateTime": None,
            "proxyAddresses": [],
        }
        if EXTENSIONS in body:
            props[EXTENSIONS] = dict(body[EXTENSIONS])
        user.password = body["passwordProfile"]["password"]
        self._write(user, props, user.created)
        self._readdress(user, None, None)
        return user

    def patch(self, user: User, body: Mapping[str, Any]) -> None:
        """Change a user as PATCH /users/{id} does; raises Refusal."""
        props = user.props
        check_mastery(body, props["onPremisesSyncEnabled"], user.admin)
        check_values(body, self.domains)
        upn, mail = (
            body.get("userPrincipalName", props["userPrincipalName"]),
            body.get("mail", props["mail"]),
        )
        check_password(body, upn, creating=False)
        self._check_free(user, upn, mail)
        changed = {name: value for name, value in body.items() if name != "passwordProfile"}
        if EXTENSIONS in body:
            changed[EXTENSIONS] = {
                **(props.get(EXTENSIONS) or {}),
                **(body[EXTENSIONS] or {}),
            }
        if body.get("passwordProfile"):
            user.password = body["passwordProfile"].get("password") or user.password
        before = (props["userPrincipalName"], props["mail"])
        self._write(user, changed, self.seconds())
        if before != (upn, mail):
            self._readdress(user, *before)

    def put(self, user: User, changed: Mapping[str, Any]) -> None:
        """Change properties that no PATCH changes."""
        self._write(user, changed, self.seconds())

    def delete(self, user: User) -> None:
        """Soft-delete: the name is free at once, the object stays for 30 days."""
        now = self.seconds()
        upn = str(user.props["userPrincipalName"])
        self._free(user)
        user.deleted = now
        changed = {
            "deletedDateTime": stamp(now),
            "userPrincipalName": user.id.replace("-", "") + upn,
        }
        self._write(user, changed, now, gone="changed")
        heapq.heappush(self._due, (now + KEPT_DELETED, len(self.log), user.id))

    def restore(self, user: User, body: Mapping[str, Any]) -> None:
        """Undelete; raises Refusal when a name was taken meanwhile and `body` does not settle it."""
        upn = body.get("newUserPrincipalName") or str(user.props["userPrincipalName"])[32:]
        if body.get("autoReconcileProxyConflict"):
            user.addresses = [each for each in user.addresses if self._holders.get(bare(each), user.id) == user.id]
        self._check_free(user, upn, user.props["mail"])
        for address in user.addresses:
            if self._holders.get(bare(address), user.id) != user.id:
                raise conflict("proxyAddresses")
        user.deleted = None
        self._upns[upn.lower()] = user.id
        self._holders.update({bare(each): user.id for each in user.addresses})
        self._write(user, {"deletedDateTime": None, "userPrincipalName": upn}, self.seconds())

    def purge(self, user: User) -> None:
        """Delete for good."""
        self._write(user, {}, self.seconds(), gone="deleted")
        del self.users[user.id]

    def add_group(self, name: str, mail: str) -> str:
        """A group that holds an address; gives its id."""
        key = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        self.groups[key] = {
            "id": key,
            "displayName": name,
            "mail": mail,
            "mailNickname": mail.partition("@")[0],
        }
        self.groups[key] |= {"proxyAddresses": [f"SMTP:{mail}"]}
        self._holders[mail.lower()] = key
        return key

    def holds(self, address: str) -> bool:
        """Whether a user or a group of another maker holds an address."""
        return address.lower() in self._holders

    def age(self, user: User) -> None:
        """Let a user have been there for ever: no view of it is late."""
        user.created = 0.0
        user.versions = [Version(0.0, {**user.props, "proxyAddresses": list(user.addresses)})]

    def named(self, upn: str) -> User | None:
        """The live user with this name, whatever the lag."""
        key = self._upns.get(upn.lower())
        return self.users[key] if key is not None else None

    def find(self, key: str) -> User:
        """A live user by id or UPN, as GET and PATCH find it; raises Refusal for one that is not there or not yet."""
        user = self.users.get(key) or self.named(key)
        if user is None or user.deleted is not None or user.created + self.lag.reads > self.seconds():
            raise absent(key)
        return user

    def soft_deleted(self) -> Iterator[User]:
        """Everyone in the recycle bin."""
        return (user for user in self.users.values() if user.deleted is not None)

    def listed(self, users: Iterable[User] | None = None) -> Iterator[Version]:
        """The live users as lists, filters and the first delta round show them: late."""
        horizon = self.seconds() - self.lag.index
        for user in self.users.values() if users is None else users:
            version = _as_of(user, horizon)
            if version is not None and version.gone is None:
                yield version

    def visible_log(self) -> int:
        """How much of the log delta may show by now."""
        return bisect_right(self.log, self.seconds() - self.lag.index, key=lambda entry: entry[0])

    def changed(self, since: int, until: int) -> Iterator[tuple[str, Version | None]]:
        """The users that the log names between two places, each once, as they were when the second was reached; None for a purged one."""
        horizon = self.seconds() - self.lag.index
        for key in dict.fromkeys(key for _, key in self.log[since:until]):
            user = self.users.get(key)
            yield key, None if user is None else _as_of(user, horizon)

    def _check_free(self, user: User, upn: str, mail: str | None) -> None:
        if self._upns.get(upn.lower(), user.id) != user.id:
            raise conflict("userPrincipalName")
        for address in (mail, upn if user.licensed else None):
            if address is not None and self._holders.get(address.lower(), user.id) != user.id:
                raise conflict("proxyAddresses")

    def _free(self, user: User) -> None:
        for index in (self._upns, self._holders):
            for name in [name for name, key in index.items() if key == user.id]:
                del index[name]

    def _readdress(self, user: User, old_upn: str | None, old_mail: str | None) -> None:
        """Names changed: reserve them at once, and let proxyAddresses follow when they do."""
        upn, mail = str(user.props["userPrincipalName"]), user.props["mail"]
        if old_upn is not None and old_upn.lower() != upn.lower():
            self._upns.pop(old_upn.lower(), None)
        self._upns[upn.lower()] = user.id
        if mail is not None and mail != old_mail:
            others = [f"smtp:{each[5:]}" for each in user.addresses if bare(each) != mail.lower()]
            user.addresses = [f"SMTP:{mail}", *others]
        if user.licensed and upn.lower() not in {bare(each) for each in user.addresses}:
            user.addresses.append(f"smtp:{upn}")
        if user.licensed:
            user.addresses = [each for each in user.addresses if bare(each).rpartition("@")[2] in self.domains]
        self._holders.update({bare(each): user.id for each in user.addresses})
        heapq.heappush(self._due, (self.seconds() + self.lag.addresses, len(self.log), user.id))
        self.ripen()

    def _write(self, user: User, changed: Mapping[str, Any], at: float, gone: str | None = None) -> None:
        props = {**user.versions[-1].props, **changed} if user.versions else dict(changed)
        at = max(at, self.log[-1][0]) if self.log else at
        horizon = at - max(self.lag.index, self.lag.reads)
        while len(user.versions) > 1 and user.versions[1].at <= horizon:
            user.versions.pop(0)
        user.versions.append(Version(at, props, gone))
        self.log.append((at, user.id))


def bare(address: str) -> str:
    """An entry of proxyAddresses without its prefix, lower case."""
    return address.partition(":")[2].lower()


def stamp(seconds: float) -> str:
    """A moment as Graph writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_of(user: User, horizon: float) -> Version | None:
    for version in reversed(user.versions):
        if version.at <= horizon:
            return version
    return None
