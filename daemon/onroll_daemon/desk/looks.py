"""Requests that only look: whether everything and everybody can be reached, and who has signed in."""

from __future__ import annotations

from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.contracts import Finding
from onroll_core.errors import Refused
from onroll_core.store.requests import DONE
from onroll_daemon import settings as configuration
from onroll_daemon.alerts.testing import send_test
from onroll_daemon.checks import Found, check_school, shape, store_found
from onroll_daemon.desk.job import Answer, Job
from onroll_daemon.mistakes import Misconfigured
from onroll_daemon.sign_ins import sign_ins


def check(job: Job) -> Answer:
    """Settings, store, source and every target of the school, read-only. Asked: nothing.

    Result: `check --json` {"findings": [{"where", "level": "ok" | "warning" | "problem", "sentence"}]}, "problems": how many of them are problems.
    Status: done, whatever was found.
    """
    found = [*_settings(job), store_found(job.settings)]
    for each in check_school(job.settings, job.school, job.store, set(), job.clock):
        found.append(each)
        job.progress(f"checked {each.where}", len(found), None)
    problems = sum(each.finding.level == "problem" for each in found)
    return Answer(DONE, shape(found) | {"problems": problems})


def alert_test(job: Job) -> Answer:
    """A test message to everybody in [alerts], of whatever school. Asked: nothing.

    Result: {"sent": [{"where": kind of service, "ok", "sentence"}], "failed": how many did not take it}. Status: done, or refused where [alerts] names nobody.
    """
    answers = send_test(job.settings, job.by)
    sent = [{"where": where, "ok": ok, "sentence": sentence} for where, ok, sentence in answers]
    return Answer(DONE, {"sent": sent, "failed": sum(not ok for _, ok, _ in answers)})


def _settings(job: Job) -> list[Found]:
    """The file as it is now, which the service has not read since it began."""
    try:
        now = configuration.load(job.settings.path)
    except Misconfigured as wrong:
        where = str(job.settings.path)  # where files lie is nobody's business who may see only a school
        return [Found("settings", Finding("problem", each.replace(where, "onroll.toml"))) for each in wrong.sentences]
    if now.schools.keys() != job.settings.schools.keys() or now.schools.get(job.school.rules.id) != job.school:
        changed = f"{now.path.name} has changed since onroll began. It is in order, and counts once the service is started again."
        return [Found("settings", Finding("warning", changed))]
    return [Found("settings", Finding("ok", f"{now.path.name} is in order."))]


def who_signed_in(job: Job) -> Answer:
    """Who of some people is at work with their name, for a rename. Asked: `identities`.

    Result: {"signed_in": {identity: {target: ISO time}}, "last": {identity: {"when": ISO time, "where": target}}, "handed_out": {identity: ISO time of the first
    password}, "untold": [sentences: which targets could not tell]}. Status: done, or refused.
    """
    named = job.texts("identities")
    if not named:
        raise Refused("The request does not say whom. Nobody was asked about.")
    wanted = {IdentityId(each) for each in named}
    people = [each for each in job.store.identities(job.school.rules.id) if each.id in wanted]
    told = sign_ins(job.line(), people)
    last: dict[str, Any] = {}
    for who, where in told.last.items():
        target, when = max(where.items(), key=lambda each: each[1])
        last[who] = {"when": when.isoformat(), "where": target}
    handed_out = {who: at for who, (at, _) in job.store.handouts(job.school.rules.id).items() if who in wanted}
    signed_in = {who: {name: when.isoformat() for name, when in each.items()} for who, each in told.last.items()}
    return Answer(DONE, {"signed_in": signed_in, "last": last, "handed_out": handed_out, "untold": told.untold})
