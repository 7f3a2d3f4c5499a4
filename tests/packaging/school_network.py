"""What a server finds on its school's network: a real domain controller (Samba), both clouds and the MIS, all on this machine's loopback, and up for longer than any server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import delegated
from directories import RealDomain
from onroll_connectors.sandbox.google import Workspace
from onroll_connectors.sandbox.graph import Graph
from onroll_connectors.sandbox.school import School, milton_park
from onroll_connectors.sandbox.serving import Application, Request, Response, serve
from onroll_connectors.sandbox.wonde import SCHOOL_ID, TOKEN, Wonde
from samba import Samba

DOMAIN = "miltonpark.test"
CLOUD_TOKEN = "a-token-of-the-simulators"
EVERYWHERE = ("ad", "m365", "google")


@dataclass
class Gate:
    """In front of a system. Told to shut, it carries out the next write it is asked for and keeps the answer back until it is opened: what a power cut looks like
    from the other end."""

    behind: Application
    writes: tuple[str, ...]
    struck: threading.Event = field(default_factory=threading.Event)
    way: threading.Event = field(default_factory=threading.Event)
    shut: bool = False

    def __call__(self, request: Request) -> Response:
        answer = self.behind(request)
        if self.shut and request.method == "POST" and any(each.encode() in request.body for each in self.writes):
            self.struck.set()
            self.way.wait(300)
        return answer

    def close(self) -> None:
        self.shut = True
        self.struck.clear()
        self.way.clear()

    def open(self) -> None:
        self.shut = False
        self.way.set()


@dataclass
class SchoolNetwork:
    """The systems, and how a server reaches them."""

    domain: RealDomain
    school: School
    graph: Graph
    google: Workspace
    gate: Gate
    wonde_url: str
    graph_url: str
    google_url: str

    def secrets(self) -> dict[str, str]:
        """What the configuration refers to, by the name of its file."""
        return {"ad-password": delegated.PASSWORD, "clouds-token": CLOUD_TOKEN, "wonde-token": TOKEN}

    def certificate(self) -> str:
        """The domain's certificate authority, as PEM."""
        return Path(self.domain.samba.env["AD_CA_FILE"]).read_text(encoding="ascii")

    def answers(self, console: int) -> str:
        """To `onroll setup`, on a server whose console listens on that port."""
        return f"""
[console]
listen = "127.0.0.1:{console}"
[targets.ad]
kind = "active_directory"
server = "ldaps://{self.domain.samba.env["AD_HOST"]}"
base = "{self.domain.base}"
user = "{delegated.delegation(self.domain.samba).user}"
password = "file:secrets/ad-password"
ca_file = "domain-ca.pem"
groups = ["year", "registration"]
observe_only = false
[targets.m365]
kind = "microsoft365"
endpoint = "{self.graph_url}/v1.0"
token = "file:secrets/clouds-token"
groups = ["year"]
observe_only = false
[targets.google]
kind = "google_workspace"
endpoint = "{self.google_url}"
token = "file:secrets/clouds-token"
groups = ["registration"]
observe_only = false
[school]
id = "milton-park"
name = "Milton Park School"
domain = "{DOMAIN}"
mis = "wonde"
window = "19:00-22:00"
spread = 0
[school.source]
school = "{SCHOOL_ID}"
token = "file:secrets/wonde-token"
endpoint = "{self.wonde_url}/v1.0"
[school.students]
username = "{{yoe2}}{{initial}}{{last}}"
place = "Students/{{yoe4}}"
leavers_place = "Leavers"
[school.staff]
username = "{{initial}}.{{last}}"
place = "Staff"
"""

    def accounts(self) -> dict[str, dict[str, bool]]:
        """Of each target, asked of its own data: the address of every account that onroll made, and whether it is enabled. Raises where two have one address."""
        mine = [each.props for each in self.graph.directory.users.values() if each.deleted is None]
        found = {
            "ad": self._domain_users(),
            "m365": [(each["userPrincipalName"], bool(each["accountEnabled"])) for each in mine if each.get("employeeId")],
            "google": [(each.email, not each.suspended) for each in self.google.state.live() if not each.admin],
        }  # fmt: skip
        for name, pairs in found.items():
            assert len(dict(pairs)) == len(pairs), f"{name} has an address twice: {sorted(pairs)}"
        return {name: dict(pairs) for name, pairs in found.items()}

    def _domain_users(self) -> list[tuple[str, bool]]:
        told = self.domain.samba.ldbsearch(
            "(objectClass=user)", "userPrincipalName", "userAccountControl", base=self.domain.base
        )
        pairs = []
        for record in told.split("\n\n"):
            values = dict(line.split(": ", 1) for line in record.splitlines() if ": " in line and line[0] != "#")
            if "userPrincipalName" in values:
                pairs.append((values["userPrincipalName"], not int(values["userAccountControl"]) & 2))
        return pairs

    def group_members(self, name: str) -> int:
        """How many people are in a group of the domain."""
        return len(
            self.domain.samba.values(f"(&(objectClass=group)(sAMAccountName={name}))", "member", self.domain.base)
        )

    def state(self) -> tuple[list[str], int, int]:
        """Moves with every write to any of the targets: the domain's own counters of changes, and the writes that the clouds have answered."""
        numbers = self.domain.samba.values("(objectClass=*)", "uSNChanged", self.domain.base)
        return sorted(numbers), self.graph.written(), self.google.written()


@contextmanager
def school_network(samba: Samba, pupils: int = 30, staff: int = 6) -> Iterator[SchoolNetwork]:
    """Milton Park as it is today, nobody read yet and no account made."""
    school = milton_park(date.today(), pupils, staff)
    graph = Graph(domains={DOMAIN: "Managed"}, token=CLOUD_TOKEN)
    google = Workspace(domains={DOMAIN: True}, token=CLOUD_TOKEN)
    gate = Gate(google, ("primaryEmail",))
    domain = RealDomain(samba=samba)
    with ExitStack() as stack:
        urls = [stack.enter_context(serve(each)) for each in (Wonde(school), graph, gate)]
        stack.callback(gate.open)
        yield SchoolNetwork(domain, school, graph, google, gate, *urls)
    assert (graph.breaches, google.breaches) == ([], [])
    domain.clear()
