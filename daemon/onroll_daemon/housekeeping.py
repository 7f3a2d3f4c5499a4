"""The commands of whoever looks after the machine, as they are typed: their words, documents and exit codes."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from onroll_daemon import log
from onroll_daemon import settings as configuration
from onroll_daemon.mistakes import Misconfigured
from onroll_daemon.session import FAILED, USAGE, document, read_settings, say, sentences, stop
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


def doctor(config: str | None, bundle: str | None, as_json: bool) -> None:
    """`onroll doctor`; exit code 1 when something found would stop a run."""
    from onroll_daemon.bundle import write_bundle
    from onroll_daemon.doctor import examine, shape

    log.set_up()
    with sentences():
        path, settings, wrong = None, None, list[str]()
        try:
            path = configuration.locate(config, os.environ)
            settings = configuration.load(path)
        except Misconfigured as failure:
            wrong = failure.sentences
        found = examine(settings, wrong, now())
        if bundle is not None:
            write_bundle(Path(bundle), found, path, settings, now())
    if as_json:
        document(shape(found))
    else:
        for each in found:
            say(f"{each.level:<8} {each.about}: {each.sentence}")
        if bundle is not None:
            say(f"Wrote {bundle}. Neither names nor secrets are in it; look into it before you send it.")
    if any(each.level == "problem" for each in found):
        raise typer.Exit(FAILED)


def migrate(config: str | None, write: bool) -> None:
    """`onroll config migrate`"""
    from onroll_daemon.config_migrate import difference, migrated, replace_file

    log.set_up()
    with sentences():
        path = configuration.locate(config, os.environ)
        try:
            before = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            stop(FAILED, f"{path} cannot be read as UTF-8 text.")
        after, told = migrated(before)
        if after == before:
            say(f"{path} needs no change for this version.")
            return
        for sentence in told:
            say(sentence)
        say(difference(before, after, path.name))
        if not write:
            say("Nothing was written. To change the file: onroll config migrate --write")
            return
        kept = replace_file(path, after)
        say(f"Wrote {path}. The file as it was is {kept}.")
