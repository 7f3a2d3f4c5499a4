"""What is known of the domain in one run: who holds which name, which identities have objects, which CNs are taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from onroll_connectors.targets.ad_entries import NAMED, Attributes, names_of, what
from onroll_connectors.targets.ad_names import common_name, folded, key
from onroll_connectors.targets.ad_wire import AnyOf, Entry, Equal, Search, Where
from onroll_core.accounts import Anchor, Holder
from onroll_core.people import SourceKey


@dataclass(slots=True)
class Known:
    """`complete` when it comes from an observation: then nobody has to be searched for before a name is given.

    `names` is what the observation saw, folded; `given` what was given since. `identities` are the objects that carry an identity, anywhere
    that was looked, and `groups` those that were made for a group of the MIS. `freed` are names that groups gave up in this run. `without_identity` were seen to carry none. `cns` are the relative names under a parent, each with the identity it belongs to.
    """

    complete: bool = False
    names: Mapping[str, Holder] = field(default_factory=dict)
    identities: dict[str, Anchor] = field(default_factory=dict)
    without_identity: set[Anchor] = field(default_factory=set)
    renamed: set[Anchor] = field(default_factory=set)
    cns: dict[str, dict[str, str]] = field(default_factory=dict)
    given: dict[str, Holder] = field(default_factory=dict)
    groups: dict[SourceKey, Anchor] = field(default_factory=dict)
    freed: set[tuple[str, Anchor]] = field(default_factory=set)

    def holder(self, name: str, but: Anchor | None = None) -> Holder | None:
        """Who holds a name, accents and case set aside, other than `but`."""
        low = folded(name)
        for names in (self.given, self.names):
            found = names.get(low)
            if found is None or (but is not None and found.anchor == but):
                continue
            if names is self.given or (low, found.anchor) not in self.freed:
                return found
        return None

    def free(self, anchor: Anchor, name: str) -> None:
        """Remember that an object has given up a name in this run."""
        self.freed.add((folded(name), anchor))
        if self.given.get(folded(name), Holder(None, "")).anchor == anchor:
            del self.given[folded(name)]

    def give(self, anchor: Anchor, *names: str) -> None:
        """Remember that a name was given in this run."""
        for name in names:
            self.given[folded(name)] = Holder(anchor, f"the user {names[0]}")

    def saw(self, parent: str, cn: str, identity: str) -> None:
        """Remember that a CN is taken under a parent, which is given as `ad_names.key` makes it."""
        self.cns.setdefault(parent, {})[folded(cn)] = identity

    def looked_under(self, parent: str) -> bool:
        """Whether the CNs under a DN are known."""
        return self.complete or key(parent) in self.cns

    def free_cn(self, parent: str, display_name: str, login: str, identity: str) -> Iterator[str]:
        """CNs to try in turn under a parent, the first that is not known to be taken first; each is ours once it was given out."""
        there = self.cns.setdefault(key(parent), {})
        first, second = common_name(display_name, login)
        for cn in (first, second, login):
            if there.get(folded(cn), identity) == identity:
                there[folded(cn)] = identity
                yield cn


def holders_of(base: str, names: list[str], identity: str, attributes: Attributes) -> Search:
    """The question who holds one of these names, or carries that identity."""
    terms: list[Where] = []
    for name in names:
        if "@" in name:
            terms += [Equal("userPrincipalName", name), Equal("mail", name), Equal("proxyAddresses", f"smtp:{name}")]
        else:
            terms.append(Equal("sAMAccountName", name))
    if identity:
        terms.append(Equal(attributes.identity, identity))
    return Search(base, (*NAMED, attributes.identity), AnyOf(tuple(terms)))


def who_holds(entries: list[Entry], names: list[str], but: Anchor | None) -> tuple[Entry, str, str] | None:
    """The first of these objects, other than `but`, that holds one of the names: the object, the name, and the object in words."""
    wanted = {folded(name): name for name in names}
    for entry in entries:
        if entry.guid != but:
            for name in sorted(names_of(entry)):
                if folded(name) in wanted:
                    return entry, wanted[folded(name)], what(entry)
    return None
