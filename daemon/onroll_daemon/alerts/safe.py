"""Sentences that came from systems, said again without anybody's name: numbers and fixed words are all that comes through.

A sentence of a directory or an MIS may hold anything, so nothing is cut out of it. It is recognised, and one of ours is said in its place.
"""

from __future__ import annotations

import re

_WHO = "pupils|staff|others?|contacts?"
_OBJECTIONS = tuple(
    (re.compile(pattern, re.ASCII), said)
    for pattern, said in (
        (rf"(\d+) ({_WHO}) would be disabled\b", "{0} {1} would be disabled."),
        (rf"(\d+) ({_WHO}) would get a new account although they\b", "{0} {1} would get a new account."),
        (rf"(\d+) ({_WHO}) would get a new account although somebody\b", "{0} {1} would get a second account."),
        (rf"(\d+) ({_WHO}) would be renamed\b", "{0} {1} would be renamed."),
        (rf"(\d+) ({_WHO}) would have their names changed\b", "{0} {1} would have their names changed."),
        (rf"(\d+) ({_WHO}) would be moved\b", "{0} {1} would be moved."),
        (rf"(\d+) ({_WHO}) would be enabled again\b", "{0} {1} would be enabled again."),
        (rf"(\d+) ({_WHO}) would be taken out of a group\b", "{0} {1} would be taken out of a group."),
        (rf"(\d+) ({_WHO}) would lose their licences\b", "{0} {1} would lose their licences."),
        (r"(\d+) of the (\d+) accounts that onroll\b", "{0} of {1} accounts are no longer to be seen in a target."),
        (rf"(\d+) of (\d+) ({_WHO}) are missing\b", "{0} of {1} {2} are missing from what the MIS told."),
        (
            r"(\d+) of the (\d+) pupils of year group\b",
            "{0} of {1} pupils of a year group are missing from what the MIS told.",
        ),
        (r"All (\d+) pupils of year group\b", "All {0} pupils of a year group are missing from what the MIS told."),
        (rf"(\d+) of (\d+) ({_WHO}) have become leavers\b", "{0} of {1} {2} have become leavers at once."),
        (r"(\d+) people are on roll under\b", "{0} people are on roll under MIS records that onroll has never seen."),
        (r"(\d+) people have another name\b", "{0} people have become others under the same MIS record."),
        (r"(\d+) of (\d+) pupils have moved (up|down)\b", "{0} of {1} pupils have moved {2} a year group at once."),
        (r"The column\b", "A column of what the MIS tells is far emptier than before."),
        (r"There were (\d+) \w+ groups\b", "There are far fewer groups than the {0} of before."),
        (r".*\bundone\b", "What somebody undid would be done again."),
    )
)
_OTHER_OBJECTION = "There is an objection of another kind."

_REFUSALS = tuple(
    (re.compile(pattern, re.IGNORECASE), said)
    for pattern, said in (
        (r"\bpassword", "a password was not accepted"),
        (r"\blicen[cs]e", "licences could not be changed"),
        (r"\b(may not|permission|right to|rights|grant it|denied|forbidden)\b", "onroll has no right to do that there"),
        (r"\b(taken|is held|given to somebody else|have every address|name stands)\b", "a name or an address is taken"),
        (r"\bcarr(y|ies) ", "what is there belongs to somebody else, or does not carry what onroll put there"),
        (r"\b(not in|no longer in|not there|was deleted|cannot be restored)\b", "an account or a group is not there"),
        (r"\bno account in\b", "an account has to be made first"),
        (r"\b(does not write|not among the attributes)\b", "the settings do not let onroll write that"),
        (r"\b(nothing is left|no name is left|too long|cannot be emptied|wants a)\b", "a name cannot be used there"),
    )
)
_OTHER_REFUSAL = "for another reason"


def objection(sentence: str) -> str:
    """One of our own sentences of the same kind, with the same counts."""
    for pattern, said in _OBJECTIONS:
        if found := pattern.match(sentence):
            return said.format(*found.groups())
    return _OTHER_OBJECTION


def refusal(sentence: str) -> str:
    """Why a change was refused, as one of our own phrases."""
    return next((said for pattern, said in _REFUSALS if pattern.search(sentence)), _OTHER_REFUSAL)
