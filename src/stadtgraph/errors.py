"""Every error that stadtgraph raises on purpose, as one tree.

::

    StadtgraphError
     ├─ UsageError(ValueError)            the call is wrong                          exit 2
     │   └─ ConfigError                   stadtgraph.toml, environment or option
     ├─ InputError(ValueError)            a file or record cannot be read            exit 3
     │   ├─ MappingError                  a mapping file or its table
     │   ├─ RegistryError                 sources.toml
     │   └─ ShapeError                    a shapes graph
     ├─ GateError(ValueError)             a gate shape is violated                   exit 1
     ├─ NetworkError(RuntimeError)        another server does not answer as it should exit 3
     │   └─ AddressRefused(ValueError)    its address must not be asked; nothing was sent
     ├─ StoreError(RuntimeError)          the store or the disk failed               exit 3
     │   ├─ BusyError                     another writer holds the city
     │   └─ DiskFull                      there is no room; nothing was changed
     ├─ NotFound(LookupError)             no such release, source, query or resource exit 2
     │   └─ Gone                          it was withdrawn
     ├─ AccessError(PermissionError)      the caller may not do this                 exit 3
     │   ├─ Unauthorized                  no token, or one that does not hold
     │   └─ Forbidden                     the token does not allow it
     ├─ Conflict(RuntimeError)            the source is a file: edit that            exit 2
     ├─ PreconditionFailed(RuntimeError)  it was changed by somebody else meanwhile  exit 2
     └─ QueryError(ValueError)            a query cannot be answered                 exit 2
         ├─ QuerySyntaxError              line, column, what was expected
         ├─ QueryRefused                  the guard or the policy said no
         ├─ NotAcceptable                 no offered format fits
         ├─ ProtocolError                 the request breaks the SPARQL Protocol
         ├─ TooManyRequests               the caller has had its share               exit 3
         └─ QueryTimeout(TimeoutError)    it went too far                            exit 3

An error is a *key* into the message catalogue with parameters, so that it can be told in German and
English; ``str(error)`` is the English text.
"""

from __future__ import annotations

import errno
import os
from typing import ClassVar, Final

from stadtgraph import messages

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SQLITE_FULL: Final = 13  # https://www.sqlite.org/rescode.html#full
_FULL_WORDS: Final = ("no space left", "disk is full", "file too large", "quota exceeded")


class StadtgraphError(Exception):
    """Base of all. ``key`` names the message, ``params`` fill it."""

    exit_code: ClassVar[int] = 3

    def __init__(self, key: str, /, **params: object) -> None:
        """Name the message by its catalogue key; the parameters fill its placeholders."""
        self.key = key
        self.params = params
        super().__init__(key)

    def text(self, lang: str = "en") -> str:
        """Give the message on one line in ``lang`` ("de" or "en")."""
        return messages.text(self.key, lang, **self.params)

    def __str__(self) -> str:
        return self.text("en")

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.key, self.params))


def _rebuild(cls: type[StadtgraphError], key: str, params: dict[str, object]) -> StadtgraphError:
    return cls(key, **params)


class UsageError(StadtgraphError, ValueError):
    """The call is wrong: an unknown option, name or value."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting is unknown or has a wrong value; the nearest known one is named."""


class InputError(StadtgraphError, ValueError):
    """A file or record cannot be read; says file, line, column and what was expected."""


class MappingError(InputError):
    """A mapping file is malformed or does not fit its table."""


class RegistryError(InputError):
    """The registry of sources is malformed."""


class ShapeError(InputError):
    """A shapes graph cannot be used; says which shape and why."""


class GateError(StadtgraphError, ValueError):
    """Data violate a gate shape; the source keeps its last good graph."""

    exit_code = 1


class NetworkError(StadtgraphError, RuntimeError):
    """Another server cannot be reached, or does not answer as it should."""


class AddressRefused(NetworkError, ValueError):
    """The address of another server must not be asked; nothing was sent to it."""


class StoreError(StadtgraphError, RuntimeError):
    """The store or the disk under it failed; the current release is untouched."""


class BusyError(StoreError):
    """Another process is writing to this city."""


class DiskFull(StoreError):
    """There is no room on the disk, or no more is allowed; nothing was changed."""


def disk_failure(problem: Exception) -> StoreError:
    """Give the error that a failure of the disk, of the store on it or of SQLite stands for.

    >>> type(disk_failure(OSError(28, "No space left on device"))), type(disk_failure(OSError(5, "I/O error")))
    (<class 'stadtgraph.errors.DiskFull'>, <class 'stadtgraph.errors.StoreError'>)
    """
    number = getattr(problem, "errno", None)
    full = getattr(problem, "sqlite_errorcode", None) == _SQLITE_FULL
    if full or number in _FULL or any(words in str(problem).lower() for words in _FULL_WORDS):
        return DiskFull("store-full")
    return StoreError("store-write", problem=os.strerror(number) if number else problem)


class NotFound(StadtgraphError, LookupError):
    """What was asked for does not exist."""

    exit_code = 2


class Gone(NotFound):
    """What was asked for was withdrawn."""


class AccessError(StadtgraphError, PermissionError):
    """The caller may not do this; says what is needed, never what is hidden."""


class Unauthorized(AccessError):
    """There is no token, or it is unknown, revoked or expired."""


class Forbidden(AccessError):
    """The token is valid but does not allow this."""


class Conflict(StadtgraphError, RuntimeError):
    """The change does not fit the kind of the source, for example a source that is a file."""

    exit_code = 2


class PreconditionFailed(StadtgraphError, RuntimeError):
    """What was to be changed is no longer what the caller had seen."""

    exit_code = 2


class QueryError(StadtgraphError, ValueError):
    """A query cannot be answered."""

    exit_code = 2


class QuerySyntaxError(QueryError):
    """The query is malformed; says line, column and what was expected."""


class QueryRefused(QueryError):
    """The guard or the policy refuses the query; says which bound and how much."""


class NotAcceptable(QueryError):
    """None of the formats that the client accepts can be given."""


class ProtocolError(QueryError):
    """The request breaks the SPARQL Protocol (https://www.w3.org/TR/sparql11-protocol/)."""


class TooManyRequests(QueryError):
    """The caller has had its share; ``seconds`` says when to come again."""

    exit_code = 3


class QueryTimeout(QueryError, TimeoutError):
    """The query went over a limit of time, memory or depth and was ended."""

    exit_code = 3
