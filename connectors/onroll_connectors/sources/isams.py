"""iSAMS's Batch API 1.0, which serves IRIS Ed:gen too: one document with everybody, made once a day by iSAMS and cached by it.

Nodes of pupils, staff, forms, terms and sets are as published; how the document names applicants and alumni, and which of their fields say that
somebody is accepted, is not public and is a setting.
"""

from __future__ import annotations

from collections.abc import Mapping

from onroll_connectors.gives import Gives
from onroll_connectors.sources.isams_batch import Batch
from onroll_connectors.sources.isams_roll import Roll
from onroll_connectors.sources.isams_settings import Settings
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import OnrollError, Unavailable
from onroll_core.people import Snapshot

GIVES = Gives(
    future_staff=False,
    staff_leavers=False,
    untold_staff=frozenset({"starts", "ends"}),
    why="The Batch API lists current staff alone, without the dates of their employment.",
)


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return Isams(settings, context)


class Isams:
    """One school behind a Batch key."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Batch | None = None

    @property
    def _batch(self) -> Batch:
        if self._opened is None:
            told = self._settings
            key = told.api_key or told.token
            secret = told.client_secret.reveal if told.client_secret is not None else None
            self._opened = Batch(
                told.endpoint, self._context, key.reveal if key is not None else lambda: told.client_id or "", secret, told.scope,
                told.format == "json",
            )  # fmt: skip
        return self._opened

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """Which methods may the key run, and do they show anybody?"""
        found: list[Finding] = []
        for what, methods in self._methods().items():
            try:
                roll = self._roll()
                roll.take(self._batch.run(methods))
                roll.whole(what)
                found.append(Finding("ok", f"iSAMS gives {what} ({', '.join(methods)})."))
            except OnrollError as trouble:
                found.append(Finding("problem", f"{what}: {trouble}"))
                if "does not know" in str(trouble):
                    return Report(found)
        if all(each.level == "ok" for each in found):
            try:
                snapshot = self.read()
                found.append(
                    Finding("ok", f"{len(snapshot.people)} people and {len(snapshot.groups)} groups can be read.")
                )
            except OnrollError as trouble:
                found.append(Finding("problem", str(trouble)))
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone, in one document; raises Unavailable or Halt."""
        roll = self._roll()
        self._context.progress("reading iSAMS", 0, None)
        roll.take(self._batch.run([part.method for part in roll.parts]))
        if self._context.stopping():
            raise Unavailable("The window ended while the MIS was being read. Nothing was changed.")
        roll.whole()
        people = roll.people()
        return Snapshot(
            self._context.school,
            self._context.now(),
            list(people.values()),
            roll.groups(people),
            self._batch.dated,
            roll.academic_year(),
        )

    def _roll(self) -> Roll:
        return Roll(self._context.school, self._settings, self._context.today or self._context.now().date())

    def _methods(self) -> Mapping[str, list[str]]:
        """What is asked for, by what it is for."""
        wanted: dict[str, list[str]] = {}
        for part in self._roll().parts:
            wanted.setdefault(part.what, []).append(part.method)
        return wanted
