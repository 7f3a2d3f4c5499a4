"""Active Directory over LDAP, always encrypted and verified: the settings, and the only place that speaks ldap3."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.secrets import Secret
from onroll_connectors.targets.ad_entries import Attributes
from onroll_connectors.targets.ad_errors import refused_bind
from onroll_connectors.targets.ad_target import ActiveDirectory
from onroll_connectors.targets.ad_wire import Add, Answer, Entry, Lost, Operation, Rdn, Replace, Wire
from onroll_core.contracts import Context, Target
from onroll_core.errors import Halt, Unavailable

PAGE = 500
IN_FLIGHT = 48


class Settings(BaseModel):
    """The keys of a target with kind = "active_directory"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    server: str = Field(
        description="ldaps://dc1.school.test, ldap://... (StartTLS), or embedded:NAME for the demo's own directory"
    )
    base: str = Field(description="the OU under which onroll makes OUs and users")
    user: str = Field("", description="the service account, as name@domain")
    password: Secret | None = Field(None, description="its password: env:NAME, file:PATH or credential:NAME")
    kerberos: bool = Field(False, description="sign in with the machine's Kerberos ticket instead of a password")
    ca_file: str | None = Field(
        None, description="the certificate authority of the domain controllers; default: the machine's own list"
    )
    identity_attribute: str = Field(
        "employeeID", description="holds onroll's identity of the person, at most 16 characters"
    )
    note_attribute: str = Field(
        "info", description="holds the note why an account is disabled; what people wrote there stays"
    )
    names_base: str | None = Field(None, description="where names must be free; default: the whole domain")
    upn_suffix: str | None = Field(None, description="userPrincipalName is username@this; default: the e-mail address")
    write: list[str] = Field(default_factory=list, description="further attributes that this target may write")
    timeout: int = Field(60, description="seconds to wait for an answer", gt=0)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.server.startswith("embedded:"):
            return self
        if not self.server.startswith(("ldaps://", "ldap://")):
            raise ValueError("server begins with ldaps:// (or ldap://, which is then encrypted with StartTLS)")
        if not self.kerberos and (not self.user or self.password is None):
            raise ValueError("user and password are needed, or kerberos = true")
        return self


def connect(settings: Settings, context: Context) -> Target:
    """The target; nothing is opened before it is used."""
    attributes = Attributes(
        settings.identity_attribute, settings.note_attribute, tuple(settings.write), settings.upn_suffix
    )

    def open_wire() -> Wire:
        if settings.server.startswith("embedded:"):
            from onroll_connectors.sandbox.directory import open_directory

            return open_directory(settings.server.removeprefix("embedded:"), settings.base)
        return LdapWire(settings)

    return ActiveDirectory(open_wire, settings.base, settings.names_base, attributes, context)


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
        self._root = ""
        try:
            self._connection = self._open()
        except exceptions.LDAPException as failure:
            raise Unavailable(
                f"Active Directory does not answer at {settings.server}, or its certificate is not trusted ({type(failure).__name__}:"
                f" {_first_line(failure)}). Look at [targets] server and ca_file."
            ) from None

    def _open(self) -> Any:
        ldap3, settings = self._ldap3, self._settings
        scheme, _, rest = settings.server.partition("://")
        host, _, port = rest.rstrip("/").partition(":")
        encrypted = scheme == "ldaps"
        server = ldap3.Server(
            host,
            int(port) if port else (636 if encrypted else 389),
            use_ssl=encrypted,
            tls=_verified(ldap3, settings.ca_file),
            get_info=ldap3.NONE,
            connect_timeout=min(settings.timeout, 15),
        )
        login: dict[str, Any] = {
            "authentication": ldap3.SASL,
            "sasl_mechanism": ldap3.KERBEROS,
            "sasl_credentials": (host,),
        }
        if not settings.kerberos:
            password = settings.password.reveal() if settings.password is not None else ""
            login = {"user": settings.user, "password": password, "authentication": ldap3.SIMPLE}
        connection = ldap3.Connection(
            server,
            client_strategy=ldap3.ASYNC,
            auto_referrals=False,
            return_empty_attributes=False,
            **login,
        )
        try:
            return self._signed_in(connection, encrypted)
        except BaseException:
            left_open = connection.socket
            connection.strategy.close()
            if left_open is not None:
                left_open.close()  # ldap3 forgets a socket whose handshake failed
            raise

    def _signed_in(self, connection: Any, encrypted: bool) -> Any:
        settings = self._settings
        connection.open()
        if not encrypted and not connection.start_tls():
            raise Halt(
                f"{settings.server} does not offer StartTLS, and onroll never sends a password in clear. Use ldaps://."
            )
        connection.raise_exceptions = True  # the only way in which ldap3 tells why, when it is asynchronous
        try:
            connection.bind()
        except self._failures.LDAPOperationResult as refused:
            who = settings.user or "the machine's Kerberos ticket"
            raise refused_bind(Answer(refused.result, refused.message or ""), who) from None
        connection.raise_exceptions = False
        return connection

    def domain(self) -> Entry:
        """The root of the domain."""
        if not self._root:
            root = self._search("", "(objectClass=*)", ["defaultNamingContext"], "BASE")
            self._root = root[0].text("defaultNamingContext") if root else ""
        found = self.read(self._root, ["minPwdLength", "pwdProperties"])
        if found is None:
            raise Halt("Active Directory does not show the root of its domain to onroll's account.")
        return found

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One object by DN."""
        found = self._search(dn, "(objectClass=*)", attributes, "BASE")
        return found[0] if found else None

    def read_guid(self, guid: str, attributes: Sequence[str]) -> Entry | None:
        """One object by objectGUID."""
        try:
            UUID(guid)
        except ValueError:
            return None
        return self.read(f"<GUID={guid}>", attributes)

    def users(self, base: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """Every user under `base`, in pages."""
        return self._paged(base, "(&(objectCategory=person)(objectClass=user))", attributes)

    def users_called(self, base: str, logins: Sequence[str], attributes: Sequence[str]) -> Iterator[Entry]:
        """Users (or anything else) with one of these sAMAccountNames."""
        from ldap3.utils.conv import escape_filter_chars

        terms = "".join(f"(sAMAccountName={escape_filter_chars(login)})" for login in logins)
        return self._paged(base, f"(|{terms})", attributes)

    def named(self, base: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """Everything with a login or an address."""
        return self._paged(base, "(|(sAMAccountName=*)(mail=*)(proxyAddresses=*))", attributes)

    def units(self, base: str) -> Iterator[str]:
        """The OUs under `base`."""
        return (entry.dn for entry in self._paged(base, "(objectClass=organizationalUnit)", ["ou"]))

    def children(self, parent: str) -> Iterator[str]:
        """What lies directly in `parent`."""
        return (entry.dn for entry in self._paged(parent, "(objectClass=*)", ["cn"], "LEVEL"))

    def send(self, operations: Sequence[Operation]) -> Iterator[Answer]:
        """Some of them in flight at once on the one connection; answers in order."""
        waiting: list[int] = []
        sent = 0
        while sent < len(operations) or waiting:
            while sent < len(operations) and len(waiting) < IN_FLIGHT:
                waiting.append(self._begin(operations[sent]))
                sent += 1
            result = self._result(waiting.pop(0))[1]
            yield Answer(result["result"], result["message"])

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

    def _begin(self, operation: Operation) -> int:
        connection = self._connection
        with self._lost():
            match operation:
                case Add(dn, values):
                    return int(connection.add(dn, attributes={name: list(each) for name, each in values.items()}))
                case Replace(dn, values):
                    changes = {name: [(self._ldap3.MODIFY_REPLACE, list(each))] for name, each in values.items()}
                    return int(connection.modify(dn, changes))
                case Rdn(dn, rdn, parent):
                    return int(connection.modify_dn(dn, rdn, new_superior=parent))

    def _result(self, message: int) -> tuple[list[Any], dict[str, Any]]:
        with self._lost():
            waited = 0
            while True:
                receiving = self._connection.strategy.receiver.is_alive()
                try:
                    response, result = self._connection.get_response(message, timeout=1)
                    return response or [], result
                except self._failures.LDAPResponseTimeoutError:
                    waited += 1
                    if not receiving or waited >= self._settings.timeout:
                        raise

    def _search(self, base: str, query: str, attributes: Sequence[str], scope: str) -> list[Entry]:
        with self._lost():
            message = self._connection.search(base, query, scope, attributes=list(attributes))
        response, result = self._result(message)
        if result["result"] == 32:
            return []
        if result["result"] != 0:
            raise _unreadable(base, Answer(result["result"], result["message"]))
        return [_entry(each) for each in response if each.get("type") == "searchResEntry"]

    def _paged(self, base: str, query: str, attributes: Sequence[str], scope: str = "SUBTREE") -> Iterator[Entry]:
        """Page after page: Windows cuts an unpaged search off at 1,000."""
        cookie: Any = None
        while True:
            with self._lost():
                message = self._connection.search(
                    base, query, scope, attributes=list(attributes), paged_size=PAGE, paged_cookie=cookie
                )
            response, result = self._result(message)
            if result["result"] != 0:
                raise _unreadable(base, Answer(result["result"], result["message"]))
            for each in response:
                if each.get("type") == "searchResEntry":
                    yield _entry(each)
            cookie = result.get("controls", {}).get("1.2.840.113556.1.4.319", {}).get("value", {}).get("cookie")
            if not cookie:
                return

    def _lost(self) -> _Losing:
        if self._connection is None:
            raise Lost("The connection to Active Directory is closed.")
        return _Losing(self._failures.LDAPException)


class _Losing:
    """Turns whatever ldap3 raises into Lost."""

    def __init__(self, kind: type[Exception]) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: object) -> None:
        if value is not None and isinstance(value, self._kind | OSError):
            raise Lost(f"The connection to Active Directory broke ({type(value).__name__}).") from None


def _entry(found: dict[str, Any]) -> Entry:
    return Entry(found["dn"], {name.lower(): values for name, values in found["raw_attributes"].items()})


def _unreadable(base: str, answer: Answer) -> Halt:
    if answer.code == 10:
        return Halt(
            f"{base} lies in another domain (the server answered with a referral). Look at [targets] base and server."
        )
    return Halt(
        f"Active Directory did not let onroll read {base} (result {answer.code} {answer.hex}). Look at the rights of its account."
    )


def _first_line(failure: Exception) -> str:
    return (str(failure).splitlines() or [""])[0][:200]


def _verified(ldap3: Any, ca_file: str | None) -> Any:
    """TLS that checks chain and name. ldap3 alone checks nothing without a Tls object, and from Python 3.12 on never matches an IP address."""
    import socket

    checked = ssl.create_default_context(cafile=ca_file)

    class Verified(ldap3.Tls):  # type: ignore[misc]
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            # Small TLS records and delayed acknowledgements cost 40 ms each without this.
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.socket = checked.wrap_socket(
                connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=do_handshake
            )
            connection.socket.settimeout(None)  # ldap3's thread waits as long as it takes; `_result` minds the clock

    return Verified(validate=ssl.CERT_REQUIRED)
