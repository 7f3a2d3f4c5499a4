"""How times, numbers and values are told on a page, and that a template escapes what it is given."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from onroll_daemon.console.templating import (
    STATIC,
    TEMPLATES,
    ago,
    day,
    environment,
    number,
    plural,
    query,
    value,
    when,
)

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 26, 4, 40, tzinfo=UTC)
PARTS = '{% import "parts.html" as parts with context %}'


def rendered(text: str, **values: Any) -> str:
    return environment(LONDON, lambda: NOW).from_string(PARTS + text).render(values)


def test_a_moment_is_told_in_the_school_s_zone() -> None:
    assert when("2026-11-26T04:40:00+00:00", LONDON, NOW) == "26 November at 04:40"
    assert when("2026-07-01T23:30:00", LONDON, NOW) == "2 July at 00:30"
    assert when(NOW, ZoneInfo("Europe/Berlin"), NOW) == "26 November at 05:40"


def test_another_year_is_said() -> None:
    assert when("2025-11-26T04:40:00+00:00", LONDON, NOW) == "26 November 2025 at 04:40"
    assert day("2025-07-19", LONDON, NOW) == "19 July 2025"


def test_a_date_has_no_zone_and_a_moment_s_day_has() -> None:
    assert day(date(2026, 9, 1), LONDON, NOW) == "1 September"
    assert day("2026-07-01T23:30:00+00:00", LONDON, NOW) == "2 July"


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-11-26T04:39:40+00:00", "just now"),
        ("2026-11-26T04:39:00+00:00", "1 minute ago"),
        ("2026-11-26T01:41:00+00:00", "2 hours ago"),
        ("2026-11-24T04:40:00+00:00", "2 days ago"),
        ("2026-11-26T07:40:00+00:00", "in 3 hours"),
    ],
)
def test_how_long_ago_is_told_in_the_largest_unit(at: str, told: str) -> None:
    assert ago(at, NOW) == told


def test_numbers_have_commas_and_agree_with_their_words() -> None:
    assert number(1340) == "1,340"
    assert (plural(1, "person", "people"), plural(1340, "person", "people"), plural(0, "run")) == (
        "1 person",
        "1,340 people",
        "0 runs",
    )


def test_values_are_told_in_words() -> None:
    assert [value(told) for told in (None, "", [], True, False, 0, ["b", "a"], {"k": None})] == [
        *["not set"] * 3, "yes", "no", "0", "a, b", "k: not set",
    ]  # fmt: skip


def test_a_query_keeps_what_was_asked_and_leaves_out_what_is_empty() -> None:
    assert query({"q": "a&b", "role": "", "page": 1}, page=2) == "q=a%26b&page=2"


def test_a_long_address_may_break_before_its_at_and_nowhere_else() -> None:
    assert rendered("{{ parts.cell('Address', at) }}", at="<a>@b.test").endswith(
        'class="long"><span class="cell">&lt;a&gt;<wbr>@b.test</span></td>'
    )
    assert "long" not in rendered("{{ parts.cell('Username', 'eabara') }}")


def test_markup_in_a_name_is_text_in_every_part() -> None:
    name = "<b>O'Neill</b>"
    text = rendered(
        "{{ parts.badge(n) }}{{ parts.flash('done', n) }}{{ parts.field('x', n, n, error=n) }}{{ parts.cell(n, n) }}{{ parts.fact(n, [n]) }}"
        "{{ parts.changes({n: n}, {n: 'x'}) }}{{ parts.confirm(n, n, n, n, {n: n}) }}{{ parts.tabs([(n, n, true)]) }}{{ parts.search('q', n, n, 't', n) }}",
        n=name,
        visitor=None,
    )
    assert "<b>" not in text
    assert text.count("&lt;b&gt;") >= 18


def test_a_time_is_one_that_a_program_can_read_too() -> None:
    assert (
        rendered("{{ parts.time(at) }}", at="2026-07-01T12:00:00+00:00")
        == '<time datetime="2026-07-01T12:00:00+00:00">1 July at 13:00</time>'
    )
    assert rendered("{{ parts.time(none) }}") == '<span class="soft">never</span>'


def test_the_page_s_own_zone_wins() -> None:
    assert "14:00" in rendered("{{ parts.time(at) }}", at="2026-07-01T12:00:00+00:00", zone=ZoneInfo("Europe/Berlin"))


def test_a_field_that_is_wrong_says_why_to_a_screen_reader() -> None:
    text = rendered("{{ parts.field('mail', 'Address', hint='h', error='e') }}")
    described = re.search(r'aria-describedby="([^"]+)"', text)
    assert described
    assert all(f'id="{one}"' in text for one in described[1].split())
    assert 'aria-invalid="true"' in text
    assert '<label for="f-mail">' in text


def test_a_password_that_was_typed_is_not_sent_back() -> None:
    assert "hunter2" not in rendered("{{ parts.field('password', 'Password', 'hunter2', type='password') }}")


def test_a_long_job_asks_again_until_it_is_over() -> None:
    shown = "{{ parts.watch({'id': 12, 'status': status}, 'w', 41, 200) }}"
    assert 'hx-get="/requests/12" hx-trigger="every 2s"' in rendered(shown, status="under way")
    assert "41 of 200" in rendered(shown, status="under way")
    for over in ("done", "held", "failed", "refused", "cut off"):
        assert "hx-get" not in rendered(shown, status=over)


def test_every_form_that_posts_carries_the_visitor_s_token() -> None:
    text = rendered(
        "{{ parts.confirm('a', 'b', 'c', '/d') }}{{ parts.post_button('a', '/b') }}", visitor={"csrf": "tok"}
    )
    assert text.count("<form") == text.count('name="csrf" value="tok"') == 2


def test_a_name_that_nobody_passed_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ nobody }}")


def test_htmx_is_told_to_keep_and_evaluate_nothing_and_sends_the_token() -> None:
    visitor = {"name": "Ann Lee", "role": "viewer", "csrf": "a'b\"c<d"}
    page = environment(LONDON, lambda: NOW).from_string('{% extends "base.html" %}').render(visitor=visitor)
    parts = {
        name: told.replace("&#34;", '"').replace("&amp;", "&")
        for name, told in re.findall(r'(content|hx-headers)="(\{[^"]+)"', page)
    }
    assert json.loads(parts["hx-headers"]) == {"X-CSRF-Token": visitor["csrf"]}
    assert json.loads(parts["content"]) | {
        "includeIndicatorStyles": False,
        "allowEval": False,
        "historyCacheSize": 0,
    } == json.loads(parts["content"])


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.relative_to(TEMPLATES).as_posix()
)
def test_no_template_has_a_style_or_a_script_in_it(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(
        r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|<script(?![^>]*\bsrc=\"/static/)|https?://", text
    )
    assert "| safe" not in text
    assert "|safe" not in text


@pytest.mark.parametrize(
    "path", [*TEMPLATES.rglob("*.html"), STATIC / "onroll.css", STATIC / "onroll.js"], ids=lambda path: path.name
)
def test_templates_and_the_stylesheet_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
