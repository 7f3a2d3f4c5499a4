"""Until when certificates last: those in files, and those that servers show, which are looked at and not judged."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from onroll_core.errors import Halt, Unavailable
from onroll_daemon.settings import Settings

# RFC 4511, 4.14: an extended request with the name of StartTLS.
_START_TLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
_SUCCESS = bytes.fromhex("0a0100")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of which the configuration says that it speaks TLS; `asks` is true where LDAP has to be asked for it first. `of` is the target or the school."""

    of: str
    host: str
    port: int
    asks: bool = False


def endpoints(settings: Settings) -> Iterator[Endpoint]:
    """The servers that the configuration names, each once; what a connector reaches by itself is its vendor's to look after."""
    seen: set[tuple[str, int]] = set()
    models = [(name, each.settings) for name, each in settings.targets.items()]
    models += [(name, each.route.settings) for name, each in settings.schools.items()]
    for name, model in models:
        for address in _addresses(model):
            found = _endpoint(name, address)
            if found is not None and (found.host, found.port) not in seen:
                seen.add((found.host, found.port))
                yield found


def _addresses(model: BaseModel) -> Iterator[str]:
    for key in ("server", "endpoint"):
        value = getattr(model, key, None) if key in model.model_fields_set else None
        if isinstance(value, str):
            yield from re.split(r"[\s,]+", value.strip())
        elif isinstance(value, list | tuple):
            yield from (each for each in value if isinstance(each, str))


def _endpoint(name: str, address: str) -> Endpoint | None:
    ports = {"ldaps": 636, "https": 443, "ldap": 389}
    try:
        parts = urlsplit(address)
        port = parts.port or ports.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in ports or not parts.hostname or port is None:
        return None
    return Endpoint(name, parts.hostname, port, parts.scheme == "ldap")


def lasts_until(file: Path) -> datetime:
    """Until when the first certificate of a PEM file lasts; raises Halt when there is none."""
    try:
        return _end(file.read_bytes())
    except OSError as failure:
        raise Halt(f"{file} cannot be read: {failure.strerror}.") from None
    except ValueError:
        raise Halt(f"{file} holds no certificate in PEM.") from None


def shown_until(endpoint: Endpoint, seconds: float = 5) -> datetime:
    """Until when the certificate lasts that a server shows; raises Unavailable when it cannot be reached or speaks no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = (
        False,
        ssl.CERT_NONE,
    )  # an expired one is what is looked for; nothing is sent
    try:
        with socket.create_connection((endpoint.host, endpoint.port), seconds) as plain:
            if endpoint.asks:
                plain.sendall(_START_TLS)
                if _SUCCESS not in plain.recv(256):
                    raise Unavailable("it does not speak StartTLS")
            with context.wrap_socket(plain, server_hostname=endpoint.host) as spoken:
                shown = spoken.getpeercert(binary_form=True) or b""
        return _end(ssl.DER_cert_to_PEM_cert(shown).encode())
    except (OSError, ValueError) as failure:
        raise Unavailable(getattr(failure, "strerror", None) or str(failure) or type(failure).__name__) from None


def _end(pem: bytes) -> datetime:
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem).not_valid_after_utc
