"""The commands about people: users list, show, rename."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from onroll_core.explain.words import Discreet
from onroll_core.identities import Identity
from onroll_core.rules import SchoolRules
from onroll_daemon.operations.people import meant, other_schools, shown
from onroll_daemon.operations.renaming import pending, withheld
from onroll_daemon.session import Session, document, say, session
from onroll_daemon.user_files import users_csv
from onroll_daemon.wiring import now

__all__ = ["found_person", "shown", "users_list", "users_show"]


def users_list(
    config: str | None, school: str | None, as_json: bool, today: date | None, csv: str | None = None
) -> None:
    """`onroll users list`; with `csv`, the list as a file that can be edited and given back to `onroll rename`."""
    with session(config) as opened:
        day = today or now().date()
        rows = [
            shown(identity, each.rules, day)
            for each in opened.schools(school)
            for identity in _listed(opened, each.rules.id, guests=school is not None)
        ]
    rows.sort(key=lambda row: (row["school"], row["role"], row["username"] or ""))
    if csv is not None:
        Path(csv).write_text(users_csv(rows), encoding="utf-8", newline="")
    if as_json:
        document({"users": rows})
        return
    if csv is not None:
        say(f"{len(rows)} people are in {csv}.")
        return
    for row in rows:
        say(
            f"{row['username'] or '-':<20} {row['state']:<9} {row['role']:<8} {row['email'] or '-':<44} {row['display_name']}"
        )
    say(f"{len(rows)} people")


def _listed(opened: Session, school: str, guests: bool) -> list[Identity]:
    """Everybody of a school; with `guests` those of other schools too whom it has on roll."""
    found = opened.store.identities(school)
    if guests:
        found += [each for each in opened.store.guests.of_school(school) if school in each.elsewhere]
    return found


def users_show(config: str | None, username: str, as_json: bool) -> None:
    """`onroll users show`"""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        row = shown(identity, rules, now().date())
        row["records"] = [key.record for key in identity.keys if key.school == identity.school]
        row["other_schools"] = other_schools(opened.store, identity)
        row["accounts"] = {name: bond.anchor for name, bond in identity.bonds.items()}
        row["waiting"] = identity.waiting
        row["withheld"] = sorted(withheld(opened.store, identity))
        waits = pending(opened.store, identity)
        row["to_be_renamed"] = [f"{waits.username} ({waits.email}) on {waits.on}"] if waits else []
        told = opened.store.history(identity.id)
        row["history"] = Discreet.of(identity, rules, told).clean_all(told)
    if as_json:
        document(row)
        return
    for name, value in row.items():
        if name != "history" and value not in (None, "", [], {}):
            say(f"{name.replace('_', ' '):<20} {_plain(value)}")
    for event in row["history"]:
        say(f"{event['at'][:19]}  {event['what']}")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def found_person(opened: Session, text: str) -> tuple[Identity, SchoolRules]:
    """The one person that `text` means; none or several end the command with a sentence."""
    return meant(opened.settings, opened.store, text)
