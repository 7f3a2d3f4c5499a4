"""PASS's pupils, staff and contacts: the rows of one person, by name_id, become one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onroll_connectors.school_years import Years
from onroll_connectors.sources.wcbs_forms import Form, Forms, form_queries
from onroll_connectors.sources.wcbs_rows import CELLS, PUPIL, STAFF, TYPES, Codes, Wishes, fold
from onroll_connectors.sql import Reading
from onroll_connectors.sql_query import Query
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import Person, Role, SourceKey, Status

_Row = Sequence[Any]


def queries(wishes: Wishes, years: Sequence[object]) -> list[Query]:
    """Everything that is asked of people and their forms, for what it touches."""
    found = [*_pupils(wishes, years), STAFF, _staff_names(wishes), *form_queries(wishes, years)]
    return [*found, TYPES, *_relations(wishes, years)] if wishes.contacts else found


def _names(wishes: Wishes) -> tuple[str, ...]:
    return ("name_id", "preferred_name", "surname", *((wishes.birth_column,) if wishes.dates_of_birth else ()))


def _pupils(wishes: Wishes, years: Sequence[object]) -> tuple[Query, Query]:
    where = {"academic_year": years}
    ask = Query(PUPIL.table, PUPIL.columns, where)
    return ask, Query("NAME", _names(wishes), within={"name_id": Query("PUPIL", ("name_id",), where)})


def _staff_names(wishes: Wishes) -> Query:
    return Query("NAME", _names(wishes), within={"name_id": Query("STAFF", ("name_id",))})


def _relations(wishes: Wishes, years: Sequence[object]) -> tuple[Query, Query]:
    """Relations of the year's pupils, and the names of those they lead to."""
    of_pupils = {"from_name_id": Query("PUPIL", ("name_id",), {"academic_year": years})}
    filled = ("email_address",) if wishes.contacts_need_email else ()
    return (
        Query("RELATIONSHIP", ("from_name_id", "to_name_id", "relation_id", "rank"), within=of_pupils),
        Query(
            "NAME", ("name_id", "preferred_name", "surname", "contact_in_use"), filled=filled,
            within={"name_id": Query("RELATIONSHIP", ("to_name_id",), within=of_pupils)},
        ),
    )  # fmt: skip


class People:
    """Everybody as they are read, and who is meant by a pupil_id or by the code of a member of staff.

    `formed` are the pupils on roll who are in a form of this year.
    """

    def __init__(self, school: str, wishes: Wishes, codes: Codes, schools: Mapping[str, str]) -> None:
        self.wishes, self.codes = wishes, codes
        self.people: dict[SourceKey, Person] = {}
        self.formed: dict[SourceKey, Form] = {}
        self._school, self._schools = school, schools
        self._wanted = {fold(each) for each in wishes.schools}
        self._by_pupil_id: dict[str, SourceKey | None] = {}
        self._by_code: dict[str, set[tuple[str, SourceKey | None]]] = {}

    def key(self, kind: str, record: str) -> SourceKey:
        """The key of somebody or of a group."""
        return SourceKey(self._school, f"{kind}:{record}")

    def mine(self, school: str) -> bool:
        """True for a school that is read, by its code in small letters."""
        return not self._wanted or school in self._wanted

    def pupil(self, pupil_id: str, subject_set: str) -> SourceKey | None:
        """The pupil on roll with a row of this year, or None for one who is not on roll, or is no pupil here. Raises Unavailable for nobody's."""
        if pupil_id not in self._by_pupil_id and self.wishes.strays == "refuse":
            raise Unavailable(
                f"PASS's PUPIL_SET has the pupil_id {pupil_id} in the set {subject_set}, and PUPIL has no such row in this year. The read is not complete, or"
                ' the row is left over: then set strays = "ignore". Nothing was changed.'
            )
        return self._there(self._by_pupil_id.get(pupil_id))

    def tutors(self, codes: Iterable[str | None], school: str, where: str) -> frozenset[SourceKey]:
        """The staff who are there now, by their codes; who has left and who is no staff here is left out. Raises Unavailable for nobody's code."""
        found: set[SourceKey] = set()
        for code in codes:
            known = self._by_code.get(fold(code)) if code else set()
            if known is None and self.wishes.strays == "refuse":
                raise Unavailable(
                    f"PASS's {where} names the tutor {code}, whom STAFF does not have. The read is not complete, or the code is left over: then set"
                    ' strays = "ignore". Nothing was changed.'
                )
            there = {(at, key) for at, each in known or () if (key := self._there(each)) is not None}
            keys = {key for at, key in there if at == school} or {key for _, key in there}
            if len(keys) > 1:
                raise Halt(
                    f"PASS's STAFF has the code {code} for two people who are in use. Nothing was changed. Correct one of them in PASS."
                )
            found |= keys
        return frozenset(found)

    def _there(self, key: SourceKey | None) -> SourceKey | None:
        return key if key is not None and self.people[key].status is Status.ON_ROLL else None

    def read(self, reading: Reading, years: Years, forms: Forms) -> None:
        """Pupils of the years around today, and staff. Raises Unavailable or Halt."""
        self._read_pupils(reading, years, forms)
        self._read_staff(reading)
        for role, table in ((Role.STUDENT, f"PUPIL for the year {years.now.name}"), (Role.STAFF, "STAFF")):
            if not any(each.role is role and each.status is Status.ON_ROLL for each in self.people.values()):
                raise Halt(
                    f"PASS shows nobody in use in {table}. Has it been filled, and may the login see its rows? Nothing was changed."
                )
        if not forms.all_of(fold(years.now.name)) and any(
            each.registration_group for each in self.people.values() if each.status is Status.ON_ROLL
        ):
            raise Halt(
                f"PASS shows no row of FORM for the year {years.now.name}, and its pupils have forms. May the login see its rows? Nothing was changed."
            )

    # --- pupils ---

    def _read_pupils(self, reading: Reading, years: Years, forms: Forms) -> None:
        ask, ask_names = _pupils(self.wishes, [each.name for each in years.all])
        names = self._named(reading, ask_names)
        rows: dict[str, dict[str, list[_Row]]] = {}
        for row in reading.rows(ask):
            year, name_id = fold(row[0]), CELLS.key(row[2], "PUPIL.name_id")
            if year == fold(years.now.name):
                self._by_pupil_id.setdefault(CELLS.key(row[1], "PUPIL.pupil_id"), None)
            if CELLS.number(row[6], "PUPIL.record_type") in self.wishes.record_types and self.mine(
                self._at(row[5], "PUPIL")
            ):
                rows.setdefault(name_id, {}).setdefault(year, []).append(row)
        for name_id, of_years in rows.items():
            row, status = self._state(name_id, of_years, years)
            person, form = self._pupil(row, status, names, years, forms)
            self.people[person.key] = person
            if form is not None and status is Status.ON_ROLL:
                self.formed[person.key] = form
            for each in of_years.get(fold(years.now.name), ()):
                self._by_pupil_id[CELLS.key(each[1], "PUPIL.pupil_id")] = person.key

    def _state(self, name_id: str, of_years: Mapping[str, list[_Row]], years: Years) -> tuple[_Row, Status]:
        """The row that counts: this year's first, then the next year's; of several rows of one year, those that are in use."""
        for year, status in ((years.now, Status.ON_ROLL), (years.following, Status.FUTURE)):
            rows = of_years.get(fold(year.name), []) if year is not None else []
            used = [row for row in rows if self.codes.in_use(row[7], f"PUPIL.in_use of name_id {name_id}")]
            if len({tuple(fold(cell) for cell in row[3:6]) for row in used}) > 1:
                raise Halt(
                    f"PASS has two rows of PUPIL in use for name_id {name_id} in one year, and they differ in code, form or school. Nothing was changed. Look"
                    " for the duplicate in PASS."
                )
            if rows:
                return (used[0], status) if used else (rows[0], Status.LEFT)
        (row, *_) = next(iter(of_years.values()))
        return row, Status.LEFT

    def _pupil(
        self, row: _Row, status: Status, names: Mapping[str, _Row], years: Years, forms: Forms
    ) -> tuple[Person, Form | None]:
        year, _, name_id, code, form_code, school, *_ = row
        record = CELLS.key(name_id, "PUPIL.name_id")
        told = self._name(names, record, "PUPIL")
        registration = CELLS.text(form_code, "PUPIL.form")
        form = forms.of(fold(year), registration, fold(school or ""))
        following = years.following
        person = Person(
            self.key("student", record),
            Role.STUDENT,
            status,
            first=CELLS.text(told[1], "NAME.preferred_name"),
            last=CELLS.text(told[2], "NAME.surname"),
            # The first day of a pupil is not known; who comes with the next year comes not before it begins.
            starts=following.starts if status is Status.FUTURE and following is not None else None,
            year_group=form.year_group if form is not None else None,
            registration_group=form.code if form is not None else registration,
            admission_number=CELLS.text(code, "PUPIL.code"),
            dob=self._born(told),
        )
        return person, form

    # --- staff ---

    def _read_staff(self, reading: Reading) -> None:
        names = self._named(reading, _staff_names(self.wishes))
        staff, others = (
            {fold(each) for each in codes} for codes in (self.wishes.staff_categories, self.wishes.other_categories)
        )
        unknown: dict[str, int] = {}
        for name_id, code, school, category, in_use in reading.rows(STAFF):
            record = CELLS.key(name_id, "STAFF.name_id")
            told = self._name(names, record, "STAFF")
            first = CELLS.text(told[1], "NAME.preferred_name")
            used = self.codes.in_use(in_use, f"STAFF.in_use of name_id {record}")
            plain = CELLS.text(code, "STAFF.code")
            kind = fold(CELLS.text(category, "STAFF.category") or "")
            at = self._at(school, "STAFF") if used else fold(school or "")
            key = None
            # Without a preferred name it is an account of a service, and not of a person. Whoever has left may have a category that is no longer in use.
            ours = first is not None and (kind in staff or (not used and kind not in others))
            if ours and (not at or self.mine(at)):
                key = self.key("staff", record)
                self._keep(Person(
                    key, Role.STAFF, Status.ON_ROLL if used else Status.LEFT, first=first, last=CELLS.text(told[2], "NAME.surname"), staff_code=plain,
                    dob=self._born(told),
                ))  # fmt: skip
            elif first is not None and used and kind not in others | staff:
                unknown[kind] = unknown.get(kind, 0) + 1
            if plain is not None:
                self._by_code.setdefault(fold(plain), set()).add((at, key))
        if unknown:
            listed = ", ".join(f"{name.upper() or 'none at all'} ({count})" for name, count in sorted(unknown.items()))
            raise Halt(
                f"PASS's STAFF has people in use with a category that onroll does not know: {listed}. Name each in staff_categories or in other_categories of"
                " [school.source]. Nothing was changed."
            )

    def _keep(self, person: Person) -> None:
        """Somebody with a row at each of several schools is one person: there while one of the rows is in use."""
        before = self.people.get(person.key)
        if before is None or (before.status is Status.LEFT and person.status is Status.ON_ROLL):
            self.people[person.key] = person
        elif before.status is person.status and (person.staff_code or "") < (before.staff_code or ""):
            self.people[person.key] = person  # the same code every night, whatever order the rows come in

    # --- contacts ---

    def read_contacts(self, reading: Reading, years: Years) -> None:
        """Main contacts of the pupils who were read, with the children of each. Raises Unavailable or Halt."""
        relations, ask_names = _relations(self.wishes, (years.now.name,))
        kinds = {CELLS.key(each, "RELATIONSHIP_TYPE.id"): fold(name or "") for each, name in reading.rows(TYPES)}
        names = self._named(reading, ask_names)
        others = {fold(each) for each in self.wishes.not_contacts}
        children: dict[str, set[str]] = {}
        for child, contact, kind, rank in reading.rows(relations):
            relation = kinds.get(CELLS.key(kind, "RELATIONSHIP.relation_id"))
            if relation is None:
                raise Unavailable(
                    f"PASS's RELATIONSHIP has the relation_id {kind}, which RELATIONSHIP_TYPE does not have. Nothing was changed."
                )
            pupil = self.key("student", CELLS.key(child, "RELATIONSHIP.from_name_id"))
            main = rank is not None and CELLS.number(rank, "RELATIONSHIP.rank") <= self.wishes.contact_rank
            if main and relation not in others and pupil in self.people:
                children.setdefault(CELLS.key(contact, "RELATIONSHIP.to_name_id"), set()).add(pupil.record)
        for record, pupils in children.items():
            told = names.get(record)
            if (
                told is not None
                and CELLS.text(told[3], "NAME.contact_in_use")
                and self.codes.in_use(told[3], "NAME.contact_in_use")
            ):
                key = self.key("contact", record)
                first, last = CELLS.text(told[1], "NAME.preferred_name"), CELLS.text(told[2], "NAME.surname")
                self.people[key] = Person(
                    key, Role.CONTACT, Status.ON_ROLL, first=first, last=last, children=tuple(sorted(pupils))
                )

    # --- names and schools ---

    def _named(self, reading: Reading, query: Query) -> dict[str, _Row]:
        names: dict[str, _Row] = {}
        for row in reading.rows(query):
            record = CELLS.key(row[0], "NAME.name_id")
            if names.setdefault(record, row) != row:
                raise Halt(
                    f"PASS's NAME has name_id {record} twice, and the rows differ. Nothing was changed. Look for the duplicate in PASS."
                )
        return names

    def _name(self, names: Mapping[str, _Row], record: str, table: str) -> _Row:
        if record not in names:
            raise Unavailable(
                f"PASS's {table} has name_id {record}, whom NAME does not have. The read is not complete; nothing was changed."
            )
        return names[record]

    def _born(self, told: _Row) -> Any:
        return CELLS.day(told[3], f"NAME.{self.wishes.birth_column}") if self.wishes.dates_of_birth else None

    def _at(self, school: Any, table: str) -> str:
        """A school's code in small letters; "" where a row has none and one school is as good as another."""
        code = fold(CELLS.text(school, f"{table}.school") or "")
        if code in self._schools or (not code and (not self._wanted or table == "STAFF")):
            return code
        raise Halt(
            f"PASS's {table} has a row of the school {code.upper() or '(none)'}, which SCHOOL does not have. Nothing was changed. Correct the row in PASS."
        )
