"""The reference by which real answers are judged: plain Python over the files themselves, no store, no SPARQL.

A reference function gives the rows of one question. It reads the registers by rdflib and tables by csv and json, and
never what the product made of them. ``@answers`` names the query and the columns that are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

from rdflib import RDF, RDFS, Graph, Namespace, URIRef
from rdflib.term import Node

from stadtgraph.terms import PREFIXES, Names

BASE = Names().base
ROOT = Path(__file__).resolve().parent.parent.parent
DCAT, DCT, FOAF, ORG, PROV, SG, SKOS = (
    Namespace(str(PREFIXES[p])) for p in ("dcat", "dct", "foaf", "org", "prov", "sg", "skos")
)
GEO, SCHEMA, SOSA = (Namespace(str(PREFIXES[p])) for p in ("geo", "schema", "sosa"))

Row = tuple[str, ...]
Option = str | Row


def today() -> date:
    """Give the day on which queries are asked: theirs is that of UTC, wherever the machine stands."""
    return datetime.now(UTC).date()


def local(term: object) -> str:
    """Give a term as answers are compared: names relative to the city."""
    return str(term).removeprefix(BASE)


def name(path: str) -> URIRef:
    """Give the IRI that a register writes as ``<id/...>``."""
    return URIRef(f"{BASE}id/{path}")


def optional(options: Iterable[Option], width: int = 1) -> list[Option]:
    """Give the options, or one of ``width`` empty cells where there is none: a left join."""
    return list(options) or ([""] if width == 1 else [("",) * width])


def combine(*columns: Iterable[Option]) -> Iterator[Row]:
    """Give every combination of the options of some columns, each as one row."""
    for cells in product(*map(list, columns)):
        yield tuple(part for cell in cells for part in ((cell,) if isinstance(cell, str) else cell))


class Registers:
    """The registers and the concepts of the ontology, read by rdflib."""

    def __init__(self) -> None:
        """Read them all into one graph."""
        self.graph = Graph()
        files = sorted((ROOT / "data" / "registers").glob("*.ttl"))
        for file in [*files, ROOT / "ontology" / "roles.ttl"]:
            self.graph.parse(file, format="turtle", publicID=BASE)

    def of(self, subject: Node, *path: Node) -> list[Node]:
        """Give the values at the end of a path of properties, in a fixed order."""
        found: list[Node] = [subject]
        for step in path:
            found = [value for node in found for value in self.graph.objects(node, step)]
        return sorted(set(found), key=str)

    def texts(self, subject: Node, *path: Node) -> list[Option]:
        """Give such values as they are compared."""
        return [local(value) for value in self.of(subject, *path)]

    def with_(self, step: Node, value: Node | None = None) -> list[Node]:
        """Give the subjects that have a property (with this value)."""
        return sorted(set(self.graph.subjects(step, value)), key=str)

    def all(self, kind: Node) -> list[Node]:
        """Give everything of a class."""
        return self.with_(RDF.type, kind)

    def word(self, subject: Node, step: Node = SKOS.prefLabel) -> str:
        """Give the German text of a property, or nothing."""
        found = [str(v) for v in self.of(subject, step) if getattr(v, "language", None) in ("de", None)]
        return found[0] if found else ""

    def title(self, subject: Node) -> str:
        """Give the German title."""
        return self.word(subject, DCT.title)

    def named(self, subject: Node) -> str:
        """Give the German title or label."""
        return self.title(subject) or self.word(subject)

    def asks(self, about: Node, wanted: Node) -> list[Option]:
        """Give open questions about something with the post to ask."""
        return [
            (self.word(question, RDFS.label), self.word(post))
            for question in self.with_(SG.about, about)
            if wanted in self.of(question, SG.asksFor)
            for post in self.of(question, SG.askPost)
        ]

    def asked(self, wanted: Node) -> Iterator[tuple[Node, Row]]:
        """Give everything of which ``wanted`` is asked, with question and post."""
        for question in self.with_(SG.asksFor, wanted):
            for about, post in product(self.of(question, SG.about), self.of(question, SG.askPost)):
                yield about, (self.word(question, RDFS.label), self.word(post))

    def whole(self, unit: Node) -> set[Node]:
        """Give the unit and all that it is part of."""
        found, new = {unit}, {unit}
        while new:
            new = {p for u in new for s in (ORG.unitOf, ORG.subOrganizationOf) for p in self.of(u, s)} - found
            found |= new
        return found

    def unit(self, agent: Node) -> Node:
        """Give the unit of a post, or the unit itself."""
        return (self.of(agent, ORG.postIn) or [agent])[0]

    def is_valid(self, subject: Node, day: str | None = None) -> bool:
        """Tell whether something is valid on a day (today)."""
        day = day or today().isoformat()
        starts, ends = self.of(subject, SG.validFrom), self.of(subject, SG.validUntil)
        return all(str(s) <= day for s in starts) and all(day <= str(e) for e in ends)

    def responsibilities(self, thing: Node, raci: Node, day: str | None = None) -> list[Node]:
        """Give the responsibilities of one kind for something that are valid on a day."""
        found = [r for r in self.with_(SG["for"], thing) if raci in self.of(r, SG.raci)]
        return [r for r in found if self.is_valid(r, day)]

    @property
    def datasets(self) -> list[Node]:
        """Every dataset."""
        return self.all(DCAT.Dataset)

    def period(self, dataset: Node) -> tuple[list[Option], list[Option]]:
        """Give the stated first and last days of what a dataset covers."""
        return self.texts(dataset, DCT.temporal, DCAT.startDate), self.texts(dataset, DCT.temporal, DCAT.endDate)


@dataclass(frozen=True, slots=True)
class World:
    """What a reference function may look at."""

    registers: Registers
    files: Path
    """The folder of the city's real files."""
    built: date
    """The day on which the city was built."""


Reference = Callable[[World], Iterable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Expected:
    """The reference of one query: the columns it knows and the function that gives their rows."""

    columns: tuple[str, ...]
    rows: Reference
    only: Callable[[dict[str, str]], bool] | None = None
    """Which rows of the answer are compared; ``None`` means all."""

    def bag(self, world: World) -> Counter[Row]:
        """Give the rows as a bag."""
        return Counter(tuple(row) for row in self.rows(world))


EXPECTED: dict[str, Expected] = {}


def answers(
    query: str, columns: str, only: Callable[[dict[str, str]], bool] | None = None
) -> Callable[[Reference], Reference]:
    """Make the decorated function the reference of a query for these columns."""

    def register(function: Reference) -> Reference:
        known = EXPECTED.get(query)
        assert known is None or known.rows.__name__ == function.__name__
        EXPECTED[query] = Expected(tuple(columns.split()), function, only)
        return function

    return register


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Give each row once."""
    return sorted(set(rows))
