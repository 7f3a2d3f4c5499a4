"""Which of the rights in `ad_rights` onroll's account has: asked of the directory, judged without a write, and told one by one.

The server itself says which classes of children and which attributes may be written (allowedChildClassesEffective, allowedAttributesEffective). What
they do not tell (passwords, deleting, reading, and what a user would get who is not there yet) follows from the security descriptor and the SIDs
by which the server knows whoever is signed in (tokenGroups of its root).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from onroll_connectors.targets import ad_descriptors as descriptors
from onroll_connectors.targets import ad_names
from onroll_connectors.targets.ad_descriptors import Ace
from onroll_connectors.targets.ad_entries import is_person
from onroll_connectors.targets.ad_errors import unreadable
from onroll_connectors.targets.ad_rights import (
    DESCRIPTOR,
    Places,
    Right,
    account_named,
    command,
    guids_of,
    making,
    sentence,
    together,
)
from onroll_connectors.targets.ad_session import Session
from onroll_connectors.targets.ad_wire import AllOf, AnyOf, Entry, Equal, Present, Search, Where, pages, read
from onroll_core.contracts import Finding

TOLD = ("objectClass", "allowedChildClassesEffective", "allowedAttributesEffective", "sDRightsEffective", DESCRIPTOR)
_LOOKED_AT = 100
"""Users, and groups, whose own rights are looked at: those that the directory gives first."""
_UNIT = "organizationalUnit"
_ALWAYS = {_UNIT: ("objectClass",), "user": ("sAMAccountName", "userAccountControl")}
"""What every one of them has, so that it is hidden where it does not show."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the directory tells of our rights on an object: its entries, and what the server says may be made in it and written of it; None where
    it does not tell. `dn` is "" for what is not there yet."""

    dn: str = ""
    aces: tuple[Ace, ...] | None = None
    children: frozenset[str] | None = None
    attributes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Who we are, by SIDs (the account's own first), and by which GUIDs the schema knows classes and attributes."""

    sids: tuple[str, ...]
    guids: Mapping[str, tuple[UUID, ...]]

    def holds(self, right: Right, sight: Sight) -> bool | None:
        """Whether we have a right on an object; None when that cannot be told."""
        told = {"create": sight.children, "write": sight.attributes}.get(right.kind)
        if told is not None and (right.of.lower() in told or right.of != "name"):
            return right.of.lower() in told
        if right.of == DESCRIPTOR and sight.dn:
            return sight.aces is not None
        if sight.aces is None or not self.sids:
            return None
        return descriptors.allowed(sight.aces, self.sids, right.bit, guids_of(right, self.guids))

    def below(self, sight: Sight, *classes: str) -> Sight:
        """An object that would be made below another, one class after the other: it has what it would inherit."""
        aces = sight.aces
        for name in classes:
            guid = (self.guids.get(name.lower()) or (None,))[0]
            aces = None if aces is None else descriptors.inherited(aces, guid, self.sids[0] if self.sids else "")
        return Sight(aces=aces)


@dataclass(slots=True)
class Access:
    """Our rights at the places of a target. `schema` are the schema's entries of what the table speaks of, by name in lower case."""

    session: Session
    places: Places
    table: Sequence[Right]
    account: str
    schema: Mapping[str, Entry]
    carrier: str
    judge: Judge = field(init=False)
    base: Entry = field(init=False)
    seen: dict[tuple[str, str], list[Sight]] = field(default_factory=dict)
    there: dict[str, list[Sight]] = field(default_factory=dict)
    users: list[Entry] = field(default_factory=list)
    lost: set[Right] = field(default_factory=set)
    unmade: int = 0

    def findings(self, base: Entry) -> Iterator[Finding]:
        """A sentence for each right that is missing and one for each thing that is well. `base` is the entry of the base, read with `TOLD`."""
        self.base = base
        self.judge = Judge(self._sids(), {name: _guids(entry) for name, entry in self.schema.items()})
        self._look(_sight(base))
        unknown: list[tuple[Right, ...]] = []
        bad: set[str] = set()
        for some in together(self.table):
            missing = tuple(each for each in some if self._verdict(each) is False)
            if missing:
                if missing[0].where == "groups" and self.unmade and "group" not in bad:
                    yield self._unmade()
                bad.add(_about(missing[0]))
                self.lost.update(missing)
                yield self._lost(missing)
            elif not some[0].usual and all(self._verdict(each) is None for each in some):
                unknown.append(some)
        yield from self._well(bad, {_about(each[0]) for each in unknown})
        yield from self._elsewhere()
        if unknown:
            can = ", ".join(sentence(each) for each in unknown)
            yield Finding(
                "warning",
                f"Nobody knows before the first write whether onroll's account may {can} in {self.places.base}: the directory does not say.",
            )

    # --- judging ---

    def _verdict(self, right: Right) -> bool | None:
        """Whether we have it: at its place and on whatever would be made there, or, where that cannot be told, on what is there already."""
        if right.kind == "read" and right.of in _ALWAYS.get(right.on, ()):
            shown = self.users if right.on == "user" else [self.base]
            if not all(each.text(right.of) for each in shown):
                return False
        sights = self.seen[right.on, right.where]
        if right.usual and right.on == _UNIT:
            sights = sights[:1]  # who may read a new OU is said by its class, not inherited
        found = [self.judge.holds(right, each) for each in sights]
        if all(each is None for each in found) and right.where != "names":
            there = (each for each in self.there.get(right.on, ()) if self._concerns(right, each))
            found = [self.judge.holds(right, each) for each in there]
        if False in found:
            return False
        return True if True in found else None

    def _lost(self, missing: tuple[Right, ...]) -> Finding:
        first, place = missing[0], self.places.dn(missing[0].where)
        return Finding(
            "warning" if first.of == DESCRIPTOR else "problem",
            f"onroll's account may not {sentence(missing)} in {place}, which it has to, to {first.purpose}."
            f" Grant it: {self._command(missing)}",
        )

    def _unmade(self) -> Finding:
        made = " & ".join(making(self.places)[-self.unmade :])
        return Finding(
            "problem",
            f"{self.places.groups} is not there yet, and would not get the rights on groups from {self.places.base}."
            f" Make it before they are granted on it: {made}",
        )

    def _command(self, some: tuple[Right, ...]) -> str:
        return command(some, self.places, account_named(self.account))

    def _well(self, bad: set[str], unknown: set[str]) -> Iterator[Finding]:
        base, groups = self.places.base, self.places.groups
        if "make" not in bad | unknown:
            yield Finding("ok", f"The base {base} is there, and users and OUs may be made in it.")
        if "user" not in bad | unknown:
            yield Finding(
                "ok", f"Users in {base} can be read and written." + ("" if self.users else " None is there yet.")
            )
        if any(each.where == "groups" for each in self.table) and "group" not in bad | unknown:
            yield Finding("ok", f"Groups in {groups} can be made, filled and written.")

    def _elsewhere(self) -> Iterator[Finding]:
        """What is below the base and does not have what the base gives: rights are switched off there, or denied."""
        found: dict[str, list[str]] = {}
        for on, sights in self.there.items():
            for sight in sights:
                table = [
                    each
                    for each in self.table
                    if each.on == on and each.where != "names" and each not in self.lost and self._concerns(each, sight)
                ]
                missing = [each for each in table if self.judge.holds(each, sight) is False]
                if missing:
                    acts = ", or ".join(sentence(some) for some in together(missing))
                    found.setdefault(acts, []).append(sight.dn)
        for acts, dns in found.items():
            others = f" and {len(dns) - 1} more" if len(dns) > 1 else ""
            yield Finding(
                "warning",
                f"At {dns[0]}{others} the rights of {self.places.base} do not hold: onroll's account may not {acts} there. Where onroll is to work there,"
                " open it in Active Directory Users and Computers (View, Advanced Features), Properties, Security, Advanced, and enable inheritance;"
                " look for denied rights there too.",
            )

    def _concerns(self, right: Right, sight: Sight) -> bool:
        return right.where != "groups" or ad_names.lies_under(sight.dn, self.places.groups)

    # --- looking ---

    def _look(self, top: Sight) -> None:
        judge = self.judge
        groups = self._groups(top)
        names = next((_sight(each) for each in self._read(self.places.names)), Sight())
        self.seen = {
            (_UNIT, "base"): [top, judge.below(top, _UNIT), judge.below(top, _UNIT, _UNIT)],
            ("user", "base"): [judge.below(top, "user"), judge.below(top, _UNIT, "user")],
            ("group", "base"): [judge.below(top, "group")],
            (_UNIT, "groups"): [groups],
            ("group", "groups"): [judge.below(groups, "group")],
            ("user", "names"): [judge.below(names, "user")],
            ("group", "names"): [judge.below(names, "group")],
        }
        units = self._found(Equal("objectClass", _UNIT))
        people = AllOf((Equal("objectCategory", "person"), Equal("objectClass", "user")))
        self.users = [each for each in self._first(people) if is_person(each)]
        ours = self._first(AllOf((Equal("objectClass", "group"), Present(self.carrier))))
        self.there = {
            _UNIT: [_sight(each) for each in units if ad_names.key(each.dn) != ad_names.key(self.places.base)],
            "user": [_sight(each) for each in self.users if not _protected(each)],
            "group": [_sight(each) for each in ours if not _protected(each)],
        }

    def _groups(self, top: Sight) -> Sight:
        """The OU of the groups, or what it would be if it were made now."""
        dn = self.places.groups
        lists = next((each for each in self.table if each.kind == "list"), None)
        while ad_names.key(dn) != ad_names.key(self.places.base):
            found = self._read(dn)
            if found:
                top = _sight(found[0])
                break
            dn, self.unmade = ad_names.parent(dn), self.unmade + 1
        if self.unmade and lists is not None and self.judge.holds(lists, top) is False:
            return Sight()  # it may be there, unseen
        return self.judge.below(top, *[_UNIT] * self.unmade) if self.unmade else top

    def _read(self, dn: str) -> Sequence[Entry]:
        return self.session.ask(read(dn, TOLD)).entries

    def _found(self, where: Where) -> Iterator[Entry]:
        return pages(self.session.ask, Search(self.places.base, TOLD, where), unreadable)

    def _first(self, where: Where) -> Sequence[Entry]:
        wanted = (*TOLD, "sAMAccountName", "userAccountControl", "adminCount")
        answer = self.session.ask(Search(self.places.base, wanted, where, page=_LOOKED_AT))
        if not answer.done:
            raise unreadable(self.places.base, answer)
        return answer.entries

    def _sids(self) -> tuple[str, ...]:
        """Our SIDs: the account's own, and those of everything it belongs to."""
        told = self.session.ask(read("", ["tokenGroups", "msDS-PrincipalName"])).entries
        token = [_sid(each) for entry in told for each in entry.values.get("tokengroups", ())]
        names = sorted({self.account, *(entry.text("msDS-PrincipalName") for entry in told)} - {""})
        terms = [Equal("userPrincipalName", each) for each in names]
        terms += [Equal("sAMAccountName", each.rpartition("\\")[2].partition("@")[0]) for each in names]
        own: list[str] = []
        if terms:
            search = Search(
                self.session.root().text("defaultNamingContext"), ("objectSid",), AnyOf(tuple(terms)), page=_LOOKED_AT
            )
            found = self.session.ask(search).entries
            own = [_sid(each) for entry in found for each in entry.values.get("objectsid", ())]
        if len(own) > 1:
            own = [each for each in own if each in token]
        return tuple(dict.fromkeys([*own, *token]))


def _about(right: Right) -> str:
    return (
        "make" if right.kind == "create" and right.where == "base" else "group" if right.where == "groups" else right.on
    )


def _sight(entry: Entry) -> Sight:
    raw = entry.values.get(DESCRIPTOR.lower())
    try:
        aces = descriptors.parse(bytes(raw[0])) if raw else None
    except ValueError:
        aces = None
    tells = bool(entry.text("sDRightsEffective"))
    return Sight(
        entry.dn,
        aces,
        _names(entry, "allowedChildClassesEffective", tells),
        _names(entry, "allowedAttributesEffective", tells),
    )


def _names(entry: Entry, attribute: str, tells: bool) -> frozenset[str] | None:
    """What a constructed attribute lists; a server that tells rights at all leaves it away when there is nothing to list."""
    found = entry.texts(attribute)
    return frozenset(each.lower() for each in found) if found or tells else None


def _protected(entry: Entry) -> bool:
    """In an administrators' group: Windows keeps rights from everybody else, and onroll leaves it alone."""
    return entry.text("adminCount") not in ("", "0")


def _guids(entry: Entry) -> tuple[UUID, ...]:
    raw: Iterable[bytes] = [
        each for name in ("schemaIDGUID", "attributeSecurityGUID") for each in entry.values.get(name.lower(), ())
    ]
    return tuple(UUID(bytes_le=bytes(each)) for each in raw)


def _sid(raw: bytes) -> str:
    return descriptors.sid_text(bytes(raw))
