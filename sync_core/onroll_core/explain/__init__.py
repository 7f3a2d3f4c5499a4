"""Why is everything about one person as it is? Which record, rule and run made it so, and what would change tonight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.changes import AddMember, Change, CreateGroup, RemoveMember, UpdateGroup, sentence
from onroll_core.explain.groups import left_as_they_were, memberships
from onroll_core.explain.names import names
from onroll_core.explain.sign_in import There, conflicts_of, sign_in, written_values
from onroll_core.explain.words import Discreet, Row, Rulebook, Thing, standing_record, when
from onroll_core.groups.known import KnownGroup
from onroll_core.identities import Identity, State
from onroll_core.lifecycle import Standing, standing
from onroll_core.people import Role
from onroll_core.plan import as_json
from onroll_core.same_person import called
from onroll_core.templates import first_name, last_name

__all__ = ["Explanation", "Facts", "There", "Thing", "Tonight", "explain"]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one person on `today`. `history` is the store's, oldest first; `known` the school's groups. `said` are sentences of the last
    reading that a person was to look at; `last_seen` is when a reading (ISO, UTC) had them last, where they are missing. `elsewhere` are other schools by name, and the same
    person as each has them on roll."""

    identity: Identity
    today: date
    book: Rulebook
    history: Sequence[Row] = ()
    targets: Sequence[There] = ()
    known: Sequence[KnownGroup] = ()
    said: Sequence[str] = ()
    last_seen: str | None = None
    elsewhere: Sequence[tuple[str, Identity]] = ()


@dataclass(frozen=True, slots=True)
class Tonight:
    """What the next sync would do to one person in one target, with what was last read. `held` are the objections for which the whole plan waits, `digest`
    what approves it; `error` is why the target could not be asked, or "not asked"."""

    target: str
    changes: Sequence[Mapping[str, Any]] = ()
    sentences: Sequence[str] = ()
    conflicts: Sequence[str] = ()
    notices: Sequence[str] = ()
    held: Sequence[str] = ()
    digest: str = ""
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object in `tonight` of `explain --json`."""
        shape = ("target", "changes", "sentences", "conflicts", "notices", "held", "digest", "error")
        return {name: list(each) if isinstance(each := getattr(self, name), (list, tuple)) else each for name in shape}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of one person; `state` and `because` are where they stand today, `waiting` what a person has to decide."""

    identity: IdentityId
    username: str | None
    name: str
    who: str
    state: str
    because: str
    things: Sequence[Thing]
    tonight: Sequence[Tonight]
    waiting: Sequence[str] = ()
    history: Sequence[Row] = ()
    forgotten: bool = False
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        """The same in sentences, and what happened, oldest first."""
        told = [
            f"{self.name} is {self.who}, known to onroll as {self.identity}.",
            f"They stand as {self.state!r}: {self.because}.",
        ]
        for thing in self.things:
            where = f" in {thing.target}" if thing.target else ""
            told.append(
                f"{thing.what[0].upper()}{thing.what[1:]}{where}: {thing.value}. Because: {thing.because.rstrip('.')}."
            )
        aliases = [thing.value for thing in self.things if thing.what == "alias"]
        if aliases:
            told.append(f"Former addresses that still reach them: {', '.join(aliases)}.")
        told += self.waiting
        return [*told, *(f"{row['at']}: {row['what']}" for row in self.history)]

    def as_json(self) -> dict[str, Any]:
        """The document of `explain --json`."""
        return {
            "identity": self.identity,
            "username": self.username,
            "name": self.name,
            "state": self.state,
            "why": self.because,
            "because": self.sentences,
            "sentences": self.sentences,
            "things": [thing.as_json() for thing in self.things],
            "targets": self.targets,
            "tonight": [each.as_json() for each in self.tonight],
            "waiting": list(self.waiting),
            "history": [
                {name: row[name] for name in ("at", "what", "run", "target", "outcome")} for row in self.history
            ],
            "forgotten": self.forgotten,
        }


def explain(facts: Facts) -> Explanation:
    """Everything about one person, without any name that they no longer use."""
    identity, book = facts.identity, facts.book
    where = standing(identity, facts.today, book.school)
    things: list[Thing] = [sign_in(identity, where, there, book, facts.history) for there in facts.targets]
    things += names(identity, book, facts.history)
    for there in facts.targets:
        things += written_values(identity, where, there, book, facts.history)
    for there in facts.targets:
        things += memberships(identity, where, there, facts.known, facts.today, book, facts.history)
    discreet = Discreet.of(identity, book.school, facts.history)
    shown = [discreet.of_thing(each) for each in things]
    waiting = [discreet.clean(each) for each in _waiting(facts, where)]
    tonight = [_tonight(identity, there, discreet) for there in facts.targets]
    return Explanation(
        identity.id,
        identity.username,
        _called(identity, book.school.preferred_names),
        f"{_article(identity.role)} of {book.school.name}",
        where.state.value,
        f"{_stands(facts, where)}",
        shown,
        tonight,
        waiting,
        [{**row, "what": discreet.clean(row["what"])} for row in facts.history],
        identity.forgotten,
        {there.rules.name: _target(identity, there) for there in facts.targets},
    )


def _called(identity: Identity, preferred: bool) -> str:
    if identity.forgotten:
        return f"{identity.label} (forgotten)"
    told = " ".join(filter(None, (first_name(identity.person, preferred), last_name(identity.person, preferred))))
    return told or called(identity.person) or "Somebody without a name"


def _article(role: Role) -> str:
    return {Role.STUDENT: "a pupil", Role.STAFF: "a member of staff", Role.CONTACT: "a contact"}.get(role, "somebody")


def _stands(facts: Facts, where: Standing) -> str:
    identity = facts.identity
    if identity.forgotten:
        return f"{where.because}, and what was known of them has been forgotten; the username stays taken"
    said = f"{where.because} ({standing_record(identity)})"
    if identity.absences and facts.last_seen:
        said += f"; the record was last seen on {when(facts.last_seen)}"
    for school, guest in facts.elsewhere:
        said += f"; {school} has them on roll too ({standing_record(guest)})"
    return said


def _waiting(facts: Facts, where: Standing) -> list[str]:
    """What a person has to decide or to do before something can happen."""
    identity = facts.identity
    found = [f"Waits for a name: {identity.waiting}"] if identity.username is None and identity.waiting else []
    for there in facts.targets:
        found += [each.why for each in conflicts_of(identity, there)]
        found += _held(identity, there, facts.book.school.id)
    found += facts.said
    if where.state not in (State.LEFT, State.NO_SHOW, State.EXCLUDED):
        found += left_as_they_were(identity, facts.known, facts.today, facts.book)
    return list(dict.fromkeys(found))


def _held(identity: Identity, there: There, school: str) -> list[str]:
    """A plan that waits for a person, where something in it is theirs; of a target that was not asked, the last plan that was kept."""
    name = there.rules.name
    if there.plan is not None:
        held, digest, mine = list(there.objections), there.plan.digest, len(_theirs(identity, there))
    elif there.last is not None and there.last["verdict"] == "held":
        held, digest = there.last["objections"], there.last["digest"]
        mine = sum(row["identity"] == identity.id for row in there.last["changes"])
    else:
        return []
    if not held or not mine:
        return []
    changes = "1 change of theirs waits" if mine == 1 else f"{mine} changes of theirs wait"
    return [
        f"{changes}, because the whole plan for {name} is held: {' '.join(held)} If it is right: onroll apply {school} --target {name} --approve {digest}"
    ]


def _theirs(identity: Identity, there: There) -> list[Change]:
    changes = there.plan.changes if there.plan is not None else ()
    return [
        each for each in changes if not isinstance(each, CreateGroup | UpdateGroup) and each.who.identity == identity.id
    ]


def _tonight(identity: Identity, there: There, discreet: Discreet) -> Tonight:
    name = there.rules.name
    if there.plan is None:
        return Tonight(name, error=there.error or "not asked")
    mine = _theirs(identity, there)
    made = {each.group.key for each in there.plan.changes if isinstance(each, CreateGroup)}
    said = [
        sentence(each)
        + (" The group is new." if isinstance(each, AddMember | RemoveMember) and each.key in made else "")
        for each in mine
    ]
    label = identity.username or identity.id
    notices = [
        each
        for each in there.plan.notices
        if label in each.replace(".", " ").replace(",", " ").split() or label in each.split()
    ]
    return Tonight(
        name,
        [discreet.clean_all(as_json(each)) for each in mine],
        [discreet.clean(each) for each in said],
        [discreet.clean(each.why) for each in conflicts_of(identity, there)],
        [discreet.clean(each) for each in notices],
        list(there.objections) if mine else [],
        there.plan.digest if mine and there.objections else "",
    )


def _target(identity: Identity, there: There) -> dict[str, Any]:
    """What a target has, and what onroll last made of it."""
    bond = identity.bonds.get(there.rules.name)
    account = there.observed.accounts.get(bond.anchor) if there.observed is not None and bond is not None else None
    return {
        "reached": there.observed is not None,
        "error": there.error,
        "anchor": bond.anchor if bond else None,
        "enabled_by_onroll": bond.enabled if bond else None,
        "login": account.login if account else None,
        "email": account.email if account else None,
        "enabled": account.enabled if account else None,
        "place": account.place if account else None,
    }
