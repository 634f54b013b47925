"""How a unit is reached: its own address, else that of the nearest unit above it. Never a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from stadtgraph.terms import DCAT, FOAF, ORG, RDF, SKOS, VCARD, Namespace, Term

if TYPE_CHECKING:
    from stadtgraph.catalogue.reading import Facts, Reader

_M8G: Final = Namespace("http://data.europa.eu/m8g/")
_UP: Final = (ORG.unitOf, ORG.subOrganizationOf)
_CARDS: Final = (DCAT.contactPoint, _M8G.contactPoint, ORG.siteAddress)
_REACHED: Final = (VCARD.hasEmail, VCARD.hasURL, VCARD.hasTelephone)
_HIGHEST: Final = 8


class Contacts:
    """The contacts of the units of a view; each is looked up once."""

    def __init__(self, reader: Reader) -> None:
        """Look up in ``reader`` when asked."""
        self._reader = reader
        self._known: dict[ox.NamedNode, tuple[ox.NamedNode, Facts] | None] = {}

    def of(self, unit: ox.NamedNode) -> tuple[ox.NamedNode, Facts] | None:
        """Give the contact of a unit with what is said of it, or ``None`` where no address is known."""
        if unit not in self._known:
            self._known[unit] = self._find(unit)
        return self._known[unit]

    def organisation(self, unit: ox.NamedNode) -> ox.NamedNode | None:
        """Give the organisation with legal personality that a unit is or belongs to, else the highest unit."""
        chain = self._above(unit)
        formal = [u for u in chain if self._has(u, RDF.type, ORG.FormalOrganization)]
        return formal[0] if formal else chain[-1] if chain else None

    def _find(self, unit: ox.NamedNode) -> tuple[ox.NamedNode, Facts] | None:
        for above in self._above(unit):
            reached = self._reached(above)
            if reached:
                names = [*self._objects(unit, FOAF.name), *self._objects(unit, SKOS.prefLabel)]
                fn = min((n for n in names if isinstance(n, ox.Literal)), key=_german_first, default=None)
                facts: Facts = {**reached, VCARD.fn: [fn] if fn is not None else []}
                return ox.NamedNode(f"{unit.value}#contact"), facts
        return None

    def _reached(self, unit: ox.NamedNode) -> Facts:
        sites = [s for s in self._objects(unit, ORG.hasPrimarySite) if isinstance(s, ox.NamedNode)]
        cards = [c for s in (unit, *sites) for p in _CARDS for c in self._objects(s, p) if isinstance(c, ox.NamedNode)]
        for card in (unit, *cards):
            found = {p: self._objects(card, p) for p in _REACHED}
            if any(found.values()) and not self._has(card, RDF.type, VCARD.Individual):
                return found
        pages = self._objects(unit, FOAF.homepage)
        return {VCARD.hasURL: pages} if pages else {}

    def _above(self, unit: ox.NamedNode) -> list[ox.NamedNode]:
        """Give a unit and those above it, the nearest first."""
        chain = [unit]
        while len(chain) < _HIGHEST:
            above = [o for o in self._parents(chain[-1]) if o not in chain]
            farther = {o for parent in above for o in self._parents(parent)}
            nearest = sorted((o for o in above if o not in farther), key=str)
            if not nearest:
                break
            chain.append(nearest[0])
        return chain

    def _parents(self, unit: ox.NamedNode) -> list[ox.NamedNode]:
        """Give the units above; all of them, where reasoning has closed the hierarchy."""
        return [o for p in _UP for o in self._objects(unit, p) if isinstance(o, ox.NamedNode) and o != unit]

    def _objects(self, s: ox.NamedNode, p: ox.NamedNode) -> list[Term]:
        return [t.object for t in self._reader.engine.triples(s, p)]

    def _has(self, s: ox.NamedNode, p: ox.NamedNode, o: ox.NamedNode) -> bool:
        return any(True for _ in self._reader.engine.triples(s, p, o))


def _german_first(literal: ox.Literal) -> tuple[bool, str]:
    return literal.language != "de", str(literal)
