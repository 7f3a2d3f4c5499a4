"""`onroll setup` and `onroll rights`: the parts around the dialogue."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onroll_daemon import log
from onroll_daemon.bars import watching
from onroll_daemon.granting import as_text, what_to_grant
from onroll_daemon.session import FAILED, USAGE, chosen, document, read_settings, say, say_error, sentences, stop
from onroll_daemon.setup import answers, looking, writing
from onroll_daemon.setup.dialogue import Dialogue
from onroll_daemon.setup.terminal import Terminal
from onroll_daemon.wiring import now, open_store

NOTE = "what-to-grant.txt"


class LookAround:
    """The ways to look (`targets.Look`), with files taken from the configuration's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def domain(self) -> Any:
        """This machine's domain."""
        return looking.domain_here(os.environ)

    def root(self, table: Mapping[str, Any]) -> str:
        """The root of an Active Directory."""
        from onroll_connectors.targets.ad_discovery import root_of

        return root_of(looking.connector_settings("active_directory", {"base": "DC=unknown", **table}, self._folder))

    def survey(self, kind: str, table: Mapping[str, Any]) -> looking.Survey:
        """What a target holds, with a bar while it is read."""
        with watching() as progress:
            return looking.survey(kind, table, self._folder, progress)


def setup(folder: str | None, file: str | None, as_json: bool) -> None:
    """`onroll setup`"""
    log.set_up()
    if as_json and file is None:
        stop(USAGE, "With --json nobody is asked: name a file of answers with --answers FILE.")
    if file is None and not sys.stdin.isatty():
        stop(USAGE, "There is no terminal to ask on. Name a file of answers: onroll setup --answers FILE")
    place = Path(folder) if folder is not None else _usual()
    path = place.resolve() / "onroll.toml"
    found: list[str] = []

    def tell(sentence: str) -> None:
        found.append(sentence)
        if not as_json:
            say(sentence)

    with sentences():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            installed = writing.as_installed(path)
            told = installed | (answers.read(Path(file)) if file is not None else {})
            held = answers.Answers(told, Terminal(path.parent) if file is None else None)
            Dialogue(held, LookAround(path.parent), tell, now().year).hold()
            text = writing.document(held.told, now().date())
            settings, kept = writing.put(path, text, file or "the answers")
            grants = what_to_grant(settings, list(settings.schools.values()))
            (path.parent / NOTE).write_text(as_text(grants), encoding="utf-8")
            link = _first_link(settings)
        except OSError as failure:
            stop(
                FAILED, f"{failure.filename or path} cannot be written: {failure.strerror}. Run it as an administrator."
            )
    if as_json:
        document(
            {
                "config": str(path),
                "kept": str(kept) if kept else None,
                "found": found,
                "grants": [each._asdict() for each in grants],
                "first_link": link,
            }
        )
        return
    say(f"Wrote {path}." + (f" What was there before is {kept}." if kept is not None else ""))
    say(f"\nWhat to grant, which is also in {path.parent / NOTE}:\n")
    say(as_text(grants))
    say("When that is granted: onroll check, until every line says ok. Then onroll pull, and onroll plan.")
    if link is not None:
        say("Whoever opens this link once the service runs, once and within 24 hours, administers the console:")
        say(link)


def rights(config: str | None, school: str | None, as_json: bool) -> None:
    """`onroll rights`"""
    log.set_up()
    with sentences():
        settings = read_settings(config)
        grants = what_to_grant(settings, chosen(settings, school))
    if as_json:
        document({"grants": [each._asdict() for each in grants]})
    else:
        say(as_text(grants).rstrip())


def _usual() -> Path:
    """Where the configuration lies on this system; a folder that nobody may write to is told by what happens then."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "onroll"
    return Path("/etc/onroll") if Path("/etc/onroll").is_dir() else Path()


def _first_link(settings: Any) -> str | None:
    """The console's first link, where nobody administers it yet; a store that cannot be opened now is told by `onroll check`."""
    from contextlib import closing

    from onroll_core.errors import OnrollError
    from onroll_daemon.console.operating import first_link

    try:
        with closing(open_store(settings)) as store:
            secret = first_link(store, now())
    except OnrollError as failure:
        say_error(failure.sentence)
        return None
    host, port = settings.listen
    address = settings.console.address or f"http{'s' * (settings.console.tls_certificate is not None)}://{host}:{port}"
    return f"{address.rstrip('/')}/first/{secret}" if secret is not None else None
