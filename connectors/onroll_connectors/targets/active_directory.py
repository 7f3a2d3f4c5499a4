"""Active Directory over LDAP, always encrypted and verified: the only place that speaks ldap3."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from onroll_connectors.targets import ad_names
from onroll_connectors.targets.ad_entries import Attributes
from onroll_connectors.targets.ad_errors import CLIENT_REFUSED, refused_bind, refused_ticket
from onroll_connectors.targets.ad_groups import GroupAttributes
from onroll_connectors.targets.ad_names import respelled
from onroll_connectors.targets.ad_rights import Places, Right, commands, rights
from onroll_connectors.targets.ad_settings import Settings
from onroll_connectors.targets.ad_target import ActiveDirectory
from onroll_connectors.targets.ad_wire import (
    Add,
    AllOf,
    Answer,
    AnyOf,
    Entry,
    Equal,
    Lost,
    Members,
    Present,
    Rdn,
    Replace,
    Request,
    Search,
    Where,
    Wire,
)
from onroll_core.contracts import Context, Target
from onroll_core.errors import Halt, Unavailable

__all__ = ["LdapWire", "Settings", "connect", "grants", "told_to_anyone"]

_PAGING = "1.2.840.113556.1.4.319"
_DESCRIPTOR_PARTS = "1.2.840.113556.1.4.801"
_OWNER_AND_DACL = b"\x30\x03\x02\x01\x05"
"""LDAP_SERVER_SD_FLAGS_OID's value: a sequence of one integer, OWNER (1) and DACL (4)."""
# ldap3's receiving thread takes the connection apart when it ends, under the hands of whoever uses it.
_TORN = (AttributeError, KeyError, TypeError, RuntimeError)
_LOOK = 0.25
"""Seconds after which somebody who waits looks whether the connection is still there."""
_IN_FILTERS = str.maketrans({each: f"\\{ord(each):02x}" for each in "\\*()\x00"})


def connect(settings: Settings, context: Context) -> Target:
    """The target; nothing is opened before it is used."""
    attributes, groups = _carriers(settings)

    def open_wire() -> Wire:
        if settings.server.startswith("embedded:"):
            from onroll_connectors.sandbox.directory import open_directory

            return open_directory(settings.server.removeprefix("embedded:"), settings.base)
        return LdapWire(settings)

    return ActiveDirectory(open_wire, settings.base, settings.names_base, attributes, groups, context, settings.user)


def grants(settings: Settings, groups: Collection[str] = (), licences: bool = False) -> Sequence[str]:
    """What an administrator has to grant to onroll's account, for `onroll setup` to print: sentences, and commands to copy.

    `groups` are the kinds of groups that are kept in this target; Active Directory has no `licences`.
    """
    if settings.server.startswith("embedded:"):
        return ["The demo's own directory asks nobody for rights."]
    domain = ",".join(part for part in ad_names.split(settings.base) if part[:3].upper() == "DC=")
    places = Places.under(settings.base, settings.groups_place, settings.names_base or domain)
    return commands(table(settings, bool(groups)), places, settings.user)


def table(settings: Settings, keeps_groups: bool) -> Sequence[Right]:
    """The rights that onroll's account needs under these settings."""
    attributes, groups = _carriers(settings)
    return rights(attributes, groups, keeps_groups)


def _carriers(settings: Settings) -> tuple[Attributes, GroupAttributes]:
    """Which attributes carry what, for accounts and for groups."""
    attributes = Attributes(
        settings.identity_attribute, settings.note_attribute, tuple(settings.write), settings.upn_suffix
    )
    return attributes, GroupAttributes(settings.group_attribute, settings.groups_place)


def filter_text(where: Where) -> str:
    """An LDAP filter; the only place where values go into one, escaped."""
    match where:
        case Present(name):
            return f"({name}=*)"
        case Equal(name, value):
            return f"({name}={value.translate(_IN_FILTERS)})"
        case AnyOf(terms):
            return f"(|{''.join(map(filter_text, terms))})"
        case AllOf(terms):
            return f"(&{''.join(map(filter_text, terms))})"


def told_to_anyone(host: str, port: int, attributes: Sequence[str], seconds: float) -> Mapping[str, str] | None:
    """What the root of the directory at `host` tells without a sign-in and without TLS (nothing secret is sent); None when none answers in time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as in LdapWire
        import ldap3
        from ldap3.core.exceptions import LDAPException
    server = ldap3.Server(host, port, get_info=ldap3.NONE, connect_timeout=seconds)
    connection = ldap3.Connection(server, receive_timeout=seconds)
    try:
        connection.open()
        connection.search("", "(objectClass=*)", ldap3.BASE, attributes=list(attributes))
        found = [each["raw_attributes"] for each in connection.response or () if each.get("type") == "searchResEntry"]
    except (LDAPException, OSError):
        return None
    finally:
        left_open = connection.socket
        connection.strategy.close()
        if left_open is not None:
            left_open.close()  # ldap3 forgets a socket that never connected
    return {name: each[0].decode() for name in attributes if found and (each := found[0].get(name))} if found else None


class LdapWire:
    """One bound LDAP connection (`ad_wire.Wire`).

    ldap3 keeps the bind password in the repr of a connection and unicodePwd in its log: neither the connection nor that log ever leaves this class.
    """

    def __init__(self, settings: Settings) -> None:
        with warnings.catch_warnings():
            # ldap3 2.9.1 uses names that pyasn1 0.6 deprecates; nothing that a school could do about it.
            warnings.simplefilter("ignore", DeprecationWarning)
            import ldap3
            from ldap3.core import exceptions
        self._ldap3, self._failures, self._settings = ldap3, exceptions, settings
        self._lost = (
            exceptions.LDAPCommunicationError,
            exceptions.LDAPResponseTimeoutError,
            exceptions.LDAPStartTLSError,
            OSError,
        )
        self._unsent: dict[int, Answer] = {}
        self._connection: Any = None
        try:
            self._connection = self._open()
        except exceptions.LDAPPackageUnavailableError:
            raise Halt(
                "Signing in to Active Directory with Kerberos needs a package that is not installed: pip install 'onroll[kerberos]'."
            ) from None
        except (exceptions.LDAPException, OSError) as failure:
            raise Unavailable(
                f"Active Directory does not answer at {settings.server}, or its certificate is not trusted ({type(failure).__name__}:"
                f" {_first_line(failure)}). Look at [targets] server and ca_file."
            ) from None

    def send(self, request: Request) -> int:
        """Begin a request. What ldap3 itself will not send is answered by `receive` as a refusal."""
        connection = self._connection
        if connection is None:
            raise Lost("The connection to Active Directory is closed.")
        try:
            match request:
                case Search(base, attributes, where, scope, page, cookie):
                    paging: dict[str, Any] = {"paged_size": page, "paged_cookie": cookie or None} if page else {}
                    if "nTSecurityDescriptor" in attributes:
                        # Windows shows it to nobody but auditors unless the part that is for auditors is left out.
                        paging["controls"] = [(_DESCRIPTOR_PARTS, False, _OWNER_AND_DACL)]
                    # ldap3 asks for no attribute at all when the list is empty, and for the wrong ones when it is a tuple.
                    ticket = connection.search(
                        respelled(base), filter_text(where), scope, attributes=list(attributes), **paging
                    )
                case Add(dn, values):
                    ticket = connection.add(respelled(dn), attributes=_lists(values))
                case Replace(dn, values):
                    changes = {name: [(self._ldap3.MODIFY_REPLACE, each)] for name, each in _lists(values).items()}
                    ticket = connection.modify(respelled(dn), changes)
                case Members(dn, add, remove):
                    modes = ((self._ldap3.MODIFY_ADD, add), (self._ldap3.MODIFY_DELETE, remove))
                    parts = [(mode, [respelled(each) for each in values]) for mode, values in modes if values]
                    ticket = connection.modify(respelled(dn), {"member": parts})
                case Rdn(dn, rdn, parent):
                    ticket = connection.modify_dn(respelled(dn), rdn, new_superior=respelled(parent))
        except self._lost as failure:
            raise Lost(f"The connection to Active Directory broke ({type(failure).__name__}).") from None
        except _TORN:
            if not self._ended():
                raise
            raise Lost("The connection to Active Directory broke while a request was sent.") from None
        except (self._failures.LDAPException, ValueError) as failure:
            ticket = -1 - len(self._unsent)
            self._unsent[ticket] = Answer(CLIENT_REFUSED, type(failure).__name__)
        return int(ticket)

    def receive(self, ticket: int) -> Answer:
        """Wait for an answer, no longer than the timeout, and no longer than anybody is listening."""
        if ticket in self._unsent:
            return self._unsent[ticket]
        if self._connection is None:
            raise Lost("The connection to Active Directory is closed.")
        waited = 0.0
        while True:
            listening = self._connection.strategy.receiver.is_alive()
            try:
                response, result = self._connection.get_response(ticket, timeout=_LOOK if listening else 0.01)
                break
            except self._lost as failure:
                waited += _LOOK
                timed_out = isinstance(failure, self._failures.LDAPResponseTimeoutError)
                if not timed_out or not listening or waited >= self._settings.timeout:
                    raise Lost(f"The connection to Active Directory broke ({type(failure).__name__}).") from None
            except _TORN:
                if not self._ended():
                    raise
                raise Lost("The connection to Active Directory broke while an answer was read.") from None
        entries = tuple(_entry(each) for each in response or () if each.get("type") == "searchResEntry")
        cookie = result.get("controls", {}).get(_PAGING, {}).get("value", {}).get("cookie") or b""
        return Answer(result["result"], result["message"] or "", entries, cookie)

    def close(self) -> None:
        """Let go of the connection, whatever state it is in."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.unbind()
        except (self._failures.LDAPException, OSError):
            connection.strategy.close()
        # Its thread must be gone before another socket gets the same number, or it reads what is not meant for it.
        connection.strategy.receiver.join(5)

    def _ended(self) -> bool:
        """Whether ldap3's receiving thread is gone, or goes within a second."""
        receiver = self._connection.strategy.receiver
        receiver.join(1)
        return not receiver.is_alive()

    def __repr__(self) -> str:
        return f"LdapWire({self._settings.server!r})"

    def _open(self) -> Any:
        ldap3, settings = self._ldap3, self._settings
        server = ldap3.Server(
            settings.host,
            settings.port,
            use_ssl=settings.encrypted_from_the_start,
            tls=_verified(ldap3, settings.ca_file),
            get_info=ldap3.NONE,
            connect_timeout=min(settings.timeout, 15),
        )
        login: dict[str, Any] = {
            "authentication": ldap3.SASL,
            "sasl_mechanism": ldap3.KERBEROS,
            "sasl_credentials": (settings.host,),
        }
        if not settings.kerberos:
            password = settings.password.reveal() if settings.password is not None else ""
            if not password:
                raise Halt("The password of onroll's account for Active Directory is empty.")
            login = {"user": settings.user, "password": password, "authentication": ldap3.SIMPLE}
        connection = ldap3.Connection(
            server,
            client_strategy=ldap3.ASYNC,
            auto_referrals=False,
            auto_range=False,
            return_empty_attributes=False,
            **login,
        )
        try:
            return self._signed_in(connection)
        except BaseException:
            left_open = connection.socket
            connection.strategy.close()
            if left_open is not None:
                left_open.close()  # ldap3 forgets a socket whose handshake failed
            raise

    def _signed_in(self, connection: Any) -> Any:
        settings = self._settings
        connection.open()
        if not settings.encrypted_from_the_start and not connection.start_tls():
            raise Halt(
                f"{settings.server} does not offer StartTLS, and onroll never sends a password in clear. Use ldaps://."
            )
        connection.raise_exceptions = True  # the only way in which ldap3 tells why, when it is asynchronous
        try:
            connection.bind()
        except self._failures.LDAPOperationResult as refused:
            answer = Answer(refused.result, refused.message or "")
            raise (
                refused_ticket(answer.message) if settings.kerberos else refused_bind(answer, settings.user)
            ) from None
        except Exception as failure:
            # gssapi's own errors come through ldap3 as they are; on Windows they are winkerberos's.
            if type(failure).__module__.partition(".")[0] not in ("gssapi", "winkerberos", "kerberos"):
                raise
            raise refused_ticket(_first_line(failure)) from None
        connection.raise_exceptions = False
        return connection


def _lists(values: Any) -> dict[str, list[str | bytes]]:
    return {name: list(each) for name, each in values.items()}


def _entry(found: dict[str, Any]) -> Entry:
    values: dict[str, Sequence[bytes]] = {name.lower(): each for name, each in found["raw_attributes"].items()}
    return Entry(found["dn"], values)


def _first_line(failure: Exception) -> str:
    return (str(failure).splitlines() or [""])[0][:200]


def _verified(ldap3: Any, ca_file: str | None) -> Any:
    """TLS that checks chain and name. ldap3 alone checks nothing without a Tls object, and from Python 3.12 on never matches an IP address."""
    import socket

    try:
        checked = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as failure:
        raise Halt(
            f"The certificate authority {ca_file} cannot be read ({_first_line(failure)}). Look at [targets] ca_file: a PEM file is wanted."
        ) from None

    class Verified(ldap3.Tls):  # type: ignore[misc]
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            # Small TLS records and delayed acknowledgements cost 40 ms each without this.
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.socket = checked.wrap_socket(
                connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=do_handshake
            )
            connection.socket.settimeout(None)  # ldap3's thread waits as long as it takes; `receive` minds the clock

    return Verified(validate=ssl.CERT_REQUIRED)
