"""Bodies as nobody should send them: each mutation of a good answer, and what a source may make of it.

A read of a mutated answer ends with everybody or with a sentence; never with a shorter school.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from typing import Any

from onroll_connectors.sandbox.unruly import Unruly
from onroll_core.errors import OnrollError
from onroll_core.people import Snapshot, Status

HOSTILE = (
    "", " ", "\u0000", "null", "NaN", "-1", "1e309", "'; DROP TABLE people; --", "<script>alert(1)</script>", "{{7*7}}", "%00", "../../etc/passwd",
    "\u202e\u200b\ufeff", "Zoë\u0301\U0001f600", "A" * 10_000, "0000-00-00", "31/02/2026", "9999-99-99T99:99:99", "=HYPERLINK(\"http://x\")",
)  # fmt: skip
WRONG: tuple[Any, ...] = (None, 0, -1, 1.5, True, False, [], {}, [[]], [None], {"data": None}, "x")
MUTATIONS = int(os.environ.get("ONROLL_MUTATIONS", "2000" if os.environ.get("ONROLL_SOAK") else "60"))
"""How many a source gets: a sample in `make test`, 2,000 and more in `make soak`."""


def mutate_json(body: bytes, chance: random.Random) -> bytes:
    """One mutation of a JSON document: cut off, a value of another type, a hostile text, or rows in another order."""
    how = chance.choice(("cut", "wrong", "wrong", "hostile", "hostile", "order"))
    if how == "cut":
        return mutate_bytes(body, chance)
    try:
        document = json.loads(body)
    except ValueError:
        return mutate_bytes(body, chance)
    places: list[tuple[Any, Any]] = []
    _walk(document, places)
    if not places:
        return json.dumps(chance.choice(WRONG)).encode()
    if how == "order":
        rows = [holder[key] for holder, key in places if isinstance(holder[key], list) and len(holder[key]) > 1]
        if rows:
            chance.shuffle(chance.choice(rows))
        return json.dumps(document).encode()
    # Half of the blows go to the outer layers, which are few and matter most.
    outer = [place for place in places if place[0] is document] or places
    holder, key = chance.choice(outer if chance.random() < 0.3 else places)
    if how == "hostile":
        texts = [(h, k) for h, k in places if isinstance(h[k], str)] or [(holder, key)]
        holder, key = chance.choice(texts)
        holder[key] = chance.choice(HOSTILE)
    else:
        # An empty list in place of a full one is no wrong type: that is a shorter school, which the sanity limits of the core look after.
        holder[key] = chance.choice([each for each in WRONG if type(each) is not type(holder[key])])
    return json.dumps(document).encode()


def mutate_bytes(body: bytes, chance: random.Random) -> bytes:
    """One mutation of any bytes: cut off, or some of them replaced."""
    if len(body) < 4 or chance.random() < 0.5:
        return body[: chance.randrange(max(1, len(body)))]
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 8, 64))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _walk(node: Any, places: list[tuple[Any, Any]]) -> None:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(pairs):
        places.append((node, key))
        _walk(value, places)


def counted(snapshot: Snapshot) -> dict[tuple[str, str], int]:
    """How many people there are of each role, and how many of them are on roll or to come. A leaver whose damaged date makes them one to come is
    one person as before."""
    counts: dict[tuple[str, str], int] = {}
    for person in snapshot.people:
        for what in ("all", *(("not left",) if person.status is not Status.LEFT else ())):
            counts[person.role.value, what] = counts.get((person.role.value, what), 0) + 1
    return counts


def survives(read: Callable[[], Snapshot], whole: Snapshot, what: str) -> bool:
    """True when the read was complete, False when it raised one of our errors with a sentence; fails for anything else."""
    try:
        snapshot = read()
    except OnrollError as trouble:
        assert str(trouble).rstrip().endswith((".", "?", "!")), f"{what}: no sentence: {trouble}"
        return False
    before, after = counted(whole), counted(snapshot)
    for key, count in before.items():
        assert after.get(key, 0) >= count, f"{what}: {key} were {count} and are now {after.get(key, 0)}"
    return True


def storm(
    unruly: Unruly,
    read: Callable[[], Snapshot],
    what: str,
    mutate: Callable[[bytes, random.Random], bytes] = mutate_json,
) -> None:
    """MUTATIONS reads through `unruly`, each with one answer mutated; `what` seeds them, so that a failure can be repeated."""
    unruly.mutate = None
    unruly.begin()
    whole = read()
    answers = len(unruly.log)
    survived = 0
    for number in range(MUTATIONS):
        chance = random.Random(f"{what}/{number}")
        which = chance.randrange(answers) + 1
        unruly.mutate = lambda body, chance=chance: mutate(body, chance)  # type: ignore[misc]
        unruly.begin(first=which, last=which)
        survived += survives(read, whole, f"{what}, mutation {number}, answer {which}")
    assert survived < MUTATIONS, "no mutation was ever noticed: is the body mutated at all?"


def mutate_csv(body: bytes, chance: random.Random) -> bytes:
    """One mutation of a CSV file in UTF-8: cut off within a row, a hostile cell, a row twice, a caption gone, other quotes, or rows in another order.

    Whole rows that are missing at the end are no mutation: no reader can know of them where the file tells no total.
    """
    lines = body.decode("utf-8-sig").splitlines(keepends=True)
    row = chance.randrange(1, len(lines))
    how = chance.choice(("cut", "hostile", "hostile", "hostile", "twice", "caption", "quotes", "bytes", "order"))
    if how == "cut":
        return "".join(
            [*lines[:row], lines[row].rstrip("\r\n")[: chance.randrange(1, max(2, len(lines[row]) - 2))]]
        ).encode()
    if how == "bytes":
        changed = bytearray(body)
        for _ in range(chance.choice((1, 8))):
            changed[chance.randrange(len(changed))] = chance.choice((0, 255, 34))
        return bytes(changed)
    if how == "order":
        rest = lines[1:]
        chance.shuffle(rest)
        return "".join([lines[0], *rest]).encode()
    if how == "twice":
        return "".join([*lines[: row + 1], *lines[row:]]).encode()
    if how == "quotes":
        lines[row] = lines[row].replace(",", chance.choice(('"', ',"', '",', ";", "")), 1)
    cells = lines[0 if how == "caption" else row].rstrip("\r\n").split(",")
    which = chance.randrange(len(cells))
    if how == "caption":
        cells[which] = chance.choice(("", "Something", cells[which][:-1], cells[(which + 1) % len(cells)]))
        lines[0] = ",".join(cells) + "\r\n"
    elif how == "hostile":
        # An empty cell is no mutation either: it is "not told".
        told = [each for each in HOSTILE if each.strip()]
        cells[which] = chance.choice([*told, "1.23E+12", "#N/A", "07-Jan", "45870"]).replace(",", "")
        lines[row] = ",".join(cells) + "\r\n"
    return "".join(lines).encode()
