"""The line's view of a Google Workspace: checked, observed whole, and changed by conversations that run side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Protocol

from onroll_connectors.targets import google_reads as reads
from onroll_connectors.targets.google_access import refused_scopes, said
from onroll_connectors.targets.google_archive import Archive
from onroll_connectors.targets.google_asks import Answer, Ask, Reply, Script
from onroll_connectors.targets.google_book import Book, Recent
from onroll_connectors.targets.google_check import Checked, examine
from onroll_connectors.targets.google_circle import group_script, owners_among, phase
from onroll_connectors.targets.google_group_reads import Look, all_courses, confirm, our_courses, our_groups
from onroll_connectors.targets.google_kept import Circle, Kept
from onroll_connectors.targets.google_pace import Pace
from onroll_connectors.targets.google_rights import READ_ROLES, needs_of
from onroll_connectors.targets.google_roles import held_by
from onroll_connectors.targets.google_runner import Open, Runner
from onroll_connectors.targets.google_scripts import script
from onroll_connectors.targets.google_settings import Settings, uses_of
from onroll_connectors.targets.google_talk import Means, get
from onroll_connectors.targets.google_users import ATTRIBUTES, FIELDS, JSON, Shape
from onroll_core.accounts import Anchor, Observed, ObservedGroup
from onroll_core.changes import (
    AddMember,
    Change,
    Create,
    CreateGroup,
    Deferred,
    Enable,
    GroupChange,
    Move,
    Outcome,
    RemoveMember,
    Unsent,
)
from onroll_core.contracts import Abilities, Context, Report, Scope
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import GroupKind


class Wire(Protocol):
    """What carries asks to Google; used by several threads at once."""

    def send(self, asks: Sequence[Ask]) -> Sequence[Reply]:
        """One reply for each ask, in one HTTP request. Raises Halt when the credentials are refused."""
        ...

    def sign_in(self) -> None:
        """Fetch a token. Raises Halt when it is refused, Unavailable when nobody answers."""
        ...

    def with_scopes(self, scopes: Sequence[str]) -> Wire:
        """Another way for the same account, with a token for these scopes alone."""
        ...

    def close(self) -> None:
        """Let go of every connection; may be called twice."""
        ...

    @property
    def scopes(self) -> Sequence[str]:
        """What its token is good for."""
        ...

    @property
    def client(self) -> str:
        """The client id of the service account, "" where it is not known."""
        ...


class GoogleWorkspace:
    """One connection to one customer. Not for several threads at once; it has its own."""

    def __init__(self, settings: Settings, context: Context, wire: Wire) -> None:
        self._settings = settings
        self._context = context
        self._shape = Shape(settings.identity_type, settings.root, settings.display_names)
        self._book = Book(self._shape)
        self._recent = Recent.recall(context.memory, context.now())
        self._courses = frozenset(kind for kind in GroupKind if kind in settings.classroom)
        self._circle = Circle(
            Means(self._shape, self._book, self._recent, context.now, context.password, settings.sign_out),
            Kept(),
            settings.group_domain or context.domain,
            settings.classroom_owner or "",
            self._courses,
            settings.classroom_only,
        )
        self._wire = wire
        self._pool = ThreadPoolExecutor(settings.connections, thread_name_prefix="google")
        self._runner = Runner(
            self._wire.send,
            Pace(
                settings.queries_per_minute,
                settings.creates_per_second,
                settings.classroom_per_minute,
                settings.units_per_second,
            ),
            context.monotonic,
            context.sleep,
            context.stopping,
            self._pool,
            settings.connections,
            settings.batch_size,
        )

    @property
    def abilities(self) -> Abilities:
        """Constant."""
        return Abilities(
            "address",
            "written",
            places=True,
            groups=True,
            batch=400,
            attributes=ATTRIBUTES,
            courses=self._courses,
            courses_alone=self._settings.classroom_only,
        )

    def check(self) -> Report:
        """Whether a run would work: credentials, scopes, role, org unit and domains, a sentence each. Read-only."""
        settings = self._settings
        checked = Checked(
            settings.customer,
            settings.root,
            settings.subject,
            needs_of(settings, self._context.groups),
            settings.classroom_owner,
            [kind for kind in settings.classroom if kind not in self._context.groups],
            self._wire.client,
        )
        return Report(
            examine(checked, self._runner.one, lambda: refused_scopes(self._wire), lambda: self._role(checked))
        )

    def _role(self, checked: Checked) -> frozenset[str] | None:
        """The privileges of whoever onroll acts as; None where they may not be read."""
        wire = self._wire.with_scopes([READ_ROLES])
        try:
            wire.sign_in()
            who = checked.subject or checked.client
            return said(held_by(checked.customer, who, checked.subject is not None), wire)
        except Halt:
            return None
        finally:
            wire.close()

    def observe(self, scope: Scope) -> Observed:
        """Everybody, live and deleted, and every address that is taken; raises rather than give a part."""
        customer = self._settings.customer
        progress = self._context.progress
        scripts: list[tuple[str, Script[Any]]] = [
            ("units", reads.units(customer)),
            ("live", reads.pages(reads.users(customer), "users", lambda count: progress("users", count, None))),
            ("deleted", reads.pages(reads.users(customer, deleted=True), "deleted users")),
        ]
        uses = uses_of(self._settings, self._context.groups)
        if self._settings.group_addresses or uses.groups:
            scripts.append(("groups", reads.pages(reads.groups(customer), "groups")))
        if uses.courses:
            scripts.append(("courses", all_courses()))
        units, live, deleted, *lists = self._whole(scripts)
        courses = lists.pop() if uses.courses else None
        groups = lists[0] if lists else []
        self._book.units = {path.casefold() for path in units}
        self._root_is_there()
        if not live:
            raise Halt(
                "Google Workspace shows no user at all, not even an administrator. onroll's role may have been limited to an org unit that is"
                " empty. Nothing was changed; run onroll check."
            )
        live = [*live, *self._young(scope, live, deleted)]
        self._book.list_all(live, deleted)
        self._steward(live)
        seen = reads.Seen(live, deleted, groups)
        spread = timedelta(minutes=self._settings.alias_minutes)
        observed = reads.observed(seen, self._shape, self._recent, scope, self._context.now(), spread)
        ours = self._ours(scope.school, groups if uses.groups else None, courses)
        return replace(observed, groups=ours, group_names=self._circle.kept.others_names())

    def _ours(
        self, school: str, groups: Sequence[JSON] | None, courses: Sequence[JSON] | None
    ) -> dict[Anchor, ObservedGroup]:
        """Our groups and courses among all; None of what is not switched on, and nobody in it is read."""
        archive = Archive.recall(self._context.memory, school)
        look = Look(self._circle.kept, archive, school, frozenset(self._book.owners), self._whole)
        ours: dict[Anchor, ObservedGroup] = {}
        if groups is not None:
            ours |= our_groups(look, groups)
        if courses is not None:
            steward = Anchor(self._circle.steward)
            # A person of ours who owns courses by setting teaches like others.
            ours |= our_courses(look, courses, steward if self._book.owners.get(steward) is None else "")
        if groups is not None or courses is not None:
            archive.put(self._context.memory)
        return ours

    def signed_in(self, anchors: frozenset[Anchor]) -> Mapping[Anchor, datetime]:
        """By lastLoginTime, from one list of everybody."""
        asked = reads.users(self._settings.customer, reads.LAST_SIGN_IN)
        (users,) = self._whole([("sign-ins", reads.pages(asked, "users"))])
        return {key: when for key, when in reads.signed_in(users).items() if key in anchors}

    def perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Carry out changes, side by side but in order for one person; see `Target.perform`.

        Groups come after people, who may be made by the same batch, and who is in them after the groups.
        """
        self._prepare(changes)
        self._prepare_groups(changes)
        for _, together in groupby(changes, phase):
            yield from self._perform(list(together))

    def _perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        context = self._context
        owners = owners_among(changes)
        results = self._runner.run(
            [
                group_script(self._circle, change, owners)
                if isinstance(change, GroupChange)
                else script(self._circle.means, change)
                for change in changes
            ]
        )
        try:
            for change, result in zip(changes, results, strict=False):
                yield _outcome(change, result)
            # The runner raises after its last result, which zip would never ask for.
            for _ in results:
                pass
        finally:
            # An iteration that was given up leaves nothing under way.
            results.close()
            self._recent.keep(context.memory, context.now())

    def close(self) -> None:
        """Let go of threads and connections."""
        self._pool.shutdown()
        self._wire.close()

    def _prepare(self, changes: Sequence[Change]) -> None:
        """Look at everybody before anybody is made, and make the org units that will be needed."""
        customer = self._settings.customer
        wanted = any(
            isinstance(change, Create | CreateGroup)
            or (isinstance(change, Enable) and change.restore)
            or (isinstance(change, AddMember) and change.who.anchor is None)
            for change in changes
        )
        if wanted and not self._book.whole:
            live, deleted = self._whole(
                [
                    ("live", reads.pages(reads.owners(customer), "users")),
                    ("deleted", reads.pages(reads.owners(customer, deleted=True), "deleted users")),
                ]
            )
            self._book.list_all([*live, *self._young(Scope(""), live, deleted)], deleted)
            self._steward(live)
        paths = [
            self._shape.path(change.account.place if isinstance(change, Create) else change.after)
            for change in changes
            if isinstance(change, Create | Move)
        ]
        if not paths:
            return
        if self._book.units is None:
            (units,) = self._whole([("units", reads.units(customer))])
            self._book.units = {path.casefold() for path in units}
            self._root_is_there()
        for path in self._book.missing_units(paths):
            # A parent that could not be made has said why already.
            if self._book.refusal(path) is None:
                why = self._runner.one(reads.make_unit(customer, path))
                if why is None:
                    self._book.units.add(path.casefold())
                else:
                    self._book.refused[path.casefold()] = why

    def _prepare_groups(self, changes: Sequence[Change]) -> None:
        """Look at all groups and courses before one is made, and at those that a membership names where they were not observed."""
        circle, kept = self._circle, self._circle.kept
        made = [change.group for change in changes if isinstance(change, CreateGroup)]
        as_courses = [circle.as_course(group.key, group.kind) for group in made]
        if kept.groups is None and not all(as_courses):
            (told,) = self._whole([("groups", reads.pages(reads.groups(self._settings.customer), "groups"))])
            kept.list_groups(told)
        if kept.courses is None and any(as_courses):
            (told,) = self._whole([("courses", all_courses())])
            kept.list_courses(told)
        confirm(kept, changes, self._whole)
        kept.leaving = {
            (change.key, person)
            for change in changes
            if isinstance(change, RemoveMember) and (person := circle.person(change.who)) is not None
        }

    def _steward(self, live: Sequence[JSON]) -> None:
        """The id of the account that owns courses without a teacher."""
        address = (self._settings.classroom_owner or "").lower()
        found = next((user for user in live if user["primaryEmail"].lower() == address), None)
        self._circle.steward = found["id"] if found is not None else address

    def _root_is_there(self) -> None:
        root = self._settings.root
        if root and root.casefold() not in (self._book.units or set()):
            raise Halt(
                f"The org unit {root} is not in Google Workspace, and everybody's place is below it. Was it renamed? Correct org_unit in onroll.toml,"
                " or make the org unit in the Admin console."
            )

    def _whole(self, scripts: Sequence[tuple[str, Script[Any]]]) -> list[Any]:
        """The results of reads that must all have ended."""
        results = list(self._runner.run(scripts))
        if any(isinstance(result, Open) for result in results):
            raise Unavailable("The run had to end before Google Workspace was read. Nothing was changed.")
        return results

    def _young(self, scope: Scope, live: Sequence[JSON], deleted: Sequence[JSON]) -> list[JSON]:
        """Users made minutes ago that Google does not list yet, asked for by id."""
        listed = {user["id"] for user in (*live, *deleted)}
        now = self._context.now()
        missing = [key for key in self._recent.made if key not in listed and self._recent.young(key, now)]
        found = self._whole([(key, _by_id(key)) for key in missing if not scope.anchors or key in scope.anchors])
        return [user for user in found if user is not None]


def _by_id(key: Anchor) -> Script[JSON | None]:
    reply = yield get(key, FIELDS)
    return reply.body if isinstance(reply, Answer) else None


def _outcome(change: Change, result: Outcome | Open) -> Outcome:
    if not isinstance(result, Open):
        return result
    if result.sent:
        return Deferred(
            change,
            "It was cut off before Google Workspace had answered everything; onroll looks at what became of it at its next run.",
        )
    return Unsent(change, "The run ended before this was sent.")
