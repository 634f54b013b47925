"""SPARQL Protocol requests as values."""

from __future__ import annotations

import pytest

from stadtgraph.errors import ProtocolError
from stadtgraph.sparql.protocol import FORM, Operation, Request, read

QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (("GET", b"query=ASK%20%7B%7D"), Request(Operation.QUERY, "ASK {}")),
        (("HEAD", b"query=ASK+%7B%7D"), Request(Operation.QUERY, "ASK {}")),
        (("GET", b""), Request(Operation.DESCRIPTION)),
        (("GET", b"release=x"), Request(Operation.DESCRIPTION, release="x")),
        (("POST", b"", FORM, b"query=ASK%7B%7D"), Request(Operation.QUERY, "ASK{}")),
        (("POST", b"", FORM + "; charset=UTF-8", b"query=ASK%7B%7D"), Request(Operation.QUERY, "ASK{}")),
        (("POST", b"", QUERY, b"ASK {}"), Request(Operation.QUERY, "ASK {}")),
        (("POST", b"", QUERY, b"\xef\xbb\xbfASK {}"), Request(Operation.QUERY, "ASK {}")),
        (("POST", b"", UPDATE, b"DROP ALL"), Request(Operation.UPDATE, "DROP ALL")),
        (("POST", b"", FORM, b"update=DROP+ALL"), Request(Operation.UPDATE, "DROP ALL")),
        (
            ("POST", b"default-graph-uri=http://e/d&named-graph-uri=http://e/n", QUERY, b"ASK {}"),
            Request(Operation.QUERY, "ASK {}", ("http://e/d",), ("http://e/n",)),
        ),
        (
            ("POST", b"default-graph-uri=http://e/d", FORM, b"query=ASK%7B%7D&default-graph-uri=http://e/e"),
            Request(Operation.QUERY, "ASK{}", ("http://e/d", "http://e/e")),
        ),
        (
            ("POST", b"using-graph-uri=http://e/d", UPDATE, b"DROP ALL"),
            Request(Operation.UPDATE, "DROP ALL", using_graphs=("http://e/d",)),
        ),
        (("GET", b"query=ASK%7B%7D&output=csv"), Request(Operation.QUERY, "ASK{}", format="csv")),
    ],
)
def test_a_request_is_read(request_: tuple[str, bytes], expected: Request) -> None:
    """GET, POST form and POST direct (https://www.w3.org/TR/sparql11-protocol/#query-operation)."""
    assert read(*request_) == expected


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (("PUT", b"query=ASK%7B%7D"), "protocol-method"),
        (("GET", b"query=ASK%7B%7D&query=SELECT"), "protocol-twice"),
        (("GET", b"update=DROP+ALL"), "protocol-update-get"),
        (("GET", b"query=ASK%7B%7D&update=DROP+ALL"), "protocol-update-get"),
        (("GET", b"query=%FF"), "protocol-encoding"),
        (("GET", b"query=ASK%7B%7D&default-graph-uri=relative"), "protocol-graph"),
        (("GET", b"query=ASK%7B%7D&default-graph-uri=http://e/%0d%0aX:y"), "protocol-graph"),
        (("GET", b"a=1&" * 300), "protocol-parameters"),
        (("POST", b"", "text/plain", b"ASK {}"), "protocol-media-type"),
        (("POST", b"", None, b"query=ASK%7B%7D"), "protocol-media-type"),
        (("POST", b"", QUERY + "; charset=UTF-16", "ASK {}".encode("utf-16")), "protocol-charset"),
        (("POST", b"", QUERY, "ASK {}".encode("utf-16")), "protocol-encoding"),
        (("POST", b"", FORM, b""), "protocol-no-query"),
        (("POST", b"", FORM, b"query=ASK%7B%7D&update=DROP+ALL"), "protocol-both"),
        (("POST", b"query=ASK%7B%7D", QUERY, b"ASK {}"), "protocol-twice"),
        (("POST", b"", FORM, b"update=DROP+ALL&update=DROP+ALL"), "protocol-twice"),
        (("POST", b"", UPDATE, b"\xff"), "protocol-encoding"),
    ],
)
def test_a_broken_request_is_refused_with_its_reason(request_: tuple[str, bytes], key: str) -> None:
    """Every error case of the W3C protocol tests, and some more."""
    with pytest.raises(ProtocolError) as caught:
        read(*request_)
    assert caught.value.key == key
    assert caught.value.text("de") != caught.value.text("en")
