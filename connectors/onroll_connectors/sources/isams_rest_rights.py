"""What onroll's API client may read in iSAMS, by the path of each list; `{}` stands for a record's number."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights

_SETS = ({"sets": True},)

RIGHTS = Rights(
    "iSAMS",
    "right to",
    "Ask the administrator of iSAMS for an API client of onroll's own (Control Panel, API Services Manager), with the right to read these, and to change nothing:",
    "Give the API client the right to it in the Control Panel (API Services Manager)",
    "Paths are those of iSAMS's REST API (told by published clients). What the Control Panel calls the rights is not known: iSAMS's support desk can tell.",
    (
        Right("api/students", "pupils on roll"),
        Right("api/humanresources/employees", "staff"),
        Right("api/school/terms", "which school year it is"),
        Right("api/admissions/applicants", "pupils to come", ({"applicants": True},)),
        Right("api/alumni", "pupils who have left", ({"alumni": True},)),
        Right("api/teaching/sets", "teaching groups and who takes them", _SETS),
        Right("api/teaching/sets/{}/setList", "who is in a teaching group", _SETS),
        Right("api/students/{}/contacts", "pupils' contacts", ({"contacts": True},)),
    ),
)
