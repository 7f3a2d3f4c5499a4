"""The console behind TLS of its own: browsers get in over it alone, and their cookie goes nowhere else."""

from __future__ import annotations

import os
import re
import signal
import ssl
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from command import CONFIG, milton_park


def certificate(folder: Path) -> None:
    """A certificate for this machine, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "onroll.school.test")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    made = made.not_valid_after(now + timedelta(days=30))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    signed = made.sign(key, hashes.SHA256())
    (folder / "console.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "console.key").write_bytes(private)


def test_the_console_speaks_tls_and_its_cookie_stays_there(tmp_path: Path) -> None:
    onroll = milton_park(tmp_path)
    certificate(tmp_path)
    onroll.configure(
        CONFIG.replace(
            'listen = "127.0.0.1:0"',
            'listen = "127.0.0.1:0"\ntls_certificate = "console.pem"\ntls_key = "console.key"',
        )
    )
    link = onroll.run("console", "add", "minerva", "--role", "administrator").out
    secret = re.search(r"/choose-password/(\S+)", link)
    assert secret is not None, link
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as file:
        process = onroll.start("serve", stderr=file)
    try:
        address, pause = "", threading.Event()
        for _ in range(400):
            said = [each for each in log.read_text(encoding="utf-8").splitlines() if "console at" in each]
            if said:
                address = said[0].split()[-1]
                break
            assert process.poll() is None, log.read_text(encoding="utf-8")
            pause.wait(0.05)
        assert address.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(tmp_path / "console.pem"))
        body = b"password=correct+horse+of+mine&again=correct+horse+of+mine"

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *arguments: object) -> None:
                return None

        door = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusting), Stay)
        for _ in range(100):
            try:
                with door.open(f"{address}healthz", timeout=30) as answer:
                    assert answer.status == 200
                    assert answer.headers["Strict-Transport-Security"]
                break
            except urllib.error.URLError:
                pause.wait(0.05)
        try:
            door.open(f"{address}choose-password/{secret[1]}", body, timeout=30)
            raise AssertionError("it does not go on to the first page")
        except urllib.error.HTTPError as answered:
            assert answered.code == 303
            cookie = answered.headers["Set-Cookie"]
        assert cookie.startswith("__Host-onroll=")
        for word in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
            assert word in cookie
        assert "Domain" not in cookie
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
