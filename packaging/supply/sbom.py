"""Prints the software bill of materials as CycloneDX 1.5 JSON, from uv.lock alone: the same lock gives the same bytes.

sbom.py [FILE]
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any

from lock import Package, locked


def bill(packages: list[Package]) -> dict[str, Any]:
    """The document; the first package is what it is the bill of."""
    own, *others = packages
    names = {each.name: each.purl for each in packages}
    content = "\n".join(f"{each.purl} {' '.join(each.hashes)}" for each in packages)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own.purl,
                "name": own.name,
                "version": own.version,
                "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": each.purl,
                "name": each.name,
                "version": each.version,
                "purl": each.purl,
                "properties": [{"name": "onroll:archive:sha256", "value": digest} for digest in each.hashes],
            }
            for each in others
        ],
        "dependencies": [
            {"ref": each.purl, "dependsOn": [names[need] for need in each.needs if need in names]} for each in packages
        ],
    }


def main() -> None:
    """Write the bill to a file, or show it."""
    text = json.dumps(bill(locked()), indent=2) + "\n"
    if len(sys.argv) > 1:
        place = Path(sys.argv[1])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        print(place)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
