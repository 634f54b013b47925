"""The functions that a mapping may call, in the namespace ``https://w3id.org/stadtgraph/fn#`` (prefix ``sgf:``).

Each takes terms and gives a plain string, or nothing where a value is dirty: then the variable stays unbound and
the triple is left out. What is wrong with the *call* (an unknown reference system, a missing argument) is a
MappingError.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
import unicodedata
import zoneinfo
from collections.abc import Callable
from functools import cache
from typing import Final

import pyoxigraph as ox
import pyproj

from stadtgraph.errors import MappingError, StadtgraphError
from stadtgraph.terms import Namespace

FN: Final = Namespace("https://w3id.org/stadtgraph/fn#")
Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
CustomFunction = Callable[..., Term | None]

_PLAIN: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_GERMAN: Final = re.compile(r"([+-]?)([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*)(?:,([0-9]+))?")
_DATES: Final = (
    (re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})"), (3, 2, 1)),
    (re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"), (1, 2, 3)),
    (re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ][0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"), (1, 2, 3)),
)
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o"})


def number(text: str) -> str | None:
    """Give a number as XSD writes it, from German or English writing; ``None`` where it is no number.

    A comma is the decimal sign; then, and where there are several, points group thousands. One point alone is
    a decimal sign.

    >>> [number(text) for text in ("5640608,495", "1.234.567", "1.234,50", "1.234", " 12 ", "ca. 3")]
    ['5640608.495', '1234567', '1234.50', '1.234', '12', None]
    """
    text = text.strip().replace("\u2212", "-")
    if "," not in text and text.count(".") < 2:
        return text if _PLAIN.fullmatch(text) else None
    match = _GERMAN.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction = match.groups()
    digits = whole.replace(".", "") or "0"
    return f"{sign}{digits}.{fraction}" if fraction else f"{sign}{digits}"


def date(text: str) -> str | None:
    """Give a day as ``yyyy-mm-dd`` from ``dd.mm.yyyy``, ``yyyy/mm/dd`` or an ISO date or time; else ``None``.

    >>> [date(text) for text in ("07.11.2022", "2022/03/28", "2022-02-30")]
    ['2022-11-07', '2022-03-28', None]
    """
    for pattern, (year, month, day) in _DATES:
        if match := pattern.fullmatch(text.strip()):
            try:
                return dt.date(int(match[year]), int(match[month]), int(match[day])).isoformat()
            except ValueError:
                return None
    return None


def slug(text: str) -> str | None:
    """Give ``text`` as part of an IRI: lower case letters, digits and single hyphens.

    >>> slug("Jenaprießnitz / Wogau"), slug("Café Ölmühle")
    ('jenapriessnitz-wogau', 'cafe-oelmuehle')
    """
    text = unicodedata.normalize("NFC", text).lower().translate(_UMLAUTS)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-") or None


def point(x: str, y: str, epsg: str) -> str | None:
    """Give easting and northing in the system ``epsg`` as a WKT point in longitude and latitude (CRS84).

    Seven decimals, about a centimetre. Values may be written the German way; dirty or impossible ones give
    ``None``. Raises MappingError for an unknown system.
    """
    east, north = number(x), number(y)
    transform = _transformer(epsg)
    if east is None or north is None:
        return None
    return _wkt(*transform.transform(float(east), float(north)))


def surveyed(x: str, y: str, epsg: str) -> str | None:
    """Give easting and northing as a WKT point that names its system, to be kept beside the point in CRS84.

    >>> surveyed("679542.668613", "5646041.5832", "25832")
    '<http://www.opengis.net/def/crs/EPSG/0/25832> POINT(679542.668613 5646041.5832)'

    What gives no point gives no such text. Source: https://docs.ogc.org/is/22-047r1/22-047r1.html, WKT literals.
    """
    if point(x, y, epsg) is None:
        return None
    return f"<http://www.opengis.net/def/crs/EPSG/0/{_code(epsg)}> POINT({number(x)} {number(y)})"


def lonlat(lon: str, lat: str) -> str | None:
    """Give longitude and latitude as a WKT point with up to seven decimals; impossible values give ``None``.

    >>> lonlat("11,5866", "50.92554")
    'POINT(11.5866000 50.9255400)'
    """
    east, north = number(lon), number(lat)
    return None if east is None or north is None else _wkt(float(east), float(north))


def short_hash(text: str) -> str:
    """Give 16 hexadecimal digits that stay the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def unixdate(seconds: str, zone: str = "UTC") -> str | None:
    """Give the day of a Unix time, in UTC or in the named time zone.

    >>> unixdate("1610751599", "Europe/Berlin")
    '2021-01-15'
    """
    value = number(seconds)
    try:
        return None if value is None else dt.datetime.fromtimestamp(float(value), _zone(zone)).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _wkt(lon: float, lat: float) -> str | None:
    if not (math.isfinite(lon) and math.isfinite(lat) and -180 <= lon <= 180 and -90 <= lat <= 90):
        return None
    return f"POINT({lon:.7f} {lat:.7f})"


def _code(epsg: str) -> int:
    """Give the number of a system that is written as a number, ``EPSG:25832`` or an IRI."""
    return int(epsg.rpartition("/")[2].upper().removeprefix("EPSG:"))


@cache
def _transformer(epsg: str) -> pyproj.Transformer:
    try:
        return pyproj.Transformer.from_crs(_code(epsg), 4326, always_xy=True)
    except (ValueError, pyproj.exceptions.CRSError) as error:
        raise MappingError("sources-no-epsg", code=epsg) from error


@cache
def _zone(name: str) -> dt.tzinfo:
    try:
        return dt.UTC if name == "UTC" else zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingError("sources-no-zone", zone=name) from error


FUNCTIONS: Final[dict[str, tuple[Callable[..., str | None], int, int]]] = {
    "point": (point, 3, 3),
    "slug": (slug, 1, 1),
    "number": (number, 1, 1),
    "date": (date, 1, 1),
    "surveyed": (surveyed, 3, 3),
    "lonlat": (lonlat, 2, 2),
    "hash": (short_hash, 1, 1),
    "unixdate": (unixdate, 1, 2),
}
"""Local name → function of texts, fewest and most arguments."""


def custom_functions(failed: list[StadtgraphError]) -> dict[ox.NamedNode, CustomFunction]:
    """Give the functions for :meth:`pyoxigraph.Store.query`; wrong calls are appended to ``failed``.

    Oxigraph swallows an exception from a function and leaves the variable unbound, so errors go by the list.
    """
    return {FN.term(name): _wrapped(name, failed) for name in FUNCTIONS}


def _wrapped(name: str, failed: list[StadtgraphError]) -> CustomFunction:
    function, fewest, most = FUNCTIONS[name]

    def call(*arguments: Term) -> Term | None:
        if not fewest <= len(arguments) <= most:
            failed.append(MappingError("sources-arguments", name=name, found=len(arguments), expected=most))
            return None
        try:
            found = function(*(a.value if isinstance(a, ox.Literal | ox.NamedNode) else "" for a in arguments))
        except StadtgraphError as error:
            failed.append(error)
            return None
        return None if found is None else ox.Literal(found)

    return call
