"""The words of alerts: ours, or a folder's own; Jinja2 in its sandbox, and a placeholder that does not exist is a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

OURS = Path(__file__).parent / "wording"
_COMMON: dict[str, Any] = {
    "school": "Milton Park School",
    "school_id": "milton-park",
    "word": "failing",
    "reason": "The MIS could not be read.",
    "last_read": "Monday 23 November at 19:05",
    "console": "https://onroll.school.test",
}
_FEED: dict[str, Any] = _COMMON | {"again": True, "before": "late"}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "late": _FEED,
    "failing": _FEED,
    "well": _FEED,
    "held": _COMMON
    | {"where": "ad", "digest": "0123456789abcdef", "run": 12, "objections": ["9 pupils would be disabled."]},
    "failed changes": _COMMON
    | {
        "run": 12,
        "when": "Monday 23 November at 19:05",
        "total": 3,
        "targets": [{"name": "ad", "failed": 3, "reasons": [{"why": "a password was not accepted", "times": 3}]}],
    },
    "digest": _COMMON
    | {
        "since": "Monday 16 November at 07:30",
        "until": "Monday 23 November at 07:30",
        "joiners": 3,
        "movers": 2,
        "leavers": 1,
        "returners": 0,
        "nights": 7,
        "held_nights": 1,
        "unread_nights": 0,
        "targets": [{"name": "ad", "changes": 12, "failed": 0}],
        "waits": ["the plan for ad"],
        "conflicts": 1,
    },
    "test": {"by": "", "console": "https://onroll.school.test"},
}
"""Every kind of text with the values it may use; a text of another folder is tried with them."""


def file_of(kind: str) -> str:
    """The file that holds the text of a kind."""
    return f"{kind.replace(' ', '-')}.txt"


class Texts:
    """Writes alerts. A text that `own` does not have is ours. Only what `wrong_with` has no objection to may be `own`."""

    def __init__(self, own: Path | None = None) -> None:
        self._own = own
        self._known: dict[str, Template] = {}

    def write(self, kind: str, values: Mapping[str, Any]) -> tuple[str, str]:
        """Title (one line) and text."""
        if kind not in self._known:
            name = file_of(kind)
            path = self._own / name if self._own is not None and (self._own / name).is_file() else OURS / name
            self._known[kind] = _environment().from_string(path.read_text(encoding="utf-8-sig"))
        return _parted(self._known[kind].render(values))


def wrong_with(folder: Path) -> list[str]:
    """Every mistake in a folder of own texts, a sentence each."""
    if not folder.is_dir():
        return [f"there is no folder {folder}. Make it, or leave templates out to use onroll's own texts."]
    known = {file_of(kind): kind for kind in EXAMPLES}
    found: list[str] = []
    for path in sorted(folder.glob("*.txt")):
        if path.name in known:
            found += (f"{path}: {sentence}" for sentence in _wrong_in(path, EXAMPLES[known[path.name]]))
        else:
            found.append(f"{path} belongs to no alert. It may be one of: {', '.join(sorted(known))}.")
    return found


def _wrong_in(path: Path, example: Mapping[str, Any]) -> list[str]:
    environment = _environment()
    try:
        text = path.read_text(encoding="utf-8-sig")
        unknown = sorted(meta.find_undeclared_variables(environment.parse(text)) - example.keys())
        if unknown:
            return [f"there is nothing called {name} for this text. {_nearest(name, example)}" for name in unknown]
        title, _ = _parted(environment.from_string(text).render(example))
    except TemplateSyntaxError as failure:
        return [f"line {failure.lineno} cannot be understood: {failure.message}."]
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as failure:
        return [f"cannot be filled in: {failure}." if not isinstance(failure, UnicodeError) else "is not UTF-8."]
    except OSError as failure:
        return [f"cannot be read: {failure.strerror}."]
    return [] if title else ["is empty; its first line is the title."]


def _nearest(name: str, example: Mapping[str, Any]) -> str:
    near = get_close_matches(name, example, n=1, cutoff=0.55)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(example))}."


def _environment() -> ImmutableSandboxedEnvironment:
    # Plain text: nothing is escaped here, and Apprise escapes what it sends as HTML.
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _parted(text: str) -> tuple[str, str]:
    title, _, rest = text.strip().partition("\n")
    return " ".join(title.split()), rest.strip() or title.strip()
