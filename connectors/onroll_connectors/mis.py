"""The twelve MISs of UK schools: the routes to each, best first, the hours in which its data is there, and what each route gives.

Routes are the sources in `sources/`. Windows are those that RM publishes for its MIS Sync: MISs whose data passes through Groupcall's nightly
feed are there between midnight and nine, Integris from 23:00, the others between 19:00 and 22:00.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from onroll_connectors.gives import Gives

EVENING, NIGHT, LATE = "19:00-22:00", "00:00-09:00", "23:00-06:00"


@dataclass(frozen=True, slots=True)
class Mis:
    """One MIS. `routes` are names of sources, the default first; `waits` says that its data comes with a nightly feed, whose own time tells when
    tonight's is there; `preset` is the name of its captions for the source `csv`."""

    name: str
    title: str
    routes: tuple[str, ...]
    window: str = EVENING
    waits: bool = False
    preset: str | None = None
    also: tuple[str, ...] = ()

    @property
    def route(self) -> str:
        """The default route."""
        return self.routes[0]


def _catalogue(*mises: Mis) -> Mapping[str, Mis]:
    return MappingProxyType({mis.name: mis for mis in mises})


MISES = _catalogue(
    Mis("arbor", "Arbor", ("arbor", "wonde", "xporter", "csv"), NIGHT, waits=True, preset="arbor"),
    Mis("bromcom", "Bromcom", ("bromcom", "bromcom_soap", "wonde", "xporter", "csv"), preset="bromcom"),
    Mis(
        "cloud_school", "Cloud School", ("csv", "wonde", "xporter"), preset="cloud_school",
        also=("progresso", "advancedcloudschool"),
    ),
    Mis("cmis", "Facility CMIS", ("cmis", "xporter", "wonde", "csv"), preset="plain", also=("facilitycmis", "facility")),
    Mis("edgen", "IRIS Ed:gen", ("isams", "xporter", "csv"), NIGHT, waits=True, preset="plain", also=("irisedgen", "iris")),
    Mis("integris", "Integris", ("csv", "wonde", "xporter"), LATE, preset="integris", also=("rmintegris", "g2", "integrisg2")),
    Mis("isams", "iSAMS", ("isams", "isams_rest", "wonde", "xporter", "csv"), preset="plain"),
    Mis(
        "juniper_horizons", "Juniper Horizons", ("csv", "wonde", "xporter"), NIGHT, waits=True, preset="juniper_horizons",
        also=("juniper", "horizons", "pupilasset"),
    ),
    Mis("scholarpack", "ScholarPack", ("scholarpack", "wonde", "xporter", "csv"), NIGHT, waits=True, preset="plain"),
    Mis("seemis", "SEEMiS Click and Go", ("csv", "xporter"), preset="seemis", also=("seemisclickandgo", "clickandgo", "glow")),
    Mis(
        "sims", "SIMS", ("sims", "xporter", "wonde", "oneroster", "oneroster_csv", "csv", "ctf"), preset="sims",
        also=("simsnet", "simsconnected", "sims7", "simsnextgen"),
    ),
    Mis("wcbs", "WCBS", ("wcbs", "wonde", "csv"), preset="plain", also=("wcbspass", "pass", "passmis")),
)  # fmt: skip


def find(name: str) -> Mis | None:
    """The MIS that `name` means, whatever its capitals, blanks and hyphens ("Cloud School", "juniper-horizons", "SIMS.net"), or None."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for mis in MISES.values():
        if plain in (mis.name.replace("_", ""), *mis.also):
            return mis
    return None


def gives(route: str, preset: str | None = None) -> Gives:
    """What a route tells; for `csv`, with the captions of `preset`. Imports the source's module, and nothing heavy with it."""
    module = import_module(f"onroll_connectors.sources.{route}")
    by_preset: Mapping[str, Gives] = getattr(module, "PRESET_GIVES", {})
    found: Gives = by_preset.get(preset or "", module.GIVES)
    return found
