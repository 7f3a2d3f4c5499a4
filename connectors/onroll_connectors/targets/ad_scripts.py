"""Each change as a conversation with the directory: look first, write, and say what came of it.

A conversation can be held twice: everything it writes is worked out from what it has just read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from onroll_connectors.targets import ad_entries, ad_limits, ad_names
from onroll_connectors.targets.ad_entries import Attributes
from onroll_connectors.targets.ad_errors import failure, is_clash, is_weak_password, unreadable
from onroll_connectors.targets.ad_known import Known, holders_of, who_holds
from onroll_connectors.targets.ad_wire import (
    Add,
    Answer,
    Entry,
    Rdn,
    Replace,
    Request,
    Search,
    Talk,
    by_guid,
    completed,
    read,
)
from onroll_core.accounts import Anchor
from onroll_core.changes import (
    AccountChange,
    Applied,
    Create,
    Deferred,
    Disable,
    Enable,
    GivePassword,
    Link,
    Move,
    Outcome,
    Rejected,
    ReleaseLicences,
    Rename,
    ReturnLicences,
    Update,
    kind,
)
from onroll_core.contracts import Context
from onroll_core.errors import Refused


@dataclass(slots=True)
class Scripts:
    """The conversations. `unit` gives the DN of a place whose OUs are made already, or raises Refused; `names_base` is where names must be free."""

    names_base: str
    attributes: Attributes
    context: Context
    known: Known
    unit: Callable[[str], str]

    def of(self, change: AccountChange, again: bool) -> Talk[Outcome]:
        """The conversation for a change; `again` when it may have been carried out already."""
        match change:
            case Create():
                return self._create(change, again)
            case Link():
                return self._link(change)
            case Rename():
                return self._rename(change)
            case Update():
                return self._update(change)
            case Move():
                return self._move(change)
            case Enable() | Disable():
                return self._switch(change)
            case GivePassword():
                return self._give_password(change)
            case ReleaseLicences() | ReturnLicences():
                raise Refused("Active Directory gives nobody licences: there is nothing to release.")
            case _:
                assert_never(change)

    # --- creating ---

    def _create(self, change: Create, again: bool) -> Talk[Outcome]:
        account, identity = change.account, change.who.identity
        doing = f"create {account.login}"
        problem = ad_limits.problem_with_account(account, identity)
        if problem is not None:
            raise Refused(f"{account.login or 'An account'} could not be made: {problem}")
        if again or not self.known.complete:
            found = yield from self._there(change)
            if found is not None:
                return found
        else:
            mine = self.known.identities.get(identity)
            if mine is not None:
                return Applied(change, mine, "it was there already, made by a run that was cut off")
            for name in self._names(change):
                holder = self.known.holder(name)
                if holder is not None:
                    return Rejected(change, _held(doing, name, holder.what))
        parent = self.unit(account.place or "")
        yield from self._looked_under(parent)
        password = self._password(change)
        for cn in self.known.free_cn(parent, account.display_name or account.login, account.login, identity):
            dn = f"CN={ad_names.escape(cn)},{parent}"
            answer = yield Add(dn, ad_entries.new_user(account, cn, identity, password, self.attributes))
            if answer.done:
                return (yield from self._made(change, dn))
            if not is_clash(answer):
                raise failure(answer, doing)
            found = yield from self._there(change)
            if found is not None:
                return found
            # No name of ours is held: the CN is, by something that was not looked at.
        return Rejected(change, f"Could not {doing}: every CN for {account.display_name} is taken in {parent}.")

    def _names(self, change: Create) -> list[str]:
        account = change.account
        upn = self.attributes.upn(account.login, account.email)
        return list(dict.fromkeys((account.login, account.email, upn, *sorted(account.aliases))))

    def _there(self, change: Create) -> Talk[Outcome | None]:
        """What is in the directory already: our own object, or a stranger that holds a name; None when nothing is."""
        names = self._names(change)
        entries = yield from _all(holders_of(self.names_base, names, change.who.identity, self.attributes))
        for entry in entries:
            if entry.text(self.attributes.identity) == change.who.identity and ad_entries.is_person(entry):
                self.known.give(Anchor(entry.guid), *names)
                return Applied(
                    change, Anchor(entry.guid), "it was there already, made by a run or a request that was cut off"
                )
        stranger = who_holds(entries, names, None)
        if stranger is None:
            return None
        return Rejected(
            change, _held(f"create {change.account.login}", stranger[1], f"{stranger[2]} ({stranger[0].dn})")
        )

    def _made(self, change: Create, dn: str) -> Talk[Outcome]:
        answer = yield read(dn, ["objectGUID"])
        if not answer.entries:
            return Deferred(
                change, f"{change.account.login} was made, and moved or deleted at once; the next run looks for it."
            )
        anchor = Anchor(answer.entries[0].guid)
        self.known.give(anchor, *self._names(change))
        self.known.identities[change.who.identity] = anchor
        return Applied(change, anchor)

    def _password(self, change: Create) -> str:
        account = change.account
        words = (account.login, account.given or "", account.family or "", account.display_name or "")
        password = self.context.password([each for each in words if each])
        if ad_limits.holds_a_name(password, account.login, account.display_name or ""):
            raise Refused(
                f"{account.login} could not be made: the temporary password held a part of the name. The next run draws another."
            )
        return password

    # --- changing what is there ---

    def _link(self, change: Link) -> Talk[Outcome]:
        entry = yield from self._mine(change, linking=True)
        return (yield from self._written(change, entry, {self.attributes.identity: [change.who.identity]}))

    def _update(self, change: Update) -> Talk[Outcome]:
        for name, value in change.after.items():
            if name not in ad_entries.FIELDS and name != "aliases" and name not in self.attributes.extra:
                raise Refused(
                    f"{change.who.username} could not be changed: {name} is not among the attributes that onroll may write here."
                    f' Add it to the target: write = ["{name}"].'
                )
            for text in (value,) if isinstance(value, str) else value:
                problem = ad_limits.problem_with_text("alias" if name == "aliases" else name, text)
                if problem:
                    raise Refused(f"{change.who.username} could not be changed: {problem}")
        entry = yield from self._mine(change)
        display = change.after.get("display_name")
        if isinstance(display, str) and display and Anchor(entry.guid) in self.known.renamed:
            # The rename of this run came first and gave a CN made of the old name.
            yield from self._called(change, entry, display, entry.text("sAMAccountName"))
        return (yield from self._written(change, entry, ad_entries.updated(change.before, change.after, entry)))

    def _rename(self, change: Rename) -> Talk[Outcome]:
        after = change.after
        doing = f"rename {change.before.login} to {after.login}"
        problem = ad_limits.problem_with_naming(after)
        if problem is not None:
            raise Refused(f"Could not {doing}: {problem}")
        entry = yield from self._mine(change)
        anchor = Anchor(entry.guid)
        names = list(dict.fromkeys((after.login, after.email, self.attributes.upn(after.login, after.email))))
        for name in names:
            holder = self.known.holder(name, anchor)
            if holder is not None:
                return Rejected(change, _held(doing, name, holder.what))
        if not self.known.complete:
            taken = yield from self._taken(names, anchor)
            if taken is not None:
                return Rejected(change, _held(doing, *taken))
        # The CN first: when the run is cut off here, the login still differs and the rename is planned again.
        yield from self._called(change, entry, entry.text("displayName") or after.login, after.login)
        outcome = yield from self._written(
            change, entry, ad_entries.renamed(change.before, after, entry, self.attributes), names
        )
        self.known.give(anchor, *names)
        self.known.renamed.add(anchor)
        return outcome

    def _move(self, change: Move) -> Talk[Outcome]:
        entry = yield from self._mine(change)
        parent = self.unit(change.after)
        if ad_names.key(ad_names.parent(entry.dn)) == ad_names.key(parent):
            return Applied(change, Anchor(entry.guid), "it was there already")
        yield from self._placed(change, entry, parent, ad_names.name_of(entry.dn), entry.text("sAMAccountName"))
        return Applied(change, Anchor(entry.guid))

    def _switch(self, change: Enable | Disable) -> Talk[Outcome]:
        entry = yield from self._mine(change)
        if isinstance(change, Disable):
            values = ad_entries.switched_off(entry, change.reason, self.attributes)
        else:
            values = ad_entries.switched_on(entry, self.attributes)
        answer = yield Replace(_itself(entry), values)
        if answer.done:
            return Applied(change, Anchor(entry.guid))
        if is_weak_password(answer):
            raise Refused(
                f"Could not enable {change.who.username}: the account has no password that the domain's policy accepts. Set one in Active Directory;"
                " the next run enables it."
            )
        raise failure(answer, f"{kind(change)} {change.who.username}")

    def _give_password(self, change: GivePassword) -> Talk[Outcome]:
        entry = yield from self._mine(change)
        login, display = entry.text("sAMAccountName"), entry.text("displayName")
        if ad_limits.holds_a_name(change.password, login, display):
            raise Refused(
                f"{change.who.username} got no password: the one that was drawn holds a part of the name. Issue it again."
            )
        values: dict[str, Sequence[str | bytes]] = {
            "unicodePwd": [ad_entries.encoded(change.password)],
            "pwdLastSet": ["0" if change.must_change else "-1"],
        }
        return (yield from self._written(change, entry, values))

    def _mine(self, change: AccountChange, linking: bool = False) -> Talk[Entry]:
        """The object that is about to be written, by its objectGUID, still carrying our identity (or none, where that was observed)."""
        who = change.who
        at = by_guid(who.object)
        answer = (yield read(at, self.attributes.write)) if at is not None else Answer(32)
        if answer.code not in (0, 32):
            raise failure(answer, f"read {who.username}")
        if not answer.entries:
            raise Refused(
                f"The account of {who.username} is not in Active Directory any more, or onroll may not see it (objectGUID {who.object})."
            )
        entry = yield from completed(answer.entries[0])
        owner = entry.text(self.attributes.identity)
        if owner != who.identity and not (not owner and (linking or who.object in self.known.without_identity)):
            raise Refused(
                f"The account of {who.username} ({entry.dn}) no longer carries the identity {who.identity} but {owner or 'none'};"
                f" it was not touched. Put {self.attributes.identity} right in Active Directory."
            )
        return entry

    def _written(
        self,
        change: AccountChange,
        entry: Entry,
        values: Mapping[str, Sequence[str | bytes]],
        names: list[str] | None = None,
    ) -> Talk[Outcome]:
        anchor = Anchor(entry.guid)
        answer = yield Replace(_itself(entry), values)
        if answer.done:
            return Applied(change, anchor)
        doing = f"{kind(change)} {change.who.username}"
        if names and is_clash(answer):
            taken = yield from self._taken(names, anchor)
            if taken is not None:
                return Rejected(change, _held(doing, *taken))
        raise failure(answer, doing)

    def _taken(self, names: list[str], but: Anchor) -> Talk[tuple[str, str] | None]:
        """Which of the names somebody else holds, and who."""
        entries = yield from _all(holders_of(self.names_base, names, "", self.attributes))
        found = who_holds(entries, names, but)
        return None if found is None else (found[1], f"{found[2]} ({found[0].dn})")

    def _called(self, change: AccountChange, entry: Entry, display_name: str, login: str) -> Talk[None]:
        """Give an object the CN of that display name, where it has another."""
        first, second = ad_names.common_name(display_name, login)
        now = ad_names.name_of(entry.dn)
        if now in (first, second):
            return
        yield from self._placed(change, entry, ad_names.parent(entry.dn), display_name, login)

    def _placed(self, change: AccountChange, entry: Entry, parent: str, name: str, login: str) -> Talk[None]:
        """Put an object under a parent with a CN that is free there."""
        yield from self._looked_under(parent)
        answer = Answer(68)
        for cn in self.known.free_cn(parent, name, login, change.who.identity):
            answer = yield Rdn(_itself(entry), f"CN={ad_names.escape(cn)}", parent)
            if answer.done:
                return
            if answer.code != 68:
                break
        raise failure(answer, f"{kind(change)} {change.who.username}")

    def _looked_under(self, parent: str) -> Talk[None]:
        """Learn the CNs under a parent that the observation of this run did not cover."""
        if self.known.looked_under(parent):
            return
        where = ad_names.key(parent)
        entries = yield from _all(Search(parent, ("cn", self.attributes.identity), scope="LEVEL"))
        self.known.cns.setdefault(where, {})
        for entry in entries:
            self.known.saw(where, ad_names.name_of(entry.dn), entry.text(self.attributes.identity))


def _all(search: Search) -> Talk[list[Entry]]:
    """Everything that a search finds, within a conversation."""
    found: list[Entry] = []
    request: Request = search
    while True:
        answer = yield request
        if not answer.done:
            raise unreadable(search.base, answer)
        found += answer.entries
        if not answer.cookie:
            return found
        request = replace(search, cookie=answer.cookie)


def _itself(entry: Entry) -> str:
    """The object by its objectGUID: whatever is called so now, it is this one that is written."""
    return by_guid(entry.guid) or entry.dn


def _held(doing: str, name: str, whose: str) -> str:
    return (
        f"Could not {doing}: the name {name} is held by {whose}, which is not this person's account. If it is, link it;"
        " if not, give another name with: onroll users rename USERNAME NEWNAME."
    )
