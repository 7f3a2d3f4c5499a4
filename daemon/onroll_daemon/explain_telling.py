"""An explanation for the person at the keyboard: a line a thing, with the record, the rule and the run below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onroll_core.explain import Explanation, Thing, Tonight
from onroll_core.explain.words import when
from onroll_daemon.session import say

_SECTIONS = (
    ("Sign-in", ("sign-in",)),
    ("Names", ("username", "address", "alias", "display name", "Year of Entry")),
    ("Groups", ("group",)),
)
_HISTORY = 12


def tell(told: Explanation) -> None:
    """Who it is and where they stand; sign-in, names, places, groups; what waits; tonight; what happened."""
    say(f"{told.username or '(no username)'}: {told.name}, {told.who} (identity {told.identity})")
    say(f"{told.state.upper()}: {told.because}")
    _listed("Waits for a person", told.waiting)
    placed = {each for _, kinds in _SECTIONS for each in kinds}
    for heading, kinds in _SECTIONS:
        _things(heading, [each for each in told.things if each.what in kinds])
        if heading == "Names":
            _things("Place and attributes", [each for each in told.things if each.what not in placed])
    say("")
    say("Tonight")
    for tonight in told.tonight:
        _tonight(tonight)
    if told.history:
        _listed("History" if len(told.history) <= _HISTORY else f"History (the last {_HISTORY} of {len(told.history)}; --json has all)",
                [f"{row['at'][:16].replace('T', ' ')}  {row['what']}" for row in told.history[-_HISTORY:]])  # fmt: skip


def _things(heading: str, things: Sequence[Thing]) -> None:
    if not things:
        return
    say("")
    say(heading)
    for each in things:
        label = (
            each.target
            if each.what in ("sign-in", "group")
            else f"{each.what}{f' in {each.target}' if each.target else ''}"
        )
        say(f"  {label}: {each.value} - {each.because}")
        run = f"run {each.run}, {when(each.at)}" if each.run else when(each.at)
        made = ", ".join(filter(None, (run, each.asked)))
        behind = [f"record {each.record}" if each.record else "", each.rule, made]
        if any(behind):
            say(f"      {' | '.join(filter(None, behind))}")


def _tonight(tonight: Tonight) -> None:
    if tonight.error:
        unasked = tonight.error == "not asked"
        say(
            f"  {tonight.target}: {'not asked' if unasked else f'cannot be told, because it could not be looked at: {tonight.error}'}"
        )
        return
    if not tonight.sentences:
        say(f"  {tonight.target}: nothing{' until that is settled' if tonight.conflicts else ''}")
    for each in tonight.sentences:
        say(f"  {tonight.target}: {'HELD: ' if tonight.held else ''}{each}")
    for each in tonight.notices:
        say(f"  {tonight.target}: note: {each}")


def _listed(heading: str, lines: Iterable[str]) -> None:
    said = list(lines)
    if said:
        say("")
        say(heading)
    for each in said:
        say(f"  {each}")
