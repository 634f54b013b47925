"""Run by the Python of an environment with ckanext-dcat: read files as CKAN's harvester does, tell what it found."""

from __future__ import annotations

import json
import sys
from typing import Any


def read(path: str, profile: str) -> dict[str, Any]:
    """Read one file under one of CKAN's profiles."""
    from ckanext.dcat.processors import RDFParser  # type: ignore[import-not-found]

    parser = RDFParser(profiles=[profile])
    with open(path, encoding="utf-8") as file:
        parser.parse(file.read(), _format="xml")
    datasets = list(parser.datasets())
    extras = [{e["key"]: e["value"] for e in d["extras"]} for d in datasets]
    return {
        "datasets": sorted(e["uri"] for e in extras),
        "distributions": sorted(r["uri"] for d in datasets for r in d["resources"]),
        "licences": sorted((r["uri"], r["license"]) for d in datasets for r in d["resources"]),
        "contacts": sorted((e["uri"], e["contact_uri"]) for e in extras if "contact_uri" in e),
        "names": sorted((e["uri"], e["publisher_name"]) for e in extras),
        "next": parser.next_page(),
    }


if __name__ == "__main__":
    files = zip(sys.argv[1::2], sys.argv[2::2], strict=True)
    print(json.dumps({f"{path} {profile}": read(path, profile) for path, profile in files}))
