"""What a school lets onroll's application read in Arbor, by entity; fields are refused by name, in Arbor's own words."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights

NONE = "it shows none at all: there is none, or the permission is missing"
"""How Arbor shows that an entity may not be read."""
_GROUPS, _UNITS = ({"classes": "teaching_groups"},), ({"classes": "academic_units"},)

RIGHTS = Rights(
    "Arbor",
    "entity",
    "Register an application for onroll in Arbor's developer portal (its username and password go into [school.source]), and have the school approve it to read these"
    " entities, of people with names, UPN, student and staff number, days of entry, joining and leaving, and isActiveInSchool:",
    "Have the school approve it for onroll's application in Arbor",
    "Entities are called so in Arbor's API (told by published clients that run against schools); Application and both enrolments are inferred, and settings. What the"
    " portal calls the privileges is not known: Arbor's support desk can tell.",
    (
        Right("Student", "pupils on roll"),
        Right("Staff", "staff"),
        Right("AcademicYear", "which academic year it is"),
        Right("Application", "pupils to come", ({"future": "application"},), needed=False),
        Right("AcademicYearEnrolment", "pupils to come", ({"future": "enrolment"},), needed=False),
        Right("EducationalInstitutionEnrolment", "pupils who have left", ({"leavers": True},), needed=False),
        Right("RegistrationForm", "tutors of registration groups", needed=False),
        Right("HouseMembership", "which house a pupil is in", ({"houses": True},), needed=False),
        Right("TeachingGroup", "teaching groups", _GROUPS, needed=False),
        Right("TeachingGroupMembership", "who is in a teaching group", _GROUPS),
        Right("TeachingGroupTutor", "who takes a teaching group", _GROUPS, needed=False),
        Right("AcademicUnit", "teaching groups", _UNITS, needed=False),
        Right("AcademicUnitEnrolment", "who is in a teaching group", _UNITS),
        Right("AcademicUnitLead", "who takes a teaching group", _UNITS, needed=False),
        Right("StudentGuardianRelationship", "pupils' guardians", ({"contacts": True},), needed=False),
    ),
)
