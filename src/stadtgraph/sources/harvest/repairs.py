"""Small repairs of what is meant but written otherwise: one rule each, counted, reported, and reversible.

A rule looks at one triple and gives what should stand there, or nothing. It looks at no other triple, so a repair can
be done again from the original, which is kept: that makes it reversible. Rules in a table, in this order; the result
of all of them is left alone by all of them.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import pyoxigraph as ox

from stadtgraph.sources.datatypes import legal
from stadtgraph.sources.harvest.lines import is_iri
from stadtgraph.sources.harvest.words import ADMS, AGENTS, DCATDE, IRI_MARK, LANGUAGE_MARK, MAILBOXES, SCHEMA
from stadtgraph.terms import DCAT, DCT, FOAF, PREFIXES, RDF, XSD

LICENCES: Final = "http://dcat-ap.de/def/licenses/"
AUTHORITY: Final = "http://publications.europa.eu/resource/authority/"
MEDIA: Final = "https://www.iana.org/assignments/media-types/"
Find = Callable[[str], ox.NamedNode | None]
Rule = Callable[[ox.Triple, "Known"], ox.Triple | None]


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules know of the city: which unit a publisher's name means."""

    unit: Find = lambda _name: None


@dataclass(slots=True)
class Mended:
    """Triples after repair, the originals of those that were repaired, and which rule did how much."""

    triples: list[ox.Triple] = field(default_factory=list)
    originals: list[ox.Triple] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


_RULES: dict[str, Rule] = {}
ADDRESSES: Final = frozenset((
    DCAT.accessURL, DCAT.downloadURL, DCAT.landingPage, DCAT.endpointURL, DCAT.endpointDescription, FOAF.page,
    FOAF.homepage, DCT.license, DCT.conformsTo, DCT.language, DCAT.theme, DCT.accrualPeriodicity, DCT.format,
    DCAT.mediaType, DCT.accessRights, DCT.spatial, DCATDE.contributorID, DCATDE.politicalGeocodingURI,
    DCATDE.politicalGeocodingLevelURI, ADMS.status,
))  # fmt: skip
"""Properties whose values are IRIs."""


def repair(name: str) -> Callable[[Rule], Rule]:
    """Register a rule under its name, after those before it."""

    def register(rule: Rule) -> Rule:
        _RULES[name] = rule
        return rule

    return register


def rules() -> tuple[str, ...]:
    """Give the names of all rules, in the order in which they are applied."""
    return tuple(_RULES)


def mended(triples: Iterable[ox.Triple], known: Known | None = None) -> Mended:
    """Repair triples. Where a repaired triple meets one that stood there anyway, both are kept as originals."""
    known = known or Known()
    found = Mended()
    result: dict[ox.Triple, None] = {}
    stood, made = set(), {}
    for triple in triples:
        new, names = mend(triple, known)
        result[new] = None
        if names:
            found.counts.update(names)
            found.originals.append(triple)
            made[new] = triple
        else:
            stood.add(new)
    found.originals += [new for new in made if new in stood]
    found.triples = list(result)
    return found


def mend(triple: ox.Triple, known: Known) -> tuple[ox.Triple, tuple[str, ...]]:
    """Give a triple as it should be, and the names of the rules that were needed."""
    if triple.predicate == RDF.type:
        return triple, ()
    names = []
    for name, rule in _RULES.items():
        new = rule(triple, known)
        if new is not None and new != triple:
            triple = new
            names.append(name)
    return triple, tuple(names)


def undone(triples: Iterable[ox.Triple], originals: Iterable[ox.Triple], known: Known | None = None) -> set[ox.Triple]:
    """Give the triples as they came, from the repaired ones and the originals."""
    found, kept = set(triples), list(originals)
    for original in kept:
        found.discard(mend(original, known or Known())[0])
    return found | set(kept)


# ---- the rules


@repair("iri-blanks")
def _iri_blanks(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Blanks at the ends of an address go, inside it they are percent-encoded."""
    target = triple.object
    if not isinstance(target, ox.NamedNode) or is_iri(target.value):
        return None
    bare = target.value.strip()
    new = "".join(quote(c) if c in '<>"{}|\\^`' or c <= " " else c for c in bare)
    return _with(triple, ox.NamedNode(new)) if is_iri(new) else None


@repair("iri-as-text")
def _iri_as_text(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """An address that stands there as text becomes an IRI."""
    target = triple.object
    if triple.predicate not in ADDRESSES or not isinstance(target, ox.Literal):
        return None
    text = target.value.strip()
    plain = target.language is None and target.datatype.value in (str(XSD) + "string", str(XSD) + "anyURI", IRI_MARK)
    if not plain or not re.match(r"https?://[^\s/]", text):
        return None
    new = "".join(quote(c) if c in '<>"{}|\\^`' or c <= " " else c for c in text)
    return _with(triple, ox.NamedNode(new)) if is_iri(new) else None


@repair("mailbox")
def _mailbox(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """A mailbox is a mailto: IRI, not text and not a place beside the catalogue."""
    if triple.predicate not in MAILBOXES:
        return None
    value = getattr(triple.object, "value", "").strip()
    bare = unquote(value.removeprefix("mailto:").rpartition("/")[2]).strip()
    if isinstance(triple.object, ox.BlankNode) or not re.fullmatch(r"[^\s@<>\"]+@[^\s@<>\"]+\.[a-zA-Z]{2,24}", bare):
        return None
    iri = f"mailto:{bare}"
    return _with(triple, ox.NamedNode(iri)) if is_iri(iri) else None


@repair("vocabulary-term")
def _vocabulary_term(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Properties of old versions of a vocabulary (dcatde/1.0.1, schema:startDate) are those of today."""
    predicate = triple.predicate.value
    new = predicate
    if found := re.fullmatch(r"https?://(?:www\.)?dcat-ap\.de/def/dcatde/(?:[0-9.]+/)?(\w+)", predicate):
        new = PREFIXES["dcatde"] + found[1]
    for namespace in SCHEMA:
        if predicate in (f"{namespace}startDate", f"{namespace}endDate"):
            new = f"{DCAT}{predicate.removeprefix(namespace)}"
    return None if new == predicate else ox.Triple(triple.subject, ox.NamedNode(new), triple.object)


@repair("vocabulary-iri")
def _vocabulary_iri(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """IRIs of the vocabularies: http, without www., without a slash at the end; replaced ones by their successors."""
    target = triple.object
    if not isinstance(target, ox.NamedNode) or triple.predicate in (FOAF.page, DCAT.landingPage):
        return None
    bare = _bare(target.value)
    if successor := _tables()["replaced"].get(bare.lower()):
        return _with(triple, ox.NamedNode(successor))
    if bare.startswith(("dcat-ap.de/def/", "publications.europa.eu/resource/authority/")):
        if re.match(r"dcat-ap\.de/def/dcatde/?[0-9.]*$", bare):
            return None
        return _with(triple, ox.NamedNode(f"http://{bare}"))
    return None


@repair("licence")
def _licence(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Texts, abbreviations and addresses of licences are the IRIs of the German list."""
    if triple.predicate not in (DCT.license, DCT.rights):
        return None
    target = triple.object
    value = getattr(target, "value", "")
    key = _bare(value).lower().strip()
    if isinstance(target, ox.NamedNode):
        key = key.removeprefix("dcat-ap.de/def/licenses/")
    elif triple.predicate == DCT.rights or isinstance(target, ox.BlankNode):
        return None
    found = _tables()["licences"].get(key)
    return None if found is None else _with(triple, ox.NamedNode(LICENCES + found))


@repair("file-type")
def _file_type(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Formats as text, suffix or media type are file types of the European list."""
    if triple.predicate != DCT.format:
        return None
    value = getattr(triple.object, "value", "")
    if isinstance(triple.object, ox.NamedNode):
        if value.startswith(f"{AUTHORITY}file-type/") or not _media(value):
            return None
        value = _media(value)
    return _listed(triple, "formats", "file-type/", value.removeprefix("."))


@repair("media-type")
def _media_type(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Media types are IRIs of the IANA registry."""
    if triple.predicate not in (DCAT.mediaType, DCAT.compressFormat, DCAT.packageFormat):
        return None
    value = getattr(triple.object, "value", "").strip()
    media = _media(value) if isinstance(triple.object, ox.NamedNode) else value.lower()
    return _with(triple, ox.NamedNode(MEDIA + media)) if re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", media) else None


@repair("word-of-a-list")
def _word(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Words for access rights, frequencies and languages are the IRIs of the European lists."""
    table, path = {
        DCT.accessRights: ("access", "access-right/"),
        DCT.accrualPeriodicity: ("frequencies", "frequency/"),
        DCT.language: ("languages", "language/"),
    }.get(triple.predicate, ("", ""))
    if not table or not isinstance(triple.object, ox.Literal):
        return None
    return _listed(triple, table, path, triple.object.value)


@repair("language-tag")
def _language_tag(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Language tags have hyphens: de_DE is de-de."""
    target = triple.object
    if not isinstance(target, ox.Literal) or not target.datatype.value.startswith(LANGUAGE_MARK):
        return None
    tag = target.datatype.value.removeprefix(LANGUAGE_MARK).replace("_", "-").strip("-").lower()
    try:
        return _with(triple, ox.Literal(target.value, language=tag))
    except ValueError:
        return None


@repair("byte-size")
def _byte_size(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Sizes are whole numbers of bytes: xsd:nonNegativeInteger."""
    target = triple.object
    if triple.predicate != DCAT.byteSize or not isinstance(target, ox.Literal):
        return None
    found = re.fullmatch(r"\+?0*([0-9]{1,18})(?:\.0*)?", target.value.strip())
    return _with(triple, ox.Literal(found[1], datatype=XSD.nonNegativeInteger)) if found else None


@repair("date-form")
def _date_form(triple: ox.Triple, _known: Known) -> ox.Triple | None:
    """Points in time that are clear but written otherwise get the form that XML Schema asks for."""
    target = triple.object
    if not isinstance(target, ox.Literal) or target.datatype.value not in (f"{XSD}dateTime", f"{XSD}date"):
        return None
    if legal(target.value, target.datatype.value):
        return None
    new = _moment(target.value.strip(), target.datatype.value)
    return None if new is None else _with(triple, new)


@repair("publisher-name")
def _publisher_name(triple: ox.Triple, known: Known) -> ox.Triple | None:
    """A publisher given as text is the unit of the registers that has this name."""
    if triple.predicate not in AGENTS or not isinstance(triple.object, ox.Literal):
        return None
    unit = known.unit(triple.object.value)
    return None if unit is None else _with(triple, unit)


# ---- what the rules use


def _moment(value: str, datatype: str) -> ox.Literal | None:
    day = r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"
    german = r"(?P<d>[0-9]{2})\.(?P<m>[0-9]{2})\.(?P<y>[0-9]{4})"
    clock = r"(?P<t>[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)"
    zone = r"(?P<z>Z|GMT|UTC|[+-][0-9]{2}:?[0-9]{2})?"
    for pattern in (
        f"{day}[ T]+{clock} *{zone}",
        rf"{day} +(?P<z>GMT|UTC) +{clock}",
        f"{german} +{clock}",
        day,
        german,
    ):
        if found := re.fullmatch(pattern, value):
            parts = found.groupdict()
            date = f"{parts['y']}-{parts['m']}-{parts['d']}"
            zone_text = {"GMT": "Z", "UTC": "Z"}.get(parts.get("z") or "", parts.get("z") or "")
            if re.fullmatch(r"[+-][0-9]{4}", zone_text):
                zone_text = f"{zone_text[:3]}:{zone_text[3:]}"
            text, kind = (f"{date}T{parts['t']}{zone_text}", "dateTime") if parts.get("t") else (date, "date")
            if datatype == f"{XSD}date" and kind == "dateTime":
                return None
            return ox.Literal(text, datatype=XSD.term(kind)) if legal(text, f"{XSD}{kind}") else None
    return None


def _bare(iri: str) -> str:
    """Give an IRI without scheme, www. and the slash at its end."""
    return re.sub(r"^https?://(?:www\.)?", "", iri.strip()).rstrip("/")


def _media(iri: str) -> str:
    """Give the media type that an IRI of the registry names, else the empty text."""
    path = urlsplit(iri)
    if path.netloc.lower().removeprefix("www.") != "iana.org":
        return ""
    found = re.fullmatch(r"/assignments/media-types/+([A-Za-z]+/[A-Za-z0-9.+-]+)/?", path.path)
    return found[1].lower() if found else ""


def _listed(triple: ox.Triple, table: str, path: str, value: str) -> ox.Triple | None:
    found = _tables()[table].get(value.strip().lower())
    return None if found is None else _with(triple, ox.NamedNode(f"{AUTHORITY}{path}{found}"))


def _with(triple: ox.Triple, target: ox.NamedNode | ox.Literal) -> ox.Triple:
    return ox.Triple(triple.subject, triple.predicate, target)


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    """Give the tables, turned round: what is written → what is meant."""
    content = tomllib.loads((resources.files(__package__) / "tables.toml").read_text("utf-8"))
    found: dict[str, Mapping[str, str]] = {"replaced": content.pop("replaced")}
    for name, entries in content.items():
        turned = {text: key for key, texts in entries.items() for text in texts}
        found[name] = turned | {key.lower(): key for key in entries}
    return found
