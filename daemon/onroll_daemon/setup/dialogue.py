"""The questions of a first run, in the order in which a network manager can answer them; each with what was found by looking as its default."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from onroll_connectors.mis import MISES, find
from onroll_core.people import GroupKind
from onroll_core.years import Country
from onroll_daemon.kinds import kinds, settings_of
from onroll_daemon.setup.answers import Answers
from onroll_daemon.setup.naming import settle_names
from onroll_daemon.setup.targets import Held, Look, Say, settle_target
from onroll_daemon.tables import connector

SOURCE_KEYS: dict[str, tuple[str, ...]] = {
    "arbor": ("endpoint", "user", "password"),
    "bromcom": ("school", "application_id", "application_secret"),
    "bromcom_soap": ("school", "user", "password"),
    "cmis": ("server", "database", "user", "password"),
    "csv": ("path",),
    "ctf": ("path",),
    "isams": ("endpoint", "api_key"),
    "isams_rest": ("endpoint", "client_id", "client_secret"),
    "oneroster": ("endpoint", "token_url", "client_id", "client_secret"),
    "oneroster_csv": ("path",),
    "scholarpack": ("client_id", "client_secret", "code"),
    "sims": ("path",),
    "wcbs": ("server", "database", "user", "password"),
    "wonde": ("school", "token", "endpoint"),
    "xporter": ("estab", "relying_party", "secret"),
}
"""What a first run asks of each source; the rest has defaults."""
TARGETS = (
    ("ad", "active_directory", "Active Directory"),
    ("m365", "microsoft365", "Microsoft 365"),
    ("google", "google_workspace", "Google Workspace"),
)


@dataclass(slots=True)
class Dialogue:
    """One first run. `say` tells what was found; `year` is the calendar year."""

    answers: Answers
    look: Look
    say: Say
    year: int
    held: dict[str, Held] = field(default_factory=dict)

    def hold(self) -> None:
        """Settle everything. Raises Misconfigured with a sentence for each thing that nobody told and looking did not find."""
        self._school()
        self._source()
        self._targets()
        settle_names(self.answers, list(self.held.values()), self.say)
        self._further()
        self.answers.complete()

    def _school(self) -> None:
        answers = self.answers
        name = answers.text(("school", "name"), "The school's name", wrong=lambda text: None)
        plain = re.sub(r"[^a-z0-9]+", "-", (name or "").lower()).strip("-")[:63]
        answers.text(("school", "id"), "A short id for it: small letters, digits and hyphens", plain or None, wrong=_id)
        countries = [each.value for each in Country]
        if answers.asker is not None:
            answers.text(("school", "country"), "The country", countries[0], countries)
        known = [*MISES, *(each for each in kinds("sources") if each not in MISES)]
        mis = answers.text(("school", "mis"), "The MIS: a number from the list, or its name", None, known, _mis(known))
        found = find(mis or "")
        if found is not None:
            answers.put(found.name, "school", "mis")
        if answers.asker is not None and found is not None and len(found.routes) > 1:
            route = answers.text(("school", "route"), "How it is read (docs/mis)", found.route, found.routes)
            if route == found.route:
                answers.get("school").pop("route")

    def _source(self) -> None:
        answers = self.answers
        if answers.asker is None or answers.get("school", "source") is not None:
            return
        kind = connector(answers.get("school", "mis"), answers.get("school", "route"))
        fields = settings_of("sources", kind).model_fields
        self.say(f"What onroll needs for it is in docs/mis/{kind}.md.")
        for key in SOURCE_KEYS[kind]:
            told = fields[key].description or key
            question = (
                f"{key}: {told.removesuffix(': env:NAME, file:PATH or credential:NAME').removeprefix('needed: ')}"
            )
            path = ("school", "source", key)
            if "Secret" in str(fields[key].annotation):
                answers.secret(path, question, f"{kind}-{key}".replace("_", "-"))
                continue
            default = fields[key].default if isinstance(fields[key].default, str) else None
            value = answers.text(path, question, default, wrong=_number if fields[key].annotation is int else None)
            if fields[key].annotation is int and value is not None:
                answers.put(int(value), *path)

    def _targets(self) -> None:
        answers = self.answers
        domain = None
        told = answers.get("targets") or {}
        wanted = [(name, str(table.get("kind"))) for name, table in told.items()]
        if answers.asker is not None or any(kind == "active_directory" for _, kind in wanted):
            domain = self.look.domain()
            if domain is not None:
                self.say(f"This machine is in the domain {domain.name}; {domain.server} answers for it.")
        if answers.asker is not None:
            for name, kind, title in TARGETS:
                if all(kind != each for _, each in wanted) and answers.asker.yes(
                    f"Shall onroll look after accounts in {title}?", kind == "active_directory" and domain is not None
                ):
                    answers.put(kind, "targets", name, "kind")
                    wanted.append((name, kind))
        for name, kind in wanted:
            if kind in kinds("targets"):
                self.held[name] = settle_target(answers, name, kind, self.look, self.say, domain, self.year)
        if answers.get("school", "targets") is None:
            answers.put([name for name, _ in wanted], "school", "targets")

    def _further(self) -> None:
        answers = self.answers
        names = [name for name, table in (answers.get("targets") or {}).items() if isinstance(table, dict)]
        if not names:
            return
        if answers.asker is not None:
            given = answers.asker.text(
                f"Kinds of groups to make ({_KINDS}), with commas; or none", "none", wrong=_kinds
            )
            for name in names if _listed(given) else ():
                if answers.get("targets", name, "groups") is None:
                    answers.put(_listed(given), "targets", name, "groups")
        untold = [name for name in names if answers.get("targets", name, "observe_only") is None]
        if untold:
            question = "Only look at first: plans are made and shown, and nothing is written (docs/first-month.md)"
            only = answers.asker.yes(question, True) if answers.asker is not None else True
            for name in untold if only else ():
                answers.put(True, "targets", name, "observe_only")
            if only:
                self.say(
                    f"onroll will only look at {', '.join(untold)} until observe_only is taken out of onroll.toml."
                )


_GROUPS = tuple(each.value for each in GroupKind)
_KINDS = ", ".join(_GROUPS)


def _listed(given: str) -> list[str]:
    return [] if given.strip().lower() == "none" else [each.strip() for each in given.split(",") if each.strip()]


def _kinds(given: str) -> str | None:
    strange = [each for each in _listed(given) if each not in _GROUPS]
    return f"There is no kind {strange[0]}; there are {_KINDS}." if strange else None


def _id(given: str) -> str | None:
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", given):
        return None
    return "Small letters, digits and hyphens make one, as milton-park."


def _number(given: str) -> str | None:
    return None if given.isdigit() else "That has to be a whole number."


def _mis(known: Sequence[str]) -> Callable[[str], str | None]:
    def wrong(given: str) -> str | None:
        return None if given in known or find(given) is not None else f"onroll has no MIS {given!r}."

    return wrong
