"""Link the things that several sources describe without knowing of each other.

A rule (one Turtle file in ``data/links/``) names two selections and what must agree; :func:`find` gives the links
it makes over a store, :class:`LinkGraph` keeps them, with score, evidence and state, in ``graph/links``.
"""

from stadtgraph.links.decisions import RESTRICTED_SOURCE, SOURCE, Decision, Said, Statement, decided, decisions
from stadtgraph.links.graph import Link, State, as_triples, difference, stored
from stadtgraph.links.items import Selections
from stadtgraph.links.match import find
from stadtgraph.links.rule import Comparison, Rule, load_rules

__all__ = [
    "RESTRICTED_SOURCE",
    "SOURCE",
    "Comparison",
    "Decision",
    "Link",
    "Rule",
    "Said",
    "Selections",
    "State",
    "Statement",
    "as_triples",
    "decided",
    "decisions",
    "difference",
    "find",
    "load_rules",
    "stored",
]
