"""Licences in Microsoft 365: which of them people were given directly, releasing those, and giving them again. What a group gives is left alone."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from onroll_connectors.targets.graph_asks import Answer, Ask, AssignLicences, ListUsers, ReadUser
from onroll_connectors.targets.graph_courier import Courier, PageRefused
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_rights import LICENCES
from onroll_connectors.targets.graph_steps import LOST, Known, Script, judged
from onroll_core.accounts import Anchor
from onroll_core.changes import Applied, Deferred, Rejected, ReleaseLicences, ReturnLicences
from onroll_core.errors import Halt

STATES = "licenseAssignmentStates"
DISABLED = ListUsers(("id", STATES), "accountEnabled eq false", top=999)


def given_directly(user: Mapping[str, Any]) -> tuple[str, ...]:
    """The licences of a user that no group gives: each a SKU's id, and behind a slash the plans that are switched off in it."""
    found = set()
    for state in user.get(STATES) or ():
        if state.get("skuId") and not state.get("assignedByGroup"):
            off = ",".join(sorted(state.get("disabledPlans") or ()))
            found.add(f"{state['skuId']}/{off}" if off else str(state["skuId"]))
    return tuple(sorted(found))


def licences_of_disabled(
    courier: Courier, live: Mapping[str, Mapping[str, Any]], ours: AbstractSet[Anchor]
) -> dict[Anchor, tuple[str, ...]]:
    """What those of ours were given directly who may not sign in; our own latest writes, among `live`, count first. Raises Halt where it may not be read."""
    listed: dict[str, Mapping[str, Any]] = {}
    try:
        for page in courier.pages(DISABLED):
            listed.update({str(user["id"]): user for user in page["value"]})
    except PageRefused as refused:
        raise Halt(f"The licences of disabled users cannot be read: {read_problem(refused.answer).sentence}") from None
    found = {}
    for anchor in ours & live.keys():
        user = live[anchor]
        told = given_directly(user if STATES in user else listed.get(anchor, {}))
        if told and user.get("accountEnabled") is False:
            found[anchor] = told
    return found


def relicense(change: ReleaseLicences | ReturnLicences, known: Known) -> Script:
    """Release licences, or give them again. What is so already counts as done."""
    who, release = change.who, isinstance(change, ReleaseLicences)
    skus = {sku: off.split(",") if off else [] for sku, _, off in (each.partition("/") for each in change.licences)}
    answer = yield _taking(who.object, skus) if release else _giving(who.object, skus)
    if answer.status == 400 and release:
        # Somebody may have been quicker, or our own answer was lost.
        answer = yield from _without_the_gone(who.object, skus, answer)
    if answer.done:
        known.note(who.object, {STATES: [] if release else _states(skus)}, False)
        return Applied(change, who.object)
    if answer.unknown or answer.busy:
        return Deferred(change, LOST if answer.unknown else "Microsoft 365 was too busy to take it in this run.")
    problem = read_problem(answer)
    if problem.denied:
        return Rejected(
            change, f"The app may not change licences: grant it {LICENCES} and consent as an administrator."
        )
    if problem.gone:
        return judged(change, who, answer, known)
    doing = "released" if release else "given again"
    return Rejected(change, f"The licences of {who.username} could not be {doing}: {problem.message}")


def _without_the_gone(anchor: Anchor, skus: Mapping[str, list[str]], answer: Answer) -> Generator[Ask, Answer, Answer]:
    """Graph refuses to take several licences when one of them is not there (any more): then the others."""
    seen = yield ReadUser(anchor, ("id", STATES))
    if not seen.done:
        return answer
    there = {each.partition("/")[0] for each in given_directly(seen.body)}
    left = [sku for sku in skus if sku in there]
    if len(left) == len(skus):
        return answer
    return (yield _taking(anchor, left)) if left else Answer(200)


def _taking(anchor: Anchor, skus: Iterable[str]) -> AssignLicences:
    return AssignLicences(anchor, {"addLicenses": [], "removeLicenses": list(skus)})


def _giving(anchor: Anchor, skus: Mapping[str, list[str]]) -> AssignLicences:
    given = [{"skuId": sku, "disabledPlans": off} for sku, off in skus.items()]
    return AssignLicences(anchor, {"addLicenses": given, "removeLicenses": []})


def _states(skus: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    return [{"skuId": sku, "disabledPlans": off, "assignedByGroup": None} for sku, off in skus.items()]
