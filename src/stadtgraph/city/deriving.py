"""Why a statement holds, for people: the steps of its derivation with rule, source, file and line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.city.origins import Origins
from stadtgraph.lineage.derivation import DerivedStep, derivation, statement
from stadtgraph.release import GraphInfo, Release, View
from stadtgraph.terms import Names

if TYPE_CHECKING:
    from stadtgraph.city import City


@dataclass(frozen=True, slots=True)
class Stated:
    """A graph that states a triple: its source's title, the dataset that it holds, and file and line where known."""

    graph: str
    title: Mapping[str, str]
    dataset: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Derivation:
    """Why a statement holds in a release; the last step concludes it. ``stated`` has the graphs of each step."""

    release: str
    steps: tuple[DerivedStep, ...]
    stated: tuple[tuple[Stated, ...], ...]

    def lines(self, lang: str) -> Iterator[str]:
        """Give the steps for a terminal."""
        for number, (step, stated) in enumerate(zip(self.steps, self.stated, strict=True), 1):
            uses = ", ".join(str(i + 1) for i in step.uses)
            rule = rule_name(step.rule, lang)
            yield f"{number:>3}  {step.triple}"
            yield f"     {rule}: {uses}" if uses else f"     {rule}"
            for entry in stated:
                name = entry.title.get(lang) or next(iter(entry.title.values()), entry.graph)
                yield "     - " + ", ".join(filter(None, (name, entry.place)))

    def as_dict(self, lang: str) -> dict[str, Any]:
        """Give the derivation ready for JSON; steps count from 1."""
        steps = [
            {
                "number": number,
                "triple": step.triple,
                "rule": step.rule,
                "name": rule_name(step.rule, lang),
                "uses": [i + 1 for i in step.uses],
                "stated": [
                    {
                        "graph": entry.graph,
                        **({"title": dict(entry.title)} if entry.title else {}),
                        **({"dataset": entry.dataset} if entry.dataset else {}),
                        **({"place": entry.place} if entry.place else {}),
                    }
                    for entry in stated
                ],
            }
            for number, (step, stated) in enumerate(zip(self.steps, self.stated, strict=True), 1)
        ]
        return {"triple": self.steps[-1].triple, "release": self.release, "steps": steps}


def rule_name(rule: str, lang: str) -> str:
    """Give what a rule does, in words, with its name in the standards."""
    return messages.text(f"derivation-rule-{rule}", lang)


def derive(
    city: City, text: str, release: Release, view: View, lang: str, origins: Origins | None = None
) -> Derivation:
    """Say why a statement holds in a view of a release; ``origins`` tell file and line of what is stated."""
    engine = release.engine(view)
    steps = derivation(engine, statement(text, engine.names))
    origins = origins or Origins(city, lang)
    infos = release.manifest(view).graphs

    def place(graph: str, triple: str) -> str:
        (quad,) = ox.parse(f"{triple} .", ox.RdfFormat.N_TRIPLES)
        return origins.line(graph, quad.triple)

    stated = tuple(
        tuple(stated_in(graph, infos, engine.names, place(graph, step.triple)) for graph in step.graphs)
        for step in steps
    )
    return Derivation(release.id, steps, stated)


def stated_in(graph: str, infos: Mapping[str, GraphInfo], names: Names, place: str = "") -> Stated:
    """Give a graph with what its manifest says of it."""
    info = infos.get(graph)
    if info is None:
        return Stated(graph, {}, "", place)
    dataset = names.base + info.dataset if info.dataset else ""
    return Stated(graph, info.title, dataset, place or info.origin)


def is_statement(text: str) -> bool:
    """Tell a statement from the key of a finding: keys have neither spaces nor angle brackets."""
    return len(text.split()) > 1 or text.lstrip().startswith("<")


def explain(city: City, options: argparse.Namespace, lang: str) -> int:
    """Write the derivation of one statement."""
    view = View.INTERNAL if options.internal else View.PUBLIC
    folder = Path(options.real_data) if options.real_data else None
    origins = Origins(city, lang, folder)
    found = derive(city, options.finding, city.releases.get(options.release), view, lang, origins)
    print("\n".join(found.lines(lang)))
    return 0
