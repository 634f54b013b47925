"""Bytes that are no request, or two at once: each gets a problem document or nothing, never another's answer."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attack import FORM, QUERY, TYPE, Target, answers

POST = b"POST /sparql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/sparql-query\r\n"
GET = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED: dict[str, tuple[bytes, int]] = {
    "a chunk size that is no number": (CHUNKED + b"ZZ\r\nASK{}\r\n0\r\n\r\n", 400),
    "a negative chunk size": (CHUNKED + b"-5\r\nASK{}\r\n0\r\n\r\n", 400),
    "a chunk that is longer than it says": (CHUNKED + b"2\r\nASK{}\r\n0\r\n\r\n", 400),
    "two transfer codings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nASK{}\r\n0\r\n\r\n", 501),
    "an unknown transfer coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n5\r\nASK{}\r\n0\r\n\r\n", 501),
    "chunks in chunks": (POST + b"Transfer-Encoding: chunked, Chunked\r\n\r\n5\r\nASK{}\r\n0\r\n\r\n", 400),
    "chunks twice": (POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n5\r\nASK{}\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (
        POST.replace(b"1.1", b"1.0")
        + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nASK{}\r\n0\r\n\r\n",
        400,
    ),
    "a length and chunks": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nASK{}\r\n0\r\n\r\n" + GET + b"\r\n",
        400,
    ),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nASK{} ", 400),
    "a negative length": (POST + b"Content-Length: -5\r\n\r\nASK{}", 400),
    "a length with a sign": (POST + b"Content-Length: +5\r\n\r\nASK{}", 400),
    "a length of Arabic digits": (POST + "Content-Length: ٥\r\n\r\nASK{}".encode(), 400),
    "a length with many digits": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nASK{}", 400),
    "a length beyond the bound": (POST + b"Content-Length: 99999999999\r\n\r\nASK{}", 413),
    "20 MB": (POST + b"Content-Length: 20000000\r\n\r\n" + b"#" * 100_000, 413),
    "5 MB": (POST + b"Content-Length: 5000000\r\n\r\n" + b"#" * 5_000_000, 413),
    "no host": (b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    "a start line of control characters": (b"G\x01T /sparql HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a version that is none": (b"GET /sparql HTTP/1.10\r\nHost: x\r\n\r\n", 400),
    "a NUL in a header": (GET + b"A: \x00b\r\n\r\n", 400),
    "a space before a colon": (GET + b"A : b\r\n\r\n", 400),
    "a bare carriage return": (GET + b"A: b\rX: y\r\n\r\n", 400),
    "300 KB of header": (GET + b"A: " + b"a" * 300_000 + b"\r\n\r\n", 431),
    "300 KB of address": (b"GET /sparql?query=" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    "an address that is none": (b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a NUL in a query": (b"GET /sparql?query=\x00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    "percent signs that are none": (b"GET /sparql?query=%zz%1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    "bytes that are no UTF-8": (b"GET /sparql?query=%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    "raw bytes in an address": (b"GET /sparql?query=\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    "an unknown method": (b"BREW /sparql HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
    "a method of 70 KB": (b"A" * 70_000 + b" /sparql HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
    "a tunnel": (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    "a trace": (b"TRACE /sparql HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
    "a websocket": (GET + b"Upgrade: websocket\r\n\r\n", 200),
    "a path out of the folder": (
        b"GET /static/..%2f..%2f..%2fetc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        404,
    ),
    "a path of NULs": (b"GET /%00/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    "ten thousand headers": (GET + b"".join(b"A%d: b\r\n" % i for i in range(10_000)) + b"\r\n", 200),
    "ten thousand formats": (GET + b"Accept: " + b"text/csv;q=0.1," * 10_000 + b"\r\n\r\n", 200),
    "weights that are none": (GET + b"Accept: text/csv;q=nan, */*;q=-1, a/b;q=\xff\r\n\r\n", 200),
    "languages without end": (GET + b"Accept-Language: " + b"a-" * 30_000 + b";q=nan\r\n\r\n", 200),
    "codings without end": (GET + b"Accept-Encoding: " + b"gzip;q=," * 9_000 + b"\r\n\r\n", 200),
    "ETags without end": (GET + b"If-None-Match: " + b'W/"x",' * 20_000 + b'"\r\n\r\n', 200),
    "a date that is none": (GET + b"If-Modified-Since: never\r\nRange: bytes=5-1\r\n\r\n", 200),
    "cookies": (GET + b"Cookie: " + b"a=b;" * 10_000 + b"\r\n\r\n", 200),
    "a token of bytes": (GET + b"Authorization: Bearer \xff\xfe\x80\r\n\r\n", 401),
    "a token of another kind": (GET + b"Authorization: Basic YTpi\r\n\r\n", 401),
    "a long token": (GET + b"Authorization: Bearer " + b"sgt_" * 50_000 + b"\r\n\r\n", 401),
    "a host that is markup": (GET.replace(b"Host: x", b'Host: "><script>alert(1)</script>') + b"\r\n", 400),
    "two hosts": (GET + b"Host: y\r\n\r\n", 400),
    "HTTP of the last century": (b"GET /sparql?query=ASK%7B%7D\r\n\r\n", 200),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_told_so(target: Target, name: str) -> None:
    """With the status of the fault, as a problem document, in both languages; the connection answers once."""
    data, status = MALFORMED[name]
    found = answers(target.raw(data, seconds=5))
    assert [answer[0] for answer in found] == [status]
    if status < 400:
        return
    _, headers, body = found[0]
    problem = json.loads(body)
    assert headers["content-type"] == "application/problem+json" and headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff" and headers["access-control-allow-origin"] == "*"
    assert problem["type"].startswith(TYPE) and problem["status"] == status and "waitress" not in str(problem)
    german = data.replace(b"Host: x\r\n", b"Host: x\r\nAccept-Language: de\r\n", 1)
    if german != data and status != 431:
        told = json.loads(answers(target.raw(german, seconds=5))[0][2])
        assert told["type"] == problem["type"]
        assert told["detail"] != problem["detail"] or name == "a bare carriage return"


def test_malformed_addresses_do_not_come_back_as_markup(target: Target) -> None:
    """The host header stands in descriptions; what is no host is left out."""
    for host in ('"><script>alert(1)</script>', "a b", "x/y", "[::1", "x:99999", "a@b", "ä.example", "x" * 5000):
        for path in ("/sparql", "/void", "/"):
            data = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html, text/turtle\r\nConnection: close\r\n\r\n"
            (answer,) = answers(target.raw(data.encode(), seconds=5))
            assert answer[0] == 400 and b"<script>" not in answer[2]
            passed = {"X-Forwarded-For": "203.0.113.8", "X-Forwarded-Host": host.encode("ascii", "replace").decode()}
            through = target.send("GET", path, passed)
            assert through.status in (200, 400) and b"<script>" not in through.body and b"99999" not in through.body


UNFINISHED = [
    b"",
    b"G",
    b"GET /sparql HTTP/1.1\r\nHost: x\r\n",
    POST + b"Content-Length: 100\r\n\r\nASK{}",
    CHUNKED + b"FFFFFFFFFFFFFFFF\r\nASK{}",
    CHUNKED + b"5\r\nASK",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 200,
    bytes(range(256)) * 10,
    b"\r\n" * 1000,
]


@pytest.mark.parametrize("number", range(len(UNFINISHED)))
def test_half_requests_are_not_answered_and_hold_nobody_up(target: Target, number: int) -> None:
    """Twenty of each stay open while the next caller is answered."""
    held = [target.connect() for _ in range(20)]
    try:
        for connection in held:
            connection.sendall(UNFINISHED[number])
        target.check()
    finally:
        for connection in held:
            connection.close()


def test_requests_in_a_row_are_answered_in_their_order(target: Target) -> None:
    """Fifty on one connection, the last but one refused; nothing behind a malformed one is read."""
    ask = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: x\r\n\r\n"
    live = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    found = answers(target.raw((ask + live) * 25 + b"GARBAGE\r\n\r\n" + live, seconds=5))
    assert [status for status, _, _ in found][:50] == [200] * 50
    assert [body for _, _, body in found][1:50:2] == [b"ok\n"] * 25
    assert len(found) <= 51


FORMS: list[tuple[str, bytes, int]] = [
    (FORM, b"query=ASK%7B%7D&query=ASK%7B%7D", 400),
    (FORM, b"query=ASK%7B%7D&update=DROP+ALL", 400),
    (FORM, b"update=DROP+ALL", 401),
    (FORM, b"query", 400),
    (FORM, b"&&&===", 400),
    (FORM, b"query=%", 400),
    (FORM, b"query=%C3%28", 400),
    (FORM, b"a=b&" * 5000, 400),
    (FORM, "query=ASK{}".encode("utf-16"), 400),
    (FORM + "; charset=utf-16", "query=ASK{}".encode("utf-16"), 415),
    (FORM + "; charset=", b"query=ASK%7B%7D", 200),
    (QUERY, "ASK{}".encode("utf-16"), 400),
    (QUERY, "ASK{}".encode("utf-32"), 400),
    (QUERY + "; charset=iso-8859-1", b"ASK{}", 415),
    (QUERY + '; charset="utf-8"', b"ASK{}", 200),
    (QUERY + "; charset=" + "x" * 5000, b"ASK{}", 415),
    (QUERY, b"\xef\xbb\xbfASK{}", 200),
    (QUERY, b"ASK{\xff}", 400),
    (QUERY, b"ASK{\xed\xa0\x80}", 400),
    (QUERY, gzip.compress(b"ASK{}", mtime=0), 400),
    (QUERY, zlib.compress(b"#" * 100_000_000), 400),
    (QUERY, b"query=ASK%7B%7D", 400),
    (QUERY, b"DROP ALL", 400),
    (QUERY, b"#" * 262_145, 400),
    (QUERY, b"", 400),
    ("application/sparql-update", b"DROP ALL", 401),
    ("application/json", b'{"query":"ASK{}"}', 415),
    ("text/html", b"<form>", 415),
    ("", b"ASK{}", 415),
    ("multipart/form-data", b"--x\r\n", 415),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nASK{}\r\n--x--',
        415,
    ),
    ("multipart/form-data; boundary=" + "x" * 5000, b"--", 415),
    ("application/sparql-query/../../x", b"ASK{}", 415),
    ("APPLICATION/SPARQL-QUERY;a;b=;=c", b"ASK{}", 200),
]


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_bodies_are_read_as_they_are_declared(target: Target, number: int) -> None:
    """Charsets, forms, media types: what is not what it says is 400 or 415."""
    kind, body, status = FORMS[number]
    headers = {"Content-Type": kind} if kind else {}
    answer = target.send("POST", "/sparql", headers, body)
    assert answer.whole
    assert answer.status == status or (status == 401 and answer.status in (401, 403)), answer.body[:300]
    if status >= 400:
        _ = answer.problem


PARAMETERS = [
    "default-graph-uri=relative",
    "default-graph-uri=",
    "named-graph-uri=http://e/%0d%0aSet-Cookie:a=b",
    "default-graph-uri=" + "http://e/" + "x" * 10_000,
    "&".join(f"default-graph-uri=http://e/{i}" for i in range(198)),
    "using-graph-uri=http://e/",
    "release=../../../etc/passwd",
    "release=%00",
    "release=" + "x" * 10_000,
    "format=../../x",
    "format=%0d%0ax",
    "lang=%22%3E%3Cscript%3E",
    "lang=" + "x" * 10_000,
    "output=html&format=json",
]


@pytest.mark.parametrize("more", PARAMETERS, ids=lambda p: p[:40])
def test_parameters_are_checked_before_they_are_used(target: Target, more: str) -> None:
    """Nothing of them becomes a header, a path or markup."""
    for accept in ("application/json", "text/html"):
        answer = target.send("GET", f"/sparql?query=ASK%7B%7D&{more}", {"Accept": accept})
        assert answer.whole and answer.status in (200, 400, 404, 406)
        assert "set-cookie" not in answer.headers and b"<script" not in answer.body and b"root:" not in answer.body


PATHS = [
    "/id/" + "x" * 10_000,
    "/id//evil.example",
    "/id/%2f%2fevil.example",
    "/id/%5C%5Cevil.example",
    "/id/https:%2F%2Fevil.example",
    "/id/a%0d%0aLocation:%20https://evil.example",
    "/data/%00",
    "/data/%ff",
    "/data/..%2f..%2fetc/passwd",
    "/page/" + "%C3%A4" * 2000,
    "/page/x%3E%20%7D%20DROP%20ALL",
    "/queries/..%2f..%2fstadtgraph.toml",
    "/queries/x?unit=%3E%20%7D",
    "/audit/units/..%2f..%2f",
    "/audit/report.",
    "/audit/report.%2e%2e%2fx",
    "/static/%2e%2e/app.py",
    "/static/..%5c..%5capp.py",
    "/tokens.json",
    "/current",
    "//evil.example/",
    "/%2e%2e/%2e%2e/",
    "/catalog.ttl?page=99999999999999999999999",
    "/catalog.ttl?page=-1",
    "/catalog.ttl?modified_since=9999-99-99T99:99:99Z",
    "/releases?format=%3Cscript%3E",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p[:40])
def test_odd_addresses_lead_nowhere_else(target: Target, path: str) -> None:
    """Neither to another site nor to a file; the error is a problem document or a page."""
    for accept in ("application/json", "text/html"):
        answer = target.send("GET", path, {"Accept": accept})
        assert answer.whole and answer.status in (200, 303, 308, 400, 404, 406), answer.body[:300]
        location = answer.headers.get("location", "/")
        assert location.startswith("/") and not location.startswith(("//", "/\\"))
        assert b"root:" not in answer.body and b"sha256" not in answer.body and b"<script" not in answer.body


def test_cells_that_a_spreadsheet_would_run_stay_data(target: Target) -> None:
    """CSV results are as the W3C defines them: the value itself; pages show it as text."""
    text = "SELECT ?l { <id/formula> <http://www.w3.org/2000/01/rdf-schema#label> ?l } ORDER BY ?l"
    table = target.ask(text, accept="text/csv")
    assert (
        table.headers["content-type"] == "text/csv; charset=utf-8"
        and table.headers["x-content-type-options"] == "nosniff"
    )
    page = target.ask(text, accept="text/html")
    assert b"<script>alert" not in page.body and b"&lt;script&gt;" in page.body


PIECES = st.sampled_from(
    (
        *(
            b"GET ",
            b"POST ",
            b"/sparql",
            b"?query=ASK%7B%7D",
            b" HTTP/1.1\r\n",
            b" HTTP/1.0\r\n",
            b"Host: x\r\n",
            b"\r\n",
        ),
        *(
            b"Content-Length: 5\r\n",
            b"Content-Length: 0\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Connection: close\r\n",
        ),
        *(b"Content-Type: application/sparql-query\r\n", b"Expect: 100-continue\r\n", b"ASK{}", b"5\r\n", b"0\r\n\r\n"),
        *(b"\x00", b"\n", b"\r", b" ", b":", b"\xff", b"a: b\r\n c\r\n", b"Accept: ", b"text/csv", b"%", b"#", b"%00"),
    )
)


@given(st.lists(PIECES, max_size=14).map(b"".join))
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_pieces_of_requests_in_any_order_do_no_harm(running: Target, data: bytes) -> None:
    """Every answer is one of HTTP, and none is a failure inside."""
    for status, headers, _ in answers(running.raw(data, seconds=0.3)):
        assert status != 500 and status < 600
        assert status < 400 or headers["content-type"] in ("application/problem+json", "text/html; charset=utf-8")
