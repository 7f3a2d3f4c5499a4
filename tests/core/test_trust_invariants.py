"""Whatever the two MISs of a trust say day by day: one human has one account, which works while any school has them on roll, and then there is nothing to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOON, pupil
from onroll_core.changes import Disable
from onroll_core.people import Person, Status
from onroll_core.store import Store
from trusts import LOWER, UPPER, Mis, Trust

PEOPLE = [pupil(f"{n}", "Jo", last, upn=f"U{n}", registration_group="7X") for n, last in enumerate(("Asp", "Birch"))]
STAYS = pupil("99", "Sam", "Oak", upn="U99", registration_group="7X")
ORDERS = [(UPPER, LOWER), (LOWER, UPPER)]

told = st.sampled_from(["on roll", "on roll", "subsidiary", "left", "past its end", "no record"])
one_day = st.tuples(st.lists(told, min_size=4, max_size=4), st.sampled_from(ORDERS))


def tell(mis: Mis, person: Person, what: str, trust: Trust) -> None:
    """What one MIS says of one pupil from today on."""
    record = f"student:{person.key.record.partition(':')[2]}{'1' * (mis.school == LOWER)}"
    if what == "no record":
        mis.people.pop(record, None)
        return
    ends = None if what in ("on roll", "subsidiary") else trust.now.date()
    status = Status.LEFT if what == "left" else Status.ON_ROLL
    mis.has(person, record.partition(":")[2], status=status, ends=ends, enrolment="S" if what == "subsidiary" else "C")


def on_roll(trust: Trust, *enrolments: str) -> dict[str, set[str]]:
    """By last name, the schools that have somebody on roll in this night's reading, as main registration unless told otherwise."""
    return {
        person.last or "": {
            school
            for school, mis in trust.mis.items()
            for each in mis.people.values()
            if (each.last, each.status, each.ends) == (person.last, Status.ON_ROLL, None)
            and each.enrolment in (enrolments or "C")
        }
        for person in PEOPLE
    }


def check(trust: Trust, before: dict[str, set[str]]) -> None:
    """What must be true after every night; `before` is who was on roll where in the night before."""
    now = on_roll(trust)
    for person in PEOPLE:
        last = person.last or ""
        accounts = [each for each in trust.ad.accounts.values() if each.family == last]
        assert len(accounts) <= 1, f"{last} has two accounts"
        humans = [each for each in trust.people() if each.person.last == last]
        assert len(humans) <= 1, f"{last} is two people"
        if accounts and now[last]:
            assert accounts[0].enabled, f"{last} is on roll at {now[last]} and cannot sign in"
        if accounts and before[last] & now[last]:
            disabled = [
                each for each in trust.ad.writes if isinstance(each, Disable) and each.who.identity == humans[0].id
            ]
            assert not disabled, f"{last} was on roll all along and was switched off: {disabled}"


@pytest.mark.parametrize("grace", [0, 3])
@settings(max_examples=5)
@given(days=st.lists(one_day, min_size=1, max_size=4))
def test_one_human_has_one_account_that_works_while_any_school_has_them(
    grace: int,
    migrated_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
    days: list[tuple[list[str], tuple[str, str]]],
) -> None:
    folder = tmp_path_factory.mktemp("trust")
    shutil.copy(migrated_file, folder / "onroll.db")
    trust = Trust(Store.open(f"sqlite:///{folder / 'onroll.db'}", lambda: NOON), grace=grace)
    try:
        for mis, number in ((trust.upper, "991"), (trust.lower, "992")):
            mis.has(STAYS, number, last=f"Oak{'AB'[mis.school == LOWER]}", upn=f"U{number}")
        before: dict[str, set[str]] = {person.last or "": set() for person in PEOPLE}
        for said, order in days:
            for n, what in enumerate(said):
                tell((trust.upper, trust.lower)[n % 2], PEOPLE[n // 2], what, trust)
            trust.ad.writes.clear()
            trust.night(*order)
            check(trust, before)
            before = on_roll(trust)
        for _ in range(6):  # whoever is missing counts as gone after three, and grace ends
            trust.ad.writes.clear()
            trust.night(*days[-1][1])
            check(trust, before)
        trust.nothing_to_do()
        groups_are_those_of_the_schools_that_have_them(trust)
    finally:
        trust.store.close()
        shutil.rmtree(folder)


def groups_are_those_of_the_schools_that_have_them(trust: Trust) -> None:
    now = on_roll(trust, "C", "S")
    names = {UPPER: "Milton Park", LOWER: "Lower Park"}
    for person in PEOPLE:
        last = person.last or ""
        for account in [each for each in trust.ad.accounts.values() if each.family == last]:
            schools = now[last] if account.enabled else set()
            wanted = {
                f"{names[each]} {group}" for each in schools for group in ("Students", "7X", "7X/Ma", "Year 2020")
            }
            assert trust.groups(last) == wanted
