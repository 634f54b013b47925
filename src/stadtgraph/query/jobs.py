"""Work that is no query but as dangerous: reading an update, evaluating it, parsing what was uploaded.

It runs in the same workers, within the same limits: a job that goes too far is killed, and nothing was changed.
"""

from __future__ import annotations

import time
from typing import Any, Final

from stadtgraph.errors import QueryTimeout, StoreError
from stadtgraph.query import wire
from stadtgraph.query.limits import Limits
from stadtgraph.query.pool import Pool
from stadtgraph.query.ticket import outcome_of

PARSE: Final = "stadtgraph.query.updating:parse"
COMPUTE: Final = "stadtgraph.query.updating:compute"


def perform(pool: Pool, limits: Limits, job: str, *, caller: str = "", **arguments: Any) -> tuple[bytes, bytes]:
    """Let a worker do ``job`` (``module:function``) for a trusted caller; give what it sent and said at the end.

    Raises what the job raised, :class:`QueryTimeout` where it went over the time, the memory or the size, and
    :class:`StoreError` where the worker failed.
    """
    worker = pool.acquire(limits.patience, caller=caller, trusted=True)
    if worker.hold is not None:
        worker.hold.settled = True
    until, found = time.monotonic() + limits.seconds, bytearray()
    try:
        worker.ask({"job": job, **arguments})
        while True:
            frame = worker.read(until)
            if frame is None:
                raise QueryTimeout("query-time", bound=limits.seconds)
            tag, payload = frame
            if tag == wire.BLOCK:
                found += payload
                if len(found) > limits.bytes:
                    raise QueryTimeout("query-large", bound=limits.bytes)
            elif tag == wire.ERROR:
                pool.release(worker)
                break
            elif tag == wire.END:
                pool.release(worker)
                return bytes(found), payload
            else:
                raise StoreError("query-failed")
    except (wire.Broken, OSError) as problem:
        error = problem if isinstance(problem, QueryTimeout) else worker.death()
        pool.discard(worker, outcome_of(error))
        raise error from None
    except BaseException as problem:
        pool.discard(worker, outcome_of(problem))
        raise
    raise wire.error_from_bytes(payload)
