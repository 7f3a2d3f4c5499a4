"""A picture of a school's last weeks, as SVG: nothing is told by colour alone, and the same numbers stand beside it in words and in a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from markupsafe import Markup

from onroll_daemon.console.templating import number, plural

State = Literal["", "held", "failing"]

HEIGHT = 96.0
"""Of a bar that reaches the top of the scale, in units of the picture."""
_SLOT, _BAR = 18.0, 12.0  # the width of one day, and of its bar
_TOP, _LEFT, _FOOT = 24.0, 36.0, 24.0  # room for the marks above the bars, the scale beside and the days below them
_PARTS = (("others", "Other changes"), ("joiners", "Joiners"), ("leavers", "Leavers"))  # from the ground up


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a school: how many joined, left, and changed otherwise; and whether its night was held or is failing."""

    on: date
    joiners: int
    leavers: int
    others: int
    state: State = ""

    @property
    def total(self) -> int:
        """All changes of the day."""
        return self.joiners + self.leavers + self.others


def weeks(school: str, rows: Sequence[Day], key: str = "school") -> Markup:
    """A figure: a stacked bar for each of `rows` (oldest first), a legend, the totals in words, and a table that opens. `school` is its name; `key`
    tells several pictures on one page apart."""
    key = re.sub(r"[^a-z0-9-]", "-", key.lower())
    top = ceiling(max((row.total for row in rows), default=0))
    width, height = _LEFT + max(len(rows), 7) * _SLOT, _TOP + HEIGHT + _FOOT
    return Markup(
        '<figure class="picture"><svg class="weeks" role="img" viewBox="0 0 {width:g} {height:g}" aria-labelledby="{key}-weeks {key}-told">'
        '<title id="{key}-weeks">The last {days} of {school}</title><desc id="{key}-told">{told}</desc>{pattern}{scale}{bars}</svg>'
        '{legend}<p class="picture-told">{told}</p>{table}</figure>'
    ).format(
        width=width,
        height=height,
        key=key,
        days=plural(len(rows), "day"),
        school=school,
        told=summary(rows),
        pattern=_PATTERN.format(key=key),
        scale=_scale(top, width),
        bars=Markup("").join(_bar(row, index, top, key, _labelled(rows, index)) for index, row in enumerate(rows)),
        legend=_legend(key),
        table=_table(school, rows),
    )


def summary(rows: Sequence[Day]) -> str:
    """What the picture says, in sentences."""
    if not any(row.total or row.state for row in rows):
        return "Nothing changed, and nothing was held."
    told = (
        f"{plural(sum(row.joiners for row in rows), 'joiner')}, {plural(sum(row.leavers for row in rows), 'leaver')} and "
        f"{plural(sum(row.others for row in rows), 'other change')}."
    )
    for state, words in (("held", "Held on"), ("failing", "Failing on")):
        if on := [_spoken(row.on) for row in rows if row.state == state]:
            told += f" {words} {', '.join(on[:-1]) + ' and ' if on[1:] else ''}{on[-1]}."
    return told


def ceiling(most: int) -> int:
    """Where the scale ends: the first of 4, 10, 20, 40, 100, 200, 400 ... that holds `most`; half of it is a whole number."""
    step = 1
    while True:
        for round_number in (4, 10, 20):
            if round_number * step >= most:
                return round_number * step
        step *= 10


_PATTERN = Markup(
    '<defs><pattern id="{key}-hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="weeks-leavers-ground" width="4" height="4"/><rect class="weeks-leavers-line" width="2" height="4"/></pattern>'
    '<pattern id="{key}-dots" width="4" height="4" patternUnits="userSpaceOnUse"><circle class="weeks-dot" cx="2" cy="2" r=".8"/></pattern></defs>'
)
_MARKS = {
    "held": Markup('<path class="weeks-mark weeks-held" d="M-3 -5v10M3 -5v10" transform="translate({x:g} {y:g})"/>'),
    "failing": Markup(
        '<path class="weeks-mark weeks-failing" d="M-4 -4L4 4M4 -4L-4 4" transform="translate({x:g} {y:g})"/>'
    ),
}


def _bar(row: Day, index: int, top: int, key: str, labelled: bool) -> Markup:
    left = _LEFT + index * _SLOT
    middle = left + _SLOT / 2
    ground = _TOP + HEIGHT
    drawn = [Markup("<title>{}</title>").format(_told(row))]
    fill = Markup(' fill="url(#{key}-dots)"').format(key=key) if row.state else Markup(' fill="none"')
    place = Markup('<rect class="weeks-night" x="{:g}" y="0" width="{:g}" height="{:g}"{}/>')
    drawn.append(place.format(left, _SLOT, ground, fill))
    for name, _ in _PARTS:
        count = getattr(row, name)
        if count:
            tall = count / top * HEIGHT
            ground -= tall
            paint = Markup(' fill="url(#{key}-hatch)"').format(key=key) if name == "leavers" else ""
            box = Markup('<rect class="weeks-bar weeks-{}" x="{:g}" y="{:.2f}" width="{:g}" height="{:.2f}"{}/>')
            drawn.append(box.format(name, middle - _BAR / 2, ground, _BAR, tall, paint))
    if row.state:
        drawn.append(_MARKS[row.state].format(x=middle, y=_TOP / 2 - 2))
    if labelled:
        text = Markup('<text class="weeks-day" x="{:g}" y="{:g}">{}</text>')
        drawn.append(text.format(left + 2, _TOP + HEIGHT + 17, _short(row.on)))
        drawn.append(Markup('<path class="weeks-week" d="M{:g} {:g}v6"/>').format(left, _TOP + HEIGHT))
    return Markup('<g class="weeks-slot">{}</g>').format(Markup("").join(drawn))


def _labelled(rows: Sequence[Day], index: int) -> bool:
    """Mondays; and the first day where there is room before the first of them."""
    return rows[index].on.weekday() == 0 or (index == 0 and rows[0].on.weekday() < 4)


def _scale(top: int, width: float) -> Markup:
    line = Markup('<path class="weeks-line" d="M{:g} {:g}H{:g}"/><text class="weeks-count" x="{:g}" y="{:g}">{}</text>')
    heights = [(count, _TOP + HEIGHT - count / top * HEIGHT) for count in (0, top // 2, top)]
    return Markup("").join(line.format(_LEFT, y, width, _LEFT - 5, y + 4, number(count)) for count, y in heights)


def _legend(key: str) -> Markup:
    swatch = Markup('<li><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">{}</svg>{}</li>')
    box = Markup('<rect class="weeks-bar weeks-{}" x="1" y="1" width="12" height="12"{}/>')
    hatch = Markup(' fill="url(#{key}-hatch)"').format(key=key)
    items = [
        swatch.format(box.format(name, hatch if name == "leavers" else ""), words)
        for name, words in sorted(_PARTS, key=lambda part: part[1] == "Other changes")
    ]
    items += [swatch.format(_MARKS[state].format(x=7, y=7), f"{state.capitalize()} night") for state in _MARKS]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _table(school: str, rows: Sequence[Day]) -> Markup:
    shown = [row for row in reversed(rows) if row.total or row.state]
    if not shown:
        return Markup("")
    line = Markup(
        '<tr><th scope="row"><time datetime="{}">{}</time></th><td class="number">{}</td><td class="number">{}</td><td class="number">{}</td>'
        "<td>{}</td></tr>"
    )
    lines = [
        line.format(row.on.isoformat(), _short(row.on), number(row.joiners), number(row.leavers), number(row.others), row.state or "–")
        for row in shown
    ]  # fmt: skip
    return Markup(
        '<details class="more"><summary>The same as a table</summary><table class="table dense"><caption>{}: the days on which something happened,'
        ' the newest first</caption><thead><tr><th scope="col">Day</th><th scope="col" class="number">Joiners</th><th scope="col" class="number">'
        'Leavers</th><th scope="col" class="number">Other</th><th scope="col">Night</th></tr></thead><tbody>{}</tbody></table></details>'
    ).format(school, Markup("").join(lines))


def _told(row: Day) -> str:
    told = f"{_spoken(row.on)}: {plural(row.joiners, 'joiner')}, {plural(row.leavers, 'leaver')}, {plural(row.others, 'other change')}"
    return f"{told}; {row.state}" if row.state else told


def _spoken(on: date) -> str:
    return f"{on.day} {on:%B}"


def _short(on: date) -> str:
    return f"{on.day} {on:%b}"
