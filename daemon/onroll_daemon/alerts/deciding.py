"""What to tell now: a pure function of what was told before, what is so now, and the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from onroll_daemon.alerts.rules import AlertRules
from onroll_daemon.alerts.seen import Alert, Kind, SchoolSeen, Waiting, spoken, waiting
from onroll_daemon.alerts.week import week_of
from onroll_daemon.freshness import Word

SETTLES = timedelta(minutes=15)
"""A word that does not last so long is not told: most first tries that fail are put right by the second."""
PATIENCE = timedelta(days=1)
"""Between two reminders of the same trouble, and before a school that has just been set up counts as late."""
_KEPT = 200

Write = Callable[[Kind, Mapping[str, Any]], tuple[str, str]]
"""Title and text of an alert from its values."""


@dataclass(frozen=True, slots=True)
class Told:
    """What people know of one school. `word` is the last that was told, at `told_at`; `seen` what it has been since `seen_since`.

    Runs up to `first_run` were there before anybody was told anything. `held` are digests, `failed` runs, of which people know; `digest_due` is the
    due moment of the last digest.
    """

    first_run: int
    digest_due: datetime
    word: Word = "fresh"
    told_at: datetime | None = None
    seen: Word = "fresh"
    seen_since: datetime | None = None
    held: tuple[str, ...] = ()
    failed: tuple[int, ...] = ()


def decide(
    before: Mapping[str, Told], schools: Iterable[SchoolSeen], now: datetime, rules: AlertRules, write: Write
) -> tuple[list[Alert], dict[str, Told]]:
    """The alerts to send, and what is to be remembered as told. Asked again with that, it has nothing to say."""
    alerts: list[Alert] = []
    after: dict[str, Told] = {}
    for school in schools:
        told = before.get(school.id) or _unknown(school, now, rules)
        for step in (_feed, _held, _failed, _digest):
            found, told = step(told, school, now, rules, write)
            alerts += found
        after[school.id] = told
    return alerts, after


def _unknown(school: SchoolSeen, now: datetime, rules: AlertRules) -> Told:
    """A school nobody was told of yet: its past is not told either."""
    newest = max((run.id for run in school.runs), default=0)
    return Told(newest, rules.digest.last(now, school.zone))


def _common(school: SchoolSeen, rules: AlertRules) -> dict[str, Any]:
    return {
        "school": school.name,
        "school_id": school.id,
        "word": school.word,
        "reason": school.reason,
        "last_read": spoken(school.last_read, school.zone) if school.last_read else "",
        "console": rules.console_address,
    }


def _alert(kind: Kind, key: str, school: SchoolSeen, rules: AlertRules, write: Write, more: Mapping[str, Any]) -> Alert:
    title, text = write(kind, _common(school, rules) | dict(more))
    return Alert(kind, school.id, title, text, key)


Step = tuple[list[Alert], Told]


def _feed(told: Told, school: SchoolSeen, now: datetime, rules: AlertRules, write: Write) -> Step:
    """Late or failing: once for each word, again after a day; and once that it is well again."""
    if school.word != told.seen or told.seen_since is None:
        told = replace(told, seen=school.word, seen_since=now)
    assert told.seen_since is not None
    kind: Kind = "well" if school.word == "fresh" else school.word
    again = school.word == told.word
    if again and (school.word == "fresh" or (told.told_at is not None and now - told.told_at < PATIENCE)):
        return [], told
    settles = PATIENCE if school.cause == "never read" else SETTLES
    if kind != "well" and (kind not in rules.about or now - told.seen_since < settles):
        return [], told
    after = replace(told, word=school.word, told_at=now)
    if school.cause in ("reading waits", "plan waits") and not again and "held" in rules.about:
        return [], after  # what is held is told by itself, at once; after a day people are reminded of it here
    key = f"{kind}:{school.id}:{now.astimezone(UTC).isoformat(timespec='seconds')}"
    return [_alert(kind, key, school, rules, write, {"again": again, "before": told.word})], after


def _held(told: Told, school: SchoolSeen, now: datetime, rules: AlertRules, write: Write) -> Step:
    """What waits for a person: once for each digest."""
    if "held" not in rules.about:
        return [], told
    found: list[Alert] = []
    for each in waiting(school):
        name = _name_of(each)
        if name not in told.held:
            told = replace(told, held=(*told.held, name)[-_KEPT:])
            values = {
                "where": each.where,
                "digest": each.digest,
                "run": each.run,
                "objections": list(each.objections),
            }
            found.append(_alert("held", f"held:{school.id}:{name}", school, rules, write, values))
    return found, told


def _name_of(each: Waiting) -> str:
    return f"{each.where}:{each.digest or f'run {each.run}'}"


def _failed(told: Told, school: SchoolSeen, now: datetime, rules: AlertRules, write: Write) -> Step:
    """Changes that a target refused: once for each run."""
    if "failed changes" not in rules.about:
        return [], told
    found: list[Alert] = []
    for run in reversed(school.runs):
        targets = [target for target in run.targets if target.failed]
        if not targets or run.id <= told.first_run or run.id in told.failed:
            continue
        told = replace(told, failed=(*told.failed, run.id)[-_KEPT:])
        values = {
            "run": run.id,
            "when": spoken(run.started, school.zone),
            "total": sum(target.failed for target in targets),
            "targets": [
                {
                    "name": target.name,
                    "failed": target.failed,
                    "reasons": [{"why": why, "times": times} for why, times in target.reasons],
                }
                for target in targets
            ],
        }
        found.append(_alert("failed changes", f"failed changes:{school.id}:run {run.id}", school, rules, write, values))
    return found, told


def _digest(told: Told, school: SchoolSeen, now: datetime, rules: AlertRules, write: Write) -> Step:
    """The week that is over, once it is due; after a pause of several weeks only the last of them."""
    due = rules.digest.last(now, school.zone)
    if due <= told.digest_due:
        return [], told
    told = replace(told, digest_due=due)
    if "digest" not in rules.about:
        return [], told
    day = due.astimezone(school.zone).date()
    return [_alert("digest", f"digest:{school.id}:{day}", school, rules, write, week_of(school, due))], told
