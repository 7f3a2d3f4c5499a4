"""Finding a domain before anybody has signed in: what every domain controller tells to anyone of itself (its rootDSE, MS-ADTS 3.1.1.3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from onroll_connectors.targets.active_directory import LdapWire, told_to_anyone
from onroll_connectors.targets.ad_names import split, unescape
from onroll_connectors.targets.ad_session import Session
from onroll_connectors.targets.ad_settings import Settings

_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain as one of its controllers tells it: its DNS name, its root as a DN, and the controller's full name, which its certificate carries."""

    name: str
    root: str
    server: str


def discover(host: str, port: int = 389) -> Domain | None:
    """The domain behind `host`, a controller's name or address or the domain's own name; None when no directory answers there within seconds.

    Asked without signing in and without TLS: nothing secret is sent, and what is told is believed by nobody before a certificate has been checked.
    """
    told = told_to_anyone(host, port, ("defaultNamingContext", "dnsHostName"), _SECONDS)
    root, server = (told or {}).get("defaultNamingContext"), (told or {}).get("dnsHostName")
    return Domain(domain_of(root), root, server) if root and server else None


def root_of(settings: Settings) -> str:
    """The root of the domain as a DN, told after signing in. Raises Unavailable or Halt."""
    session = Session(lambda: LdapWire(settings))
    try:
        return session.root().text("defaultNamingContext")
    finally:
        session.close()


def domain_of(root: str) -> str:
    """The DNS name of a domain: DC=school,DC=test is school.test."""
    parts = (part.partition("=") for part in split(root))
    return ".".join(unescape(value) for kind, _, value in parts if kind.strip().upper() == "DC").lower()
