"""Who is in an iSAMS Batch document, row by row and in whatever order its parts come; what is of no use is not kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from onroll_connectors.own_groups import own_groups
from onroll_connectors.sources.isams_rows import SHAPE, Row, will_come
from onroll_connectors.sources.isams_settings import Settings
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import Group, GroupKind, Person, Role, SourceKey, Status

_TUTORS = (
    ("TutorId", "Tutor"), ("AssistantTutorId", "AssistantFormTutor"), ("SecondAssistantTutorId", "SecondAssistantFormTutor"),
)  # fmt: skip
"""Who leads a form: the number of a member of staff, and the user code that stands in its place in older versions."""


@dataclass(slots=True)
class Part:
    """What one `method` gives: the list at `place` (section, name), what its rows are called where that is known, and what is done with each."""

    what: str
    method: str
    place: tuple[str, str]
    row: str | None
    read: Callable[[Row], None]
    seen: bool = False


class Roll:
    """One document. `parts` are what has to be in it, `take` what is done with its lists; the rest holds for a document that was taken whole."""

    def __init__(self, school: str, wishes: Settings, today: date) -> None:
        self._school, self._wishes, self._today = school, wishes, today
        self._current: list[tuple[Person, str | None]] = []
        self._coming: list[tuple[Person, str | None]] = []
        self._gone: list[tuple[Person, str | None]] = []
        self._staff: dict[str, Person] = {}
        self._users: dict[str, str] = {}
        self._nobody: set[str] = set()
        self._tutors: dict[str, set[str]] = {}
        self._terms: list[tuple[date, int]] = []
        self._taught: dict[str, tuple[str, list[str]]] = {}
        self._members: dict[str, list[str]] = {}
        self._parts = {part.place: part for part in self._all()}

    @property
    def parts(self) -> Iterable[Part]:
        """What is asked for."""
        return self._parts.values()

    def _all(self) -> Iterator[Part]:
        wishes, pupils, school, teaching = self._wishes, "PupilManager", "SchoolManager", "TeachingManager"
        staff = ("HRManager", "CurrentStaff")
        yield Part("current pupils", "Pupil_GetCurrentPupils", (pupils, "CurrentPupils"), "Pupil", self._pupil)
        yield Part("current staff", "HumanResources_GetCurrentStaff", staff, "StaffMember", self._employee)
        yield Part("forms and terms", "School_GetSchoolForms", (school, "Forms"), "Form", self._form)
        yield Part("forms and terms", "School_GetSchoolTerms", (school, "Terms"), "Term", self._term)
        if wishes.applicants:
            yield Part("applicants", "Pupil_GetApplicants", (pupils, wishes.applicants_node), None, self._applicant)
        if wishes.alumni:
            yield Part("alumni", "Pupil_GetAlumni", (pupils, wishes.alumni_node), None, self._leaver)
        if wishes.sets:
            yield Part("teaching sets", "Teaching_GetTeachingSets", (teaching, "Sets"), "Set", self._set)
            lists = "Teaching_GetTeachingSetLists"
            yield Part("teaching sets", lists, (teaching, "SetLists"), "SetList", self._set_list)

    def take(self, lists: Iterable[tuple[str, str, Iterable[Row]]]) -> None:
        """Read a document's lists; those that nobody asked for are passed over."""
        for section, name, rows in lists:
            part = self._parts.get((section, name))
            if part is None:
                continue
            part.seen = True
            for row in rows:
                if part.row is not None and row.name != part.row:
                    raise Unavailable(
                        f"iSAMS sent {row.name[:40]} where {part.row} should be ({name}). Nothing was changed."
                    )
                part.read(row)

    def whole(self, what: str | None = None) -> None:
        """Raises Halt where a list is not there at all, which is not the same as an empty one; of `what` alone, where it is said."""
        for part in self._parts.values():
            if not part.seen and what in (None, part.what):
                settings = {"applicants": "applicants_node", "alumni": "alumni_node"}
                own = settings.get(part.what)
                named = f" If your iSAMS calls it otherwise, name it in [school.source] {own}." if own else ""
                raise Halt(
                    f"iSAMS's document has no {'/'.join(part.place)}, which {part.method} gives. Look at the methods of the key.{named} Nothing was changed."
                )

    def people(self) -> dict[SourceKey, Person]:
        """Everybody. One who is on roll may still be among the applicants, or be among the old pupils already."""
        found: dict[SourceKey, Person] = {}
        for those in (self._current, self._coming, self._gone):
            mine: set[SourceKey] = set()
            for person, _ in those:
                if person.key in mine:
                    raise Halt(
                        f"iSAMS sent the pupil {person.key.record.partition(':')[2]} twice, so its answer cannot be trusted. Nothing was changed."
                    )
                mine.add(person.key)
                found.setdefault(person.key, person)
        if not self._current:
            raise Halt(
                "iSAMS shows no current pupil. Look at the filters on the key, and at Pupil_GetCurrentPupils. Nothing was changed."
            )
        if not self._staff:
            raise Halt(
                "iSAMS shows no current member of staff. Look at HumanResources_GetCurrentStaff on the key. Nothing was changed."
            )
        return found | {person.key: person for person in self._staff.values()}

    def groups(self, people: Mapping[SourceKey, Person]) -> list[Group]:
        """Years, forms with their tutors, houses, sets."""
        tutors = {name: self._leaders(told) for name, told in self._tutors.items()}
        return own_groups(people.values(), self._school, tutors) + self._sets()

    def academic_year(self) -> int | None:
        """The SchoolYear of the term that began last."""
        return max(self._terms)[1] if self._terms else None

    def _sets(self) -> list[Group]:
        stray = self._members.keys() - self._taught.keys()
        if stray:
            raise Unavailable(f"iSAMS sent pupils of the set {min(stray)} and not the set itself. Nothing was changed.")
        numbers: dict[str, SourceKey] = {}
        for person, number in (*self._current, *self._coming, *self._gone):
            numbers.setdefault(person.key.record, person.key)
            if number is not None:
                numbers.setdefault(number, person.key)
        found = []
        for number, (name, teachers) in self._taught.items():
            # A set keeps pupils who have left, whom the school need not have asked for.
            members = frozenset(numbers[each] for each in self._members.get(number, ()) if each in numbers)
            key = SourceKey(self._school, f"teaching:{number}")
            found.append(Group(key, GroupKind.TEACHING, name, members, self._leaders(teachers)))
        return found

    def _leaders(self, told: Iterable[str]) -> frozenset[SourceKey]:
        """Members of staff by their numbers, or by "user:" and their user codes; those who have gone lead nothing."""
        numbers = (self._users.get(each.removeprefix("user:")) if each.startswith("user:") else each for each in told)
        return frozenset(self._staff[each].key for each in numbers if each is not None and each in self._staff)

    def _named(self, row: Row) -> Person:
        """What iSAMS tells alike of applicants, pupils and alumni; the SchoolId stays with a pupil through all three."""
        record = SHAPE.key(row.text("SchoolId"), "a SchoolId")
        forename, surname = row.text("Forename"), row.text("Surname")
        return Person(
            SourceKey(self._school, f"student:{record}"),
            Role.STUDENT,
            Status.ON_ROLL,
            first=row.text("Preferredname") or forename,
            last=surname,
            legal_first=forename,
            legal_last=surname,
            starts=_day(row, "EnrolmentDate"),
            upn=row.text("UPN"),
            admission_number=row.text(self._wishes.admission_number),
            dob=_day(row, "DOB") if self._wishes.dates_of_birth else None,
        )

    def _pupil(self, row: Row) -> None:
        person = replace(
            self._named(row),
            year_group=_year(row, "NCYear"),
            registration_group=row.text("Form"),
            house=row.text("AcademicHouse"),
        )
        self._current.append((person, row.attribute("Id")))

    def _applicant(self, row: Row) -> None:
        wishes = self._wishes
        status = row.text(wishes.status_field)
        if status is None:
            raise Halt(
                f"iSAMS's applicants have no {wishes.status_field}, so that nobody can tell who is accepted. Name the field in [school.source]"
                " status_field, or set applicants = false. Nothing was changed."
            )
        if will_come(status, wishes.accepted, wishes.not_coming):
            person = replace(self._named(row), status=Status.FUTURE, year_group=_year(row, wishes.future_year_field))
            self._coming.append((person, row.attribute("Id")))

    def _leaver(self, row: Row) -> None:
        person = replace(self._named(row), status=Status.LEFT, ends=_day(row, self._wishes.leaving_field))
        self._gone.append((person, row.attribute("Id")))

    def _employee(self, row: Row) -> None:
        number = SHAPE.key(row.attribute("Id"), "the Id of a StaffMember")
        if number in self._staff or number in self._nobody:
            raise Halt(
                f"iSAMS sent the member of staff {number} twice, so its answer cannot be trusted. Nothing was changed."
            )
        forename, surname = row.text("Forename"), row.text("Surname")
        if forename is None and surname is None:  # such rows are real: they are accounts of services
            self._nobody.add(number)
            return
        ends = _day(row, "LeavingDate")
        self._staff[number] = Person(
            SourceKey(self._school, f"staff:{number}"),
            Role.STAFF,
            Status.LEFT if ends is not None and ends < self._today else Status.ON_ROLL,
            first=row.text("PreferredName") or forename,
            last=surname,
            legal_first=forename,
            legal_last=surname,
            ends=ends,
            staff_code=row.text(self._wishes.staff_code),
            dob=_day(row, "DOB") if self._wishes.dates_of_birth else None,
        )
        user = row.text("UserCode")
        if user is not None:
            self._users.setdefault(user, number)

    def _form(self, row: Row) -> None:
        name = row.text("Form") or SHAPE.key(row.attribute("Id"), "the Id of a Form")
        tutors = self._tutors.setdefault(name, set())
        for attribute, legacy in _TUTORS:
            told = _either(row, attribute, legacy)
            if told is not None:
                tutors.add(told)

    def _set(self, row: Row) -> None:
        number = SHAPE.key(row.attribute("Id"), "the Id of a Set")
        if number in self._taught:
            raise Halt(f"iSAMS sent the set {number} twice, so its answer cannot be trusted. Nothing was changed.")
        teachers = [each for each in (one.attribute("StaffId") for one in row.rows("Teacher", "Teachers")) if each]
        if not teachers:
            told = _either(row, "TeacherId", "Teacher")
            teachers = [told] if told is not None else []
        self._taught[number] = row.text("Name") or row.text("SetCode") or number, teachers

    def _set_list(self, row: Row) -> None:
        number = SHAPE.key(row.attribute("SetId") or row.text("SetId"), "the SetId of a SetList")
        pupil = row.attribute("PupilId")
        if pupil is None:  # only then: in a published document the older SchoolId of two pupils is the same
            pupil = f"student:{SHAPE.key(row.text('SchoolId'), 'the pupil of a SetList')}"
        self._members.setdefault(number, []).append(pupil)

    def _term(self, row: Row) -> None:
        start, year = _day(row, "StartDate"), row.text("SchoolYear")
        if start is not None and year is not None and start <= self._today:
            self._terms.append((start, SHAPE.number(year, "SchoolYear")))


def _either(row: Row, attribute: str, legacy: str) -> str | None:
    """A member of staff by number, or "user:" and the user code of one, which is what older versions have."""
    number = row.attribute(attribute)
    if number is not None:
        return number
    user = row.text(legacy)
    return None if user is None else f"user:{user}"


def _day(row: Row, name: str) -> date | None:
    return SHAPE.day(row.text(name), name)


def _year(row: Row, name: str) -> str | None:
    told = row.text(name)
    return None if told is None else str(SHAPE.number(told, name))
