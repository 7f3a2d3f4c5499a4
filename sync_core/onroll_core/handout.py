"""First passwords for people: words that a six-year-old can read, or stronger ones; and what is handed out on paper.

The passwords live for the length of one command: nothing here is kept.
"""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, Protocol, TypeVar

from onroll_core.passwords import temporary

Style = Literal["words", "strong"]
Item = TypeVar("Item")

WORDS = tuple(
    """
    apple baby badger ball banana bath beach bear bell bird blue boat book bread brush bubble bus butter button cake camel candle carrot castle chair
    cheese cherry chicken circle clock cloud coat crayon cup daisy desk dinner doctor dog dragon drum duck eagle egg elbow farmer feather field finger
    fish flag flower forest fox frog garden giraffe glass goat gold grape green hammer hand hat hedge hill honey horse house island jacket jam jelly
    kettle king kite kitten ladder lake lamb lamp leaf lemon lion lizard lorry magnet mango map marble meadow melon milk mirror monkey moon mouse
    mountain muffin music nest night nose nut ocean onion orange otter owl paint panda paper parrot party peach pear pencil penguin pepper picnic pillow
    pilot pink planet plate plum pocket pond pony potato puddle puppet purple puzzle rabbit rain rainbow river robin robot rocket ruler sand sandwich
    school seal seed shadow sheep ship shoe silver singer snail snow soap sock spider spoon spring star station stone story summer sun swan table tea
    tiger toast tomato tower tractor train tree trumpet tunnel turtle umbrella valley violin wagon wall water whale wheel window winter yellow zebra
    """.split()
)
"""Two syllables or one, spelt as they sound, and nothing that a pupil would rather not be given."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell."""


class Chooser(Protocol):
    """Where randomness comes from: random.SystemRandom in life, a seeded random.Random in tests."""

    def choice(self, seq: Sequence[Item], /) -> Item:
        """One of `seq`."""
        ...


STYLE = (
    "body{font:14pt/1.4 sans-serif;margin:1cm}section{break-after:page}.slips{display:grid;grid-template-columns:1fr 1fr}"
    "article{border:1px dashed #888;padding:.4cm;break-inside:avoid}h3{margin:0}dl{display:grid;grid-template-columns:auto 1fr;gap:.1cm .4cm;margin:.2cm 0 0}"
    "dt{color:#444}dd{margin:0;font-family:ui-monospace,monospace;font-weight:600;overflow-wrap:anywhere}"
)
"""How slips look, on paper too. It is in the document itself, which needs nothing from elsewhere; a page of the console has to allow it by its digest."""


@dataclass(frozen=True, slots=True)
class Slip:
    """What one person is handed. `group` is the registration group, or "Staff"."""

    name: str
    username: str
    email: str
    password: str
    group: str


def first_password(style: Style, random: Chooser, forbidden: Iterable[str]) -> str:
    """A password to be typed once or kept: "words" is like Tiger-Lamp-4072 (some 29 bits, for the youngest), "strong" is 14 characters of all four kinds.

    None holds a word of `forbidden` (usernames and names of the person), as Windows' complexity rule wants it. Raises ValueError when `random` is
    not random.
    """
    words = {part for word in forbidden for part in _parts(word) if len(part) >= 3}
    if style == "strong":
        return _strong(random, words)
    for _ in range(1000):
        two = random.choice(WORDS).capitalize(), random.choice(WORDS).capitalize()
        password = f"{two[0]}-{two[1]}-{''.join(random.choice('23456789') for _ in range(4))}"
        if not any(word in password.lower() for word in words):
            return password
    raise ValueError(
        "No password could be made in 1,000 attempts: the source of randomness gives the same again and again."
    )


def _strong(random: Chooser, words: set[str]) -> str:
    """The beginning of a temporary password, as long as it has all four kinds of character."""
    for _ in range(1000):
        password = temporary(random, words)[:14]
        kinds = (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum())
        if all(any(map(kind, password)) for kind in kinds):
            return password
    raise ValueError(
        "No password could be made in 1,000 attempts: the source of randomness gives the same again and again."
    )


def safe_cell(text: str) -> str:
    """A text as a spreadsheet may open it: what would be a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(FORMULA) else text


def as_csv(slips: Iterable[Slip]) -> str:
    """The hand-out as CSV with a byte order mark, so that a spreadsheet reads names right; every cell safe from formulas."""
    out = io.StringIO()
    out.write("\ufeff")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(("name", "username", "email", "password", "group"))
    for slip in sorted(slips, key=_by_group):
        rows.writerow([safe_cell(each) for each in (slip.name, slip.username, slip.email, slip.password, slip.group)])
    return out.getvalue()


def as_html(slips: Iterable[Slip], school: str) -> str:
    """Slips to print and cut, a page (or more) for each registration group; one document with nothing from elsewhere."""
    pages = []
    for group, members in groupby(sorted(slips, key=_by_group), key=lambda slip: slip.group):
        cut = "".join(_slip(slip) for slip in members)
        pages.append(
            f"<section><h2>{html.escape(group or 'No registration group')}</h2><div class=slips>{cut}</div></section>"
        )
    return (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>First passwords, {html.escape(school)}</title><style>{STYLE}</style>'
        f"</head><body><main><h1>{html.escape(school)}</h1>{''.join(pages)}</main></body></html>\n"
    )


def _slip(slip: Slip) -> str:
    rows = (("Username", slip.username), ("E-mail", slip.email), ("Password", slip.password))
    told = "".join(f"<dt>{label}</dt><dd>{html.escape(value)}</dd>" for label, value in rows)
    return f"<article><h3>{html.escape(slip.name)}</h3><dl>{told}</dl></article>"


def _by_group(slip: Slip) -> tuple[str, str, str]:
    return slip.group, slip.name.casefold(), slip.username


def _parts(text: str) -> list[str]:
    low = text.lower()
    return [low, *"".join(each if each.isalnum() else " " for each in low).split()]
