"""The answer to a query, as a value that a notebook, the command line or a test can use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from stadtgraph.terms import Term

if TYPE_CHECKING:
    import pandas

Row = tuple[Term | None, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one query: ``variables`` and ``rows`` (SELECT), ``truth`` (ASK) or ``triples`` (CONSTRUCT).

    ``release`` names the state of the city that answered.
    """

    release: str
    variables: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    truth: bool | None = None
    triples: tuple[ox.Triple, ...] = ()

    def __iter__(self) -> Iterator[dict[str, Term]]:
        """Give the rows as mappings from variable to term; unbound variables are left out."""
        for row in self.rows:
            yield {name: term for name, term in zip(self.variables, row, strict=True) if term is not None}

    def __len__(self) -> int:
        return len(self.rows) or len(self.triples)

    def __bool__(self) -> bool:
        return self.truth if self.truth is not None else len(self) > 0

    def df(self) -> pandas.DataFrame:
        """Give the rows as a pandas data frame: IRIs as text, literals as Python values where XSD has one."""
        import pandas

        return pandas.DataFrame([[value(t) for t in row] for row in self.rows], columns=list(self.variables))


def answer(result: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples, release: str) -> Answer:
    """Read an engine's result to its end."""
    if isinstance(result, ox.QueryBoolean):
        return Answer(release, truth=bool(result))
    if isinstance(result, ox.QueryTriples):
        return Answer(release, triples=tuple(result))
    names = tuple(v.value for v in result.variables)
    return Answer(release, names, tuple(tuple(solution[name] for name in names) for solution in result))


_PYTHON: dict[str, Any] = {"integer": int, "decimal": float, "double": float, "float": float}


def value(term: Term | None) -> object:
    """Give a term as the Python value that fits it best.

    >>> value(ox.Literal("5", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#integer")))
    5
    >>> value(ox.NamedNode("https://example.org/x"))
    'https://example.org/x'
    """
    if isinstance(term, ox.Literal):
        name = term.datatype.value.removeprefix("http://www.w3.org/2001/XMLSchema#")
        try:
            if name == "boolean":
                return term.value in ("true", "1")
            return _PYTHON[name](term.value) if name in _PYTHON else term.value
        except ValueError:
            return term.value
    return term.value if isinstance(term, ox.NamedNode | ox.BlankNode) else term
