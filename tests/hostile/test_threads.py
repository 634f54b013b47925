"""What takes seconds in a web process must not take all of its threads, whoever asks and however often."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attack import QUERY, Answer, Target, serving

ATTACKER = "203.0.113.77"
SHARES = {"workers": 1, "threads": 2, "FAIRNESS_CONCURRENCY": 3, "FAIRNESS_WAITING": 8}
OTHER = {"X-Forwarded-For": "198.51.100.9"}
LONG = ("SELECT (COUNT(*) AS ?n) { VALUES ?x {" + "1 " * 100_000 + "} ?s <urn:none> ?x }").encode()
BROKEN = LONG.removesuffix(b"}")


@contextmanager
def crowd(ask: Callable[[int], Answer], size: int) -> Iterator[Counter[int]]:
    """Let ``size`` clients ask again and again; give what they were told."""
    told: Counter[int] = Counter()
    over = threading.Event()

    def go(number: int) -> None:
        while not over.is_set():
            try:
                told[ask(number).status] += 1
            except OSError:
                told[0] += 1

    threads = [threading.Thread(target=go, args=(number,), daemon=True) for number in range(size)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        over.set()
        for thread in threads:
            thread.join(60)


def served(target: Target) -> None:
    """Hold the server to its promise while it is under attack: others are answered, with and without a thread."""
    for path in ("/health/live", "/sparql?query=ASK%20%7B%7D", "/queries", "/health/ready"):
        answer = target.send("GET", path, OTHER, seconds=20)
        assert answer.status == 200, (path, answer.status)


def test_one_caller_with_long_queries_leaves_threads_to_others(attacked_city: Path) -> None:
    """Reading 200 KB of query takes a while; whoever sends two dozen at once is told that this is too many."""
    with serving(attacked_city, SHARES) as target:
        headers = {"Content-Type": QUERY, "X-Forwarded-For": ATTACKER}
        texts = (LONG, BROKEN)
        with crowd(lambda n: target.send("POST", "/sparql", headers, texts[n % 2], seconds=60), 24) as told:
            for _ in range(2):
                served(target)
        target.check()
    assert told[503] + told[429] and set(told) <= {200, 400, 429, 503}, told


def test_one_caller_with_endless_queries_holds_half_of_the_threads_at_most(attacked_city: Path) -> None:
    """Four dozen at once: three run, some wait, the others are told at once and in their language."""
    endless = b"SELECT (COUNT(*) AS ?n) { ?a <urn:n> ?b . ?c <urn:n> ?d . ?e <urn:n> ?f }"
    headers = {"Content-Type": QUERY, "X-Forwarded-For": ATTACKER, "Accept-Language": "de"}
    refused: list[Answer] = []

    def ask(_: int) -> Answer:
        answer = target.send("POST", "/sparql", headers, endless, seconds=60)
        if answer.status == 429 and str(answer.problem["type"]).endswith("/http-429"):
            refused.append(answer)
        return answer

    with serving(attacked_city, SHARES) as target:
        with crowd(ask, 48) as told:
            served(target)
        target.check()
    assert set(told) <= {429, 503} and refused, told
    assert refused[0].headers["retry-after"] == "1" and "Anfragen" in str(refused[0].problem["detail"])
