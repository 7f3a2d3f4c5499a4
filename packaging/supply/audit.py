"""Asks the open database of vulnerabilities (OSV) about every package of uv.lock that runs on a school's server.

    audit.py [--database URL]

Ends with 0 when nothing is known, 1 when something is, 3 when the database could not be asked: offline nothing has been checked, and it says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from typing import Any

from lock import Package, locked

DATABASE = "https://api.osv.dev"
AT_ONCE = 500
KNOWN, UNASKED = 1, 3


def ask(database: str, packages: list[Package]) -> dict[str, list[str]]:
    """The numbers of what is known of each package, by its purl; those of which nothing is known are left out. Raises OSError or ValueError."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(packages), AT_ONCE):
        some = packages[start : start + AT_ONCE]
        body = json.dumps({"queries": [{"package": {"purl": each.purl}} for each in some]}).encode()
        request = urllib.request.Request(f"{database}/v1/querybatch", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            results: list[dict[str, Any]] = json.load(answer)["results"]
        if len(results) != len(some):
            raise ValueError("it answered for another number of packages than was asked about")
        for each, result in zip(some, results, strict=True):
            numbers = [one["id"] for one in result.get("vulns", ())]
            if numbers:
                found[each.purl] = sorted(numbers)
    return found


def main() -> None:
    """Ask, and say what is known."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--database", default=DATABASE)
    database = asked.parse_args().database
    packages = [each for each in locked() if each.name != "onroll"]
    try:
        found = ask(database, packages)
    except (urllib.error.URLError, OSError, ValueError, KeyError) as failure:
        reason = getattr(failure, "reason", failure)
        print(
            f"{database} could not be asked ({reason}), so nothing was checked. Run it where there is a network.",
            file=sys.stderr,
        )
        sys.exit(UNASKED)
    for purl, numbers in found.items():
        print(f"{purl}: {', '.join(numbers)}")
    print(f"{len(packages)} packages, {len(found)} of them with something known against them.")
    sys.exit(KNOWN if found else 0)


if __name__ == "__main__":
    main()
