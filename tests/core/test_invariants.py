"""What must hold whatever a MIS says: names once, strangers untouched, nothing to do twice, and no disaster beyond the limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import SCHOOL, TODAY, pupil, snapshot, teacher
from nights import Nights
from onroll_core.guard import Cleared
from onroll_core.people import Person, Role, SourceKey, Status
from onroll_core.usernames import LONGEST

hostile = st.text(min_size=0, max_size=30) | st.sampled_from(
    [
        "Ann",
        "Zoë",
        "O'Neil",
        "李小龙",
        "Null",
        "  ",
        "Łukasz",
        "van der Berg",
        "\u202eevil",
        "x" * 300,
        "Nguyễn",
        "Smith",
        "😀",
        "محمد",
    ]
)
years = st.sampled_from(["Year  7", "8", "R", "N2", "Y11", "X", "", None, "13"])
days = st.dates(date(2024, 1, 1), date(2028, 12, 31)) | st.none()


@st.composite
def people(draw: st.DrawFn, most: int = 25) -> list[Person]:
    """A school that an MIS might tell, each record once."""
    found: list[Person] = []
    for n in range(draw(st.integers(1, most))):
        role = draw(st.sampled_from([Role.STUDENT, Role.STUDENT, Role.STAFF]))
        found.append(
            Person(
                SourceKey(SCHOOL, f"{role.value}:{n}"),
                role,
                draw(st.sampled_from(list(Status))),
                first=draw(hostile | st.none()),
                last=draw(hostile | st.none()),
                legal_first=draw(hostile | st.none()),
                legal_last=draw(hostile | st.none()),
                year_group=draw(years),
                starts=draw(days),
                ends=draw(days),
                upn=draw(st.sampled_from([None, "", "H999900012001", "X999900012002"])),
            )
        )
    return found


@given(people(), people(), st.integers(0, 40))
@settings(deadline=None)
def test_after_apply_the_plan_is_empty_and_names_are_unique(
    first: list[Person], second: list[Person], later: int
) -> None:
    nights = Nights()
    strangers = {nights.target.stranger(name): name for name in ("smith", "20asmith", "a.smith", "zoe")}
    before = {anchor: nights.target.accounts[anchor] for anchor in strangers}
    for told in (first, second):
        read = nights.read(snapshot(*told))
        if not isinstance(nights.apply(), Cleared):
            break
        plan, _ = nights.plan()
        assert list(plan.changes) == [], read
        nights.today += timedelta(days=later)
    assert {anchor: nights.target.accounts[anchor] for anchor in strangers} == before
    logins = Counter(account.login for account in nights.target.accounts.values())
    assert max(logins.values()) == 1
    for identity in nights.identities.values():
        if identity.username is not None:
            assert 0 < len(identity.username) <= LONGEST
            assert set(identity.username) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")


def big_school() -> Nights:
    nights = Nights()
    everyone = [
        pupil(f"p{n:03}", f"F{chr(97 + n % 26)}{chr(97 + n // 26)}", "Smith", f"Year {7 + n % 5}") for n in range(120)
    ]
    everyone += [teacher(f"t{n:02}", f"F{chr(97 + n)}", "Jones") for n in range(20)]
    nights.read(snapshot(*everyone))
    nights.apply()
    nights.everyone = everyone  # type: ignore[attr-defined]
    return nights


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["vanish", "leave", "left", "blank", "swap", "new key", "guest", "future"]),
            st.integers(0, 139),
            st.integers(1, 139),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 5),
)
@settings(deadline=None)
def test_a_mutated_snapshot_never_disables_beyond_the_limits(
    mutations: list[tuple[str, int, int]], repeats: int
) -> None:
    nights = big_school()
    told: list[Person] = list(nights.everyone)  # type: ignore[attr-defined]
    for what, start, length in mutations:
        for n in range(start, min(start + length, len(told))):
            told[n] = mutated(told[n], what)
    told = [
        person
        for person in told
        if person.status is not Status.LEFT or person.ends is not None or person.first != "GONE"
    ]
    for _ in range(repeats):
        before = {anchor for anchor, account in nights.target.accounts.items() if account.enabled}
        nights.read(snapshot(*told))
        nights.apply()
        lost = [anchor for anchor in before if not nights.target.accounts[anchor].enabled]
        unexplained = [anchor for anchor in lost if not dated(nights, anchor)]
        # The larger of 5 and 3 % of a role, for each of two roles; dated leavers are bounded by sanity: the larger of 10 and 8 %.
        assert len(unexplained) <= 10
        assert len(lost) <= 10 + 10 + 10
        nights.today += timedelta(days=1)


def mutated(person: Person, what: str) -> Person:
    match what:
        case "vanish":
            return replace(person, first="GONE", status=Status.LEFT, ends=None)
        case "leave":
            return replace(person, ends=TODAY - timedelta(days=1))
        case "left":
            return replace(person, status=Status.LEFT)
        case "blank":
            return replace(person, first=None, last=None, year_group=None)
        case "swap":
            return replace(person, first=person.last, last=person.first)
        case "new key":
            return replace(person, key=SourceKey(SCHOOL, person.key.record + "x"))
        case "guest":
            return replace(person, enrolment="G")
        case _:
            return replace(person, status=Status.FUTURE, starts=TODAY - timedelta(days=1))


def dated(nights: Nights, anchor: str) -> bool:
    """True when the MIS gave a leaving date for the person behind an account."""
    owner = nights.target.owners[anchor]  # type: ignore[index]
    return nights.identities[owner].person.ends is not None
