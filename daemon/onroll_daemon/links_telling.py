"""Links in words and as documents, for the person at the keyboard and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from onroll_core.accounts import Anchor
from onroll_core.linking.links import Linked
from onroll_daemon.session import document, say, say_error

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


def tell_pairs(
    school: str,
    target: str,
    found: Sequence[Linked],
    renamed: Sequence[str],
    called: Callable[[Anchor], str],
    as_json: bool,
    named: str,
    done: bool,
) -> None:
    """Who is linked, or would be; `renamed` says of whom the names differ, `called` gives an account's sign-in name, `named` is the digest."""
    if as_json:
        rows = [
            {"identity": each.before.id, "account": called(each.anchor), "username": each.after.username, "email": each.after.email} for each in found
        ]  # fmt: skip
        shape = {"school": school, "target": target, "digest": named, "done": done, "links": rows, "renamed": renamed}
        document(shape)
        return
    for sentence in renamed:
        say_error(sentence)
    if done:
        say(f"{len(found)} people are linked to their accounts in {target}. Look at: onroll plan {school}")
    else:
        say(f"{len(found)} people would be linked. If it is right, the same with: --digest {named}")
