"""Normal forms of values, so that two writings of one thing become equal.

Each takes a text and gives the texts by which it is compared; none where the value is of no use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from stadtgraph.sources.functions import slug

_LEGAL: Final = re.compile(r"\b(?:g?gmbh(?: und co kg)?|mbh|ag|kg|ohg|e ?v|e ?g|se|ug|inc|ltd)\b")
_MAIL: Final = re.compile(r"e-?mail:.*$|\([^)]*\)\s*$", re.IGNORECASE | re.DOTALL)
_MUNICIPAL: Final = re.compile(
    r"^(?:freie |hanse |universitaets |wissenschafts |landeshaupt |und |hansestadt |universitaetsstadt |"
    r"wissenschaftsstadt |landeshauptstadt |stadtverwaltung |stadt |gemeinde )+(?=\S)"
)
_STREET: Final = re.compile(r"(?<=[a-z])str\b|\bstr\b")
_KINDS_OF: Final = frozenset(
    (
        *("staatliche", "staatliches", "freie", "freies", "kgs", "igs", "kooperative", "integrierte", "ganztags"),
        *("kita", "kinderhaus", "musik", "und", "kunstschule", "jena", "e", "v", "der", "die", "das"),
    )
)
_KIND_OF: Final = re.compile(
    r"(?:ganztags|grund|regel|gemeinschafts|gesamt|berufs|kunst)*(?:schule|gymnasium|kindergarten)$"
)
_PLACE: Final = re.compile(r"^(?:jena|stadt jena)\s+(?=\S)")
_CULTIVAR: Final = re.compile(r"\s*['‘’].*$")


def folded(text: str) -> str:
    """Give a text in small letters without umlauts, accents and punctuation, German abbreviations spelled out.

    >>> folded("Döbereiner Str. 20"), folded("Café  »Süd«")
    ('doebereiner strasse 20', 'cafe sued')
    """
    return _STREET.sub("strasse", (slug(text) or "").replace("-", " "))


def organisation(text: str) -> str:
    """Give the name of an organisation without its legal form and the blanks inside.

    >>> organisation("JeNah"), organisation("Stadtwerke Energie Jena-pößneck GmbH")
    ('jenah', 'stadtwerkeenergiejenapoessneck')
    """
    return _LEGAL.sub("", folded(text)).replace(" ", "")


def publisher(text: str) -> str:
    """Give the name of a publisher without address, legal form, what kind of municipality it is, and blanks inside.

    >>> publisher("Stadt Krefeld"), publisher("Kreis Kleve"), publisher("Hanse- und Universitätsstadt Rostock")
    ('krefeld', 'kreiskleve', 'rostock')
    >>> publisher("Standesamt Bremen Mitteemail: office@finanzen.bremen.de")
    'standesamtbremenmitte'
    """
    return _MUNICIPAL.sub("", _LEGAL.sub("", folded(_MAIL.sub("", text))).strip()).replace(" ", "")


def institution(text: str) -> str:
    """Give what tells an institution from others of its kind: its name without kind, operator and city.

    >>> institution('Staatliche Grundschule "Saaletal"'), institution("Saaletalschule"), institution("Kita Ammerbach")
    ('saaletal', 'saaletal', 'ammerbach')
    """
    words = (_KIND_OF.sub("", word) for word in folded(text).split() if word not in _KINDS_OF)
    return " ".join(word for word in words if word)


def local(text: str) -> str:
    """Give the name of a place without the name of the city before it.

    >>> local("Jena, Löbstedter Straße"), local("Jena")
    ('loebstedter strasse', 'jena')
    """
    return _PLACE.sub("", folded(text))


def binomial(text: str) -> str:
    """Give genus and species of a scientific name; nothing for a genus alone or a hybrid's cultivar alone.

    >>> binomial("Acer platanoides 'Globosum'"), binomial("Medicago x varia"), binomial("Rosa spec.")
    ('acer platanoides', 'medicago varia', '')
    """
    words = [w for w in folded(_CULTIVAR.sub("", text)).split() if w != "x"]
    if len(words) < 2 or words[1] in ("spec", "sp", "species", "hybriden", "cultivars", "in"):
        return ""
    return " ".join(words[:2])


def genus(text: str) -> str:
    """Give the first word of a scientific name.

    >>> genus("Acer platanoides 'Globosum'")
    'acer'
    """
    words = folded(text).split()
    return words[0] if words else ""


def abbreviation(text: str) -> str:
    """Give the code of a species: three letters of the genus and three of the species.

    >>> abbreviation("Achillea millefolium"), abbreviation("Ach_mil")
    ('ach mil', 'ach mil')
    """
    words = binomial(text.replace("_", " ")).split()
    return " ".join(word[:3] for word in words)


def code(text: str) -> str:
    """Give a code without blanks and letter case.

    >>> code("ACER 013")
    'acer013'
    """
    return folded(text).replace(" ", "")


def day(text: str) -> str:
    """Give the day of a date or time.

    >>> day("2020-01-01T00:10:00"), day("2020")
    ('2020-01-01', '')
    """
    return text[:10] if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else ""


FORMS: Final[dict[str, Callable[[str], str]]] = {
    "asWritten": str.strip,
    "folded": folded,
    "organisation": organisation,
    "publisher": publisher,
    "institution": institution,
    "local": local,
    "binomial": binomial,
    "genus": genus,
    "abbreviation": abbreviation,
    "code": code,
    "day": day,
}
"""The forms that a rule may name, by the local name of their term (``sg:folded``)."""
