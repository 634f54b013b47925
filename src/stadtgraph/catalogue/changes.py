"""Which datasets a release added, changed or removed, read from its patch; and those changes as an Atom feed.

Source: https://www.rfc-editor.org/rfc/rfc4287
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.catalogue.vocabulary import ADMS
from stadtgraph.store import Engine
from stadtgraph.terms import DCAT, DCT, RDF, Names

LONGEST: Final = 2_000_000
"""Lines of a patch that are looked at; a release that changed more says just that it changed much."""
MOST: Final = 200
"""Entries that one release brings at most."""
_TYPE: Final = f" {RDF.type} {DCAT.Dataset} ".encode()
_ABOVE: Final = (DCAT.distribution, DCT.temporal, DCAT.contactPoint, ADMS.identifier)
ADDED, CHANGED, REMOVED = "added", "changed", "removed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one dataset by one release."""

    release: str
    time: datetime
    dataset: str
    kind: str
    title: str


def read_changes(patch: Path, names: Names, engine: Engine) -> list[tuple[str, str]]:
    """Give the datasets that a patch touches, sorted, each with ``added``, ``changed`` or ``removed``.

    ``engine`` is that of the release: by it a changed distribution leads to its dataset. Derived graphs do not count.
    """
    if not patch.is_file():
        return []
    touched: dict[bytes, None] = {}
    born: set[bytes] = set()
    gone: set[bytes] = set()
    source = f" <{names.base}graph/source/".encode()
    with gzip.open(patch, "rb") as file:
        for line in islice(file, LONGEST):
            if line[:3] not in (b"A <", b"D <") or source not in line:
                continue
            subject = line[3 : line.index(b">", 3)]
            touched[subject] = None
            if _TYPE in line:
                (born if line[:1] == b"A" else gone).add(subject)
    found = {iri.decode(): REMOVED for iri in gone - born} | {iri.decode(): ADDED for iri in born - gone}
    for raw in touched:
        for dataset in _datasets(ox.NamedNode(raw.decode()), engine):
            found.setdefault(dataset, CHANGED)
    return sorted(found.items())


def _datasets(node: ox.NamedNode, engine: Engine) -> Iterator[str]:
    if any(True for _ in engine.triples(node, RDF.type, DCAT.Dataset)):
        yield node.value
        return
    for p in _ABOVE:
        for triple in islice(engine.triples(None, p, node), MOST):
            if isinstance(triple.subject, ox.NamedNode):
                yield triple.subject.value


Address = Callable[[str], str]
"""Gives the address of the page of a dataset."""


def atom(entries: Iterable[Entry], address: Address, this: str, base: str, title: str, lang: str) -> bytes:
    """Give the feed; its time is that of the newest entry, so that equal content has equal bytes."""
    found = list(entries)
    updated = max((entry.time for entry in found), default=datetime(1970, 1, 1))
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(lang)}>\n',
        f"<id>{escape(base)}catalog/changes</id>\n<title>{escape(title)}</title>\n",
        f"<updated>{_time(updated)}</updated>\n<author><name>{escape(title)}</name></author>\n",
        f'<link rel="self" type="application/atom+xml" href={quoteattr(this)}/>\n',
    ]
    for entry in found:
        told = messages.text(f"catalogue-feed-{entry.kind}", lang, title=entry.title or entry.dataset)
        parts.append(
            f"<entry>\n<id>{escape(entry.dataset)}#{entry.release}</id>\n<title>{escape(told)}</title>\n"
            f"<updated>{_time(entry.time)}</updated>\n<category term={quoteattr(entry.kind)}/>\n"
            f"<link href={quoteattr(address(entry.dataset))}/>\n</entry>\n"
        )
    return ("".join(parts) + "</feed>\n").encode()


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
