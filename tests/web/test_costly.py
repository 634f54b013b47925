"""Pages and files that take seconds are made one at a time; who would have to wait for long is told so."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from stadtgraph.errors import BusyError
from stadtgraph.query.turn import Turn
from stadtgraph.web import resources
from stadtgraph.web.state import State

COSTLY = ("/audit", "/audit/units/-", "/audit/report.json?most=7", "/catalog/quality.ttl")


def test_few_wait_for_a_turn_and_not_for_long() -> None:
    """One works, one waits for its patience, the third is refused at once."""
    turn, waiting = Turn("web-busy", waiting=1, patience=0.5), threading.Event()
    told: list[str] = []

    def wait() -> None:
        waiting.set()
        try:
            with turn:
                told.append("in")
        except BusyError as problem:
            told.append(problem.key)

    with turn:
        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait(10)
        while turn.has_room:
            continue
        with pytest.raises(BusyError), turn:
            pass
        thread.join(30)
    assert told == ["web-busy"]
    with turn:
        assert not turn.is_free
    assert turn.is_free


def test_what_takes_long_holds_up_only_what_takes_long(app: Flask, client: FlaskClient) -> None:
    """While one thread makes a report, another report is refused with 503; what was made before is given."""
    state: State = app.extensions["stadtgraph"]
    kept, state.making = state.making, Turn("web-busy", waiting=0, patience=0.1)
    try:
        with state.making:
            for path in COSTLY:
                answer = client.get(path)
                assert answer.status_code == 503 and answer.headers["Retry-After"] == "5"
                assert answer.json is not None and answer.json["reason"] == "busy"
                assert client.get("/health/live").status_code == 200
        made = {path: client.get(path) for path in COSTLY}
        with state.making:
            again = {path: client.get(path) for path in COSTLY}
    finally:
        state.making = kept
    assert [again[path].status_code for path in COSTLY] == [made[path].status_code for path in COSTLY]
    assert all(again[path].data == made[path].data for path in COSTLY)


def test_things_of_which_much_is_known_are_read_in_turn(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are read at any time."""
    state: State = app.extensions["stadtgraph"]
    monkeypatch.setattr(resources, "LARGE", 1000)
    monkeypatch.setattr(state, "making", Turn("web-busy", waiting=0, patience=0.1))
    with state.making:
        assert [client.get(f"/{kind}/hub").status_code for kind in ("data", "page")] == [503, 503]
        assert [client.get(f"/{kind}/unit/ksj").status_code for kind in ("data", "page")] == [200, 200]
    assert [client.get(f"/{kind}/hub").status_code for kind in ("data", "page")] == [200, 200]


def test_reports_of_earlier_releases_do_not_push_out_that_of_the_current_one(app: Flask, client: FlaskClient) -> None:
    """Asking for release after release keeps the one that most ask for."""
    state: State = app.extensions["stadtgraph"]
    releases = state.city.releases.ids()
    for release in (state.city.releases.current_id(), *releases, *releases):
        assert client.get(f"/audit?release={release}").status_code == 200
    known = {key.split(" ")[0] for key in state._reports}
    assert state.city.releases.current_id() in known and len(state._reports) <= 2
