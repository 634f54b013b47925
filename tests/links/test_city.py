"""Links in a city: found per view, kept up to date by the rules that a change touches, decided about for good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtgraph.cli import main
from stadtgraph.errors import NotFound
from stadtgraph.links import Link, State, stored
from stadtgraph.reason import TripleIndex
from stadtgraph.release import View
from town import SECRET, Town

NEAR = """
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
<id/link-rule/same-height> a sg:LinkRule ; rdfs:label "Gleich hoch"@de , "As high"@en ;
    sg:left "SELECT ?item ?value { ?item <https://town.example/ns#height> ?value }" ;
    sg:right "SELECT ?item ?value { ?item <https://town.example/ns#size> ?value }" ;
    sg:makes <https://town.example/ns#asHighAs> ; sg:inverse <https://town.example/ns#asHighAs> ;
    sg:compare [ a sg:Key ] .
"""
NAMED = """
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
<id/link-rule/named> a sg:LinkRule ; rdfs:label "Benannt"@de , "Named"@en ;
    sg:left "SELECT ?item ?value { ?item <https://town.example/ns#secretName> ?value }" ;
    sg:right "SELECT ?item ?value { ?item <https://town.example/ns#title> ?value }" ;
    sg:makes <https://town.example/ns#about> ;
    sg:compare [ a sg:Label ; sg:form sg:folded ; sg:limit 0.5 ] .
"""
UNITS = """
@prefix ex: <https://town.example/ns#> .
<id/unit/a> a ex:Unit ; ex:name "Amt A"@de ; ex:size {a} .
<id/unit/b> a ex:Unit ; ex:name "Amt B"@de ; ex:size {b} ; ex:title "Geheimplan Nordhang" .
"""


class LinkedTown(Town):
    """A town with two link rules."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.data / "links").mkdir()
        self.rule("near", NEAR)
        self.rule("named", NAMED)
        self.units(5, 7)

    def rule(self, name: str, text: str) -> None:
        """Write a rule."""
        (self.data / "links" / f"{name}.ttl").write_text(text, "utf-8")

    def units(self, a: int, b: int) -> None:
        """Write the register."""
        (self.data / "units.ttl").write_text(UNITS.format(a=a, b=b))

    def links(self, view: View = View.PUBLIC) -> list[Link]:
        """Give the links of the current release."""
        graph = TripleIndex(self.contents(view).get("https://town.example/graph/links", ()))
        return [
            link
            for name in ("same-height", "named")
            for link in stored(graph, ox.NamedNode(f"https://town.example/id/link-rule/{name}"))
        ]


@pytest.fixture
def town(tmp_path: Path) -> LinkedTown:
    """A town with two link rules, built."""
    made = LinkedTown(tmp_path)
    made.build()
    return made


@pytest.fixture
def make_town(tmp_path: Path) -> Callable[[str], LinkedTown]:
    """Make towns in folders of their own."""
    return lambda name: LinkedTown(tmp_path / name)


def test_links_are_stated_both_ways_with_their_evidence(town: LinkedTown) -> None:
    """Three trees are as high as one unit is large."""
    links = town.links()
    assert len(links) == 3 and {k.evidence for k in links} == {"value = 5"}
    graph = town.contents()["https://town.example/graph/links"]
    said = ox.NamedNode("https://town.example/ns#asHighAs")
    assert sum(t.predicate == said for t in graph) == 6


def test_what_is_restricted_is_linked_for_insiders_alone(town: LinkedTown) -> None:
    """Neither the statement nor its evidence reaches the public view."""
    town.plans()
    town.build()
    assert any("geheimplan" in k.evidence for k in town.links(View.INTERNAL))
    assert len(town.links()) == 3
    for path in (town.city_folder / "releases").glob("*/public/**/*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_a_rule_that_goes_takes_its_links_along(town: LinkedTown) -> None:
    """And a changed rule runs again."""
    town.rule("near", NEAR.replace("asHighAs", "equals"))
    town.build()
    assert {k.predicate.value for k in town.links()} == {"https://town.example/ns#equals"}
    (town.data / "links" / "near.ttl").unlink()
    town.build()
    assert town.links() == [] and "https://town.example/ns#equals" not in str(town.contents())


def test_decisions_outlive_every_rebuild(town: LinkedTown) -> None:
    """A rejected link stays rejected, a confirmed one stays when its rule finds it no more."""
    first, second, _ = sorted(town.links(), key=lambda k: k.key)
    with town.city as city:
        city.decide(first, State.REJECTED, "Anderer Baum.")
        city.decide(second, State.CONFIRMED, "Nachgesehen.")
    town.units(6, 7)
    town.trees(3, "6")
    town.build()
    states = {k.key: k.state for k in town.links()}
    assert (states[first.key], states[second.key]) == (State.REJECTED, State.CONFIRMED)
    town.units(9, 8)
    town.build()
    assert [(k.key, k.state) for k in town.links()] == [(second.key, State.CONFIRMED)]
    graph = town.contents()["https://town.example/graph/links"]
    assert ox.Triple(second.subject, second.predicate, second.object) in graph
    assert ox.Triple(first.subject, first.predicate, first.object) not in graph


def test_a_decision_about_a_restricted_link_is_restricted(town: LinkedTown) -> None:
    """Its ends would tell of what is hidden."""
    town.plans()
    town.build()
    (link,) = (k for k in town.links(View.INTERNAL) if "geheimplan" in k.evidence)
    assert main(["links", "review", link.key, "--reject", "--reason", "Nein", "--city", str(town.city_folder)]) == 2
    call = ["links", "review", link.key, "--reject", "--reason", "Nein", "--internal", "--city", str(town.city_folder)]
    assert main(call) == 0
    assert link.subject.value not in str(town.contents())
    assert {k.state for k in town.links(View.INTERNAL) if k.key == link.key} == {State.REJECTED}


def test_the_commands_run_review_and_explain(town: LinkedTown, capsys: pytest.CaptureFixture[str]) -> None:
    """As someone types them, wrong ones included."""
    city = ["--city", str(town.city_folder)]
    before = town.build()
    assert main(["links", "run", "--dry-run", *city]) == 0
    assert "same-height" in capsys.readouterr().out and town.build() == before
    assert main(["links", "run", "--rule", "same-hight", *city]) == 2
    assert "same-height" in capsys.readouterr().err
    assert main(["links", "review", *city]) == 0
    key = capsys.readouterr().out.split()[0]
    assert main(["links", "explain", key, "--lang", "de", *city]) == 0
    assert "Gleich hoch" in capsys.readouterr().out
    assert main(["links", "review", key, "--confirm", *city]) == 2
    assert main(["links", "review", key, "--confirm", "--reason", "gesehen", *city]) == 0
    assert main(["links", "explain", "nothing", *city]) == 2
    assert {k.state for k in town.links() if k.key == key} == {State.CONFIRMED}


def test_links_are_no_premises_of_inferences(town: LinkedTown) -> None:
    """What a rule guessed makes nothing else follow."""
    inferred = town.contents().get("https://town.example/graph/inferred", frozenset())
    assert not any(t.subject.value.startswith("https://town.example/id/link/") for t in inferred)  # type: ignore[union-attr]


def test_an_unknown_link_is_told_by_name(town: LinkedTown) -> None:
    """With the command that lists them."""
    with pytest.raises(NotFound, match="links review"):
        main(["links", "explain", "x", "--debug", "--city", str(town.city_folder)])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("trees"), st.integers(0, 5), st.integers(5, 7)),
        st.tuples(st.just("units"), st.integers(5, 7), st.integers(5, 7)),
        st.tuples(st.just("plans"), st.sampled_from([SECRET, "Nordhang Geheimplan", "Anderes"]), st.none()),
        st.tuples(st.just("decide"), st.integers(0, 9), st.sampled_from([State.CONFIRMED, State.REJECTED])),
        st.tuples(st.just("rule"), st.sampled_from(["asHighAs", "equals"]), st.none()),
    ),
    min_size=1,
    max_size=5,
)


def take(town: LinkedTown, step: tuple[str, object, object]) -> None:
    """Change one thing."""
    kind, a, b = step
    if kind == "trees":
        town.trees(int(a), str(b))  # type: ignore[call-overload]
    elif kind == "units":
        town.units(int(a), int(b))  # type: ignore[call-overload]
    elif kind == "plans":
        town.plans(str(a))
    elif kind == "rule":
        town.rule("near", NEAR.replace("asHighAs", str(a)))
    else:
        links = sorted(town.links(), key=lambda k: k.key)
        if links:
            with town.city as city:
                city.decide(links[int(a) % len(links)], State(str(b)), "so")  # type: ignore[call-overload]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_links_kept_up_to_date_are_those_found_from_scratch(
    steps: list[tuple[str, object, object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever changes, and in whatever order, in both views."""
    town = LinkedTown(tmp_path_factory.mktemp("town"))
    town.build()
    for step in steps:
        take(town, step)
        town.build()
    views = {view: town.contents(view).get("https://town.example/graph/links") for view in View}
    with town.city as city:
        assert city.link() is None
    for view in View:
        assert town.contents(view).get("https://town.example/graph/links") == views[view]


def test_withdrawing_a_source_leaves_the_links_of_the_others(town: LinkedTown) -> None:
    """In the release written anew stand the links and the grid that follow from what is left."""
    before = town.links()
    with town.city as city:
        city.withdraw("https://town.example/graph/source/trees")
    assert before and town.links() == []
    assert "https://town.example/graph/links" in town.contents()
