"""What should be, minus what is: ours are brought into line, strangers are not touched, and only a person decides what is doubtful."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import DOMAIN, SCHOOL
from onroll_core.accounts import (
    Account,
    Anchor,
    DesiredAccount,
    DesiredGroup,
    Holder,
    IdentityId,
    Observed,
    ObservedGroup,
)
from onroll_core.changes import (
    AddMember,
    Change,
    Create,
    CreateGroup,
    Disable,
    Enable,
    Link,
    Move,
    RemoveMember,
    Rename,
    Update,
    UpdateGroup,
    Who,
    sentence,
)
from onroll_core.contracts import Abilities
from onroll_core.diff import Withheld, diff
from onroll_core.groups.diff import diff_groups, held_names
from onroll_core.guard import Cleared, Held, clear
from onroll_core.identities import Bond
from onroll_core.limits import objections
from onroll_core.people import GroupKind, Role, SourceKey
from onroll_core.plan import Plan, as_json, ordered
from onroll_core.rules import Limit, Limits, TargetRules

HARRY = IdentityId("harry")
OBJECT = Anchor("object-1")
WANTED = Account(
    "h.potter",
    f"h.potter@{DOMAIN}",
    frozenset(),
    "Harry Potter",
    "Harry",
    "Potter",
    "Students/2020",
    True,
    {"department": "Year 7"},
)
ABILITIES = Abilities("name", "written", True, False, 20)


def plan(
    wanted: Account = WANTED,
    seen: Account | None = WANTED,
    *,
    bond: Bond | None = Bond(OBJECT, True),
    owner: IdentityId | None = HARRY,
    rules: TargetRules | None = None,
    abilities: Abilities = ABILITIES,
    formerly: tuple[str, ...] = (),
    withheld: Withheld | None = None,
    **observed: object,
) -> Plan:
    accounts = {} if seen is None else {OBJECT: seen}
    owners = {OBJECT: owner} if owner is not None and seen is not None else {}
    there = Observed(accounts, owners, **observed)  # type: ignore[arg-type]
    desired = [DesiredAccount(HARRY, Role.STUDENT, wanted, "on roll")]
    bonds = {} if bond is None else {HARRY: bond}
    target = rules or TargetRules("ad")
    return diff(SCHOOL, desired, there, bonds, target, abilities, lambda who, name: name in formerly, withheld or {})


def one(found: Plan) -> Change:
    (change,) = found.changes
    assert sentence(change).endswith(".")
    return change


def test_nothing_to_do() -> None:
    assert plan() == Plan("ad", SCHOOL, ())


def test_nobody_yet() -> None:
    change = one(plan(seen=None, bond=None))
    assert isinstance(change, Create)
    assert change.account == WANTED
    assert change.who.anchor is None


def test_a_leaver_who_never_had_an_account_gets_none() -> None:
    assert plan(replace(WANTED, enabled=False), None, bond=None) == Plan("ad", SCHOOL, ())


@pytest.mark.parametrize("name", ["h.potter", f"h.potter@{DOMAIN}"])
def test_a_name_that_a_stranger_holds_is_a_conflict(name: str) -> None:
    found = plan(seen=None, bond=None, names={name: Holder(None, "the group Potters")})
    assert found.changes == ()
    assert "the group Potters" in found.conflicts[0].why


def test_an_account_that_carries_our_identity_is_adopted_and_not_made_again() -> None:
    found = plan(bond=None)
    assert found.changes == ()
    assert found.adopted == {HARRY: OBJECT}


def test_two_accounts_with_one_identity_are_a_conflict() -> None:
    other = Anchor("object-2")
    there = Observed({OBJECT: WANTED, other: WANTED}, {OBJECT: HARRY, other: HARRY})
    desired = [DesiredAccount(HARRY, Role.STUDENT, WANTED, "on roll")]
    found = diff(SCHOOL, desired, there, {}, TargetRules("ad"), ABILITIES, lambda who, name: False)
    assert (found.changes, found.adopted) == ((), {})
    assert "2 accounts in ad carry the onroll identity" in found.conflicts[0].why


def test_an_account_that_now_carries_another_identity_is_a_conflict() -> None:
    found = plan(owner=IdentityId("draco"), seen=replace(WANTED, given="Draco"))
    assert found.changes == ()
    assert "draco" in found.conflicts[0].why


def test_a_mark_that_was_wiped_is_written_again() -> None:
    assert isinstance(one(plan(owner=None)), Link)


def test_values_are_put_right_one_update_for_all() -> None:
    change = one(plan(seen=replace(WANTED, family="Evans", attributes={"department": "Year 6"})))
    assert isinstance(change, Update)
    assert (change.before, change.after) == (
        {"family": "Evans", "department": "Year 6"},
        {"family": "Potter", "department": "Year 7"},
    )


def test_what_was_not_told_is_left_as_it_is_and_what_was_told_empty_is_cleared() -> None:
    assert plan(replace(WANTED, given=None, attributes={})).changes == ()
    change = one(plan(replace(WANTED, attributes={"department": ""})))
    assert isinstance(change, Update)
    assert change.after == {"department": ""}


@pytest.mark.parametrize(
    ("owner", "seen", "written"),
    [("always", "X", True), ("once", "X", False), ("once", "", True), ("never", "", False)],
)
def test_every_value_has_an_owner(owner: str, seen: str, written: bool) -> None:
    rules = TargetRules("ad", owners={"department": owner})  # type: ignore[dict-item]
    assert bool(plan(seen=replace(WANTED, attributes={"department": seen}), rules=rules).changes) is written


def test_what_is_never_ours_is_not_in_a_create_either() -> None:
    change = one(plan(seen=None, bond=None, rules=TargetRules("ad", owners={"department": "never"})))
    assert isinstance(change, Create)
    assert change.account.attributes == {}


def test_a_rename_that_a_person_asked_for() -> None:
    old = replace(WANTED, login="harry", email=f"harry@{DOMAIN}", aliases=frozenset({f"hp@{DOMAIN}"}))
    change = one(plan(replace(WANTED, aliases=frozenset({old.email})), old, formerly=("harry", old.email)))
    assert isinstance(change, Rename)
    assert change.after.aliases == {old.email, f"hp@{DOMAIN}"}


def test_an_alias_can_be_withheld() -> None:
    old = replace(WANTED, login="harry", email=f"harry@{DOMAIN}")
    change = one(plan(WANTED, old, formerly=("harry", old.email)))
    assert isinstance(change, Rename)
    assert change.after.aliases == frozenset()


def test_a_former_address_that_must_not_follow_somebody_is_taken_away_and_told_where_that_cannot_be() -> None:
    gone, hand = f"old@{DOMAIN}", f"hp@{DOMAIN}"
    seen = replace(WANTED, aliases=frozenset({gone, hand}))
    change = one(plan(WANTED, seen, withheld={HARRY: frozenset({gone})}))
    assert isinstance(change, Update)
    assert (change.before, change.after) == ({"aliases": (hand, gone)}, {"aliases": (hand,)})
    assert "must not follow them" in sentence(change)
    found = plan(WANTED, seen, withheld={HARRY: frozenset({gone})}, abilities=replace(ABILITIES, aliases="automatic"))
    assert found.changes == ()
    assert f"{gone} must not follow h.potter, and onroll cannot take an alias away in ad" in found.notices[0]
    assert plan(WANTED, replace(seen, aliases=frozenset({hand})), withheld={HARRY: frozenset({gone})}).changes == ()


def test_a_rename_takes_along_what_others_wrote_and_nothing_that_was_withheld() -> None:
    old = replace(WANTED, login="harry", email=f"harry@{DOMAIN}", aliases=frozenset({f"x@{DOMAIN}", f"hp@{DOMAIN}"}))
    change = one(
        plan(WANTED, old, formerly=("harry", old.email), withheld={HARRY: frozenset({old.email, f"x@{DOMAIN}"})})
    )
    assert isinstance(change, Rename)
    assert change.after.aliases == {f"hp@{DOMAIN}"}
    assert f"{old.email} does not stay" in sentence(change)


def test_a_new_name_that_somebody_else_holds_is_a_conflict() -> None:
    old = replace(WANTED, login="harry", email=f"harry@{DOMAIN}")
    found = plan(WANTED, old, formerly=("harry", old.email), names={"h.potter": Holder(Anchor("x"), "the user Henry")})
    assert found.changes == ()
    assert "the user Henry" in found.conflicts[0].why


def test_a_missing_alias_is_added_where_it_can_be_and_told_where_it_cannot() -> None:
    wanted = replace(WANTED, aliases=frozenset({f"old@{DOMAIN}"}))
    change = one(plan(wanted))
    assert isinstance(change, Update)
    assert change.after == {"aliases": (f"old@{DOMAIN}",)}
    found = plan(wanted, abilities=replace(ABILITIES, aliases="automatic"))
    assert found.changes == ()
    assert "not (yet) an alias" in found.notices[0]


def test_an_alias_that_is_somebody_elses_is_told_and_left() -> None:
    wanted = replace(WANTED, aliases=frozenset({f"old@{DOMAIN}"}))
    found = plan(wanted, names={f"old@{DOMAIN}": Holder(None, "the group Old Boys")})
    assert found.changes == ()
    assert "Old Boys" in found.notices[0]


def test_a_move_and_case_is_no_move() -> None:
    change = one(plan(seen=replace(WANTED, place="Leavers")))
    assert isinstance(change, Move)
    assert plan(seen=replace(WANTED, place="students/2020")).changes == ()


def test_a_leaver_is_disabled_and_nothing_else_of_theirs_is_touched() -> None:
    gone = Account("h.potter", f"h.potter@{DOMAIN}", enabled=False)
    change = one(plan(gone, replace(WANTED, family="Whatever", place="Elsewhere")))
    assert isinstance(change, Disable)


def test_we_enable_what_we_disabled_and_leave_what_others_did() -> None:
    off = replace(WANTED, enabled=False)
    assert isinstance(one(plan(seen=off, bond=Bond(OBJECT, False))), Enable)
    found = plan(seen=off, bond=Bond(OBJECT, True))
    assert found.changes == ()
    assert "not by onroll" in found.notices[0]
    assert isinstance(one(plan(seen=off, rules=TargetRules("ad", owners={"enabled": "always"}))), Enable)


def test_a_leaver_whom_somebody_else_had_disabled_is_ours_from_then_on() -> None:
    off = replace(WANTED, enabled=False)
    found = plan(Account("h.potter", WANTED.email, enabled=False), off)
    assert found.changes == ()
    assert found.settled == {HARRY: Bond(OBJECT, False)}


def test_an_account_that_another_system_masters_is_not_written() -> None:
    assert plan(seen=replace(WANTED, family="X", enabled=False), read_only=frozenset({OBJECT})).changes == ()


def test_a_soft_deleted_account_is_restored_rather_than_made() -> None:
    change = one(plan(deleted=frozenset({OBJECT})))
    assert isinstance(change, Enable)
    assert change.restore
    assert plan(replace(WANTED, enabled=False), deleted=frozenset({OBJECT})).changes == ()


def test_an_account_that_is_gone_is_a_conflict_and_a_leavers_is_nothing() -> None:
    found = plan(seen=None)
    assert found.changes == ()
    assert "makes no second one" in found.conflicts[0].why
    assert found.lost == 1
    assert plan(replace(WANTED, enabled=False), None) == Plan("ad", SCHOOL, ())


def who(name: str, role: Role = Role.STUDENT) -> Who:
    return Who(IdentityId(name), name, role, Anchor(f"a-{name}"))


def test_a_plans_order_is_stable_and_safest_first() -> None:
    changes = [
        Move(who("b"), "x", "y", "r"),
        Create(Who(IdentityId("n"), "n", Role.STUDENT), WANTED, "r"),
        Disable(who("z"), "r"),
        Disable(who("a"), "r"),
    ]
    assert [as_json(change)["username"] for change in ordered(changes)] == ["a", "z", "n", "b"]
    assert ordered(list(reversed(changes))) == ordered(changes)


def test_a_digest_is_the_same_for_the_same_changes_alone() -> None:
    one_plan = Plan("ad", SCHOOL, (Disable(who("a"), "missing from 3 reads"),))
    assert one_plan.digest == Plan("ad", SCHOOL, (Disable(who("a"), "missing from 4 reads"),)).digest
    for other in (
        Plan("google", SCHOOL, one_plan.changes),
        Plan("ad", "other", one_plan.changes),
        Plan("ad", SCHOOL, (Disable(who("b"), ""),)),
        Plan("ad", SCHOOL, (Enable(who("a"), ""),)),
        Plan("ad", SCHOOL, ()),
    ):
        assert other.digest != one_plan.digest


def test_the_gate_opens_for_everything_or_for_nothing() -> None:
    one_plan = Plan("ad", SCHOOL, (Disable(who("a"), ""),))
    assert isinstance(clear(one_plan, []), Cleared)
    assert isinstance(clear(one_plan, ["too many"]), Held)
    assert isinstance(clear(one_plan, ["too many"], "another digest"), Held)
    assert clear(one_plan, ["too many"], one_plan.digest) == Cleared(one_plan, approved=True)


def test_a_former_name_is_in_no_sentence_and_a_former_number_is() -> None:
    before, after = (
        {"given": "Tobias", "display_name": "Tobias Gale", "department": "Year 7"},
        {"given": "Thea", "display_name": "Thea Gale"},
    )
    change = Update(who("tgale"), before, after | {"department": "Year 8"}, "")
    assert (
        sentence(change)
        == "Change tgale: department from 'Year 7' to 'Year 8', display_name to 'Thea Gale', given to 'Thea'."
    )
    assert as_json(change)["before"] == before, "an undo needs it"


LIMITS = Limits(disable=Limit(5, 3), create=Limit(2, 1))


@pytest.mark.parametrize(
    ("count", "population", "held"),
    [(5, 20, False), (6, 20, True), (6, 20_000, False), (600, 20_000, False), (601, 20_000, True)],
)
def test_a_limit_is_the_larger_of_a_count_and_a_share(count: int, population: int, held: bool) -> None:
    found = Plan("ad", SCHOOL, tuple(Disable(who(f"p{n}"), "") for n in range(count)))
    assert bool(objections(found, {Role.STUDENT: population}, LIMITS, Observed({}))) is held


def test_what_the_school_year_explains_does_not_count() -> None:
    found = Plan("ad", SCHOOL, tuple(Disable(who(f"p{n}"), "", expected=True) for n in range(300)))
    assert objections(found, {Role.STUDENT: 1200}, LIMITS, Observed({})) == []


def test_roles_are_measured_apart() -> None:
    staff = tuple(Disable(who(f"s{n}", Role.STAFF), "") for n in range(6))
    found = objections(Plan("ad", SCHOOL, staff), {Role.STUDENT: 1200, Role.STAFF: 100}, LIMITS, Observed({}))
    assert found[0].startswith("6 staff would be disabled")


@pytest.mark.parametrize(
    ("lost", "population", "held"), [(10, 12, False), (11, 12, True), (120, 1200, False), (121, 1200, True)]
)
def test_nobody_is_made_where_those_who_were_there_are_out_of_sight(lost: int, population: int, held: bool) -> None:
    found = Plan("google", SCHOOL, (Create(who("n"), WANTED, "on roll", True),), lost=lost)
    said = objections(found, {Role.STUDENT: population}, LIMITS, Observed({}))
    assert [each.partition(" accounts")[0] for each in said] == [f"{lost} of the {population}"] * held


def group(name: str, members: set[str], owners: set[str] = frozenset()) -> DesiredGroup:  # type: ignore[assignment]
    return DesiredGroup(
        SourceKey(SCHOOL, "g1"),
        GroupKind.TEACHING,
        name,
        frozenset(map(IdentityId, members)),
        frozenset(map(IdentityId, owners)),
    )


def test_a_group_whose_name_is_somebody_elses_is_a_conflict_and_the_others_are_made() -> None:
    who = Who(HARRY, "h.potter", Role.STUDENT, OBJECT)
    groups = [DesiredGroup(SourceKey(SCHOOL, each), GroupKind.REGISTRATION, each, frozenset({HARRY})) for each in ("7A", "7B", "7C")]  # fmt: skip
    theirs, ours = Holder(Anchor("g-1"), "the group 7A"), Holder(Anchor("g-2"), "the group 7B")
    kept = ObservedGroup(SourceKey(SCHOOL, "old"), "7B")
    there = Observed({OBJECT: WANTED}, names={"7a": theirs, "7b": ours}, groups={Anchor("g-2"): kept})
    changes, conflicts = held_names(diff_groups(groups, there, {HARRY: who}), there, "ad")
    assert [each.group.name for each in changes if isinstance(each, CreateGroup)] == ["7B", "7C"]
    assert [each.key.record for each in changes if isinstance(each, AddMember)] == ["7B", "7C"]
    assert [each.why.partition(":")[0] for each in conflicts] == ["The group 7A cannot be made in ad"]
    renamed = UpdateGroup(SourceKey(SCHOOL, "old"), Anchor("g-2"), "7B", "7A", "renamed")
    assert held_names([renamed], there, "ad")[0] == []


def test_groups_are_made_filled_and_renamed_and_strangers_in_them_stay() -> None:
    people = {IdentityId(name): who(name) for name in ("ada", "ben", "tess")}
    made = diff_groups([group("7A", {"ada", "ben"}, {"tess"})], Observed({}), people)
    assert [type(change) for change in made] == [CreateGroup, AddMember, AddMember, AddMember]
    there = ObservedGroup(
        SourceKey(SCHOOL, "g1"), "7A", frozenset({Anchor("a-ada"), Anchor("a-ben"), Anchor("by-hand")})
    )
    observed = Observed({}, groups={Anchor("g"): there})
    changed = diff_groups([group("7A Maths", {"ada"})], observed, people)
    assert [type(change) for change in changed] == [UpdateGroup, RemoveMember]
    assert isinstance(changed[1], RemoveMember)
    assert changed[1].who.username == "ben"
    assert diff_groups([], observed, people) == [], "a group that the MIS no longer has stays as it is"
