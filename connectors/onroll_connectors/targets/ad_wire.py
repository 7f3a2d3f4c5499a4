"""What the Active Directory target asks of a directory, and nothing more: ldap3 answers it, and so does the embedded directory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from onroll_core.errors import Unavailable

PAGE = 500
"""Objects a page; Windows gives at most 1,000 (MaxPageSize)."""


class Lost(Unavailable):
    """The connection broke or timed out: what was in flight may or may not have been done."""


@dataclass(frozen=True, slots=True)
class Present:
    """Objects that have the attribute."""

    name: str


@dataclass(frozen=True, slots=True)
class Equal:
    """Objects whose attribute has this value, which is escaped where a filter is written and nowhere else."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Objects to which at least one of the terms applies."""

    terms: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Objects to which every term applies."""

    terms: tuple[Where, ...]


Where = Present | Equal | AnyOf | AllOf
EVERYTHING = Present("objectClass")


@dataclass(frozen=True, slots=True)
class Search:
    """One page of what lies at, in or under `base`; `page` 0 asks for everything at once, which Windows cuts off at 1,000."""

    base: str
    attributes: tuple[str, ...]
    where: Where = EVERYTHING
    scope: Literal["BASE", "LEVEL", "SUBTREE"] = "SUBTREE"
    page: int = PAGE
    cookie: bytes = b""


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


@dataclass(frozen=True, slots=True)
class Members:
    """Put objects into a group and take others out, by DN. All of them or none."""

    dn: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


Request = Search | Add | Replace | Rdn | Members


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
        return str(UUID(bytes_le=bytes(self.values["objectguid"][0])))


@dataclass(frozen=True, slots=True)
class Answer:
    """A result code of LDAP, the server's message with its eight hex digits, and what a search found; `cookie` leads to the next page."""

    code: int
    message: str = ""
    entries: Sequence[Entry] = ()
    cookie: bytes = b""

    @property
    def done(self) -> bool:
        """True when the request was carried out."""
        return self.code == 0

    @property
    def hex(self) -> str:
        """The Windows error at the start of the message: "0000052D", or ""."""
        head = self.message.strip()[:8]
        return head.upper() if len(head) == 8 and all(each in "0123456789abcdefABCDEF" for each in head) else ""


class Wire(Protocol):
    """One bound connection. `send` and `receive` raise Lost when it breaks; every refusal is an Answer."""

    def send(self, request: Request) -> int:
        """Begin a request and give its ticket; several may be in flight."""
        ...

    def receive(self, ticket: int) -> Answer:
        """Wait for the answer to a request."""
        ...

    def close(self) -> None:
        """Let go; may be called twice."""
        ...


_Found = TypeVar("_Found")
Talk = Generator[Request, Answer, _Found]
"""A conversation: it yields requests, is sent their answers, and returns what came of it."""
Ask = Callable[[Request], Answer]


def held(talk: Talk[_Found], ask: Ask) -> _Found:
    """Hold a conversation on its own, request by request."""
    answer: Answer | None = None
    while True:
        try:
            request = next(talk) if answer is None else talk.send(answer)
        except StopIteration as ended:
            found: _Found = ended.value
            return found
        answer = ask(request)


def read(dn: str, attributes: Sequence[str]) -> Search:
    """The question for one object by DN or by `by_guid`."""
    return Search(dn, tuple(attributes), scope="BASE", page=0)


def by_guid(guid: str) -> str | None:
    """What stands for the DN of the object with that objectGUID, whatever it is called now; None when it is no GUID."""
    try:
        return f"<GUID={UUID(guid)}>"
    except ValueError:
        return None


def completed(entry: Entry) -> Talk[Entry]:
    """The entry with all its values: Windows gives 1,500 of an attribute at a time, as "proxyAddresses;range=0-1499"."""
    values = dict(entry.values)
    for tagged in [name for name in values if ";range=" in name]:
        name, _, told = tagged.partition(";range=")
        found = list(values.pop(tagged))
        while not told.endswith("*"):
            answer = yield read(entry.dn, [f"{name};range={len(found)}-*"])
            more = [(tag, got) for each in answer.entries for tag, got in each.values.items() if ";range=" in tag]
            if not more:
                break
            found += more[0][1]
            told = more[0][0]
        values[name] = found
    return replace(entry, values=values)


def pages(ask: Ask, search: Search, unreadable: Callable[[str, Answer], Exception]) -> Iterator[Entry]:
    """Everything that a search finds, page after page; raises what `unreadable` makes of a refusal, and never gives a part."""
    while True:
        answer = ask(search)
        if not answer.done:
            raise unreadable(search.base, answer)
        for entry in answer.entries:
            yield held(completed(entry), ask) if any(";range=" in name for name in entry.values) else entry
        if not answer.cookie:
            return
        search = replace(search, cookie=answer.cookie)
