"""The twenty-five ways in which account synchronisation is known to have failed schools, each with the scenario that shows what onroll does instead."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

STORIES = (
    ("Mass disable after a bad extract", "mass_disable_after_a_bad_extract"),
    ("Limit too high to help", "a_limit_too_high_to_help"),
    ("Limit in the way in September, so admins switch it off", "a_limit_in_the_way_in_september"),
    ("Half the plan is applied when limit trips", "half_the_plan_applied_when_a_limit_trips"),
    ("OU/scope change makes everyone look deleted", "a_changed_ou_makes_everyone_look_deleted"),
    ("Username clash at create", "a_username_clash_at_create"),
    ("Name re-used: new pupil gets old pupil's mail/files", "a_name_is_used_again"),
    ("Soft-deleted conflict", "a_soft_deleted_account_stands_in_the_way"),
    ("Re-joiner gets a new account", "a_rejoiner_gets_a_new_account"),
    ("Rename breaks sign-in", "a_rename_breaks_sign_in"),
    ("Alias not added / lost on rename", "an_alias_is_lost_on_rename"),
    ("On-prem mastered objects cannot be changed in cloud", "on_premises_objects_cannot_be_changed_in_the_cloud"),
    ("Rate limits/429 and 504", "rate_limits_and_gateway_timeouts"),
    ("Sync slower than the night", "a_sync_slower_than_the_night"),
    ("Eventual consistency", "eventual_consistency"),
    ("Duplicate MIS records / two cloud accounts", "duplicate_mis_records"),
    ("Twins", "twins"),
    ("Staff who are also parents (or pupils later staff)", "staff_who_are_also_parents"),
    ("Dual-registered pupils across trust schools", "dual_registered_pupils_across_trust_schools"),
    ("Year rollover: pupils out of class, Teams emptied", "year_rollover_empties_classes"),
    ("Admissions given wrong year/username", "admissions_given_the_wrong_year_or_username"),
    ("MIS migration breaks all links", "an_mis_migration_breaks_all_links"),
    ("Preferred names / deadnames", "preferred_names_and_deadnames"),
    ("Dry run that is not dry", "a_dry_run_that_is_not_dry"),
    ("Silent stall: nobody notices", "a_silent_stall_nobody_notices"),
)


def told() -> dict[str, str]:
    """The tests of the failure stories and their docstrings, without running any."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_failure_stories_*.py")):
        for each in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
                found[each.name] = ast.get_docstring(each) or ""
    return found


@pytest.mark.parametrize(
    ("number", "test"), [(n, test) for n, (_, test) in enumerate(STORIES, 1)], ids=[test for _, test in STORIES]
)
def test_each_story_has_its_scenario(number: int, test: str) -> None:
    assert told()[f"test_{test}"].startswith(f"Story {number}: ")


def test_no_scenario_is_of_another_story() -> None:
    assert len(STORIES) == 25
    assert set(told()) == {f"test_{test}" for _, test in STORIES}
