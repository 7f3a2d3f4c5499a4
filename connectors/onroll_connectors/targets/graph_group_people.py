"""Who is put into a group of Microsoft 365 and taken out: twenty at a time, leaders one by one, a class's team when it has its first."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from onroll_connectors.targets.graph_asks import (
    Answer,
    Ask,
    MakeTeam,
    PatchGroup,
    Pause,
    PutIn,
    TakeOut,
)
from onroll_connectors.targets.graph_group_answers import gone, judged, kept, not_in, patiently, there
from onroll_connectors.targets.graph_group_book import Book, Ours, description
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_steps import Script
from onroll_core.changes import (
    AddMember,
    Applied,
    Deferred,
    Rejected,
    RemoveMember,
)

BIND = 20
"""Graph takes so many new members in one request, all of them or none."""


def add(change: AddMember, book: Book) -> Script:
    """Put somebody into a group, and with them up to nineteen others for whom the same batch wants the same."""
    told = book.told.pop(id(change), None)
    if told is not None:
        return told
    mine = kept(change, book)
    if isinstance(mine, Rejected):
        return mine
    waiting = book.together.get(change.key, [change])
    start = next((at for at, each in enumerate(waiting) if each is change), 0)
    some = [each for each in waiting[start:] if id(each) not in book.told][:BIND]
    yield from _add_some(some or [change], mine, book)
    return book.told.pop(id(change))


def _add_some(some: Sequence[AddMember], mine: Ours, book: Book) -> Generator[Ask | Pause, Answer, None]:
    """Put up to twenty people into a group, and note what became of each."""
    people: dict[str, list[AddMember]] = {}
    for each in some:
        account = each.who.anchor or book.people.get(each.who.identity)
        if account is None:
            why = f"Could not put {each.who.username} into {each.group_name}: there is no account in Microsoft 365 yet. Why stands beside it."
            book.told[id(each)] = Deferred(each, why)
        else:
            people.setdefault(account, []).append(each)
    new = [person for person in people if person not in mine.members]
    refused: dict[str, Answer] = {}
    if new:
        bound = [f"{book.base}/directoryObjects/{person}" for person in new]
        answer = yield from patiently(PatchGroup(mine.anchor, {"members@odata.bind": bound}), mine.anchor, book, new)
        if not answer.done and len(new) == 1 and there(answer):
            answer = Answer(204)
        if not answer.done:
            # All of them or none: who is the matter is found one by one.
            for person in new:
                single = answer
                if not answer.unknown and answer.status != 403:
                    single = yield from patiently(PutIn(mine.anchor, "members", person), mine.anchor, book, [person])
                if not single.done and not there(single):
                    refused[person] = single
    for person, changes in people.items():
        for each in changes:
            if person in refused:
                book.told[id(each)] = not_in(each, refused[person])
                continue
            book.moved(mine.anchor, "members", person, True)
            if each.owner:
                book.told[id(each)] = yield from _lead(each, person, book)
            else:
                book.put.add((each.key, each.who.identity))
                note = "was in it already" if person in mine.members else ""
                book.told[id(each)] = Applied(each, mine.anchor, note)
    now = book.ours[some[0].key]
    book.ours[some[0].key] = replace(now, members=now.members | (people.keys() - refused.keys()))


def _lead(change: AddMember, person: str, book: Book) -> Script:
    mine = book.ours[change.key]
    if person not in mine.owners:
        relation = "teachers" if mine.made_as else "owners"
        answer = yield from patiently(PutIn(mine.anchor, relation, person), mine.anchor, book, [person])
        if not answer.done and not there(answer):
            return not_in(change, answer)
    book.moved(mine.anchor, "owners", person, True)
    book.ours[change.key] = mine = replace(mine, owners=mine.owners | {person})
    if mine.made_as == "class" and book.kind_of(change.key) == "team":
        return (yield from _team(change, mine, book))
    return Applied(change, mine.anchor)


def _team(change: AddMember, mine: Ours, book: Book) -> Script:
    """Give a class its team, once it has somebody to lead it; that is noted on the group, so that it is asked for once."""
    template = f"{book.base}/teamsTemplates('educationClass')"
    ask = MakeTeam({"template@odata.bind": template, "group@odata.bind": f"{book.base}/groups('{mine.anchor}')"})
    answer = yield from patiently(ask, mine.anchor, book)
    if not answer.done and answer.status != 409:
        return judged(change, f"give {change.group_name} a team", answer, "make teams", "Team.Create")
    text = description(mine.description, change.key, mine.archived, "team")
    noted = yield from patiently(PatchGroup(mine.anchor, {"description": text}), mine.anchor, book)
    if not noted.done:
        return judged(change, f"note the team of {change.group_name}", noted, "change groups", "Group.ReadWrite.All")
    book.ours[change.key] = replace(mine, made_as="team", description=text)
    book.wrote(mine.anchor, {"description": text})
    return Applied(change, mine.anchor, "Its team was asked for; Teams makes it in its own time.")


def remove(change: RemoveMember, book: Book) -> Script:
    """Take somebody out of a group, or from its lead."""
    mine = kept(change, book)
    if isinstance(mine, Rejected):
        return mine
    person = change.who.object
    if not change.owner and person in mine.owners:
        return Applied(change, mine.anchor, "leads it now, and whoever leads a group is a member too")
    relations = ["members"]
    if change.owner:
        # Whoever leads a group is a member too, and stays one only when the same plan made them one.
        relations = ["teachers" if mine.made_as else "owners", *([] if _stays(change, book) else ["members"])]
    for relation in relations:
        answer = yield from patiently(TakeOut(mine.anchor, relation, person), mine.anchor, book)
        if not answer.done and not gone(answer):
            if "at least one owner" in read_problem(answer).message:
                return Deferred(
                    change,
                    f"{change.who.username} is the last who leads {change.group_name}, and Microsoft 365 keeps one. It is done when the MIS names"
                    " another teacher.",
                )
            return judged(
                change,
                f"take {change.who.username} out of {change.group_name}",
                answer,
                "change who is in groups",
                "Group.ReadWrite.All",
            )
        book.moved(mine.anchor, "members" if relation == "members" else "owners", person, False)
    now = book.ours[change.key]
    if change.owner:
        now = replace(now, owners=now.owners - {person})
    if "members" in relations:
        now = replace(now, members=now.members - {person})
    book.ours[change.key] = now
    return Applied(change, mine.anchor)


def _stays(change: RemoveMember, book: Book) -> bool:
    return (change.key, change.who.identity) in book.put
