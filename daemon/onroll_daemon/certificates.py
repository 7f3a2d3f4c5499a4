"""Until when certificates last: those in files, and those that servers show, which are looked at and not judged; and what time it is there."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from onroll_core.errors import Halt, Unavailable
from onroll_daemon.settings import Settings

# RFC 4511, 4.14: an extended request with the name of StartTLS.
_START_TLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
_SUCCESS = bytes.fromhex("0a0100")
# RFC 4511, 4.5.1: a search of the root entry alone, which a directory answers before anybody has signed in, for one attribute of Active Directory's.
_WHAT_TIME = (
    bytes.fromhex("3032020102632d04000a01000a0100020100020100010100870b")
    + b"objectClass"
    + bytes.fromhex("300d040b")
    + b"currentTime"
)
_GENERALIZED = re.compile(rb"currentTime.{1,8}?(\d{14})(?:\.\d+)?Z", re.DOTALL)
_LDAP_DONE = b"\x65"
_DATE = re.compile(rb"\r\ndate:[ \t]*([^\r]+)\r", re.IGNORECASE)
_ENOUGH = 65_536


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of which the configuration says that it speaks TLS, `ldap` or HTTP; `asks` is true where LDAP has to be asked for it first. `of` is the target or
    the school. `vendors`: it is where a connector goes by itself, and its certificate is its vendor's to look after."""

    of: str
    host: str
    port: int
    ldap: bool = False
    asks: bool = False
    vendors: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server shows to whoever comes: `until` when its certificate lasts, and by how much its clock is `ahead` of ours, None where it does not tell."""

    until: datetime
    ahead: timedelta | None


def endpoints(settings: Settings) -> Iterator[Endpoint]:
    """The servers of targets, and those that the configuration names for schools, each once."""
    seen: set[tuple[str, int]] = set()
    models = [(name, each.settings, True) for name, each in settings.targets.items()]
    models += [(name, each.route.settings, False) for name, each in settings.schools.items()]
    for name, model, target in models:
        for address, named in _addresses(model):
            found = _endpoint(name, address, not named) if named or target else None
            if found is not None and (found.host, found.port) not in seen:
                seen.add((found.host, found.port))
                yield found


def _addresses(model: BaseModel) -> Iterator[tuple[str, bool]]:
    """Each with whether the configuration names it."""
    for key in ("server", "endpoint"):
        value, named = getattr(model, key, None), key in model.model_fields_set
        if isinstance(value, str):
            yield from ((each, named) for each in re.split(r"[\s,]+", value.strip()))
        elif isinstance(value, list | tuple):
            yield from ((each, named) for each in value if isinstance(each, str))


def _endpoint(name: str, address: str, vendors: bool = False) -> Endpoint | None:
    ports = {"ldaps": 636, "https": 443, "ldap": 389}
    try:
        parts = urlsplit(address)
        port = parts.port or ports.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in ports or not parts.hostname or port is None:
        return None
    return Endpoint(name, parts.hostname, port, parts.scheme in ("ldap", "ldaps"), parts.scheme == "ldap", vendors)


def lasts_until(file: Path) -> datetime:
    """Until when the first certificate of a PEM file lasts; raises Halt when there is none."""
    try:
        return _end(file.read_bytes())
    except OSError as failure:
        raise Halt(f"{file} cannot be read: {failure.strerror}.") from None
    except ValueError:
        raise Halt(f"{file} holds no certificate in PEM.") from None


def shown(endpoint: Endpoint, clock: Callable[[], datetime], seconds: float = 5) -> Shown:
    """What a server shows, without signing in; raises Unavailable when it cannot be reached or speaks no TLS. `clock` gives our time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = (
        False,
        ssl.CERT_NONE,
    )  # an expired one is what is looked for; nothing is sent that anybody could want
    try:
        with socket.create_connection((endpoint.host, endpoint.port), seconds) as plain:
            if endpoint.asks:
                plain.sendall(_START_TLS)
                if _SUCCESS not in plain.recv(256):
                    raise Unavailable("it does not speak StartTLS")
            with context.wrap_socket(plain, server_hostname=endpoint.host) as spoken:
                certificate = spoken.getpeercert(binary_form=True) or b""
                told = _time_of(_ask(spoken, endpoint), endpoint)
                ahead = None if told is None else told - clock()
        return Shown(_end(ssl.DER_cert_to_PEM_cert(certificate).encode()), ahead)
    except (OSError, ValueError) as failure:
        raise Unavailable(getattr(failure, "strerror", None) or str(failure) or type(failure).__name__) from None


def _ask(spoken: ssl.SSLSocket, endpoint: Endpoint) -> bytes:
    """What the server answers to a question that it answers to anybody; nothing where it ends the connection instead."""
    head = f"HEAD / HTTP/1.1\r\nHost: {endpoint.host}\r\nUser-Agent: onroll\r\nConnection: close\r\n\r\n"
    answer = b""
    try:
        spoken.sendall(_WHAT_TIME if endpoint.ldap else head.encode())
        while len(answer) < _ENOUGH and _time_of(answer, endpoint) is None:
            part = spoken.recv(4096)
            answer += part
            if not part or (endpoint.ldap and _LDAP_DONE in part):
                break
    except OSError:
        return answer
    return answer


def _time_of(answer: bytes, endpoint: Endpoint) -> datetime | None:
    """The time in an answer; None where it tells none."""
    found = (_GENERALIZED if endpoint.ldap else _DATE).search(answer)
    try:
        if found is None:
            return None
        words = found[1].decode("ascii")
        if endpoint.ldap:
            return datetime.strptime(words, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        told = parsedate_to_datetime(words.strip())
    except ValueError:
        return None
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)


def _end(pem: bytes) -> datetime:
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem).not_valid_after_utc
