"""The methods that an administrator of iSAMS ticks on onroll's Batch API key."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights

_SETS = ({"sets": True},)

RIGHTS = Rights(
    "iSAMS",
    "method",
    "Ask the administrator of iSAMS for a Batch API key of onroll's own (Control Panel, API Services Manager, Batch API keys), bound to this server's address, with no"
    " filter pinned on it, and with these methods ticked:",
    "An administrator ticks it on onroll's key in the Control Panel (API Services Manager, Batch API keys)",
    "Methods are called so in iSAMS's documentation. The first four are of its free core; whether a school may tick the others, iSAMS's support desk can tell.",
    (
        Right("Pupil_GetCurrentPupils", "pupils on roll"),
        Right("HumanResources_GetCurrentStaff", "staff"),
        Right("School_GetSchoolForms", "registration groups and their tutors"),
        Right("School_GetSchoolTerms", "which school year it is"),
        Right("Pupil_GetApplicants", "pupils to come", ({"applicants": True},)),
        Right("Pupil_GetAlumni", "pupils who have left", ({"alumni": True},)),
        Right("Teaching_GetTeachingSets", "teaching groups and who takes them", _SETS),
        Right("Teaching_GetTeachingSetLists", "who is in a teaching group", _SETS),
    ),
)
