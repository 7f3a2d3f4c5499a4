"""A real Active Directory domain controller (Samba) on a loopback address, one for each test process."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).with_name("ad-dc.sh")
_PREFIX = "onroll-ad-"


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
            command, input=stdin, capture_output=True, text=True, env=os.environ | self.env, timeout=120, check=False
        )

    def ldap(self, command: str, *arguments: str, stdin: str = "", user: str = "", password: str = "") -> str:
        """Run one of OpenLDAP's tools as the administrator, or as somebody else."""
        who = ("-D", user or self.env["AD_BIND_USER"], "-w", password or self.env["AD_BIND_PASSWORD"])
        done = self.tool(command, "-x", "-H", self.env["AD_LDAPS_URL"], *who, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def samba_tool(self, *command: str) -> str:
        """Run samba-tool on the domain's own database."""
        done = self.tool("samba-tool", *command, "-H", self.env["AD_SAM_LDB"], "-s", self.env["AD_SMB_CONF"])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ldbsearch(self, query: str, *attributes: str, base: str = "") -> str:
        """What the domain's own database says, not over LDAP."""
        where = ("-H", self.env["AD_SAM_LDB"], "-s", "sub", "-b", base or self.root)
        found = self.tool("ldbsearch", *where, query, *attributes)
        assert found.returncode == 0, found.stderr
        return found.stdout.replace("\n ", "")

    def values(self, query: str, attribute: str, base: str = "") -> list[str]:
        """The values of one attribute of what a query finds, asked of the database."""
        found = []
        for line in self.ldbsearch(query, attribute, base=base).splitlines():
            name, colon, value = line.partition(":")
            if colon and name.lower() == attribute.lower():
                found.append(base64.b64decode(value[1:]).decode() if value.startswith(":") else value[1:])
        return found

    def people(self, base: str, *attributes: str) -> dict[str, dict[str, list[str]]]:
        """Everybody below `base` in one question to the database: by username, the values of each attribute, and of "dn"."""
        found: dict[str, dict[str, list[str]]] = {}
        for record in self.ldbsearch("(objectClass=user)", "sAMAccountName", *attributes, base=base).split("\n\n"):
            values: dict[str, list[str]] = {}
            for line in record.splitlines():
                name, colon, value = line.partition(":")
                if colon and not line.startswith("#"):
                    plain = base64.b64decode(value[1:]).decode() if value.startswith(":") else value[1:]
                    values.setdefault(name, []).append(plain)
            if "sAMAccountName" in values:
                found[values["sAMAccountName"][0]] = values
        return found

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

    def bind(self, dn: str, password: str) -> str:
        """What a simple bind as that object says: "" when it is let in, else Microsoft's code ("773" must change, "533" disabled, "52e" wrong)."""
        search = ("-b", "", "-s", "base", "1.1")
        done = self.tool("ldapsearch", "-x", "-H", self.env["AD_LDAPS_URL"], "-D", dn, "-w", password, *search)
        return "" if done.returncode == 0 else (done.stdout + done.stderr).partition("data ")[2].partition(",")[0]

    def unit(self) -> str:
        """A fresh OU; gives its DN."""
        dn = f"OU=t-{uuid.uuid4().hex[:12]},{self.root}"
        self.ldap("ldapadd", stdin=f"dn: {dn}\nobjectClass: organizationalUnit\n")
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


def new_folder() -> Path:
    """A short path (unix sockets lie below it) that says whose it is."""
    me = psutil.Process()
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{me.pid}-{int(me.create_time())}-"))


def clear_up() -> None:
    """Stop the domain controllers that test processes left behind when they were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*-*"):
        pid, started, *_ = folder.name.removeprefix(_PREFIX).split("-")
        if not (pid.isdigit() and started.isdigit()):
            continue
        try:
            if int(psutil.Process(int(pid)).create_time()) == int(started):
                continue
        except psutil.NoSuchProcess:
            pass
        stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def samba() -> Iterator[Samba]:
    """The domain controller of this test process."""
    clear_up()
    folder = new_folder()
    try:
        yield start(folder)
    finally:
        stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def school_ou(samba: Samba) -> Iterator[str]:
    """The DN of a fresh OU, which goes away with all that is in it."""
    dn = samba.unit()
    yield dn
    samba.ldap("ldapdelete", "-r", dn)
