"""Names and private addresses of persons are withheld: they are counted, and what they were is kept nowhere.

What is said of a person (``foaf:Person``, ``vcard:Individual``) loses names, telephone, street and picture, and the
class becomes the wider one; mailboxes stay only where their name is that of an office. Elsewhere mailboxes that are
built like a person's name are left out, with the name on the same contact, and inside texts they become ``[…]``.
Whoever is unsure withholds.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import pyoxigraph as ox

from stadtgraph.sources.harvest.lines import Term
from stadtgraph.sources.harvest.words import AGENTS, MAILBOXES, PERSONS, SCHEMA, TYPE
from stadtgraph.terms import DCT, FOAF, RDFS, SKOS, VCARD, Names

_NAMES: Final = frozenset(
    [FOAF.term(n) for n in ("name", "givenName", "givenname", "firstName", "lastName", "familyName", "family_name",
                            "surname", "nick", "title")]
    + [VCARD.term(n) for n in ("fn", "hasFN", "hasName", "n", "given-name", "family-name", "additional-name",
                               "nickname", "hasNickname", "hasGivenName", "hasFamilyName", "hasAdditionalName",
                               "honorific-prefix", "honorific-suffix", "hasHonorificPrefix", "hasHonorificSuffix",
                               "sort-string", "label")]
    + [ox.NamedNode(s + n) for s in SCHEMA for n in ("name", "givenName", "familyName", "honorificPrefix")]
    + [RDFS.label, SKOS.prefLabel, SKOS.altLabel, DCT.title, DCT.identifier]
)  # fmt: skip
_ONLY_PERSONS: Final = re.compile(r"(?i)(?:given|family|first|last|additional|sur)[_-]?name$|[/#](?:n|hasName|nick)$")
_GIVEN: Final = frozenset(node for node in _NAMES if _ONLY_PERSONS.search(node.value))
"""What only persons have."""
_ADDRESSES: Final = frozenset(
    [VCARD.term(n) for n in ("hasTelephone", "tel", "hasAddress", "adr", "hasStreetAddress", "street-address",
                             "hasPostalCode", "postal-code", "hasLocality", "locality", "hasRegion", "region",
                             "hasCountryName", "country-name", "hasGeo", "geo", "hasPhoto", "photo", "bday",
                             "hasGender", "hasInstantMessage", "post-office-box")]
    + [FOAF.term(n) for n in ("phone", "img", "depiction", "birthday", "age", "gender", "homepage", "weblog",
                              "mbox_sha1sum", "account", "based_near")]
    + [ox.NamedNode(s + n) for s in SCHEMA for n in ("telephone", "address", "image", "birthDate", "gender", "url")]
)  # fmt: skip
_MAILBOX: Final = re.compile(r"(?:mailto:)?([A-Za-zÄÖÜäöüß0-9._%+-]{1,64})@([A-Za-z0-9äöüß.-]+\.[A-Za-z]{2,24})", re.I)
_OFFICE: Final = re.compile(
    r"info|kontakt|contact|office|post|mail|service|daten|data|geo|statisti|stadt|kreis|gemeinde|presse|press|amt\b|amt[._-]"
    r"|webmaster|support|hotline|help|hilfe|redaktion|sekretariat|verwaltung|zentrale|buero|büro|bibliothek|archiv"
    r"|museum|zentrum|center|centre|team|admin|poststelle|buerger|bürger|umwelt|verkehr|vermessung|kataster|gis\b|it\b|"
    r"portal|transparenz|katalog|catalog|metadat|legal|licens|lizenz|datenschutz|privacy|fairtrade|hro\b|amt$|referat|"
    r"fachbereich|fachdienst|abteilung|dezernat|landes|bundes|ministerium|feuerwehr|schule|noreply|no-reply|open|"
    r"kommunal|entsorg|haushalt|finanz|wirtschaft|tourist|kultur|sport|jugend|sozial|gesundheit|planung|bau\b|bauen|"
    r"klima|energie|wasser|forst|friedhof|wahl|kunden|vertrieb|sales|shop|hello|hallo|questions|fragen",
    re.I,
)
_PERSONAL: Final = re.compile(r"[a-zäöüß]+(?:-[a-zäöüß]+)?[._][a-zäöüß]+(?:-[a-zäöüß]+)?[0-9]{0,3}", re.I)
_ADDRESSED: Final = re.compile(
    r"\s*(?:herrn?|frau|hr\.|fr\.|dr\.|prof\.|professor(?:in)?|dipl\.?-?\w+\.?|mr\.?|mrs\.?|ms\.?)\s", re.I
)
_ORGANISED: Final = re.compile(
    r"amt|stadt|kreis|gemeinde|land|bund|minister|senat|behörd|verwalt|universit|hochschul|institut|gmbh|\bag\b|"
    r"e\. ?v\.|verein|verband|werke|betrieb|dienst|stelle|zentr|center|centre|agentur|agency|abteilung|referat|"
    r"bibliothek|museum|archiv|schule|kammer|stiftung|gesellschaft|city|office|department|council|portal|"
    r"fachbereich|team|redaktion|daten|data|service|bezirk|region|regierung|government|polizei|"
    r"feuerwehr|kasse|anstalt|kirch|klinik|open|info",
    re.I,
)
_NAME_LIKE: Final = re.compile(r"[A-ZÄÖÜ][\w'’.-]+(?: [A-ZÄÖÜ][\w'’.-]*){0,2},? [A-ZÄÖÜ][\w'’-]+")
_HIDDEN: Final = "[…]"
_LOOKED_AT: Final = _NAMES | _ADDRESSES | MAILBOXES | AGENTS


@dataclass(slots=True)
class Withheld:
    """What is left, and what was left out: how many triples of which kind (and, for a test to compare, which)."""

    kept: list[ox.Triple] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    triples: list[ox.Triple] = field(default_factory=list)


def is_office(mailbox: str) -> bool:
    """Tell whether a mailbox is named after an office, not after a person.

    >>> is_office("poststelle@jena.de"), is_office("erika.muster@jena.de")
    (True, False)
    """
    local = mailbox.removeprefix("mailto:").partition("@")[0]
    return _OFFICE.search(local) is not None


def is_personal(mailbox: str) -> bool:
    """Tell whether a mailbox is built like the name of a person.

    >>> is_personal("mailto:erika.muster@jena.de"), is_personal("opendata.hro@rostock.de"), is_personal("amt@jena.de")
    (True, False, False)
    """
    local = mailbox.removeprefix("mailto:").partition("@")[0]
    return _PERSONAL.fullmatch(local) is not None and not is_office(mailbox)


def is_named_person(name: str) -> bool:
    """Tell whether a text addresses a person, or is built like a person's name and nothing speaks of an office.

    >>> is_named_person("Frau Muster"), is_named_person("Erika Muster"), is_named_person("Stadt Jena")
    (True, True, False)
    """
    if _ADDRESSED.match(name):
        return True
    return _NAME_LIKE.fullmatch(name.strip()) is not None and not _ORGANISED.search(name)


def withhold(triples: Sequence[ox.Triple], names: Names, context: Sequence[ox.Triple] | None = None) -> Withheld:
    """Give what may be kept of ``triples``; ``context`` is the whole record that they are of."""
    found = Withheld()
    whole = triples if context is None else context
    said = [t.predicate for t in whole]
    persons: set[Term] = {t.subject for t, p in zip(whole, said, strict=True) if p == TYPE and t.object in PERSONS}
    contacts: set[Term] = {
        t.subject for t, p in zip(whole, said, strict=True) if p in MAILBOXES and _is_private(t, persons)
    }
    telling = [p for p in persons if isinstance(p, ox.NamedNode) and _tells_name(p.value)]
    telling += [p for p in contacts | persons if isinstance(p, ox.NamedNode) and _is_personal_iri(p)]
    aliases: dict[Term, ox.NamedNode] = {p: _alias(p, names) for p in telling}
    for triple, predicate in zip(triples, said if whole is triples else [t.predicate for t in triples], strict=True):
        if persons and predicate == TYPE and triple.object in PERSONS:
            found.counts["class"] += 1
            found.triples.append(triple)
            found.kept.append(_renamed(ox.Triple(triple.subject, predicate, _wider(triple.object)), aliases))
            continue
        kind = _kind(triple, persons, contacts) if predicate in _LOOKED_AT else None
        if kind is not None:
            found.counts[kind] += 1
            found.triples.append(triple)
            continue
        kept = _renamed(_redacted(triple), aliases)
        if kept is not triple:
            found.counts["text" if isinstance(kept.object, ox.Literal) else "iri"] += 1
            found.triples.append(triple)
        found.kept.append(kept)
    return found


def _kind(triple: ox.Triple, persons: set[Term], contacts: set[Term]) -> str | None:
    """Give what kind of private fact a triple states, or ``None``."""
    subject, predicate, target = triple.subject, triple.predicate, triple.object
    if predicate in _GIVEN:
        return "name"
    if predicate in MAILBOXES:
        return "mailbox" if _is_private(triple, persons) else None
    if subject in persons:
        return "name" if predicate in _NAMES else "address" if predicate in _ADDRESSES else None
    if subject in contacts and (predicate in _NAMES or predicate in _ADDRESSES):
        return "name" if predicate in _NAMES else "address"
    if predicate in (VCARD.fn, VCARD.hasFN, FOAF.name) and isinstance(target, ox.Literal):
        return "name" if _ADDRESSED.match(target.value) else None
    if predicate == DCT.publisher and isinstance(target, ox.Literal):  # many offices are called "Bonn Orange"
        return "name" if _ADDRESSED.match(target.value) else None
    if predicate in AGENTS and isinstance(target, ox.Literal):
        return "name" if is_named_person(target.value) else None
    return None


def _is_private(triple: ox.Triple, persons: set[Term]) -> bool:
    found = _MAILBOX.search(unquote(getattr(triple.object, "value", "")))
    if found is None:
        return triple.subject in persons
    return is_personal(found[0]) or (triple.subject in persons and not is_office(found[0]))


def _redacted(triple: ox.Triple) -> ox.Triple:
    """Take mailboxes of persons out of a text or an address."""
    target = triple.object
    if isinstance(target, ox.BlankNode | ox.Triple) or "@" not in (value := target.value):
        return triple
    shown = _MAILBOX.sub(lambda m: _HIDDEN if is_personal(m[0]) else m[0], value)
    if shown == value:
        return triple
    if isinstance(target, ox.NamedNode):
        return triple if not value.startswith("mailto:") else ox.Triple(triple.subject, triple.predicate, _nobody())
    literal = (
        ox.Literal(shown, language=target.language) if target.language else ox.Literal(shown, datatype=target.datatype)
    )
    return ox.Triple(triple.subject, triple.predicate, literal)


def _wider(kind: Term) -> ox.NamedNode:
    """Give the class of which persons are a part, for the graph holds none."""
    return VCARD.Kind if kind == VCARD.Individual else FOAF.Agent


def _is_personal_iri(iri: ox.NamedNode) -> bool:
    return iri.value.startswith("mailto:") and is_personal(iri.value)


def _nobody() -> ox.Literal:
    return ox.Literal(_HIDDEN)


def _tells_name(iri: str) -> bool:
    """Tell whether the IRI of a person may itself say who it is."""
    return not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-|/\.well-known/genid/", iri)


def _alias(person: ox.NamedNode, names: Names) -> ox.NamedNode:
    """Give a name for a person that says nothing and stays the same."""
    return names.genid(hashlib.blake2b(f"person {person.value} {names.base}".encode(), digest_size=16).hexdigest())


def _renamed(triple: ox.Triple, aliases: Mapping[Term, ox.NamedNode]) -> ox.Triple:
    if not aliases:
        return triple
    subject: Any = aliases.get(triple.subject, triple.subject)
    target: Any = aliases.get(triple.object, triple.object)
    if subject is triple.subject and target is triple.object:
        return triple
    return (
        triple if (subject, target) == (triple.subject, triple.object) else ox.Triple(subject, triple.predicate, target)
    )
