"""Changes per second through Microsoft's SDK on the Graph simulator: without quotas against a bare HTTP client's batches, and with real quotas on a clock that sleeping moves."""

from __future__ import annotations

import http.client
import json
import os
import resource
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parents[1]
sys.path.insert(0, str(HERE / "connectors"))

from onroll_connectors.sandbox.graph import Graph
from onroll_connectors.sandbox.graph_quota import Quotas
from onroll_connectors.sandbox.serving import serve
from onroll_connectors.targets import microsoft365
from onroll_connectors.testing import account_of, pupil
from onroll_core.changes import Applied, Create
from onroll_core.contracts import Scope
from world import Clock, context

COUNT, MANY = 600, 9000


def bare(url: str, count: int) -> float:
    """A plain client that posts the same creates in batches of twenty."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    began = time.monotonic()
    for start in range(0, count, 20):
        parts = [
            {
                "id": str(n), "method": "POST", "url": "/users", "headers": {"Content-Type": "application/json"},
                "body": {
                    "accountEnabled": True, "displayName": f"Bare {n}", "mailNickname": f"bare{n}", "userPrincipalName": f"bare{n}@school.test",
                    "employeeId": f"bare{n}", "passwordProfile": {"password": f"Zx9!-Qw7-{n}-Tr-Lm", "forceChangePasswordNextSignIn": True},
                },
            }
            for n in range(start, min(start + 20, count))
        ]  # fmt: skip
        body = json.dumps({"requests": parts})
        connection.request(
            "POST", "/v1.0/$batch", body, {"Content-Type": "application/json", "Authorization": "Bearer x"}
        )
        assert connection.getresponse().read()
    return count / (time.monotonic() - began)


def ours(url: str, count: int, clock: Clock, window: int) -> tuple[float, float]:
    """Changes per second on the wall and on the clock that sleeping moves."""
    os.environ["ONROLL_BENCH_TOKEN"] = "x"
    settings = microsoft365.Settings(endpoint=f"{url}/v1.0", token="env:ONROLL_BENCH_TOKEN", writes_per_window=window)  # type: ignore[arg-type]
    target = microsoft365.connect(settings, context("m365", clock))
    target.observe(Scope("s"))
    changes = [Create(pupil(f"p{n}"), account_of(target, "school.test", f"p{n}"), "on roll") for n in range(count)]
    wall, at = time.monotonic(), clock.at
    done = 0
    for start in range(0, count, target.abilities.batch):
        done += sum(
            isinstance(each, Applied) for each in target.perform(changes[start : start + target.abilities.batch])
        )
    assert done == count, f"{done} of {count}"
    taken = time.monotonic() - wall, clock.at - at
    target.close()
    return count / taken[0], count / max(taken[1], 0.001)


def main() -> None:
    with serve(Graph()) as url:
        floor = bare(url, COUNT)
    with serve(Graph()) as url:
        free, _ = ours(url, COUNT, Clock(), 18000)
    clock = Clock()
    with serve(Graph(now=clock.now, quotas=Quotas())) as url:
        _, paced = ours(url, MANY, clock, 3000)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"microsoft365: {free:.0f} creates/s without quotas (bare client {floor:.0f}/s); with quotas {paced:.1f}/s of 20/s = {paced / 20:.2f}; peak {memory} MiB"
    )


if __name__ == "__main__":
    main()
