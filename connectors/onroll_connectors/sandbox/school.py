"""Milton Park, a secondary school that does not exist: its people, its groups and what happens to them.

The same seed gives the same school on every system. Story edits change it as an office would change the MIS.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from onroll_connectors.sandbox.names import COMMUNITIES, HOUSES, SUBJECTS, TITLES
from onroll_core.years import ROLLOVERS, Country, academic_year

YEARS = range(7, 14)
TUTORS = "ABCDEFGH"
_SHARES = [each.share for each in COMMUNITIES]


@dataclass(frozen=True, slots=True)
class Pupil:
    """One pupil as an office keeps them; `number` is the MIS's own id, `year` the National Curriculum year."""

    number: int
    first: str
    last: str
    legal_first: str
    legal_last: str
    born: date
    year: int
    form: str
    house: str
    upn: str
    admission_number: str
    starts: date
    ends: date | None = None
    status: str = "on roll"  # or "accepted", "left"


@dataclass(frozen=True, slots=True)
class Employee:
    """One member of staff."""

    number: int
    first: str
    last: str
    title: str
    code: str
    starts: date
    ends: date | None = None
    teaches: bool = True


@dataclass(frozen=True, slots=True)
class Contact:
    """A parent or carer; `children` are the pupils' numbers."""

    number: int
    first: str
    last: str
    title: str
    children: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A teaching class: its name, who is in it, who takes it."""

    number: int
    name: str
    pupils: tuple[int, ...]
    teachers: tuple[int, ...]


@dataclass(slots=True)
class School:
    """Everybody; `today` is the day on which the MIS is looked at."""

    today: date
    pupils: dict[int, Pupil] = field(default_factory=dict)
    staff: dict[int, Employee] = field(default_factory=dict)
    classes: dict[int, Lesson] = field(default_factory=dict)
    contacts: dict[int, Contact] = field(default_factory=dict)
    name: str = "Milton Park School"
    next_number: int = 50_000

    def joins(self, first: str, last: str, year: int = 7, starts: date | None = None) -> Pupil:
        """A pupil arrives and is admitted."""
        number = self._number()
        form = f"{year}{TUTORS[number % len(TUTORS)]}"
        entry = academic_year(self.today, ROLLOVERS[Country.ENGLAND]) - year + 5
        born = date(entry - 10, 1 + number % 12, 1 + number % 28)
        pupil = Pupil(
            number,
            first,
            last,
            first,
            last,
            born,
            year,
            form,
            HOUSES[number % len(HOUSES)],
            upn(number),
            f"{number:06}",
            starts or self.today,
        )
        self.pupils[number] = pupil
        return pupil

    def is_employed(self, first: str, last: str, starts: date | None = None) -> Employee:
        """A member of staff is taken on."""
        number = self._number()
        person = Employee(number, first, last, "Ms", f"{first[:1]}{last[:2]}".upper(), starts or self.today)
        self.staff[number] = person
        return person

    def marries(self, number: int, last: str) -> None:
        """A member of staff takes another surname."""
        self.staff[number] = replace(self.staff[number], last=last)

    def leaves(self, number: int, ends: date) -> None:
        """A pupil's last day is entered."""
        self.pupils[number] = replace(self.pupils[number], ends=ends, status="left" if ends < self.today else "on roll")

    def returns(self, number: int) -> None:
        """A pupil is put back on roll under the same record."""
        self.pupils[number] = replace(self.pupils[number], ends=None, status="on roll", starts=self.today)

    def accepts(self, count: int, starts: date) -> list[Pupil]:
        """The intake of next September is typed in early: pupils accepted for Year 7, with names that are like the school's."""
        chance = random.Random(starts.year)
        entry = academic_year(starts, ROLLOVERS[Country.ENGLAND])
        intake = []
        for n in range(count):
            first, last = _name(chance, n % 2 == 0)
            number = self._number()
            born = date(entry - 12, 9, 1) + timedelta(days=chance.randrange(365))
            pupil = Pupil(
                number, first, last, first, last, born, 7, f"7{TUTORS[n % len(TUTORS)]}", HOUSES[n % len(HOUSES)],
                upn(number), f"{number:06}", starts, status="accepted",
            )  # fmt: skip
            self.pupils[number] = pupil
            intake.append(pupil)
        return intake

    def turns_the_year(self, today: date) -> None:
        """The office rolls the MIS over: everybody on roll moves up a year and into next year's form, the intake arrives, whoever's last day has
        passed is a leaver, and every class is a new one."""
        self.today = today
        for number, pupil in self.pupils.items():
            if pupil.status == "accepted" and pupil.starts <= today:
                self.pupils[number] = replace(pupil, status="on roll")
            elif pupil.ends is not None and pupil.ends < today:
                self.pupils[number] = replace(pupil, status="left")
            elif pupil.status == "on roll":
                year = pupil.year + 1
                self.pupils[number] = replace(pupil, year=year, form=f"{year}{pupil.form.lstrip('0123456789')}")
        self.classes = {}
        _fill_classes(self, 30_000 + 1_000 * (today.year - 2000))

    def _number(self) -> int:
        self.next_number += 1
        return self.next_number


def milton_park(today: date, pupils: int = 1200, staff: int = 140, seed: int = 7) -> School:
    """The school on `today`, made from `seed`: pupils over Years 7 to 13, with namesakes, siblings, twins and people who go by another name."""
    chance = random.Random(seed)
    school = School(today)
    year_now = academic_year(today, ROLLOVERS[Country.ENGLAND])
    for n in range(pupils):
        number = 10_000 + n
        year = YEARS[n % len(YEARS)]
        girl = n % 2 == 0
        first, last = _name(chance, girl)
        before = school.pupils.get(number - 7)
        if before is not None and chance.random() < 0.04:
            last = before.last  # siblings and, in one year, twins
        if chance.random() < 0.06:
            last = f"{last}-{_name(chance, girl)[1]}"
        called = _name(chance, girl)[0] if chance.random() < 0.05 else first
        born = date(year_now - year - 5, 9, 1) + timedelta(days=chance.randrange(365))
        joined = date(year_now - max(0, year - 7), 9, 1) + timedelta(days=2)
        school.pupils[number] = Pupil(
            number, called, last, first, last, born, year, f"{year}{TUTORS[n // 7 % len(TUTORS)]}", HOUSES[n % len(HOUSES)], upn(number),
            f"{n:06}", joined,
        )  # fmt: skip
    for n in range(staff):
        number = 1_000 + n
        woman = n % 3 != 0
        first, last = _name(chance, woman)
        person = Employee(
            number,
            first,
            last,
            chance.choice(TITLES["F" if woman else "M"]),
            f"{first[:1]}{last[:2]}{n}".upper(),
            date(2015 + n % 10, 9, 1),
            teaches=n % 4 != 3,
        )
        school.staff[number] = person
    _fill_classes(school)
    _add_contacts(school, random.Random(seed + 1))
    return school


def with_comers_and_goers(school: School) -> School:
    """The same school with two of each kind of record beside those on roll: pupils accepted and left, staff to come and gone."""
    numbers = sorted(school.pupils)
    for number in numbers[-4:-2]:
        starts = date(school.today.year + 1, 9, 3)
        school.pupils[number] = replace(school.pupils[number], status="accepted", starts=starts, year=7, form="7A")
    for number in numbers[-2:]:
        school.leaves(number, school.today - timedelta(days=40))
    for person in list(school.staff.values())[-2:]:
        school.staff[person.number] = replace(person, ends=school.today - timedelta(days=40))
    for person in list(school.staff.values())[-4:-2]:
        school.staff[person.number] = replace(person, starts=school.today + timedelta(days=40))
    return school


def _name(chance: random.Random, girl: bool) -> tuple[str, str]:
    """A first and a last name that go together."""
    (community,) = chance.choices(COMMUNITIES, _SHARES)
    return chance.choice(community.girls if girl else community.boys), chance.choice(community.surnames)


def _fill_classes(school: School, number: int = 30_000) -> None:
    teachers = [person.number for person in school.staff.values() if person.teaches]
    forms: dict[str, list[int]] = {}
    for pupil in school.pupils.values():
        if pupil.status == "on roll":
            forms.setdefault(pupil.form, []).append(pupil.number)
    for form, members in sorted(forms.items()):
        for subject, _ in SUBJECTS[:6]:
            number += 1
            taught_by = (teachers[number % len(teachers)],) if teachers else ()
            school.classes[number] = Lesson(number, f"{form}/{subject}1", tuple(members), taught_by)


def _add_contacts(school: School, chance: random.Random) -> None:
    """One contact for each pupil, or for two in a row who share a surname."""
    before: Contact | None = None
    for number, pupil in sorted(school.pupils.items()):
        if before is not None and before.last == pupil.last:
            before = school.contacts[before.number] = replace(before, children=(*before.children, number))
            continue
        first, _ = _name(chance, number % 2 == 0)
        title = "Mrs" if number % 2 == 0 else "Mr"
        before = school.contacts[70_000 + number] = Contact(70_000 + number, first, pupil.last, title, (number,))


_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def upn(number: int) -> str:
    """A valid Unique Pupil Number of the local authority 999, which does not exist."""
    body = f"999{4000 + number // 100_000:04}{number % 100_000:05}"
    total = sum(int(digit) * place for place, digit in enumerate(body, start=2))
    return _LETTERS[total % 23] + body


def scn(number: int) -> str:
    """A Scottish Candidate Number: nine digits, of which the last checks the others (shape only; this school does not exist)."""
    return f"{number % 10**9:09}"


def upi(school_id: str, kind: str, number: int) -> str:
    """A stable 32-digit id such as aggregators make of an MIS's own, with the school it belongs to."""
    return hashlib.md5(f"{school_id}/{kind}/{number}".encode(), usedforsecurity=False).hexdigest()
