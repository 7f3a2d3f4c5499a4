"""Who is whom in made-up schools of 1,340 accounts: precision and recall of the lists, every wrong pair, and time and memory up to 50,000 accounts."""

from __future__ import annotations

import gc
import re
import sys
import time
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from linking_names import COMMUNITIES
from linking_school import STYLES, Made, make

from onroll_core.linking.links import Lists, lists

SEEDS = (11, 23, 37, 41, 59)
LINK_BY = {"employeeNumber": "upn"}
NUMBERED = {"names alone": 0.0, "numbers for 60 %": 0.6}
AIM = 0.97


@dataclass
class Score:
    """What the lists were worth."""

    pairs: int
    likely: int = 0
    right: int = 0
    shown: int = 0
    wrong: list[str] = field(default_factory=list)
    unseen: Counter[str] = field(default_factory=Counter)
    undecidable: int = 0
    twins_likely: int = 0

    @property
    def recall(self) -> float:
        """The share of true pairs that are likely or possible."""
        return self.shown / self.pairs


def found(made: Made, numbers: bool) -> Lists:
    """The seven lists."""
    return lists(made.people, made.observed, "ad", LINK_BY if numbers else {})


def score(made: Made, told: Lists) -> Score:
    """Compare lists with the truth."""
    people = {each.id: each for each in made.people}
    truth = set(made.truth.items())
    result = Score(len(truth))
    for each in told.likely:
        result.likely += 1
        pair = (each.record, each.known)
        result.right += pair in truth
        result.twins_likely += each.record in made.twins | made.doubles
        if pair in truth:
            continue
        if each.known in made.undecidable:
            result.undecidable += 1
            continue
        person, account = people[each.record].person, made.accounts[each.known]
        result.wrong.append(
            f"{person.first} {person.last} ({person.key.record}, {person.year_group}) and {account.login} ({account.display_name}, {account.place}): {each.why}"
        )
    shown = {(each.record, each.known) for each in (*told.likely, *told.possible)}
    result.shown = len(truth & shown)
    result.unseen.update(made.kinds[who] for who, anchor in truth - shown)
    return result


def names_are_their_own() -> None:
    """The names are not those that the matcher's own tests have."""
    tested = (Path(__file__).parents[1] / "core" / "test_linking.py").read_text(encoding="utf-8")
    words = set(re.findall(r"[^\W\d_]{3,}", tested))
    shared = {name for each in COMMUNITIES for name in (*each.firsts, *each.lasts)} & words
    assert not shared, shared


def big(size: int) -> str:
    """Seconds and megabytes for a directory of `size` accounts."""
    made = make(1, "by year", size)
    gc.collect()
    gc.freeze()
    began = time.process_time()
    found(made, False)
    took = time.process_time() - began
    tracemalloc.start()
    if size < 10_000:  # tracing is slow, and memory is in proportion
        found(made, False)
        peak = f"{tracemalloc.get_traced_memory()[1] / 1e6:.0f} MB at the peak"
    else:
        peak = ""
    tracemalloc.stop()
    return f"{size:,} accounts: {took:.2f} s CPU {peak}"


def main() -> int:
    """Print every school's counts; fails when a pair is wrongly likely, or too few are seen."""
    names_are_their_own()
    print("linking: " + "".join(f"{text:>{width}}" for text, width in zip(HEADS, WIDTHS, strict=True)))
    bad = sum(school(seed, style, name) for seed in SEEDS for style in STYLES for name in NUMBERED)
    for name, share in NUMBERED.items():
        made = [make(seed, style, numbered=share, hopeless=True) for seed in SEEDS for style in ("flat", "by role")]
        fooled = sum(score(each, found(each, share > 0)).undecidable for each in made)
        print(
            f"linking: the limit of names: {fooled} of {sum(len(each.undecidable) for each in made)} enabled accounts of leavers were taken for those of pupils of the same"
            f" name who have none, where neither OU nor username says the year ({name})"
        )
    for size in (1340, 50_000):
        print(f"linking: {big(size)}")
    return min(bad, 1)


HEADS = (
    "seed",
    "directory",
    "attributes",
    "likely",
    "possible",
    "ambiguous",
    "accounts",
    "people",
    "wrong",
    "precision",
    "recall",
    "or possible",
)
WIDTHS = (5, 21, 18, 7, 9, 10, 9, 7, 6, 10, 8, 12)


def school(seed: int, style: str, name: str) -> bool:
    """Print the counts of one school; True when they are not good enough."""
    made = make(seed, style, numbered=NUMBERED[name])
    told = found(made, NUMBERED[name] > 0)
    got = score(made, told)
    lengths = (
        got.likely,
        len(told.possible),
        len(told.ambiguous),
        len(told.accounts_alone),
        len(told.people_alone),
        len(got.wrong),
    )
    shares = (f"{got.right / got.likely:.4f}", f"{got.right / got.pairs:.3f}", f"{got.recall:.4f}")
    print(
        "linking: "
        + "".join(
            f"{each:>{width}}" for each, width in zip((seed, style, name, *lengths, *shares), WIDTHS, strict=True)
        )
    )
    for wrong in got.wrong:
        print(f"  WRONG: {wrong}")
    if "-v" in sys.argv:
        print("  not seen:", dict(got.unseen))
    return bool(got.wrong) or got.recall < AIM or got.twins_likely > 0


if __name__ == "__main__":
    sys.exit(main())
