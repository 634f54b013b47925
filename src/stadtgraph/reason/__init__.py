"""Derives what follows from asserted triples under the ontology's axioms: pure functions, no store.

The axioms are compiled once; the data are then closed in one pass, or kept closed change by change::

    rules = compile_rules(ontology_triples)
    inferred = set(rules.infer(facts))
    add, remove = rules.update(facts, inferred_facts, added, removed)   # facts already hold the change

Rules applied: RDFS 2, 3, 5, 7, 9, 11 (https://www.w3.org/TR/rdf11-mt/#patterns-of-rdfs-entailment-informative)
and, of OWL 2 RL (https://www.w3.org/TR/owl2-profiles/#Reasoning_in_OWL_2_RL_and_RDF_Graphs_using_Rules),
``prp-inv1/2``, ``prp-symp``, ``prp-trp``, ``prp-eqp1/2``, ``cax-eqc1/2`` and, where the ontology states
values, ``cls-hv1/2``. What is left out on purpose is listed in :data:`stadtgraph.reason.axioms.NOT_DERIVED`.
"""

from stadtgraph.reason.axioms import NOT_DERIVED, is_axiom
from stadtgraph.reason.clashes import Clash, Contradiction, contradictions
from stadtgraph.reason.derivation import ASSERTED, Step
from stadtgraph.reason.facts import Facts, Subject, TripleIndex
from stadtgraph.reason.rules import Premise, Rules, compile_rules

__all__ = [
    "ASSERTED",
    "NOT_DERIVED",
    "Clash",
    "Contradiction",
    "Facts",
    "Premise",
    "Rules",
    "Step",
    "Subject",
    "TripleIndex",
    "compile_rules",
    "contradictions",
    "is_axiom",
]
