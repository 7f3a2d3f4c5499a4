"""A directory in memory that answers as Active Directory on Windows does: for the demo and for tests, without root and on any system.

It is as strict as Windows, not as lax as Samba (`directory_rules`), and an unpaged search over 1,000 objects is cut off. A name that ends in .json
is a file that keeps it between commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from onroll_connectors.sandbox import directory_rules as rules
from onroll_connectors.sandbox.directory_file import DirectoryFile, Values
from onroll_connectors.sandbox.directory_objects import Directory, Object, matches
from onroll_connectors.targets.ad_names import key
from onroll_connectors.targets.ad_wire import Answer, Entry, Lost, Request, Search

_OPEN: dict[str, Directory] = {}
_MOST = 1000  # MaxPageSize
_MOST_VALUES = 1500  # MaxValRange


def open_directory(name: str, base: str) -> EmbeddedWire:
    """A connection to the directory of that name, made with its domain and `base` when it is new."""
    directory = _OPEN.get(name)
    if directory is None:
        directory = Directory(DirectoryFile(Path(name)) if name.endswith(".json") else None)
        directory.catch_up()
        _OPEN[name] = directory
    directory.ensure(base)
    return EmbeddedWire(directory)


def forget(name: str) -> None:
    """Let go of the directory of that name: what is not in a file is gone."""
    _OPEN.pop(name, None)


class EmbeddedWire:
    """A connection to an embedded directory (`ad_wire.Wire`)."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._answers: dict[int, Answer] = {}
        self._rest: dict[bytes, list[Entry]] = {}
        self._sent = 0
        self._closed = False

    def send(self, request: Request) -> int:
        """Carry it out at once; the answer waits to be fetched."""
        if self._closed:
            raise Lost("The connection to the embedded directory is closed.")
        self._sent += 1
        with self.directory.lock:
            if isinstance(request, Search):
                self.directory.catch_up()
                self._answers[self._sent] = self._found(request)
            else:
                self._answers[self._sent] = self.directory.do(request)
        return self._sent

    def receive(self, ticket: int) -> Answer:
        """The answer."""
        if self._closed:
            raise Lost("The connection to the embedded directory is closed.")
        return self._answers.pop(ticket)

    def close(self) -> None:
        """Answers that were not fetched are gone; what was written stays."""
        self._closed = True
        self._answers.clear()
        self._rest.clear()

    def _found(self, search: Search) -> Answer:
        if search.cookie:
            if search.cookie not in self._rest:
                return Answer(53, "00002107: SvcErr: DSID-03140594, problem 5010 (UNAVAIL_EXTENSION), data 0\n\x00")
            entries = self._rest.pop(search.cookie)
        else:
            there = self._virtual(search)
            if there is None:
                found = self.directory.found(search)
                if found is None:
                    return rules.NO_OBJECT
                there = [_shown(each, search.attributes) for each in found]
            entries = there
        if not search.page:
            return Answer(4 if len(entries) > _MOST else 0, entries=entries[:_MOST])
        size = min(search.page, _MOST)
        if len(entries) <= size:
            return Answer(0, entries=entries)
        cookie = f"page {self._sent}".encode()
        self._rest[cookie] = entries[size:]
        return Answer(0, entries=entries[:size], cookie=cookie)

    def _virtual(self, search: Search) -> list[Entry] | None:
        """What no object says: the root of the server, the domain's policy, the schema."""
        root = self.directory.root
        schema = f"CN=Schema,CN=Configuration,{root}"
        where = key(search.base)
        if not where:
            told = {"defaultnamingcontext": root, "schemanamingcontext": schema, "dsservicename": "CN=NTDS Settings"}
            said = {name: [value.encode()] for name, value in told.items()}
            return [Entry("", said | {"tokengroups": [rules.EVERYONE]})]
        if where == key(schema):
            each = (
                Object(f"CN={name},{schema}", _attribute(name, longest, single))
                for name, (longest, single) in rules.SCHEMA.items()
            )
            return [_shown(one, search.attributes) for one in each if matches(one, search.where)]
        if where == key(root) and search.scope == "BASE":
            policy = {"minpwdlength": [str(self.directory.min_password).encode()], "pwdproperties": [b"1"]}
            return [Entry(root, policy)]
        return None


def _attribute(name: str, longest: int | None, single: bool) -> Values:
    told = {"objectclass": [b"top", b"attributeSchema"], "ldapdisplayname": [name.encode()]}
    told["issinglevalued"] = [b"TRUE" if single else b"FALSE"]
    return told | ({"rangeupper": [str(longest).encode()]} if longest is not None else {})


_ALLOWED = {
    "allowedchildclasseseffective": [b"user", b"organizationalUnit", b"group", b"contact", b"computer"],
    "allowedattributeseffective": [name.encode() for name in rules.SCHEMA],
    "sdrightseffective": [b"15"],
    "ntsecuritydescriptor": [rules.ANYTHING_GOES],
}


def _shown(found: Object, attributes: Sequence[str]) -> Entry:
    """The attributes asked for; 1,500 values of one at a time, and the password never."""
    shown: dict[str, Sequence[bytes]] = {}
    for asked in attributes:
        name, _, wanted = asked.lower().partition(";range=")
        values = found.values.get(name) or _ALLOWED.get(name)
        if values is None:
            continue
        first = int(wanted.partition("-")[0]) if wanted else 0
        if not wanted and len(values) <= _MOST_VALUES:
            shown[name] = values
            continue
        end = min(first + _MOST_VALUES, len(values))
        tag = "*" if end == len(values) else str(end - 1)
        shown[f"{name};range={first}-{tag}"] = values[first:end]
    return Entry(found.dn, shown)
