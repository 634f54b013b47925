"""Why an inferred triple holds: the rules and what they read, down to the graphs that state it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.errors import NotFound, UsageError
from stadtgraph.query.worker import Stores
from stadtgraph.reason import ASSERTED, compile_rules
from stadtgraph.store import Normaliser, OxigraphEngine, StoredFacts, no_premises
from stadtgraph.terms import INFERRED, LINKS, ONTOLOGY, PREFIXES, SPACE, Names

DERIVE: Final = "stadtgraph.lineage.derivation:run"
LONGEST: Final = 8_000
"""Characters of a statement that is asked about."""
_MADE: Final = {LINKS: "linked", SPACE: "placed"}
_HEADER: Final = "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in PREFIXES.items())


@dataclass(frozen=True, slots=True)
class DerivedStep:
    """One step: the rule, the triple that it concludes, the numbers of the steps it uses, and the graphs that state it.

    Beside the rules of inference there are ``asserted`` for what sources or the ontology state, and ``linked`` and
    ``placed`` for what link rules and the grid of places made.
    """

    rule: str
    triple: str
    uses: tuple[int, ...] = ()
    graphs: tuple[str, ...] = ()


def statement(text: str, names: Names) -> ox.Triple:
    """Read one triple as Turtle writes it; the usual prefixes are known and ``<id/...>`` is below the base.

    Raises :class:`UsageError` for anything else, blank nodes included.
    """
    if len(text) > LONGEST:
        raise UsageError("derivation-statement")
    try:
        body = f"{_HEADER}{text.strip().rstrip('.')} ."
        quads = list(ox.parse(body.encode(), format=ox.RdfFormat.TURTLE, base_iri=names.base))
    except (SyntaxError, ValueError) as problem:
        raise UsageError("derivation-statement") from problem
    parts = [part for quad in quads for part in (quad.subject, quad.object)]
    if len(quads) != 1 or not all(isinstance(part, ox.NamedNode | ox.Literal) for part in parts):
        raise UsageError("derivation-statement")
    triple: ox.Triple = quads[0].triple
    return triple


def derivation(engine: OxigraphEngine, asked: ox.Triple) -> tuple[DerivedStep, ...]:
    """Give the steps that lead to a triple, itself last.

    Raises :class:`NotFound` where the view does not hold it, or where it is known to follow but not told from what.
    """
    store, names = engine.store, engine.names
    wanted = ox.Triple(asked.subject, asked.predicate, _stored(asked.object))
    holding = _holding(engine, wanted)
    if not holding:
        raise NotFound("derivation-unknown", statement=str(asked)[:300])
    facts = StoredFacts(store, no_premises(store, names))
    ontology = store.quads_for_pattern(None, None, None, names.graph(ONTOLOGY))
    found = compile_rules(quad.triple for quad in ontology).derive(wanted, facts)
    if not found:
        made = {names.graph(name).value: rule for name, rule in _MADE.items()}
        rules = [made[graph] for graph in holding if graph in made]
        if not rules and names.graph(INFERRED).value in holding:
            raise NotFound("derivation-untold", statement=str(asked)[:300])
        return (DerivedStep(rules[0] if rules else ASSERTED, str(wanted), (), tuple(holding)),)
    hidden = no_premises(store, names)
    return tuple(
        DerivedStep(step.rule, str(step.conclusion), step.uses, _stating(engine, step.conclusion, hidden, step.rule))
        for step in found
    )


def _stored(term: Any) -> Any:
    return Normaliser(1).stored([term])[0] if isinstance(term, ox.Literal) else term


def _holding(engine: OxigraphEngine, triple: ox.Triple) -> list[str]:
    quads = engine.store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
    return sorted(q.graph_name.value for q in quads if isinstance(q.graph_name, ox.NamedNode))


def _stating(engine: OxigraphEngine, triple: ox.Triple, hidden: Iterable[str], rule: str) -> tuple[str, ...]:
    if rule != ASSERTED:
        return ()
    return tuple(graph for graph in _holding(engine, triple) if graph not in hidden)


def run(request: dict[str, Any], stores: Stores, send: Callable[[bytes], None]) -> bytes:
    """Derive the triple ``request["statement"]`` in a worker process; send the steps as JSON."""
    engine = stores.get(request["path"], request["state"], request["base"])
    found = derivation(engine, statement(request["statement"], engine.names))
    send(json.dumps([asdict(step) for step in found]).encode())
    return b""


def steps_of(said: bytes) -> tuple[DerivedStep, ...]:
    """Read what :func:`run` sent."""
    return tuple(
        DerivedStep(step["rule"], step["triple"], tuple(step["uses"]), tuple(step["graphs"]))
        for step in json.loads(said)
    )
