"""The kind of service behind an address of [alerts], told without a word of the address."""

from __future__ import annotations

from collections.abc import Mapping

from onroll_connectors.secrets import Secret
from onroll_core.errors import OnrollError

_KINDS: Mapping[str, str] = {
    "mailto": "e-mail", "mailtos": "e-mail", "msteams": "Microsoft Teams", "workflow": "Microsoft Teams", "workflows": "Microsoft Teams",
    "gchat": "Google Chat", "slack": "Slack", "discord": "Discord", "tgram": "Telegram", "signal": "Signal", "signals": "Signal",
    "ntfy": "ntfy", "ntfys": "ntfy", "pover": "Pushover", "gotify": "Gotify", "gotifys": "Gotify", "matrix": "Matrix", "matrixs": "Matrix",
    "zulip": "Zulip", "mmost": "Mattermost", "mmosts": "Mattermost", "rocket": "Rocket.Chat", "rockets": "Rocket.Chat", "webex": "Webex",
    "json": "a web hook", "jsons": "a web hook", "xml": "a web hook", "xmls": "a web hook", "form": "a web hook", "forms": "a web hook",
    "syslog": "the system's log", "file": "a file",
}  # fmt: skip
UNKNOWN, MISSING = "another service", "not there: the address cannot be read"


def service(to: Secret) -> str:
    """The kind, as "e-mail"; of what is no such address, or of another service, only that. Nothing of a mistyped secret is repeated."""
    try:
        address = to.reveal()
    except OnrollError:
        return MISSING
    scheme, colon, _ = address.strip().partition("://")
    return _KINDS.get(scheme.lower(), UNKNOWN) if colon else "not an address that onroll knows"
