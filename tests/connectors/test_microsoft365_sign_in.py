"""Signing in to Microsoft 365 as in life: azure-identity fetches a token over TLS, and what Entra refuses becomes a sentence."""

from __future__ import annotations

import base64
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from onroll_connectors.sandbox.graph import Graph
from onroll_connectors.sandbox.serving import serve
from onroll_connectors.targets.graph_problems import sign_in_problem
from onroll_connectors.targets.microsoft365 import Settings, connect
from onroll_core.contracts import Finding, Scope
from onroll_core.errors import Halt
from world import context

TENANT = "11111111-2222-4333-8444-555555555555"


def jwt(*roles: str) -> str:
    """A token that names the permissions of an app, as Entra's do."""
    payload = base64.urlsafe_b64encode(json.dumps({"roles": roles}).encode()).decode().rstrip("=")
    return f"e30.{payload}.signature"


def certificate(key: Any, names: list[x509.GeneralName]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "onroll test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


def pem(key: Any, signed: x509.Certificate) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return bytes(private + signed.public_bytes(serialization.Encoding.PEM))


class Authority:
    """Entra's token endpoint: answers `status` and `answer`, and keeps the forms it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: dict[str, object] = {"token_type": "Bearer", "expires_in": 3599, "access_token": jwt()}
        self.forms: list[dict[str, list[str]]] = []


@contextmanager
def entra(authority: Authority, folder: Path) -> Iterator[tuple[str, Path]]:
    """The authority over TLS on loopback: its URL, and the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    signed = certificate(key, [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    trusted = folder / "authority.pem"
    trusted.write_bytes(pem(key, signed))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            base = f"https://{self.headers['Host']}/{TENANT}"
            status, body = authority.status, authority.answer
            if self.path.endswith("openid-configuration"):
                where = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/oauth2/v2.0/token"}
                status, body = 200, {"issuer": f"{base}/v2.0", **where}
            else:
                authority.forms.append(parse_qs(form))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(trusted)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", trusted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def given(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The settings of an app that signs in with a secret, and a tenant that takes nothing but the authority's token."""
    with (
        entra(authority, tmp_path) as (url, trusted),
        serve(Graph(token=str(authority.answer["access_token"]))) as graph,
    ):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        monkeypatch.setenv("ONROLL_TEST_SECRET", "s3cret-value")
        yield {
            "tenant": TENANT,
            "client_id": "an-app",
            "client_secret": "env:ONROLL_TEST_SECRET",
            "authority": url,
            "endpoint": graph,
        }


def findings(told: dict[str, Any]) -> list[Finding]:
    target = connect(Settings.model_validate(told), context("m365"))
    try:
        return list(target.check().findings)
    finally:
        target.close()


def test_a_secret_is_changed_for_a_token_once(given: dict[str, Any], authority: Authority) -> None:
    target = connect(Settings.model_validate(given), context("m365"))
    assert len(target.observe(Scope("school")).accounts) == 1
    target.close()
    (form,) = authority.forms
    assert form["client_secret"] == ["s3cret-value"]
    assert form["grant_type"] == ["client_credentials"]


def test_a_certificate_signs_in_as_well(given: dict[str, Any], authority: Authority, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    file = tmp_path / "app.pem"
    file.write_bytes(pem(key, certificate(key, [])))
    told = {name: value for name, value in given.items() if name != "client_secret"}
    assert all(
        finding.level != "problem" or "may not" in finding.sentence
        for finding in findings({**told, "certificate": f"file:{file}"})
    )
    assert "client_assertion" in authority.forms[0]


@pytest.mark.parametrize(
    ("roles", "missing"),
    [
        (("User.ReadWrite.All",), set()),
        (
            ("User.Read.All", "User.Create", "User.ReadUpdate.All"),
            {"User.EnableDisableAccount.All", "User.RevokeSessions.All", "User.DeleteRestore.All"},
        ),
    ],
)
def test_a_check_reads_the_permissions_in_the_token(
    given: dict[str, Any], authority: Authority, roles: tuple[str, ...], missing: set[str]
) -> None:
    authority.answer["access_token"] = jwt(*roles)
    with serve(Graph(token=jwt(*roles))) as graph:
        problems = [
            finding.sentence for finding in findings({**given, "endpoint": graph}) if finding.level == "problem"
        ]
    assert len(problems) == len(missing)
    assert all(any(permission in sentence for sentence in problems) for permission in missing)


def test_an_expired_secret_halts_with_a_sentence_that_does_not_show_it(
    given: dict[str, Any], authority: Authority
) -> None:
    authority.status = 401
    authority.answer = {
        "error": "invalid_client",
        "error_description": "AADSTS7000222: The provided client secret keys for app 'an-app' are expired. Trace ID: x",
        "error_codes": [7000222],
    }
    target = connect(Settings.model_validate(given), context("m365"))
    with pytest.raises(Halt) as halted:
        target.observe(Scope("school"))
    target.close()
    assert "client secret has expired" in str(halted.value)
    assert "AADSTS7000222" in str(halted.value)
    assert "s3cret-value" not in str(halted.value)
    assert [finding.level for finding in findings(given)] == ["problem"]


def test_a_refusal_that_nobody_has_met_yet_keeps_its_number() -> None:
    sentence = sign_in_problem("AADSTS99999: Something new. Trace ID: 1", "an-app")
    assert "AADSTS99999" in sentence
    assert sentence.endswith(".")
    assert sign_in_problem("nothing at all", "an-app").endswith(".")
