"""The index of one view of a release: one SQLite file with a full-text table (FTS5) over stems.

Stems are indexed as they are, so that the index of a release is that of its parent with the changed things replaced.
What German needs beyond stems is done when asking, over the list of all stems: a word also finds stems that begin with
it, compounds that contain it (*Baum* finds *Baumkataster* and *Stadtbäume*) and, where nothing else does, stems that
differ by a letter or two.
"""

from __future__ import annotations

import html
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rapidfuzz import fuzz, process

from stadtgraph.errors import DiskFull, StoreError, disk_failure
from stadtgraph.search.analysis import stem, stems, words
from stadtgraph.search.documents import Document

_SCHEMA: Final = """
CREATE TABLE thing (id INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE, names TEXT NOT NULL, texts TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(names, texts, content='', tokenize="unicode61");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
"""
_FAST: Final = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA secure_delete=ON;"  # a draft is dropped whole
_SEPARATOR: Final = "\x1f"
_MOST_WORDS: Final = 16
_MOST_FORMS: Final = 60
_INSIDE: Final = 4  # letters from which a word is also looked for inside of others
_ALIKE: Final = 84


@dataclass(frozen=True, slots=True)
class Hit:
    """A thing found: the higher the score the better; the snippet is plain text around the first word found."""

    iri: str
    name: str
    score: float
    snippet: str

    @property
    def html(self) -> str:
        """The snippet, safe for a page."""
        return html.escape(self.snippet)


def build(path: Path, documents: Iterable[Document]) -> None:
    """Write the index of ``documents`` anew."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _writing(path, _SCHEMA) as connection:
        _add(connection, documents)


def update(path: Path, changed: Iterable[str], documents: Iterable[Document]) -> None:
    """Replace the things named in ``changed`` by ``documents``; those without a document are gone."""
    with _writing(path) as connection:
        for iri in changed:
            row = connection.execute("SELECT id, names, texts FROM thing WHERE iri = ?", (iri,)).fetchone()
            if row is not None:
                old = (row[0], _stemmed(row[1]), _stemmed(row[2]))
                connection.execute("INSERT INTO words(words, rowid, names, texts) VALUES('delete', ?, ?, ?)", old)
                connection.execute("DELETE FROM thing WHERE id = ?", (row[0],))
        _add(connection, documents)


@contextmanager
def _writing(path: Path, schema: str = "") -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript(
                f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA secure_delete=ON; {schema}"
            )
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
    except sqlite3.Error as problem:
        failure = disk_failure(problem)
        raise (failure if isinstance(failure, DiskFull) else StoreError("search-index", problem=problem)) from problem


def _add(connection: sqlite3.Connection, documents: Iterable[Document]) -> None:
    for document in documents:
        names, texts = _SEPARATOR.join(document.names), _SEPARATOR.join(document.texts)
        cursor = connection.execute(
            "INSERT INTO thing(iri, names, texts) VALUES(?, ?, ?)", (document.iri, names, texts)
        )
        row = (cursor.lastrowid, _stemmed(names), _stemmed(texts))
        connection.execute("INSERT INTO words(rowid, names, texts) VALUES(?, ?, ?)", row)


def _stemmed(text: str) -> str:
    return " ".join(stems(text))


class Index:
    """An index opened for reading; safe to use from several threads, each call opens the file."""

    def __init__(self, path: Path) -> None:
        """Look at the file ``path``; where it is absent nothing is found."""
        self.path = path
        self._stems: list[str] | None = None

    def search(self, text: str, limit: int = 100, offset: int = 0) -> list[Hit]:
        """Give the things in whose texts every word of ``text`` occurs, the best first.

        Names count four times as much as other texts; a word that is there itself counts more than a compound.
        At most sixteen words are looked for.
        """
        asked = list(dict.fromkeys(words(text)))[:_MOST_WORDS]
        if not asked or not self.path.is_file():
            return []
        try:
            with closing(
                sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            ) as connection:
                forms = [self._forms(connection, stem(word)) for word in asked]
                if not all(forms):
                    return []
                query = " AND ".join("(" + " OR ".join(f'"{form}"' for form in group) + ")" for group in forms)
                rows = connection.execute(
                    "SELECT thing.iri, thing.names, thing.texts, bm25(words, 4.0, 1.0) AS rank FROM words"
                    " JOIN thing ON thing.id = words.rowid WHERE words MATCH ? ORDER BY rank, thing.iri LIMIT ?",
                    (query, 5 * (limit + offset)),
                ).fetchall()
        except sqlite3.Error as problem:
            raise StoreError("search-index", problem=problem) from problem
        wanted = {stem(word) for word in asked}
        hits = [_hit(iri, names, texts, -rank, wanted, forms) for iri, names, texts, rank in rows]
        return sorted(hits, key=lambda hit: (-hit.score, hit.iri))[offset : offset + limit]

    def _forms(self, connection: sqlite3.Connection, wanted: str) -> list[str]:
        """Give the stems of the index that a word stands for: itself, those that contain it, else similar ones."""
        if self._stems is None:
            self._stems = [row[0] for row in connection.execute("SELECT term FROM vocabulary ORDER BY term")]
        if len(wanted) >= _INSIDE:
            found = [known for known in self._stems if wanted in known]
        else:
            found = [known for known in self._stems if known == wanted]
        if not found and len(wanted) >= _INSIDE:
            alike = process.extract(wanted, self._stems, scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=8)
            found = [known for known, _, _ in alike]
        return sorted(found, key=lambda known: (not known.startswith(wanted), len(known), known))[:_MOST_FORMS]


def _hit(iri: str, names: str, texts: str, rank: float, wanted: set[str], forms: list[list[str]]) -> Hit:
    own = set(stems(names))
    exact = sum(word in own for word in wanted) / len(wanted)
    short = 1 / (1 + len(own))
    parts = [*names.split(_SEPARATOR), *(t for t in texts.split(_SEPARATOR) if t)]
    every = {form for group in forms for form in group}
    shown = next((part for part in parts if every & set(stems(part))), parts[0])
    return Hit(iri, parts[0], round(rank + 8 * exact + 4 * short, 4), _snippet(shown, every))


def _snippet(text: str, forms: set[str], around: int = 90) -> str:
    """Cut a text around the first word found."""
    at = 0
    for word in words(text):
        place = text.find(word, at)
        at = place + len(word)
        if stem(word) in forms:
            first, last = max(0, place - around), place + len(word) + around
            return ("…" if first else "") + " ".join(text[first:last].split()) + ("…" if last < len(text) else "")
    return " ".join(text[: 2 * around].split())
