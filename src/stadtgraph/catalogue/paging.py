"""Pages of a catalogue, described by Hydra with the predicates of both generations.

Harvesters follow ``hydra:next`` or, older ones, ``hydra:nextPage``; CKAN writes both as literals, and so do we.
Source: https://www.hydra-cg.com/spec/latest/core/#collections
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from stadtgraph.catalogue.vocabulary import HYDRA
from stadtgraph.terms import RDF, XSD

Address = Callable[[int], str]
"""Gives the address of the page of a number."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its number from 1, and how many datasets stand on a page and in all."""

    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page; there is always one.

        >>> Page(1, 100, 0).last, Page(1, 100, 100).last, Page(1, 100, 101).last
        (1, 1, 2)
        """
        return max(1, -(-self.total // self.size))

    @property
    def exists(self) -> bool:
        """Tell whether there is such a page."""
        return 1 <= self.number <= self.last

    def of(self, iris: Sequence[str]) -> Sequence[str]:
        """Give what stands on this page."""
        return iris[(self.number - 1) * self.size : self.number * self.size]

    def described(self, address: Address) -> Iterator[ox.Triple]:
        """Describe this page and name its neighbours."""
        this = ox.NamedNode(address(self.number))
        yield ox.Triple(this, RDF.type, HYDRA.PagedCollection)
        yield ox.Triple(this, RDF.type, HYDRA.PartialCollectionView)
        yield ox.Triple(this, HYDRA.totalItems, ox.Literal(str(self.total), datatype=XSD.integer))
        yield ox.Triple(this, HYDRA.itemsPerPage, ox.Literal(str(self.size), datatype=XSD.integer))
        neighbours = [("first", 1), ("last", self.last)]
        neighbours += [("previous", self.number - 1)] if self.number > 1 else []
        neighbours += [("next", self.number + 1)] if self.number < self.last else []
        for name, number in neighbours:
            for p in (HYDRA.term(name), HYDRA.term(f"{name}Page")):
                yield ox.Triple(this, p, ox.Literal(address(number)))
