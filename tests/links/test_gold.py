"""Precision and recall of the link rules on the real data of Jena, against pairs known from elsewhere.

``gold/<rule>.csv`` holds pairs whose truth comes from keys that the rule does not see, or from records that were read;
``truth.py`` says which and derives the lists from the raw files. An empty object says that the subject belongs to
nothing: what a rule gives it counts as wrong.

A third of each list, chosen by the digest of the subject, was set aside while the rules were tuned.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

from links.truth import LISTS
from stadtgraph import City
from stadtgraph.links import Selections, find
from stadtgraph.terms import SG

GOLD = sorted((Path(__file__).parent / "gold").glob("*.csv"))
Pairs = dict[str, set[str]]


def gold_of(path: Path) -> Pairs:
    """Read a list: the right objects of each subject, none for a subject that has none."""
    found: Pairs = {}
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["subject"], set()).update({row["object"]} - {""})
    return found


def is_held(subject: str) -> bool:
    """Tell whether a subject was set aside."""
    return hashlib.sha256(subject.encode()).digest()[0] % 3 == 0


def found_by(city: City, name: str) -> Pairs:
    """Give what a rule finds; things with an operator count by the operator's spelling."""
    engine, base = city.engine(), f"{city.names.base}id/"
    (rule,) = (r for r in city.link_rules if r.name == name)
    pairs = {(k.subject.value, k.object.value.removeprefix(base)) for k in find(rule, Selections(engine))}
    spelled: dict[str, str] = {}
    if name == "operator-organisation":
        spelled = {t.subject.value: t.object.value for t in engine.triples(None, SG.operatorName, None)}  # type: ignore[union-attr]
    found: Pairs = {}
    for subject, object in pairs:
        found.setdefault(spelled.get(subject, subject.removeprefix(base)), set()).add(object)
    return found


def test_the_list_is_long_enough() -> None:
    """At least two hundred pairs over at least five rules, about a third of them held back."""
    pairs = [(p.stem, s, o) for p in GOLD for s, objects in gold_of(p).items() for o in objects]
    held = sum(is_held(s) for _, s, _ in pairs)
    assert len(pairs) >= 200 and len(GOLD) >= 5 and 0.25 < held / len(pairs) < 0.42


@pytest.mark.parametrize("name", LISTS)
def test_the_list_is_what_the_raw_files_give(name: str, real_data: Path) -> None:
    """No list was taken from what a rule found: each follows from the files and what was read in them."""
    pairs: Pairs = {}
    for subject, object in LISTS[name](real_data):
        pairs.setdefault(subject, set()).update({object} - {""})
    assert pairs == gold_of(GOLD[0].parent / f"{name}.csv")


@pytest.mark.parametrize("path", GOLD, ids=lambda p: p.stem)
def test_precision_and_recall(path: Path, real_city: City) -> None:
    """At least 0.98 and 0.95, in the part that was seen and in the part that was held back."""
    gold, found = gold_of(path), found_by(real_city, path.stem)
    for held in (False, True):
        subjects = [s for s in gold if is_held(s) is held]
        right = sum(len(found.get(s, set()) & gold[s]) for s in subjects)
        given = sum(len(found.get(s, set())) for s in subjects)
        wanted = sum(len(gold[s]) for s in subjects)
        precision, recall = right / max(given, 1), right / max(wanted, 1)
        print(f"{path.stem} held={held}: precision {precision:.3f}, recall {recall:.3f}, {wanted} pairs")
        assert wanted and precision >= 0.98 and recall >= 0.95, (precision, recall)
