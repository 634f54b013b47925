"""Joins, asked one at a time: ours, Oxigraph's server and rdflib-endpoint get the same queries in turn.

rdflib works for seconds on what the others answer in milliseconds, so a rate under load would say nothing of it. No
query is asked twice, so nothing is answered from memory. Answers have to agree in their number of rows.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import quote

SG: Final = "https://w3id.org/stadtgraph/ns#"
LABEL: Final = "<http://www.w3.org/2000/01/rdf-schema#label>"
MOST: Final = 20
WARMING, PAUSE = 400, 8.0
"""Joins of a kind at most; joins before they count, for each process has caches of its own; seconds to start others."""


def _star(i: int) -> str:
    return (
        f"SELECT ?t ?l ?u ?h {{ ?t <{SG}plantedAt> <{{base}}id/street/{i % 2500}> ; {LABEL} ?l ; "
        f"<{SG}maintainedBy> ?u ; <{SG}height> ?h }} LIMIT {1_000_000 + i}"
    )


def _chain(i: int) -> str:
    return (
        f"SELECT ?s ?b ?u ?c {{ <{{base}}id/tree/{i}> <{SG}plantedAt> ?s . ?b <{SG}plantedAt> ?s . "
        f'?b <{SG}maintainedBy> ?u . ?c <{SG}maintainedBy> ?u . ?c <{SG}treeNumber> "B-{i + 20:06d}" }}'
    )


def _pairs(i: int) -> str:
    street = f"<{SG}plantedAt> <{{base}}id/street/{i % 2500}> ; <{SG}height>"
    return f"SELECT (COUNT(*) AS ?n) {{ ?a {street} ?h . ?b {street} ?k FILTER(?a != ?b && ?k >= ?h) }} LIMIT {1 + i}"


def _district(i: int) -> str:
    return (
        f"SELECT ?u (AVG(?h) AS ?a) {{ ?t <{SG}inDistrict> <{{base}}id/bezirk/{i % 41}> ; <{SG}height> ?h ; "
        f"<{SG}maintainedBy> ?u }} GROUP BY ?u LIMIT {100 + i}"
    )


def _whole(i: int) -> str:
    return (
        f"SELECT ?d (AVG(?h) AS ?a) {{ ?t <{SG}height> ?h ; <{SG}maintainedBy> ?u ; <{SG}inDistrict> ?d }} "
        f"GROUP BY ?d LIMIT {100 + i}"
    )


JOINS: Final[dict[str, Callable[[int], str]]] = {
    "star join": _star,
    "chain join": _chain,
    "pairs in a street": _pairs,
    "average in a district": _district,
    "average of a join": _whole,
}
"""Text of the i-th query of each kind, each another one for each i: the lightest kind first."""


@dataclass
class Rival:
    """A server that is asked, and what has come of it."""

    port: int
    path: str
    process: int
    seconds: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def ask(self, text: str, patience: float) -> None:
        """Ask a query; raises :class:`TimeoutError` where the answer does not come within ``patience`` seconds."""
        began, used = time.perf_counter(), processor(self.process)
        connection = HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            headers = {"Accept": "application/sparql-results+json"}
            connection.request("GET", f"{self.path}?query={quote(text, safe='')}", headers=headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"{response.status}: {body[:200]!r}")
        finally:
            connection.close()
        self.seconds.append(time.perf_counter() - began)
        self.used.append(processor(self.process) - used)
        self.rows.append(len(json.loads(body)["results"]["bindings"]))


def processor(process: int) -> float:
    """Give the seconds of processors that a process and those it started have used, 0 where that is not known."""
    used, waiting, ticks = 0.0, [process], os.sysconf("SC_CLK_TCK")
    while waiting:
        one = Path(f"/proc/{waiting.pop()}")
        try:
            fields = (one / "stat").read_text().rpartition(")")[2].split()
            used += sum(map(int, fields[11:15])) / ticks  # its own and those of children that have ended
            waiting += [
                int(pid) for task in (one / "task").iterdir() for pid in (task / "children").read_text().split()
            ]
        except OSError:
            continue
    return used


def warm(rivals: dict[str, Rival], base: str, start: int) -> None:
    """Ask every server some joins before it counts, and wait until the processes that they start are there."""
    for i in range(max(0, start - WARMING), start):
        for rival in rivals.values():
            rival.ask(_star(i).replace("{base}", base), 600)
    time.sleep(PAUSE)


def race(name: str, rivals: dict[str, Rival], base: str, cap: float, start: int) -> bool:
    """Ask every server the same joins until the slowest has worked ``cap`` seconds, and print what they took.

    False where a rival gave no answer in time: it would go on with that query while others are asked.
    """
    for rival in rivals.values():
        rival.seconds, rival.used, rival.rows = [], [], []
    late = ""
    for i in range(start, start + MOST):
        text = JOINS[name](i).replace("{base}", base)
        for who, rival in rivals.items():
            try:
                rival.ask(text, cap)
            except TimeoutError:
                rival.seconds.append(cap)
                late = who
        if late or max(sum(rival.seconds) for rival in rivals.values()) > cap:
            break
    print(_told(name, rivals, late), flush=True)
    return late in ("", "ours")


def _told(name: str, rivals: dict[str, Rival], late: str) -> str:
    ours = rivals["ours"]
    lines = [f"{name:24} {median(ours.seconds) * 1000:11,.1f} ms  rows {min(ours.rows)}-{max(ours.rows)}"]
    for who, rival in rivals.items():
        if rival is ours:
            continue
        ratio, sign = sum(rival.seconds) / sum(ours.seconds), {who: "at least ", "ours": "at most "}.get(late, "")
        line = f"{'':6}{who:18} {median(rival.seconds) * 1000:11,.1f} ms  ratio {sign}{ratio:.2f}"
        if not late and sum(ours.used) > 0:
            line += f", of processor time {sum(rival.used) / sum(ours.used):.2f}"
        if rival.rows != ours.rows[: len(rival.rows)]:
            line += "   THE ANSWERS DIFFER"
        lines.append(f"{line}   ({len(rival.seconds)} queries)")
    return "\n".join(lines)
