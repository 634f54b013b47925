"""Outgoing HTTP: what is never contacted, and what is never waited for."""

from __future__ import annotations

import gzip
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening import Listener, Talk, endless, listening, reply
from stadtgraph import net
from stadtgraph.errors import AddressRefused, NetworkError
from stadtgraph.net import Policy, connection

LOCAL = Policy(private=frozenset({"127.0.0.1"}), bytes=100_000, seconds=5.0, idle=2.0)
OK = reply(b"hello")


def asked(address: str, policy: Policy = LOCAL) -> bytes:
    """Ask and give the body."""
    with net.get(address, policy) as answer:
        return answer.read()


def refused(address: str, policy: Policy | None = None) -> str:
    """Give the reason why an address is refused."""
    with pytest.raises(AddressRefused) as caught:
        net.get(address, policy or Policy(seconds=5.0))
    for lang in ("en", "de"):
        assert caught.value.text(lang)
    return caught.value.key


# Addresses that lead to this machine or its network, all of them to a port where a server listens.
INWARD = [
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://0.0.0.0:{port}/",
    "http://127.1.2.3:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://169.254.169.254:{port}/latest/meta-data/",
    "http://224.0.0.1:{port}/",
    "http://240.0.0.1:{port}/",
    "http://255.255.255.255:{port}/",
    "http://192.0.2.1:{port}/",
    "http://198.18.0.1:{port}/",
]
WRITTEN_ODDLY = [
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://127.1:{port}/",
    "http://127.0.0.01:{port}/",
    "http://0:{port}/",
    "http://127.0.0.256:{port}/",
    "http://１２７.0.0.1:{port}/",
    "http://①②⑦.0.0.1:{port}/",
    "http://lоcalhost:{port}/",
    "http://localhost%2e:{port}/",
    "http://127.0.0.1%00.example.org:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://example.org@127.0.0.1:{port}/",
    "http://example.org:80@127.0.0.1:{port}/",
    "http://example.org\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.org/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1:{port}/\r\nHost: example.org",
    " http://127.0.0.1:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[::1%lo]:{port}/",
    "http://[127.0.0.1]:{port}/",
    "http://[v1.x]:{port}/",
    "http://[::1:{port}/",
    "http://127.0.0.1:{port}0000/",
    "http://127.0.0.1:-{port}/",
    "http://127..1:{port}/",
    "http://.127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "file:///etc/hostname",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/",
    "unix:/var/run/docker.sock",
    "http://",
    "http:///x",
    "http://a" + "a" * 9000 + ":{port}/",
]


@pytest.mark.parametrize("address", INWARD + WRITTEN_ODDLY, ids=lambda a: a[:40])
def test_no_address_of_this_machine_or_its_network_is_contacted(address: str) -> None:
    """However it is written, and although a server listens there."""
    with listening(OK) as server:
        refused(address.format(port=server.port))
    assert server.connections == 0


@pytest.mark.parametrize("address", WRITTEN_ODDLY, ids=lambda a: a[:40])
def test_an_odd_address_is_refused_even_where_private_ones_are_allowed(address: str) -> None:
    """What two programs may read in two ways is read in none."""
    with listening(OK) as server:
        written = address.format(port=server.port)
        hosts = {"127.0.0.1", "127.0.0.1%lo", "localhost", "::1", "127.0.0.1."}
        refused(written, Policy(private=frozenset(hosts)))
    assert server.connections == 0


@pytest.mark.parametrize("port", [0, 1, 22, 25, 53, 79, 110, 143, 445, 587, 993, 2049, 6000, 6667])
def test_ports_of_other_protocols_are_not_contacted(port: int) -> None:
    """80, 443 and most above 1023."""
    assert refused(f"http://example.org:{port}/") == "net-port"


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "127.0.0.1"],
        ["93.184.215.14", "10.1.2.3"],
        ["::1"],
        ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:10.0.0.1"],
        ["fe80::1%eth0"],
    ],
    ids=str,
)
def test_a_name_with_an_address_inside_is_refused_whole(monkeypatch: pytest.MonkeyPatch, answer: list[str]) -> None:
    """One public address among its addresses does not help."""
    monkeypatch.setattr(connection, "lookup", lambda _host, _port: answer)
    with listening(OK) as server:
        assert refused(f"http://rebinding.example.org:{server.port}/") == "net-private"
    assert server.connections == 0


def test_a_name_that_changes_its_mind_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is looked up once, and the connection goes to the address that was checked."""
    asked_for: list[str] = []
    gone: list[tuple[str, int]] = []

    def lookup(host: str, _port: int) -> list[str]:
        asked_for.append(host)
        return ["93.184.215.14"] if len(asked_for) == 1 else ["127.0.0.1"]

    def create(address: tuple[str, int], timeout: float) -> socket.socket:
        gone.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(connection, "lookup", lookup)
    monkeypatch.setattr(socket, "create_connection", create)
    with listening(OK) as server, pytest.raises(NetworkError):
        net.get(f"http://rebinding.example.org:{server.port}/", Policy(seconds=5.0))
    assert (asked_for, [host for host, _ in gone]) == (["rebinding.example.org"], ["93.184.215.14"])


def test_a_pinned_connection_keeps_the_name_in_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server behind the checked address sees the host that was asked for."""
    monkeypatch.setattr(connection, "lookup", lambda _host, _port: ["127.0.0.1"])
    with listening(OK) as server:
        policy = Policy(private=frozenset({"inside.example.org"}))
        assert asked(f"http://Inside.Example.org.:{server.port}/a b?q=ü#x", policy) == b"hello"
    head = server.requests[0].decode()
    assert head.startswith("GET /a%20b?q=%C3%BC HTTP/1.1\r\n")
    assert f"Host: inside.example.org:{server.port}\r\n" in head


def test_a_host_that_is_not_on_the_list_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking a name up tells its owner something already."""
    monkeypatch.setattr(connection, "lookup", lambda _host, _port: pytest.fail("looked up"))
    assert refused("https://example.com/", Policy(hosts=frozenset({"example.org"}))) == "net-host"


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would look names up anew, and be asked for everything."""
    with listening(OK) as proxy, listening(reply(b"direct")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.address)
        assert asked(server.address) == b"direct"
    assert proxy.connections == 0


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
def test_redirects_are_not_followed_unless_allowed(status: str) -> None:
    """The other server is not contacted."""
    with listening(OK) as other, listening(reply(b"", f"Location: {other.address}", status=status)) as server:
        with pytest.raises(NetworkError) as caught:
            asked(server.address)
        assert caught.value.key == "net-redirect"
    assert other.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "[::1]", "2130706433", "169.254.169.254", "user@127.0.0.1"])
def test_every_redirect_is_checked_as_the_first_address_was(host: str) -> None:
    """A server that may be asked cannot send us to one that may not."""
    with listening(OK) as other:
        leading = reply(b"", f"Location: http://{host}:{other.port}/", status="302 Found")
        with listening(leading) as server:
            refused(server.address, Policy(private=frozenset({"127.0.0.1"}), redirects=5))
    assert other.connections == 0


def test_allowed_redirects_are_followed_to_their_bound() -> None:
    """A loop ends; credentials do not travel to another server."""
    policy = Policy(private=frozenset({"127.0.0.1"}), redirects=3)
    with listening(OK) as other, listening(reply(b"", f"Location: {other.address}/x", status="302 x")) as server:
        with net.get(server.address, policy, headers={"Authorization": "Bearer x"}) as answer:
            assert (answer.read(), answer.address) == (b"hello", f"{other.address}/x")
        assert b"Authorization" in server.requests[0]
        assert b"Authorization" not in other.requests[0]
    with listening(reply(b"", "Location: /again", status="302 x")) as server:
        with pytest.raises(NetworkError) as caught:
            net.get(server.address, policy)
        assert caught.value.key == "net-redirects"
    assert server.connections == 4


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SLOW: dict[str, Talk] = {
    "no answer": endless(b"", b"", 0.2),
    "head byte by byte": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.05),
    "body byte by byte": endless(HEAD + b"Content-Length: 1000\r\n\r\n", b"x", 0.05),
    "chunks byte by byte": endless(CHUNKED, b"1\r\nx\r\n", 0.05),
    "100-continue for ever": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02),
    "header lines for ever": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.02),
    "trailers for ever": endless(CHUNKED + b"0\r\n", b"X: y\r\n", 0.02),
    "a gzip stream byte by byte": endless(
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x")[:10], b"\0", 0.05
    ),
}
ENDLESS: dict[str, Talk] = {
    "body": endless(HEAD + b"\r\n", b"x" * 65536),
    "chunks": endless(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "header line": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536),
    "header lines": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
    "status line": endless(b"HTTP/1.1 200 ", b"x" * 65536),
    "chunk size": endless(CHUNKED, b"0" * 65536),
}


@pytest.mark.parametrize("talk", SLOW.values(), ids=SLOW)
def test_nobody_is_waited_for_beyond_the_deadline(talk: Talk) -> None:
    """Each wait is short enough, but all together are not."""
    policy = Policy(private=frozenset({"127.0.0.1"}), seconds=0.5, idle=0.4)
    with listening(talk) as server, pytest.raises(NetworkError) as caught:
        asked(server.address, policy)  # none of these servers ever comes to an end
    assert caught.value.key in ("net-time", "net-broken")


@pytest.mark.parametrize("talk", ENDLESS.values(), ids=ENDLESS)
def test_no_more_than_the_bound_is_read(talk: Talk) -> None:
    """Whatever never ends is left, early."""
    with listening(talk) as server, pytest.raises(NetworkError) as caught:
        asked(server.address)
    assert caught.value.key in ("net-large", "net-broken")


def test_slow_names_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver has no deadline of its own."""
    let_go = threading.Event()
    monkeypatch.setattr(connection, "lookup", lambda _host, _port: [str(let_go.wait(120))])
    with pytest.raises(NetworkError) as caught:
        net.get("https://slow.example.org/", Policy(seconds=0.3))
    let_go.set()
    assert caught.value.key == "net-time"


def _bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(200)) + packer.flush()


def test_what_unpacks_to_too_much_is_refused() -> None:
    """200 KB that unfold to 200 MB are left after the bound."""
    bomb = _bomb()
    with listening(reply(bomb, "Content-Encoding: gzip")) as server, pytest.raises(NetworkError) as caught:
        asked(server.address, Policy(private=LOCAL.private, bytes=1_000_000))
    assert caught.value.key == "net-large"


@pytest.mark.parametrize(
    ("talk", "key"),
    [
        (reply(gzip.compress(b"x" * 1000, mtime=0)[:-10], "Content-Encoding: gzip"), "net-broken"),
        (reply(b"no gzip", "Content-Encoding: gzip"), "net-broken"),
        (reply(b"x", "Content-Encoding: br"), "net-encoding"),
        (reply(b"x", "Content-Encoding: gzip, gzip"), "net-encoding"),
        (reply(b"x", "Content-Length: 5", length=False), "net-cut"),
        (lambda client, _: client.sendall(CHUNKED + b"5\r\nab"), "net-broken"),
        (lambda client, _: client.sendall(CHUNKED + b"zz\r\nab"), "net-broken"),
        (lambda client, _: client.sendall(b"SSH-2.0-x\r\n"), "net-broken"),
        (lambda _client, _: None, "net-unreachable"),
    ],
)
def test_an_answer_that_is_damaged_is_an_error(talk: Talk, key: str) -> None:
    """Nothing half is taken for whole."""
    with listening(talk) as server, pytest.raises(NetworkError) as caught:
        asked(server.address)
    assert caught.value.key == key
    assert "127.0.0.1" in caught.value.text("de")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"long " * 10_000,
        gzip.compress(b"x", mtime=0),
        gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0),
    ],
)
@pytest.mark.parametrize("length", [True, False])
def test_what_comes_is_what_was_sent(body: bytes, length: bool) -> None:
    """With and without a length."""
    with listening(reply(body, length=length)) as server:
        assert asked(server.address) == body


def test_packed_answers_are_unpacked() -> None:
    """Also those of several members."""
    body = gzip.compress(b"long " * 5000) + gzip.compress(b"more")
    with listening(reply(body, "Content-Encoding: gzip")) as server:
        assert asked(server.address) == b"long " * 5000 + b"more"


def test_a_body_is_sent_with_its_method_and_headers() -> None:
    """As SPARQL queries are."""
    with (
        listening(OK) as server,
        net.get(server.address, LOCAL, method="POST", headers={"Content-Type": "x/y"}, body=b"ASK {}") as answer,
    ):
        assert answer.read() == b"hello"
    assert server.requests[0].startswith(b"POST / HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"Content-Length: 6\r\n\r\nASK {}")


def test_a_header_cannot_smuggle_another() -> None:
    """Line ends in values are refused before anything is sent."""
    with listening(OK) as server, pytest.raises(NetworkError):
        net.get(server.address, LOCAL, headers={"X": "a\r\nY: b"})
    assert server.requests in ([], [b""])


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for secure.example.org, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    call = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
    names = ["-subj", "/CN=x", "-addext", "subjectAltName=DNS:secure.example.org"]
    subprocess.run([*call, *names], check=True, capture_output=True)
    return cert, key


@pytest.mark.parametrize(
    ("host", "trusted", "key"),
    [
        ("secure.example.org", True, None),
        ("secure.example.org", False, "net-tls"),
        ("other.example.org", True, "net-tls"),
    ],
)
def test_certificates_are_held_to_the_name_in_the_address(
    monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path], host: str, trusted: bool, key: str | None
) -> None:
    """The connection goes to a number, and the server is still held to its name."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*certificate)
    seen: list[str | None] = []
    serving.sni_callback = lambda _sock, name, _context: seen.append(name)
    context = ssl.create_default_context(cafile=str(certificate[0]) if trusted else None)
    monkeypatch.setattr(connection, "tls", lambda: context)
    monkeypatch.setattr(connection, "lookup", lambda _host, _port: ["127.0.0.1"])
    policy = Policy(private=frozenset({host}), seconds=10.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve_tls, args=(server, serving), daemon=True)
        thread.start()
        address = f"https://{host}:{server.getsockname()[1]}/"
        if key is None:
            assert asked(address, policy) == b"hello"
        else:
            with pytest.raises(NetworkError) as caught:
                asked(address, policy)
            assert caught.value.key == key
        thread.join(60)
    assert seen == [host]


def _serve_tls(server: socket.socket, context: ssl.SSLContext) -> None:
    client, _ = server.accept()
    try:
        with context.wrap_socket(client, server_side=True) as secure:
            OK(secure, secure.recv(65536))
    except OSError:
        client.close()


def test_a_redirect_from_https_to_http_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encryption is not lost on the way."""
    from stadtgraph.net import client

    def exchange(asked: net.Target, policy: Policy, deadline: object, *_: object) -> net.Response:
        with listening(reply(b"", "Location: http://example.org/", status="302 x")) as server:
            return real(net.target(server.address), policy, deadline, "GET", {}, None)  # type: ignore[arg-type]

    real = client._exchange
    monkeypatch.setattr(client, "_exchange", exchange)
    with pytest.raises(NetworkError) as caught:
        net.get("https://example.org/", Policy(private=LOCAL.private, redirects=2))
    assert caught.value.key == "net-downgrade"


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_as_its_forms_in_ipv6(ip: ipaddress.IPv4Address) -> None:
    """Mapped, 6to4 and NAT64 forms are judged by what they lead to."""
    number = int(ip)
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | number)
    nat64 = ipaddress.IPv6Address((0x64FF9B << 96) | number)
    sixtofour = ipaddress.IPv6Address(0x2002 << 112 | number << 80)
    assert {net.is_public(form) for form in (mapped, nat64, sixtofour)} == {net.is_public(ip)}


@given(st.ip_addresses())
def test_only_what_python_calls_global_is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """A second opinion, one that is not stricter."""
    wrapped = isinstance(ip, ipaddress.IPv6Address) and int(ip) >> 32 in (0xFFFF, 0x64FF9B << 64)
    assert ip.is_global or wrapped or not net.is_public(ip)


@given(st.text(max_size=60) | st.from_regex(r"https?://[^/]{0,20}(:[0-9]{1,6})?/.{0,10}"))
def test_a_target_reads_the_same_when_it_is_written_again(address: str) -> None:
    """Reading never fails in another way than by refusal, and what was read is stable."""
    try:
        found = net.target(address)
    except AddressRefused:
        return
    assert net.target(found.address) == found
    assert found.address.isascii()


def test_the_listener_counts(tmp_path: Path) -> None:
    """The zero in the tests above means something."""
    with listening(OK) as server:
        assert asked(server.address) == b"hello"
    assert isinstance(server, Listener)
    assert server.connections == 1
