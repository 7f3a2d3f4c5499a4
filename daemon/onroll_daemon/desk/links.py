"""Requests about accounts that were there before us: the seven lists side by side, and what a person says of a pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from onroll_core.accounts import Account, Anchor, IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.linking.links import digest, hindered
from onroll_core.store.requests import DONE
from onroll_core.templates import FIELDS
from onroll_daemon import link_acts as acts
from onroll_daemon.desk.job import Answer, Job
from onroll_daemon.link_lists import AT_ONCE, LISTS, Choice, Look, both, chosen, look, name_of, placed, target_of


def links(job: Job) -> Answer:
    """The seven lists. Asked: `target` (None: the one that is linked first), `keep` ("theirs" or "ours"), and the filter `years`, `groups`, `role`.

    Result: {"school", "target", "keep", "targets": [names], "counts": {list: rows}, "lists": {"likely": {"digest", "pairs": how many can be linked at once},
    "possible": the same}, "left_out": [{"list", "identity", "name", "why"}], "people": [row]}, and "digest" and "likely" as `links list --json` has them.
    A row has what `links list --json` has, {"list", "identity", "name", "role", "record", "account", "account_name", "why"}, and both sides:
    "ours": None or {"identity", "name", "role", "year", "registration_group", "record", "numbers": {kind: number}, "username", "email", "state", "source"};
    "theirs": None or {"anchor", "login", "email", "display_name", "place", "enabled", "attributes": {}}; "hindered": why this pair cannot be linked, or "".
    Status: done, failed (the target does not answer), or refused.
    """
    choice = _choice(job)
    seen = _look(job, choice)
    lists = {which: chosen(seen, choice, which) for which in AT_ONCE}
    entries = placed(seen, choice)
    told = {
        which: {"digest": digest(found.pairs, choice.keep), "pairs": len(found.pairs)} for which, found in lists.items()
    }
    left_out = [
        {"list": which, "identity": who, "name": name_of(seen.people[who]), "why": why}
        for which, found in lists.items()
        for who, why in found.left_out.items()
    ]
    counts = Counter(each[0] for each in entries)
    return Answer(
        DONE,
        {
            "school": job.school.rules.id,
            "target": seen.target,
            "targets": list(job.school.targets),
            "keep": choice.keep,
            "counts": {which: counts[which] for which in LISTS},
            "lists": told,
            "digest": told["likely"]["digest"],
            "likely": told["likely"]["pairs"],
            "left_out": left_out,
            "people": _rows(seen, entries),
        },
    )


def link(job: Job) -> Answer:
    """Confirm pairs, all or nobody. Asked: `target`, `keep`, and either `pairs` ([[identity, anchor], ...], with or without the `digest` that
    `onroll_core.linking.links.digest(dict(pairs), keep)` gives), or `list` ("likely" or "possible"), its `digest` and the filter under which it was shown.

    Result: `links confirm --json` {"school", "target", "digest", "done": true, "links": [{"identity", "account", "username", "email"}], "renamed": [sentences]},
    "left_out": [{"identity", "name", "why"}]. Status: done, failed, or refused (the list has changed since, or something stands in the way).
    """
    choice, which = _choice(job), job.text("list")
    with job.alone():
        return _linked(job, choice, which)


def _linked(job: Job, choice: Choice, which: str | None) -> Answer:
    seen = _look(job, choice)
    if which is not None:
        told = acts.listed(seen, choice, which)
        acts.unchanged(told, job.needed("digest"))
    else:
        told = acts.judged(seen, _pairs(job), choice.keep)
        if job.text("digest") is not None:
            acts.unchanged(told, job.needed("digest"))
    if not told.found:
        raise Refused("There is nobody to link any more: look at the lists again.")
    acts.confirm(seen, told, job.by, job.clock())
    left_out = [{"identity": who, "name": name_of(seen.people[who]), "why": why} for who, why in told.left_out.items()]
    return Answer(DONE, acts.shape(seen, told, done=True) | {"left_out": left_out})


def reject_link(job: Job) -> Answer:
    """These accounts are not theirs, and are not suggested again. Asked: `target`, `pairs` ([[identity, anchor], ...]).

    Result: {"target", "rejected": [{"identity", "account": sign-in name, "anchor"}]}. Status: done, failed, or refused (linked already, or not there).
    """
    choice = _choice(job)
    with job.alone():
        seen = _look(job, choice)
        pairs = [(_person(seen, who), _anchor(seen, anchor)) for who, anchor in _pairs(job).items()]
        for identity, anchor in pairs:
            if acts.has(identity, seen.target) == anchor:
                raise Refused(f"{seen.called(anchor)} is linked to {identity.label}. Take that link back first.")
        for identity, anchor in pairs:
            acts.reject(seen, identity, anchor, job.by, job.clock())
    rejected = [
        {"identity": identity.id, "account": seen.called(anchor), "anchor": anchor} for identity, anchor in pairs
    ]
    return Answer(DONE, {"target": seen.target, "rejected": rejected})


def unlink(job: Job) -> Answer:
    """Take a link back. Asked: `target`, `identity`, `gone` (true: the account is gone for good, and another one may be made).

    Result: {"identity", "username": afterwards, "target", "undone": true, "gone"}. Status: done, or refused (there is no such link).
    """
    target, gone = target_of(job.school, job.text("target")), job.flag("gone")
    named = job.needed("identity")
    with job.alone():
        _, after = acts.undo(job.store, job.school.rules.id, target, named, job.by, job.clock(), gone)
    return Answer(DONE, {"identity": after.id, "username": after.username, "target": target, "undone": True, "gone": gone})  # fmt: skip


def _choice(job: Job) -> Choice:
    keep: Literal["theirs", "ours"] = "theirs"
    match job.text("keep"):
        case None | "theirs":
            pass
        case "ours":
            keep = "ours"
        case other:
            raise Refused(f"keep is theirs or ours, not {other}. Nothing was done.")
    target = target_of(job.school, job.text("target"))
    return Choice(job.school.rules.id, target, None, job.texts("years"), job.texts("groups"), job.text("role"), keep)


def _look(job: Job, choice: Choice) -> Look:
    return look(job.settings, job.school, job.store, choice, None, job.progress, job.stopping, job.clock)


def _pairs(job: Job) -> dict[IdentityId, Anchor]:
    found: dict[IdentityId, Anchor] = {}
    for each in job.request.asked.get("pairs") or ():
        if isinstance(each, str) or len(each) != 2 or not all(isinstance(one, str) for one in each):
            raise Refused("pairs has to be a list of pairs, an identity and an anchor each. Nothing was done.")
        who = IdentityId(each[0])
        if who in found:
            raise Refused(f"{who} is in it twice. Nothing was done.")
        found[who] = Anchor(each[1])
    if not found:
        raise Refused("The request names no pair. Nothing was done.")
    return found


def _person(seen: Look, who: IdentityId) -> Identity:
    if who not in seen.people:
        raise Refused(f"There is no identity {who} at this school. Nothing was done.")
    return seen.people[who]


def _anchor(seen: Look, anchor: Anchor) -> Anchor:
    if anchor not in seen.observed.accounts:
        raise Refused(f"{seen.target} has no account {anchor} in what onroll looks after. Nothing was done.")
    return anchor


def _rows(seen: Look, entries: list[tuple[str, str | None, str | None, str]]) -> list[dict[str, Any]]:
    return [_row(seen, where, who, anchor, why) for where, who, anchor, why in entries]


def _row(seen: Look, where: str, who: str | None, anchor: str | None, why: str) -> dict[str, Any]:
    identity, account = both(seen, who, anchor)
    ours = None if identity is None else _ours(seen, identity)
    theirs = None if account is None or anchor is None else _theirs(anchor, account)
    hinders: Mapping[IdentityId, list[str]] = {}
    if identity is not None and anchor is not None and where != "linked":
        hinders = hindered({identity.id: Anchor(anchor)}, [identity], seen.observed, seen.target)
    return {
        "list": where,
        "identity": who or "",
        "name": ours["name"] if ours else "",
        "role": ours["role"] if ours else "",
        "record": ours["record"] if ours else "",
        "account": theirs["login"] if theirs else "",
        "account_name": theirs["display_name"] if theirs else "",
        "why": why,
        "ours": ours,
        "theirs": theirs,
        "hindered": " ".join(next(iter(hinders.values()), [])),
    }


def _ours(seen: Look, identity: Identity) -> dict[str, Any]:
    person = identity.person
    numbers = {
        "upn": person.upn,
        "scn": person.scn,
        "admission number": person.admission_number,
        "staff code": person.staff_code,
    }
    return {
        "identity": identity.id,
        "name": name_of(identity),
        "role": identity.role.value,
        "year": FIELDS["year"](identity, seen.school.rules.around) or "",
        "registration_group": person.registration_group or "",
        "record": person.key.record,
        "numbers": {kind: number for kind, number in numbers.items() if number},
        "username": identity.username or "",
        "email": identity.email or "",
        "state": identity.state.value,
        "source": identity.source,
    }


def _theirs(anchor: str, account: Account) -> dict[str, Any]:
    return {
        "anchor": anchor,
        "login": account.login,
        "email": account.email or "",
        "display_name": account.display_name or "",
        "place": account.place or "",
        "enabled": account.enabled,
        "attributes": dict(account.attributes),
    }
