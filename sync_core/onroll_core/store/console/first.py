"""The first administrator: made once, however many browsers hold a link and send it together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, insert, select, update

from onroll_core.errors import Refused
from onroll_core.store.codec import utc
from onroll_core.store.console.keys import digest
from onroll_core.store.console_schema import one_time_links, operators
from onroll_core.store.engine import writing
from onroll_core.store.failures import Clash


def first_administrator(
    engine: Engine, secret: str, name: str, display: str, email: str | None, hashed: str, now: datetime
) -> int | None:
    """Make the first administrator, of all schools, with a password (argon2's text); gives the number.

    None when the link does not work any more, or there is an administrator already. Raises Refused, and the link stays good, when the name or the address is
    somebody else's.
    """
    row = {
        "name": name.strip().lower(), "display": display.strip() or name.strip(), "email": (email or "").strip().lower() or None,
        "password": hashed, "role": "administrator", "schools": None, "made": utc(now), "by": "the first link", "disabled": False,
    }  # fmt: skip
    firsts = one_time_links.c.operator.is_(None) & one_time_links.c.used.is_(None)
    waiting = select(one_time_links.c.key, one_time_links.c.expires).where(firsts).order_by(one_time_links.c.key)
    one = select(operators.c.id).where(operators.c.role == "administrator", operators.c.disabled.is_(False))
    try:
        with writing(engine) as connection:
            # Locked, so that the second browser looks when the first is done; SQLite has one writer anyway.
            good = {link.key for link in connection.execute(waiting.with_for_update()) if link.expires > utc(now)}
            if digest(secret) not in good or connection.execute(one).first() is not None:
                return None
            connection.execute(update(one_time_links).where(firsts).values(used=utc(now)))
            return int(connection.execute(insert(operators).values(row).returning(operators.c.id)).scalar_one())
    except Clash:
        raise Refused("Somebody else has that name or address already. Choose another one.") from None
