"""Very many hashes: eight bytes each, in a file, to be told at the end whether one comes twice.

A set of two million numbers takes 200 MB; here memory is that of one part of them, whatever their number.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

PART: Final = 500_000  # hashes held in memory at once, about 40 MB
READ: Final = 1 << 16
_CODE: Final = "q"  # what hash() gives: a signed number of eight bytes
_WIDTH: Final = array(_CODE).itemsize


class Hashes:
    """Hashes that were added, in a file without a name in ``folder``."""

    def __init__(self, folder: Path) -> None:
        """Start with none."""
        self._folder = folder
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as this
        self._number = 0

    def __len__(self) -> int:
        """Count them, each as often as it was added."""
        return self._number

    def add(self, hashes: Iterable[int]) -> None:
        """Add some."""
        block = array(_CODE, hashes)
        self._number += len(block)
        self._file.write(block.tobytes())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def are_unique(self) -> bool:
        """Tell whether none was added twice."""
        return all(len(set(part)) == len(part) for part in self._parts(len(self) // PART + 1))

    def common(self, other: Hashes) -> set[int]:
        """Give those that are among the others, too."""
        if not len(self) or not len(other):
            return set()
        parts = max(len(self), len(other)) // PART + 1
        found: set[int] = set()
        for own, others in zip(self._parts(parts), other._parts(parts), strict=True):
            found |= set(own).intersection(others)
        return found

    def _parts(self, number: int) -> Iterator[array[int]]:
        """Give them in ``number`` parts; equal ones are in the same part."""
        if number == 1:
            self._file.seek(0)
            yield array(_CODE, self._file.read())
            return
        with ExitStack() as stack:
            files = [stack.enter_context(TemporaryFile(dir=self._folder)) for _ in range(number)]
            self._file.seek(0)
            while block := array(_CODE, self._file.read(READ * _WIDTH)):
                parts = [array(_CODE) for _ in files]
                for value in block:
                    parts[value % number].append(value)
                for file, part in zip(files, parts, strict=True):
                    file.write(part.tobytes())
            for file in files:
                file.seek(0)
                yield array(_CODE, file.read())
