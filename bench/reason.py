"""How long inferring takes, how it grows, and how it compares with owlrl and reasonable: ``python bench/reason.py``.

Made-up cities of about six triples a dataset; the schema, the data and what the others derive from them are the same
in every column. ``reasonable`` (a reasoner in Rust) is measured where a Python has it: this one, or the one that
``--reasonable`` names. Both others are compared triple by triple: what only one side derives is counted by its reason.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import pyoxigraph as ox

from stadtgraph.reason import Rules, compile_rules
from stadtgraph.reason.closing import closed
from stadtgraph.terms import OWL, RDF, RDFS, XSD, Term

SCHEMA = b"""
@prefix : <http://x/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
:Office rdfs:subClassOf :Unit . :Unit rdfs:subClassOf :Agent . :Agent owl:equivalentClass :Actor .
:Dataset rdfs:subClassOf :Resource . :publisher rdfs:subPropertyOf :agent ; rdfs:domain :Resource ; rdfs:range :Agent .
:partOf a owl:TransitiveProperty ; owl:inverseOf :hasPart . :distribution owl:inverseOf :isDistributionOf .
"""
SIZES: Final = (100, 1_000, 10_000, 100_000)
PART: Final = 100
"""One source in so many datasets is the one that changes."""
T = TypeVar("T")
Subject = ox.NamedNode | ox.BlankNode | ox.Triple
LANGUAGES: Final = tuple(str(namespace) for namespace in (RDF, RDFS, OWL, XSD))
HIERARCHY: Final = (RDFS.subClassOf, RDFS.subPropertyOf, OWL.equivalentClass, OWL.equivalentProperty)
CHILD: Final = """
import json, resource, sys, time
import reasonable
start = time.process_time()
reasoner = reasonable.PyReasoner()
reasoner.load_file(sys.argv[1])
loaded = time.process_time()
triples = reasoner.reason()
done = time.process_time()
with open(sys.argv[2], "w", encoding="utf-8") as file:
    for s, p, o in triples:
        file.write(f"{s.n3()} {p.n3()} {o.n3()} .\\n")
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"load": loaded - start, "reason": done - loaded, "memory": rss}))
"""


def name(text: str) -> ox.NamedNode:
    """Give a name of the made-up city."""
    return ox.NamedNode("http://x/" + text)


def units(datasets: int) -> Iterator[ox.Triple]:
    """Make up the units of a city: offices in a tree, each but one part of another."""
    for i in range(_units(datasets)):
        yield ox.Triple(name(f"unit/{i}"), RDF.type, name("Office"))
        if i:
            yield ox.Triple(name(f"unit/{i}"), name("partOf"), name(f"unit/{i // 4}"))


def source(first: int, last: int, datasets: int, version: int = 0) -> Iterator[ox.Triple]:
    """Make up the datasets from ``first`` on; another version has other publishers and titles."""
    for i in range(first, last):
        dataset = name(f"dataset/{i}")
        yield ox.Triple(dataset, name("publisher"), name(f"unit/{(i + version) % _units(datasets)}"))
        for key in ("title", "issued", "modified", "keyword", "licence"):
            yield ox.Triple(dataset, name(key), ox.Literal(f"{key} {i} {version}"))


def _units(datasets: int) -> int:
    return max(10, datasets // 50)


class InStore:
    """Facts in a store of Oxigraph on disk, as the product keeps them."""

    def __init__(self, folder: str, triples: Iterable[ox.Triple]) -> None:
        self.store = ox.Store(tempfile.mkdtemp(dir=folder))
        self.store.bulk_extend(ox.Quad(t.subject, t.predicate, t.object) for t in triples)

    def match(self, s: Subject | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterator[ox.Triple]:
        """Give the triples that fit the pattern."""
        return (quad.triple for quad in self.store.quads_for_pattern(s, p, o, ox.DefaultGraph()))

    def change(self, gone: Iterable[ox.Triple], come: Iterable[ox.Triple]) -> None:
        """Remove some triples and add others."""
        for triple in gone:
            self.store.remove(ox.Quad(*triple))
        self.store.extend(ox.Quad(*triple) for triple in come)

    def all(self) -> set[ox.Triple]:
        """Give all triples."""
        return set(self.match(None, None, None))


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Give the seconds of processor time that ``work`` took, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


REASONS: Final[dict[str, Callable[[ox.Triple], bool]]] = {
    "identity: every term is the same as itself": lambda t: t.predicate == OWL.sameAs,
    "reflexive: a class or property below or equal to itself": lambda t: (
        t.predicate in HIERARCHY and t.subject == t.object
    ),
    "everything is a thing, nothing is below everything": lambda t: (
        t.object in (OWL.Thing, RDFS.Resource) or OWL.Nothing in (t.subject, t.object)
    ),
    "about the languages' own terms": lambda t: _of_language(t.subject),
    "types of the languages (owl:Class, xsd:string ...)": lambda t: t.predicate == RDF.type and _of_language(t.object),
    "domains and ranges of super-terms; their effect is derived": lambda t: t.predicate in (RDFS.domain, RDFS.range),
    "hierarchy over the languages' own terms": lambda t: t.predicate in HIERARCHY and _of_language(t.object),
}


def _of_language(term: object) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith(LANGUAGES)


def compare(ours: set[ox.Triple], theirs: set[ox.Triple], who: str) -> None:
    """Say what only one side derives, by reason."""
    counts: Counter[str] = Counter()
    for triple in theirs - ours:
        counts[next((reason for reason, fits in REASONS.items() if fits(triple)), "NOT EXPLAINED")] += 1
    mine = Counter(
        "an equivalence read both ways (scm-eqc2, scm-eqp2)" if t.predicate in HIERARCHY else "NOT EXPLAINED"
        for t in ours - theirs
    )
    print(f"        only {who}: {sum(counts.values()):,}")
    for reason, number in counts.most_common():
        print(f"            {number:>9,}  {reason}")
    print(f"        not of {who}: {sum(mine.values()):,}")
    for reason, number in mine.most_common():
        print(f"            {number:>9,}  {reason}")


def with_reasonable(python: str, statements: Iterable[ox.Triple]) -> tuple[dict[str, float], set[ox.Triple]] | None:
    """Give figures and result of the package ``reasonable``; ``None`` where that Python has it not."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "in.ttl"), Path(folder, "out.nt")
        given.write_bytes(ox.serialize(statements, format=ox.RdfFormat.N_TRIPLES) or b"")
        run = subprocess.run([python, "-c", CHILD, str(given), str(made)], capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"        reasonable: skipped ({(run.stderr.strip().splitlines() or ['?'])[-1][:80]})")
            return None
        return json.loads(run.stdout), set(_read(made))


def _read(file: Path) -> Iterator[ox.Triple]:
    """Give the triples of a file; lines that are none (literals as subjects) are passed over."""
    for quad in ox.parse(path=str(file), format=ox.RdfFormat.N_TRIPLES, lenient=True):
        yield quad.triple


def change(rules: Rules, facts: InStore, inferred: InStore, gone: list[ox.Triple], come: list[ox.Triple]) -> str:
    """Follow a change of the facts; say how long it took and whether the result is that of inferring anew."""
    facts.change(gone, come)
    seconds, (add, remove) = timed(lambda: rules.update(facts, inferred, come, gone))
    inferred.change(remove, add)
    exact = inferred.all() == set(rules.infer(facts))
    return (
        f"{len(gone) + len(come):>7,} triples changed: +{len(add):,} -{len(remove):,} in {seconds * 1000:,.2f} ms"
        f" ({'as from scratch' if exact else 'WRONG'})"
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--reasonable", default=sys.executable, metavar="PYTHON")
    options.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="DATASETS")
    options.add_argument("--owlrl", type=int, default=1_000, metavar="DATASETS", help="up to which size owlrl runs")
    given = options.parse_args()
    schema = [quad.triple for quad in ox.parse(SCHEMA, format=ox.RdfFormat.TURTLE)]
    seconds, rules = timed(lambda: compile_rules(schema))
    print(f"compile the ontology: {seconds * 1000:.0f} ms; all times are processor time")
    with tempfile.TemporaryDirectory() as folder:
        for datasets in given.sizes:
            measure(rules, schema, datasets, folder, given)


def measure(rules: Rules, schema: list[ox.Triple], datasets: int, folder: str, given: argparse.Namespace) -> None:
    """Print the lines of one size."""
    data = [*units(datasets), *source(0, datasets, datasets)]
    facts = InStore(folder, [*schema, *data])
    seconds, found = timed(lambda: list(rules.infer(facts)))
    inferred = InStore(folder, found)
    triples = len(facts.store)
    print(f"{datasets:>9,} datasets, {triples:>9,} triples: +{len(found):,} in {seconds:.3f} s"
          f" ({seconds / triples * 1e6:.1f} µs a triple)")  # fmt: skip
    ours = {*found, *facts.all()}
    if datasets <= given.owlrl:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            slow, theirs = timed(lambda: closed([*schema, *data]))
        print(f"        owlrl: {slow:.2f} s, {slow / seconds:,.0f} times as long")
        compare(ours, theirs, "owlrl")
    else:
        print(f"        owlrl: skipped (more than {given.owlrl:,} datasets)")
    other = with_reasonable(given.reasonable, [*schema, *data])
    if other is not None:
        told, derived = other
        took = told["reason"]
        print(f"        reasonable: {took:.2f} s, {took / seconds:,.1f} times as long"
              f" (and {told['load']:.2f} s to load); {told['memory']:,} MB")  # fmt: skip
        compare(ours, derived | set(schema) | set(data), "reasonable")
    last = max(1, datasets // PART)
    old, new = (list(source(0, last, datasets, version)) for version in (0, 1))
    link, record, *_ = source(0, 1, datasets)
    for label, gone, come in (
        ("a title goes", [record], []),
        ("a publisher goes", [link], []),
        ("both come back", [], [record, link]),
        ("a source is replaced", old, new),
        ("a source goes", new, []),
        ("a source comes", [], old),
    ):
        print(f"        {label:<21}{change(rules, facts, inferred, gone, come)}")


if __name__ == "__main__":
    main()
