"""The picture of the last weeks: its bars are as high as their numbers, and whoever cannot see it is told the same."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from onroll_daemon.console.pictures import HEIGHT, Day, ceiling, summary, weeks

FIRST = date(2026, 11, 2)


def days(*told: tuple[int, int, int, str]) -> list[Day]:
    return [Day(FIRST + timedelta(days=index), *one) for index, one in enumerate(told)]  # type: ignore[arg-type]


def drawing(text: str) -> ElementTree.Element:
    """The picture alone. That it can be read at all shows that it is well-formed."""
    found = re.search(r'<svg class="weeks".*?</svg>', text, re.DOTALL)
    assert found
    return ElementTree.fromstring(found[0])


def bars(text: str, name: str) -> list[float]:
    return [
        float(bar.attrib["height"])
        for bar in drawing(text).iter("rect")
        if f"weeks-{name}" in bar.attrib["class"].split()
    ]


def test_each_day_has_a_place_and_each_number_a_bar() -> None:
    text = weeks("Milton Park School", days((3, 0, 5, ""), (0, 0, 0, ""), (0, 2, 1, "")))
    assert len([slot for slot in drawing(text).iter("g") if slot.attrib["class"] == "weeks-slot"]) == 3
    assert (len(bars(text, "joiners")), len(bars(text, "leavers")), len(bars(text, "others"))) == (1, 1, 2)


def test_a_bar_is_as_high_as_its_number() -> None:
    text = weeks("Milton Park School", days((10, 0, 10, ""), (5, 0, 0, "")))
    assert bars(text, "joiners") == [HEIGHT / 2, HEIGHT / 4]
    assert bars(text, "others") == [HEIGHT / 2]


def test_bars_of_one_day_stand_on_each_other() -> None:
    slot = next(drawing(weeks("Milton Park School", days((4, 6, 10, "")))).iter("g"))
    stacked = [
        (float(bar.attrib["y"]), float(bar.attrib["height"]))
        for bar in slot.iter("rect")
        if "weeks-bar" in bar.attrib["class"]
    ]
    assert len(stacked) == 3
    for (below, _), (above, tall) in zip(stacked, stacked[1:], strict=False):
        assert above + tall == pytest.approx(below)


@pytest.mark.parametrize(("most", "end"), [(0, 4), (4, 4), (5, 10), (11, 20), (67, 100), (101, 200), (1340, 2000)])
def test_the_scale_ends_at_a_round_number_that_holds_the_most(most: int, end: int) -> None:
    assert ceiling(most) == end


def test_the_words_state_the_totals_and_the_nights() -> None:
    told = summary(days((1, 0, 1200, ""), (2, 1, 140, "held"), (0, 0, 0, "failing"), (0, 0, 0, "held")))
    assert (
        told == "3 joiners, 1 leaver and 1,340 other changes. Held on 3 November and 5 November. Failing on 4 November."
    )


def test_the_picture_is_named_and_described_for_whoever_cannot_see_it() -> None:
    rows = days((1, 0, 2, ""), (2, 1, 0, "held"))
    picture = drawing(weeks("Milton Park School", rows, key="Milton Park"))
    name, described = picture.find("title"), picture.find("desc")
    assert picture.attrib["role"] == "img"
    assert name is not None
    assert described is not None
    assert picture.attrib["aria-labelledby"].split() == [name.attrib["id"], described.attrib["id"]]
    assert (name.text, described.text) == ("The last 2 days of Milton Park School", summary(rows))


def test_held_and_failing_nights_are_marked_by_a_shape_and_a_pattern() -> None:
    text = weeks("Milton Park School", days((1, 0, 0, "held"), (1, 0, 0, "failing"), (1, 0, 0, "")))
    shapes = [mark.attrib["d"] for mark in drawing(text).iter("path") if "weeks-mark" in mark.attrib["class"]]
    grounds = [
        ground.attrib["fill"] for ground in drawing(text).iter("rect") if ground.attrib["class"] == "weeks-night"
    ]
    assert len(set(shapes)) == 2
    assert grounds == ["url(#school-dots)", "url(#school-dots)", "none"]


def test_the_table_beside_it_has_the_days_on_which_something_happened_newest_first() -> None:
    text = weeks("Milton Park School", days((1, 0, 2, ""), (0, 0, 0, ""), (0, 0, 0, "failing"), (0, 7, 1340, "held")))
    lines = re.findall(r"<tr><th scope=\"row\">.*?</tr>", text)
    told = [re.findall(r">([^<>]+)<", line) for line in lines]
    assert told == [
        ["5 Nov", "0", "7", "1,340", "held"],
        ["4 Nov", "0", "0", "0", "failing"],
        ["2 Nov", "1", "0", "2", "–"],
    ]


def test_a_name_with_markup_in_it_is_only_a_name() -> None:
    text = weeks('<script>alert("x")</script> & Sons', days((1, 0, 0, "")), key='"><script>')
    assert "<script" not in text
    title = drawing(text).find("title")
    assert title is not None
    assert title.text == 'The last 1 day of <script>alert("x")</script> & Sons'


def test_a_school_without_days_is_told_so() -> None:
    text = weeks("Milton Park School", [])
    assert "Nothing changed, and nothing was held." in text
    assert "<table" not in text


def test_two_pictures_on_a_page_share_no_id() -> None:
    rows = days((1, 1, 1, "held"))
    one, other = (set(re.findall(r' id="([^"]+)"', weeks("School", rows, key=key))) for key in ("a", "b"))
    assert one
    assert not one & other


def test_nothing_in_it_needs_a_style_or_a_script_of_its_own() -> None:
    text = weeks("Milton Park School", days((1, 1, 1, "held"), (0, 0, 1, "failing")))
    assert not re.search(r"\bstyle=|<style|<script|\bon[a-z]+=", text)
