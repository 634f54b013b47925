"""Which texts are legal for which XSD datatype, in their lexical form and in their range.

One table; an entry is a test and an example of what is expected. White space is not removed first, as RDF
says of lexical forms. Datatypes that the table does not know accept every text.
Source: https://www.w3.org/TR/xmlschema11-2/, https://www.w3.org/TR/rdf11-concepts/#xsd-datatypes
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from typing import Final

XSD: Final = "http://www.w3.org/2001/XMLSchema#"
Test = Callable[[str], bool]

_ZONE: Final = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_YEAR: Final = r"(?P<year>-?(?:[1-9][0-9]{3,}|0[0-9]{3}))"
_MONTH: Final = r"(?P<month>0[1-9]|1[0-2])"
_DAY: Final = r"(?P<day>0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"
_DAYS: Final = r"[0-9]+D"
_CLOCK: Final = r"T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?"
_B: Final = "[A-Za-z0-9+/] ?"
_BASE64: Final = (
    f"(?:(?:{_B}){{4}})*(?:(?:{_B}){{3}}[A-Za-z0-9+/]|(?:{_B}){{2}}[AEIMQUYcgkosw048] ?=|{_B}[AQgw] ?= ?=)?"
)
_NAME_START: Final = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME: Final = _NAME_START + "0-9.\u00b7\u0300-\u036f\u203f-\u2040-"


def _matches(pattern: str) -> Test:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _in_calendar(pattern: str) -> Test:
    """Match ``pattern`` and check that the month has the day; without a year, February has 29."""
    compiled = re.compile(pattern)

    def test(text: str) -> bool:
        match = compiled.fullmatch(text)
        if match is None:
            return False
        year = match.groupdict().get("year")
        return int(match["day"]) <= _days_in(int(match["month"]), 4 if year is None else year)

    return test


def _days_in(month: int, year: int | str) -> int:
    if month != 2:
        return 30 if month in (4, 6, 9, 11) else 31
    # leap years repeat every 400 years, so the last four digits and the sign-free value decide
    number = int(str(year).lstrip("-")[-4:])
    return 29 if calendar.isleap(number + 400) else 28


_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def _whole(least: int | None = None, most: int | None = None) -> Test:
    def test(text: str) -> bool:
        if _INTEGER.fullmatch(text) is None:
            return False
        digits = text.lstrip("+-").lstrip("0")
        if len(digits) > 40:  # beyond every bounded type; do not convert millions of digits
            return (most is None) if text[0] != "-" else (least is None)
        value = -int(digits or "0") if text[0] == "-" else int(digits or "0")
        return (least is None or least <= value) and (most is None or value <= most)

    return test


def _signed(bits: int) -> tuple[Test, str]:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return _whole(least, most), f"{least} … {most}"


def _unsigned(bits: int) -> tuple[Test, str]:
    return _whole(0, 2**bits - 1), f"0 … {2**bits - 1}"


_FLOAT: Final = (_matches(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN"), "1.5E0, INF, NaN")

RULES: Final[dict[str, tuple[Test, str]]] = {
    "boolean": (_matches("true|false|1|0"), "true, false, 1, 0"),
    "decimal": (_matches(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"), "12.5"),
    "float": _FLOAT,
    "double": _FLOAT,
    "integer": (_whole(), "12"),
    "nonNegativeInteger": (_whole(0), "0, 1, 2 …"),
    "positiveInteger": (_whole(1), "1, 2, 3 …"),
    "nonPositiveInteger": (_whole(None, 0), "0, -1, -2 …"),
    "negativeInteger": (_whole(None, -1), "-1, -2, -3 …"),
    "byte": _signed(8),
    "short": _signed(16),
    "int": _signed(32),
    "long": _signed(64),
    "unsignedByte": _unsigned(8),
    "unsignedShort": _unsigned(16),
    "unsignedInt": _unsigned(32),
    "unsignedLong": _unsigned(64),
    "dateTime": (_in_calendar(f"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}?"), "2024-01-31T12:00:00Z"),
    "dateTimeStamp": (_in_calendar(f"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}"), "2024-01-31T12:00:00Z"),
    "date": (_in_calendar(f"{_YEAR}-{_MONTH}-{_DAY}{_ZONE}?"), "2024-01-31"),
    "time": (_matches(f"{_TIME}{_ZONE}?"), "12:00:00"),
    "gYear": (_matches(f"{_YEAR}{_ZONE}?"), "2024"),
    "gYearMonth": (_matches(f"{_YEAR}-{_MONTH}{_ZONE}?"), "2024-01"),
    "gMonth": (_matches(f"--{_MONTH}{_ZONE}?"), "--01"),
    "gMonthDay": (_in_calendar(f"--{_MONTH}-{_DAY}{_ZONE}?"), "--01-31"),
    "gDay": (_matches(f"---{_DAY}{_ZONE}?"), "---31"),
    "duration": (_matches(f"-?P(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:{_DAYS})?(?:{_CLOCK})?"), "P1Y2M3DT4H5M6S"),
    "yearMonthDuration": (_matches("-?P(?=[0-9])(?:[0-9]+Y)?(?:[0-9]+M)?"), "P1Y2M"),
    "dayTimeDuration": (_matches(f"-?P(?=[0-9T])(?:{_DAYS})?(?:{_CLOCK})?"), "P3DT4H5M6S"),
    "hexBinary": (_matches("(?:[0-9A-Fa-f]{2})*"), "0FB7"),
    "base64Binary": (_matches(_BASE64), "U3RhZHQ="),
    "normalizedString": (_matches("[^\t\n\r]*"), "a b (no \\t \\n \\r)"),
    "token": (_matches("(?:[^\t\n\r ]+(?: [^\t\n\r ]+)*)?"), "a b"),
    "language": (_matches("[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*"), "de-DE"),
    "NMTOKEN": (_matches(f"[:{_NAME}]+"), "a-1"),
    "Name": (_matches(f"[:{_NAME_START}][:{_NAME}]*"), "a1"),
    "NCName": (_matches(f"[{_NAME_START}][{_NAME}]*"), "a1"),
}
"""Local name in XSD → test, and an example of what is legal."""


def legal(lexical: str, datatype: str) -> bool:
    """Tell whether ``lexical`` is a legal form of a value of the datatype with this IRI.

    >>> legal("300", XSD + "byte"), legal("2023-02-29", XSD + "date"), legal("x", "https://example.org/own")
    (False, False, True)
    """
    rule = RULES.get(datatype.removeprefix(XSD)) if datatype.startswith(XSD) else None
    return rule is None or rule[0](lexical)


def expected(datatype: str) -> str:
    """Give an example or the range of legal forms of a datatype."""
    rule = RULES.get(datatype.removeprefix(XSD))
    return rule[1] if rule else "…"
