"""Who has signed in, asked of the targets that can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.contracts import TellsSignIns
from onroll_core.errors import OnrollError
from onroll_core.identities import Identity
from onroll_core.line import Line


@dataclass(slots=True)
class SignIns:
    """When people signed in last, by identity and target; `untold` is what no target could tell, in sentences."""

    last: dict[IdentityId, dict[str, datetime]] = field(default_factory=dict)
    untold: list[str] = field(default_factory=list)


def sign_ins(line: Line, people: Sequence[Identity]) -> SignIns:
    """Ask every target of the line; one that cannot be reached is a sentence."""
    found = SignIns()
    for number, (name, each) in enumerate(line.targets.items()):
        line.progress(f"asking {name}", number, len(line.targets))
        anchors = {one.bonds[name].anchor: one.id for one in people if name in one.bonds}
        if not anchors:
            continue
        try:
            target = each.connect()
            try:
                told = target.signed_in(frozenset(anchors)) if isinstance(target, TellsSignIns) else None
            finally:
                target.close()
        except OnrollError as failure:
            found.untold.append(f"{name} could not be asked who has signed in: {failure}")
            continue
        if told is None:
            found.untold.append(f"{name} does not tell who has signed in.")
        _keep(found, name, anchors, told or {})
    return found


def _keep(found: SignIns, name: str, anchors: Mapping[Anchor, IdentityId], told: Mapping[Anchor, datetime]) -> None:
    for anchor, when in told.items():
        found.last.setdefault(anchors[anchor], {})[name] = when
