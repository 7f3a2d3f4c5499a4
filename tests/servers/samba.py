"""A real Active Directory domain controller (Samba) on a loopback address, one for each test process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("ad-dc.sh")


@dataclass(frozen=True)
class Samba:
    """How to reach the domain; `env` is what other tools than ours need (Kerberos, the database's path)."""

    env: dict[str, str]
    folder: Path

    @property
    def root(self) -> str:
        return self.env["AD_BASE_DN"]

    def tool(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a tool of Samba's or Kerberos's own."""
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=os.environ | self.env, timeout=60, check=False
        )

    def ldbsearch(self, query: str, *attributes: str, base: str = "") -> str:
        """What the domain's own database says of everything under `base`, not over LDAP."""
        found = self.tool("ldbsearch", "-H", self.env["AD_SAM_LDB"], "-s", "sub", "-b", base or self.root, query, *attributes)
        assert found.returncode == 0, found.stderr
        return found.stdout

    def sign_in(self, login: str, password: str) -> str:
        """kinit's answer: "ok", "must change", "revoked" (disabled) or "refused"."""
        cache = f"FILE:{self.folder}/cc-{uuid.uuid4().hex}"
        env = os.environ | self.env | {"KRB5CCNAME": cache}
        principal = f"{login}@{self.env['AD_REALM']}"
        done = subprocess.run(
            ["kinit", principal],
            input=f"{password}\n",
            capture_output=True,
            text=True,
            env=env,
            timeout=60,
            check=False,
        )
        said = done.stdout + done.stderr
        if done.returncode == 0:
            return "ok"
        if "expired" in said:
            return "must change"
        return "revoked" if "revoked" in said else "refused"

    def unit(self) -> str:
        """A fresh OU; gives its DN."""
        dn = f"OU=t-{uuid.uuid4().hex[:12]},{self.root}"
        ldif = f"dn: {dn}\nobjectClass: organizationalUnit\n"
        done = self.tool(
            "ldapadd",
            "-x",
            "-H",
            self.env["AD_LDAPS_URL"],
            "-D",
            self.env["AD_BIND_USER"],
            "-w",
            self.env["AD_BIND_PASSWORD"],
            stdin=ldif,
        )
        assert done.returncode == 0, done.stderr
        return dn


def start(folder: Path) -> Samba:
    """Start a domain controller in `folder` from a cached domain."""
    cache = Path(tempfile.gettempdir()) / f"onroll-samba-{os.getuid()}"
    env = os.environ | {"AD_CACHE": str(cache)}
    done = subprocess.run(
        ["bash", str(SCRIPT), "start", str(folder)], capture_output=True, text=True, env=env, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    told = subprocess.run(
        ["bash", str(SCRIPT), "env", str(folder), "--json"], capture_output=True, text=True, timeout=60, check=True
    )
    return Samba(json.loads(told.stdout), folder)


def stop(folder: Path) -> None:
    """Stop it, by the process that was started."""
    subprocess.run(["bash", str(SCRIPT), "stop", str(folder)], capture_output=True, timeout=60, check=False)


@pytest.fixture(scope="session")
def samba() -> Iterator[Samba]:
    folder = Path(tempfile.mkdtemp(prefix="onroll-ad-"))  # a short path: unix sockets lie below it
    try:
        yield start(folder)
    finally:
        stop(folder)
        shutil.rmtree(folder, ignore_errors=True)
