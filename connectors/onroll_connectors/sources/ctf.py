"""The DfE's Common Transfer File: pupils and their contacts, for a first load. Staff are not in it, and may come from a CSV beside it.

Element names are those that the DfE's own programs and other products write; both the older Gender and the newer Sex files are read, and neither is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self
from xml.etree.ElementTree import Element

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.own_groups import own_groups
from onroll_connectors.safe_xml import parse
from onroll_connectors.shape import trimmed
from onroll_connectors.sources import csv_columns, csv_table
from onroll_connectors.sources.csv_layout import layout
from onroll_connectors.sources.csv_people import People, Reading
from onroll_connectors.sources.csv_presets import PLAIN, PRESETS
from onroll_connectors.sources.folder_rights import readable
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.numbers import normal_upn, problem_with_upn
from onroll_core.people import GroupKind, Person, Role, Snapshot, SourceKey, Status

GIVES = Gives(
    future=False,
    leavers=False,
    groups=frozenset({GroupKind.YEAR}),
    contacts=True,
    untold_students=frozenset({"starts", "ends", "registration_group", "house", "admission_number"}),
    why="A CTF has pupils and contacts alone, as they were when it was made; staff come from a CSV beside it.",
)
_NOBODY = re.compile(r"^(X{3,4}|L{4})$")  # how a file says that it is for no school in particular
_DIVIDED = re.compile(r"([\s'\u2019-]+)")


class Settings(BaseModel):
    """The keys of [school.source] for route = "ctf"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: str = Field(description="a folder with CTF files (.xml), or one file")
    staff: str | None = Field(None, description="a CSV of staff, which a CTF has not")
    staff_columns: dict[str, str] = Field(
        {}, description="our names of columns to that CSV's captions, where they are not recognised"
    )
    school: str | None = Field(
        None,
        description="the school's DfE number, seven characters: a file for another school is refused",
        pattern=r"^\w{7}$",
    )
    proper_case: bool = Field(True, description="names in capitals alone are written Potter, O'Neil, McAdam")
    max_age_days: float = Field(0, description="older files are refused; 0 is never, since a CTF is for a first load")
    quiet_seconds: float = Field(
        2, description="a file changed more recently is waited for, and refused if it still grows", ge=0
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' contacts: their names, and whose they are")

    @model_validator(mode="after")
    def _known(self) -> Self:
        problem = csv_columns.problem_with_map(self.staff_columns)
        if problem is not None:
            raise ValueError(problem)
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; no file is opened before `check` or `read`."""
    return Ctf(settings, context)


@dataclass(frozen=True, slots=True)
class _File:
    """One CTF: its pupils by key, their contacts, and when it was made."""

    name: str
    made: datetime
    year: int | None
    pupils: Mapping[SourceKey, Person]
    contacts: Mapping[SourceKey, Person]


class Ctf:
    """The files of one school."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context

    def close(self) -> None:
        """Nothing stays open."""

    def check(self) -> Report:
        """What each file is, and whom it holds."""
        found: list[Finding] = []
        try:
            found.extend(
                Finding("ok", f"{each.name}: {len(each.pupils)} pupils, made on {each.made:%d %B %Y}.")
                for each in self._files()
            )
            if self._settings.staff is None:
                found.append(
                    Finding(
                        "warning", "A CTF has no staff, and no CSV of them is named (staff): staff get no accounts."
                    )
                )
            people = self.read().people
            found.append(Finding("ok", f"{len(people)} people can be read."))
            wrong = [each.upn for each in people if each.upn and problem_with_upn(each.upn) is not None]
            if wrong:
                found.append(
                    Finding(
                        "warning", f"{len(wrong)} UPNs are none, such as {wrong[0]}; look at them before the first run."
                    )
                )
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone in the files, of a pupil in several the newest; raises Unavailable while one is being written, Halt for one that is wrong."""
        files = sorted(self._files(), key=lambda each: each.made)
        people: dict[SourceKey, Person] = {}
        newest: dict[tuple[str, ...], str] = {}
        for each in files:
            people |= each.pupils
            newest |= {(key.record,): each.name for key in each.pupils}
        if not people:
            raise Halt("The CTF holds no pupil at all. An empty list is never believed; look at how it was made.")
        if self._settings.contacts:
            for each in files:
                # Of a pupil in several files the newest tells whose contact is who, as it tells all else.
                people |= {key: told for key, told in each.contacts.items() if newest[told.children or ()] == each.name}
        if self._settings.staff is not None:
            staff = self._staff(Path(self._settings.staff))
            if not staff:
                raise Halt(f"{self._settings.staff} lists nobody. An empty list is never believed; look at the export.")
            people |= staff
        found = list(people.values())
        years = [each.year for each in files if each.year is not None]
        return Snapshot(
            self._context.school, self._context.now(), found, own_groups(found, self._context.school),
            academic_year=years[-1] if years else None,
        )  # fmt: skip

    def _files(self) -> list[_File]:
        path = Path(self._settings.path)
        with readable(path):
            if not path.exists():
                raise Halt(f"{path} is not there. Put the CTF there, or name another path.")
            paths = [path] if path.is_file() else sorted(path.iterdir())
        paths = [each for each in paths if each.suffix.lower() == ".xml" and not each.name.startswith(".")]
        if not paths:
            raise Halt(f"There is no CTF (.xml) in {path}.")
        return [self._file(each, parse(self._bytes(each), each.name)) for each in paths]

    def _bytes(self, path: Path) -> bytes:
        return csv_table.read_bytes(path, self._context, self._settings.max_age_days, self._settings.quiet_seconds)

    def _file(self, path: Path, root: Element) -> _File:
        name = path.name
        if root.tag == "ATfile":
            raise Halt(
                f"{name} is an Admissions Transfer File: who applied, not who is at the school. Nothing was read; take a CTF."
            )
        header = root.find("Header")
        if root.tag != "CTfile" or header is None:
            raise Unavailable(f"{name} is no Common Transfer File: it begins with {root.tag[:40]}. Nothing was read.")
        qualifier = _text(header, "DocumentQualifier") or ""
        if qualifier.lower() != "full":
            raise Halt(
                f"{name} is a {qualifier or 'not a full'} CTF, such as results are sent in: whoever is not in it has not left. Nothing was read; have a full one made."
            )
        self._for_this_school(name, header)
        pupils: dict[SourceKey, Person] = {}
        contacts: dict[SourceKey, Person] = {}
        holder = root.find("CTFpupilData")
        if holder is None:
            raise Unavailable(f"{name} has no CTFpupilData. Nothing was read.")
        for row in [each for part in holder for each in (part if part.tag == "Pupils" else [part])]:
            if row.tag != "Pupil":
                raise Unavailable(f"{name} holds a {row.tag[:40]} where a Pupil should be. Nothing was read.")
            person = self._pupil(name, row)
            if person.key in pupils:
                raise Halt(
                    f"{name} holds the pupil {person.key.record.partition(':')[2]} twice. Nothing was read; look for the duplicate in the MIS."
                )
            pupils[person.key] = person
            for contact in row.findall("Contacts/Contact"):
                found = self._contact(contact, person.key)
                if found is not None:
                    contacts[found.key] = found
        year = _text(header.find("SourceSchool"), "AcademicYear")
        return _File(
            name,
            self._made(name, header),
            int(year) if year and re.fullmatch(r"\d{4}", year) else None,
            pupils,
            contacts,
        )

    def _for_this_school(self, name: str, header: Element) -> None:
        wanted, dest = self._settings.school, header.find("DestSchool")
        if wanted is None or dest is None:
            return
        lea, estab = _text(dest, "LEA"), _text(dest, "Estab")
        nobody = lea is None or estab is None or _NOBODY.match(lea) or _NOBODY.match(estab)
        if not nobody and f"{lea}{estab}" != wanted:
            raise Halt(f"{name} is for the school {lea}{estab}, not for {wanted}. Nothing was read.")

    @staticmethod
    def _made(name: str, header: Element) -> datetime:
        text = _text(header, "DateTime") or ""
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            raise Unavailable(f"{name} does not say when it was made ({text[:40]!r}). Nothing was read.") from None

    def _pupil(self, name: str, row: Element) -> Person:
        details = row.find("BasicDetails")
        told, reference = _text(row, "UPN"), _text(row, "ApplicationReference")
        upn = None if told is None else normal_upn(told)
        record = upn if upn is not None else reference and f"application-{reference}"
        # Some importers and exporters put these into BasicDetails, by other names; the specification has them in Pupil.
        forename = _text(row, "Forename") or _text(details, "LegalForename")
        surname = _text(row, "Surname") or _text(details, "LegalSurname")
        born = _text(row, "DOB") or _text(details, "DOB")
        if not record:
            raise Halt(
                f"{name}: {forename or ''} {surname or ''} has neither UPN nor ApplicationReference, so nobody could know them again. Nothing was read."
            )
        if forename is None and surname is None:
            raise Halt(f"{name}: the pupil {record} has no name at all. Nothing was read.")
        first, last = self._name(forename), self._name(surname)
        return Person(
            SourceKey(self._context.school, f"student:{record}"),
            Role.STUDENT,
            Status.ON_ROLL,
            first=self._name(_text(details, "PreferredForename")) or first,
            last=self._name(_text(details, "PreferredSurname")) or last,
            legal_first=first,
            legal_last=last,
            year_group=_text(details, "NCyearActual"),
            upn=upn,
            former_upn=_text(details, "FormerUPN"),
            enrolment=_text(details, "EnrolStatus"),
            dob=self._day(name, born) if self._settings.dates_of_birth else None,
        )

    def _contact(self, row: Element, child: SourceKey) -> Person | None:
        """A contact has no id in a CTF: they are known by pupil, order and name."""
        first, last = self._name(_text(row, "Forename")), self._name(_text(row, "Surname"))
        if first is None and last is None:
            return None
        order = _text(row, "Order") or "0"
        record = f"contact:{child.record.partition(':')[2]}-{order}-{first or ''}-{last or ''}"
        return Person(
            SourceKey(self._context.school, record),
            Role.CONTACT,
            Status.ON_ROLL,
            first=first,
            last=last,
            children=(child.record,),
        )

    def _name(self, text: str | None) -> str | None:
        return (
            proper(text)
            if text is not None and self._settings.proper_case and text.isupper() and len(text) > 1
            else text
        )

    @staticmethod
    def _day(name: str, text: str | None) -> date | None:
        try:
            return csv_table.parse_date(text) if text else None
        except ValueError as problem:
            raise Halt(f"{name}: {problem}. Nothing was read.") from None

    def _staff(self, path: Path) -> dict[SourceKey, Person]:
        raw, plain = self._bytes(path), PRESETS[PLAIN]
        table = csv_table.parse(
            path,
            raw,
            lambda cells: (
                layout("staff.csv", cells, self._settings.staff_columns, plain, Role.STAFF, False) is not None
            ),
        )
        found = layout("staff.csv", table.header, self._settings.staff_columns, plain, Role.STAFF, False)
        assert found is not None  # `parse` found this header with it
        if not table.ended:
            raise Halt(f"{path.name} ends in the middle of a line: it was probably cut off. Nothing was read.")
        people = People(
            Reading(
                self._context.school,
                self._context.today or self._context.now().date(),
                dates_of_birth=self._settings.dates_of_birth,
            )
        )
        people.add(path.name, found.columns, table.rows, found.kind, Role.STAFF, found.status)
        everybody = people.snapshot(self._context.now()).people
        return {person.key: person for person in everybody}


def proper(text: str) -> str:
    """A name in capitals as it is written: POTTER, O'NEIL, MCADAM and LLEWELYN-BOWEN become Potter, O'Neil, McAdam and Llewelyn-Bowen."""
    parts = _DIVIDED.split(text)
    return "".join(each if _DIVIDED.fullmatch(each) else _cased(each) for each in parts)


def _cased(word: str) -> str:
    if len(word) > 3 and word.startswith("MC"):
        return f"Mc{word[2]}{word[3:].lower()}"
    return word[:1] + word[1:].lower()


def _text(element: Element | None, name: str) -> str | None:
    """The text of a child; None where it is not there or empty, which is not told."""
    found = None if element is None else element.find(name)
    return None if found is None else trimmed(found.text or "") or None
