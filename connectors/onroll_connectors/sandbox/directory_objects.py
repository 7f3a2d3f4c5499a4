"""The objects of an embedded directory, what must be unique among them, and what becomes of a write."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from onroll_connectors.sandbox import directory_rules as rules
from onroll_connectors.sandbox.directory_file import DirectoryFile, Values
from onroll_connectors.targets.ad_names import folded, key, name_of, parent, split
from onroll_connectors.targets.ad_wire import (
    Add,
    AllOf,
    Answer,
    AnyOf,
    Equal,
    Members,
    Present,
    Rdn,
    Replace,
    Search,
    Where,
)


@dataclass(slots=True)
class Object:
    """One object: its DN, raw values under lower-case names, its password as it is kept, and where it stands (its DN as a key)."""

    dn: str
    values: Values
    password: str = ""
    where: str = ""


@dataclass(slots=True)
class Directory:
    """The objects by objectGUID, and indexes for what must be unique."""

    file: DirectoryFile | None = None
    min_password: int = 7
    objects: dict[str, Object] = field(default_factory=dict)
    by_dn: dict[str, str] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    upns: dict[str, str] = field(default_factory=dict)
    randomness: random.Random = field(default_factory=random.SystemRandom)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def catch_up(self) -> None:
        """Take in what other processes wrote to the file."""
        if self.file is not None:
            self.file.catch_up(
                lambda guid, dn, password, values: self._keep(guid, Object(dn, values, password), write=False)
            )

    def ensure(self, base: str) -> None:
        """Make the domain and the OUs of `base` where they are missing."""
        parts = split(base)
        for start in range(len(parts) - 1, -1, -1):
            dn = ",".join(parts[start:])
            if folded(key(dn)) not in self.by_dn:
                kind = b"organizationalUnit" if dn[:3].upper() == "OU=" else b"domainDNS"
                self._keep(self._guid(), Object(dn, {"objectclass": [b"top", kind]}))

    @property
    def root(self) -> str:
        """The DN of the domain."""
        domains = (each.dn for each in self.objects.values() if b"domainDNS" in each.values["objectclass"])
        return max(domains, key=len)

    def sign_in(self, login: str, password: str) -> str:
        """What a sign-in comes to: "ok", "must change", "disabled" or "refused"."""
        found = self.objects.get(self.logins.get(folded(login)) or self.upns.get(folded(login)) or "")
        if found is None or not rules.fits(password, found.password):
            return "refused"
        if int(found.values["useraccountcontrol"][0]) & rules.DISABLED:
            return "disabled"
        return "must change" if found.values.get("pwdlastset", [b"-1"])[0] == b"0" else "ok"

    def find(self, login: str) -> Object | None:
        """The object with that sAMAccountName."""
        return self.objects.get(self.logins.get(folded(login), ""))

    def do(self, request: Add | Replace | Rdn | Members) -> Answer:
        """Carry out one write, whole or not at all."""
        with self.lock:
            self.catch_up()
            match request:
                case Add():
                    return self._add(request)
                case Replace():
                    return self._replace(request)
                case Rdn():
                    return self._move(request)
                case Members():
                    return self._link(request)

    def found(self, search: Search) -> Iterator[Object] | None:
        """What a search finds, in the order in which it was made; None when its base is not there."""
        base = self._at(search.base)
        if base is None:
            return None
        top = base.where
        match search.scope:
            case "BASE":
                there: Iterator[Object] = iter((base,))
            case "LEVEL":
                there = (each for each in self.objects.values() if key(parent(each.dn)) == top)
            case "SUBTREE":
                there = (each for each in self.objects.values() if each.where.endswith(top))
        return (each for each in there if matches(each, search.where))

    # --- writing ---

    def _add(self, add: Add) -> Answer:
        if any(ord(each) < 32 for each in add.dn) or "=" not in add.dn:
            return rules.BAD_DN
        if folded(key(add.dn)) in self.by_dn:
            return rules.EXISTS
        if folded(key(parent(add.dn))) not in self.by_dn:
            return rules.NO_PARENT
        values = {name.lower(): [_raw(each) for each in held] for name, held in add.values.items()}
        values["ou" if add.dn[:3].upper() == "OU=" else "cn"] = [name_of(add.dn).encode()]
        fresh = Object(add.dn, values)
        refusal = rules.bad_values(values) or self._bad_account(fresh, None)
        if refusal is None:
            self._keep(self._guid(), fresh)
        return refusal or rules.OK

    def _replace(self, replace: Replace) -> Answer:
        old = self._at(replace.dn)
        if old is None:
            return rules.NO_OBJECT
        changed = {name.lower(): [_raw(each) for each in held] for name, held in replace.values.items()}
        if changed.keys() & {"cn", "ou", "objectguid", "objectclass"}:
            return rules.NOT_ON_RDN
        if changed.keys() - {name.lower() for name in rules.SCHEMA}:
            return rules.NO_ATTRIBUTE
        values = {name: held for name, held in (old.values | changed).items() if held and name != "objectguid"}
        fresh = Object(old.dn, values, old.password)
        guid = _guid_in(old)
        refusal = rules.bad_values({name: held for name, held in changed.items() if held}) or self._bad_account(
            fresh, guid
        )
        if refusal is None:
            self._keep(guid, fresh)
        return refusal or rules.OK

    def _move(self, move: Rdn) -> Answer:
        old = self._at(move.dn)
        if old is None or folded(key(move.parent)) not in self.by_dn:
            return rules.NO_OBJECT
        dn = f"{move.rdn},{move.parent}"
        guid = _guid_in(old)
        if any(ord(each) < 32 for each in dn):
            return rules.BAD_DN
        if self.by_dn.get(folded(key(dn)), guid) != guid:
            return rules.EXISTS
        if not 0 < len(name_of(dn)) <= 64:
            return rules.BAD_VALUE
        below = [each for each in self.objects.values() if each.where.endswith(old.where) and each is not old]
        values = old.values | {"ou" if move.rdn[:3].upper() == "OU=" else "cn": [name_of(dn).encode()]}
        before = old.dn
        self._keep(guid, Object(dn, values, old.password))
        self._relink(before, dn)
        for each in below:
            at = each.dn[: len(each.dn) - len(before)] + dn
            was = each.dn
            self._keep(_guid_in(each), Object(at, each.values, each.password))
            self._relink(was, at)
        return rules.OK

    def _link(self, change: Members) -> Answer:
        """Members are links to objects: shown as DNs, they follow whoever is renamed or moved."""
        group = self._at(change.dn)
        people = [self._at(each) for each in (*change.add, *change.remove)]
        if group is None or None in people:
            return rules.NO_OBJECT
        held = {folded(key(each.decode())): each for each in group.values.get("member", ())}
        for each in change.add:
            if folded(key(each)) in held:
                return rules.ALREADY_MEMBER
            held[folded(key(each))] = each.encode()
        for each in change.remove:
            if held.pop(folded(key(each)), None) is None:
                return rules.NOT_A_MEMBER
        values = {name: told for name, told in group.values.items() if name != "member"}
        self._keep(
            _guid_in(group),
            Object(group.dn, values | ({"member": list(held.values())} if held else {}), group.password),
        )
        return rules.OK

    def _relink(self, before: str, after: str) -> None:
        """Whoever has another DN now is called so in every group."""
        old = folded(key(before))
        for group in [each for each in self.objects.values() if "member" in each.values]:
            names = [folded(key(each.decode())) for each in group.values["member"]]
            if old in names:
                members = list(group.values["member"])
                members[names.index(old)] = after.encode()
                self._keep(_guid_in(group), Object(group.dn, group.values | {"member": members}, group.password))

    def _bad_account(self, fresh: Object, guid: str | None) -> Answer | None:
        """Why Windows would not have this user, group or computer, or None; a password in it is taken out and kept apart."""
        values = fresh.values
        classes = {each.lower() for each in values["objectclass"]}
        if not classes & {b"user", b"group"}:
            return None
        is_user = b"user" in classes and b"computer" not in classes
        login = values.setdefault("samaccountname", [f"$J{self.randomness.randrange(16**10):010X}".encode()])[
            0
        ].decode()
        if rules.bad_login(login, is_user):
            return rules.BAD_LOGIN
        if self.logins.get(folded(login), guid) != guid:
            return rules.LOGIN_EXISTS
        upn = values.get("userprincipalname", [b""])[0].decode()
        if upn and self.upns.get(folded(upn), guid) != guid:
            return rules.UPN_EXISTS
        return self._bad_password(fresh, login) if is_user else None

    def _bad_password(self, fresh: Object, login: str) -> Answer | None:
        values = fresh.values
        flags = int(values.setdefault("useraccountcontrol", [b"546"])[0])
        sent = values.pop("unicodepwd", None)
        if sent is not None:
            password = sent[0].decode("utf-16-le", "replace")
            if len(password) < 2 or password[0] != '"' or password[-1] != '"':
                return rules.NOT_QUOTED
            if rules.weak(password[1:-1], login, values.get("displayname", [b""])[0].decode(), self.min_password):
                return rules.WEAK
            fresh.password = rules.kept(password[1:-1])
        without = not fresh.password and not flags & rules.PASSWORD_NOT_REQUIRED
        return rules.WEAK if without and not flags & rules.DISABLED else None

    # --- where things are ---

    def _at(self, dn: str) -> Object | None:
        if dn.startswith("<GUID=") and dn.endswith(">"):
            return self.objects.get(dn[6:-1].lower())
        return self.objects.get(self.by_dn.get(folded(key(dn)), ""))

    def _guid(self) -> str:
        return str(UUID(int=self.randomness.getrandbits(128), version=4))

    def _keep(self, guid: str, new: Object, *, write: bool = True) -> None:
        old = self.objects.get(guid)
        if old is not None:
            self.by_dn.pop(folded(old.where), None)
            for name, index in self._unique():
                for value in old.values.get(name, ()):
                    index.pop(folded(value.decode()), None)
        new.values["objectguid"] = [UUID(guid).bytes_le]
        new.where = key(new.dn)
        self.objects[guid] = new
        self.by_dn[folded(new.where)] = guid
        for name, index in self._unique():
            for value in new.values.get(name, ()):
                index[folded(value.decode())] = guid
        if write and self.file is not None:
            self.file.append([(guid, new.dn, new.password, new.values)])

    def _unique(self) -> Sequence[tuple[str, dict[str, str]]]:
        return (("samaccountname", self.logins), ("userprincipalname", self.upns))


def matches(found: Object, where: Where) -> bool:
    """Whether an object is what a filter asks for; case and accents do not count."""
    match where:
        case Present(name):
            return name.lower() in found.values
        case Equal(name, value):
            if name == "objectCategory":
                classes = {each.lower() for each in found.values["objectclass"]}
                return value == "person" and b"person" in classes and b"computer" not in classes
            held = found.values.get(name.lower(), ())
            if name == "member":
                return any(key(each.decode()) == key(value) for each in held)
            return any(folded(each.decode("utf-8", "replace")) == folded(value) for each in held)
        case AnyOf(terms):
            return any(matches(found, term) for term in terms)
        case AllOf(terms):
            return all(matches(found, term) for term in terms)


def _raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _guid_in(found: Object) -> str:
    return str(UUID(bytes_le=found.values["objectguid"][0]))
