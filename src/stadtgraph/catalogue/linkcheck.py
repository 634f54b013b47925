"""Do the addresses of distributions answer? Asked one after the other, each host with a pause, and remembered.

Never part of a build, an audit or a request: only when somebody asks for it. An address is asked by HEAD, and by GET of
its first bytes where the server does not know HEAD. What was asked within a week is not asked again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from stadtgraph.errors import NetworkError
from stadtgraph.net import Policy, get
from stadtgraph.release.manifest import write_durably

FILE: Final = "links-checked.json"
FRESH: Final = timedelta(days=7)
PAUSE: Final = 1.0
"""Seconds between two requests to one host."""
MOST: Final = 20_000
"""Addresses asked in one go."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What an address answered: its status (0: no answer), the day and time, and what it said of its content."""

    status: int
    time: str
    media_type: str = ""
    size: int | None = None
    problem: str = ""

    @property
    def answers(self) -> bool:
        """Tell whether the address works: the portal counts status 200."""
        return self.status == 200

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether it need not be asked again."""
        try:
            return datetime.fromisoformat(self.time) > now - FRESH
        except ValueError:
            return False


class LinkChecks:
    """The checks of a city, kept in a file of its folder."""

    def __init__(self, city: Path) -> None:
        """Read what is known; a damaged file counts as none."""
        self._path = city / FILE
        self.known: dict[str, Checked] = {}
        try:
            found = json.loads(self._path.read_text("utf-8"))
            self.known = {address: Checked(**entry) for address, entry in found["links"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            self.known = {}

    @property
    def changed(self) -> str:
        """What changes when the checks do."""
        try:
            return str(self._path.stat().st_mtime_ns)
        except OSError:
            return ""

    @property
    def written(self) -> float:
        """When addresses were last checked, in seconds since 1970; 0 where they never were."""
        try:
            return self._path.stat().st_mtime
        except OSError:
            return 0.0

    def reached(self, address: str) -> bool | None:
        """Tell whether an address answers; ``None`` where it was never asked."""
        found = self.known.get(address)
        return None if found is None else found.answers

    def check(
        self,
        addresses: Iterable[str],
        policy: Policy,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: float = PAUSE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[tuple[str, Checked]]:
        """Ask the addresses that were not asked lately; give each with its answer, and keep it."""
        last: dict[str, float] = {}
        asked = (a for a in dict.fromkeys(addresses) if not (a in self.known and self.known[a].is_fresh(now())))
        for number, address in enumerate(islice(asked, MOST), 1):
            host = urlsplit(address).netloc
            wait = last.get(host, -pause) + pause - time.monotonic()
            if host in last and wait > 0:
                sleep(wait)
            found = self.known[address] = ask(address, policy, now())
            last[host] = time.monotonic()
            if number % 50 == 0:
                self.save()
            yield address, found
        self.save()

    def save(self) -> None:
        """Write what is known."""
        links = {address: asdict(self.known[address]) for address in sorted(self.known)}
        write_durably(self._path, (json.dumps({"links": links}, ensure_ascii=False, indent=1) + "\n").encode())


def ask(address: str, policy: Policy, now: datetime) -> Checked:
    """Ask one address; what goes wrong is part of the answer."""
    moment = now.isoformat(timespec="seconds")
    try:
        status, headers = _exchange(address, policy, "HEAD")
        if status in (400, 403, 404, 405, 501):
            status, headers = _exchange(address, policy, "GET")
    except (NetworkError, ValueError) as problem:
        return Checked(0, moment, problem=getattr(problem, "key", "invalid"))
    length = headers.get("content-length", "")
    plain = headers.get("content-encoding", "identity") == "identity"
    size = int(length) if plain and length.isascii() and length.isdigit() and len(length) < 19 else None
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Checked(status, moment, media_type[:100], size)


def _exchange(address: str, policy: Policy, method: str) -> tuple[int, Mapping[str, str]]:
    headers = {"Accept-Encoding": "identity"}
    response = get(address, policy, method=method, headers=headers)
    try:
        return response.status, {name.lower(): value for name, value in response.headers.items()}
    finally:
        response.close()
