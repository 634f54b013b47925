"""The command ``links``: run the rules, review what they found, explain one link."""

from __future__ import annotations

import argparse
import difflib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyoxigraph as ox

from stadtgraph.errors import NotFound, UsageError
from stadtgraph.links import Link, Rule, Selections, State, find, stored
from stadtgraph.release import View
from stadtgraph.store import OxigraphEngine, StoredFacts, all_graphs
from stadtgraph.terms import LINKS, RDFS

if TYPE_CHECKING:
    from stadtgraph.city import City

Text = Callable[..., str]


def run(city: City, options: argparse.Namespace, text: Text) -> int:
    """Run every rule anew and seal; with ``--dry-run`` say what would change."""
    view = _view(options)
    before = {rule.iri: _stored(city, view, rule) for rule in city.link_rules}
    if options.dry_run:
        select = Selections(city.engine(view=view))
        after = {rule.iri: find(rule, select) for rule in _chosen(city, options.rule)}
    else:
        city.link()
        after = {rule.iri: _stored(city, view, rule) for rule in _chosen(city, options.rule)}
    head = [text(f"links-{column}") for column in ("rule", "links", "new", "gone", "lowest")]
    print(f"{head[0]:<26} {head[1]:>9} {head[2]:>7} {head[3]:>7} {head[4]:>9}")
    for iri, links in after.items():
        old, new = {k.key for k in before[iri]}, {k.key for k in links}
        name, lowest = iri.value.rsplit("/", 1)[-1], min((k.score for k in links), default=0.0)
        print(f"{name:<26} {len(new):>9} {len(new - old):>7} {len(old - new):>7} {lowest:>9.2f}")
    return 0


def review(city: City, options: argparse.Namespace, text: Text) -> int:
    """List the links that nobody has looked at, least certain first; or confirm or reject one."""
    view = _view(options)
    if options.link:
        state = {"confirm": State.CONFIRMED, "reject": State.REJECTED}.get(options.decision or "")
        if state is None or not (options.reason or "").strip():
            raise UsageError("links-decision")
        link = _find(city, view, options.link)
        release = city.decide(link, state, options.reason.strip(), lang=options.lang or "de", view=_home(city, link))
        print(
            text("links-decided", link=link.key, state=text(f"links-{state}"), release=release.id if release else "-")
        )
        return 0
    links = [k for rule in _chosen(city, options.rule) for k in _stored(city, view, rule)]
    waiting = sorted((k for k in links if k.state is State.AUTOMATIC), key=lambda k: (k.score, k.key))
    for link in waiting[: options.limit]:
        print(
            f"{link.key}  {link.score:.2f}  {_short(city, link.subject)}  {_short(city, link.object)}  {link.evidence}"
        )
    counts = Counter(k.state for k in links)
    print(text("links-counts", **{state.value: counts[state] for state in State}))
    return 0


def explain(city: City, options: argparse.Namespace, text: Text) -> int:
    """Say of one link what it states, which rule found it, on what evidence, and what is known of both ends."""
    view = _view(options)
    link = _find(city, view, options.link)
    rule = next(rule for rule in city.link_rules if rule.iri == link.rule)
    lang = options.lang or "en"
    print(f"<{link.subject.value}> <{link.predicate.value}> <{link.object.value}>")
    print(text("links-found-by", rule=_words(rule, lang), name=rule.name, file=rule.file))
    print(text("links-evidence", score=link.score, evidence=link.evidence, state=text(f"links-{link.state}")))
    select = Selections(city.engine(view=view))
    for end, query in ((link.subject, rule.left), (link.object, rule.right)):
        items = select(query)
        print(f"<{end.value}>")
        for name, column in items.columns.items() if end in items.iris else ():
            values = column[items.iris.index(end)]
            print(f"    {name}: {'; '.join(_cut(v) for v in values) or '-'}")
    return 0


VERBS = {"run": run, "review": review, "explain": explain}


def _view(options: argparse.Namespace) -> View:
    return View.INTERNAL if options.internal else View.PUBLIC


def _home(city: City, link: Link) -> View:
    """Give the widest view that shows the link: a decision about it may be read by the same people."""
    public = (k.key for rule in city.link_rules for k in _stored(city, View.PUBLIC, rule))
    return View.PUBLIC if link.key in public else View.INTERNAL


def _chosen(city: City, name: str | None) -> Iterator[Rule]:
    names = [rule.name for rule in city.link_rules]
    if name is not None and name not in names:
        nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
        raise NotFound("links-unknown-rule", rule=name[:60], nearest=nearest[0] if nearest else "-")
    return (rule for rule in city.link_rules if name in (None, rule.name))


def _stored(city: City, view: View, rule: Rule) -> list[Link]:
    engine: OxigraphEngine = city.engine(view=view)
    hidden = all_graphs(engine.store) - {city.names.graph(LINKS).value}
    return stored(StoredFacts(engine.store, hidden), rule.iri)


def _find(city: City, view: View, key: str) -> Link:
    wanted = key.rstrip(">").rsplit("/", 1)[-1]
    for rule in city.link_rules:
        for link in _stored(city, view, rule):
            if link.key == wanted:
                return link
    raise NotFound("links-unknown", link=key[:60])


def _words(rule: Rule, lang: str) -> str:
    literals = (t.object for t in rule.about if t.predicate == RDFS.label)
    labels = {o.language: o.value for o in literals if isinstance(o, ox.Literal)}
    return labels.get(lang) or next(iter(labels.values()), rule.name)


def _short(city: City, node: ox.NamedNode) -> str:
    return node.value.removeprefix(f"{city.names.base}id/")


def _cut(value: str) -> str:
    return value if len(value) < 80 else value[:77] + "..."
