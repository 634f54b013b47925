"""The files of a feed, in a zip or side by side: found by their names, opened as streams, unpacked within bounds.

Nothing is written to disk, so names and links in an archive mean nothing; folders in front of a name are ignored.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from stadtgraph.errors import InputError

MOST_FILES: Final = 1_000
MOST_DIRECTORY: Final = 1 << 20
"""Most bytes of the list of files of an archive, which is read whole."""
MOST_UNPACKED: Final = 32 << 30
"""Most unpacked bytes of one file; the stop times of a whole country have about two thousand million."""
MOST_RATIO: Final = 200
"""How many times larger a file may become by unpacking; timetables become 5 to 30 times larger."""
RATIO_FROM: Final = 64 << 20
"""Unpacked bytes from which that is looked at."""
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 1


class Archive:
    """Files by name. Use it as a context manager."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Take the one archive, or the unpacked files."""
        self._paths = {path.name: path for path in paths}
        self._name = paths[0].name if paths else "?"
        self._zip: zipfile.ZipFile | None = None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        if len(paths) == 1 and paths[0].suffix != ".txt":
            self._open(paths[0])

    def _open(self, path: Path) -> None:
        self._file = _Careful(path)
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._listed(path, self._zip.infolist())
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            self._file.close()
            if isinstance(error, InputError):
                raise
            raise InputError("live-no-archive", file=path.name, problem=error) from error

    def _listed(self, path: Path, entries: list[zipfile.ZipInfo]) -> None:
        if len(entries) > MOST_FILES:
            raise InputError("live-many-files", file=path.name, found=len(entries), limit=MOST_FILES)
        for entry in entries:
            name = entry.filename.replace("\\", "/").rpartition("/")[2]
            if name in self._entries and name.endswith(".txt"):
                raise InputError("live-double-file", file=path.name, name=name)
            self._entries[name] = entry

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()
            self._file.close()

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        return name in (self._entries if self._zip is not None else self._paths)

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file as a stream; what is wrong with it, also later, is an :class:`InputError`."""
        try:
            if self._zip is None:
                with self._paths[name].open("rb") as stream:
                    yield stream
                return
            entry = self._entries[name]
            if entry.compress_type not in _METHODS or entry.flag_bits & _ENCRYPTED:
                raise InputError("live-packed", file=self._name, name=name)
            with self._zip.open(entry) as raw:
                yield io.BufferedReader(_Unpacked(raw, entry, self._name), 1 << 18)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise InputError("live-broken-file", file=self._name, name=name, problem=error) from error


class _Careful(io.FileIO):
    """A file that is never read in larger pieces than the list of files of a sane archive."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on."""
        if size is not None and size > MOST_DIRECTORY:
            raise ValueError(f"list of files of {size} bytes")
        return super().read(MOST_DIRECTORY if size is None or size < 0 else size) or b""


class _Unpacked(io.RawIOBase):
    """An unpacked file that ends with an error where it grows beyond all measure."""

    def __init__(self, stream: Any, entry: zipfile.ZipInfo, file: str) -> None:
        self._stream, self._entry, self._file, self._size = stream, entry, file, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read on."""
        data = self._stream.read(len(buffer))
        self._size += len(data)
        is_bomb = self._size > RATIO_FROM and self._size > MOST_RATIO * max(self._entry.compress_size, 1)
        if is_bomb or self._size > MOST_UNPACKED:
            raise InputError("live-bomb", file=self._file, name=self._entry.filename[-80:], size=self._size >> 20)
        buffer[: len(data)] = data
        return len(data)
