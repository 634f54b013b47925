"""The gate: the shapes that a source must fulfil before it may enter a release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stadtgraph.shacl import Shapes, gate, load_shapes
from stadtgraph.terms import RDF, SH

TARGETS: Final = {SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf, SH.target}


@dataclass(frozen=True, slots=True)
class Gate:
    """Gate shapes, and how to tell quickly that a file holds nothing they speak of."""

    shapes: Shapes
    marks: tuple[bytes, ...]

    @classmethod
    def load(cls, folder: Path, base: str) -> Gate:
        """Take the gate shapes among all shapes of a folder."""
        shapes = gate(load_shapes(sorted(folder.rglob("*.ttl")), base))
        targets = [t for t in shapes.triples if t.predicate in TARGETS]
        if any(t.predicate != SH.targetClass for t in targets):
            return cls(shapes, ())
        return cls(shapes, tuple(f" {RDF.type} {t.object} .\n".encode() for t in targets))

    def concerns(self, lines: Path) -> bool:
        """Tell whether some node of a file of N-Triples lines is a target; cheap, so that large tables pass quickly."""
        if not self.marks:
            return True
        with lines.open("rb") as file:
            rest = b""
            while block := file.read(1 << 20):
                text = rest + block
                if any(mark in text for mark in self.marks):
                    return True
                rest = text[-1000:]
        return False
