"""Groups in Active Directory: global security groups in an OU of ours, each carrying what it was made for.

Windows keeps one name (sAMAccountName) for all users, groups and computers of a domain, lets no slash or comma into it, and links members by
object: whoever is renamed or moved stays in. There is one managedBy and no owners, so teachers are members of their classes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from onroll_connectors.group_marks import mark, marked
from onroll_connectors.targets import ad_names
from onroll_connectors.targets.ad_errors import failure, is_clash, unreadable
from onroll_connectors.targets.ad_known import Known
from onroll_connectors.targets.ad_limits import LONGEST_CN
from onroll_connectors.targets.ad_session import Session
from onroll_connectors.targets.ad_wire import (
    Add,
    AllOf,
    Entry,
    Equal,
    Members,
    Present,
    Rdn,
    Replace,
    Search,
    Talk,
    by_guid,
    pages,
    read,
)
from onroll_core.accounts import Anchor, ObservedGroup
from onroll_core.changes import (
    AddMember,
    Applied,
    CreateGroup,
    Deferred,
    GroupChange,
    Outcome,
    Rejected,
    RemoveMember,
    UpdateGroup,
)
from onroll_core.errors import Refused
from onroll_core.people import SourceKey

GLOBAL_SECURITY = "-2147483646"
_FORBIDDEN = re.compile(r'["/\\\[\]:;|=,+*?<>@#]')
_THERE, _NOT_THERE = (20, 68), (16, 53)


@dataclass(frozen=True, slots=True)
class GroupAttributes:
    """`carrier` is the attribute that says what a group was made for; `place` is the OU below the base in which groups are made."""

    carrier: str
    place: str

    @property
    def read(self) -> list[str]:
        """What is asked of a group."""
        return ["objectGUID", "sAMAccountName", "displayName", self.carrier, "member"]


def safe_name(name: str) -> str:
    """A group's name as Windows takes it for sAMAccountName and CN: "Milton Park 7A/Ma1" becomes "Milton Park 7A-Ma1", at most 64 characters."""
    plain = "".join(each for each in name if unicodedata.category(each) not in ("Cc", "Cs"))
    return " ".join(_FORBIDDEN.sub("-", plain).split())[:LONGEST_CN].strip(" .")


def groups_under(
    session: Session, base: str, school: str, attributes: GroupAttributes, people: Mapping[str, Anchor], known: Known
) -> dict[Anchor, ObservedGroup]:
    """Our groups of one school; `people` are anchors by DN. Groups of other schools are noted in `known` and not given."""
    where = AllOf((Equal("objectClass", "group"), Present(attributes.carrier)))
    found: dict[Anchor, ObservedGroup] = {}
    by_key: Mapping[str, Anchor] | None = None
    for entry in pages(session.ask, Search(base, tuple(attributes.read), where), unreadable):
        told = marked(entry.text(attributes.carrier))
        if told is None:
            continue
        key, archived = told
        anchor = Anchor(entry.guid)
        known.groups.setdefault(key, anchor)
        if key.school != school:
            continue
        members = set()
        for dn in entry.texts("member"):
            member = people.get(dn)
            if member is None:
                by_key = by_key or {ad_names.key(each): one for each, one in people.items()}
                member = by_key.get(ad_names.key(dn))
            if member is not None:
                members.add(member)
        name = entry.text("displayName") or entry.text("sAMAccountName")
        found[anchor] = ObservedGroup(key, name, frozenset(members), archived=archived)
    return found


@dataclass(slots=True)
class GroupScripts:
    """The conversations about groups. `unit` gives the DN of a place whose OUs are made already, or raises Refused."""

    base: str
    names_base: str
    attributes: GroupAttributes
    known: Known
    unit: Callable[[str], str]

    def of(self, change: GroupChange) -> Talk[Outcome]:
        """The conversation for a change; each looks before it writes, so that it may be held again."""
        match change:
            case CreateGroup():
                return self._create(change)
            case UpdateGroup():
                return self._update(change)
            case AddMember() | RemoveMember():
                return self._member(change)

    def _create(self, change: CreateGroup) -> Talk[Outcome]:
        group = change.group
        mine = yield from self._ours(group.key)
        if mine is not None:
            return Applied(change, mine, "it was there already, made by a run that was cut off")
        doing, name = f"make the group {group.name}", safe_name(group.name)
        self._speakable(doing, name, group.key)
        holder = self.known.holder(name)
        if holder is not None:
            return Rejected(change, _held(doing, holder.what))
        dn = f"CN={ad_names.escape(name)},{self.unit(self.attributes.place)}"
        values = {
            "objectClass": ["top", "group"],
            "groupType": [GLOBAL_SECURITY],
            "sAMAccountName": [name],
            "displayName": [group.name[:256]],
            self.attributes.carrier: [mark(group.key)],
        }
        answer = yield Add(dn, values)
        if not answer.done:
            if is_clash(answer):
                return Rejected(change, _held(doing, "something else in the domain"))
            raise failure(answer, doing)
        made = yield read(dn, ["objectGUID"])
        if not made.entries:
            return Deferred(change, f"{group.name} was made, and moved or deleted at once; the next run looks for it.")
        anchor = Anchor(made.entries[0].guid)
        self.known.groups[group.key] = anchor
        self.known.give(anchor, name)
        return Applied(change, anchor)

    def _update(self, change: UpdateGroup) -> Talk[Outcome]:
        entry = yield from self._mine(change.key, change.anchor, change.before)
        doing, name = f"rename the group {change.before} to {change.after}", safe_name(change.after)
        self._speakable(doing, name, change.key)
        holder = self.known.holder(name, change.anchor)
        if holder is not None:
            return Rejected(change, _held(doing, holder.what))
        told = marked(entry.text(self.attributes.carrier))
        archived = change.archive if change.archive is not None else told is not None and told[1]
        if ad_names.name_of(entry.dn) != name:
            moved = yield Rdn(_itself(entry), f"CN={ad_names.escape(name)}", ad_names.parent(entry.dn))
            if not moved.done:
                if moved.code == 68:
                    return Rejected(change, _held(doing, "something else in its OU"))
                raise failure(moved, doing)
        values = {
            "sAMAccountName": [name],
            "displayName": [change.after[:256]],
            self.attributes.carrier: [mark(change.key, archived)],
        }
        answer = yield Replace(_itself(entry), values)
        if not answer.done:
            if is_clash(answer):
                return Rejected(change, _held(doing, "something else in the domain"))
            raise failure(answer, doing)
        self.known.free(change.anchor, entry.text("sAMAccountName"))
        self.known.give(change.anchor, name)
        return Applied(change, change.anchor)

    def _member(self, change: AddMember | RemoveMember) -> Talk[Outcome]:
        anchor = change.group_anchor or self.known.groups.get(change.key) or (yield from self._ours(change.key))
        doing = f"{'put' if isinstance(change, AddMember) else 'take'} {change.who.username}"
        doing += f" {'into' if isinstance(change, AddMember) else 'out of'} {change.group_name}"
        if anchor is None:
            raise Refused(f"Could not {doing}: that group is not there. Why it was not made stands beside it.")
        if self.known.groups.get(change.key) != anchor:
            yield from self._mine(change.key, anchor, change.group_name)
        person = change.who.anchor or self.known.identities.get(change.who.identity)
        where, group = by_guid(person or ""), by_guid(anchor)
        if where is None or group is None:
            raise Refused(f"Could not {doing}: {change.who.username} has no account in Active Directory yet.")
        found = yield read(where, ["objectGUID"])
        if not found.entries:
            raise Refused(f"Could not {doing}: the account is not in Active Directory any more.")
        dn = found.entries[0].dn
        adding = isinstance(change, AddMember)
        answer = yield Members(group, (dn,) if adding else (), () if adding else (dn,))
        if answer.done:
            return Applied(change, anchor)
        if answer.code in (_THERE if adding else _NOT_THERE):
            inside = yield Search(group, ("objectGUID",), Equal("member", dn), "BASE", 0)
            if bool(inside.entries) == adding:
                return Applied(change, anchor, "it was so already")
        raise failure(answer, doing)

    def _ours(self, key: SourceKey) -> Talk[Anchor | None]:
        """The group that was made for `key`: as it was observed, or looked for where nothing was."""
        known = self.known.groups.get(key)
        if known is not None or self.known.complete:
            return known
        for text in (mark(key), mark(key, True)):
            answer = yield Search(self.base, ("objectGUID",), Equal(self.attributes.carrier, text))
            if not answer.done:
                raise unreadable(self.base, answer)
            for entry in answer.entries:
                self.known.groups[key] = Anchor(entry.guid)
                return Anchor(entry.guid)
        return None

    def _mine(self, key: SourceKey, anchor: Anchor, name: str) -> Talk[Entry]:
        """The group that is about to be written, still carrying what it was made for."""
        at = by_guid(anchor)
        answer = (yield read(at, self.attributes.read[:-1])) if at is not None else None
        if answer is None or not answer.entries:
            raise Refused(f"The group {name} is not in Active Directory any more, or onroll may not see it.")
        entry = answer.entries[0]
        told = marked(entry.text(self.attributes.carrier))
        if told is None or told[0] != key:
            raise Refused(
                f"The group {name} ({entry.dn}) no longer carries what onroll made it for ({self.attributes.carrier}); it was not touched."
            )
        self.known.groups[key] = anchor
        return entry

    def _speakable(self, doing: str, name: str, key: SourceKey) -> None:
        if not name or len(mark(key, True)) > 1024:
            raise Refused(
                f"Could not {doing}: no name is left of it that Windows would take. Change it in [school.groups]."
            )


def _itself(entry: Entry) -> str:
    return by_guid(entry.guid) or entry.dn


def _held(doing: str, whose: str) -> str:
    return (
        f"Could not {doing}: the name is held by {whose}, which onroll did not make and leaves alone. Rename that one, or change the names of"
        " groups in [school.groups]."
    )
