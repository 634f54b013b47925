"""Releases: a write clones the current one, changes the clone, and seals it; nothing published ever changes."""

from stadtgraph.release.draft import Draft, Progress, drafting, recover, silent
from stadtgraph.release.lock import writer_lock
from stadtgraph.release.manifest import GraphInfo, Kind, Manifest, View
from stadtgraph.release.purge import purge
from stadtgraph.release.releases import (
    GraphDifference,
    Release,
    Releases,
    Retention,
    index_path,
    patch_path,
    store_path,
)

__all__ = [
    "Draft",
    "GraphDifference",
    "GraphInfo",
    "Kind",
    "Manifest",
    "Progress",
    "Release",
    "Releases",
    "Retention",
    "View",
    "drafting",
    "index_path",
    "patch_path",
    "purge",
    "recover",
    "silent",
    "store_path",
    "writer_lock",
]
