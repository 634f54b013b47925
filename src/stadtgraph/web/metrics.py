"""What a server counts, in Prometheus's text format, summed over its web processes.

The processes write into small files that are mapped into memory (prometheus_client's multiprocess mode); a process that
is killed leaves its counts behind and loses none. Without a server around it, one process counts for itself.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from stadtgraph.query import Ticket

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_SECONDS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Meters:
    """The counters of one process."""

    def __init__(self, live: Callable[[], dict[str, tuple[str, float]]]) -> None:
        """Count from nothing; ``live`` gives what is read when somebody asks: name, help text and value."""
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # by the environment of now
        self._registry = CollectorRegistry()
        own = self._registry
        self._queries = Counter(
            "stadtgraph_queries", "Queries by form, outcome and source.", ("form", "outcome", "source"), registry=own
        )
        self._seconds = Histogram(
            "stadtgraph_query_seconds", "Seconds from request to end of answer.", buckets=_SECONDS, registry=own
        )
        self._bytes = Counter("stadtgraph_answer_bytes", "Bytes of answers, as they were sent.", registry=own)
        self._worked = Counter("stadtgraph_worker_seconds", "Seconds that workers worked.", registry=own)
        self._ended = Counter(
            "stadtgraph_workers_ended", "Query workers that were ended, and why.", ("why",), registry=own
        )
        self._workers = Gauge("stadtgraph_workers", "Query workers alive.", multiprocess_mode="livesum", registry=own)
        self._flight = Gauge(
            "stadtgraph_queries_in_flight",
            "Queries that workers answer now.",
            multiprocess_mode="livesum",
            registry=own,
        )
        self._live = _Live(live)

    def entered(self) -> None:
        """Count a query that a worker begins."""
        self._flight.inc()

    def ended(self, ticket: Ticket) -> None:
        """Count a query that is over."""
        source = "cache" if ticket.cached else "known" if ticket.outcome == "known" else "worker"
        self._queries.labels(ticket.form or "none", ticket.outcome, source).inc()
        self._seconds.observe(ticket.seconds)
        if ticket.bytes:
            self._bytes.inc(ticket.bytes)
        if ticket.entered:
            self._flight.dec()
            self._worked.inc(ticket.worked)

    def worker(self, why: str, alive: int) -> None:
        """Count workers: ``why`` one ended (``started``: one began), and how many there are."""
        if why != "started":
            self._ended.labels(why).inc()
        self._workers.set(alive)

    def text(self) -> bytes:
        """Give the counts of all processes."""
        registry = self._registry
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        live = CollectorRegistry()
        live.register(self._live)
        return generate_latest(registry) + generate_latest(live)


class _Live(Collector):
    def __init__(self, live: Callable[[], dict[str, tuple[str, float]]]) -> None:
        self._read = live

    def collect(self) -> Iterable[Metric]:
        """Give what is read now."""
        for name, (text, value) in self._read().items():
            yield GaugeMetricFamily(name, text, value=value)


def age(created: float) -> float:
    """Give the seconds since a time of the clock."""
    return max(0.0, time.time() - created)
