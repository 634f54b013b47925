"""What is held back, and which post has to supply the fact: as text and as data."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.catalogue.reading import Reader
from stadtgraph.catalogue.records import Withheld
from stadtgraph.catalogue.vocabulary import PREFIXES
from stadtgraph.terms import SG

Who = Callable[[ox.NamedNode], tuple[ox.NamedNode | None, ox.NamedNode | None]]
"""Gives the unit that answers for a node, and the post in it that mends what is wrong."""
Labels = Callable[[Iterable[ox.NamedNode]], Mapping[ox.NamedNode, Mapping[str, str]]]
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """Something held back, the post that is asked for the missing fact, and the unit that answers."""

    withheld: Withheld
    post: ox.NamedNode | None
    unit: ox.NamedNode | None
    names: Mapping[ox.NamedNode, Mapping[str, str]] = field(default_factory=dict, repr=False, hash=False)

    def name(self, node: ox.NamedNode | None, lang: str) -> str:
        """Give the name of a node, or its IRI."""
        texts = self.names.get(node, {}) if node is not None else {}
        return texts.get(lang) or texts.get("") or next(iter(texts.values()), node.value if node else "")

    def text(self, lang: str) -> str:
        """Say what is held back, why, and who can mend it."""
        held = self.withheld
        said = messages.text(
            f"catalogue-withheld-{held.why}",
            lang,
            what=messages.text(f"catalogue-what-{held.what.lower()}", lang),
            subject=self.name(held.subject, lang),
            property=compact(held.property.value),
            value=held.value,
        )
        return f"{said} {self.whom(lang)}"

    def whom(self, lang: str) -> str:
        """Say whom to ask."""
        post, unit = self.name(self.post, lang), self.name(self.unit, lang)
        key = "catalogue-ask-both" if self.post and self.unit else "catalogue-ask-one"
        return messages.text(key if post or unit else "catalogue-ask-none", lang, post=post or unit, unit=unit)


class Whom:
    """Whom to ask for a fact of a dataset: the post that an open question names, else who answers."""

    def __init__(self, reader: Reader, who: Who, labels: Labels) -> None:
        """Ask ``reader`` for open questions, ``who`` for responsibilities."""
        self._engine, self._who, self._labels = reader.engine, who, labels
        self._answers: dict[str, tuple[ox.NamedNode | None, ox.NamedNode | None]] = {}
        self._questions: dict[str, dict[ox.NamedNode, ox.NamedNode]] = {}
        self._names: dict[ox.NamedNode, Mapping[str, str]] = {}

    def unit(self, dataset: str) -> ox.NamedNode | None:
        """Give the unit that answers for a dataset."""
        return self._answer(dataset)[0]

    def post(self, dataset: str, p: ox.NamedNode | None, about: ox.NamedNode | None = None) -> ox.NamedNode | None:
        """Give the post that is to supply ``p`` of a dataset, or of ``about`` in it."""
        for node in (about.value if about else dataset, dataset):
            found = self._asked(node).get(p) if p is not None else None
            if found is not None:
                return found
        return self._answer(dataset)[1]

    def text(self, dataset: str, p: ox.NamedNode | None, about: ox.NamedNode | None, lang: str) -> str:
        """Say whom to ask."""
        post, unit = self.name(self.post(dataset, p, about), lang), self.name(self.unit(dataset), lang)
        key = "catalogue-ask-both" if post and unit else "catalogue-ask-one"
        return messages.text(key if post or unit else "catalogue-ask-none", lang, post=post or unit, unit=unit)

    def name(self, node: ox.NamedNode | None, lang: str) -> str:
        """Give the name of a post or unit."""
        if node is None:
            return ""
        if node not in self._names:
            self._names[node] = self._labels([node]).get(node, {})
        texts = self._names[node]
        return texts.get(lang) or texts.get("") or next(iter(texts.values()), node.value)

    def _answer(self, dataset: str) -> tuple[ox.NamedNode | None, ox.NamedNode | None]:
        if dataset not in self._answers:
            self._answers[dataset] = self._who(ox.NamedNode(dataset))
        return self._answers[dataset]

    def _asked(self, node: str) -> dict[ox.NamedNode, ox.NamedNode]:
        if node not in self._questions:
            found: dict[ox.NamedNode, ox.NamedNode] = {}
            for about in self._engine.triples(None, SG.about, ox.NamedNode(node)):
                assert isinstance(about.subject, ox.NamedNode)
                posts = [t.object for t in self._engine.triples(about.subject, SG.askPost)]
                for asks in self._engine.triples(about.subject, SG.asksFor):
                    if isinstance(asks.object, ox.NamedNode) and posts and isinstance(posts[0], ox.NamedNode):
                        found[asks.object] = posts[0]
            self._questions[node] = found
        return self._questions[node]


def compact(iri: str) -> str:
    """Give an IRI with a known prefix where one fits.

    >>> compact("http://purl.org/dc/terms/license")
    'dct:license'
    """
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def asked(withheld: Iterable[Withheld], reader: Reader, who: Who, labels: Labels) -> Iterator[Asked]:
    """Say for each thing held back who is to be asked: the post that an open question names, else who answers."""
    todo = iter(withheld)
    while batch := list(islice(todo, _BATCH)):
        nodes = list(dict.fromkeys(n for w in batch for n in (w.subject, w.dataset)))
        posts: dict[tuple[ox.NamedNode, ox.NamedNode], ox.NamedNode] = {}
        for row in reader.select("questions", nodes, "nodes"):
            key = row["node"], row["property"]
            posts[key] = min(row["post"], posts.get(key, row["post"]), key=str)
        found = []
        for held in batch:
            unit, post = who(held.dataset)
            post = posts.get((held.subject, held.property)) or posts.get((held.dataset, held.property)) or post
            found.append((held, post, unit))
        names = labels({n for h, *whom in found for n in (h.subject, h.dataset, *whom) if n is not None})
        for held, post, unit in found:
            yield Asked(held, post, unit, names)


def as_text(found: Iterable[Asked], lang: str) -> Iterator[str]:
    """Give the report as lines: a count of what is held back, then each under its dataset."""
    entries = list(found)
    yield from summary(entries, lang)
    last = None
    for entry in entries:
        if entry.withheld.dataset != last:
            last = entry.withheld.dataset
            yield f"\n{entry.name(last, lang)} <{last.value}>"
        yield f"  - {entry.text(lang)}"


def summary(entries: Sequence[Asked], lang: str) -> Iterator[str]:
    """Give one line per kind of thing that is held back, with its number."""
    counted = Counter((e.withheld.what, e.withheld.why, e.withheld.property) for e in entries)
    if not counted:
        yield messages.text("catalogue-nothing-withheld", lang)
    for (what, why, p), number in sorted(counted.items(), key=lambda item: (-item[1], str(item[0]))):
        kind = messages.text(f"catalogue-what-{what.lower()}", lang)
        reason = messages.text(f"catalogue-why-{why}", lang)
        yield messages.text(
            "catalogue-withheld-count", lang, number=number, what=kind, reason=reason, property=compact(p.value)
        )


def as_rows(found: Iterable[Asked], lang: str) -> Iterator[dict[str, str]]:
    """Give the report as data."""
    for entry in found:
        held = entry.withheld
        yield {
            "dataset": held.dataset.value,
            "subject": held.subject.value,
            "what": held.what,
            "why": held.why,
            "property": held.property.value,
            "value": held.value,
            "post": entry.post.value if entry.post else "",
            "unit": entry.unit.value if entry.unit else "",
            "text": entry.text(lang),
        }


def write(found: Iterable[Asked], form: str, lang: str) -> str:
    """Give the report in the form ``text``, ``json`` or ``csv``."""
    if form == "text":
        return "\n".join(as_text(found, lang)) + "\n"
    rows = list(as_rows(found, lang))
    if form == "json":
        return json.dumps({"withheld": rows}, ensure_ascii=False, indent=1) + "\n"
    out = io.StringIO()
    writer = csv.DictWriter(out, ["dataset", "subject", "what", "why", "property", "value", "post", "unit", "text"])
    writer.writeheader()
    writer.writerows({k: _plain(v) for k, v in row.items()} for row in rows)
    return out.getvalue()


def _plain(cell: str) -> str:
    """Give a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
