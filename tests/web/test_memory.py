"""What waits for clients is counted exactly, and sent as it was given."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.web.memory import resident
from stadtgraph.web.room import Room, Unsent


@given(st.lists(st.binary(max_size=40_000), max_size=12), st.lists(st.integers(1, 100_000), min_size=1))
def test_what_waits_to_be_sent_comes_out_as_it_went_in(blocks: list[bytes], sizes: list[int]) -> None:
    """However much is taken at a time, and however small the blocks; none is copied unless it is small."""
    waiting, found, sent = Unsent(), bytearray(), 0
    for block in blocks:
        waiting.append(block)
    whole = b"".join(blocks)
    assert len(waiting) == len(whole)
    while len(waiting):
        size = sizes[sent % len(sizes)]
        piece = bytes(waiting.get(size))
        taken = max(1, len(piece) // 2)
        assert 0 < len(piece) <= size and bytes(waiting.get(size)) == piece
        found += piece[:taken]
        waiting.skip(taken, True)
        sent += 1
    assert bytes(found) == whole and bytes(waiting.get(10)) == b""


def test_a_room_is_over_until_something_goes() -> None:
    """Whoever waits for room goes on as soon as there is some."""
    room = Room(100)
    room.change(150)
    assert room.is_over
    steps = [0.0]
    thread = threading.Thread(target=lambda: (room.wait(300), steps.append(room.held)))
    thread.start()
    room.change(-100)
    thread.join(120)
    assert steps == [0.0, 50] and not room.is_over
    room.wait(30)


@pytest.mark.skipif(not resident(), reason="the system does not tell the size of a process")
def test_a_process_that_has_grown_gives_back_what_is_free() -> None:
    """And only then; what is in use stays, and is given back once it is free.

    In a process of its own: one that had been larger before would not grow.
    """
    told = subprocess.run([sys.executable, "-c", GROWS], capture_output=True, text=True, timeout=600, check=True)
    assert told.stdout.split() == ["small:False", "grown:True", "at-once:False", "freed:True", "given:True"]


GROWS = """
from stadtgraph.web import memory

trim = memory.Trim()
print(f"small:{trim.look()}")
held = [bytes(60_000) + b"x" for _ in range(2000)]
print(f"grown:{trim.look()}")
print(f"at-once:{trim.look()}")
end, full = bytes(60_000) + b"x", memory.resident()
held.clear()
trim._next = 0
print(f"freed:{trim.look()}")
print(f"given:{memory.resident() < full - (64 << 20)}")
"""
