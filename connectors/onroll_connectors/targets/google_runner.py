"""Many conversations with Google at once: what they ask is packed into batches, paced, retried where that is safe, and answered in order."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.targets.google_asks import Answer, Ask, Cost, Pause, Problem, Reply, Result, Script
from onroll_connectors.targets.google_pace import Pace
from onroll_core.errors import OnrollError, Unavailable

Send = Callable[[Sequence[Ask]], Sequence[Reply]]
"""Sends a batch from whatever thread it is called in; one reply for each ask. Raises Halt when the credentials are refused."""

# 1 + 2 + 4 ... + 60 s: four minutes in which nothing came through at all.
_PATIENCE = 9
_TRIES = 8
# A batch goes to one API; Classroom takes no more than fifty calls in one.
_APIS: Sequence[tuple[Sequence[Cost], int]] = ((("query", "create", "unit"), 1000), (("lesson",), 50))


@dataclass(slots=True)
class _Job:
    index: int
    chain: str
    script: Script[Any]
    ask: Ask | None = None
    tries: int = 0
    sent: bool = False
    done: bool = False
    result: Any = None


@dataclass(frozen=True, slots=True)
class Open:
    """A conversation that did not end; `sent` when something of it left."""

    sent: bool


@dataclass(slots=True)
class Runner:
    """Runs scripts. Scripts of one chain run one after the other, everything else side by side; only the calling thread sleeps.

    `parts` is the most that a batch holds, `pool` the threads that send. Raises what `send` raised, and Unavailable when
    nothing came through for minutes, after what was under way has been answered.
    """

    send: Send
    pace: Pace
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    stopping: Callable[[], bool]
    pool: ThreadPoolExecutor
    workers: int
    parts: int
    failure: OnrollError | None = None
    _ready: dict[Cost, deque[_Job]] = field(
        default_factory=lambda: {cost: deque() for costs, _ in _APIS for cost in costs}
    )
    _later: list[tuple[float, int, _Job]] = field(default_factory=list)
    _flying: dict[Future[Sequence[Reply]], list[_Job]] = field(default_factory=dict)
    _chains: dict[str, deque[_Job]] = field(default_factory=dict)
    _failures: int = 0

    def run(self, scripts: Sequence[tuple[str, Script[Any]]]) -> Generator[Any, None, None]:
        """The result of each script, in the order given, as soon as it and those before it are known.

        When the run has to end, or failed, the scripts that did not end give `Open`; a failure is then raised after the last result.
        """
        jobs = [_Job(index, chain, script) for index, (chain, script) in enumerate(scripts)]
        for job in jobs:
            line = self._chains.setdefault(job.chain, deque())
            line.append(job)
        shown = 0
        try:
            for line in list(self._chains.values()):
                self._go_on(line[0], None)
            while shown < len(jobs) and not self._ended():
                if jobs[shown].done:
                    yield jobs[shown].result
                    shown += 1
                else:
                    self._turn()
            yield from self._rest(jobs[shown:])
        finally:
            # Whoever stops listening early leaves nothing under way behind.
            wait(self._flying)
            self._clear()

    def one(self, script: Script[Result]) -> Result:
        """The result of one script; raises what `send` raised, and Unavailable when the run has to end."""
        results = list(self.run([("", script)]))
        if not results or isinstance(results[0], Open):
            raise Unavailable("The run had to end before Google Workspace had answered. It goes on at the next run.")
        result: Result = results[0]
        return result

    def _ended(self) -> bool:
        return (self.failure is not None or self.stopping()) and not self._flying

    def _rest(self, jobs: Sequence[_Job]) -> Iterator[Any]:
        last = max((place for place, job in enumerate(jobs) if job.done), default=-1)
        failure = self.failure
        for place, job in enumerate(jobs):
            if failure is None or place <= last:
                yield job.result if job.done else Open(job.sent)
        if failure is not None:
            raise failure

    def _clear(self) -> None:
        self._flying.clear()
        for queue in self._ready.values():
            queue.clear()
        self._later.clear()
        self._chains.clear()
        self.failure = None
        self._failures = 0

    def _turn(self) -> None:
        """Send what may be sent; then wait for an answer, or for the moment from which more may be sent."""
        now = self.monotonic()
        while self._later and self._later[0][0] <= now:
            self._queue(heapq.heappop(self._later)[2])
        if self.failure is None and not self.stopping():
            while len(self._flying) < self.workers and (batch := self._batch(now)):
                for job in batch:
                    job.sent = True
                asks = [job.ask for job in batch if job.ask is not None]
                self._flying[self.pool.submit(self.send, asks)] = batch
        moment = self._next(now)
        if self._flying:
            # With every worker busy there is nothing to do but to wait for one.
            full = len(self._flying) >= self.workers or self.failure is not None or self.stopping()
            patience = None if full or moment is None else max(0.0, moment - now)
            done, _ = wait(self._flying, timeout=patience, return_when=FIRST_COMPLETED)
            for future in done:
                self._landed(future, self._flying.pop(future))
        elif moment is not None and moment > now:
            self.sleep(moment - now)

    def _batch(self, now: float) -> list[_Job]:
        batch: list[_Job] = []
        for costs, most in _APIS:
            for cost in costs:
                queue = self._ready[cost]
                amount = min(len(queue), min(self.parts, most) - len(batch), self.pace.room(cost, now))
                if amount > 0:
                    batch += [queue.popleft() for _ in range(amount)]
                    self.pace.take(cost, amount, now)
            if batch:
                break
        return batch

    def _next(self, now: float) -> float | None:
        """When there will be something to send; None when only answers can bring it."""
        moments = [self.pace.opens(cost, now) for cost, queue in self._ready.items() if queue]
        if self._later:
            moments.append(self._later[0][0])
        return min(moments, default=None)

    def _landed(self, future: Future[Sequence[Reply]], batch: Sequence[_Job]) -> None:
        try:
            replies = future.result()
        except OnrollError as failure:
            self.failure = self.failure or failure
            return
        now = self.monotonic()
        problems = [reply for reply in replies if isinstance(reply, Problem) and (reply.busy or reply.passing)]
        if len(problems) < len(replies):
            self._failures = 0
        elif now >= self.pace.gate:
            # Nothing came through. Batches that were under way together count once.
            self._failures += 1
            self.pace.close_gate(now + min(60.0, 2.0 ** (self._failures - 1)))
            if self._failures > _PATIENCE:
                self.failure = self.failure or Unavailable(_silence(problems[0]))
        busy = [problem for problem in problems if problem.busy]
        if busy:
            self.pace.close_gate(now + (max(problem.retry_after or 0.0 for problem in busy) or 1.0))
        silent = len(problems) == len(replies)
        for job, reply in zip(batch, replies, strict=True):
            self._take(job, reply, now, silent=silent and len(replies) > 1)

    def _take(self, job: _Job, reply: Reply, now: float, silent: bool) -> None:
        """Hand a reply to its script, unless it is worth another try first.

        What concerns everybody (a quota, no connection, a batch with nothing but failures: `silent`) does not use up the tries of one ask.
        """
        if isinstance(reply, Problem) and job.ask is not None:
            again = reply.undone or ((reply.busy or reply.passing) and job.ask.repeat)
            if again and job.tries < _TRIES:
                job.tries += not (silent or reply.busy or reply.status == 0)
                delay = 0.0 if reply.undone else min(30.0, 2.0 ** max(0, job.tries - 1))
                heapq.heappush(self._later, (now + delay, job.index, job))
                return
        self._go_on(job, reply)

    def _go_on(self, job: _Job, reply: Reply | None) -> None:
        """Let a script go on until it asks, waits or ends."""
        job.tries, job.ask = 0, None
        try:
            step = next(job.script) if reply is None else job.script.send(reply)
        except StopIteration as end:
            job.done, job.result = True, end.value
            line = self._chains[job.chain]
            line.popleft()
            if line:
                self._go_on(line[0], None)
            return
        except OnrollError as failure:
            # Halt: nothing more can be done here until a person has acted.
            self.failure = self.failure or failure
            return
        if isinstance(step, Pause):
            heapq.heappush(self._later, (self.monotonic() + step.seconds, job.index, job))
        else:
            job.ask = step
            self._queue(job)

    def _queue(self, job: _Job) -> None:
        if job.ask is None:
            self._go_on(job, Answer({}))
        else:
            self._ready[job.ask.cost].append(job)


def _silence(problem: Problem) -> str:
    if problem.busy:
        return (
            "Google Workspace has refused every request for minutes because there were too many of them"
            f" ({problem.reason or problem.status}). Another program may be using up the quota of this project;"
            " onroll tries again at its next run."
        )
    if problem.status:
        return f"Google Workspace has answered with errors for minutes ({problem.status}). onroll tries again at its next run."
    if "CERTIFICATE_VERIFY_FAILED" in problem.message:
        return (
            "The certificate that was shown in Google's place is not trusted here. If the school inspects encrypted traffic, set ca_file to the"
            " inspection's own certificate, or exempt admin.googleapis.com and oauth2.googleapis.com from it."
        )
    return f"Google Workspace does not answer: {problem.message}. Is the network up, and may this machine reach Google?"
