"""The other commands: init, check, runs, serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from onroll_core.contracts import Finding, Report, Source, Target
from onroll_core.errors import OnrollError
from onroll_daemon.session import FAILED, USAGE, document, say, sentences, session, stop
from onroll_daemon.wiring import line, sample


def init(folder: str) -> None:
    """`onroll init`"""
    from onroll_core.store import Store
    from onroll_daemon.wiring import now

    path = Path(folder) / "onroll.toml"
    if path.exists():
        stop(USAGE, f"{path} is already there and was left as it is.")
    with sentences():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(sample(), encoding="utf-8")
        except OSError as failure:
            stop(FAILED, f"{path} cannot be written: {failure.strerror}.")
        Store.open(f"sqlite:///{(path.parent / 'onroll.db').resolve().as_posix()}", now).close()
    say(f"Wrote {path} and the store onroll.db beside it. Edit the file, then run: onroll check --config {path}")


def check(config: str | None, school: str | None, as_json: bool) -> None:
    """`onroll check`"""
    found: list[tuple[str, Finding]] = []
    with session(config) as opened:
        found.append(("settings", Finding("ok", f"{opened.settings.path} is in order.")))
        found.append(("store", Finding("ok", "The store is open and up to date.")))
        for each in opened.schools(school):
            it = line(opened.settings, each, opened.store)
            found += [(f"{each.rules.id}, {each.module.rpartition('.')[2]}", one) for one in _looked_at(it.source)]
            for name, target in it.targets.items():
                found += [(name, one) for one in _looked_at(target.connect)]
    if as_json:
        document({"findings": [{"where": where, "level": one.level, "sentence": one.sentence} for where, one in found]})
    else:
        for where, one in found:
            say(f"{one.level:<8} {where}: {one.sentence}")
    if any(one.level == "problem" for _, one in found):
        raise typer.Exit(FAILED)


def _looked_at(connect: Any) -> list[Finding]:
    """What a source or target says of itself; what it raises is a finding too."""
    try:
        connected: Source | Target = connect()
        try:
            report: Report = connected.check()
        finally:
            connected.close()
    except OnrollError as failure:
        return [Finding("problem", str(failure))]
    return list(report.findings)


def runs_list(config: str | None, school: str | None, limit: int, as_json: bool) -> None:
    """`onroll runs`"""
    with session(config) as opened:
        rows = opened.store.runs(school, limit)
    if as_json:
        document({"runs": rows})
        return
    for row in rows:
        say(
            f"{row['id']:>5}  {row['started']}  {row['school']:<20} {row['kind']:<6} {row['status'] or 'running or cut off':<10} {_brief(row)}"
        )


def _brief(row: dict[str, Any]) -> str:
    targets = (row.get("summary") or {}).get("targets", {})
    words = []
    for name, told in targets.items():
        done = [
            f"{told[each]} {each}"
            for each in ("created", "updated", "renamed", "moved", "disabled", "enabled", "failed", "deferred")
            if told.get(each)
        ]
        words.append(f"{name}: {', '.join(done) or told.get('verdict', '')}")
    return "; ".join(words)


def runs_show(config: str | None, number: int, as_json: bool) -> None:
    """`onroll runs show`"""
    with session(config) as opened:
        row = opened.store.run(number)
    if row is None:
        stop(FAILED, f"There is no run {number}. Look at the last ones with: onroll runs")
    if as_json:
        document(json.loads(json.dumps(row, default=str)))
        return
    say(
        f"Run {row['id']}: {row['kind']} of {row['school']}, {row['started']} to {row['ended'] or 'its being cut off'}, {row['status'] or 'no outcome'}"
    )
    for plan in row["plans"]:
        say(f"{plan['target']}: {plan['verdict']} (digest {plan['digest']})")
        for objection in plan["objections"]:
            say(f"  held: {objection}")
        for change in plan["changes"]:
            note = f": {change['note']}" if change.get("note") else ""
            say(f"  {change.get('outcome') or 'not sent'}  {change['sentence']}{note}")


def serve(config: str | None) -> None:
    """`onroll serve`"""
    from onroll_daemon.service import serve as run

    with session(config) as opened:
        run(opened.settings, opened.store)
