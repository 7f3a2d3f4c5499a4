"""A directory in memory that answers as Active Directory on Windows does: for the demo and for tests, without root and on any system.

It is as strict as Windows, not as lax as Samba: lengths, forbidden characters, accents folded in comparisons, no enabled account without a password,
no password with the name in it, refusals with Windows' result codes and hex digits. A name that ends in .json keeps it in that file between runs.
"""

from __future__ import annotations

import base64
import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from onroll_connectors.targets.ad_names import folded, key, name_of, parent, problem_with_login
from onroll_connectors.targets.ad_wire import Add, Answer, Entry, Operation, Rdn, Replace

_OPEN: dict[str, Directory] = {}
_LENGTHS = {
    "givenname": 64,
    "sn": 64,
    "displayname": 256,
    "mail": 256,
    "employeeid": 16,
    "cn": 64,
    "ou": 64,
    "info": 1024,
}
_OK = Answer(0)
_SINGLE = {"mail", "samaccountname", "userprincipalname", "displayname", "givenname", "sn", "employeeid"}


def open_directory(name: str, base: str) -> EmbeddedWire:
    """A connection to the directory of that name, made with its domain and `base` when it is new."""
    directory = _OPEN.get(name)
    if directory is None:
        directory = _OPEN[name] = Directory(Path(name) if name.endswith(".json") else None)
    directory.ensure(base)
    return EmbeddedWire(directory)


def forget(name: str) -> None:
    """Let go of the directory of that name: what is not in a file is gone."""
    _OPEN.pop(name, None)


@dataclass(slots=True)
class Object:
    """One object: its DN and raw values under lower-case names."""

    dn: str
    values: dict[str, list[bytes]]
    password: str = ""


@dataclass(slots=True)
class Directory:
    """The objects by objectGUID, and indexes for what must be unique."""

    file: Path | None = None
    min_password: int = 7
    objects: dict[str, Object] = field(default_factory=dict)
    by_dn: dict[str, str] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    upns: dict[str, str] = field(default_factory=dict)
    randomness: random.Random = field(default_factory=random.SystemRandom)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        if self.file is not None and self.file.exists():
            for guid, kept in json.loads(self.file.read_text(encoding="utf-8")).items():
                values = {
                    name: [base64.b64decode(each) for each in each_values]
                    for name, each_values in kept["values"].items()
                }
                self._keep(guid, Object(kept["dn"], values, kept["password"]))

    def save(self) -> None:
        """Write everything to the file, whole or not at all."""
        if self.file is None:
            return
        found = {
            guid: {
                "dn": each.dn,
                "password": each.password,
                "values": {
                    name: [base64.b64encode(value).decode() for value in values] for name, values in each.values.items()
                },
            }
            for guid, each in self.objects.items()
        }
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(found), encoding="utf-8")
        fresh.replace(self.file)

    def ensure(self, base: str) -> None:
        """Make the domain and the OUs of `base` where they are missing."""
        parts = base.split(",")
        for start in range(len(parts) - 1, -1, -1):
            dn = ",".join(parts[start:])
            if key(dn) not in self.by_dn:
                kind = "organizationalUnit" if parts[start].upper().startswith("OU=") else "domainDNS"
                self._keep(self._guid(), Object(dn, {"objectclass": [b"top", kind.encode()]}))

    @property
    def root(self) -> str:
        """The DN of the domain."""
        return max((each.dn for each in self.objects.values() if key(each.dn).startswith("dc=")), key=len)

    def sign_in(self, login: str, password: str) -> str:
        """What a sign-in comes to: "ok", "must change", "disabled" or "refused"."""
        guid = self.logins.get(folded(login)) or self.upns.get(folded(login))
        found = self.objects.get(guid or "")
        if found is None or not found.password or found.password != password:
            return "refused"
        if int(found.values["useraccountcontrol"][0]) & 2:
            return "disabled"
        return "must change" if found.values.get("pwdlastset", [b"1"])[0] == b"0" else "ok"

    def find(self, login: str) -> Object | None:
        """The object with that sAMAccountName."""
        return self.objects.get(self.logins.get(folded(login), ""))

    def under(self, base: str, kinds: Callable[[set[bytes]], bool]) -> Iterator[Object]:
        """Objects at or below `base` whose classes satisfy `kinds`, in the order they were made."""
        end = key(base)
        for each in list(self.objects.values()):
            place = key(each.dn)
            if (place == end or place.endswith("," + end)) and kinds(
                {value.lower() for value in each.values["objectclass"]}
            ):
                yield each

    def do(self, operation: Operation) -> Answer:
        """Carry out one operation, whole or not at all."""
        with self.lock:
            match operation:
                case Add():
                    return self._add(operation)
                case Replace():
                    return self._replace(operation)
                case Rdn():
                    return self._move(operation)

    def _add(self, add: Add) -> Answer:
        if key(add.dn) in self.by_dn:
            return Answer(68, "00002071: UpdErr: DSID-0305, problem 6005 (ENTRY_EXISTS), data 0")
        if key(parent(add.dn)) not in self.by_dn:
            return Answer(32, "0000208D: NameErr: DSID-0310, problem 2001 (NO_OBJECT), data 0")
        values = {name.lower(): [_raw(each) for each in each_values] for name, each_values in add.values.items()}
        values.setdefault("ou" if add.dn[:3].upper() == "OU=" else "cn", [name_of(add.dn).encode()])
        fresh = Object(add.dn, values)
        refusal = self._refusal(fresh, None)
        if refusal is not None:
            return refusal
        self._keep(self._guid(), fresh)
        return _OK

    def _replace(self, replace: Replace) -> Answer:
        guid = self._guid_of(replace.dn)
        if guid is None:
            return Answer(32, "0000208D: NameErr: DSID-0310, problem 2001 (NO_OBJECT), data 0")
        old = self.objects[guid]
        values = dict(old.values)
        for name, each_values in replace.values.items():
            if name.lower() in ("cn", "objectguid"):
                return Answer(67, "000020B1: UpdErr: DSID-0305, problem 6004 (CANT_ON_RDN), data 0")
            if each_values:
                values[name.lower()] = [_raw(each) for each in each_values]
            else:
                values.pop(name.lower(), None)
        fresh = Object(old.dn, values, old.password)
        refusal = self._refusal(fresh, guid)
        if refusal is not None:
            return refusal
        self._drop(guid)
        self._keep(guid, fresh)
        return _OK

    def _move(self, move: Rdn) -> Answer:
        guid = self._guid_of(move.dn)
        if guid is None or key(move.parent) not in self.by_dn:
            return Answer(32, "0000208D: NameErr: DSID-0310, problem 2001 (NO_OBJECT), data 0")
        dn = f"{move.rdn},{move.parent}"
        if self.by_dn.get(key(dn), guid) != guid:
            return Answer(68, "00002071: UpdErr: DSID-0305, problem 6005 (ENTRY_EXISTS), data 0")
        if len(name_of(dn)) > 64:
            return Answer(19, "00002082: AtrErr: DSID-0315, #1: problem 1005 (CONSTRAINT_ATT_TYPE)")
        old = self.objects[guid]
        self._drop(guid)
        values = dict(old.values)
        values["ou" if move.rdn[:3].upper() == "OU=" else "cn"] = [name_of(dn).encode()]
        self._keep(guid, Object(dn, values, old.password))
        return _OK

    def _refusal(self, fresh: Object, guid: str | None) -> Answer | None:
        """Why Windows would not have this object, or None; a password in it is taken out and kept apart."""
        values = fresh.values
        for name, each_values in values.items():
            longest = _LENGTHS.get(name)
            if any(not each for each in each_values) or (
                longest and any(len(each.decode()) > longest for each in each_values)
            ):
                return Answer(19, "00002082: AtrErr: DSID-0315, #1: problem 1005 (CONSTRAINT_ATT_TYPE)")
            if name in _SINGLE and len(each_values) > 1:
                return Answer(19, "00002081: AtrErr: DSID-0315, #1: problem 1005 (CONSTRAINT_ATT_TYPE)")
        if b"user" not in {each.lower() for each in values["objectclass"]}:
            return None
        login = values.get("samaccountname", [b""])[0].decode()
        if problem_with_login(login) is not None:
            return Answer(80, "00000523: SysErr: DSID-031A, problem 22 (Invalid argument), data 0")
        if self.logins.get(folded(login), guid) != guid:
            return Answer(68, "00000524: UpdErr: DSID-031A, problem 6005 (ENTRY_EXISTS), data 0")
        upn = values.get("userprincipalname", [b""])[0].decode()
        if upn and self.upns.get(folded(upn), guid) != guid:
            return Answer(19, "000021C8: AtrErr: DSID-0310, #1: problem 1005 (CONSTRAINT_ATT_TYPE)")
        sent = values.pop("unicodepwd", None)
        if sent is not None:
            password = sent[0].decode("utf-16-le", "replace")
            if len(password) < 2 or password[0] != '"' or password[-1] != '"':
                return Answer(53, "0000001F: SvcErr: DSID-031A, problem 5003 (WILL_NOT_PERFORM), data 0")
            if self._weak(password[1:-1], login, values.get("displayname", [b""])[0].decode()):
                return Answer(53, "0000052D: SvcErr: DSID-031A, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00")
            fresh.password = password[1:-1]
        if not int(values.get("useraccountcontrol", [b"546"])[0]) & 2 and not fresh.password:
            return Answer(53, "0000052D: SvcErr: DSID-031A, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00")
        return None

    def _weak(self, password: str, login: str, display: str) -> bool:
        low = password.lower()
        words = [
            login.lower(),
            *(part for part in display.lower().replace("-", " ").replace(",", " ").split() if len(part) > 2),
        ]
        kinds = (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum())
        return (
            len(password) < self.min_password
            or sum(any(kind(each) for each in password) for kind in kinds) < 3
            or any(word in low for word in words if len(word) > 2)
        )

    def _guid_of(self, dn: str) -> str | None:
        return self.by_dn.get(key(dn))

    def _guid(self) -> str:
        return str(UUID(int=self.randomness.getrandbits(128), version=4))

    def _keep(self, guid: str, fresh: Object) -> None:
        fresh.values["objectguid"] = [UUID(guid).bytes_le]
        self.objects[guid] = fresh
        self.by_dn[key(fresh.dn)] = guid
        for name, index in (("samaccountname", self.logins), ("userprincipalname", self.upns)):
            for value in fresh.values.get(name, ()):
                index[folded(value.decode())] = guid

    def _drop(self, guid: str) -> None:
        old = self.objects[guid]
        del self.by_dn[key(old.dn)]
        for name, index in (("samaccountname", self.logins), ("userprincipalname", self.upns)):
            for value in old.values.get(name, ()):
                index.pop(folded(value.decode()), None)


class EmbeddedWire:
    """A connection to an embedded directory (`ad_wire.Wire`)."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def domain(self) -> Entry:
        """The root, with its policy."""
        policy = {"minpwdlength": [str(self._directory.min_password).encode()], "pwdproperties": [b"1"]}
        return Entry(self._directory.root, policy)

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One object by DN."""
        guid = self._directory.by_dn.get(key(dn))
        return None if guid is None else _shown(self._directory.objects[guid], attributes)

    def read_guid(self, guid: str, attributes: Sequence[str]) -> Entry | None:
        """One object by objectGUID."""
        found = self._directory.objects.get(guid.lower())
        return None if found is None else _shown(found, attributes)

    def users(self, base: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """Users under `base`."""
        found = self._directory.under(base, lambda classes: b"user" in classes and b"computer" not in classes)
        return (_shown(each, attributes) for each in found)

    def users_called(self, base: str, logins: Sequence[str], attributes: Sequence[str]) -> Iterator[Entry]:
        """Users with one of these logins, accents folded."""
        end = key(base)
        for login in logins:
            found = self._directory.find(login)
            if found is not None and key(found.dn).endswith(end):
                yield _shown(found, attributes)

    def named(self, base: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """Everything with a login or an address."""
        for each in self._directory.under(base, lambda classes: True):
            if {"samaccountname", "mail", "proxyaddresses"} & each.values.keys():
                yield _shown(each, attributes)

    def units(self, base: str) -> Iterator[str]:
        """OUs."""
        return (each.dn for each in self._directory.under(base, lambda classes: b"organizationalunit" in classes))

    def children(self, parent_dn: str) -> Iterator[str]:
        """What lies directly in a container."""
        return (
            each.dn
            for each in self._directory.under(parent_dn, lambda classes: True)
            if key(parent(each.dn)) == key(parent_dn)
        )

    def send(self, operations: Sequence[Operation]) -> Iterator[Answer]:
        """One after the other; a file is written once for all of them."""
        answers = [self._directory.do(operation) for operation in operations]
        self._directory.save()
        return iter(answers)

    def close(self) -> None:
        """Nothing is open."""


def _shown(found: Object, attributes: Sequence[str]) -> Entry:
    values: Mapping[str, Sequence[bytes]] = found.values
    return Entry(found.dn, {name.lower(): values[name.lower()] for name in attributes if name.lower() in values})


def _raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
