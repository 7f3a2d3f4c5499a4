"""Each source reads a school of 1,500 pupils, and a trust of 50,000 people school by school, against a bare client that fetches the same bytes.

The simulator stands in a process of its own; the bare client sends it the requests that the source was heard to send, and throws the answers
away. Routes by file or database have no bytes to fetch: beside theirs stands the bare reading of the files.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "connectors"))

from onroll_connectors.mis import MISES
from onroll_connectors.sandbox.school import milton_park
from onroll_connectors.sandbox.serving import Application, Request, Response, serve
from onroll_connectors.sandbox.stages import build
from onroll_daemon.kinds import kinds
from world import Clock, DictMemory, context

TODAY = date(2026, 11, 24)
PUPILS, STAFF = 1500, 180
TRUST = 30
"""So many schools of that size make a trust of 50,000 people."""


def main() -> int:
    wanted = sys.argv[1:] or list(kinds("sources"))
    print(f"{PUPILS} pupils and {STAFF} staff; a trust is {TRUST} such schools, {TRUST * (PUPILS + STAFF):,} people")
    print(
        f"{'source':<16}{'answers':>8}{'MB':>8}{'bare s':>9}{'read s':>9}{'ratio':>7}{'CPU s':>7}{'peak MB':>9}{'trust s':>9}{'peak MB':>9}"
    )
    for route in wanted:
        measure(route)
    return 0


def measure(route: str) -> None:
    preset = next((mis.preset for mis in MISES.values() if mis.preset and route == "csv"), None)
    with tempfile.TemporaryDirectory() as folder:
        built = build(route, milton_park(TODAY, PUPILS, STAFF), Path(folder), preset)
        os.environ.update(built.secrets)
        if built.application is None:
            built.refresh()
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files)
            read = alone(lambda: once(route, built.source("")))
            bare = alone(lambda: [path.read_bytes() for path in files])
            trust = alone(lambda: [once(route, built.source("")) for _ in range(TRUST)])
            answers = len(files)
        else:
            sent: list[Request] = []
            sizes: list[int] = []

            def recording(request: Request, application: Application = built.application) -> Response:
                response = application(request)
                sent.append(request)
                sizes.append(len(response.encoded()[0]))
                return response

            with serve(recording) as url:
                once(route, built.source(url))
            size = sum(sizes)
            port = int(url.rpartition(":")[2])
            with elsewhere(built.application, port):
                bare = alone(lambda: fetch(url, sent))
                read = alone(lambda: once(route, built.source(url)))
                trust = alone(lambda: [once(route, built.source(url)) for _ in range(TRUST)])
            answers = len(sent)
    print(
        f"{route:<16}{answers:>8}{size / 1e6:>8.1f}{bare[0]:>9.2f}{read[0]:>9.2f}{read[0] / max(bare[0], 1e-3):>7.2f}"
        f"{read[2]:>7.2f}{read[1]:>9.0f}{trust[0]:>9.1f}{trust[1]:>9.0f}",
        flush=True,
    )


def once(route: str, source: str) -> None:
    """One read of one school, which must be whole."""
    module = import_module(f"onroll_connectors.sources.{route}")
    connected = module.connect(
        module.Settings(**tomllib.loads(source)), context("source", Clock(), memory=DictMemory())
    )
    snapshot = connected.read()
    connected.close()
    assert len(snapshot.people) >= PUPILS, f"{route} read {len(snapshot.people)} people"


def fetch(url: str, sent: list[Request]) -> None:
    """The same requests by a bare client, one after the other on one connection."""
    import httpx2

    with httpx2.Client(timeout=60) as client:
        for each in sent:
            headers = {name: value for name, value in each.headers.items() if name not in ("host", "content-length")}
            query = "&".join(f"{name}={value}" for name, values in each.query.items() for value in values)
            client.request(
                each.method, f"{url}{each.path}" + (f"?{query}" if query else ""), content=each.body, headers=headers
            ).read()


class elsewhere:  # noqa: N801 - a context manager that reads like a word of its sentence
    """The simulator in another process, on the port at which its answers were recorded (they may hold whole addresses)."""

    def __init__(self, application: Application, port: int) -> None:
        fork = multiprocessing.get_context("fork")
        ready = fork.Event()
        self._process = fork.Process(target=_stand, args=(application, port, ready), daemon=True)
        self._process.start()
        assert ready.wait(20)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _stand(application: Application, port: int, ready: Any) -> None:
    with serve(application, port):
        ready.set()
        threading.Event().wait()


def alone(call: Callable[[], object]) -> tuple[float, float, float]:
    """Seconds, peak megabytes of resident memory, and seconds of CPU of a call in a process of its own."""
    inside, outside = multiprocessing.get_context("fork").Pipe()

    def work() -> None:
        try:
            call()  # once to load what is loaded on use, and to fill caches
            began, worked = time.perf_counter(), time.process_time()
            call()
            took = time.perf_counter() - began, time.process_time() - worked
            outside.send((took[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, took[1]))
        except BaseException as failure:  # noqa: BLE001 - whatever it was is told by the parent
            outside.send(failure)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    found = inside.recv()
    process.join()
    if isinstance(found, BaseException):
        raise found
    return found


if __name__ == "__main__":
    sys.exit(main())
