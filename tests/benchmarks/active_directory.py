"""Creates per second in a real domain (Samba), with passwords, against `ldapadd` of the same entries in the same run."""

from __future__ import annotations

import base64
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE / "servers"), str(HERE / "connectors")]

import samba as servers
from world import Passwords, context

from onroll_connectors.targets import active_directory
from onroll_connectors.targets.ad_entries import encoded
from onroll_connectors.testing import account_of, pupil
from onroll_core.changes import Applied, Create

COUNT = 300


def ldif(base: str, names: list[str]) -> str:
    """The same entries as the target makes, for ldapadd."""
    lines = []
    for name in names:
        password = base64.b64encode(encoded(f"Zx9!{name[::-1]}-Qw7-{len(name)}Tr")).decode()
        lines += [
            f"dn: CN={name.title()} O'Neil ({name}),OU=2019,OU=Students,{base}", "objectClass: top", "objectClass: person",
            "objectClass: organizationalPerson", "objectClass: user", f"sAMAccountName: {name}", f"userPrincipalName: {name}@school.test",
            f"mail: {name}@school.test", f"proxyAddresses: SMTP:{name}@school.test", "userAccountControl: 512", f"unicodePwd:: {password}",
            "pwdLastSet: 0", f"employeeID: id-{name}"[:28], f"displayName: {name.title()} O'Neil", f"givenName: {name.title()}", "sn: O'Neil", "",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def floor(domain: servers.Samba, names: list[str]) -> float:
    """ldapadd's creates per second."""
    base = domain.unit()
    units = f"dn: OU=Students,{base}\nobjectClass: organizationalUnit\n\ndn: OU=2019,OU=Students,{base}\nobjectClass: organizationalUnit\n"
    command = ["ldapadd", "-x", "-H", domain.env["AD_LDAPS_URL"], "-D", domain.env["AD_BIND_USER"], "-w", domain.env["AD_BIND_PASSWORD"]]
    subprocess.run(command, input=units, text=True, capture_output=True, check=True, env=os.environ | domain.env)
    began = time.monotonic()
    subprocess.run(command, input=ldif(base, names), text=True, capture_output=True, check=True, env=os.environ | domain.env)
    return len(names) / (time.monotonic() - began)


def ours(domain: servers.Samba, names: list[str]) -> float:
    """The target's creates per second, OUs and looking first included."""
    os.environ["ONROLL_BENCH_AD"] = domain.env["AD_BIND_PASSWORD"]
    settings = active_directory.Settings(
        server=f"ldaps://{domain.env['AD_HOST']}", base=domain.unit(), user=domain.env["AD_BIND_USER"], password="env:ONROLL_BENCH_AD",
        ca_file=domain.env["AD_CA_FILE"],
    )  # type: ignore[arg-type]  # fmt: skip
    target = active_directory.connect(settings, context("ad", passwords=Passwords()))
    target.check()
    changes = [Create(pupil(name), account_of(target, "school.test", name, aliases=frozenset()), "on roll") for name in names]
    began = time.monotonic()
    done = 0
    for start in range(0, len(changes), target.abilities.batch):
        done += sum(isinstance(each, Applied) for each in target.perform(changes[start : start + target.abilities.batch]))
    taken = time.monotonic() - began
    target.close()
    assert done == len(names), f"{done} of {len(names)}"
    return len(names) / taken


def main() -> None:
    """Interleaved, so that the machine's mood is the same for both."""
    folder = Path(tempfile.mkdtemp(prefix="onroll-ad-"))
    try:
        domain = servers.start(folder)
        pairs = []
        for turn in range(3):
            a, b = ([f"{kind}{turn}n{n:04}" for n in range(COUNT)] for kind in ("f", "o"))
            pairs.append((floor(domain, a), ours(domain, b)))
        ratio = sorted(mine / theirs for theirs, mine in pairs)[1]
        theirs, mine = pairs[-1]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"active_directory: {mine:.0f} creates/s, ldapadd {theirs:.0f}/s; ratio {ratio:.2f} (median of 3); peak {memory} MiB")
    finally:
        servers.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
