"""Certificates and servers that show them, for tests."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def made(folder: Path, until: datetime, name: str = "localhost") -> tuple[Path, Path]:
    """A certificate that lasts until then, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    built = x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key())
    built = (
        built.serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=365))
        .not_valid_after(until)
    )
    signed = built.add_extension(names, critical=False).sign(key, hashes.SHA256())
    folder.mkdir(parents=True, exist_ok=True)
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@contextmanager
def shown(certificate: Path, key: Path, starts_tls: bool = False, answer: bytes = b"") -> Iterator[int]:
    """A server on this machine that shows the certificate to whoever comes, and gives its `answer` to whatever is asked; gives its port. With `starts_tls` it waits
    to be asked, as LDAP does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = door.accept()
            except OSError:
                return
            with plain, suppress(OSError):
                if starts_tls:
                    asked = plain.recv(256)
                    code = b"\x0a\x01\x00" if b"1.3.6.1.4.1.1466.20037" in asked else b"\x0a\x01\x02"
                    plain.sendall(b"\x30\x0c\x02\x01\x01\x78\x07" + code + b"\x04\x00\x04\x00")
                with context.wrap_socket(plain, server_side=True) as spoken:
                    spoken.recv(4096)
                    spoken.sendall(answer)

    worker = threading.Thread(target=serve, daemon=True)
    worker.start()
    try:
        yield door.getsockname()[1]
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        worker.join(10)
