"""What onroll stands on is listed from the lock, by hash; the wheel is the same bytes twice; an audit says what it could not ask."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SUPPLY = ROOT / "packaging" / "supply"
UV = ROOT / ".cache" / "tools" / "bin" / "uv"


def run(*command: str, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | more
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def bill() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(sys.executable, str(SUPPLY / "sbom.py")).stdout)
    return found


def test_the_bill_has_what_runs_and_nothing_that_only_tests() -> None:
    told = bill()
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.5")
    assert told["metadata"]["component"]["name"] == "onroll"
    names = {each["name"] for each in told["components"]}
    assert {"ldap3", "pyasn1", "sqlalchemy", "psycopg", "winkerberos", "msgraph-sdk"} <= names
    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "playwright", "onroll"}
    references = {each["ref"] for each in told["dependencies"]}
    assert all(need in references for each in told["dependencies"] for need in each["dependsOn"])
    assert len(references) == len(told["dependencies"]) == len(told["components"]) + 1


def test_every_archive_is_pinned_by_its_hash() -> None:
    for each in bill()["components"]:
        digests = [one["value"] for one in each["properties"]]
        assert digests and all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests), each["name"]


def test_the_same_lock_gives_the_same_bill() -> None:
    assert bill() == bill()


def test_the_wheel_is_the_same_bytes_whenever_it_is_built(tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        out = tmp_path / str(number)
        run(str(UV), "build", "--quiet", "--wheel", "--out-dir", str(out), str(ROOT), SOURCE_DATE_EPOCH="1577836800")
        (wheel,) = out.glob("*.whl")
        digests.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(digests) == 1


@contextmanager
def database(known: dict[str, list[str]]) -> Iterator[str]:
    """A database of vulnerabilities on this machine."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            names = [re.sub(r".*/(.*)@.*", r"\1", each["package"]["purl"]) for each in asked]
            body = json.dumps(
                {
                    "results": [
                        {"vulns": [{"id": one} for one in known[name]]} if name in known else {} for name in names
                    ]
                }
            )
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    worker = threading.Thread(target=server.serve_forever)
    worker.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        worker.join()
        server.server_close()


def audit(address: str, code: int) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, str(SUPPLY / "audit.py"), "--database", address, code=code, NO_PROXY="127.0.0.1")


def test_an_audit_names_what_is_known() -> None:
    with database({"ldap3": ["GHSA-0000-0000-0001", "CVE-2099-1"]}) as address:
        said = audit(address, 1).stdout
    assert re.search(r"^pkg:pypi/ldap3@\S+: CVE-2099-1, GHSA-0000-0000-0001$", said, re.MULTILINE)
    assert "1 of them with something known" in said
    with database({}) as address:
        assert "0 of them" in audit(address, 0).stdout


def test_an_audit_without_a_network_says_that_nothing_was_checked() -> None:
    said = audit("http://127.0.0.1:9", 3)
    assert "could not be asked" in said.stderr and "nothing was checked" in said.stderr and said.stdout == ""


def test_the_container_runs_as_nobody_special_with_its_data_in_a_volume_and_a_health_check() -> None:
    text = (ROOT / "packaging/container/Containerfile").read_text(encoding="utf-8")
    steps = [line.split(maxsplit=1) for line in re.sub(r"\\\n", " ", text).splitlines() if line and line[0] not in "# "]
    last = steps[max(n for n, step in enumerate(steps) if step[0] == "FROM") :]
    told = dict(last)
    assert told["USER"] == "8750:8750" and told["VOLUME"] == '["/var/lib/onroll"]'
    assert "/opt/onroll/healthy.py" in told["HEALTHCHECK"] and told["STOPSIGNAL"] == "SIGTERM"
    json.loads(told["ENTRYPOINT"]), json.loads(told["CMD"]), json.loads(told["VOLUME"])
    known = {
        "ARG",
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "USER",
        "VOLUME",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert {step[0] for step in steps} <= known
    for step in steps:
        if step[0] == "COPY" and "--from" not in step[1]:
            sources = [each for each in step[1].split()[:-1] if not each.startswith("--")]
            assert sources and all((ROOT / source).exists() for source in sources), step
        if step[0] == "RUN":
            subprocess.run(["sh", "-n", "-c", step[1]], check=True)
