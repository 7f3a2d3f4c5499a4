"""What targets that have groups promise of them, as a suite beside `testing.TargetContract`."""

from __future__ import annotations

from collections.abc import Sequence

from onroll_connectors.testing import SCHOOL, TargetWorld, account_of, everything, pupil
from onroll_core.accounts import Anchor, DesiredGroup, IdentityId, Observed, ObservedGroup
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    Create,
    CreateGroup,
    Deferred,
    Outcome,
    Rejected,
    RemoveMember,
    Unsent,
    UpdateGroup,
    Who,
)
from onroll_core.contracts import Scope
from onroll_core.people import GroupKind, Role, SourceKey

TEACHER = Who(IdentityId("id-tess"), "tess", Role.STAFF)
CLASS = DesiredGroup(
    SourceKey(SCHOOL, "teaching:1"), GroupKind.TEACHING, "Contract School 7A/Ma1", address="contract-class-7a-ma1"
)


class TargetGroupContract:
    """What a target that has groups promises of them. Inherit it beside TargetContract; it asks the same fixture `world`."""

    def look(self, world: TargetWorld, *anchors: Anchor) -> Observed:
        world.settle()
        target = world.connect()
        try:
            return target.observe(Scope(SCHOOL, frozenset(anchors)))
        finally:
            target.close()

    def do(self, world: TargetWorld, *changes: Change) -> list[Outcome]:
        world.settle()
        target = world.connect()
        try:
            outcomes = everything(target, changes)
        finally:
            target.close()
        world.settle()
        return outcomes

    def filled(self, world: TargetWorld, *names: str) -> tuple[Anchor, dict[str, Anchor]]:
        """The class CLASS with a teacher and pupils, all made in one plan; the group's anchor and everybody's."""
        target = world.connect()
        people = [TEACHER, *(pupil(name) for name in names)]
        changes: list[Change] = [Create(who, account_of(target, world.domain, who.username), "new") for who in people]
        target.close()
        changes.append(CreateGroup(CLASS, "the MIS has it"))
        changes += [AddMember(CLASS.key, None, CLASS.name, who, "is in it", who is TEACHER) for who in people]
        for outcome in self.do(world, *changes):
            assert isinstance(outcome, Applied), outcome
        seen = self.look(world)
        (anchor,) = (each for each, group in seen.groups.items() if group.key == CLASS.key)
        return anchor, {who.username: each for each, who in _holders(seen, people).items()}

    def leaders(self, world: TargetWorld, group: ObservedGroup) -> frozenset[Anchor]:
        """A group's owners, or its members where the target knows no owners."""
        target = world.connect()
        owners = target.abilities.owners
        target.close()
        return group.owners if owners else group.members

    def test_it_says_that_it_has_groups(self, world: TargetWorld) -> None:
        target = world.connect()
        assert target.abilities.groups
        target.close()

    def test_a_class_is_made_and_filled_in_the_plan_that_makes_its_people(self, world: TargetWorld) -> None:
        anchor, people = self.filled(world, "ada", "ben")
        group = self.look(world).groups[anchor]
        assert (group.key, group.name, group.archived) == (CLASS.key, CLASS.name, False)
        assert group.members - {people["tess"]} == {people["ada"], people["ben"]}
        assert people["tess"] in self.leaders(world, group)

    def test_making_the_same_group_again_makes_no_second_one(self, world: TargetWorld) -> None:
        anchor, people = self.filled(world, "ada")
        again = Who(IdentityId("id-ada"), "ada", Role.STUDENT, people["ada"])
        changes: list[Change] = [
            CreateGroup(CLASS, "again"),
            AddMember(CLASS.key, anchor, CLASS.name, again, "is in it"),
        ]
        for outcome in self.do(world, *changes):
            assert isinstance(outcome, Applied), outcome
        seen = self.look(world)
        assert [each for each, group in seen.groups.items() if group.key == CLASS.key] == [anchor]
        assert people["ada"] in seen.groups[anchor].members

    def test_somebody_leaves_a_group_and_who_was_put_there_by_hand_stays(self, world: TargetWorld) -> None:
        anchor, people = self.filled(world, "ada", "ben")
        world.stranger("stan")
        world.join_by_hand(anchor, "stan")
        ben = Who(IdentityId("id-ben"), "ben", Role.STUDENT, people["ben"])
        removal = RemoveMember(CLASS.key, anchor, CLASS.name, ben, "left the class")
        for _ in range(2):
            (outcome,) = self.do(world, removal)
            assert isinstance(outcome, Applied), outcome
        members = self.look(world).groups[anchor].members
        assert people["ben"] not in members
        assert people["ada"] in members
        assert len(members - set(people.values())) == 1

    def test_a_teacher_leaves_a_class_and_the_class_stays(self, world: TargetWorld) -> None:
        anchor, people = self.filled(world, "ada")
        other = Who(IdentityId("id-theo"), "theo", Role.STAFF)
        target = world.connect()
        made = Create(other, account_of(target, world.domain, "theo"), "new")
        target.close()
        tess = Who(TEACHER.identity, "tess", Role.STAFF, people["tess"])
        changes: list[Change] = [made, AddMember(CLASS.key, anchor, CLASS.name, other, "takes it", True)]
        changes.append(RemoveMember(CLASS.key, anchor, CLASS.name, tess, "takes it no more", True))
        for outcome in self.do(world, *changes):
            assert isinstance(outcome, Applied), outcome
        group = self.look(world).groups[anchor]
        assert len(self.leaders(world, group) - {people["ada"]}) == 1
        assert people["tess"] not in self.leaders(world, group)
        assert people["ada"] in group.members

    def test_a_group_gets_another_name_and_is_archived_with_its_people(self, world: TargetWorld) -> None:
        anchor, people = self.filled(world, "ada")
        new = "Contract School 7A/Ma1 2025-26"
        (outcome,) = self.do(world, UpdateGroup(CLASS.key, anchor, CLASS.name, new, "the class is over", True))
        assert isinstance(outcome, Applied), outcome
        group = self.look(world).groups[anchor]
        assert (group.name, group.archived) == (new, True)
        assert people["ada"] in group.members
        (outcome,) = self.do(world, UpdateGroup(CLASS.key, anchor, new, CLASS.name, "it is held again", False))
        assert isinstance(outcome, Applied), outcome
        assert (self.look(world).groups[anchor].name, self.look(world).groups[anchor].archived) == (CLASS.name, False)

    def test_a_class_takes_the_name_that_another_gives_up_in_the_same_plan(self, world: TargetWorld) -> None:
        anchor, people = self.filled(world, "ada")
        over = "Contract School 7A/Ma1 2025-26"
        following = DesiredGroup(
            SourceKey(SCHOOL, "teaching:2"), GroupKind.TEACHING, CLASS.name, address="contract-class-7a-ma1-2"
        )
        ada = Who(IdentityId("id-ada"), "ada", Role.STUDENT, people["ada"])
        changes: list[Change] = [
            UpdateGroup(CLASS.key, anchor, CLASS.name, over, "the class is over", True),
            CreateGroup(following, "the MIS has it"),
            AddMember(following.key, None, following.name, ada, "is in it"),
        ]
        for outcome in self.do(world, *changes):
            assert isinstance(outcome, Applied), outcome
        seen = {group.key: group for group in self.look(world).groups.values()}
        assert (seen[CLASS.key].name, seen[CLASS.key].archived) == (over, True)
        assert (seen[following.key].name, seen[following.key].members) == (CLASS.name, frozenset({people["ada"]}))

    def test_a_group_that_somebody_made_by_hand_is_left_alone(self, world: TargetWorld) -> None:
        world.group_by_hand(CLASS.name, CLASS.address)
        before = self.look(world)
        created, added = self.do(
            world,
            CreateGroup(CLASS, "the MIS has it"),
            AddMember(CLASS.key, None, CLASS.name, pupil("ada"), "is in it"),
        )
        assert isinstance(created, Rejected), created
        assert CLASS.name in created.why
        assert isinstance(added, Rejected | Deferred | Unsent), added
        assert self.look(world).groups == before.groups == {}

    def test_a_group_of_another_school_is_not_seen(self, world: TargetWorld) -> None:
        self.filled(world, "ada")
        target = world.connect()
        assert not target.observe(Scope("another-school")).groups
        target.close()

    def test_a_group_that_is_gone_is_refused_in_a_sentence(self, world: TargetWorld) -> None:
        anchor, people = self.filled(world, "ada")
        nowhere = Anchor("00000000-dead-4bad-8bad-000000000000")
        assert nowhere != anchor
        ada = Who(IdentityId("id-ada"), "ada", Role.STUDENT, people["ada"])
        gone = SourceKey(SCHOOL, "teaching:404")
        (outcome,) = self.do(world, RemoveMember(gone, nowhere, "Gone", ada, "left the class"))
        assert isinstance(outcome, Rejected | Deferred | Unsent), outcome
        assert outcome.why.endswith(".")


def _holders(seen: Observed, people: Sequence[Who]) -> dict[Anchor, Who]:
    by_identity = {who.identity: who for who in people}
    return {anchor: by_identity[owner] for anchor, owner in seen.owners.items() if owner in by_identity}
