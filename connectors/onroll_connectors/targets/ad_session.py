"""One connection for a run, replaced once when it breaks; and many conversations on it at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from onroll_connectors.targets.ad_errors import unreadable
from onroll_connectors.targets.ad_wire import Add, Answer, Entry, Lost, Request, Search, Talk, Wire, read
from onroll_core.changes import Change, Outcome, Rejected
from onroll_core.errors import OnrollError, Refused, Unavailable

IN_FLIGHT = 48


@dataclass(frozen=True, slots=True)
class Work:
    """A change, and the conversation that carries it out (told whether it is held again); those of one `chain` follow one another."""

    change: Change
    talk: Callable[[bool], Talk[Outcome]]
    chain: str


@dataclass(slots=True)
class _Running:
    position: int
    work: Work
    talk: Talk[Outcome]
    ticket: int


@dataclass(slots=True)
class Session:
    """The connection and what its root says. `open_wire` binds a new one."""

    open_wire: Callable[[], Wire] = field(repr=False)
    _wire: Wire | None = field(default=None, repr=False)
    _root: Entry | None = field(default=None, repr=False)

    def ask(self, request: Request) -> Answer:
        """One request and its answer. A read, and the making of an OU, is sent a second time when the connection breaks."""
        try:
            return self._asked(request)
        except Lost:
            if not isinstance(request, Search | Add):
                raise
            self.replace()
            return self._asked(request)

    def root(self) -> Entry:
        """The root of the domain controller: its domain, its schema, which one it is."""
        if self._root is None:
            self._root = self._asked_root()
        return self._root

    def close(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def replace(self) -> None:
        """Sign in anew. Another domain controller may not know yet what the first one was told, so it has to be the same one."""
        before = self._root
        self.close()
        self._root = None
        if before is not None and self.root().text("dsServiceName") != before.text("dsServiceName"):
            self.close()
            raise Unavailable(
                "The connection to Active Directory broke and another domain controller answered, which may not know yet what was"
                " written to the first. The next run looks again. Name one domain controller in [targets] server to be sure."
            )

    def run(self, works: Sequence[Work]) -> Iterator[Outcome]:
        """The outcomes of works, in order, with up to 48 requests in flight on the one connection.

        When it breaks, it is replaced once and every conversation under way is held again from its beginning: each looks before it writes.
        Raises Unavailable or Halt after everything in flight was answered and what is known so far was yielded.
        """
        return _Run(self, works).outcomes()

    def _asked(self, request: Request) -> Answer:
        wire = self.wire
        return wire.receive(wire.send(request))

    def _asked_root(self) -> Entry:
        answer = self._asked(read("", ["defaultNamingContext", "schemaNamingContext", "dsServiceName"]))
        if not answer.entries:
            raise unreadable("the root of the domain controller", answer)
        return answer.entries[0]

    @property
    def wire(self) -> Wire:
        """The connection, opened on first use."""
        if self._wire is None:
            self._wire = self.open_wire()
        return self._wire


@dataclass(slots=True)
class _Run:
    session: Session
    works: Sequence[Work]
    ended: dict[int, Outcome] = field(default_factory=dict)
    running: deque[_Running] = field(default_factory=deque)
    chains: set[str] = field(default_factory=set)
    started: int = 0
    trouble: OnrollError | None = None

    def outcomes(self) -> Iterator[Outcome]:
        replaced = False
        told = 0
        if self.works:
            self.session.root()  # known before anything breaks, so that a new connection can be compared with it
        while told < len(self.works):
            try:
                self._fill()
                if self.running:
                    first = self.running[0]
                    answer = self.session.wire.receive(first.ticket)
                    self.running.popleft()
                    self._go_on(first.position, first.work, first.talk, answer)
            except Lost as lost:
                if replaced:
                    raise Unavailable(f"{lost} It broke again after it had been replaced.") from None
                replaced = True
                self._hold_again()
            while told in self.ended:
                yield self.ended.pop(told)
                told += 1
            if self.trouble is not None and not self.running:
                raise self.trouble

    def _fill(self) -> None:
        while self.started < len(self.works) and len(self.running) < IN_FLIGHT and self.trouble is None:
            work = self.works[self.started]
            if work.chain in self.chains:
                return
            self.started += 1
            self.chains.add(work.chain)
            self._go_on(self.started - 1, work, work.talk(False), None)

    def _go_on(self, position: int, work: Work, talk: Talk[Outcome], answer: Answer | None) -> None:
        """Take one step of a conversation; its next request is sent, or its outcome kept."""
        try:
            request = next(talk) if answer is None else talk.send(answer)
        except StopIteration as ended:
            self._end(position, work, ended.value)
        except Refused as refused:
            self._end(position, work, Rejected(work.change, str(refused)))
        except OnrollError as trouble:
            self.trouble = self.trouble or trouble
            self.chains.discard(work.chain)
        else:
            running = _Running(position, work, talk, -1)
            self.running.append(running)  # before it is sent: when that fails, it is among those to be held again
            running.ticket = self.session.wire.send(request)

    def _end(self, position: int, work: Work, outcome: Outcome) -> None:
        self.ended[position] = outcome
        self.chains.discard(work.chain)

    def _hold_again(self) -> None:
        interrupted = sorted(self.running, key=lambda each: each.position)
        self.running.clear()
        self.session.replace()
        for each in interrupted:
            each.talk.close()
            self._go_on(each.position, each.work, each.work.talk(True), None)
