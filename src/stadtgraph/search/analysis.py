"""Words as they are compared: German stems (snowball), umlauts in any writing, case and accents aside."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from threading import Lock
from typing import Final

import Stemmer

_STEMMER: Final = Stemmer.Stemmer("german", 0)  # without a memory of its own: stems are remembered below
_ALONE: Final = Lock()  # a stemmer serves one thread at a time
_WORD: Final = re.compile(r"[^\W_]+")
_WRITTEN_OUT: Final = re.compile(r"(?<![aeqäöü])(?:ae|oe|ue)")
_LONGEST: Final = 64


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Give the stem of one word.

    >>> [stem(w) for w in ("Bäume", "Baeume", "Baum", "Straßen", "Strasse", "Quelle")]
    ['baum', 'baum', 'baum', 'strass', 'strass', 'quell']
    """
    word = unicodedata.normalize("NFC", word[:_LONGEST].casefold())
    word = _WRITTEN_OUT.sub(lambda m: {"ae": "ä", "oe": "ö", "ue": "ü"}[m.group()], word)
    with _ALONE:
        found: str = _STEMMER.stemWord(word)
    plain = unicodedata.normalize("NFKD", found)
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("ß", "ss")


def words(text: str) -> list[str]:
    """Give the words of a text as written.

    >>> words("Lobeda-Ost, Nr. 5")
    ['Lobeda', 'Ost', 'Nr', '5']
    """
    return _WORD.findall(text)


def stems(text: str) -> list[str]:
    """Give the stems of the words of a text.

    >>> stems("Bäume in Jena")
    ['baum', 'in', 'jena']
    """
    return [stem(word) for word in words(text)]
