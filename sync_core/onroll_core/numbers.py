"""The numbers by which pupils are known: the Unique Pupil Number of England and Wales, and the Scottish Candidate Number.

A number that looks wrong is a warning and never stops anybody's account: it may be blank, a dummy, temporary, or mistyped in the MIS, and it is
never the only key. The sentences leave the number itself out, because they go to logs.
"""

from __future__ import annotations

import re

_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
"""The 23 check letters, without I, O and S; A stands for 0. A temporary number's last letter counts by its place in the same row."""
_UPN = re.compile(rf"[{_LETTERS}][0-9]{{11}}[0-9{_LETTERS}]")
_SCN = re.compile(r"[0-9]{9}")
_SCN_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)


def normal_upn(text: str) -> str:
    """A Unique Pupil Number as it is compared and written: without spaces, in capitals."""
    return "".join(text.split()).upper()


def problem_with_upn(text: str) -> str | None:
    """What is wrong with a Unique Pupil Number, in a sentence; None when it is well formed, temporary (its last character is a letter) or blank.

    The rule: the first letter is the sum of the other twelve values, each times its position (2 to 13), modulo 23.
    """
    upn = normal_upn(text)
    if not upn:
        return None
    if len(upn) != 13:
        return f"The UPN has {len(upn)} characters instead of 13. Correct it in the MIS."
    if not _UPN.fullmatch(upn):
        return "The UPN is not a letter and twelve digits (the last may be a letter; I, O and S are never used). Correct it in the MIS."
    expected = check_letter(upn[1:])
    if upn[0] != expected:
        return f"The UPN begins with {upn[0]}, but its other characters ask for {expected}: it is mistyped or a dummy. Correct it in the MIS."
    return None


def is_temporary_upn(text: str) -> bool:
    """True for a well formed number that a school gave out until the real one is known: it ends in a letter, and will be replaced."""
    upn = normal_upn(text)
    return bool(upn) and upn[-1].isalpha() and problem_with_upn(upn) is None


def check_letter(body: str) -> str:
    """The check letter of a Unique Pupil Number; `body` is its characters 2 to 13, well formed."""
    values = (_LETTERS.index(each) if each in _LETTERS else int(each) for each in body)
    return _LETTERS[sum(value * position for position, value in enumerate(values, start=2)) % 23]


def normal_scn(text: str) -> str:
    """A Scottish Candidate Number as it is compared and written: without spaces. It is text: a leading zero belongs to it."""
    return "".join(text.split())


def problem_with_scn(text: str) -> str | None:
    """What is wrong with a Scottish Candidate Number, in a sentence; None when it is well formed or blank.

    The rule: eight digits times 3 2 7 6 5 4 3 2, summed, modulo 11, taken from 11, give the ninth; a remainder of 0 gives 0, and numbers with a
    remainder of 1 are not issued.
    """
    scn = normal_scn(text)
    if not scn:
        return None
    if not _SCN.fullmatch(scn):
        if len(scn) == 8 and _SCN.fullmatch(f"0{scn}") and problem_with_scn(f"0{scn}") is None:
            return "The SCN has lost its leading zero, as happens in a spreadsheet. Export it as text."
        return "The SCN is not nine digits. Correct it in the MIS."
    remainder = sum(int(digit) * weight for digit, weight in zip(scn[:8], _SCN_WEIGHTS, strict=True)) % 11
    if remainder == 1:
        return "The SCN is one that is never issued: it is mistyped or a dummy. Correct it in the MIS."
    if int(scn[8]) != (11 - remainder) % 11:
        return "The SCN's last digit does not fit the others: it is mistyped or a dummy. Correct it in the MIS."
    return None
