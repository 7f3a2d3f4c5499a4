"""How a page says a time, a number and a value: the Jinja2 environment of the console and its filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"

HTMX = {
    "includeIndicatorStyles": False,
    "allowEval": False,
    "allowScriptTags": False,
    "selfRequestsOnly": True,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
}
"""What htmx is told in a meta tag. It injects no style, evaluates nothing and keeps no page: a page holds people's data, and the browser is shared."""


def environment(zone: tzinfo, clock: Callable[[], datetime]) -> Environment:
    """The templates with everything that they need. A page that is about one school passes that school's `zone`; the others are told in this one.
    `clock` gives an aware moment. A name that a template uses and nobody passed is an error, never an empty place."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"zone": zone, "clock": clock, "htmx_config": HTMX}
    made.filters |= {
        "when": _when,
        "day": _day,
        "ago": _ago,
        "iso": iso,
        "plural": plural,
        "number": number,
        "value": value,
        "breakable": breakable,
        "query": query,
    }
    return made


def when(given: datetime | str, zone: tzinfo, now: datetime | None = None) -> str:
    """ "26 November at 04:40" in `zone`; with the year where it is not the year of `now`."""
    local = moment(given).astimezone(zone)
    return f"{_date(local, zone, now)} at {local:%H:%M}"


def day(given: date | str, zone: tzinfo, now: datetime | None = None) -> str:
    """ "26 November" of a date, or of a moment in `zone`; with the year where it is not the year of `now`."""
    told = date_or_moment(given)
    return _date(told.astimezone(zone) if isinstance(told, datetime) else told, zone, now)


def ago(given: datetime | str, now: datetime) -> str:
    """How far from `now`, in the largest unit that is not nought: "3 minutes ago", "in 2 hours", "just now"."""
    apart = now - moment(given)
    ahead = apart < timedelta()
    seconds = abs(apart).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            told = plural(int(seconds // length), unit)
            return f"in {told}" if ahead else f"{told} ago"
    return "in a moment" if ahead else "just now"


def plural(count: int, one: str, many: str = "") -> str:
    """ "1 person", "1,340 people": the number with its word; `many` where adding an s is wrong."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def number(count: float) -> str:
    """With commas: 1,340."""
    return f"{count:,}"


def value(given: Any) -> str:
    """A value of an account as a person reads it: yes or no, a list with commas, and "not set" where there is nothing."""
    if given is None or given in ("", [], ()):
        return "not set"
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, (list, tuple, set, frozenset)):
        return ", ".join(sorted(value(item) for item in given))
    if isinstance(given, Mapping):
        return ", ".join(f"{key}: {value(item)}" for key, item in given.items())
    return str(given)


def breakable(given: object) -> Markup:
    """Text in which a line may end before an @, so that a long address stays within its column."""
    return escape(given).replace("@", Markup("<wbr>@"))


def query(asked: Mapping[str, Any], **changed: Any) -> str:
    """`asked` with some keys changed, as the part of an address after the question mark; empty ones are left out."""
    return urlencode({key: told for key, told in {**asked, **changed}.items() if told not in (None, "")}, doseq=True)


def moment(given: datetime | str) -> datetime:
    """An aware moment; what has no zone, as the store keeps it, is in UTC."""
    told = datetime.fromisoformat(given) if isinstance(given, str) else given
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def date_or_moment(given: date | str) -> date | datetime:
    """A date where only a date was told, else an aware moment."""
    if isinstance(given, str):
        return date.fromisoformat(given) if len(given) == len("2026-11-26") else moment(given)
    return moment(given) if isinstance(given, datetime) else given


def iso(given: date | str) -> str:
    """For the `datetime` attribute of <time>."""
    told = date_or_moment(given)
    return told.isoformat(timespec="seconds") if isinstance(told, datetime) else told.isoformat()


def _date(told: date, zone: tzinfo, now: datetime | None) -> str:
    year = "" if now is None or told.year == now.astimezone(zone).year else f" {told.year}"
    return f"{told.day} {told:%B}{year}"


@pass_context
def _when(context: Context, given: datetime | str, zone: tzinfo | None = None) -> str:
    return when(given, zone or context["zone"], context["clock"]())


@pass_context
def _day(context: Context, given: date | str, zone: tzinfo | None = None) -> str:
    return day(given, zone or context["zone"], context["clock"]())


@pass_context
def _ago(context: Context, given: datetime | str) -> str:
    return ago(given, context["clock"]())
