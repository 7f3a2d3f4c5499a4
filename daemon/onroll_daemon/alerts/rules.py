"""What [alerts] says, checked: whom to tell, of what, when the digest is due, in whose words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args
from zoneinfo import ZoneInfo

from onroll_connectors.secrets import Secret
from onroll_daemon.mistakes import Mistakes

if TYPE_CHECKING:
    from onroll_daemon.tables import AlertsTable

Topic = Literal["late", "failing", "held", "failed changes", "digest"]
TOPICS: tuple[Topic, ...] = get_args(Topic)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DUE = re.compile(rf"({'|'.join(DAYS)})\s+([01]?\d|2[0-3]):([0-5]\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Weekly:
    """A moment of each week in a school's own time: `weekday` 0 is Monday."""

    weekday: int = 0
    at: time = time(7, 30)

    @classmethod
    def parse(cls, text: str) -> Weekly:
        """Reads "Monday 07:30". Raises ValueError with a sentence."""
        found = _DUE.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not a day and a time; write Monday 07:30")
        return cls(DAYS.index(found[1].capitalize()), time(int(found[2]), int(found[3])))

    def last(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The moment (aware, UTC) at which it was due last, at `now` or before."""
        today = now.astimezone(zone).date()
        day = today - timedelta(days=(today.weekday() - self.weekday) % 7)
        due = datetime.combine(day, self.at, zone).astimezone(UTC)
        if due > now:
            due = datetime.combine(day - timedelta(days=7), self.at, zone).astimezone(UTC)
        return due


@dataclass(frozen=True, slots=True)
class AlertRules:
    """Without anybody in `to` nothing is told. `templates` is a folder with own texts; see `texts`."""

    to: tuple[Secret, ...] = ()
    about: frozenset[str] = frozenset(TOPICS)
    personal_data: bool = False
    digest: Weekly = Weekly()
    templates: Path | None = None
    console_address: str = ""


def alert_rules(table: AlertsTable, folder: Path, mistakes: Mistakes, address: str | None = None) -> AlertRules:
    """The rules of a table; own texts are read and tried, and what is wrong with them is said. Paths are taken from `folder`.

    `address` is the console's, for a table that names none.
    """
    templates = None if table.templates is None else folder / Path(table.templates).expanduser()
    if templates is not None:
        from onroll_daemon.alerts.texts import wrong_with

        for sentence in wrong_with(templates):
            mistakes.say(("alerts", "templates"), sentence)
    to = tuple(dict.fromkeys(_placed(each, folder) for each in table.to))
    return AlertRules(
        to,
        frozenset(table.about),
        table.personal_data,
        Weekly.parse(table.digest),
        templates,
        (table.console_address or address or "").rstrip("/"),
    )


def _placed(secret: Secret, folder: Path) -> Secret:
    scheme, _, name = secret.reference.partition(":")
    return Secret(f"file:{(folder / Path(name).expanduser()).as_posix()}") if scheme == "file" else secret
