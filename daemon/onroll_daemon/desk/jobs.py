"""What can be asked for, and which function does it; each says in its own words what it takes and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from onroll_daemon.desk import links, looks, passwords, runs
from onroll_daemon.desk.job import Answer, Job

Do = Callable[[Job], Answer]

RUNS: Mapping[str, Do] = {
    "sync": runs.sync,
    "apply": runs.apply,
    "undo": runs.undo,
    "passwords": passwords.passwords,
    "link": links.link,
    "reject-link": links.reject_link,
    "unlink": links.unlink,
}
"""These change a school or its targets: one at a time, under its lease."""

LOOKS: Mapping[str, Do] = {
    "plan": runs.plan,
    "show-undo": runs.show_undo,
    "check": looks.check,
    "alert-test": looks.alert_test,
    "links": links.links,
    "rename-preview": looks.who_signed_in,
}
"""These change nothing: they need not wait for a run."""
