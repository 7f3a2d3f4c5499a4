"""Changes a second in Google Workspace: without quotas, against Google's bare client as the floor; and the share of Google's quotas that is used."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "connectors"))

from onroll_connectors.sandbox.google import Workspace
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.serving import serve
from onroll_connectors.targets.google_workspace import Settings, connect
from onroll_connectors.testing import account_of, everything, pupil
from onroll_core.accounts import Anchor
from onroll_core.changes import Applied, Change, Create, Update
from onroll_core.contracts import Scope, Target
from world import Clock, context

PEOPLE = 1340
ENDLESS = {"queries_per_minute": 100_000_000, "creates_per_second": 1_000_000}


def target(url: str, clock: Clock, **settings: int) -> Target:
    os.environ["ONROLL_BENCH_TOKEN"] = "a-token"
    return connect(
        Settings.model_validate({"endpoint": url, "token": "env:ONROLL_BENCH_TOKEN", **settings}),
        context("google", clock=clock),
    )


def creates(to: Target) -> list[Change]:
    return [Create(pupil(f"p{n}"), account_of(to, "school.test", f"p{n}", place=""), "on roll") for n in range(PEOPLE)]


def updates(anchors: list[Anchor], family: str) -> list[Change]:
    return [Update(pupil(f"p{n}", anchor), {}, {"family": family}, "told") for n, anchor in enumerate(anchors)]


def done(to: Target, changes: list[Change]) -> list[Anchor]:
    outcomes = everything(to, changes)
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    return [outcome.anchor for outcome in outcomes if isinstance(outcome, Applied) and outcome.anchor is not None]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return PEOPLE / (time.perf_counter() - start)


def bare(url: str) -> tuple[float, float]:
    """Creates and updates a second of Google's own client in batches of 40 on one connection, and nothing around it."""
    import httplib2
    from google.oauth2.credentials import Credentials
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build_from_document
    from googleapiclient.discovery_cache import get_static_doc

    document = json.loads(get_static_doc("admin", "directory_v1"))
    document["rootUrl"] = f"{url}/"
    service = build_from_document(document, http=httplib2.Http())
    users, http = service.users(), AuthorizedHttp(Credentials("a-token"), http=httplib2.Http())  # type: ignore[no-untyped-call]
    made: list[dict[str, Any]] = []

    def send(requests: list[Any]) -> None:
        for start in range(0, len(requests), 40):
            batch = service.new_batch_http_request(callback=lambda part, answer, failure: made.append(answer))
            for request in requests[start : start + 40]:
                batch.add(request)
            batch.execute(http=http)

    name = {"givenName": "Bare", "familyName": "Client"}
    bodies = [{"primaryEmail": f"b{n}@school.test", "name": name, "password": "correct horse"} for n in range(PEOPLE)]
    created = timed(lambda: send([users.insert(body=body) for body in bodies]))
    keys = [answer["id"] for answer in made]
    updated = timed(lambda: send([users.update(userKey=key, body={"name": {"familyName": "New"}}) for key in keys]))
    http.close()
    return created, updated


def main() -> None:
    """Print the measures, floors in the same run."""
    with serve(Workspace()) as url:
        floor = bare(url)
    clock = Clock()
    google = Workspace(now=clock.now)
    with serve(google) as url:
        to = target(url, clock, **ENDLESS)
        to.observe(Scope("milton-park"))
        anchors: list[Anchor] = []
        created = timed(lambda: anchors.extend(done(to, creates(to))))
        updated = timed(lambda: done(to, updates(anchors, "New")))
        read = timed(lambda: to.observe(Scope("milton-park")))
        to.close()
    assert google.breaches == []
    print(
        f"google, no quotas: {created:,.0f} creates/s, {updated:,.0f} updates/s (floor, Google's bare client: {floor[0]:,.0f} and {floor[1]:,.0f}); {read:,.0f} users read/s"
    )
    clock = Clock()
    google = Workspace(now=clock.now, quotas=Quotas())
    with serve(google) as url:
        to = target(url, clock)
        to.observe(Scope("milton-park"))
        start = clock.at
        anchors = done(to, creates(to))
        made = clock.at - start
        clock.sleep(60)
        start = clock.at
        for turn in range(3):
            done(to, updates(anchors, f"New{turn}"))
        changed = clock.at - start
        to.close()
    assert google.quotas is not None
    print(
        f"google, with quotas: {PEOPLE / made / 10:.3f} of 10 creates/s, {3 * PEOPLE / changed / 40:.3f} of 40 queries/s;"
        f" refused for quota: {sum(google.quotas.refused.values())}"
    )


if __name__ == "__main__":
    main()
