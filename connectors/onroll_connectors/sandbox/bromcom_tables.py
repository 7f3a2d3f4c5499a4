"""Milton Park as Bromcom keeps it: people, collections, who is in them and who leads them, each with its dates, as both of its interfaces give it out.

Values are padded with spaces as Bromcom's are. The columns of HouseClasses and of StudentContacts are made up: no public document shows real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from onroll_connectors.sandbox.bromcom_filter import weeks_from
from onroll_connectors.sandbox.school import Contact, Employee, Lesson, Pupil, School
from onroll_core.years import ROLLOVERS, Country, academic_year

Row = dict[str, Any]
_PAD = "   "
_COLLECTIONS = {"year": 60_000, "form": 61_000, "house": 62_000}


@dataclass(slots=True)
class Tables:
    """The tables of one school. `enrolments` are statuses of pupils who are not registered here alone, `called` the preferred names of staff who go
    by another; `again` are pupils who left once and came back, with the days of their first enrolment."""

    school: School
    enrolments: dict[int, str] = field(default_factory=dict)
    called: dict[int, tuple[str, str]] = field(default_factory=dict)
    again: dict[int, tuple[date, date]] = field(default_factory=dict)
    codeless: frozenset[int] = frozenset()
    text_statuses: bool = False

    def pupils(self) -> Iterator[tuple[Pupil, date, date | None]]:
        """Every enrolment: the pupil, the first day and the last."""
        for pupil in self.school.pupils.values():
            if pupil.number in self.again:
                yield pupil, *self.again[pupil.number]
            yield pupil, pupil.starts, pupil.ends

    def status(self, number: int) -> str:
        """The enrolment status, as a code or in words."""
        code = self.enrolments.get(number, "C")
        words = {
            "C": "Single Registration", "M": "Main - Dual Registration", "S": "Subsidiary - Dual Registration", "G": "Guest",
        }  # fmt: skip
        return words.get(code, code) if self.text_statuses else code

    def staff(self) -> Iterator[tuple[Employee, tuple[str, str], str | None]]:
        """Every member of staff with their preferred names and their code."""
        for person in self.school.staff.values():
            code = None if person.number in self.codeless else person.code
            yield person, self.called.get(person.number, (person.first, person.last)), code

    def contacts(self) -> dict[int, list[Contact]]:
        """The contacts of each pupil."""
        found: dict[int, list[Contact]] = {}
        for contact in self.school.contacts.values():
            for child in contact.children:
                found.setdefault(child, []).append(contact)
        return found

    def year(self) -> tuple[date, date, str]:
        """The first day and the last of this academic year, and what Bromcom writes after the name of a class of it."""
        began = academic_year(self.school.today, ROLLOVERS[Country.ENGLAND])
        return date(began, 9, 1), date(began + 1, 8, 31), f" ({began % 100:02}/{(began + 1) % 100:02})"

    def collections(self) -> dict[str, tuple[int, str]]:
        """Year groups, tutor groups and houses: number and name of each by a letter for its kind and its name."""
        names = sorted(
            {
                each
                for pupil in self.school.pupils.values()
                for each in (f"year:{pupil.year}", f"form:{pupil.form}", f"house:{pupil.house}")
            }
        )
        return {
            each: (_COLLECTIONS[each.partition(":")[0]] + place, each.partition(":")[2])
            for place, each in enumerate(names)
        }

    def associates(self) -> list[tuple[int, int, str, date, date | None]]:
        """Who is in which collection: person, collection, its name, first and last day. Whoever was moved has a row that is over."""
        starts, ends, suffix = self.year()
        found: list[tuple[int, int, str, date, date | None]] = []
        collections = self.collections()
        for pupil in self.school.pupils.values():
            first = max(starts, pupil.starts)
            kinds = (f"year:{pupil.year}", f"form:{pupil.form}", f"house:{pupil.house}")
            found += [(pupil.number, *collections[each], first, pupil.ends) for each in kinds]
        for lesson in self.school.classes.values():
            name = f"{lesson.name}{suffix}"
            for each in lesson.pupils:
                member = self.school.pupils.get(each)
                if member is not None:
                    found.append((each, lesson.number, name, max(starts, member.starts), member.ends or ends))
        if found:
            one = found[0]
            found.append((one[0], found[-1][1], found[-1][2], starts, starts + timedelta(days=20)))
        return found

    def lessons(self) -> list[tuple[Lesson, str, date, date]]:
        """The classes of this year, and one of the last that is over."""
        starts, ends, suffix = self.year()
        old = [Lesson(29_000, "Old/Class1", tuple(self.school.pupils)[:2], ())]
        return [
            *((each, f"{each.name}{suffix}", starts, ends) for each in self.school.classes.values()),
            *((each, each.name, date(starts.year - 1, 9, 1), starts - timedelta(days=1)) for each in old),
        ]

    def leads(self) -> list[tuple[int, int, str, date, date | None]]:
        """Who leads which collection: member of staff, collection, role, first and last day. The teacher before is there too."""
        starts, ends, _ = self.year()
        roles = ("Main Teacher", "Teacher", "Additional Teacher")
        found: list[tuple[int, int, str, date, date | None]] = []
        teachers = [each.number for each in self.school.staff.values() if each.teaches]
        for lesson in self.school.classes.values():
            for place, each in enumerate(lesson.teachers):
                found.append((each, lesson.number, roles[min(place, 2)], starts, ends))
            if teachers:
                gone = teachers[lesson.number % len(teachers) - 1]
                found.append((gone, lesson.number, "Main Teacher", starts, starts + timedelta(days=10)))
        for place, (kind, (number, _name)) in enumerate(self.collections().items()):
            if kind.startswith("form:") and teachers:
                found.append((teachers[place % len(teachers)], number, "Main Tutor", starts, None))
            if kind.startswith("house:") and teachers:
                found.append((teachers[place % len(teachers)], number, "Head of House", starts, None))
        return found

    def timetable(self) -> Iterator[tuple[Lesson, str, int, date, bool]]:
        """Lessons of the weeks to come: class, its name with the year, the teacher, the day, and whether it is cover."""
        _, _, suffix = self.year()
        teachers = [each.number for each in self.school.staff.values() if each.teaches]
        for week, monday in enumerate(weeks_from(self.school.today + timedelta(days=6), 2)):
            for lesson in self.school.classes.values():
                day = monday + timedelta(days=lesson.number % 5)
                for each in lesson.teachers:
                    yield lesson, f"{lesson.name}{suffix}", each, day, False
                if teachers and week == 1:
                    other = teachers[lesson.number % len(teachers) - 2]
                    yield lesson, f"{lesson.name}{suffix}", other, day, True


def padded(value: str | None) -> str | None:
    """A text as Bromcom gives it out."""
    return None if value is None else f"{value}{_PAD}"


def moment(day: date | None) -> str | None:
    """A day as Bromcom's REST API writes it."""
    return None if day is None else f"{day.isoformat()}T00:00:00"
