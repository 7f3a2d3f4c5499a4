"""What onroll's client may read on a OneRoster server: one scope, and the collections that are behind it."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights

RIGHTS = Rights(
    "OneRoster",
    "collection",
    "Ask the supplier of the OneRoster service for a client of onroll's own with the scope roster.readonly, or with scope set roster-core.readonly, which is less and"
    " enough; never roster-demographics. It has to show these collections of the school:",
    "Have the supplier give onroll's client the scope that covers it",
    "Scopes and collections are those of the standard (OneRoster 1.2; 1.1 has the same); a supplier's own scope goes into scope, and its support desk can tell it.",
    (
        Right("orgs", "which school it is"),
        Right("academicSessions", "which classes are this year's"),
        Right("users", "pupils and staff, and with contacts = true guardians"),
        Right("classes", "registration groups and teaching groups"),
        Right("enrollments", "who is in a group and who takes it"),
    ),
)
