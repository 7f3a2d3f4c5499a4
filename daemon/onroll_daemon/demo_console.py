"""The morning after the demo's story: a night that is held, and a console in which to look at it all."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta

from onroll_connectors.sandbox.names import COMMUNITIES
from onroll_core.handout import WORDS
from onroll_core.night import Night
from onroll_daemon.demo import MORNING, Demo
from onroll_daemon.session import say

USER = "demo"


class ByHand:
    """Alarms that ring only when somebody asks for a run: in the story no night comes by itself."""

    def __init__(self) -> None:
        self.running = False
        self._calls: list[threading.Thread] = []

    def at(self, name: str, when: datetime, call: Callable[[], None]) -> None:
        """See `schedule.Alarms`; what is asked for by hand begins at once."""
        if name.endswith(" by hand"):
            thread = threading.Thread(target=call, name=name, daemon=True)
            self._calls.append(thread)
            thread.start()

    def start(self) -> None:
        """See `schedule.Alarms`."""
        self.running = True

    def stop(self) -> None:
        """See `schedule.Alarms`."""
        self.running = False
        for each in self._calls:
            each.join()


def closing_school(world: Demo) -> Night:
    """The pupils of a school that closed in summer are typed in, with September's dates: more whom nobody has seen than a night may make accounts for."""
    there = len(world.store.identities("milton-park"))
    names = [
        (first, last)
        for each in COMMUNITIES
        for first, last in zip((*each.girls, *each.boys), each.surnames, strict=False)
    ]
    for number in range(max(25, there * 5 // 100) + 8):
        first, last = names[number % len(names)]
        world.school.joins(first, last, 7 + number % 5, date(2026, 9, 1))
    return world.night("a school that closed")


def morning_after(world: Demo) -> tuple[str, str]:
    """It is the next morning, and somebody may sign in; gives the name and the password."""
    world.day += timedelta(days=1)
    world.school.today = world.day
    world.clock.turn(datetime.combine(world.day, MORNING))
    from onroll_daemon.console.own_passwords import hashed

    password = "-".join(secrets.choice(WORDS) for _ in range(3))
    operators = world.store.console.operators
    found = operators.add(USER, "Demo", None, "administrator", None, "the demo", world.clock())
    operators.set_password(found.id, hashed(password))
    return USER, password


def stay(world: Demo) -> None:
    """The console, until Ctrl-C."""
    from onroll_daemon.service import serve

    name, password = morning_after(world)
    host, port = world.settings.listen
    say(f"It is the morning of {world.day.day} {world.day:%B %Y}, and last night is held. Open the console:")
    say(f"  http://{host}:{port}/")
    say(f"  sign in as {name} with the password {password}")
    say("Or, in another terminal:")
    say(f"  onroll explain {world.username('Harry', 'Potter')} --config {world.settings.path}")
    say("Ctrl-C ends it, and nothing of it stays.")
    serve(world.settings, world.store, clock=world.clock, alarms=ByHand())
