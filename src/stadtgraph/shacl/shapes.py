"""Shapes, checked and compiled once, used many times."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyoxigraph as ox

from stadtgraph.errors import InputError, ShapeError
from stadtgraph.shacl.graph import Node, ShapesGraph, path_text
from stadtgraph.shacl.lint import Problem, lint
from stadtgraph.shacl.naming import Named, name_shapes
from stadtgraph.shacl.words import TARGETS
from stadtgraph.terms import RDF, RDFS, SG, SH, XSD, Term

if TYPE_CHECKING:
    from stadtgraph.shacl.isolated import Limits

FORMATS = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".xml": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
}


class Shapes:
    """A shapes graph that passed the checks. Its blank-node shapes have names; equal graphs have equal names."""

    isolated: Limits | None = None
    """The limits of the process in which these shapes are validated; ``None`` where they are trusted."""

    def __init__(
        self,
        triples: Iterable[ox.Triple],
        files: dict[Term, str] | None = None,
        isolated: Limits | None = None,
    ) -> None:
        """Check and name the shapes among ``triples``; raises :class:`ShapeError` for the first problem.

        ``files`` may say for a subject which file it stands in, for the message. With ``isolated`` every validation
        runs in a process of its own within these limits.
        """
        self.isolated = isolated
        stated = ShapesGraph(triples)
        problems = lint(stated.triples)
        if problems:
            raise _error(problems, files or {})
        self._named: Named = name_shapes(stated)
        self.graph = ShapesGraph(self._named.triples)

    @property
    def triples(self) -> tuple[ox.Triple, ...]:
        """The shapes graph, its blank-node shapes named."""
        return self.graph.triples

    @cached_property
    def text(self) -> str:
        """The shapes graph as N-Triples."""
        return ox.serialize(sorted(self.triples, key=str), format=ox.RdfFormat.N_TRIPLES).decode()  # type: ignore[union-attr]

    @cached_property
    def digest(self) -> str:
        """A checksum of the shapes graph, the same whatever its blank nodes are called."""
        dataset = ox.Dataset(ox.Quad(t.subject, t.predicate, t.object) for t in self.triples)
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
        return hashlib.sha256("\n".join(sorted(map(str, dataset))).encode()).hexdigest()

    def __len__(self) -> int:
        """The number of shapes."""
        return len(self.shapes)

    def __repr__(self) -> str:
        return f"<Shapes: {len(self)} shapes, {len(self.triples)} triples>"

    @cached_property
    def shapes(self) -> tuple[Node, ...]:
        """Every shape that has an address: stated to be one, with a path or a target, or referred to by one."""
        found = {s for s in self.graph.subjects() if self.graph.is_shape(s)}
        found |= {child for s in found for _, child in self.graph.links(s)}
        return tuple(sorted(found, key=str))

    def targeting(self, kept: Collection[Node], given: Mapping[Node, ox.NamedNode] | None = None) -> Shapes:
        """Give the same shapes, of which only those ``kept`` have their targets; the others are only referred to.

        Those that ``given`` names have the objects of a property as their focus nodes instead.
        """
        part = object.__new__(Shapes)
        part.isolated = self.isolated
        part._named = self._named
        stated = [t for t in self.triples if t.subject in kept or not _makes_target(self, t)]
        stated += [ox.Triple(shape, SH.targetObjectsOf, p) for shape, p in (given or {}).items()]
        part.graph = ShapesGraph(stated)
        return part

    def root(self, shape: Term) -> ox.NamedNode | None:
        """Give the nearest enclosing shape that has an IRI of its own; the shape itself where it has one."""
        if isinstance(shape, ox.BlankNode):
            shape = self._named.names.get(shape, shape)
        return self._named.roots.get(shape, shape) if isinstance(shape, ox.NamedNode) else None

    def name(self, shape: Node) -> Node:
        """Give the name that a shape goes by here: its own, or the one that its blank node was given."""
        return self._named.names.get(shape, shape) if isinstance(shape, ox.BlankNode) else shape

    def path(self, shape: Term) -> str | None:
        """Give the path of a property shape as SPARQL writes it."""
        path = self.graph.first(shape, SH.path)
        return None if path is None else path_text(self.graph, path)

    @cached_property
    def target_classes(self) -> tuple[ox.NamedNode, ...]:
        """The classes whose members are focus nodes."""
        return tuple(sorted({c for s in self.shapes for c in self.graph.target_classes(s)}, key=str))

    @property
    def targets_classes_only(self) -> bool:
        """Whether every focus node is a member of a target class."""
        others = [p for p in TARGETS if p != SH.targetClass]
        return not any(p in self.graph.predicates(s) for s in self.graph.subjects() for p in others)


def _error(problems: tuple[Problem, ...], files: dict[Term, str]) -> ShapeError:
    first = problems[0]
    parameters = dict(first.params)
    where = files.get(first.shape, "")
    error = ShapeError(first.key, shape=f"{where}: {first.shape}" if where else str(first.shape), **parameters)
    error.add_note(f"problems: {len(problems)}")
    return error


def load_shapes(
    paths: Iterable[str | Path], base: str, isolated: Limits | None = None, more: Iterable[ox.Triple] = ()
) -> Shapes:
    """Read, check and compile shapes from files and folders; relative IRIs are resolved against ``base``.

    ``isolated`` is for shapes that others wrote: see :class:`Shapes`. ``more`` are shapes that stand in no file.

    Raises :class:`ShapeError`: for malformed RDF with file, line and column, for a shape that cannot be used with
    file, shape and reason; and :class:`InputError` where a file cannot be read.
    """
    triples: list[ox.Triple] = []
    files: dict[Term, str] = {}
    for file in _files(paths):
        for triple in parse_shapes(file, base):
            triples.append(triple)
            files.setdefault(triple.subject, file.name)
    return Shapes([*triples, *more], files, isolated)


def _files(paths: Iterable[str | Path]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in FORMATS)
        else:
            yield path


def parse_shapes(file: Path, base: str) -> list[ox.Triple]:
    """Read the triples of one file; its blank nodes are kept apart from those of other files."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError("shapes-unreadable", file=file, problem=error.strerror or error) from error
    form = FORMATS.get(file.suffix.lower(), ox.RdfFormat.TURTLE)
    try:
        quads = ox.parse(content, format=form, base_iri=base, rename_blank_nodes=True)
        return [quad.triple for quad in quads]
    except SyntaxError as error:
        line, column = error.lineno or 0, error.offset or 0
        raise ShapeError("shape-syntax", file=file, line=line, column=column, problem=error.msg) from error


def gate(shapes: Shapes, mark: ox.NamedNode = SG.gate) -> Shapes:
    """Give the shapes that are marked ``sg:gate true``: the others lose their targets, and are only referred to.

    ``mark`` may be another property, such as ``sg:recordGate`` for what is asked of the records of others.
    """
    marked = {s for s in shapes.graph.subjects() if any(map(_is_true, shapes.graph.objects(s, mark)))}
    return shapes.targeting(marked)


def _is_true(term: Term) -> bool:
    return isinstance(term, ox.Literal) and term.datatype == XSD.boolean and term.value in ("true", "1")


def _makes_target(shapes: Shapes, triple: ox.Triple) -> bool:
    if triple.predicate in TARGETS:
        return True
    is_class = triple.predicate == RDF.type and triple.object == RDFS.Class
    return is_class and shapes.graph.is_shape(triple.subject)
