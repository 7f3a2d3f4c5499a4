"""Which column says what: the captions that UK systems and offices use, and how a school's own are matched to ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "person id", "primary id", "unique id", "mis id", "student id", "pupil id", "staff id", "sourcedid", "upi"),
    "role": ("role", "person type", "user type", "type"),
    "status": ("status", "enrolment state", "pupil status", "student status", "staff status"),
    "first": ("first", "first name", "firstname", "forename", "preferred forename", "preferred first name", "chosen name", "chosenname", "known as", "called name", "calledname"),
    "last": ("last", "last name", "lastname", "surname", "preferred surname", "preferred last name", "family name"),
    "legal_first": ("legal forename", "legal first name", "legal first", "legal_first"),
    "legal_last": ("legal surname", "legal last name", "legal last", "legal_last"),
    "starts": ("starts", "start date", "doa", "date of admission", "admission date", "entry date", "date of entry", "employment start", "employment start date", "date of arrival", "arrival date"),
    "ends": ("ends", "end date", "dol", "date of leaving", "leaving date", "leaving_date", "employment end", "employment end date", "date left"),
    "year_group": ("year", "year group", "yeargroup", "nc year", "ncyear", "ncyearactual", "curriculum year", "year taught in", "stage", "course year"),
    "registration_group": ("reg", "reg group", "registration group", "registration", "form", "tutor group", "class"),
    "house": ("house", "house group"),
    "upn": ("upn", "unique pupil number", "upn id"),
    "scn": ("scn", "candidate no", "candidateno", "scottish candidate number"),
    "admission_number": ("adno", "admission number", "admission no", "admissionnumber", "adm no", "adm. no."),
    "staff_code": ("staff code", "staffcode", "initials", "code"),
    "enrolment": ("enrolment status", "enrol status", "enrolment", "enrolstatus"),
    "dob": ("dob", "date of birth", "birth date"),
    "groups": ("teaching groups", "classes", "groups", "sets"),
    "class": (),
    "teacher": (),
    "email": ("work email", "staff email"),
    "contact_id": (),
    "contact_first": (),
    "contact_last": (),
}  # fmt: skip
"""Our names of columns, and the captions recognised for each (case and punctuation aside). Preferred names come before plain ones."""

_KEYS = ("id", "admission_number", "upn", "scn", "staff_code")
_PREFERRED = {"first": ("preferred", "chosen", "known", "called"), "last": ("preferred",)}


def plain(caption: str) -> str:
    """A caption without case and punctuation."""
    return " ".join("".join(each if each.isalnum() else " " for each in caption.lower()).split())


def problem_with_map(columns: Mapping[str, str]) -> str | None:
    """What is wrong with a school's own map of our names to its captions, or None."""
    for ours in columns:
        if ours not in FIELDS:
            near = get_close_matches(ours, FIELDS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It may be one of {', '.join(FIELDS)}."
            return f"columns: {ours} is not something onroll reads. {hint}"
    return None


def recognise(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Position by our name of each column, by the school's own map first and by the usual captions for the rest."""
    found: dict[str, int] = {}
    captions = [plain(caption) for caption in header]
    for ours, caption in columns.items():
        if plain(caption) in captions:
            found[ours] = captions.index(plain(caption))
    taken = set(found.values())
    for ours, known in FIELDS.items():
        if ours in found or ours in columns:
            continue
        matches = [
            position
            for position, caption in enumerate(captions)
            if caption in {plain(each) for each in known} and position not in taken
        ]
        preferred = [each for each in matches if captions[each].startswith(_PREFERRED.get(ours, ("\x00",)))]
        if preferred or matches:
            found[ours] = (preferred or matches)[0]
            taken.add(found[ours])
    if "legal_first" not in found and "first" in found:
        _other_name(found, captions, taken, "first", "legal_first")
    if "legal_last" not in found and "last" in found:
        _other_name(found, captions, taken, "last", "legal_last")
    return found


def _other_name(found: dict[str, int], captions: Sequence[str], taken: set[int], ours: str, legal: str) -> None:
    """Beside a preferred name, the plain "Forename" or "Surname" is the legal one."""
    if captions[found[ours]].startswith(_PREFERRED[ours]):
        for position, caption in enumerate(captions):
            if position not in taken and caption in {plain(each) for each in FIELDS[ours]}:
                found[legal] = position
                taken.add(position)
                return


def names_people(found: Mapping[str, int]) -> bool:
    """True for a header that names people: a key and both names."""
    return any(key in found for key in _KEYS) and "first" in found and "last" in found


def key_column(found: Mapping[str, int]) -> str:
    """The column that keys the records: the MIS's id, else the best number there is."""
    return next(key for key in _KEYS if key in found)
