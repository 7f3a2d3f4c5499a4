"""How a change of a Google Group is carried out, as a conversation: one call where nothing is in the way, and nothing where it is so already."""

from __future__ import annotations

from typing import Any, Literal

from onroll_connectors import group_marks
from onroll_connectors.targets import google_group_problems as problems
from onroll_connectors.targets.google_asks import Answer, Ask, Pause, Problem, Script
from onroll_connectors.targets.google_kept import MANAGER, MEMBER, OWNER, Circle, marked_group
from onroll_connectors.targets.google_talk import WAIT_SECONDS, WAITS, get
from onroll_core.accounts import Anchor
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
from onroll_core.groups.names import slug


def insert(circle: Circle, change: CreateGroup) -> Script[Outcome]:
    """Make a group, with the first address that is free."""
    kept, group = circle.kept, change.group
    if not (group.address and circle.domain):
        return Rejected(
            change,
            f"Could not {problems.doing(change)}: nothing is left of its name for an address. Change address in [school.groups].",
        )
    namesake = (kept.groups or {}).get(group.name.casefold())
    if namesake is not None:
        return problems.held(change, "the name", namesake, group_marks.mark(group.key))
    # Last year's class of that name is archived and keeps its address.
    record = slug(group.key.record.rpartition(":")[2] or group.key.record)
    for local in (group.address, f"{group.address[:40]}-{record}"):
        outcome = yield from _insert_at(circle, change, f"{local}@{circle.domain}")
        if outcome is not None:
            return outcome
    return Rejected(
        change, f"Could not {problems.doing(change)}: other groups of onroll's have every address that it could get."
    )


def _insert_at(circle: Circle, change: CreateGroup, address: str) -> Script[Outcome | None]:
    """Make it with an address; None when another group of ours has that."""
    group = change.group
    body = {"email": address, "name": group.name, "description": group_marks.described("", group.key)}
    for turn in range(WAITS + 1):
        reply = yield Ask("groups", "insert", {"body": body, "fields": "id"})
        if isinstance(reply, Answer):
            anchor = Anchor(reply.body["id"])
            circle.kept.made(anchor, group.key)
            return Applied(change, anchor)
        if not reply.taken:
            return problems.verdict(change, reply)
        found = yield from _who_has_it(circle, change, address)
        if found == "ours":
            return None
        if not isinstance(found, str):
            return found
        # It was made a moment ago, and Google's other servers have not heard of it yet; or nobody shows who has it.
        if turn < WAITS:
            yield Pause(WAIT_SECONDS)
    return Deferred(
        change,
        f"Could not {problems.doing(change)}: Google says that {address} is taken, and nobody shows it. Was a group or user of that address deleted a moment"
        " ago? onroll looks again at its next run.",
    )


def _who_has_it(circle: Circle, change: CreateGroup, address: str) -> Script[Outcome | Literal["ours", "nobody"]]:
    """What it means that an address is taken: "ours" when another group of onroll's has it, "nobody" when nobody shows it."""
    key = change.group.key
    reply = yield Ask("groups", "get", {"groupKey": address, "fields": "id,email,name,description,adminCreated"})
    if isinstance(reply, Answer):
        found = marked_group(reply.body)
        if found is not None and found[0] == key:
            anchor = Anchor(reply.body["id"])
            circle.kept.made(anchor, key, found=True)
            return Applied(change, anchor, "it was there already")
        if found is not None:
            return "ours"
        return problems.held(change, address, f"the group {reply.body.get('name') or address}", group_marks.mark(key))
    if not reply.gone and reply.status != 403:
        return problems.verdict(change, reply)
    reply = yield get(address)
    if isinstance(reply, Answer):
        return problems.held(change, address, f"the user {reply.body['primaryEmail']}", group_marks.mark(key))
    return "nobody" if reply.gone or reply.status == 403 else problems.verdict(change, reply)


def update(circle: Circle, change: UpdateGroup) -> Script[Outcome]:
    """Another name, or archived: the members stay, and so does what people wrote in the description."""
    there = circle.kept.listed.pop(change.anchor, None)
    if there is None:
        seen = yield Ask("groups", "get", {"groupKey": change.anchor, "fields": "id,name,description,adminCreated"})
        if isinstance(seen, Problem):
            return problems.verdict(change, seen)
        there = seen.body
    text = there.get("description") or ""
    found = marked_group(there)
    if found is None or found[0] != change.key:
        return not_ours(change, change.before)
    namesake = (circle.kept.groups or {}).get(change.after.casefold())
    if namesake is not None:
        return problems.held(change, "the name", namesake, group_marks.mark(change.key))
    archived = found[1] if change.archive is None else change.archive
    body = {"name": change.after, "description": group_marks.described(text, change.key, archived)}
    if there.get("name") == change.after and found[1] == archived:
        return Applied(change, change.anchor, "it was so already")
    reply = yield Ask("groups", "patch", {"groupKey": change.anchor, "body": body, "fields": "id"})
    return Applied(change, change.anchor) if isinstance(reply, Answer) else problems.verdict(change, reply)


def not_ours(change: GroupChange, name: str, where: str = "description") -> Rejected:
    """The outcome when what a change names no longer carries what it was made for."""
    return Rejected(
        change,
        f"{name} no longer carries what onroll made it for, and was not touched. Somebody changed its {where}: put back the line that names onroll.",
    )


def add(circle: Circle, change: AddMember, group: Anchor, person: Anchor) -> Script[Outcome]:
    """Put somebody in, or give somebody who is in it the other role. A manager is a member whom people have trusted with more, and stays one."""
    kept, role = circle.kept, OWNER if change.owner else MEMBER
    there = kept.role(group, person)
    if there == role or (role == MEMBER and there == MANAGER):
        return Applied(change, group, "it was so already")
    note = ""
    if there is None:
        reply = yield from _settled(circle, group, person, _insert_member(group, person, role))
        if isinstance(reply, Problem) and reply.accepted:
            note = "Google carries it out in a moment"
        elif isinstance(reply, Problem) and reply.taken:
            reply = yield from _give_role(circle, group, person, role)
    else:
        reply = yield from _give_role(circle, group, person, role)
    if isinstance(reply, Problem) and not note:
        return problems.verdict(change, reply)
    kept.let(group, person, role)
    kept.joined.add((group, person))
    return Applied(change, group, note)


def _give_role(circle: Circle, group: Anchor, person: Anchor, role: str) -> Script[Answer | Problem]:
    """Change a membership that is there; one that only waits for an owner's consent is there and is not, and is made anew."""
    at = {"groupKey": group, "memberKey": person}
    reply = yield Ask("members", "update", {**at, "body": {"role": role}, "fields": "id"})
    if isinstance(reply, Answer) or not reply.gone:
        return reply
    gone = yield Ask("members", "delete", at)
    if isinstance(gone, Problem) and not gone.gone:
        return gone
    return (yield from _settled(circle, group, person, _insert_member(group, person, role)))


def _insert_member(group: Anchor, person: Anchor, role: str) -> Ask:
    body: dict[str, Any] = {"id": person, "role": role}
    return Ask("members", "insert", {"groupKey": group, "body": body, "fields": "id"})


def remove(circle: Circle, change: RemoveMember, group: Anchor, person: Anchor) -> Script[Outcome]:
    """Take somebody out, unless this connection has just given them the other role in it."""
    kept = circle.kept
    there = kept.role(group, person)
    if (group, person) in kept.joined and there != (OWNER if change.owner else MEMBER):
        return Applied(change, group, "is in it in another role now")
    reply = yield from _settled(circle, group, None, Ask("members", "delete", {"groupKey": group, "memberKey": person}))
    note = ""
    if isinstance(reply, Problem):
        # Google says either of somebody who is not in it.
        if "memberkey" not in reply.message.lower() or reply.status not in (400, 404):
            return problems.verdict(change, reply)
        note = "was not in it any more"
    kept.let(group, person, None)
    return Applied(change, group, note)


def _settled(circle: Circle, group: Anchor, person: Anchor | None, ask: Ask) -> Script[Answer | Problem]:
    """Ask about a group or an account that may be seconds old, until Google knows it everywhere."""
    reply: Answer | Problem = yield ask
    for _ in range(WAITS):
        if isinstance(reply, Answer) or not reply.gone:
            break
        missing = person if "memberkey" in reply.message.lower() else group
        if missing is None or not circle.is_young(missing):
            break
        yield Pause(WAIT_SECONDS)
        reply = yield ask
    return reply
