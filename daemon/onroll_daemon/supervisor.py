"""What systemd is told: that the service is ready, that it is well, that it stops. Anywhere else it says nothing.

The protocol is a datagram to the socket that the environment names: sd_notify(3).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping


class Supervisor:
    """The one that started the service, if it wants to hear of it. `clock` is monotonic, in seconds."""

    def __init__(
        self, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._clock = clock
        asked = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # It has to hear of us within that time; three times as often leaves room for a busy machine.
        self._every = int(asked) / 3_000_000 if asked.isdigit() and ours else 0.0
        self._last = float("-inf")

    def ready(self, status: str) -> None:
        """Everything has begun; `status` is what `systemctl status` shows."""
        self._say(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The end has begun; it may take as long as the batch in hand."""
        self._say("STOPPING=1\nSTATUS=ending after the batch in hand")

    def well(self) -> None:
        """To be called often while all is well: silence for too long makes systemd start the service anew."""
        now = self._clock()
        if self._every and now - self._last >= self._every:
            self._last = now
            self._say("WATCHDOG=1")

    def _say(self, words: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
                door.sendto(words.encode(), address)
        except OSError:
            pass  # whoever does not listen does not hear; the work goes on
