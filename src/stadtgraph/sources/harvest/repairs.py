"""Small repairs of what is meant but written otherwise: one rule each, counted, reported, and reversible.

A rule looks at one property and its value and gives what should stand there, or nothing. It looks no further, so a
repair can be done again from the original, which is kept: that makes it reversible. The rules are a table, in this
order; what they made is left alone by all of them.
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
from stadtgraph.sources.harvest.lines import Term, is_iri
from stadtgraph.sources.harvest.words import ADMS, AGENTS, DCATDE, IRI_MARK, LANGUAGE_MARK, MAILBOXES, SCHEMA, TYPE
from stadtgraph.terms import DCAT, DCT, FOAF, PREFIXES, RDF, XSD

LICENCES: Final = "http://dcat-ap.de/def/licenses/"
AUTHORITY: Final = "http://publications.europa.eu/resource/authority/"
MEDIA: Final = "https://www.iana.org/assignments/media-types/"
Find = Callable[[str], ox.NamedNode | None]
Pair = tuple[ox.NamedNode, Term]
Rule = Callable[[ox.NamedNode, Term, "Known"], Pair | None]
"""Takes predicate and object of a triple and gives those that should stand there."""


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


_RULES: dict[str, tuple[Rule, frozenset[ox.NamedNode] | None]] = {}
_NO_TEXTS: set[str] = set()
_PLAIN: Final = frozenset((f"{XSD}string", f"{RDF}langString"))
CACHED: Final = 50_000  # values that are remembered
ADDRESSES: Final = frozenset((
    DCAT.accessURL, DCAT.downloadURL, DCAT.landingPage, DCAT.endpointURL, DCAT.endpointDescription, FOAF.page,
    FOAF.homepage, DCT.license, DCT.conformsTo, DCT.language, DCAT.theme, DCT.accrualPeriodicity, DCT.format,
    DCAT.mediaType, DCT.accessRights, DCT.spatial, DCATDE.contributorID, DCATDE.politicalGeocodingURI,
    DCATDE.politicalGeocodingLevelURI, ADMS.status,
))  # fmt: skip
"""Properties whose values are IRIs."""


def repair(name: str, *only: ox.NamedNode, texts: bool = True) -> Callable[[Rule], Rule]:
    """Register a rule under its name, after those before it; ``only`` names the properties that it looks at.

    Without ``texts`` it leaves well-formed texts (strings, with language or without) alone, whatever the property.
    """

    def register(rule: Rule) -> Rule:
        _RULES[name] = rule, frozenset(only) or None
        if not texts:
            _NO_TEXTS.add(name)
        return rule

    return register


def rules() -> tuple[str, ...]:
    """Give the names of all rules, in the order in which they are applied."""
    return tuple(_RULES)


class Repairs:
    """Applies the rules, and remembers what they made of values that come again and again."""

    def __init__(self, known: Known | None = None) -> None:
        """Take what is known of the city."""
        self._known = known or Known()
        self._made: dict[Pair, tuple[Pair, tuple[str, ...]]] = {}
        self._rules: dict[ox.NamedNode, tuple[tuple[str, Rule], ...]] = {}
        self._texts: dict[ox.NamedNode, bool] = {}

    def mended(self, triples: Iterable[ox.Triple]) -> Mended:
        """Repair triples. Where a repaired triple meets one that stood there anyway, both are kept as originals."""
        found = Mended()
        result: dict[ox.Triple, None] = {}
        made: dict[ox.Triple, None] = {}
        for triple in triples:
            new, names = self.mend(triple)
            result[new] = None
            if names:
                found.counts.update(names)
                found.originals.append(triple)
                made[new] = None
        if made:
            originals = set(found.originals)
            found.originals += [t for t in triples if t in made and t not in originals]
        found.triples = list(result)
        return found

    def mend(self, triple: ox.Triple) -> tuple[ox.Triple, tuple[str, ...]]:
        """Give a triple as it should be, and the names of the rules that were needed."""
        pair = (triple.predicate, triple.object)
        if isinstance(pair[1], ox.Literal) and self._leaves_texts(pair[0]) and pair[1].datatype.value in _PLAIN:
            return triple, ()  # most texts come once: they are not remembered
        known = self._made.get(pair)
        if known is None:
            if len(self._made) > CACHED:
                self._made.clear()
            known = self._made[pair] = self._apply(*pair)
        (predicate, target), names = known
        return (ox.Triple(triple.subject, predicate, target), names) if names else (triple, names)

    def _leaves_texts(self, predicate: ox.NamedNode) -> bool:
        """Tell whether no rule has anything to do with well-formed texts behind this predicate."""
        found = self._texts.get(predicate)
        if found is None:
            looking = {name for name, _ in self._for(predicate)} - _NO_TEXTS - {"vocabulary-term"}
            found = self._texts[predicate] = not looking and current(predicate) is predicate
        return found

    def _apply(self, predicate: ox.NamedNode, target: Term) -> tuple[Pair, tuple[str, ...]]:
        if predicate == TYPE:
            return (predicate, target), ()
        names: list[str] = []
        pair: Pair = (predicate, target)
        for name, rule in self._for(predicate):
            try:
                new = rule(*pair, self._known)
            except ValueError:  # what should stand there would be no IRI, so it is not meant
                continue
            if new is not None and new != pair:
                pair = new
                names.append(name)
        return pair, tuple(names)

    def _for(self, predicate: ox.NamedNode) -> tuple[tuple[str, Rule], ...]:
        found = self._rules.get(predicate)
        if found is None:
            term = current(predicate)
            found = tuple((n, rule) for n, (rule, only) in _RULES.items() if only is None or term in only)
            self._rules[predicate] = found
        return found


def undone(triples: Iterable[ox.Triple], originals: Iterable[ox.Triple], known: Known | None = None) -> set[ox.Triple]:
    """Give the triples as they came, from the repaired ones and the originals."""
    found, kept, repairs = set(triples), list(originals), Repairs(known)
    for original in kept:
        found.discard(repairs.mend(original)[0])
    return found | set(kept)


# ---- the rules


@repair("iri-signs", texts=False)
def _iri_signs(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Blanks at the ends of an address go; blanks and forbidden signs inside it are percent-encoded."""
    if not isinstance(target, ox.NamedNode) or is_iri(target.value):
        return None
    bare = target.value.strip()
    new = _percent(bare)
    return (predicate, ox.NamedNode(new)) if is_iri(new) else None


@repair("iri-as-text", *ADDRESSES)
def _iri_as_text(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """An address that stands there as text becomes an IRI."""
    if not isinstance(target, ox.Literal):
        return None
    text = target.value.strip()
    plain = target.language is None and target.datatype.value in (str(XSD) + "string", str(XSD) + "anyURI", IRI_MARK)
    if not plain or not re.match(r"https?://[^\s/]", text):
        return None
    new = _percent(text)
    return (predicate, ox.NamedNode(new)) if is_iri(new) else None


@repair("mailbox", *MAILBOXES)
def _mailbox(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """A mailbox is a mailto: IRI, not text and not a place beside the catalogue."""
    value = getattr(target, "value", "").strip()
    bare = unquote(value.removeprefix("mailto:").rpartition("/")[2]).strip()
    if isinstance(target, ox.BlankNode) or not re.fullmatch(r"[^\s@<>\"]+@[^\s@<>\"]+\.[a-zA-Z]{2,24}", bare):
        return None
    iri = f"mailto:{bare}"
    return (predicate, ox.NamedNode(iri)) if is_iri(iri) else None


@repair("vocabulary-term")
def _vocabulary_term(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Properties of old versions of a vocabulary (dcatde/1.0.1, schema:startDate) are those of today."""
    term = current(predicate)
    return None if term is predicate else (term, target)


@repair("vocabulary-iri", texts=False)
def _vocabulary_iri(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """IRIs of the vocabularies: http, without www., without a slash at the end; replaced ones by their successors."""
    if not isinstance(target, ox.NamedNode) or predicate in _PLACES:
        return None
    if not any(part in target.value for part in ("dcat-ap.de/", "publications.europa.eu/", "purl.org/adms/")):
        return None
    bare = _bare(target.value)
    if successor := _tables()["replaced"].get(bare.lower()):
        return (predicate, ox.NamedNode(successor))
    if bare.startswith(("dcat-ap.de/def/", "publications.europa.eu/resource/authority/")):
        if re.match(r"dcat-ap\.de/def/dcatde/?[0-9.]*$", bare):
            return None
        return (predicate, ox.NamedNode(f"http://{bare}"))
    return None


@repair("licence", DCT.license, DCT.rights)
def _licence(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Texts, abbreviations and addresses of licences are the IRIs of the German list."""
    value = getattr(target, "value", "")
    key = _bare(value).lower().strip()
    if isinstance(target, ox.NamedNode):
        key = key.removeprefix("dcat-ap.de/def/licenses/")
    elif predicate == DCT.rights or isinstance(target, ox.BlankNode):
        return None
    found = _tables()["licences"].get(key)
    return None if found is None else (predicate, ox.NamedNode(LICENCES + found))


@repair("file-type", DCT.format)
def _file_type(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Formats as text, suffix or media type are file types of the European list."""
    value = getattr(target, "value", "")
    if isinstance(target, ox.NamedNode):
        if value.startswith(f"{AUTHORITY}file-type/") or not _media(value):
            return None
        value = _media(value)
    return _listed(predicate, "formats", "file-type/", value.removeprefix("."))


@repair("media-type", DCAT.mediaType, DCAT.compressFormat, DCAT.packageFormat)
def _media_type(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Media types are IRIs of the IANA registry."""
    value = getattr(target, "value", "").strip()
    media = _media(value) if isinstance(target, ox.NamedNode) else value.lower()
    return (predicate, ox.NamedNode(MEDIA + media)) if re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", media) else None


@repair("word-of-a-list", DCT.accessRights, DCT.accrualPeriodicity, DCT.language)
def _word(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Words for access rights, frequencies and languages are the IRIs of the European lists."""
    table, path = {
        DCT.accessRights: ("access", "access-right/"),
        DCT.accrualPeriodicity: ("frequencies", "frequency/"),
        DCT.language: ("languages", "language/"),
    }.get(predicate, ("", ""))
    if not table or not isinstance(target, ox.Literal):
        return None
    return _listed(predicate, table, path, target.value)


@repair("language-tag", texts=False)
def _language_tag(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Language tags have hyphens: de_DE is de-de."""
    if not isinstance(target, ox.Literal) or not target.datatype.value.startswith(LANGUAGE_MARK):
        return None
    tag = target.datatype.value.removeprefix(LANGUAGE_MARK).replace("_", "-").strip("-").lower()
    try:
        return (predicate, ox.Literal(target.value, language=tag))
    except ValueError:
        return None


@repair("byte-size", DCAT.byteSize)
def _byte_size(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Sizes are whole numbers of bytes: xsd:nonNegativeInteger."""
    if not isinstance(target, ox.Literal):
        return None
    found = re.fullmatch(r"\+?0*([0-9]{1,18})(?:\.0*)?", target.value.strip())
    return (predicate, ox.Literal(found[1], datatype=XSD.nonNegativeInteger)) if found else None


@repair("date-form", texts=False)
def _date_form(predicate: ox.NamedNode, target: Term, _known: Known) -> Pair | None:
    """Points in time that are clear but written otherwise get the form that XML Schema asks for."""
    if not isinstance(target, ox.Literal) or target.datatype not in (XSD.dateTime, XSD.date):
        return None
    if legal(target.value, target.datatype.value):
        return None
    new = _moment(target.value.strip(), target.datatype.value)
    return None if new is None else (predicate, new)


@repair("publisher-name", *AGENTS)
def _publisher_name(predicate: ox.NamedNode, target: Term, known: Known) -> Pair | None:
    """A publisher given as text is the unit of the registers that has this name."""
    if not isinstance(target, ox.Literal):
        return None
    unit = known.unit(target.value)
    return None if unit is None else (predicate, unit)


# ---- what the rules use


_TERM: Final = re.compile(r"https?://(?:www\.)?dcat-ap\.de/def/dcatde/(?:[0-9.]+/)?(\w+)")
_PLACES: Final = frozenset(
    (FOAF.page, FOAF.homepage, DCAT.landingPage, DCAT.accessURL, DCAT.downloadURL, DCAT.endpointURL)
)


def current(predicate: ox.NamedNode) -> ox.NamedNode:
    """Give the term of today for one of an old version of its vocabulary."""
    iri = predicate.value
    if found := _TERM.fullmatch(iri):
        new = PREFIXES["dcatde"] + found[1]
        return predicate if new == iri else ox.NamedNode(new)
    for namespace in SCHEMA:
        if iri in (f"{namespace}startDate", f"{namespace}endDate"):
            return ox.NamedNode(f"{DCAT}{iri.removeprefix(namespace)}")
    return predicate


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


def _percent(iri: str) -> str:
    """Percent-encode the signs that no IRI may have; square brackets belong to the host alone."""
    front, mark, rest = iri.partition("://")
    host, slash, path = rest.partition("/") if mark else ("", "", iri)
    path = path.replace("[", "%5B").replace("]", "%5D")
    whole = f"{front}{mark}{host}{slash}{path}" if mark else path
    return "".join(quote(c) if c in '<>"{}|\\^`' or c <= " " else c for c in whole)


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


def _listed(predicate: ox.NamedNode, table: str, path: str, value: str) -> Pair | None:
    found = _tables()[table].get(value.strip().lower())
    return None if found is None else (predicate, ox.NamedNode(f"{AUTHORITY}{path}{found}"))


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    """Give the tables, turned round: what is written → what is meant."""
    content = tomllib.loads((resources.files(__package__) / "tables.toml").read_text("utf-8"))
    found: dict[str, Mapping[str, str]] = {"replaced": content.pop("replaced")}
    for name, entries in content.items():
        turned = {text: key for key, texts in entries.items() for text in texts}
        found[name] = turned | {key.lower(): key for key in entries}
    return found
