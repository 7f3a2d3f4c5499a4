"""A cleared plan is carried out batch by batch, each change written down before it is sent and after it is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from onroll_core.changes import Change, Deferred, Outcome, Unsent
from onroll_core.contracts import Target
from onroll_core.errors import Halt, OnrollError
from onroll_core.guard import Cleared


class Journal(Protocol):
    """Where intentions and outcomes are kept; both are durable when the call returns."""

    def intend(self, changes: Sequence[Change]) -> None:
        """Write down what is about to be sent."""
        ...

    def record(self, outcome: Outcome) -> None:
        """Write down what became of one change, and the account it made or switched."""
        ...


def apply(
    cleared: Cleared,
    target: Target,
    journal: Journal,
    stopping: Callable[[], bool],
    progress: Callable[[int, int], None],
) -> Iterator[Outcome]:
    """Carry out a cleared plan, yielding an outcome for every change of it.

    Ends early, with the rest `Unsent`, when `stopping()` turns true between two batches or the target halts. A change that was sent and not answered is
    `Deferred`: the next run observes what became of it. Never raises for what a target does.
    """
    changes = list(cleared.plan.changes)
    done = 0
    size = max(1, target.abilities.batch)
    for start in range(0, len(changes), size):
        if stopping():
            yield from _unsent(changes[start:], journal, "the window ended")
            return
        batch = changes[start : start + size]
        journal.intend(batch)
        answered = 0
        problem: Exception | None = None
        try:
            for outcome in islice(target.perform(batch), len(batch)):
                journal.record(outcome)
                answered += 1
                done += 1
                progress(done, len(changes))
                yield outcome
        except OnrollError as failure:
            problem = failure
        except Exception as failure:
            # A connector's own mistake: what was sent is unknown, and the other targets of the night go on.
            logging.getLogger("onroll").exception("unexpected failure while writing to %s", cleared.plan.target)
            problem = Halt(f"Writing failed in a way onroll did not expect ({type(failure).__name__}): see the log.")
        for change in batch[answered:]:
            lost = Deferred(
                change, str(problem) if problem else "the target gave no answer; looked at again in the next run"
            )
            journal.record(lost)
            yield lost
        if problem is not None:
            why = str(problem) if isinstance(problem, Halt) else f"{problem} The rest waits for the next run."
            yield from _unsent(changes[start + size :], journal, why)
            return


def _unsent(changes: Sequence[Change], journal: Journal, why: str) -> Iterator[Outcome]:
    if changes:
        journal.intend(changes)
    for change in changes:
        outcome = Unsent(change, why)
        journal.record(outcome)
        yield outcome
