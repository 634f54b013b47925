"""Which exported records break a rule of the profile, by the shapes that audits use; a batch is validated at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import pyoxigraph as ox

from stadtgraph.catalogue.records import Record
from stadtgraph.shacl import Shapes, validate
from stadtgraph.terms import SG, SH, XSD

BATCH = 500


def checked(
    records: Iterable[Record], shapes: Shapes | None, today: str, using: str | None = None
) -> Iterator[tuple[Record, tuple[str, ...] | None]]:
    """Give each record with the messages of what it violates, in German; ``None`` where there are no shapes."""
    todo = iter(records)
    while batch := list(islice(todo, BATCH)):
        if shapes is None:
            yield from ((record, None) for record in batch)
            continue
        held_by: dict[str, list[int]] = {}
        triples = {ox.Triple(SG.audit, SG.asOf, ox.Literal(today, datatype=XSD.date)): None}
        for number, record in enumerate(batch):
            for block in record.blocks:
                held_by.setdefault(str(block.node), []).append(number)
                triples.update(dict.fromkeys(block.triples))
        found: dict[int, list[str]] = {}
        for result in validate(list(triples), shapes, using=using).results:
            if result.severity == SH.Violation:
                for number in held_by.get(str(result.focus), ()):
                    found.setdefault(number, []).append(result.message("de"))
        for number, record in enumerate(batch):
            yield record, tuple(found.get(number, ()))
