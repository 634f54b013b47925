"""Fetch the pages of a catalogue to disk: politely, once more after a failure, and on from where it was interrupted.

Pages are kept only until the harvest is done, for they may name persons. What stays is what servers gave to ask
again by (ETag, Last-Modified), so that a catalogue that did not change costs next to nothing.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

from stadtgraph import net
from stadtgraph.errors import AddressRefused, InputError, NetworkError
from stadtgraph.net import Policy
from stadtgraph.release.manifest import write_durably
from stadtgraph.sources.feed import Feed
from stadtgraph.sources.harvest.pages import Page
from stadtgraph.sources.harvest.record import Reason
from stadtgraph.sources.harvest.take import Progress, silent

MOST = 2 << 30
"""Most bytes of one page, packed and unpacked; they go to disk."""
RDF: Final = "text/turtle;q=0.9, application/rdf+xml, application/n-triples;q=0.9, application/ld+json;q=0.8, */*;q=0.1"
TRIES: Final = 4
RESUMED: Final = 24 * 3600.0
"""Seconds for which an interrupted harvest is gone on with, and for which a server may put one off at most."""
_AGAIN: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
_NOT_UNDERSTOOD: Final = frozenset((400, 404, 405, 406, 414, 422, 501))


@dataclass(frozen=True, slots=True)
class Call:
    """One request: an address, and a body where it is a POST."""

    address: str
    accept: str = RDF
    body: str = ""
    kind: str = "application/x-www-form-urlencoded"
    is_small: bool = False
    """One of many small answers: two of them may be the same, and a loop is for the follower to see."""


@dataclass(frozen=True, slots=True)
class Got:
    """One page as it was got: its file, who gave it, what to ask again by, and which call follows."""

    file: str
    address: str
    announced: str = ""
    etag: str = ""
    modified: str = ""
    digest: str = ""
    following: Call | None = None
    format: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Got:
        """Read what was kept as JSON."""
        following = data.get("following")
        return cls(**{**data, "following": Call(**following) if following else None})


Follow = Callable[[Page, list[Got]], Call | None]
"""Looks at a page and those before it and gives the next call, or ``None`` where the catalogue ends."""


@dataclass(slots=True)
class Memory:
    """What is remembered of the last harvest of an address, as JSON beside the city's releases."""

    address: str = ""
    inputs: str = ""
    settings: str = ""
    pages: list[Got] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Memory:
        """Read the file; one that is not there or not readable is nothing."""
        try:
            data = json.loads(path.read_text("utf-8"))
            return cls(data["address"], data["inputs"], data["settings"], [Got.of(page) for page in data["pages"]])
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, path: Path) -> None:
        """Write the file."""
        write_durably(path, json.dumps(asdict(self), ensure_ascii=False, indent=1).encode())


Refused = Callable[[Call], Call | None]
"""Gives a simpler call in place of one that the server does not understand, or ``None`` where there is none."""


class Fetching:
    """One fetching of one catalogue into ``folder``, which is the source's own."""

    def __init__(
        self,
        folder: Path,
        feed: Feed,
        private: frozenset[str] = frozenset(),
        *,
        progress: Progress = silent,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """Say where to, how politely, and which hosts need not be public."""
        self.folder, self.feed, self.progress, self._sleep = folder, feed, progress, sleep or time.sleep
        seconds, most = min(3600.0, feed.seconds), min(MOST, feed.bytes)
        self.policy = Policy(private, bytes=most, seconds=seconds, connect=20.0, idle=60.0, redirects=5)
        self.notes: list[Reason] = []
        self._asked = False
        self._first = Call("")

    @property
    def memory(self) -> Path:
        """The file with what is remembered of the last harvest."""
        return self.folder / "state.json"

    @property
    def _partial(self) -> Path:
        return self.folder / "pages"

    def fetch(
        self,
        first: Call,
        follow: Follow,
        *,
        known: Memory | None = None,
        format: str = "",
        refused: Refused = lambda _call: None,
    ) -> list[Got] | None:
        """Get every page; ``None`` where the server says of each that it is as it was (only asked where ``known``).

        ``refused`` is asked for a simpler call where the server does not understand one.
        Raises :class:`NetworkError` and :class:`InputError`; the pages that came stay for the next attempt.
        """
        self._keep_away(first)
        if known is not None and known.pages and all(p.etag or p.modified for p in known.pages):
            unchanged = all(self._is_unchanged(page) for page in known.pages)
            if unchanged:
                return None
        pages, until = self._resumed(first), time.monotonic() + self.feed.seconds
        self._first = first
        size = sum((self._partial / page.file).stat().st_size for page in pages)
        call = first if not pages else pages[-1].following
        while call is not None:
            if len(pages) >= self.feed.pages:
                raise InputError("harvest-endless", address=first.address, pages=self.feed.pages)
            if time.monotonic() > until:
                raise NetworkError("harvest-long", address=first.address, seconds=self.feed.seconds)
            if any(page.following == call for page in pages[:-1]) or (pages and call == first):
                raise InputError("harvest-loop", address=call.address, number=len(pages))
            try:
                got = self._page(call, len(pages), follow, pages, format)
            except NetworkError as error:
                call = refused(call) if error.params.get("found") in _NOT_UNDERSTOOD else None
                if call is None:
                    raise
                continue
            pages.append(got)
            size += (self._partial / got.file).stat().st_size
            if size > self.feed.bytes:
                raise InputError("harvest-large", address=first.address, megabytes=self.feed.bytes >> 20)
            self._keep(first, pages)
            call = got.following
            self.progress("fetch", len(pages), 0 if call else len(pages))
        return pages

    def pages(self, got: list[Got]) -> list[Page]:
        """Give the pages on disk."""
        return [
            Page(self._partial / page.file, page.address, number, page.announced, page.file, format=page.format)
            for number, page in enumerate(got)
        ]

    def done(self, memory: Memory) -> None:
        """Remember what to ask again by, and remove the pages."""
        memory.write(self.memory)
        self.clear()

    def clear(self) -> None:
        """Remove the pages."""
        shutil.rmtree(self._partial, ignore_errors=True)

    # ---- one page

    def _page(self, call: Call, number: int, follow: Follow, before: list[Got], format: str) -> Got:
        target = self._partial / f"page-{number + 1:05d}"
        response = self._ask(call, target)
        target = _named_packed(target)
        digest = _digest(target)
        found = (n for n, page in enumerate(before, 1) if page.digest == digest and not call.is_small)
        same = next(found, None)
        if same is not None:
            raise InputError("harvest-repeats", number=number + 1, same=same, address=call.address)
        page = Page(target, response.address, number, response.media_type, format=format)
        following = follow(page, before)
        return Got(
            target.name,
            response.address,
            response.media_type,
            response.headers.get("ETag") or "",
            response.headers.get("Last-Modified") or "",
            digest,
            following,
            format,
        )

    def _ask(self, call: Call, target: Path) -> net.Response:
        """Get one page into ``target``; what may pass is tried again, waiting longer each time."""
        problem: NetworkError | None = None
        for attempt in range(TRIES):
            if self._asked or attempt:
                self._sleep(self.feed.pause if not attempt else 0)
            self._asked = True
            try:
                with self._send(call) as response:
                    if response.status == 200:
                        _write(response, target)
                        return response
                    problem = NetworkError("net-status", address=response.address, found=response.status)
                    if response.status not in _AGAIN:
                        raise problem
                    wait = _after(response.headers.get("Retry-After") or "", attempt)
                    if wait > min(self.feed.wait, self.feed.seconds):
                        raise self._put_off(wait)
            except AddressRefused:
                raise
            except NetworkError as error:
                if error.key == "harvest-later" or (error is problem and error.params.get("found") not in _AGAIN):
                    raise
                problem, wait = error, _after("", attempt)
                if error.key in ("net-large", "net-redirect", "net-redirects", "net-downgrade", "net-encoding"):
                    raise
            if attempt + 1 < TRIES:
                self.notes.append(Reason("harvest-again", {"problem": problem.text(), "wait": round(wait)}))
                self._sleep(wait)
        assert problem is not None
        raise problem

    def _send(self, call: Call, headers: Mapping[str, str] | None = None) -> net.Response:
        sent = {"Accept": call.accept, **(headers or {})}
        if not call.body:
            return net.get(call.address, self.policy, headers=sent)
        sent["Content-Type"] = call.kind
        return net.get(call.address, self.policy, method="POST", headers=sent, body=call.body.encode())

    def _is_unchanged(self, page: Got) -> bool:
        headers = {"If-None-Match": page.etag} if page.etag else {}
        if page.modified:
            headers["If-Modified-Since"] = page.modified
        if self._asked:
            self._sleep(self.feed.pause)
        self._asked = True
        try:
            with self._send(Call(page.address), headers) as response:
                return response.status == 304
        except NetworkError:
            return False  # the fetching that follows says what is wrong

    # ---- interruptions

    @property
    def _later(self) -> Path:
        return self.folder / "later.json"

    def _put_off(self, seconds: float) -> NetworkError:
        """Note when a server wants to be asked again, and give the error that says so."""
        again = time.time() + min(seconds, RESUMED)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(self._later, json.dumps({"first": asdict(self._first), "again": again}).encode())
        return _come_again(self._first, again)

    def _keep_away(self, first: Call) -> None:
        """Ask nothing of a server before the time that it gave the last harvest of the same address."""
        try:
            data = json.loads(self._later.read_text("utf-8"))
            is_same, again = data["first"] == asdict(first), float(data["again"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if is_same and 0 < again - time.time() <= RESUMED:
            raise _come_again(first, again)
        self._later.unlink(missing_ok=True)

    def _resumed(self, first: Call) -> list[Got]:
        """Give the pages that an interrupted harvest of the same address left not long ago."""
        try:
            data = json.loads((self._partial / "pages.json").read_text("utf-8"))
            pages = [Got.of(page) for page in data["pages"]]
            is_young = 0 <= time.time() - data["time"] < 2 * RESUMED  # a server may have put it off for a day
            is_whole = all(_digest(self._partial / page.file) == page.digest for page in pages)
            if data["first"] == asdict(first) and is_young and is_whole and pages and pages[-1].following is not None:
                self.notes.append(Reason("harvest-resumed", {"number": len(pages)}))
                return pages
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self.clear()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._partial.mkdir(mode=0o700)
        return []

    def _keep(self, first: Call, pages: list[Got]) -> None:
        data = {"first": asdict(first), "time": time.time(), "pages": [asdict(page) for page in pages]}
        write_durably(self._partial / "pages.json", json.dumps(data, ensure_ascii=False).encode())


def _write(response: net.Response, target: Path) -> None:
    part = target.with_suffix(".part")
    try:
        with part.open("wb") as file:
            for block in response.blocks():
                file.write(block)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _named_packed(path: Path) -> Path:
    """Let the name say that a file is packed."""
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return path.replace(path.with_name(f"{path.name}.gz")) if is_packed else path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _after(header: str, attempt: int) -> float:
    """Give the seconds to wait: what the server asks for, else longer each time."""
    asked = float(header) if re.fullmatch(r"[0-9]{1,6}", header.strip()) else _until(header)
    return 2.0**attempt if asked is None else max(asked, 0.0)


def _come_again(first: Call, again: float) -> NetworkError:
    day = datetime.fromtimestamp(again, UTC)
    return NetworkError("harvest-later", address=first.address, time=f"{day:%Y-%m-%d %H:%M}")


def _until(header: str) -> float | None:
    """Give the seconds until a date as HTTP writes it (https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)."""
    try:
        return parsedate_to_datetime(header).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
