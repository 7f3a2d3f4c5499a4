"""The commands about people: users list, show, rename."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from onroll_core.explain.words import Discreet
from onroll_core.identities import Identity
from onroll_core.lifecycle import standing
from onroll_core.project import own_display_name
from onroll_core.rules import SchoolRules
from onroll_core.templates import FIELDS
from onroll_core.usernames import clean_display
from onroll_daemon.session import FAILED, Session, document, say, session, stop
from onroll_daemon.user_files import users_csv
from onroll_daemon.wiring import now


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
        row["other_schools"] = other_schools(opened, identity)
        row["accounts"] = {name: bond.anchor for name, bond in identity.bonds.items()}
        row["waiting"] = identity.waiting
        row["withheld"] = sorted(opened.store.former.withheld(identity.school).get(identity.id, ()))
        row["to_be_renamed"] = [
            f"{each.username} ({each.email}) on {each.on}"
            for each in opened.store.pending_renames(identity.school)
            if each.identity == identity.id
        ]
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


def other_schools(opened: Session, identity: Identity) -> list[dict[str, Any]]:
    """What further schools of the trust have of somebody: their records, and how they stand there as a guest ("former" when they were here once)."""
    guests = opened.store.guests.of_person(identity)
    here = {key for each in guests for key in each.keys} | {identity.person.key}
    rows = [
        {
            "school": each.school,
            "record": each.person.key.record,
            "state": each.state.value,
            "year_group": each.person.year_group,
            "registration_group": each.person.registration_group,
        }
        for each in guests
    ]
    former = [key for key in identity.also if key.school != identity.school and key not in here]
    return rows + [{"school": key.school, "record": key.record, "state": "former"} for key in former]


def found_person(opened: Session, text: str) -> tuple[Identity, SchoolRules]:
    """The one person that `text` means; none or several end the command with a sentence."""
    found = [each for each in opened.store.find(None, text) if each.school in opened.settings.schools]
    if not found:
        stop(FAILED, f"Nobody is known by {text!r}. Look for them with: onroll users list")
    if len(found) > 1:
        exact = [each for each in found if text.lower() in (each.username, each.email, each.id)]
        if len(exact) != 1:
            stop(FAILED, f"{text!r} may mean {', '.join(each.label for each in found[:10])}. Name one of them.")
        found = exact
    return found[0], opened.settings.schools[found[0].school].rules


def shown(identity: Identity, rules: SchoolRules, today: date) -> dict[str, Any]:
    """A person in the shape of `users list --json`."""
    around = rules.around
    role = rules.of(identity.role)
    display = own_display_name(identity) or (role.display_name.render(identity, around) if role is not None else None)
    return {
        "identity": identity.id,
        "username": identity.username,
        "email": identity.email,
        "aliases": sorted(identity.aliases),
        "display_name": clean_display(display or ""),
        "role": identity.role.value,
        "school": identity.host or identity.school,
        "source": identity.source,
        "state": standing(identity, today, rules).state.value,
        "year_of_entry": identity.year_of_entry,
        "year_group": FIELDS["year"](identity, around),
        "registration_group": identity.person.registration_group,
        **({"guest_at": sorted(identity.elsewhere)} if identity.elsewhere else {}),
    }
