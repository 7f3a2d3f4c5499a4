"""What is put into the store comes out of it exactly, on both databases."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DOMAIN, NOON, SCHOOL, pupil, teacher
from onroll_core.accounts import Anchor, Holder, IdentityId
from onroll_core.errors import Halt, Refused
from onroll_core.identities import Bond, Identity, State
from onroll_core.people import Person, Role, SourceKey, Status
from onroll_core.store import Store
from onroll_core.store.codec import identity_from, identity_row, person_document, person_from, utc


def known(number: int, person: Person | None = None, **other: object) -> Identity:
    """Somebody with names that follow from their number."""
    values: dict[str, object] = {"username": f"user{number}", "email": f"user{number}@{DOMAIN}"}
    identity = IdentityId(f"id{number:06}")
    person = person or pupil(f"p{number}")
    return Identity(identity, SCHOOL, person.role, person, State.ACTIVE, **(values | other))  # type: ignore[arg-type]


EVERYTHING = Identity(
    id=IdentityId("abcdefghijklmnop"),
    school=SCHOOL,
    role=Role.STUDENT,
    person=Person(
        SourceKey(SCHOOL, "student:Ünï'\"\\\n"),
        Role.STUDENT,
        Status.FUTURE,
        "Zoë",
        "",
        None,
        "O'Neil-李",
        date(2026, 9, 1),
        date(1999, 12, 31),
        "Year  7",
        "",
        None,
        "A123",
        None,
        "0042",
        None,
        "Guest",
        date(2015, 2, 28),
    ),
    state=State.NO_SHOW,
    source="manual",
    username="zoe.oneil",
    email=f"zoe.oneil@{DOMAIN}",
    aliases=frozenset({f"zoe@{DOMAIN}", f"z@{DOMAIN}"}),
    chosen_display_name="",
    year_of_entry=-2,
    waiting="",
    proposal="zoe",
    absences=3,
    left_on=date(2026, 7, 21),
    expected=False,
    suspended="by the head on 2026-11-20",
    also=(SourceKey(SCHOOL, "z-later"), SourceKey("other-school", "a-earlier")),
    bonds={"ad": Bond(Anchor("guid-1"), None), "google": Bond(Anchor("4711"), False), "m365": Bond(Anchor("x"), True)},
)


def test_an_identity_comes_back_with_every_field_as_it_was(store: Store) -> None:
    store.remember(None, [EVERYTHING], NOON)
    for target, bond in EVERYTHING.bonds.items():
        store.bond(EVERYTHING.id, target, bond, NOON)
    assert store.identities(SCHOOL) == [EVERYTHING]
    assert store.identity(EVERYTHING.id) == EVERYTHING
    assert store.identity(IdentityId("nobody")) is None
    assert store.identities("other-school") == []
    assert store.bonds("google") == {EVERYTHING.id: Bond(Anchor("4711"), False)}
    # A field that this test leaves at its default would come back right even if it were not kept.
    for cls, value in ((Identity, EVERYTHING), (Bond, EVERYTHING.bonds["m365"])):
        defaults = {field.name for field in fields(cls) if getattr(value, field.name) == field.default}
        defaults -= {"host"}  # of a guest as another school sees them, which is kept apart
        assert not defaults, f"give {defaults} another value here"


TEXT = st.none() | st.just("") | st.text(max_size=20)
DAY = st.none() | st.dates()


@given(st.builds(Person, key=st.builds(SourceKey, st.text(), st.text()), role=st.sampled_from(Role), status=st.sampled_from(Status),
    **{field.name: DAY if field.name in ("starts", "ends", "dob") else TEXT for field in fields(Person) if field.name not in ("key", "role", "status", "children")}, children=st.none() | st.lists(st.text()).map(tuple)))  # fmt: skip
def test_not_told_and_told_to_be_empty_survive_for_any_text(person: Person) -> None:
    assert person_from(person_document(person)) == person


def test_a_field_that_a_later_version_dropped_does_not_stop_the_reading() -> None:
    text = person_document(pupil("harry")).replace('"first"', '"shoe_size":"4","first"')
    assert person_from(text) == pupil("harry")


@pytest.mark.parametrize(("role", "state"), [(role, state) for role in Role for state in State])
def test_every_role_and_state_survives(role: Role, state: State) -> None:
    identity = replace(known(1), role=role, state=state)
    assert identity_from(tuple(identity_row(identity, NOON).values()), (), {}) == identity


def test_times_are_kept_in_utc_and_sort() -> None:
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=1)))
    assert utc(summer) == "2026-07-01T11:00:00.000000+00:00"
    assert utc(NOON) < utc(NOON + timedelta(microseconds=1)) < utc(NOON + timedelta(seconds=1))
    with pytest.raises(ValueError, match="zone"):
        utc(summer.replace(tzinfo=None))


def test_an_update_keeps_bonds_and_replaces_records(store: Store) -> None:
    first = known(1)
    store.remember(None, [first], NOON)
    store.bond(first.id, "ad", Bond(Anchor("a1"), True), NOON)
    moved = replace(
        first, person=replace(first.person, key=SourceKey(SCHOOL, "new"), year_group="Year 8"), also=first.keys
    )
    store.remember(None, [moved], NOON)
    assert store.identities(SCHOOL) == [replace(moved, bonds={"ad": Bond(Anchor("a1"), True)})]
    freed = replace(moved, also=())
    store.remember(None, [freed], NOON)
    store.remember(None, [known(2, pupil("p1"))], NOON)  # the record is free for whom it really is
    assert [each.keys for each in store.identities(SCHOOL)] == [freed.keys, known(2, pupil("p1")).keys]


def test_a_record_is_one_person(store: Store) -> None:
    store.remember(None, [known(1)], NOON)
    with pytest.raises(
        Halt, match="record student:p1 of milton-park cannot belong to the identity id000002: it belongs to id000001"
    ):
        store.remember(None, [known(3), known(2, pupil("p1"))], NOON)
    assert [each.id for each in store.identities(SCHOOL)] == ["id000001"], "all of a step, or nothing"
    assert not store.ledger(SCHOOL).taken("user3")


def test_an_account_is_one_persons(store: Store) -> None:
    store.remember(None, [known(1), known(2)], NOON)
    store.bond(known(1).id, "ad", Bond(Anchor("a1")), NOON)
    store.bond(known(2).id, "google", Bond(Anchor("a1")), NOON)  # another target's ids are another matter
    with pytest.raises(Halt, match="account in ad"):
        store.bond_all("ad", {known(1).id: Bond(Anchor("a9")), known(2).id: Bond(Anchor("a9"))}, NOON)
    with pytest.raises(Halt, match="account in ad"):
        store.bond(IdentityId("stranger"), "ad", Bond(Anchor("a2")), NOON)
    assert store.bonds("ad") == {known(1).id: Bond(Anchor("a1"))}


def test_an_identity_that_employee_id_cannot_hold_is_refused(store: Store) -> None:
    with pytest.raises(Halt):
        store.remember(None, [replace(known(1), id=IdentityId("x" * 17))], NOON)


def test_people_are_found_by_whatever_a_technician_has_at_hand(store: Store) -> None:
    harry = known(
        1,
        pupil("harry", "Harry", "Potter", upn="A123", admission_number="007"),
        username="h.potter",
        email="h.potter@x.test",
    )
    harriet = known(
        2, pupil("harriet", "Harriet", "Potter-Smith", legal_first="Zoë"), aliases=frozenset({"old@x.test"})
    )
    severus = known(3, teacher("severus", staff_code="SNA"), username=None, email=None, proposal="s.snape", waiting="?")
    elsewhere = replace(known(4, replace(pupil("harry"), key=SourceKey("elm", "1")), username="harry"), school="elm")
    store.remember(None, [harry, harriet, severus, elsewhere], NOON)

    def found(text: str, school: str | None = SCHOOL) -> list[str]:
        return [each.id[-1] for each in store.find(school, text)]

    exactly = {
        "h.potter": "1",
        " H.Potter@X.test ": "1",
        "a123": "1",
        "007": "1",
        "student:harry": "1",
        "id000002": "2",
    }
    exactly |= {"OLD@x.test": "2", "sna": "3", "s.snape": "3"}
    assert {text: "".join(found(text)) for text in exactly} == exactly
    assert found("potter") == ["1", "2"]
    assert found("harriet POTTER") == ["2"]
    assert found("zoe p") == ["2"]
    assert found("harry", None) == ["4"], "a username that is exactly it goes before parts of names"
    assert found("harry") == ["1"]
    assert found("voldemort") == found("") == found("%") == found("_") == []


def test_a_rename_keeps_the_old_address_and_never_takes_a_name(store: Store) -> None:
    store.remember(None, [known(1), replace(known(2), username=None, email=None, waiting="Ask.", proposal="x")], NOON)
    store.bond(known(1).id, "ad", Bond(Anchor("a1")), NOON)
    renamed = store.rename(known(1).id, "M.Urquart", f"M.Urquart@{DOMAIN}", True, NOON)
    assert (renamed.username, renamed.email, renamed.aliases) == (
        "m.urquart",
        f"m.urquart@{DOMAIN}",
        {f"user1@{DOMAIN}"},
    )
    assert store.identity(known(1).id) == renamed
    for name in ("user1", "m.urquart"):
        with pytest.raises(
            Refused, match=f"{name} cannot be given to the identity id000002: it was issued to the identity id000001"
        ):
            store.rename(known(2).id, name, f"new@{DOMAIN}", True, NOON)
    waiting = store.identity(known(2).id)
    assert waiting is not None
    assert (waiting.username, waiting.waiting) == (None, "Ask.")
    assert not store.ledger(SCHOOL).taken(f"new@{DOMAIN}"), "a refused rename leaves nothing behind"
    named = store.rename(known(2).id, "new", f"new@{DOMAIN}", True, NOON)
    assert (named.waiting, named.proposal, named.aliases) == (None, None, frozenset())
    other = store.rename(known(2).id, "newer", f"newer@{DOMAIN}", True, NOON)
    assert other.aliases == frozenset(), "nobody could ever write to the address of somebody who has no account yet"
    back = store.rename(known(1).id, "user1", f"user1@{DOMAIN}", False, NOON)
    assert (back.username, back.aliases) == ("user1", frozenset()), "one's own old name may come back"
    with pytest.raises(Refused, match="no identity"):
        store.rename(IdentityId("nobody"), "a", "a@x.test", True, NOON)


def test_a_name_seen_in_a_target_is_only_for_the_one_whose_account_holds_it(store: Store) -> None:
    store.remember(None, [known(1), known(2)], NOON)
    store.bond(known(1).id, "ad", Bond(Anchor("a1")), NOON)
    seen = {"By.Hand": Holder(Anchor("a1"), "the account CN=Harry"), "group": Holder(None, "the group Staff")}
    assert store.absorb("ad", seen, NOON) == 2
    ledger = store.ledger(SCHOOL)
    assert (ledger.taken("by.hand"), ledger.taken("BY.HAND"), ledger.holder("by.hand")) == (True, True, None)
    with pytest.raises(Refused, match=r"by\.hand cannot be given to the identity id000002: it is in use in ad"):
        store.rename(known(2).id, "by.hand", f"by.hand@{DOMAIN}", True, NOON)
    with pytest.raises(Refused, match="group"):
        store.rename(known(1).id, "group", f"x@{DOMAIN}", True, NOON)
    with pytest.raises(Halt, match="group"):
        store.remember(None, [known(3, username="group")], NOON)
    store.rename(known(1).id, "by.hand", f"by.hand@{DOMAIN}", True, NOON)
    assert store.ledger(SCHOOL).holder("by.hand") == known(1).id


def test_what_was_seen_before_is_not_written_again(store: Store) -> None:
    names = [f"name{number}" for number in range(3000)]
    assert store.absorb("ad", [*names, "bad\x00name", "", "NAME1"], NOON) == 3000
    assert store.absorb("google", names, NOON) == 0
    assert store.absorb("google", [*names, "new"], NOON) == 1
    store.remember(None, [known(1)], NOON)
    assert store.absorb("ad", ["USER1", f"user1@{DOMAIN}"], NOON) == 0
    assert store.ledger(SCHOOL).holder("user1") == known(1).id


def test_the_ledger_answers_the_same_however_often_it_is_asked(store: Store) -> None:
    store.remember(None, [known(1)], NOON)
    store.absorb("ad", ["seen"], NOON)
    ledger = store.ledger(SCHOOL)
    for _ in range(300):  # past the point where it reads everything at once
        assert (ledger.taken("user1"), ledger.taken("seen"), ledger.taken("free")) == (True, True, False)
        assert (ledger.holder("user1"), ledger.holder("seen"), ledger.holder("free")) == (known(1).id, None, None)


def test_a_connectors_memory_is_its_own(store: Store) -> None:
    state = bytes(range(256)) * 1000
    store.memory("m365").put("delta", b"old")
    store.memory("m365").put("delta", state)
    store.memory("google").put("delta", b"")
    assert store.memory("m365").get("delta") == state
    assert store.memory("google").get("delta") == b""
    assert store.memory("m365").get("other") is None
    store.forget_memory("m365")
    assert (store.memory("m365").get("delta"), store.memory("google").get("delta")) == (None, b"")


def test_two_schools_in_one_store_keep_their_people_apart(store: Store) -> None:
    elm = replace(known(2, replace(pupil("p1"), key=SourceKey("elm", "student:p1"))), school="elm")
    store.remember(None, [known(1), elm], NOON.astimezone(UTC))
    assert (store.identities(SCHOOL), store.identities("elm")) == ([known(1)], [elm])
