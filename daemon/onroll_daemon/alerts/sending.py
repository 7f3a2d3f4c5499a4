"""Alerts leave here; the only file that knows Apprise, and the only place where an address is not a reference.

An Apprise address holds passwords and tokens. It is taken from its reference for one call, and what Apprise and its libraries would log of it is not
logged: of all their words only "could not be reached" and the number of an HTTP answer are heard.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from onroll_connectors.secrets import Secret
from onroll_core.errors import OnrollError

_NAMES = {"E-Mail": "e-mail", "Power Automate / Workflows (for MSTeams)": "Microsoft Teams"}
_HTTP = re.compile(r"error[ =:]+([1-5]\d\d)\b")
_UNREACHED = re.compile(r"connection error", re.IGNORECASE)
_OURS = threading.Lock()
_TALKATIVE = ("urllib3", "requests", "requests_oauthlib", "asyncio", "charset_normalizer")


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one sending. `where` is the kind of service, as "e-mail", or the reference where that is not known."""

    where: str
    ok: bool
    sentence: str


def send(to: Secret, title: str, text: str, bad: bool = False) -> Sent:
    """Send to one address; `bad` news are marked so where a service can. Raises nothing, and waits some seconds at most."""
    try:
        address = to.reveal().strip()
    except OnrollError as failure:
        return Sent(to.reference, False, failure.sentence)
    # One at a time: what is heard is then about this one.
    with _OURS, _hushed() as heard:
        try:
            return _sent(to.reference, address, title, text, bad, heard)
        except Exception as failure:
            # Apprise speaks to a hundred services; whatever one of them raises may hold the address, so its kind is all that is said.
            return Sent(to.reference, False, f"The address in {to.reference} failed: {type(failure).__name__}.")


def _sent(reference: str, address: str, title: str, text: str, bad: bool, heard: _Heard) -> Sent:
    import apprise

    asset = apprise.AppriseAsset(async_mode=False, app_id="onroll", app_desc="onroll", app_url="", secure_logging=True)
    service: Any = apprise.Apprise.instantiate(address, asset=asset)
    if service is None:
        said = "is no address that Apprise knows" if address else "is empty"
        return Sent(
            reference,
            False,
            f"What stands in {reference} {said}. Write one as mailtos://user:password@mail.school.test"
            " (https://appriseit.com/services/ lists them all).",
        )
    where = str(service.service_name)
    where = _NAMES.get(where, where)
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    kind = apprise.NotifyType.WARNING if bad else apprise.NotifyType.INFO
    if sender.notify(body=text, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT):
        return Sent(where, True, f"Sent by {where} to the address in {reference}.")
    return Sent(
        where,
        False,
        f"{where[0].upper()}{where[1:]} did not take it ({heard.words}). Look at the address in {reference}.",
    )


class _Heard(logging.Handler):
    """Listens for why something was not sent, and repeats nothing."""

    words = "it does not say why"

    def emit(self, record: logging.LogRecord) -> None:
        """Recognise a reason."""
        said = record.getMessage()
        if found := _HTTP.search(said):
            self.words = f"it answered with HTTP {found[1]}"
        elif _UNREACHED.search(said):
            self.words = "it could not be reached, or did not let onroll in"


@contextmanager
def _hushed() -> Iterator[_Heard]:
    """Nothing that Apprise or the libraries below it log reaches a log of ours."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    theirs = logging.getLogger("apprise")
    theirs.propagate = False
    theirs.setLevel(logging.WARNING)
    heard = _Heard()
    theirs.handlers = [heard]
    try:
        yield heard
    finally:
        theirs.handlers = []
        theirs.addHandler(logging.NullHandler())
