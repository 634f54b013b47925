"""How an answer is cut into blocks on its way out of a worker."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from stadtgraph.errors import QueryTimeout
from stadtgraph.query import writing
from stadtgraph.query.writing import BLOCK, FIRST, Sink


def test_the_first_block_is_small_and_later_ones_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pieces come quickly, blocks double up to the largest; joined they are what was written."""
    monkeypatch.setattr(writing, "PAUSE", 60.0)
    sent: list[bytes] = []
    sink = Sink(sent.append, 1 << 30)
    pieces = [bytes([n % 256]) * 8000 for n in range(200)]
    for piece in pieces:
        sink.write(piece)
    sink.flush()
    rest = sink.rest()
    assert b"".join([*sent, rest]) == b"".join(pieces)
    lengths = [len(block) for block in sent]
    assert lengths == sorted(lengths) and FIRST <= lengths[0] <= 2 * FIRST and BLOCK <= lengths[-1] <= BLOCK + 8000


def test_what_comes_slowly_is_not_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece that comes after the pause takes along what waits."""
    sent: list[bytes] = []
    sink = Sink(sent.append, 1 << 20)
    monkeypatch.setattr(writing, "PAUSE", -1.0)
    sink.write(b"a")
    assert sent == [b"a"] and sink.rest() == b""


def test_a_short_answer_is_one_block_that_goes_with_its_end() -> None:
    """Nothing is sent before the end; the bound ends what is too long."""
    result = ox.Store().query("SELECT * { VALUES ?x { 1 2 } }")
    sent: list[bytes] = []
    last = writing.write(result, writing.FORMATS["text/csv"], sent.append, 1000)
    assert (sent, last) == ([], b"x\r\n1\r\n2\r\n")
    with pytest.raises(QueryTimeout):
        Sink(sent.append, 10).write(b"x" * 11)
