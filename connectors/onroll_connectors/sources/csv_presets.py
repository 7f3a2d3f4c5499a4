"""The captions of each MIS's own exports and screens, as far as they are publicly known, and which MIS a file's captions speak of.

A preset holds nothing invented. What it does not name is recognised by the usual captions (`csv_columns`), and a school's own `columns` come before both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from onroll_connectors.sources.csv_columns import plain

_Captions = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Preset:
    """Captions by our names of columns, for each kind of table. `known` says in a sentence where they are from, and what is not known."""

    name: str
    title: str
    known: str
    students: _Captions = field(default_factory=dict)
    staff: _Captions = field(default_factory=dict)
    contacts: _Captions = field(default_factory=dict)
    classes: _Captions = field(default_factory=dict)

    def captions(self, table: str) -> _Captions:
        """Those of one kind of table (`csv_columns.TABLES`)."""
        if table == "people":
            return {name: each for name, each in self.students.items() if name not in ("class", "teacher")}
        found: _Captions = getattr(self, table)
        return found


def _presets(*presets: Preset) -> Mapping[str, Preset]:
    return MappingProxyType({each.name: each for each in presets})


PLAIN = "plain"
PRESETS = _presets(
    Preset(PLAIN, "any MIS", "The usual captions of UK systems and offices."),
    Preset(
        "sims",
        "SIMS",
        "Captions are the choice of whoever designs the report; these are the ones that published scripts and tools read.",
        students={
            "id": ("primary_id", "Person_id", "multiple_id", "ID"),
            "admission_number": ("Adno", "Admission No"),
            "first": ("Preferred Forename", "ChosenName", "Forename", "FirstName"),
            "last": ("Preferred Surname", "Surname", "LastName"),
            "legal_first": ("Legal Forename", "FirstNameLegal"),
            "legal_last": ("Legal Surname", "LastNameLegal"),
            "year_group": ("Year", "Year group", "Year taught in", "Year taught in Code"),
            "registration_group": ("Reg", "Reg Group", "RegGroup"),
            "house": ("House",),
            "upn": ("UPN", "UPN ID"),
            "starts": ("DOA", "Start date"),
            "ends": ("DOL",),
            "dob": ("DOB",),
            "class": ("Class",),
            "teacher": ("Staff Code",),
        },
        staff={
            "id": ("primary_id", "Person_id", "multiple_id", "ID", "Staff ID"),
            "first": ("Preferred Forename", "Forename"),
            "last": ("Preferred Surname", "PN Preferred Surname", "Surname"),
            "legal_last": ("Legal Surname",),
            "staff_code": ("Staff Code",),
            "starts": ("Employment Start Date",),
            "email": ("Work Email",),
        },
        classes={
            "class": ("Class", "Short Name"),
            "id": ("primary_id", "multiple_id"),
            "admission_number": ("Adno",),
            "upn": ("UPN",),
            "teacher": ("Staff Code", "Work Email", "MainTeacher"),
        },
    ),
    Preset(
        "arbor",
        "Arbor",
        "The captions by which other importers know an Arbor export; ids, dates and classes go by the usual ones.",
        students={
            "first": ("First name",),
            "last": ("Last name",),
            "upn": ("UPN",),
            "year_group": ("Year group",),
            "registration_group": ("Registration form",),
        },
        staff={"first": ("First name",), "last": ("Last name",)},
    ),
    Preset(
        "bromcom",
        "Bromcom",
        "The captions by which other importers know a Bromcom export, and those of a published report with a row for each pupil and class.",
        students={
            "admission_number": ("Admission No.",),
            "first": ("FirstName", "Student First Name"),
            "last": ("LastName", "Student Last Name"),
            "upn": ("UPN",),
            "year_group": ("YearGroup",),
            "registration_group": ("Form", "TutorGroup"),
            "house": ("House",),
            "class": ("Class",),
            "teacher": ("Class Teacher Email",),
        },
        staff={"first": ("FirstName",), "last": ("LastName",)},
        classes={"class": ("Class",), "admission_number": ("Admission No.",), "teacher": ("Class Teacher Email",)},
    ),
    Preset(
        "cloud_school",
        "Cloud School",
        "No caption of a Cloud School export is publicly known: only the usual ones are tried.",
    ),
    Preset(
        "integris",
        "Integris",
        "The labels of Integris's screens, as other products' guides show them; no export has been seen. Legal names, UPN, admission number and dates go by"
        " the usual captions.",
        students={
            "id": ("Student ID",),
            "first": ("Known Name",),
            "last": ("Surname",),
            "year_group": ("Current Year Group",),
            "registration_group": ("Current Class",),
            "dob": ("Date of Birth",),
        },
        staff={
            "id": ("Staff ID",),
            "first": ("Forename",),
            "last": ("Surname",),
            "role": ("Business Role",),
            "email": ("Primary email",),
        },
        contacts={"contact_id": ("Contact ID",), "contact_first": ("First name",), "contact_last": ("Surname",)},
    ),
    Preset(
        "juniper_horizons",
        "Juniper Horizons",
        "The labels of Pupil Asset's screens, as another product's guide shows them; no export has been seen. UPN, admission number, legal names and dates go by"
        " the usual captions.",
        students={
            "id": ("Pupil ID",),
            "first": ("Firstname",),
            "last": ("Surname",),
            "year_group": ("Year Group",),
            "registration_group": ("Class",),
            "dob": ("DOB",),
        },
        staff={
            "id": ("User ID",),
            "first": ("Preferred Firstname",),
            "last": ("Preferred Surname",),
            "email": ("Email",),
        },
        contacts={
            "contact_id": ("Parent ID",),
            "contact_first": ("Forename",),
            "contact_last": ("Surname",),
            "id": ("Pupil ID",),
        },
        classes={"id": ("Pupil ID",)},
    ),
    Preset(
        "seemis",
        "SEEMiS Click and Go",
        "Each local authority designs its own export and none has been seen; pupils are known by their Scottish Candidate Number.",
        students={
            "scn": ("SCN", "Candidate Number", "CandidateNo", "Scottish Candidate Number"),
            "first": ("Known As", "Known Name"),
            "last": ("Surname",),
            "legal_first": ("Forename",),
            "year_group": ("Stage", "Year Stage"),
            "registration_group": ("Registration Class", "Reg Class", "Class"),
            "house": ("House", "House Group"),
            "starts": ("Admission Date",),
            "ends": ("Leaving Date",),
            "dob": ("DOB", "Date of Birth"),
        },
        contacts={"scn": ("SCN", "Candidate Number", "CandidateNo", "Scottish Candidate Number")},
        classes={"scn": ("SCN", "Candidate Number", "CandidateNo", "Scottish Candidate Number")},
    ),
)

_TELLING: Mapping[str, Collection[str]] = {
    "sims": {"adno", "primary id", "multiple id", "chosenname", "preferred forename", "year taught in"},
    "arbor": {"registration form", "year group", "first name", "last name"},
    "bromcom": {"yeargroup", "firstname", "student first name", "class teacher email", "admission no"},
    "integris": {"known name", "current year group", "current class", "business role"},
    "juniper_horizons": {"pupil id", "firstname", "preferred firstname", "parent id"},
    "seemis": {"scn", "candidate number", "candidateno", "scottish candidate number", "registration class", "stage"},
}
"""Captions, without case and punctuation, that speak for one MIS; one alone may be anybody's."""


def detected(captions: Iterable[str]) -> str:
    """The preset that the captions of all files together speak for most; `PLAIN` where none does, or two do alike."""
    there = {plain(each) for each in captions}
    scores = sorted(((len(there & set(telling)), name) for name, telling in _TELLING.items()), reverse=True)
    (best, name), (second, _) = scores[:2]
    return name if best >= 2 and best > second else PLAIN
