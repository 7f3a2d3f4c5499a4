"""What `onroll alerts test` and `onroll alerts show` do."""

from __future__ import annotations

import getpass
from dataclasses import asdict

from onroll_core.errors import Refused
from onroll_daemon import log
from onroll_daemon.alerts.remembering import DRAWER, recall
from onroll_daemon.alerts.rounds import due
from onroll_daemon.alerts.testing import insist_on_somebody, send_test
from onroll_daemon.session import FAILED, USAGE, document, read_settings, say, sentences, session, stop
from onroll_daemon.settings import Settings
from onroll_daemon.wiring import now


def test(config: str | None, as_json: bool) -> None:
    """Exit code 1 when one address did not take it, 2 when there is none."""
    log.set_up()
    with sentences():
        settings = read_settings(config)
        _somebody(settings)
        answers = send_test(settings, _user())
        if as_json:
            document([{"where": where, "ok": ok, "sentence": sentence} for where, ok, sentence in answers])
        else:
            for _, ok, sentence in answers:
                say(f"{'ok' if ok else 'FAILED'}  {sentence}")
        if not all(ok for _, ok, _ in answers):
            stop(FAILED)


def show(config: str | None, as_json: bool) -> None:
    """Neither sends nor remembers anything."""
    with session(config) as it:
        _somebody(it.settings)
        kept = recall(it.store.memory(DRAWER))
        found, _ = due(it.settings, it.store, kept.told, now())
        if as_json:
            letters = [
                {"key": each.key, "title": each.title, "since": each.since, "to": each.to} for each in kept.letters
            ]
            document({"alerts": [asdict(each) for each in found], "to_send": letters})
            return
        if not found:
            say("There is nothing to tell now.")
        for each in found:
            say(f"{each.title}\n\n{each.text}\n")
        for letter in kept.letters:
            say(f"Not sent yet to {', '.join(letter.to)}: {letter.title}")


def _somebody(settings: Settings) -> None:
    try:
        insist_on_somebody(settings)
    except Refused as nobody:
        stop(USAGE, nobody.sentence)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
