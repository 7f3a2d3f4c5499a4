"""The request for first passwords: set in every target, laid in the tray, and kept nowhere."""

from __future__ import annotations

from onroll_core.errors import Refused
from onroll_core.handout import as_csv, as_html
from onroll_core.people import Role
from onroll_core.store.requests import DONE, FAILED
from onroll_daemon import issuing
from onroll_daemon.desk.job import Answer, Job


def passwords(job: Job) -> Answer:
    """First passwords. Asked: `users` (usernames), or `groups`, `years`, `role`; `again` (also those who were given one before); `looked`, the ISO time at which
    they were looked at: somebody who was handed one since then refuses it all. None of them: everybody new.

    Result: `passwords issue --json` {"issued": [usernames], "left_out": [{"username", "why", "set_in": [targets]}]}, "tray": whether there is a hand-out,
    "until": ISO time at which it is gone (None without one), "error"? when nobody was given any. No password is in it: the hand-out is
    `tray.get(request.id, by, now)`, for the person who asked alone, with `csv` and `html`.
    Status: done when anybody was given one, failed when nobody was, refused (nobody is meant, or no target takes passwords).
    """
    rules, now = job.school.rules, job.clock()
    role = job.text("role")
    if role is not None and role not in [each.value for each in Role]:
        raise Refused(f"There is no role {role}. Nobody was given a password.")
    wanted = issuing.Wanted(
        job.texts("users"), job.texts("groups"), job.texts("years"), role, job.flag("again"), job.moment("looked")
    )
    people = issuing.chosen(job.store, rules, wanted, now)
    issued = issuing.give(job.line(), people, issuing.takers(job.settings, job.school), job.by)
    slips = issuing.slips(people, rules, issued, now)
    result = issuing.shape(people, issued)
    if not slips:
        why = next(iter(issued.left_out.values()), "nobody was left to give one to")
        return Answer(FAILED, result | {"tray": False, "until": None, "error": f"Nobody was given a password: {why}"})
    until = job.tray.put(job.request.id, job.by, as_csv(slips), as_html(slips, rules.name), job.clock())
    return Answer(DONE, result | {"tray": True, "until": until.isoformat()})
