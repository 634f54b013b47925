"""Comma-separated files with one record a line, read as a stream: a bad line costs itself alone.

The standard of timetables forbids line ends inside of values
(https://gtfs.org/documentation/schedule/reference/#file-requirements), so an open quotation mark spoils one line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import IO, Final

from stadtgraph.errors import InputError

BLOCK: Final = 1 << 20
LONGEST: Final = 1 << 20
"""Most characters of one line."""
MOST_COLUMNS: Final = 500
MOST_BAD: Final = 50_000
"""Bad lines of one file after which it is no table but something else."""
Bad = Callable[[str, int, str, dict[str, object]], None]
"""Takes a file, a line, the key of what is wrong there, and its parameters."""


class Lines:
    """The records of one file: ``header`` (column → place), then :meth:`rows`."""

    def __init__(self, stream: IO[bytes], file: str, bad: Bad) -> None:
        """Read the header. Raises :class:`InputError` where there is none that can be used."""
        self.file, self._bad, self._number_bad = file, bad, 0
        self._text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        self._blocks = self._whole_lines()
        self._first, self._number = next(self._blocks, []), 1
        while self._first and not self._first[0].strip():
            self._first, self._number = self._first[1:], self._number + 1
        names = [name.strip() for name in next(csv.reader(self._first[:1]), [])]
        if not names or len(names) > MOST_COLUMNS or len(set(names)) != len(names) or "" in names:
            raise InputError("live-header", file=file, line=self._number)
        self.header = {name: place for place, name in enumerate(names)}

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Give each record with its line, as many cells as the header has; the others are bad."""
        width, number = len(self.header), self._number + 1
        lines = self._first[1:]
        while True:
            for line, cells in self._records(lines, number):
                if len(cells) == width:
                    yield line, cells
                elif cells and cells != [""]:
                    if len(cells) > width and not any(cells[width:]):
                        yield line, cells[:width]
                    else:
                        self._tell(line, "live-width", {"found": len(cells), "expected": width})
            number += len(lines)
            found = next(self._blocks, None)
            if found is None:
                return
            lines = found

    def _records(self, lines: list[str], number: int) -> Iterator[tuple[int, list[str]]]:
        """Give the records of some lines, the first of which has this number."""
        done = 0
        while done < len(lines):
            reader = csv.reader(_after(lines, done) if done else lines, strict=True)
            before = 0
            try:
                for cells in reader:
                    if reader.line_num != before + 1:
                        break
                    before += 1
                    yield number + done + before - 1, cells
            except csv.Error:
                pass
            done += before
            if done < len(lines):
                self._tell(number + done, "live-quotes", {})
                done += 1

    def _tell(self, line: int, key: str, params: dict[str, object]) -> None:
        self._number_bad += 1
        if self._number_bad > MOST_BAD:
            raise InputError("live-no-table", file=self.file, bad=self._number_bad)
        self._bad(self.file, line, key, params)

    def _whole_lines(self) -> Iterator[list[str]]:
        """Give lines without their ends, about a megabyte of them at a time."""
        rest = ""
        while block := self._text.read(BLOCK):
            block = rest + block
            lines = block.split("\n")
            rest = lines.pop()
            if len(rest) > LONGEST:
                raise InputError("live-long-line", file=self.file, limit=LONGEST)
            if lines:
                yield [line.removesuffix("\r") for line in lines] if "\r" in block else lines
        if rest:
            yield [rest.removesuffix("\r")]


def _after(lines: list[str], done: int) -> Iterator[str]:
    """Give the lines from a place on, without copying them."""
    for place in range(done, len(lines)):
        yield lines[place]
