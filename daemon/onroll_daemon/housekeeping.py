"""The commands of whoever looks after the machine, as they are typed: their words, documents and exit codes."""

from __future__ import annotations

import os
from pathlib import Path

from onroll_daemon import log
from onroll_daemon import settings as configuration
from onroll_daemon.session import USAGE, document, read_settings, say, sentences, stop
from onroll_daemon.wiring import now


def backup(config: str | None, file: str, as_json: bool) -> None:
    """`onroll backup`"""
    from onroll_daemon.backup import back_up

    log.set_up()
    with sentences():
        made = back_up(read_settings(config), Path(file), now())
    if as_json:
        document({"file": str(made.file), "people": made.copy.people, "runs": made.copy.runs, "schema": made.copy.schema, "beside": list(made.beside)})  # fmt: skip
        return
    say(
        f"Wrote {made.file}: {made.copy.people} people, {made.copy.runs} runs, and the configuration. It was opened again and is whole."
    )
    if made.beside:
        say("Not in it, because secrets and certificates are never copied; keep them elsewhere too:")
        for each in made.beside:
            say(f"  {each}")
    say("People's names are in it. Keep it where only those may read it who may read the MIS.")


def restore(config: str | None, file: str, into: str | None, as_json: bool) -> None:
    """`onroll restore`"""
    from onroll_daemon.backup import restore as put_back

    log.set_up()
    if into is not None and config is not None:
        stop(
            USAGE,
            "--into and --config say two different things: --into DIR writes the backup's configuration, --config FILE keeps its own.",
        )
    with sentences():
        present = None if into is not None else configuration.locate(config, os.environ)
        done = put_back(Path(file), present, None if into is None else Path(into), now())
    if as_json:
        document({
            "store": done.store, "configuration": str(done.configuration), "people": done.copy.people, "runs": done.copy.runs,
            "made": done.made, "machine": done.machine, "aside": [str(each) for each in done.aside], "beside": list(done.beside),
            "leases": done.let_go.leases, "cut_off": done.let_go.runs, "approvals": done.let_go.approvals,
        })  # fmt: skip
        return
    say(
        f"Restored the store of {done.machine} as it was at {done.made}: {done.copy.people} people, {done.copy.runs} runs. It is at {done.store}."
    )
    for each in done.aside:
        say(f"What was there is kept as {each}.")
    if done.let_go.runs:
        say(
            f"{done.let_go.runs} run(s) were under way when the backup was made. The next run looks at what became of them and goes on."
        )
    if done.let_go.approvals:
        say(
            f"{done.let_go.approvals} approval(s) that nobody had used were taken back. Approve again what is still wanted."
        )
    if done.differs:
        say(
            f"{done.configuration} is not the backup's and was left alone. To have the backup's instead: onroll restore {file} --into DIR"
        )
    if done.beside:
        say("The configuration names these, which no backup holds. Bring them to this machine:")
        for line in done.beside:
            say(f"  {line}")
    say(f"Next: onroll check --config {done.configuration}, then onroll plan, then start the service.")
