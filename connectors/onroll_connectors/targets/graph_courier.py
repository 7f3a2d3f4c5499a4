"""Reads are repeated until they succeed; scripts are carried out side by side, twenty parts to a batch, at Microsoft's pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from onroll_connectors.targets.graph_asks import (
    Answer,
    Ask,
    Delta,
    GroupDelta,
    ListDeleted,
    ListGroups,
    ListUsers,
    More,
    Once,
    Pause,
    Wire,
    Write,
    resource_units,
)
from onroll_connectors.targets.graph_pace import Pace
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_steps import Script
from onroll_core.changes import Change, Deferred, Outcome
from onroll_core.errors import Halt, Unavailable

BATCH = 20
SIDE_BY_SIDE = 4
WAVE = BATCH * SIDE_BY_SIDE
_TRIES = 6
_TURNED_AWAY = 30

ENDED = "The window ended."


@dataclass(slots=True)
class Courier:
    """Sends asks through a wire, at a pace, and knows when to try again."""

    wire: Wire
    pace: Pace

    def ask(self, ask: Ask) -> Answer:
        """One read, repeated while the service is busy or failing; raises Unavailable when it stays so, Halt when the token is refused."""
        answer = Answer(0)
        for attempt in range(_TRIES):
            if not self.pace.enter(0, resource_units(ask)):
                raise Unavailable(ENDED)
            answer = self.wire.send(ask)
            if not (answer.unknown or answer.busy):
                _refuse_lockout(answer)
                return answer
            self.pace.close_gate(_patience(answer, attempt))
        raise Unavailable(
            f"Microsoft 365 was too busy {_TRIES} times in a row (429). It is tried again later."
            if answer.busy
            else f"Microsoft 365 did not answer {_TRIES} times in a row ({answer.status or answer.body}). It is tried again later."
        )

    def pages(self, first: ListUsers | ListDeleted | ListGroups | Delta | GroupDelta) -> Iterator[Mapping[str, Any]]:
        """The pages of a list, whole; a refusal of the first one is given as its body. Raises Unavailable rather than end early."""
        ask: Ask = first
        while True:
            answer = self.ask(ask)
            if (
                not answer.done
                or not isinstance(answer.body, Mapping)
                or not isinstance(answer.body.get("value"), list)
            ):
                raise PageRefused(answer)
            yield answer.body
            link = answer.body.get("@odata.nextLink")
            if link is None:
                return
            ask = replace(first, link=str(link)) if isinstance(first, Delta | GroupDelta) else More(str(link))

    def all(self, asks: Sequence[Ask]) -> list[Answer]:
        """Several reads side by side, each repeated as in `ask`; the answers in the order asked."""
        answers: dict[int, Answer] = {}
        for attempt in range(_TRIES):
            left = [at for at in range(len(asks)) if at not in answers]
            for start in range(0, len(left), WAVE):
                some = left[start : start + WAVE]
                got = self.wave([asks[at] for at in some])
                if got is None:
                    raise Unavailable(ENDED)
                for at, answer in zip(some, got, strict=True):
                    if answer.unknown:
                        self.pace.close_gate(_patience(answer, attempt))
                    elif not answer.busy:
                        answers[at] = answer
            if len(answers) == len(asks):
                return [answers[at] for at in range(len(asks))]
        raise Unavailable(f"Microsoft 365 did not answer {_TRIES} times in a row. It is tried again later.")

    def wave(self, asks: Sequence[Ask]) -> list[Answer] | None:
        """Send up to WAVE asks side by side, once; None when the run has to end before they may leave."""
        writes = sum(isinstance(ask, Write) for ask in asks)
        if not self.pace.enter(writes, sum(resource_units(ask) for ask in asks)):
            return None
        batches = [asks[start : start + BATCH] for start in range(0, len(asks), BATCH)]
        answers = [answer for batch in self.wire.batches(batches) for answer in batch]
        for answer in answers:
            # One gate: whoever is turned away, everybody waits.
            if answer.busy:
                self.pace.close_gate(_patience(answer, 0))
        for answer in answers:
            _refuse_lockout(answer)
        return answers


class PageRefused(Exception):
    """A page of a list that was refused; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("a page was refused")
        self.answer = answer


def _refuse_lockout(answer: Answer) -> None:
    if answer.status == 401:
        raise Halt(
            f"Microsoft 365 refused the token of the app: {read_problem(answer).message} Look at the app registration in Entra:"
            " the tenant, the client id, and whether its certificate or secret has expired."
        )


def _patience(answer: Answer, attempt: int) -> float:
    """Seconds to leave the service alone: what it says (at most 5 minutes at a time), else longer with every attempt."""
    told = answer.wait()
    return min(told, 300.0) if told else min(2.0**attempt, 30.0) if answer.unknown else min(5.0 * 2**attempt, 60.0)


@dataclass(slots=True)
class _Running:
    """One change under way: its script, what it asks next, and from when."""

    script: Script
    ask: Ask | Pause = field(default_factory=lambda: Pause(0))
    ready: float = 0.0
    tries: int = 0
    turned_away: int = 0


@dataclass(slots=True)
class Round:
    """A batch of changes on its way. Changes of one account follow each other; different accounts go side by side."""

    courier: Courier
    changes: Sequence[Change]
    begin: Callable[[Change], Script]
    lane_of: Callable[[Change], str]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    halted: Halt | None = None
    _lanes: dict[str, deque[int]] = field(default_factory=dict)
    _running: dict[int, _Running] = field(default_factory=dict)

    def run(self) -> Iterator[Outcome]:
        """The outcomes in the order of the changes, each as soon as it and those before it are known.

        Raises what stopped the round, after everything that is known was told.
        """
        for at, change in enumerate(self.changes):
            self._lanes.setdefault(self.lane_of(change), deque()).append(at)
        for lane in list(self._lanes):
            self._next(lane)
        told = 0
        try:
            while self._running and self.halted is None:
                self._step()
                while told in self.outcomes:
                    yield self.outcomes[told]
                    told += 1
        except (Halt, Unavailable) as stopped:
            yield from self._rest(told, stopped)
            raise
        if self.halted is not None:
            yield from self._rest(told, self.halted)
            raise self.halted
        while told in self.outcomes:
            yield self.outcomes[told]
            told += 1

    def _rest(self, told: int, stopped: Exception) -> Iterator[Outcome]:
        """What is known beyond the first gap, the gaps being told as deferred."""
        last = max((at for at in self.outcomes if at >= told), default=told - 1)
        for at in range(told, last + 1):
            yield self.outcomes.get(at) or Deferred(self.changes[at], str(stopped))

    def _step(self) -> None:
        now = self.courier.pace.monotonic()
        ready = [at for at, running in self._running.items() if running.ready <= now][:WAVE]
        if not ready:
            soonest = min(running.ready for running in self._running.values())
            if not self.courier.pace.wait(soonest - now):
                raise Unavailable(ENDED)
            return
        asks: dict[int, Ask] = {}
        for at in ready:
            ask = self._running[at].ask
            if isinstance(ask, Pause):
                self._advance(at, Answer(204))
            else:
                asks[at] = ask
        answers = self.courier.wave(list(asks.values())) if asks else []
        if answers is None:
            raise Unavailable(ENDED)
        for at, answer in zip(asks, answers, strict=True):
            self._answered(at, answer)

    def _answered(self, at: int, answer: Answer) -> None:
        running = self._running[at]
        now = self.courier.pace.monotonic()
        if answer.busy and running.turned_away < _TURNED_AWAY:
            running.turned_away += 1
            return
        # A create is never sent again without a look; everything else may be.
        if answer.unknown and not isinstance(running.ask, Once) and running.tries < _TRIES:
            running.ready = now + _patience(answer, running.tries)
            running.tries += 1
            return
        self._advance(at, answer)

    def _advance(self, at: int, answer: Answer | None) -> None:
        """Go on with a change after an answer; when that ends it, begin what waited behind it."""
        if not self._goes_on(at, answer):
            self._next(self.lane_of(self.changes[at]))

    def _goes_on(self, at: int, answer: Answer | None) -> bool:
        """One step of a script; False when it has ended, with its outcome kept."""
        running = self._running[at]
        try:
            ask = next(running.script) if answer is None else running.script.send(answer)
        except StopIteration as ended:
            self.outcomes[at] = ended.value
            del self._running[at]
            self._lanes[self.lane_of(self.changes[at])].popleft()
            return False
        except Halt as halt:
            self.halted = halt
            self.outcomes[at] = Deferred(self.changes[at], str(halt))
            del self._running[at]
            return True
        running.tries = running.turned_away = 0
        running.ask = ask
        if isinstance(ask, Pause):
            running.ready = self.courier.pace.monotonic() + ask.seconds
        return True

    def _next(self, lane: str) -> None:
        """Begin the next change of a lane, and those after it as long as they end without asking anything."""
        while self._lanes[lane] and self.halted is None:
            at = self._lanes[lane][0]
            self._running[at] = _Running(self.begin(self.changes[at]))
            if self._goes_on(at, None):
                return
