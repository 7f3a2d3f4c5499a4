"""Ends with 0 when the service in this container is well: asked where its own configuration says that it listens."""

from __future__ import annotations

import ipaddress
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

from onroll_daemon.settings import load


def main() -> None:
    """Ask, and say what is wrong."""
    settings = load(Path(os.environ["ONROLL_CONFIG"]))
    host, port = settings.listen
    # What listens on every address listens on this one; the certificate is made out to a name that only others know the container by.
    address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    if address.is_unspecified:
        address = ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")
    at = f"[{address}]" if address.version == 6 else str(address)
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    scheme = "https" if settings.console.tls_certificate else "http"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=anybody))
    try:
        with direct.open(f"{scheme}://{at}:{port}/healthz", timeout=8) as answer:
            print(json.load(answer)["status"])
    except urllib.error.HTTPError as told:
        sys.exit(told.read().decode(errors="replace"))
    except OSError as failure:
        sys.exit(f"The service does not answer: {failure}")


if __name__ == "__main__":
    main()
