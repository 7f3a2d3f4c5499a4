"""Which column says what: the captions that UK systems and offices use, and how a school's own are matched to ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache

_PUPILS = {
    "upn": ("upn", "unique pupil number", "upn id"),
    "scn": ("scn", "candidate number", "candidate no", "candidateno", "scottish candidate number"),
    "admission_number": ("adno", "admission number", "admission no", "admissionnumber", "adm no"),
}  # fmt: skip
FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "person id", "primary id", "unique id", "mis id", "student id", "studentid", "pupil id", "pupilid", "staff id", "staffid", "employee id", "user id", "sourcedid", "upi", "multiple id"),
    "role": ("role", "person type", "user type", "type"),
    "status": ("status", "enrolment state", "pupil status", "student status", "staff status"),
    "first": ("preferred forename", "preferred first name", "preferred firstname", "chosen name", "chosenname", "known as", "known name", "called name", "calledname", "first", "first name", "firstname", "forename", "student first name", "student forename", "studentforename"),
    "last": ("preferred surname", "preferred last name", "last", "last name", "lastname", "surname", "family name", "student last name", "student surname", "studentsurname"),
    "legal_first": ("legal forename", "legal first name", "legal first"),
    "legal_last": ("legal surname", "legal last name", "legal last"),
    "starts": ("starts", "start date", "doa", "date of admission", "admission date", "entry date", "date of entry", "employment start", "employment start date", "date of arrival", "arrival date"),
    "ends": ("ends", "end date", "dol", "date of leaving", "leaving date", "employment end", "employment end date", "date left"),
    "year_group": ("year", "year group", "yeargroup", "current year group", "nc year", "ncyear", "ncyearactual", "curriculum year", "year taught in", "stage", "year stage", "course year"),
    "registration_group": ("reg", "reg group", "reggroup", "registration group", "registration", "registration class", "registration form", "reg class", "form", "tutor group", "tutorgroup", "current class", "class"),
    "house": ("house", "house group", "housename"),
    **_PUPILS,
    "staff_code": ("staff code", "staffcode", "initials", "code"),
    "enrolment": ("enrolment status", "enrol status", "enrolment", "enrolstatus"),
    "dob": ("dob", "date of birth", "birth date", "dateofbirth"),
    "groups": ("teaching groups", "classes", "groups", "sets"),
    "class": ("class", "teaching class", "teaching group", "class name"),
    "teacher": ("class teacher", "teacher code", "teacher", "class teacher email"),
    "email": ("work email", "staff email", "primary email", "email"),
    "contact_id": ("contact id", "contactid", "parent id", "parentid", "carer id", "guardian id"),
    "contact_first": ("contact first name", "contact forename", "contactforename", "parent first name", "parent forename"),
    "contact_last": ("contact last name", "contact surname", "contactsurname", "parent last name", "parent surname"),
}  # fmt: skip
"""Our names of columns, and the captions recognised for each (case and punctuation aside), the best first: preferred names come before plain ones."""

_PUPIL_ID = {"id": ("student id", "studentid", "pupil id", "pupilid", "person id", "primary id", "multiple id")}
_PERSON = {name: captions for name, captions in FIELDS.items() if not name.startswith("contact_")}
_USUAL: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "people": {name: captions for name, captions in _PERSON.items() if name not in ("class", "teacher")},
    "students": {name: captions for name, captions in _PERSON.items() if name not in ("email", "staff_code")}
    | {"role": ("role", "person type", "user type")},
    "staff": {
        name: captions
        for name, captions in _PERSON.items()
        if name not in ("class", "teacher", "year_group", "registration_group", *_PUPILS)
    },
    "contacts": {
        "contact_id": (*FIELDS["contact_id"], "id"),
        "contact_first": (*FIELDS["contact_first"], *FIELDS["first"]),
        "contact_last": (*FIELDS["contact_last"], *FIELDS["last"]),
        **_PUPIL_ID,
        **_PUPILS,
    },
    "classes": {
        "class": (*FIELDS["class"], "group", "set", "short name"),
        "teacher": (*FIELDS["teacher"], "staff code", "staffcode", "staff id", "staffid", "main teacher", "mainteacher", "work email", "staff email"),
        **_PUPIL_ID,
        **_PUPILS,
    },
}  # fmt: skip
TABLES = tuple(_USUAL)
"""The kinds of tables that an export may have; `people` is students and staff in one, told apart by a role column."""

_KEYS = ("id", "admission_number", "upn", "scn", "staff_code")
_PREFERRED = {"first": ("preferred", "chosen", "known", "called"), "last": ("preferred",)}


@cache
def plain(caption: str) -> str:
    """A caption without case and punctuation."""
    return " ".join("".join(each if each.isalnum() else " " for each in caption.lower()).split())


def problem_with_map(columns: Mapping[str, str]) -> str | None:
    """What is wrong with a school's own map of our names to its captions, or None. A name may say which table it is for, as `staff.first`;
    an empty caption means that there is no such column, whatever a caption looks like."""
    for ours in columns:
        table, dot, name = ours.rpartition(".")
        if name not in FIELDS or (dot and table not in TABLES):
            near = get_close_matches(name, FIELDS, n=1) if name not in FIELDS else []
            hint = f"Did you mean {near[0]}?" if near else f"It may be one of {', '.join(FIELDS)}."
            if name in FIELDS:
                hint = f"Before the dot stands one of {', '.join(TABLES)}."
            return f"columns: {ours} is not something onroll reads. {hint}"
    return None


def own_of(columns: Mapping[str, str], table: str) -> Mapping[str, str]:
    """A school's own captions for one kind of table."""
    general = {ours: caption for ours, caption in columns.items() if "." not in ours}
    named = {ours.partition(".")[2]: caption for ours, caption in columns.items() if ours.startswith(f"{table}.")}
    return general | named


def recognise(
    header: Sequence[str],
    columns: Mapping[str, str],
    table: str = "students",
    preset: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, int]:
    """Position by our name of each column: by the school's own map first, then by the preset's captions, and by the usual ones for the rest."""
    captions = [plain(caption) for caption in header]
    own = own_of(columns, table)
    found = {ours: captions.index(plain(caption)) for ours, caption in own.items() if plain(caption) in captions}
    taken = set(found.values())
    first_of = {caption: position for position, caption in reversed(list(enumerate(captions))) if caption}
    for known in (_preferred(_USUAL[table]), preset or {}, _USUAL[table]):
        for ours, theirs in known.items():
            if ours in found or own.get(ours) == "":
                continue
            for caption in theirs:
                position = first_of.get(plain(caption))
                if position is not None and position not in taken:
                    found[ours] = position
                    taken.add(position)
                    break
    for ours, legal in (("first", "legal_first"), ("last", "legal_last")):
        if legal not in found and ours in found and own.get(legal) != "" and table in ("people", "students", "staff"):
            _legal_name(found, captions, taken, ours, legal)
    return found


def _preferred(known: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Captions of preferred names alone: they come before anything else that a name may be called."""
    return {
        ours: tuple(caption for caption in known.get(ours, ()) if caption.startswith(begins))
        for ours, begins in _PREFERRED.items()
    }


def _legal_name(found: dict[str, int], captions: Sequence[str], taken: set[int], ours: str, legal: str) -> None:
    """Beside a preferred name, the plain "Forename" or "Surname" is the legal one."""
    if captions[found[ours]].startswith(_PREFERRED[ours]):
        for position, caption in enumerate(captions):
            if position not in taken and caption in FIELDS[ours]:
                found[legal] = position
                taken.add(position)
                return


def names_people(found: Mapping[str, int]) -> bool:
    """True for a header that names people: a key, and a first and a last name of some kind."""
    first, last = ("first" in found or "legal_first" in found), ("last" in found or "legal_last" in found)
    return first and last and any(key in found for key in _KEYS)


def names_a_pupil(found: Mapping[str, int]) -> bool:
    """True for a header with a number by which a pupil is known."""
    return any(key in found for key in _KEYS if key != "staff_code")


def key_column(found: Mapping[str, int]) -> str:
    """The column that keys the records: the MIS's id, else the best number there is."""
    return next(key for key in _KEYS if key in found)
