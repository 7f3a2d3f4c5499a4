"""How a change of a group is carried out in Microsoft 365: members twenty at a time, everything else one request; each looks before it is done again."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

from onroll_connectors.targets.graph_asks import (
    Answer,
    Ask,
    ListGroups,
    MakeClass,
    MakeGroup,
    PatchGroup,
    Pause,
)
from onroll_connectors.targets.graph_group_answers import PATIENCE, WAIT, held, judged, kept, patiently
from onroll_connectors.targets.graph_group_book import Book, Ours, description, ours_of
from onroll_connectors.targets.graph_group_people import add, remove
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_steps import LOST, Script
from onroll_core.accounts import Anchor
from onroll_core.changes import (
    AddMember,
    Applied,
    CreateGroup,
    Deferred,
    GroupChange,
    Rejected,
    RemoveMember,
    UpdateGroup,
)
from onroll_core.groups.names import slug

LOOKED_FOR = ("id", "displayName", "mailNickname", "description")


def group_script(change: GroupChange, book: Book) -> Script:
    """The script of a change of a group. Every group of the tenant is known by then."""
    match change:
        case CreateGroup():
            return _create(change, book)
        case UpdateGroup():
            return _update(change, book)
        case AddMember():
            return add(change, book)
        case RemoveMember():
            return remove(change, book)


def _create(change: CreateGroup, book: Book) -> Script:
    group = change.group
    mine = book.ours.get(group.key)
    if mine is not None:
        return Applied(change, mine.anchor, "it was there already, made by a run that was cut off")
    doing = f"make the group {group.name}"
    holder = book.taken.get(group.name.casefold())
    if holder is not None:
        return Rejected(change, held(doing, holder[1]))
    nickname = _nickname(change, book)
    if nickname is None:
        return Rejected(change, held(doing, f"another group with the address {group.address}"))
    kind = book.kind_of(group.key)
    classy = kind in ("class", "team")
    text = description("", group.key, False, "class" if classy else "")
    body = {"displayName": group.name[:256], "mailNickname": nickname, "description": text}
    ask: Ask = MakeGroup({**body, **_plain(kind)})
    if classy:
        ask = MakeClass(
            {**body, "externalId": group.key.record[:256], "externalName": group.name[:256], "externalSource": "sis"}
        )
    answer = yield ask
    made = answer.body if answer.done and isinstance(answer.body, Mapping) else {}
    if answer.unknown:
        made = yield from _look_for(nickname, change, book)
        if not made:
            return Deferred(change, LOST)
    elif not answer.done:
        if read_problem(answer).taken:
            return Rejected(change, held(doing, "something else in this tenant"))
        return judged(
            change, doing, answer, "make groups", "EduRoster.ReadWrite.All" if classy else "Group.ReadWrite.All"
        )
    anchor = Anchor(str(made["id"]))
    book.ours[group.key] = Ours(anchor, group.name, "class" if classy else "", description=text)
    for word in (group.name.casefold(), f"@{nickname}".lower()):
        book.taken[word] = (anchor, f"the group {group.name}")
    book.wrote(anchor, body)
    return Applied(change, anchor)


def _plain(kind: str) -> dict[str, Any]:
    if kind == "security":
        return {"mailEnabled": False, "securityEnabled": True}
    return {"mailEnabled": True, "securityEnabled": True, "groupTypes": ["Unified"], "visibility": "Private"}


def _nickname(change: CreateGroup, book: Book) -> str | None:
    """The part of the address before the @: last year's class of that name keeps its own, so this year's has its record behind it."""
    group = change.group
    record = slug(group.key.record.rpartition(":")[2]) or "2"
    for nickname in (group.address or slug(group.name), f"{(group.address or slug(group.name))[:40]}-{record}"):
        holder = book.taken.get(f"@{nickname}".lower())
        if holder is None and nickname:
            return nickname[:64]
        if holder is not None and not any(each.anchor == holder[0] for each in book.ours.values()):
            return None
    return None


def _look_for(nickname: str, change: CreateGroup, book: Book) -> Generator[Ask | Pause, Answer, Mapping[str, Any]]:
    """The group that a create of unknown end made, if it did."""
    for _ in range(PATIENCE):
        listed = yield ListGroups(LOOKED_FOR, f"mailNickname eq '{nickname}'")
        for each in listed.body["value"] if listed.done else ():
            found = ours_of(each)
            if found is not None and found[0] == change.group.key:
                return dict(each)
        yield Pause(WAIT)
    return {}


def _update(change: UpdateGroup, book: Book) -> Script:
    doing = f"rename the group {change.before} to {change.after}"
    mine = kept(change, book)
    if isinstance(mine, Rejected):
        return mine
    archived = mine.archived if change.archive is None else change.archive
    text = description(mine.description, change.key, archived, mine.made_as)
    body = {"displayName": change.after[:256], "description": text}
    answer = yield from patiently(PatchGroup(mine.anchor, body), mine.anchor, book)
    if not answer.done:
        return judged(change, doing, answer, "rename groups", "Group.ReadWrite.All")
    book.ours[change.key] = replace(mine, name=change.after, archived=archived, description=text)
    book.taken.pop(mine.name.casefold(), None)
    book.taken[change.after.casefold()] = (mine.anchor, f"the group {change.after}")
    book.wrote(mine.anchor, body)
    return Applied(change, mine.anchor)
