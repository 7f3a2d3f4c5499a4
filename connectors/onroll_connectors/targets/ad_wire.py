"""What the Active Directory target asks of a directory, and nothing more: ldap3 answers it, and so does the embedded directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from onroll_core.errors import Unavailable


class Lost(Unavailable):
    """The connection broke or timed out: what was in flight may or may not have been done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object: its DN, and raw values under lower-case attribute names."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def text(self, name: str) -> str:
        """The first value as text, "" when there is none."""
        values = self.values.get(name.lower())
        return values[0].decode("utf-8", "replace") if values else ""

    def texts(self, name: str) -> list[str]:
        """Every value as text."""
        return [value.decode("utf-8", "replace") for value in self.values.get(name.lower(), ())]

    @property
    def guid(self) -> str:
        """objectGUID as text: 8-4-4-4-12 hex digits, as Windows writes it."""
        from uuid import UUID

        return str(UUID(bytes_le=bytes(self.values["objectguid"][0])))


@dataclass(frozen=True, slots=True)
class Add:
    """Make an object."""

    dn: str
    values: Mapping[str, Sequence[str | bytes]]


@dataclass(frozen=True, slots=True)
class Replace:
    """Set attributes to these values; an empty list clears. All of them or none."""

    dn: str
    values: Mapping[str, Sequence[str | bytes]]


@dataclass(frozen=True, slots=True)
class Rdn:
    """Give an object another relative name, another parent, or both."""

    dn: str
    rdn: str
    parent: str


Operation = Add | Replace | Rdn


@dataclass(frozen=True, slots=True)
class Answer:
    """A result code of LDAP and the server's message with its eight hex digits."""

    code: int
    message: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """True when the operation was carried out."""
        return self.code == 0

    @property
    def hex(self) -> str:
        """The Windows error at the start of the message: "0000052D", or ""."""
        head = self.message.strip()[:8]
        return head.upper() if len(head) == 8 and all(each in "0123456789abcdefABCDEF" for each in head) else ""


class Wire(Protocol):
    """One bound connection. Everything raises Lost when it breaks, Halt when a person must help."""

    def domain(self) -> Entry:
        """The root of the domain, with minPwdLength and pwdProperties."""
        ...

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One object by DN."""
        ...

    def read_guid(self, guid: str, attributes: Sequence[str]) -> Entry | None:
        """One object by objectGUID."""
        ...

    def users(self, base: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """Every user (a person, not a computer) under `base`, paged."""
        ...

    def users_called(self, base: str, logins: Sequence[str], attributes: Sequence[str]) -> Iterator[Entry]:
        """Users under `base` with one of these sAMAccountNames."""
        ...

    def named(self, base: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """Everything under `base` that has a login or an address: users, groups, computers, contacts."""
        ...

    def units(self, base: str) -> Iterator[str]:
        """The DNs of the organisational units under `base`, itself included where it is one."""
        ...

    def children(self, parent: str) -> Iterator[str]:
        """The DNs of what lies directly in `parent`."""
        ...

    def send(self, operations: Sequence[Operation]) -> Iterator[Answer]:
        """Carry out operations that do not depend on each other, several in flight; answers come in their order."""
        ...

    def close(self) -> None:
        """Let go; may be called twice."""
        ...
