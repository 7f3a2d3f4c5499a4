"""The scopes that a school authorises for onroll in Xporter."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights

RIGHTS = Rights(
    "Xporter",
    "scope",
    "Ask the school to authorise onroll's relying party in Xporter with these scopes, and no others:",
    "Ask the school to authorise that scope for onroll in Xporter",
    "Scopes and what each shows are as Xporter describes them itself; StudentLite, StaffLite and SchoolLite show less and are enough where their row says so.",
    (
        Right("Student", "pupils; with StudentLite in its place admission numbers and the year of those to come are not told"),
        Right("Staff", "staff; StaffLite is enough"),
        Right("School", "year groups, registration groups' tutors and teaching groups; SchoolLite is enough"),
        Right("StudentExtended", "legal names, enrolment status, first and last day of pupils", needed=False),
        Right("UPN", "UPNs and former UPNs", needed=False),
        Right("StaffExtended", "legal names of staff", needed=False),
        Right("StaffEmployment", "the first and last days of staff", needed=False),
        Right("Contact", "pupils' contacts", ({"contacts": True},)),
    ),
)  # fmt: skip
