"""What setup finds by looking: the domain that this machine is in, and the accounts that a target holds already. Nothing is written."""

from __future__ import annotations

import re
import secrets
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from onroll_core.accounts import Account
from onroll_core.contracts import Context, Scope
from onroll_core.errors import Halt
from onroll_daemon.kinds import module_of, settings_of
from onroll_daemon.placing import placed
from onroll_daemon.tables import TargetTable
from onroll_daemon.wiring import Progress, new_password, now, quiet

_OURS = re.compile(r"[a-z2-7]{13}")
"""An identity as `wiring.new_identity` makes them."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a target holds. `accounts` are people's, with places from the root that was read, without administrators' and deleted ones; `carried` is what each
    of them holds where onroll puts its identity, "" for nothing; `fed` when another system masters most of them."""

    accounts: Sequence[Account] = ()
    carried: Sequence[str] = ()
    fed: bool = False

    def within(self, place: str) -> Survey:
        """Of these, the accounts below a place; "" is everywhere."""
        if not place:
            return self
        inside = [
            (account, value)
            for account, value in zip(self.accounts, self.carried, strict=True)
            if f"{account.place or ''}/".startswith(f"{place}/")
        ]
        return Survey([account for account, _ in inside], [value for _, value in inside], self.fed)

    @property
    def ours(self) -> int:
        """How many carry what looks like an identity of onroll's."""
        return sum(_OURS.fullmatch(value) is not None for value in self.carried)

    @property
    def others(self) -> int:
        """How many carry something else there."""
        return sum(bool(value) for value in self.carried) - self.ours


class _Forgotten:
    """A connector's memory for one look."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self._kept.get(key)

    def put(self, key: str, value: bytes) -> None:
        self._kept[key] = value


def connector_settings(kind: str, told: Mapping[str, Any], folder: Path) -> Any:
    """A target's own settings from its table. Raises Halt with a sentence where they are not complete."""
    own = {key: value for key, value in told.items() if key not in TargetTable.model_fields}
    try:
        return settings_of("targets", kind).model_validate(placed(folder, own))
    except ValidationError as failure:
        told_wrong = failure.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(each) for each in told_wrong["loc"])
        words = str(told_wrong["msg"]).removeprefix("Value error, ")
        raise Halt(f"{key}: {words}." if key else f"{words}.") from None


def survey(kind: str, told: Mapping[str, Any], folder: Path, progress: Progress = quiet) -> Survey:
    """Read what a target holds. Raises Unavailable or Halt with a sentence."""
    from importlib import import_module

    settings = connector_settings(kind, told, folder)
    context = Context(
        name="setup",
        now=now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        password=new_password,
        memory=_Forgotten(),
        progress=progress,
        school=f"setup-{secrets.token_hex(4)}",
        today=now().date(),
    )
    target = import_module(module_of("targets", kind)).connect(settings, context)
    try:
        seen = target.observe(Scope(context.school))
    finally:
        target.close()
    hidden = seen.protected | seen.deleted
    anchors = [each for each in seen.accounts if each not in hidden]
    return Survey(
        [seen.accounts[each] for each in anchors],
        [seen.owners.get(each, "") for each in anchors],
        len(seen.read_only) * 2 > len(seen.accounts),
    )


def likely_domains(environment: Mapping[str, str], own_name: str, resolver: str) -> list[str]:
    """The DNS names of domains that this machine may belong to, likeliest first: Windows' own word, its full name, its resolver's search list."""
    found = [environment.get("USERDNSDOMAIN", ""), own_name.partition(".")[2]]
    for line in resolver.splitlines():
        key, *words = line.split() or [""]
        if key in ("search", "domain"):
            found += words
    plain = (each.strip().strip(".").lower() for each in found)
    return list(dict.fromkeys(each for each in plain if "." in each and not each.endswith("localdomain")))


def domain_here(environment: Mapping[str, str], resolver: Path = Path("/etc/resolv.conf")) -> Any:
    """The `ad_discovery.Domain` of this machine, or None when none answers."""
    from onroll_connectors.targets.ad_discovery import discover

    text = ""
    if sys.platform != "win32" and resolver.is_file():
        text = resolver.read_text(encoding="utf-8", errors="replace")
    for name in likely_domains(environment, socket.getfqdn(), text)[:4]:
        found = discover(name)
        if found is not None:
            return found
    return None
