"""Rules are read with care: what cannot be used is refused by file and part, and the city's own rules are complete."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.errors import InputError
from stadtgraph.links import load_rules
from stadtgraph.terms import DEFAULT_BASE, RDF, RDFS, SG

ROOT = Path(__file__).resolve().parents[2]
RULES = load_rules(ROOT / "data" / "links", DEFAULT_BASE)
RULE = """
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
<id/link-rule/a> a sg:LinkRule ;
    sg:left "SELECT ?item ?value { ?item sg:treeNumber ?value }" ;
    sg:right "SELECT ?item ?value { ?item sg:depth ?value }" ;
    sg:makes sg:nearTree ;
    sg:compare [ a sg:Key ] .
"""


def load(folder: Path, *texts: str) -> object:
    """Load rules from files with these texts."""
    for number, text in enumerate(texts):
        (folder / f"{number}.ttl").write_text(text, "utf-8")
    return load_rules(folder, DEFAULT_BASE)


def test_a_rule_is_read(tmp_path: Path) -> None:
    """What is not said has its stated default, and what a rule reads is known."""
    (rule,) = load(tmp_path, RULE)  # type: ignore[misc]
    assert (rule.name, rule.choose, rule.threshold, rule.compare[0].kind) == ("a", "all", 0.0, "Key")
    tree, x = ox.NamedNode("https://e/t"), ox.Literal("x")
    assert rule.concerns(ox.Triple(tree, SG.treeNumber, x)) and not rule.concerns(ox.Triple(tree, SG.height, x))
    assert not rule.concerns(ox.Triple(tree, RDF.type, SG.Tree))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("a sg:Key", "a sg:Kea", "sg:Key"),
        ("a sg:Key", "a sg:Differs", "finds pairs"),
        ("a sg:Key", "a sg:Key ; sg:required false", "finds pairs"),
        ("a sg:Key", 'a sg:Label ; sg:limit "much"', "limit"),
        ("a sg:Key", "a sg:Key ; sg:form sg:shouting", "sg:folded"),
        ("sg:makes sg:nearTree ;", "", "makes"),
        ("sg:compare [ a sg:Key ]", "sg:threshold 0.5", "compare"),
        ("SELECT ?item ?value { ?item sg:treeNumber ?value }", "ASK { ?item sg:depth 1 }", "SELECT ?item"),
        ("SELECT ?item ?value { ?item sg:treeNumber ?value }", "SELECT ?item { ?item ?p ?o }", "<property>"),
        ("SELECT ?item ?value { ?item sg:treeNumber ?value }", "SELECT ?item { ?item a ?c }", "<property>"),
        ("SELECT ?item ?value { ?item sg:treeNumber ?value }", "SELECT ?item { ?item !sg:depth ?o }", "<property>"),
        ("a sg:LinkRule", "a sg:Rule", "no link rule"),
        ("sg:makes sg:nearTree", "sg:choose sg:most ; sg:makes sg:nearTree", "sg:best"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_by_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    """The error names the file and what was expected."""
    assert old in RULE
    with pytest.raises(InputError) as error:
        load(tmp_path, RULE.replace(old, new))
    assert "0.ttl" in str(error.value) and says in str(error.value)
    assert error.value.text("de") != str(error.value)


def test_malformed_turtle_names_line_and_column(tmp_path: Path) -> None:
    """As for every file."""
    with pytest.raises(InputError, match=r"0\.ttl"):
        load(tmp_path, RULE + "<a")


def test_no_rule_reads_what_a_rule_makes(tmp_path: Path) -> None:
    """Else the order of changes would matter."""
    with pytest.raises(InputError, match="nearTree"):
        load(tmp_path, RULE, RULE.replace("rule/a", "rule/b").replace("sg:depth", "sg:nearTree"))


def test_a_rule_stands_once(tmp_path: Path) -> None:
    """Two with one IRI could not be told apart."""
    with pytest.raises(InputError, match="twice"):
        load(tmp_path, RULE, RULE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_of_the_city_says_what_it_does(rule: object) -> None:
    """In German and English, in a file of its own name."""
    about = rule.about  # type: ignore[attr-defined]
    for predicate in (RDFS.label, RDFS.comment):
        texts = {t.object.language for t in about if t.predicate == predicate}
        assert texts == {"de", "en"}
    assert rule.file == f"{rule.name}.ttl"  # type: ignore[attr-defined]
