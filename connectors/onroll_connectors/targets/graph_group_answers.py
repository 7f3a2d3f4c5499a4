"""What Graph's answers about groups come to, and how long something that is new is waited for."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from onroll_connectors.targets.graph_asks import (
    Answer,
    Ask,
    Pause,
)
from onroll_connectors.targets.graph_group_book import Book, Ours
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_steps import LOST
from onroll_core.changes import (
    AddMember,
    Deferred,
    GroupChange,
    Outcome,
    Rejected,
    RemoveMember,
    UpdateGroup,
)

PATIENCE, WAIT = 6, 10.0
_FORBIDDEN = "The app may not {what}: grant it {permission} and consent as an administrator, or switch these groups off (groups in the target's table)."


def kept(change: UpdateGroup | AddMember | RemoveMember, book: Book) -> Ours | Rejected:
    """The group that is about to be written, still carrying what it was made for."""
    name = change.before if isinstance(change, UpdateGroup) else change.group_name
    found = book.ours.get(change.key)
    wanted = change.anchor if isinstance(change, UpdateGroup) else change.group_anchor
    if found is None and wanted is None:
        return Rejected(
            change, f"Nobody was put into {name}: that group is not there. Why it was not made stands beside it."
        )
    if found is None or (wanted is not None and wanted != found.anchor):
        return Rejected(
            change,
            f"The group {name} is not in Microsoft 365 any more, or no longer carries onroll's line in its description; it was not touched.",
        )
    return found


def patiently(ask: Ask, group: str, book: Book, people: Sequence[str] = ()) -> Generator[Ask | Pause, Answer, Answer]:
    """Ask, again and again while something of it is so new that not all of the service knows it."""
    for _ in range(PATIENCE):
        answer = yield ask
        if answer.done or answer.unknown or not read_problem(answer).not_yet:
            return answer
        if not any(book.young(each) for each in (group, *people)):
            return answer
        yield Pause(WAIT)
    return (yield ask)


def there(answer: Answer) -> bool:
    return answer.status == 400 and "already exist" in read_problem(answer).message


def gone(answer: Answer) -> bool:
    return answer.status == 404 or (answer.status == 400 and "references do not exist" in read_problem(answer).message)


def not_in(change: AddMember, answer: Answer) -> Outcome:
    doing = f"put {change.who.username} into {change.group_name}"
    return judged(change, doing, answer, "change who is in groups", "Group.ReadWrite.All")


def judged(change: GroupChange, doing: str, answer: Answer, what: str, permission: str) -> Outcome:
    if answer.unknown or answer.busy:
        return Deferred(change, LOST if answer.unknown else "Microsoft 365 was too busy to take it in this run.")
    problem = read_problem(answer)
    if problem.denied:
        return Rejected(change, _FORBIDDEN.format(what=what, permission=permission))
    if problem.not_yet:
        return Deferred(
            change,
            f"Could not {doing} yet: something of it is not known everywhere in Microsoft 365. The next run does it.",
        )
    return Rejected(change, f"Could not {doing}: {problem.sentence}")


def held(doing: str, whose: str) -> str:
    return f"Could not {doing}: the name is held by {whose}, which onroll did not make and leaves alone. Rename that one, or change the names of groups in [school.groups]."
