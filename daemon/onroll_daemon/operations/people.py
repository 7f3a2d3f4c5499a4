"""Who is meant, and a person in the shape that the command line and the API promise."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.lifecycle import standing
from onroll_core.project import own_display_name
from onroll_core.rules import SchoolRules
from onroll_core.store import Store
from onroll_core.store.codec import identity_row
from onroll_core.templates import FIELDS
from onroll_core.usernames import clean_display
from onroll_daemon.settings import Settings

_NEVER = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def meant(settings: Settings, store: Store, text: str) -> tuple[Identity, SchoolRules]:
    """The one person that `text` means; raises Refused for none or several."""
    found = [each for each in store.find(None, text) if each.school in settings.schools]
    if not found:
        raise Refused(f"Nobody is known by {text!r}. Look for them with: onroll users list")
    if len(found) > 1:
        exact = [each for each in found if text.lower() in (each.username, each.email, each.id)]
        if len(exact) != 1:
            raise Refused(f"{text!r} may mean {', '.join(each.label for each in found[:10])}. Name one of them.")
        found = exact
    return found[0], settings.schools[found[0].school].rules


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


def other_schools(store: Store, identity: Identity) -> list[dict[str, Any]]:
    """What further schools of the trust have of somebody: their records, and how they stand there as a guest ("former" when they were here once)."""
    guests = store.guests.of_person(identity)
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


def mark(identity: Identity) -> str:
    """The same text as long as nothing of what is kept of somebody has changed: what a person has seen, and what is there now, are compared by it."""
    return str(identity_row(identity, _NEVER)["fingerprint"])
