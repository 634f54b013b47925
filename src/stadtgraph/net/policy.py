"""How far one request to another server may go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds of one request.

    ``private`` names the hosts (as written in the address) that may have an address which is not public; ``hosts``
    are the only ones to ask, ``None`` any. ``bytes`` bounds what comes, packed and unpacked; ``seconds`` bounds all
    of it, ``connect`` the connection and ``idle`` each wait for more. ``redirects`` are followed at most, each checked.
    """

    private: frozenset[str] = frozenset()
    hosts: frozenset[str] | None = None
    bytes: int = 100 << 20
    seconds: float = 60.0
    connect: float = 10.0
    idle: float = 30.0
    redirects: int = 0
