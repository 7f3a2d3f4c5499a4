"""Active Directory as a target: what the contract asks, in terms of the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from onroll_connectors.targets import ad_entries, ad_names
from onroll_connectors.targets.ad_entries import Attributes
from onroll_connectors.targets.ad_errors import failure
from onroll_connectors.targets.ad_wire import Add, Answer, Entry, Lost, Operation, Rdn, Replace, Wire
from onroll_core.accounts import Account, Anchor, IdentityId, Observed
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    Create,
    CreateGroup,
    Disable,
    Enable,
    Link,
    Move,
    Outcome,
    Rejected,
    RemoveMember,
    Rename,
    Update,
    UpdateGroup,
    kind,
)
from onroll_core.contracts import Abilities, Context, Finding, Report, Scope
from onroll_core.errors import Halt, OnrollError, Refused

BATCH = 64
_Done = TypeVar("_Done")
_NAMED = ("objectGUID", "objectClass", "sAMAccountName", "userPrincipalName", "mail", "proxyAddresses")


@dataclass(slots=True)
class ActiveDirectory:
    """The target. `open_wire` binds a new connection; one is used for a whole run, and replaced once when it breaks."""

    open_wire: Callable[[], Wire]
    base: str
    names_base: str | None
    attributes: Attributes
    context: Context
    _wire: Wire | None = None
    _units: dict[str, str] | None = None
    _names: dict[str, set[str]] = field(default_factory=dict)

    @property
    def abilities(self) -> Abilities:
        """People sign in by name; aliases are ours to write; there are OUs."""
        return Abilities("name", "written", True, False, BATCH, frozenset(self.attributes.extra))

    @property
    def wire(self) -> Wire:
        """The connection, opened on first use."""
        if self._wire is None:
            self._wire = self.open_wire()
        return self._wire

    def close(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def check(self) -> Report:
        """Sign in, find the base, see what the policy says of our temporary passwords."""
        found: list[Finding] = []
        try:
            domain = self.wire.domain()
            found.append(Finding("ok", f"Signed in to Active Directory; the domain is {domain.dn}."))
            base = self.wire.read(self.base, ["allowedChildClassesEffective"])
            if base is None:
                return Report([*found, Finding("problem", self._no_base())])
            found.append(Finding("ok", f"The base {self.base} is there."))
            allowed = {each.lower() for each in base.texts("allowedChildClassesEffective")}
            if allowed and not {"user", "organizationalunit"} <= allowed:
                sentence = f"onroll's account may not make users or OUs in {self.base}. Delegate: create user and organizationalUnit objects there."
                found.append(Finding("problem", sentence))
            longest = int(domain.text("minPwdLength") or 0)
            if longest > len(self.context.password([])):
                found.append(
                    Finding(
                        "problem",
                        f"The domain asks for passwords of {longest} characters; onroll's temporary ones are shorter.",
                    )
                )
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def observe(self, scope: Scope) -> Observed:
        """Everybody under the base, and every name in the domain."""
        if self.wire.read(self.base, ["objectClass"]) is None:
            raise Halt(self._no_base())
        accounts: dict[Anchor, Account] = {}
        owners: dict[Anchor, IdentityId] = {}
        for entry in self.wire.users(self.base, self.attributes.read):
            anchor = Anchor(entry.guid)
            accounts[anchor] = ad_entries.account_of(entry, self.base, self.attributes)
            identity = entry.text(self.attributes.identity)
            if identity:
                owners[anchor] = IdentityId(identity)
            self.context.progress("reading accounts", len(accounts), None)
        if scope.anchors and not accounts:
            raise Halt(
                f"{self.base} was read and holds no user at all, although onroll made {len(scope.anchors)} there. Has the right to read been"
                " taken away, or the base been moved? Nothing was changed."
            )
        names = self.wire.named(self.names_base or self.wire.domain().dn, _NAMED)
        return Observed(accounts, owners, ad_entries.holders(names))

    def perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Creates that stand together go out together; everything else one by one."""
        at = 0
        while at < len(changes):
            end = at
            while end < len(changes) and isinstance(changes[end], Create):
                end += 1
            if end > at:
                yield from self._create_all([each for each in changes[at:end] if isinstance(each, Create)])
                at = end
            else:
                yield self._one(changes[at])
                at += 1

    def _no_base(self) -> str:
        return f"The base {self.base} is not there, or onroll's account may not see it. Look at [targets] base. Nothing was changed."

    # --- creating ---

    def _create_all(self, changes: Sequence[Create]) -> Iterator[Outcome]:
        outcomes: dict[int, Outcome] = {}
        ready: list[tuple[int, Create, Add]] = []
        there = self._already(changes)
        for position, change in enumerate(changes):
            entry = there.get(change.account.login)
            if entry is not None:
                outcomes[position] = self._taken(change, entry)
                continue
            try:
                ready.append((position, change, self._add(change)))
            except Refused as trouble:
                outcomes[position] = Rejected(change, str(trouble))
        for position, change, answer in self._send_adds(ready):
            if not answer.done:
                outcomes[position] = self._not_made(change, answer)
        made = self._already([change for position, change, _ in ready if position not in outcomes])
        for position, change in enumerate(changes):
            outcome = outcomes.get(position)
            if outcome is None:
                entry = made.get(change.account.login)
                outcome = Applied(change, Anchor(entry.guid)) if entry else Rejected(change, _vanished(change))
            yield outcome

    def _send_adds(self, ready: Sequence[tuple[int, Create, Add]]) -> Iterator[tuple[int, Create, Answer]]:
        """Answers for adds; when the connection breaks, what is there is looked up before anything is sent a second time."""
        answered = 0
        try:
            for (position, change, _), answer in zip(ready, self.wire.send([add for _, _, add in ready]), strict=True):
                answered += 1
                yield position, change, answer
            return
        except Lost:
            self._reopen()
        rest = ready[answered:]
        there = self._already([change for _, change, _ in rest])
        again = []
        for position, change, add in rest:
            entry = there.get(change.account.login)
            if entry is None:
                again.append((position, change, add))
            else:
                yield position, change, Answer(0 if self._ours(entry, change) else 68)
        for (position, change, _), answer in zip(again, self.wire.send([add for _, _, add in again]), strict=True):
            yield position, change, answer

    def _already(self, changes: Sequence[Create]) -> dict[str, Entry]:
        """Users in the whole domain who hold one of the logins, by login."""
        if not changes:
            return {}
        root = self.names_base or self.wire.domain().dn
        logins = [change.account.login for change in changes]
        found = self._retried(lambda: list(self.wire.users_called(root, logins, self.attributes.read)))
        return {entry.text("sAMAccountName").lower(): entry for entry in found}

    def _ours(self, entry: Entry, change: Create) -> bool:
        return entry.text(self.attributes.identity) == change.who.identity

    def _taken(self, change: Create, entry: Entry) -> Outcome:
        if self._ours(entry, change):
            return Applied(change, Anchor(entry.guid), "it was there already, made by a run that was cut off")
        return Rejected(
            change,
            f"{change.account.login} could not be made: the name is held by {entry.dn}, which onroll did not make. Link it, or give another name"
            f" with: onroll users rename {change.account.login} NEWNAME.",
        )

    def _not_made(self, change: Create, answer: Answer) -> Outcome:
        trouble = failure(answer, f"create {change.account.login}")
        if not isinstance(trouble, Refused):
            raise trouble
        if answer.code in (19, 68):
            entry = self._already([change]).get(change.account.login)
            if entry is not None:
                return self._taken(change, entry)
        return Rejected(change, str(trouble))

    def _add(self, change: Create) -> Add:
        account = change.account
        problem = ad_names.problem_with_account(account, change.who.identity)
        if problem is not None:
            raise Refused(f"{account.login} could not be made: {problem}")
        parent = self._unit(account.place or "")
        cn = self._cn(parent, account.display_name or account.login, account.login)
        words = (account.login, account.given or "", account.family or "", account.display_name or "")
        password = self.context.password([each for each in words if each])
        return Add(
            f"CN={ad_names.escape(cn)},{parent}",
            ad_entries.new_user(account, cn, change.who.identity, password, self.attributes),
        )

    # --- places ---

    def _unit(self, place: str) -> str:
        """The DN of a place, its OUs made where they are missing, parents first."""
        if self._units is None:
            self._units = {ad_names.key(dn): dn for dn in self.wire.units(self.base)}
        dn = ad_names.unit(place, self.base)
        if not place or ad_names.key(dn) in self._units:
            return dn
        upper = place.rpartition("/")[0]
        self._unit(upper)
        answer = next(iter(self.wire.send([Add(dn, {"objectClass": ["top", "organizationalUnit"]})])))
        if not answer.done and answer.code != 68:
            raise failure(answer, f"make the OU {place}")
        self._units[ad_names.key(dn)] = dn
        return dn

    def _cn(self, parent: str, display_name: str, login: str) -> str:
        """A CN that nothing in `parent` has, and which is ours from now on."""
        where = ad_names.key(parent)
        if where not in self._names:
            self._names[where] = {ad_names.folded(ad_names.name_of(dn)) for dn in self.wire.children(parent)}
        cn = ad_names.common_name(display_name, login, self._names[where])
        self._names[where].add(ad_names.folded(cn))
        return cn

    # --- everything else ---

    def _one(self, change: Change) -> Outcome:
        try:
            return self._retried(lambda: self._change(change))
        except Refused as trouble:
            return Rejected(change, str(trouble))

    def _change(self, change: Change) -> Outcome:
        match change:
            case Create():
                return next(iter(self._create_all([change])))
            case Link(who):
                entry = self._find(change, who.object, linking=True)
                return self._write(change, entry, [Replace(entry.dn, {self.attributes.identity: [who.identity]})])
            case Update(who, _, after):
                entry = self._find(change, who.object)
                for name, value in after.items():
                    problem = ad_names.problem_with_text(name, value) if isinstance(value, str) else None
                    if problem:
                        raise Refused(f"{who.username} could not be changed: {problem}")
                return self._write(change, entry, [Replace(entry.dn, ad_entries.updated(after, entry))])
            case Rename():
                return self._rename(change)
            case Move(who, _, place):
                return self._move(change, who.object, place)
            case Enable(who):
                return self._switch(change, who.object, "")
            case Disable(who, reason):
                return self._switch(change, who.object, reason)
            case CreateGroup() | UpdateGroup() | AddMember() | RemoveMember():
                return Rejected(change, "This target does not keep groups yet.")
            case _:
                assert_never(change)

    def _rename(self, change: Rename) -> Outcome:
        entry = self._find(change, change.who.object)
        after = change.after
        problem = ad_names.problem_with_naming(after)
        if problem is not None:
            raise Refused(f"{change.before.login} could not be renamed: {problem}")
        for other in self.wire.users_called(self.names_base or self.wire.domain().dn, [after.login], ["objectGUID"]):
            if other.guid != entry.guid:
                raise Refused(f"{change.before.login} could not be renamed to {after.login}: {other.dn} has that name.")
        dropped = change.before.email if change.before.email not in after.aliases else ""
        values: dict[str, Sequence[str | bytes]] = {
            "sAMAccountName": [after.login],
            "userPrincipalName": [self.attributes.upn(after.login, after.email)],
            "mail": [after.email],
            "proxyAddresses": list(
                ad_entries.proxies(entry.texts("proxyAddresses"), after.email, after.aliases, dropped)
            ),
        }
        operations: list[Operation] = [Replace(entry.dn, values)]
        parent = ad_names.parent(entry.dn)
        wanted = entry.text("displayName") or after.login
        if ad_names.folded(ad_names.name_of(entry.dn)) != ad_names.folded(
            " ".join(wanted.split())[: ad_names.LONGEST_CN].strip()
        ):
            cn = self._cn(parent, wanted, after.login)
            operations.append(Rdn(entry.dn, f"CN={ad_names.escape(cn)}", parent))
        return self._write(change, entry, operations)

    def _move(self, change: Move, anchor: Anchor, place: str) -> Outcome:
        entry = self._find(change, anchor)
        parent = self._unit(place)
        if ad_names.key(ad_names.parent(entry.dn)) == ad_names.key(parent):
            return Applied(change, anchor, "it was there already")
        cn = self._cn(parent, ad_names.name_of(entry.dn), entry.text("sAMAccountName"))
        return self._write(change, entry, [Rdn(entry.dn, f"CN={ad_names.escape(cn)}", parent)])

    def _switch(self, change: Enable | Disable, anchor: Anchor, why: str) -> Outcome:
        entry = self._find(change, anchor)
        flags = int(entry.text("userAccountControl") or ad_entries.NORMAL)
        note = entry.text(self.attributes.note)
        values: dict[str, Sequence[str | bytes]]
        if isinstance(change, Disable):
            values = {
                "userAccountControl": [str(flags | ad_entries.OFF)],
                self.attributes.note: [ad_entries.noted(note, why)],
            }
        else:
            rest = ad_entries.without_note(note)
            values = {
                "userAccountControl": [str(flags & ~ad_entries.OFF)],
                self.attributes.note: [rest] if rest else [],
            }
        return self._write(change, entry, [Replace(entry.dn, values)])

    def _find(self, change: Change, anchor: Anchor, linking: bool = False) -> Entry:
        """The object that is about to be written, by its objectGUID, still carrying our identity."""
        entry = self.wire.read_guid(anchor, self.attributes.read)
        who = change.who.username if not isinstance(change, CreateGroup | UpdateGroup) else ""
        if entry is None:
            raise Refused(f"The account of {who} is not in Active Directory any more (objectGUID {anchor}).")
        if not isinstance(change, CreateGroup | UpdateGroup):
            owner = entry.text(self.attributes.identity)
            if owner != change.who.identity and not (linking and not owner):
                raise Refused(
                    f"The account of {who} ({entry.dn}) no longer carries the identity {change.who.identity} but {owner or 'none'}; it was not touched."
                )
        return entry

    def _write(self, change: Change, entry: Entry, operations: Sequence[Operation]) -> Outcome:
        for operation in operations:
            answer = next(iter(self.wire.send([operation])))
            if not answer.done:
                who = "" if isinstance(change, CreateGroup | UpdateGroup) else change.who.username
                trouble = failure(answer, f"{kind(change)} {who}")
                if isinstance(trouble, Refused):
                    return Rejected(change, str(trouble))
                raise trouble
        return Applied(change, Anchor(entry.guid))

    def _retried(self, work: Callable[[], _Done]) -> _Done:
        """Do it again on a new connection when the old one broke: every change reads the object first, so that twice is once."""
        try:
            return work()
        except Lost:
            self._reopen()
            return work()

    def _reopen(self) -> None:
        self.close()
        self._names.clear()
        self._units = None


def _vanished(change: Create) -> str:
    return f"{change.account.login} was made and cannot be found again; it is looked for in the next run."
