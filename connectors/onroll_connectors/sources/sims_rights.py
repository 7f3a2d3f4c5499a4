"""What the SIMS user who runs onroll's reports has to be, and who has to read what they write."""

from __future__ import annotations

from onroll_connectors.rights import Right, Rights
from onroll_connectors.sources.folder_rights import commands

__all__ = ["RIGHTS", "commands"]

RIGHTS = Rights(
    "SIMS",
    "user group",
    "In SIMS, make a user for onroll (or let onroll's Windows account sign in) and put it into these groups; docs/mis/sims.md says which reports to make:",
    "Put the SIMS user into that group in System Manager",
    "Groups are called so in guides of other products that read SIMS by its reports; the names of single permissions differ between versions: SIMS's support desk can tell.",
    (
        Right("Third Party Reporting", "ids: without it SIMS leaves their columns out and says nothing"),
        Right("Scheduled Reports", "running the reports", words="`command`, or for whoever the scheduled task runs as"),
        Right("Class Teacher", "classes and who is in them", words="a report of classes", needed=False),
        Right("reading the folder", "the reports", ({"path": True},)),
    ),
)
