"""What a school approves in Wonde. `list: field` is a field, or an included record, of that list's records."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights

_GROUPS, _CONTACTS = ({"groups": True},), ({"contacts": True},)

RIGHTS = Rights(
    "Wonde",
    "permission",
    "Ask Wonde to put these permissions into the request for onroll's application, and the school to approve them on its Wonde page:",
    "Have the school approve it for onroll's application on its Wonde page",
    "Lists and fields are called so in Wonde's API (told by its published clients). What the page calls the permissions is not known: Wonde's support desk can tell.",
    (
        Right("students", "pupils on roll"),
        Right("students-pre-admission", "pupils to come"),
        Right("students-leaver", "pupils who have left"),
        Right("employees", "staff"),
        Right("students: education_details", "UPN, admission number, year, first and last day of pupils"),
        Right("employees: employment_details", "who works at the school now, from when and until when"),
        Right("students: registration", "which registration group a pupil is in", needed=False),
        Right("students: year", "the year of pupils who have none among their education details", needed=False),
        Right("students: house", "which house a pupil is in", needed=False),
        Right("students: legal_forename", "legal first names of pupils", needed=False),
        Right("students: legal_surname", "legal last names of pupils", needed=False),
        Right("students: date_of_birth", "dates of birth, for linking", ({"dates_of_birth": True},), needed=False),
        Right("groups", "year, registration and house groups", _GROUPS),
        Right("groups: students", "who is in a group", _GROUPS),
        Right("groups: employees", "who leads a group", _GROUPS),
        Right("classes", "teaching groups", _GROUPS),
        Right("classes: students", "who is in a teaching group", _GROUPS),
        Right("classes: employees", "who takes a teaching group", _GROUPS),
        Right("contacts", "names of pupils' contacts", _CONTACTS),
        Right("contacts: students", "whose contact somebody is", _CONTACTS),
    ),
)
