"""The commands about groups: which there are, who is in them, and what is kept as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from onroll_daemon.operations.groups import groups_of
from onroll_daemon.session import FAILED, Session, document, say, session, stop
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.wiring import now


def groups_list(
    config: str | None, school: str | None, target: str | None, kind: str | None, today: date | None, as_json: bool
) -> None:
    """`onroll groups list`: the groups that each target should have, as they were read last. Asks no target."""
    with session(config) as opened:
        found = [row for each in opened.schools(school) for row in _rows(opened, each, today or now().date())]
    rows = [each for each in found if target in (None, each["target"]) and kind in (None, each["kind"])]
    if as_json:
        document({"groups": rows})
        return
    for row in rows:
        led = f", led by {', '.join(row['owners'])}" if row["owners"] else ""
        said = "  (a Classroom course)" if row["course"] else ""
        said += f"  {row['note']}" if row["note"] else ""
        say(f"{row['target']:<8} {row['kind']:<12} {row['name']:<40} {len(row['members']):>4} members{led}{said}")
    if not rows:
        say(
            'No group. Which kinds of groups a target gets is groups = ["year", "teaching"] in its table of onroll.toml.'
        )


def groups_show(config: str | None, name: str, today: date | None, as_json: bool) -> None:
    """`onroll groups show`: one group, by its name or the MIS's record of it, in every target."""
    with session(config) as opened:
        found = [row for each in opened.schools(None) for row in _rows(opened, each, today or now().date())]
    rows = [each for each in found if name.casefold() in (each["name"].casefold(), each["record"].casefold())]
    if not rows:
        near = [each["name"] for each in found if name.casefold() in each["name"].casefold()]
        also = f" Did you mean {' or '.join(sorted(set(near))[:3])}?" if near else ""
        stop(FAILED, f"There is no group {name}.{also} See: onroll groups list")
    if as_json:
        document({"groups": rows})
        return
    for row in rows:
        course = ", a Classroom course" if row["course"] else ""
        say(f"{row['name']} in {row['target']} ({row['kind']}, record {row['record']}{course})")
        if row["note"]:
            say(f"  {row['note']}")
        for title, people in (("led by", row["owners"]), ("members", row["members"])):
            say(f"  {title}: {', '.join(people) or 'nobody'}")


def _rows(opened: Session, school: SchoolSettings, today: date) -> Iterator[dict[str, Any]]:
    found = groups_of(opened.settings, opened.store, school, today)
    for row in found.rows:
        group = row.group
        yield {
            "school": school.rules.id, "target": row.target, "kind": row.kind, "record": row.record, "name": group.name, "address": group.address,
            "members": found.labels(group.members), "owners": found.labels(group.owners), "archived": group.archived, "course": row.course, "note": row.note,
        }  # fmt: skip
