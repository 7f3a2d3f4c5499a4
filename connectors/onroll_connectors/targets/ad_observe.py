"""One read of the directory: our accounts, who carries which identity, and every name in use; complete, or it raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from onroll_connectors.targets.ad_entries import NAMED, Attributes, account_of, is_person, names_of, what
from onroll_connectors.targets.ad_errors import unreadable
from onroll_connectors.targets.ad_groups import GroupAttributes, groups_under
from onroll_connectors.targets.ad_known import Known
from onroll_connectors.targets.ad_names import folded, key, lies_under, name_of, parent, place_of
from onroll_connectors.targets.ad_session import Session
from onroll_connectors.targets.ad_wire import AllOf, AnyOf, Entry, Equal, Present, Search, Where, by_guid, pages, read
from onroll_core.accounts import Account, Anchor, Holder, IdentityId, Observed
from onroll_core.errors import Halt

_ANY_NAME: Where = AnyOf((Present("sAMAccountName"), Present("mail"), Present("proxyAddresses")))
_PEOPLE: Where = AllOf((Equal("objectCategory", "person"), Equal("objectClass", "user")))


@dataclass(slots=True)
class Reading:
    """What one observation has found so far."""

    base: str
    names_base: str
    attributes: Attributes
    anchors: frozenset[Anchor]
    progress: Callable[[str, int, int | None], None]
    school: str
    groups: GroupAttributes
    linked: frozenset[Anchor] = frozenset()
    accounts: dict[Anchor, Account] = field(default_factory=dict)
    owners: dict[Anchor, IdentityId] = field(default_factory=dict)
    names: dict[str, Holder] = field(default_factory=dict)
    known: Known = field(default_factory=lambda: Known(complete=True))
    protected: set[Anchor] = field(default_factory=set)
    inside: int = 0
    dns: dict[str, Anchor] = field(default_factory=dict)
    _places: dict[str, tuple[str | None, str]] = field(default_factory=dict)

    def all(self, session: Session) -> Observed:
        """Read it. Raises Halt when the base is not there or our people or their identities cannot be seen, Unavailable when it broke off."""
        if not session.ask(read(self.base, ["objectClass"])).entries:
            raise Halt(no_base(self.base))
        together = lies_under(self.base, self.names_base)
        wanted = tuple(dict.fromkeys((*NAMED, *self.attributes.read, "adminCount")))
        if not together:
            for entry in pages(session.ask, Search(self.base, wanted, _PEOPLE), unreadable):
                self._name(entry)
                self._account(entry)
        for entry in pages(session.ask, Search(self.names_base, wanted, _ANY_NAME), unreadable):
            self._name(entry)
            if is_person(entry) and (together or Anchor(entry.guid) in self.anchors):
                self._account(entry)
        self._elsewhere(session, wanted)
        self._credible()
        self.known.names = self.names
        groups = groups_under(session, self.base, self.school, self.groups, self.dns, self.known)
        return Observed(self.accounts, self.owners, self.names, groups=groups, protected=frozenset(self.protected))

    def _name(self, entry: Entry) -> None:
        holder = Holder(Anchor(entry.guid), what(entry))
        for name in names_of(entry):
            self.names.setdefault(name, holder)
            if not name.isascii():
                self.names.setdefault(folded(name), holder)
        identity = entry.text(self.attributes.identity)
        if identity and is_person(entry):
            self.known.identities.setdefault(identity, Anchor(entry.guid))

    def _account(self, entry: Entry) -> None:
        anchor = Anchor(entry.guid)
        place, above = self._place(entry.dn)
        if anchor in self.accounts or (place is None and anchor not in self.anchors):
            return
        if not entry.text("sAMAccountName") or not entry.text("userAccountControl"):
            raise Halt(
                f"onroll's account may see {entry.dn} but not its username or whether it is enabled. Give it the right to read all"
                f" properties of users in {self.base}. Nothing was changed."
            )
        identity = entry.text(self.attributes.identity)
        if place is not None:
            self.inside += 1
            self.known.saw(above, name_of(entry.dn), identity)
        self.dns[entry.dn] = anchor
        self.accounts[anchor] = account_of(entry, place, self.attributes)
        if entry.text("adminCount") not in (None, "", "0"):
            self.protected.add(anchor)  # MS-ADTS 3.1.1.6.1: whoever is in an administrators' group
        if identity:
            self.owners[anchor] = IdentityId(identity)
        else:
            self.known.without_identity.add(anchor)
        self.progress("reading accounts", len(self.accounts), None)

    def _elsewhere(self, session: Session, wanted: tuple[str, ...]) -> None:
        """Accounts of ours that somebody moved to where we do not search are read by their objectGUIDs."""
        for anchor in sorted(self.anchors - self.accounts.keys()):
            at = by_guid(anchor)
            if at is None:
                continue
            answer = session.ask(read(at, wanted))
            if answer.code not in (0, 32):
                raise unreadable(at, answer)
            for entry in answer.entries:
                self._name(entry)
                self._account(entry)

    def _credible(self) -> None:
        """A right that was taken away must not look like a school that is empty or has no identities."""
        if self.anchors and not self.inside:
            raise Halt(
                f"{self.base} was read and holds no user at all, although onroll has {len(self.anchors)} accounts there. Has the right to"
                " read been taken away, or have the users been moved? Nothing was changed."
            )
        ours = (self.anchors - self.linked) & self.accounts.keys()
        if len(ours) > 2 and not any(anchor in self.owners for anchor in ours):
            raise Halt(
                f"None of the {len(ours)} accounts of onroll in {self.base} shows its {self.attributes.identity}. Has the right to read that"
                " attribute been taken away, or was identity_attribute changed? Nothing was changed."
            )

    def _place(self, dn: str) -> tuple[str | None, str]:
        above = parent(dn)
        found = self._places.get(above)
        if found is None:
            found = self._places[above] = (place_of(dn, self.base), key(above))
        return found


def no_base(base: str) -> str:
    """The sentence for a base that cannot be found."""
    return f"The base {base} is not there, or onroll's account may not see it. Look at [targets] base. Nothing was changed."


def units(session: Session, base: str) -> Iterator[str]:
    """The DNs of the OUs under `base`."""
    search = Search(base, ("ou",), Equal("objectClass", "organizationalUnit"))
    return (entry.dn for entry in pages(session.ask, search, unreadable))
