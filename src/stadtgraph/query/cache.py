"""Answers that were given before, shared by the web processes of one server and bounded in bytes.

Each answer is a file of its own in one folder, written beside its place and renamed into it, so that another process
sees the whole answer or none, whatever is killed when. A file says its key, length and checksum; one that does not hold
what it says counts as absent. There is no index that could be damaged: whoever has added a share of the bound looks at
the folder and removes what was not asked for longest. The last small answers are kept in the process as well, and those
that were made faster than a file is are kept there alone.

What keys mean is the caller's affair: :meth:`stadtgraph.query.planning.Plan.key` is equal only where the answer is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import tempfile
import threading
import time
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Final

_HEAD: Final = struct.Struct("!4s40sQI")
_MAGIC: Final = b"sga1"
_BLOCK: Final = 4096
_SMALL: Final = 256 * 1024
_TOUCH: Final = 60.0
_LARGEST_SHARE: Final = 8
_STALE: Final = 900.0
"""Seconds after which an unfinished file belongs to nobody."""


class Cache:
    """Answers by key. ``bound`` bytes on disk for all ``sharers`` together, an eighth of it in this process."""

    def __init__(self, bound: int, folder: Path | None = None, sharers: int = 1) -> None:
        """Keep answers in ``folder``, else in one that goes with this object; ``bound`` 0 keeps nothing."""
        self.bound, self.sharers = bound, max(1, sharers)
        self._folder = folder
        self._memory: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._in_memory, self._added, self._gathered = 0, 0, 0
        self._lock = threading.RLock()  # an entry that nobody has any more is forgotten wherever that is noticed
        self._queue: Queue[tuple[str, list[bytes], int, int]] = Queue()
        self._writer: threading.Thread | None = None
        self._sweeping = threading.Lock()
        self._measured, self._size = -60.0, 0

    @property
    def largest(self) -> int:
        """The largest answer that is kept, in bytes."""
        return self.bound // _LARGEST_SHARE

    def get(self, key: str) -> bytes | None:
        """Give the answer kept under ``key``, whole, or ``None``."""
        with self._lock:
            held = self._memory.get(key)
            if held is not None:
                self._memory.move_to_end(key)
        if held is not None:
            if time.monotonic() - held[1] > _TOUCH:
                self._remember(key, held[0])
                self._touch(key)
            return held[0]
        found = self._read(key) if self.bound else None
        if found is not None:
            self._touch(key)
            self._remember(key, found)
        return found

    def put(self, key: str, body: bytes, *, shared: bool = True) -> None:
        """Keep ``body`` under ``key``; what is too large, or finds no room on the disk, is not kept.

        ``shared`` false keeps a small one in this process alone: for answers that are made faster than a file is.
        """
        if len(body) <= _SMALL:
            self._remember(key, body)
            if not shared:
                return
        entry = self.entry(key)
        entry.add(body)
        entry.keep()

    def entry(self, key: str) -> Entry:
        """Start keeping an answer that comes in blocks."""
        return Entry(self, key)

    def measured(self) -> int:
        """Give the bytes of the answers on the disk; looked up at most every ten seconds."""
        now = time.monotonic()
        if now - self._measured > 10:
            self._measured, self._size = now, sum(status.st_size for _, status in self._files())
        return self._size

    def clear(self) -> None:
        """Keep nothing of what was kept so far, for all sharers."""
        with self._lock:
            self._memory.clear()
            self._in_memory = 0
        for path, _ in self._files():
            with suppress(OSError):
                os.unlink(path)

    def gather(self, size: int) -> bool:
        """Take ``size`` bytes more of answers that are coming or wait to be written; tell whether there was room.

        All of them together may hold twice the largest answer that is kept. Less than nothing gives room back.
        """
        with self._lock:
            if size > 0 and self._gathered + size > self.largest * 2:
                return False
            self._gathered += size
            return True

    def store(self, key: str, blocks: list[bytes], size: int, checksum: int) -> None:
        """Have an answer written to the disk behind the caller's back; :class:`Entry` calls this at its end.

        Its bytes were gathered; they are given back once it is written.
        """
        if size <= _SMALL:
            self._remember(key, b"".join(blocks))
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, daemon=True, name="answers")
                self._writer.start()
        self._queue.put((key, blocks, size, checksum))

    def flush(self) -> None:
        """Wait until what was kept so far is on the disk."""
        self._queue.join()

    def _write_all(self) -> None:
        while True:
            key, blocks, size, checksum = self._queue.get()
            with suppress(OSError):  # a full disk: the answer is given all the same
                self._write(key, blocks, size, checksum)
            blocks.clear()
            self.gather(-size)
            with self._lock:
                self._added += max(_BLOCK, size)
                due = self._added > self.bound // (4 * self.sharers)
                if due:
                    self._added = 0
            if due:
                self.sweep()
            self._queue.task_done()

    def sweep(self) -> None:
        """Remove what was not asked for longest, down to half of the bound; one process at a time does it."""
        with self._sweeping, suppress(OSError), open(self._path(".lock"), "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            files = sorted(self._files(), key=lambda item: item[1].st_mtime)
            total, now = sum(max(_BLOCK, status.st_size) for _, status in files), time.time()
            for path, status in files:
                unfinished = path.endswith(".part")
                if total > self.bound // 2 if not unfinished else now - status.st_mtime > _STALE:
                    with suppress(OSError):
                        os.unlink(path)
                        total -= max(_BLOCK, status.st_size)

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        if self._folder is None:
            return
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    with suppress(OSError):
                        yield entry.path, entry.stat()

    def _path(self, name: str) -> str:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="stadtgraph-answers-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return f"{self._folder}/{name}"

    def _read(self, key: str) -> bytes | None:
        if self._folder is None:
            return None
        try:
            handle = os.open(f"{self._folder}/{key}", os.O_RDONLY)
        except OSError:
            return None
        try:
            with open(handle, "rb", buffering=0) as file:
                magic, named, size, checksum = _HEAD.unpack(file.read(_HEAD.size))
                body = file.read(size + 1)
        except (OSError, struct.error):
            return None
        good = magic == _MAGIC and named == _named(key) and len(body) == size and zlib.crc32(body) == checksum
        return body if good else None

    def _write(self, key: str, blocks: list[bytes], size: int, checksum: int) -> None:
        part = self._path(f"{key}-{os.getpid()}-{threading.get_ident()}.part")
        try:
            with open(part, "wb") as file:
                file.write(_HEAD.pack(_MAGIC, _named(key), size, checksum))
                file.writelines(blocks)
            os.rename(part, f"{self._folder}/{key}")
        except OSError:
            with suppress(OSError):
                os.unlink(part)
            raise

    def _touch(self, key: str) -> None:
        with suppress(OSError):
            os.utime(f"{self._folder}/{key}")

    def _remember(self, key: str, body: bytes) -> None:
        if len(body) > _SMALL or not self.bound:
            return
        with self._lock:
            old = self._memory.pop(key, None)
            self._in_memory += len(body) - (len(old[0]) if old else 0)
            self._memory[key] = (body, time.monotonic())
            while self._in_memory > self.bound // _LARGEST_SHARE:
                self._in_memory -= len(self._memory.popitem(last=False)[1][0])


def _named(key: str) -> bytes:
    return key.encode("ascii").ljust(40)[:40]


class Entry:
    """An answer that is being kept, block by block. Only :meth:`keep` makes it an answer that others get."""

    __slots__ = ("_blocks", "_cache", "_checksum", "_key", "_size")

    def __init__(self, cache: Cache, key: str) -> None:
        """Hold the blocks back until all are there."""
        self._cache, self._key = cache, key
        self._blocks: list[bytes] | None = [] if cache.bound else None
        self._size, self._checksum = 0, 0

    def add(self, block: bytes) -> None:
        """Take the next block; a whole that grows too large, or comes while many others do, is forgotten."""
        if self._blocks is None:
            return
        if self._size + len(block) > self._cache.largest or not self._cache.gather(len(block)):
            self.forget()
            return
        self._size += len(block)
        self._checksum = zlib.crc32(block, self._checksum)
        self._blocks.append(block)

    def keep(self) -> None:
        """Keep the answer: it came to its end."""
        if self._blocks is not None:
            self._cache.store(self._key, self._blocks, self._size, self._checksum)
            self._blocks = None

    def forget(self) -> None:
        """Do not keep the answer."""
        if self._blocks is not None:
            self._blocks = None
            self._cache.gather(-self._size)

    def __del__(self) -> None:
        self.forget()
