"""How a target is reached, and what it holds already: asked, looked at, and asked again where looking failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from onroll_connectors.targets.ad_names import place_of, unit
from onroll_core.errors import OnrollError
from onroll_core.habits import Habits, habits
from onroll_daemon.setup.answers import Answers
from onroll_daemon.setup.looking import Survey

Say = Callable[[str], None]
_OTHER_IDENTITY = {
    "active_directory": ("identity_attribute", "employeeID", ("employeeNumber", "extensionAttribute15")),
    "microsoft365": ("identity", "employeeId", ("extensionAttribute15", "extensionAttribute14")),
}


class Look(Protocol):
    """The ways to look; each raises Unavailable or Halt with a sentence. A table is the target's own in the configuration."""

    def domain(self) -> Any:
        """This machine's domain (`ad_discovery.Domain`), or None."""
        ...

    def root(self, table: Mapping[str, Any]) -> str:
        """The root of an Active Directory, as a DN."""
        ...

    def survey(self, kind: str, table: Mapping[str, Any]) -> Survey:
        """What a target holds."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """The habits of one target's accounts, none where it could not be looked at. `domain` is the one of its own name, if it has one."""

    kind: str
    habits: Habits
    domain: str | None = None


def settle_target(answers: Answers, name: str, kind: str, look: Look, say: Say, domain: Any, year: int) -> Held:
    """Everything that a target needs to be reached, and a look at it."""
    asked_here: list[str] = []
    while True:
        before = set(answers.get("targets", name) or {})
        _connection(answers, name, kind, domain)
        asked_here = [each for each in answers.get("targets", name) if each not in before] or asked_here
        if answers.missing:
            return Held(kind, Habits())
        try:
            return _looked_at(answers, name, kind, look, say, year, domain)
        except OnrollError as failure:
            say(f"{name} could not be looked at: {failure.sentence}")
            if answers.asker is None or not answers.asker.yes("Answer that again?", True):
                _base(answers, name, kind, None, None)
                return Held(kind, Habits(), getattr(domain, "name", None))
            for key in asked_here:
                answers.get("targets", name).pop(key, None)


def _connection(answers: Answers, name: str, kind: str, domain: Any) -> None:
    def text(key: str, question: str, default: str | None = None, needed: bool = True) -> str | None:
        return answers.text(("targets", name, key), question, default, needed=needed)

    table = answers.get("targets", name)
    if str(table.get("server", "")).startswith("embedded:") or "token" in table:
        return
    if kind == "active_directory":
        server = f"ldaps://{domain.server}" if domain is not None else None
        text("server", "A domain controller, as ldaps://dc1.school.test", server)
        if answers.asker is not None and "ca_file" not in table:
            text("ca_file", "Its certificate authority, a PEM file, if this machine does not trust it (else Return)", needed=False)  # fmt: skip
        if not table.get("kerberos"):
            text("user", "The account that onroll signs in with", f"onroll@{domain.name}" if domain is not None else None)  # fmt: skip
            answers.secret(("targets", name, "password"), "Its password", f"{name}-password")
    elif kind == "microsoft365":
        text("tenant", "The tenant's id (Entra admin centre, Overview)")
        text("client_id", "The application's id (App registrations, onroll, Overview)")
        if "client_secret" not in table:
            answers.secret(("targets", name, "certificate"), "The file of its certificate with the private key (PEM)", name, file=True)  # fmt: skip
    elif kind == "google_workspace":
        answers.secret(("targets", name, "credentials"), "The JSON key file of the service account", name, file=True)
        if answers.asker is not None:
            text("subject", "The administrator it acts for (Return: it has an admin role itself)", needed=False)


def _looked_at(answers: Answers, name: str, kind: str, look: Look, say: Say, year: int, domain: Any) -> Held:
    table: dict[str, Any] = answers.get("targets", name)
    wide, root = dict(table), None
    if kind == "active_directory" and not str(table["server"]).startswith("embedded:"):
        root = look.root(table)
        wide["base"] = root
    elif kind == "google_workspace":
        wide["org_unit"] = "/"
    everywhere = look.survey(kind, wide)
    inner = None
    if table.get("base") and root is not None:
        inner = place_of(f"CN=x,{table['base']}", root)
    elif table.get("org_unit"):
        inner = str(table["org_unit"]).strip("/")
    told = habits(everywhere.accounts, year, inner)
    _base(answers, name, kind, told.root, root)
    if root is not None and inner is None and table.get("base"):
        # The person may have chosen another OU than the one that was guessed.
        told = habits(everywhere.accounts, year, place_of(f"CN=x,{table['base']}", root))
    found = everywhere.within(told.root)
    if kind == "microsoft365" and found.fed and "create" not in table:
        answers.put(False, "targets", name, "create")
        say(f"Entra Connect fills {name}: onroll will make no accounts there (create = false).")
    ours = f", {found.ours:,} of them made by onroll: bring its store along (docs/moving-to-a-new-server.md)"
    say(f"{name} holds {len(found.accounts):,} accounts{ours if found.ours else ''}.")
    if found.others:
        _identity(answers, name, kind, found, lambda key: look.survey(kind, {**wide, **key}).within(told.root), say)
    return Held(kind, told, getattr(domain, "name", None))


def _base(answers: Answers, name: str, kind: str, inner: str | None, root: str | None) -> None:
    """Where onroll works in the target."""
    if kind == "active_directory":
        default = unit(inner, root) if inner and root else None
        if default is None and root is not None:
            default = unit(str(answers.get("school", "name")), root)
        answers.text(
            ("targets", name, "base"),
            "The OU below which onroll works, as OU=Milton Park,DC=school,DC=test",
            default,
            wrong=lambda given: (
                None if "=" in given else "A distinguished name is wanted: OU=Milton Park,DC=school,DC=test"
            ),
        )
    elif kind == "google_workspace" and inner and answers.get("targets", name, "org_unit") is None:
        answers.put(f"/{inner}", "targets", name, "org_unit")


def _identity(
    answers: Answers, name: str, kind: str, found: Survey, again: Callable[[dict[str, str]], Survey], say: Say
) -> None:
    """Where onroll's identity can stand: in an attribute that nobody uses. `again` looks with another one."""
    key, usual, others = _OTHER_IDENTITY.get(kind, ("", "", ()))
    if not key or answers.get("targets", name, key) is not None:
        return
    in_use = f"{usual} is in use in {name} ({found.others:,} accounts)"
    for each in others:
        try:
            free = not any(again({key: each}).carried)
        except OnrollError:
            continue  # the schema may not have it
        if free:
            answers.put(each, "targets", name, key)
            say(f"{in_use}, so onroll's own id goes into {each}.")
            return
    say(f"{in_use}: name an unused attribute as {key} in onroll.toml.")
