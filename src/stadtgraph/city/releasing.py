"""The verbs of ``stadtgraph release``, each a function that prints and gives an exit code."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from stadtgraph.release import View

if TYPE_CHECKING:
    from stadtgraph.city import City

Text = Callable[..., str]
Verb = Callable[["City", argparse.Namespace, Text], int]
SHOWN: Final = 20  # changed triples shown per graph


def list_all(city: City, options: argparse.Namespace, text: Text) -> int:
    """List the releases, newest first, with their disk use."""
    use, pinned, current = city.releases.disk_use(), city.releases.pinned(), city.releases.current_id()
    for release in city.releases.all():
        manifest = release.manifest()
        marks = [
            text(f"release-is-{m}")
            for m, on in (("current", release.id == current), ("pinned", release.id in pinned))
            if on
        ]
        size = sum(info.triples for info in manifest.graphs.values())
        print(
            f"{release.id}  {size:>10,}  {use[release.id] / 1e6:>8.1f} MB  {manifest.why}  {', '.join(marks)}".rstrip()
        )
    return 0


def show(city: City, options: argparse.Namespace, text: Text) -> int:
    """Show the manifest of a release: its graphs, their sizes, licences and sources."""
    release = city.releases.get(options.id)
    manifest = release.manifest(View.INTERNAL)
    public = release.manifest().graphs
    print(
        text("release-head", id=release.id, parent=manifest.parent or "-", created=manifest.created, why=manifest.why)
    )
    for iri, info in sorted(manifest.graphs.items()):
        hidden = "" if iri in public else text("release-restricted")
        print(
            f"{info.triples:>10,}  {iri.removeprefix(manifest.base)}  {info.licence}  {info.origin}  {hidden}".rstrip()
        )
    return 0


def diff(city: City, options: argparse.Namespace, text: Text) -> int:
    """Show what differs between two releases, graph by graph."""
    old, new = city.releases.get(options.a), city.releases.get(options.b)
    same = True
    for difference in city.releases.diff(old.id, new.id, View.INTERNAL):
        same = False
        graph = difference.graph.removeprefix(city.names.base)
        print(text("release-diff", graph=graph, added=len(difference.added), removed=len(difference.removed)))
        for sign, triples in (("+", difference.added), ("-", difference.removed)):
            for triple in triples[:SHOWN]:
                print(f"  {sign} {triple}")
            if len(triples) > SHOWN:
                print(text("release-diff-more", number=len(triples) - SHOWN))
    if same:
        print(text("release-diff-none"))
    return 0


def rollback(city: City, options: argparse.Namespace, text: Text) -> int:
    """Make an earlier release the current one."""
    print(text("release-rolled-back", id=city.rollback(options.id).id))
    return 0


def pin(city: City, options: argparse.Namespace, text: Text) -> int:
    """Keep a release for good."""
    print(text("release-pinned", id=city.pin(options.id).id))
    return 0


def prune(city: City, options: argparse.Namespace, text: Text) -> int:
    """Remove the releases that the settings do not keep."""
    removed = city.prune()
    for name in removed:
        print(text("release-removed", id=name))
    print(text("release-kept", number=len(city.releases.ids())))
    return 0


def withdraw(city: City, options: argparse.Namespace, text: Text) -> int:
    """Remove a graph from every release."""
    changed = city.withdraw(options.graph)
    print(text("release-withdrawn", graph=options.graph, number=len(changed)))
    return 0


VERBS: Final[dict[str, Verb]] = {
    "list": list_all,
    "show": show,
    "diff": diff,
    "rollback": rollback,
    "pin": pin,
    "prune": prune,
    "withdraw": withdraw,
}
