"""The other commands: init, runs, serve."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from onroll_core.night import TALLIES
from onroll_daemon import log
from onroll_daemon.session import FAILED, USAGE, document, say, sentences, session, stop


def init(folder: str, mis: str = "csv", route: str | None = None) -> None:
    """`onroll init`"""
    from onroll_core.store import Store
    from onroll_daemon.console.operating import first_link
    from onroll_daemon.samples import chosen, sample
    from onroll_daemon.tables import ConsoleTable
    from onroll_daemon.wiring import now

    log.set_up()
    path = Path(folder) / "onroll.toml"
    with sentences():
        text = sample(*chosen(mis, route))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            if path.exists():
                stop(USAGE, f"{path} is already there and was left as it is.")
            stop(USAGE, f"{folder} is a file; name a folder.")
        except OSError as failure:
            stop(FAILED, f"{path} cannot be written: {failure.strerror}.")
        with closing(Store.open(f"sqlite:///{(path.resolve().parent / 'onroll.db').as_posix()}", now)) as store:
            secret = first_link(store, now())
    say(f"Wrote {path} and the store onroll.db beside it. Edit the file, then run: onroll check --config {path}")
    if secret is not None:
        say(
            "The console runs with onroll serve. Whoever opens this link then, once and within 24 hours, administers it:"
        )
        say(f"http://{ConsoleTable().listen}/first/{secret}")


def runs_list(config: str | None, school: str | None, limit: int, as_json: bool) -> None:
    """`onroll runs`"""
    with session(config) as opened:
        if school is not None:
            opened.schools(school)
        rows = opened.store.runs(school, limit)
    if as_json:
        document({"runs": rows})
        return
    for row in rows:
        status = row["status"] or "under way"
        say(f"{row['id']:>5}  {row['started'][:19]}  {row['school']:<20} {row['kind']:<6} {status:<9} {_brief(row)}")
    if not rows:
        say("Nothing has been run yet.")


def _brief(row: dict[str, Any]) -> str:
    summary = row["summary"] or {}
    if summary.get("error") or summary.get("held"):
        return str(summary.get("error") or f"held: {summary['held'][0]}")
    words = [f"run {row['undoes']}"] if row["undoes"] else []
    for name, told in (summary.get("targets") or {}).items():
        done = ", ".join(f"{told[each]} {each}" for each in TALLIES if told.get(each))
        words.append(f"{name}: {told['verdict'] if told.get('verdict') != 'cleared' else done or 'nothing to do'}")
    return "; ".join(words)


def runs_show(config: str | None, number: int, as_json: bool) -> None:
    """`onroll runs show`"""
    with session(config) as opened:
        row = opened.store.run(number)
    if row is None:
        stop(FAILED, f"There is no run {number}. Look at the last ones with: onroll runs")
    if as_json:
        document(row)
        return
    ended = f"to {row['ended'][:19]}, {row['status']}" if row["ended"] else row["status"] or "under way"
    asked = f", asked for by {row['by']}" if row["by"] else ""
    say(f"Run {row['id']}: {row['kind']} of {row['school']}{asked}, {row['started'][:19]} {ended}")
    if row["undoes"]:
        say(f"  It undoes run {row['undoes']}.")
    for each in row["undone_by"]:
        say(f"  Undone by run {each['id']}{', ' * bool(each['by'])}{each['by']}, {each['started'][:19]}.")
    summary = row["summary"] or {}
    for each in filter(None, (summary.get("error"), *summary.get("held", ()))):
        say(f"  {each}")
    for plan in row["plans"]:
        say(f"{plan['target']}: {plan['verdict']}, {len(plan['changes'])} changes (digest {plan['digest']})")
        for objection in plan["objections"]:
            say(f"  held: {objection}")
        for change in plan["changes"]:
            became = change["outcome"] or ("no answer yet" if change["intended"] else "not sent")
            note = f" ({change['note']})" if change["note"] else ""
            say(f"  {became:<9} {change['sentence']}{note}")


def serve(config: str | None) -> None:
    """`onroll serve`"""
    from onroll_daemon.service import serve as run

    with session(config, service=True) as opened:
        run(opened.settings, opened.store)
