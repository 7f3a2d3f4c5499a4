"""The test button: one message to everybody who would be told, and whether it was taken."""

from __future__ import annotations

from onroll_core.errors import Refused
from onroll_daemon.settings import Settings


def send_test(settings: Settings, by: str) -> list[tuple[str, bool, str]]:
    """Send a test to every address of [alerts]; for each the kind of service, whether it took it, and a sentence.

    Raises Refused when there is nobody to tell. Never shows an address. `by` is named in the message only where personal data may be.
    """
    from onroll_daemon.alerts.sending import send
    from onroll_daemon.alerts.texts import Texts

    insist_on_somebody(settings)
    rules = settings.alerts
    title, text = Texts(rules.templates).write(
        "test", {"by": by if rules.personal_data else "", "console": rules.console_address}
    )
    answers = [send(to, title, text) for to in rules.to]
    return [(each.where, each.ok, each.sentence) for each in answers]


def insist_on_somebody(settings: Settings) -> None:
    """Raises Refused, with what to write where, when [alerts] names nobody."""
    if not settings.alerts.to:
        raise Refused(
            f'There is nobody to tell: write to = ["env:ONROLL_ALERT_EMAIL"] under [alerts] in {settings.path}, and put an Apprise'
            " address into that variable."
        )
