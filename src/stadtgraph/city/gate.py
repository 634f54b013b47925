"""The gate: the shapes that a source must fulfil before it may enter a release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stadtgraph.city import foreign
from stadtgraph.config import Config
from stadtgraph.shacl import Shapes, gate
from stadtgraph.terms import RDF, RDFS, SH

ANYTHING: Final = b" "
"""The mark that every line has."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Gate shapes, and how to tell quickly that a file holds nothing they speak of."""

    shapes: Shapes
    marks: tuple[bytes, ...]

    @classmethod
    def load(cls, folder: Path, config: Config, base: str) -> Gate:
        """Take the gate shapes among all shapes of a folder."""
        shapes = gate(foreign.load(sorted(folder.rglob("*.ttl")), config, base))
        return cls(shapes, tuple(sorted(set(_marks(shapes)))))

    def concerns(self, lines: Path) -> bool:
        """Tell whether some node of a file of N-Triples lines is a target; cheap, so that large tables pass quickly."""
        with lines.open("rb") as file:
            rest = b""
            while block := file.read(1 << 20):
                text = rest + block
                if any(mark in text for mark in self.marks):
                    return True
                rest = text[-1000:]
        return False


def _marks(shapes: Shapes) -> Iterator[bytes]:
    """Give, for each target of the shapes, bytes that a file of N-Triples lines holds if it has such a target.

    Source: https://www.w3.org/TR/shacl/#targets
    """
    for triple in shapes.triples:
        if triple.predicate == SH.targetClass or (triple.predicate == RDF.type and triple.object == RDFS.Class):
            name = triple.object if triple.predicate == SH.targetClass else triple.subject
            yield f" {RDF.type} {name} .\n".encode()
            yield f" {RDFS.subClassOf} {name} .\n".encode()
        elif triple.predicate in (SH.targetSubjectsOf, SH.targetObjectsOf):
            yield f" {triple.object} ".encode()
        elif triple.predicate == SH.targetNode:
            yield f"{triple.object} ".encode()
        elif triple.predicate == SH.target:
            yield ANYTHING
