"""Who asks, and what they may do: callers, their scopes, and the tokens by which they are known.

A token is a random secret of 256 bits that is shown once; the city keeps its SHA-256 alone, in ``tokens.json``,
readable by the owner of the city only. Without a token a caller is :data:`ANONYMOUS` and sees public graphs.

>>> Caller("a1", frozenset({"write:trees"})).may_write("trees"), ANONYMOUS.may_write("trees")
(True, False)
"""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from stadtgraph.errors import NotFound, StoreError, UsageError
from stadtgraph.terms import is_source_name

FILE_NAME: Final = "tokens.json"
FORMAT: Final = 1
READ_INTERNAL, AUDIT, ADMIN, WRITE = "read:internal", "audit", "admin", "write:"
SCOPES: Final = (READ_INTERNAL, "write:NAME", AUDIT, ADMIN)
"""What a token may allow; ``NAME`` is that of one source."""
_PREFIX: Final = "sgt_"
_TOKEN: Final = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{43}}")
_MOST_NOTE: Final = 200
_LONGEST_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of the token (empty: none) and what it allows."""

    id: str = ""
    scopes: frozenset[str] = frozenset()

    @property
    def is_trusted(self) -> bool:
        """Tell whether the caller showed a valid token, of whatever scope."""
        return bool(self.id)

    @property
    def is_admin(self) -> bool:
        """Tell whether the caller may do everything."""
        return ADMIN in self.scopes

    @property
    def reads_internal(self) -> bool:
        """Tell whether the caller is answered from the internal view."""
        return self.is_admin or READ_INTERNAL in self.scopes

    @property
    def audits(self) -> bool:
        """Tell whether the caller sees every finding of the audits, also those of restricted graphs."""
        return self.is_admin or AUDIT in self.scopes

    @property
    def writes(self) -> bool:
        """Tell whether the caller may write to some source."""
        return self.is_admin or any(scope.startswith(WRITE) for scope in self.scopes)

    def may_write(self, source: str) -> bool:
        """Tell whether the caller may write to the source of this name."""
        return self.is_admin or f"{WRITE}{source}" in self.scopes


ANONYMOUS: Final = Caller()
"""Everybody without a token."""


@dataclass(frozen=True, slots=True)
class Token:
    """What the city keeps of a token: never the secret itself. ``expires`` is ``None`` where it holds for good."""

    id: str
    digest: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None = None
    note: str = ""

    def holds(self, now: datetime) -> bool:
        """Tell whether the token has not expired at ``now``."""
        return self.expires is None or now < self.expires

    def to_json(self) -> dict[str, Any]:
        """Give the token as a JSON object."""
        expires = None if self.expires is None else self.expires.isoformat()
        return {
            "id": self.id,
            "sha256": self.digest,
            "scopes": list(self.scopes),
            "created": self.created.isoformat(),
            "expires": expires,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Token:
        """Read a token back; a foreign object raises ``KeyError``, ``TypeError`` or ``ValueError``."""
        expires = entry["expires"]
        return cls(
            str(entry["id"]),
            str(entry["sha256"]),
            tuple(map(str, entry["scopes"])),
            datetime.fromisoformat(entry["created"]),
            None if expires is None else datetime.fromisoformat(expires),
            str(entry["note"]),
        )


def check_scope(scope: str) -> str:
    """Give ``scope`` back; raise :class:`UsageError` naming the nearest one where there is no such scope."""
    if scope in (READ_INTERNAL, AUDIT, ADMIN):
        return scope
    if scope.startswith(WRITE) and is_source_name(scope.removeprefix(WRITE)):
        return scope
    nearest = difflib.get_close_matches(scope, SCOPES, n=1, cutoff=0.0)[0]
    raise UsageError("access-scope", scope=scope[:80], nearest=nearest, known=", ".join(SCOPES))


def _now() -> datetime:
    return datetime.now(UTC)


class Tokens:
    """The tokens of the city in a folder. Safe to use from several threads and processes."""

    def __init__(self, city: Path, *, now: Callable[[], datetime] = _now) -> None:
        """Look at the tokens of ``city``; nothing is read yet."""
        self._path, self._now = city / FILE_NAME, now
        self._known: tuple[object, tuple[Token, ...]] = (None, ())

    def create(self, scopes: Iterable[str], *, note: str = "", days: int | None = None) -> tuple[Token, str]:
        """Make a token; give what is kept of it and the secret, which is told this once.

        Raises :class:`UsageError` for an unknown scope, for none, and for a note or number of days out of bounds.
        """
        allowed = tuple(dict.fromkeys(map(check_scope, scopes)))
        if not allowed:
            raise UsageError("access-no-scope", known=", ".join(SCOPES))
        if days is not None and not 0 < days <= _LONGEST_DAYS:
            raise UsageError("access-days", days=days, bound=_LONGEST_DAYS)
        if len(note) > _MOST_NOTE or not (note.isprintable() or not note):
            raise UsageError("access-note", bound=_MOST_NOTE)
        secret = _PREFIX + secrets.token_urlsafe(32)
        created = self._now()
        expires = None if days is None else created + timedelta(days=days)
        token = Token(secrets.token_hex(4), _digest(secret), allowed, created, expires, note)
        with self._writing():
            self._write([*self.list(), token])
        return token, secret

    def list(self) -> tuple[Token, ...]:
        """Give what is kept of every token, the oldest first; a damaged file raises :class:`StoreError`."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                state = (status.st_ino, status.st_mtime_ns, status.st_size)
                if self._known[0] != state:
                    self._known = (state, _read(file.read()))
        except FileNotFoundError:
            return ()
        except OSError as problem:
            raise StoreError("access-unreadable", file=FILE_NAME, problem=problem.strerror or problem) from problem
        return self._known[1]

    def revoke(self, id: str) -> Token:
        """Make a token invalid from now on; raise :class:`NotFound` where there is none of this id."""
        with self._writing():
            tokens = self.list()
            found = next((t for t in tokens if t.id == id), None)
            if found is None:
                raise NotFound("access-unknown", id=id[:40])
            self._write([t for t in tokens if t is not found])
        return found

    def find(self, secret: str) -> Caller | None:
        """Give the caller who shows ``secret``, or ``None`` where no token that holds has it.

        Every token is compared, each in constant time, so the time tells nothing about any of them.
        """
        if not _TOKEN.fullmatch(secret):
            return None
        digest, found = _digest(secret), None
        for token in self.list():
            if hmac.compare_digest(token.digest.encode(), digest.encode()):
                found = token
        if found is None or not found.holds(self._now()):
            return None
        return Caller(found.id, frozenset(found.scopes))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let one process change the tokens at a time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _write(self, tokens: Sequence[Token]) -> None:
        """Replace the file in one step; nobody but the owner of the city can read it, at no time."""
        text = json.dumps({"format": FORMAT, "tokens": [t.to_json() for t in tokens]}, ensure_ascii=False, indent=1)
        fresh = self._path.with_name(f".{FILE_NAME}.new")
        fresh.unlink(missing_ok=True)
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as problem:
            raise StoreError("access-unwritable", file=FILE_NAME, problem=problem.strerror or problem) from problem


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _read(data: bytes) -> tuple[Token, ...]:
    try:
        found = json.loads(data)
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']}")
        return tuple(Token.from_json(entry) for entry in found["tokens"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise StoreError("access-damaged", file=FILE_NAME) from problem
