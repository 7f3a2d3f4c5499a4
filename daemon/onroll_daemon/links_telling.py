"""Links in words, for the person at the keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onroll_daemon.session import say, say_error

_SHOWN = 15


def tell_list(where: str, rows: Sequence[Mapping[str, str]]) -> None:
    """One of the seven lists, as far as a screen holds it."""
    say(f"\n{where} ({len(rows)})")
    for row in rows[:_SHOWN]:
        why = f": {row['why']}" if row["why"] and row["why"] != "linked" else ""
        say(
            f"  {row['account'] or '-':<22} {row['account_name'] or '-':<28} {row['name'] or '-':<28} {row['record']}{why}"
        )
    if len(rows) > _SHOWN:
        say(f"  ... and {len(rows) - _SHOWN} more")


def tell_pairs(school: str, target: str, count: int, renamed: Sequence[str], named: str, done: bool) -> None:
    """How many are linked, or would be; `renamed` says of whom the names differ, `named` is the digest."""
    for sentence in renamed:
        say_error(sentence)
    if done:
        say(f"{count} people are linked to their accounts in {target}. Look at: onroll plan {school}")
    else:
        say(f"{count} people would be linked. If it is right, the same with: --digest {named}")
