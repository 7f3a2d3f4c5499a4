"""What `onroll check` says of a Google Workspace: each thing that a run needs, tried without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from onroll_connectors.targets import google_reads as reads
from onroll_connectors.targets.google_asks import Answer, Ask, Problem, Reply, Script
from onroll_connectors.targets.google_rights import PREFIX, READ_ROLES, SCOPES, Needs, listed, privileges
from onroll_connectors.targets.google_talk import get
from onroll_core.contracts import Finding
from onroll_core.errors import Halt, OnrollError

One = Callable[[Script[Reply]], Reply]
"""Runs one conversation to its end."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The settings that a check looks at; `root` is the org unit of places, "" for the top. `idle` are kinds of groups that are to be courses, and are not
    switched on. `client` is the client id of the service account, "" where it is not known."""

    customer: str
    root: str
    subject: str | None
    needs: Needs
    owner: str | None = None
    idle: Sequence[str] = ()
    client: str = ""


def examine(
    settings: Checked,
    one: One,
    refused: Callable[[], frozenset[str]],
    role: Callable[[], frozenset[str] | None],
) -> Sequence[Finding]:
    """The findings; the first problem that would make all others follow is the last one.

    `refused` asks for a token for each scope by itself and gives those that are refused; `role` gives the privileges of whoever onroll acts as, None
    where they may not be read.
    """
    try:
        return list(_findings(settings, one, role))
    except Halt as halt:
        return _without_scopes(settings, halt, refused)
    except OnrollError as failure:
        return [Finding("problem", str(failure))]


def _without_scopes(settings: Checked, halt: Halt, refused: Callable[[], frozenset[str]]) -> Sequence[Finding]:
    """Which scopes it was, where some are given and others are not."""
    try:
        lacking = refused()
    except OnrollError:
        lacking = frozenset()
    asked = [each for each in SCOPES if each.asked(settings.needs)]
    if not lacking or len(lacking) == len(asked):
        return [Finding("problem", str(halt))]
    return [Finding("problem", each.scope_sentence(settings.client)) for each in asked if each.name in lacking]


def _findings(settings: Checked, one: One, role: Callable[[], frozenset[str] | None]) -> Iterator[Finding]:
    customer, needs = settings.customer, settings.needs
    yield _can(one(_once(_short(reads.owners(customer)))), "users")
    yield _can(one(_once(_short(reads.owners(customer, deleted=True)))), "deleted users")
    if needs.groups or needs.names:
        yield _can(one(_once(_short(reads.groups(customer)))), "groups")
    if needs.courses:
        yield from _classroom(settings, one)
    if settings.idle:
        yield Finding(
            "warning",
            f"classroom names {', '.join(settings.idle)}, which is not among the groups of this target, so no such course is made. Add it to groups in"
            " onroll.toml, or take it out of classroom.",
        )
    yield _unit(one, customer, settings.root)
    yield _domains(one(_once(Ask("domains", "list", {"customer": customer, "fields": "domains(domainName,verified)"}))))
    if settings.subject is not None:
        reply = one(_once(get(settings.subject, "id,isAdmin,isDelegatedAdmin,suspended")))
        yield from _subject(settings.subject, reply)
        if isinstance(reply, Answer) and (reply.body.get("isAdmin") or not reply.body.get("isDelegatedAdmin")):
            return
    elif not settings.client:
        return
    yield from _role(needs, role())


def _role(needs: Needs, held: frozenset[str] | None) -> Iterator[Finding]:
    """What the admin role of whoever onroll acts as lacks."""
    wanted = privileges(needs)
    if held is None:
        yield Finding(
            "warning",
            f"Google does not let onroll look at its own admin role, so only reading was tried. See that the role has {listed(wanted)}. With the scope"
            f" {PREFIX}{READ_ROLES} as well, onroll check looks itself.",
        )
        return
    lacking = [each for each in wanted if not each.had(held)]
    yield from (Finding("problem", each.privilege_sentence) for each in lacking)
    if not lacking:
        yield Finding("ok", "onroll's admin role has every privilege that a night needs.")


def _classroom(settings: Checked, one: One) -> Iterator[Finding]:
    reply = one(_once(Ask("courses", "list", {"pageSize": 1, "fields": "courses(id)"})))
    if isinstance(reply, Answer):
        yield Finding("ok", "onroll may read the courses of Classroom.")
    else:
        yield Finding(
            "problem",
            f"Classroom does not let onroll read its courses ({reply.message or reply.status}). Switch Classroom on for {settings.subject or 'the account'},"
            " which has to be a super administrator, and allow programs in the Admin console under Apps, Google Workspace, Classroom, Data access.",
        )
    if settings.owner is None:
        return
    reply = one(_once(get(settings.owner, "id,suspended")))
    if isinstance(reply, Problem) or reply.body.get("suspended"):
        yield Finding(
            "problem",
            f"{settings.owner}, the classroom_owner of onroll.toml, {'is not there' if isinstance(reply, Problem) else 'is suspended'}, so a course without"
            " a teacher has nobody to own it. Name another account, or leave the key out.",
        )


def _once(ask: Ask) -> Script[Reply]:
    return (yield ask)


def _short(ask: Ask) -> Ask:
    return Ask(ask.resource, ask.method, {**ask.arguments, "maxResults": 1})


def _can(reply: Reply, what: str) -> Finding:
    if isinstance(reply, Answer):
        return Finding("ok", f"onroll may read {what} in Google Workspace.")
    return Finding("problem", str(reads.unreadable(reply, what)))


def _unit(one: One, customer: str, root: str) -> Finding:
    if not root:
        reply = one(
            _once(
                Ask(
                    "orgunits",
                    "list",
                    {"customerId": customer, "type": "children", "fields": "organizationUnits(orgUnitPath)"},
                )
            )
        )
        return _can(reply, "org units")
    reply = one(
        _once(
            Ask("orgunits", "get", {"customerId": customer, "orgUnitPath": root.lstrip("/"), "fields": "orgUnitPath"})
        )
    )
    if isinstance(reply, Problem) and reply.gone:
        return Finding(
            "problem",
            f"The org unit {root} is not in Google Workspace. Make it in the Admin console, or correct org_unit in onroll.toml.",
        )
    return _can(reply, "org units") if isinstance(reply, Problem) else Finding("ok", f"The org unit {root} is there.")


def _domains(reply: Reply) -> Finding:
    if isinstance(reply, Problem) and reply.status == 403:
        return Finding(
            "ok",
            "onroll's admin role does not show the domains of this Google Workspace; only this check looks at them.",
        )
    if isinstance(reply, Problem):
        return Finding(
            "warning", f"onroll could not look at the domains of this Google Workspace ({reply.message.rstrip('.')})."
        )
    domains = reply.body.get("domains") or ()
    good = sorted(domain["domainName"] for domain in domains if domain.get("verified"))
    if not good:
        return Finding(
            "problem",
            "This Google Workspace has no verified domain, so nobody can be given an address. Verify one in the Admin console.",
        )
    return Finding("ok", f"Addresses can be given in {', '.join(good)}.")


def _subject(subject: str, reply: Reply) -> Iterator[Finding]:
    if isinstance(reply, Problem):
        yield Finding(
            "warning",
            f"onroll could not look at {subject}, the administrator it acts for ({reply.message.rstrip('.')}).",
        )
    elif reply.body.get("suspended"):
        yield Finding(
            "problem",
            f"{subject}, the administrator that onroll acts for, is suspended. Name another one as subject in onroll.toml.",
        )
    elif not reply.body.get("isAdmin") and not reply.body.get("isDelegatedAdmin"):
        yield Finding(
            "problem",
            f"{subject} is no administrator, so onroll may change nobody. Give it an admin role, or name another subject in onroll.toml.",
        )
