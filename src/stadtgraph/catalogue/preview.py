"""The report of a preview: what becomes of each record, how the portal's state differs, what the catalogue scores."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.catalogue.against import Drift
from stadtgraph.catalogue.asking import Whom, compact
from stadtgraph.catalogue.dqv import DQV, quality
from stadtgraph.catalogue.mqa import BANDS, DIMENSIONS, FULL, METRICS, PV, Score, Step, band, mean
from stadtgraph.catalogue.portal import ACCEPTED, STATES, Note, Outcome
from stadtgraph.terms import SG, XSD, Names

FORMS: Final = ("text", "json", "html", "ttl")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a portal would make of one release. ``drift`` is ``None`` where nothing was compared."""

    portal: str
    release: str
    outcomes: Sequence[Outcome]
    scores: Sequence[Score]
    whom: Whom
    catalogue: ox.NamedNode
    names: Names
    pages: int = 0
    largest: int = 0
    too_large: bool = False
    drift: Sequence[Drift] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many datasets come to which state."""
        found = Counter(outcome.state for outcome in self.outcomes)
        return {state: found[state] for state in STATES}

    @property
    def score(self) -> Score:
        """The score of the whole catalogue."""
        return mean(self.scores)

    def by_unit(self) -> dict[ox.NamedNode | None, Score]:
        """The score of each unit's datasets, the lowest first."""
        made = {unit: mean(scores, unit) for unit, scores in self._of_units().items()}
        return dict(sorted(made.items(), key=lambda item: (item[1].maximum, str(item[0]))))

    def _of_units(self) -> dict[ox.NamedNode | None, list[Score]]:
        found: dict[ox.NamedNode | None, list[Score]] = {}
        for score in self.scores:
            assert score.of is not None
            found.setdefault(self.whom.unit(score.of.value), []).append(score)
        return found

    def quality(self) -> Iterator[ox.Triple]:
        """The scores in the Data Quality Vocabulary: of datasets with all metrics, of units and the catalogue."""
        units = {unit: scores for unit, scores in self._of_units().items() if unit is not None}
        yield from quality(self.scores, units, self.catalogue, self.names)


def write(preview: Preview, form: str, lang: str) -> str:
    """Give the report as ``text``, ``json`` or ``html``; as ``ttl`` the scores in the Data Quality Vocabulary."""
    if form == "ttl":
        prefixes = {"dqv": str(DQV), "pv": str(PV), "sg": str(SG), "xsd": str(XSD)}
        written = ox.serialize(preview.quality(), format=ox.RdfFormat.TURTLE, prefixes=dict(sorted(prefixes.items())))
        assert written is not None
        head, body = [], written.decode().split("\n")
        while body and body[0].startswith("@prefix "):
            head.append(body.pop(0))
        return "\n".join([*sorted(head), *body])
    if form == "json":
        return json.dumps(as_data(preview, lang), ensure_ascii=False, indent=1) + "\n"
    lines = list(as_lines(preview, lang))
    if form == "html":
        return _page(lines, lang)
    return "\n".join("  " * level + text for level, text in lines) + "\n"


Line = tuple[int, str]
"""A line of the report and how deep it stands: 0 a heading, 1 a dataset or sum, 2 and more details of it."""


def as_lines(preview: Preview, lang: str) -> Iterator[Line]:
    """Give the report line by line."""

    def say(key: str, **params: object) -> str:
        return messages.text(f"catalogue-{key}", lang, **params)

    portal = say(f"portal-{preview.portal}")
    yield 0, say("preview-head", portal=portal, release=preview.release, number=len(preview.outcomes))
    for state, number in preview.counts.items():
        yield 1, say(f"state-{state}", number=number)
    yield 1, say("preview-pages", pages=preview.pages, size=f"{preview.largest / 1e6:.1f}")
    if preview.too_large:
        yield 1, say("preview-too-large")
    yield from _common(preview, lang)
    for state in reversed(STATES):
        chosen = [o for o in preview.outcomes if o.state == state]
        if chosen and state not in (ACCEPTED, "changed"):
            yield 0, say(f"of-{state}")
            for outcome in chosen:
                yield from _outcome(preview, outcome, lang)
    yield 0, say("of-details")
    for outcome in preview.outcomes:
        if outcome.state in (ACCEPTED, "changed") and _telling(outcome):
            yield from _outcome(preview, outcome, lang)
    yield from _drift(preview, lang)
    yield from _scores(preview, lang)


_COMMON: Final = 0.8


def _everywhere(preview: Preview) -> set[str]:
    """Give the notes that hold for nearly all records: they are said once."""
    found = Counter(key for o in preview.outcomes for key in {n.key for n in o.notes})
    return {key for key, n in found.items() if n >= 5 and n > _COMMON * len(preview.outcomes)}


def _common(preview: Preview, lang: str) -> Iterator[Line]:
    for key in sorted(_everywhere(preview)):
        number = sum(1 for o in preview.outcomes if any(n.key == key for n in o.notes))
        text = messages.text(f"catalogue-note-{key}", lang, value="")
        yield 1, messages.text("catalogue-note-common", lang, number=number, text=text)


def _telling(outcome: Outcome) -> bool:
    return any(note.key != "contributor" for note in outcome.notes)


def _outcome(preview: Preview, outcome: Outcome, lang: str) -> Iterator[Line]:
    common = _everywhere(preview)
    notes = [note for note in outcome.notes if note.key not in common or outcome.state not in (ACCEPTED, "changed")]
    if not notes:
        return
    yield 1, f"{outcome.title or outcome.iri} <{outcome.iri}>"
    for note in notes:
        yield 2, note_text(preview, outcome.iri, note, lang)


def note_text(preview: Preview, iri: str, note: Note, lang: str) -> str:
    """Say what the portal does, and who can mend it where somebody can."""
    value = note.value or (compact(note.asks_for.value) if note.asks_for else "")
    text = messages.text(f"catalogue-note-{note.key}", lang, value=value)
    return text if note.asks_for is None else f"{text} {preview.whom.text(iri, note.asks_for, note.about, lang)}"


def _drift(preview: Preview, lang: str) -> Iterator[Line]:
    if preview.drift is None:
        return
    yield 0, messages.text("catalogue-drift-head", lang, number=len(preview.drift))
    for drift in preview.drift:
        yield 1, drift_text(drift, lang)


def drift_text(drift: Drift, lang: str) -> str:
    """Say how the portal's record differs."""
    return messages.text(
        f"catalogue-drift-{drift.kind}",
        lang,
        title=drift.title,
        iri=drift.iri,
        ours=drift.ours,
        theirs=drift.theirs,
        number=len(drift.found),
        found=", ".join(drift.found),
    )


def _scores(preview: Preview, lang: str) -> Iterator[Line]:
    if not preview.scores:
        return
    yield 0, messages.text("catalogue-score-head", lang, full=FULL)
    yield 1, _points(messages.text("catalogue-score-all", lang), preview.score, lang)
    for dimension in DIMENSIONS:
        name = messages.text(f"catalogue-dimension-{dimension}", lang)
        most = sum(m.points for m in METRICS if m.dimension == dimension)
        safe, top = preview.score.dimension(dimension), preview.score.dimension(dimension, most=True)
        yield 2, messages.text("catalogue-score-dimension", lang, name=name, safe=safe, most=top, full=most)
    bands = Counter(band(score.maximum) for score in preview.scores)
    for _, name in BANDS:
        label = messages.text(f"catalogue-band-{name}", lang)
        yield 2, messages.text("catalogue-score-band", lang, name=label, number=bands[name])
    yield 0, messages.text("catalogue-score-units", lang)
    for unit, score in preview.by_unit().items():
        name = preview.whom.name(unit, lang) or messages.text("catalogue-no-unit", lang)
        yield 1, _points(name, score, lang)
        for step in score.steps[:3]:
            yield 2, _gain(step, lang)
    yield 0, messages.text("catalogue-score-datasets", lang)
    titles = {outcome.iri: outcome.title for outcome in preview.outcomes}
    for score in sorted(preview.scores, key=lambda s: (s.maximum, str(s.of))):
        assert score.of is not None
        yield 1, _points(titles.get(score.of.value) or score.of.value, score, lang)
        for step in score.steps:
            yield 2, f"{_gain(step, lang)} {preview.whom.text(score.of.value, step.asks_for, None, lang)}"


def _points(name: str, score: Score, lang: str) -> str:
    label = messages.text(f"catalogue-band-{band(score.maximum)}", lang)
    key = "catalogue-score-sure" if score.value == score.maximum else "catalogue-score-range"
    return messages.text(key, lang, name=name, safe=f"{score.value:g}", most=f"{score.maximum:g}", band=label)


def _gain(step: Step, lang: str) -> str:
    name = messages.text(f"catalogue-metric-{step.name}", lang)
    return messages.text("catalogue-score-gain", lang, name=name, gain=f"{step.gain:g}")


def as_data(preview: Preview, lang: str) -> dict[str, Any]:
    """Give the report as data."""
    made: dict[str, Any] = {
        "portal": preview.portal,
        "release": preview.release,
        "counts": preview.counts,
        "pages": {"number": preview.pages, "largest": preview.largest, "tooLarge": preview.too_large},
        "datasets": [_outcome_data(preview, outcome, lang) for outcome in preview.outcomes],
    }
    if preview.drift is not None:
        made["drift"] = [
            {"kind": d.kind, "dataset": d.iri, "ours": d.ours, "theirs": d.theirs, "found": list(d.found)}
            | {"text": drift_text(d, lang)}
            for d in preview.drift
        ]
    if preview.scores:
        made["score"] = _score_data(preview.score)
        made["units"] = [{"unit": u.value if u else None, **_score_data(s)} for u, s in preview.by_unit().items()]
    scores = {score.of.value: score for score in preview.scores if score.of is not None}
    for entry in made["datasets"]:
        score = scores.get(entry["dataset"])
        if score is not None:
            entry["score"] = _score_data(score) | {"gains": list(_gains_data(preview, score))}
    return made


def _outcome_data(preview: Preview, outcome: Outcome, lang: str) -> dict[str, Any]:
    notes = []
    for note in outcome.notes:
        post = preview.whom.post(outcome.iri, note.asks_for, note.about) if note.asks_for else None
        notes.append(
            {
                "state": note.state,
                "note": note.key,
                "property": note.asks_for.value if note.asks_for else None,
                "post": post.value if post else None,
                "text": note_text(preview, outcome.iri, note, lang),
            }
        )
    return {"dataset": outcome.iri, "title": outcome.title, "state": outcome.state, "notes": notes}


def _score_data(score: Score) -> dict[str, Any]:
    return {
        "safe": score.value,
        "maximum": score.maximum,
        "band": band(score.maximum),
        "datasets": score.datasets,
        "dimensions": {name: score.dimension(name) for name in DIMENSIONS},
        "metrics": {m.name: round(share, 4) for m, share in zip(METRICS, score.safe, strict=True)},
    }


def _gains_data(preview: Preview, score: Score) -> Iterator[dict[str, Any]]:
    assert score.of is not None
    for step in score.steps:
        post, unit = preview.whom.post(score.of.value, step.asks_for), preview.whom.unit(score.of.value)
        yield {
            "step": step.name,
            "gain": step.gain,
            "property": step.asks_for.value,
            "post": post.value if post else None,
            "unit": unit.value if unit else None,
        }


def _page(lines: Iterable[Line], lang: str) -> str:
    """Give the report as one page without scripts or anything from elsewhere."""
    parts = [f'<!doctype html>\n<html lang="{lang}">\n<head><meta charset="utf-8">']
    parts.append('<meta name="viewport" content="width=device-width, initial-scale=1">')
    parts.append(f"<title>{html.escape(messages.text('catalogue-preview-title', lang))}</title>")
    parts.append(
        "<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "dt{font-weight:600;margin-top:.6rem}dd{margin-left:1.5rem}</style></head>\n<body>"
    )
    parts.append(f"<h1>{html.escape(messages.text('catalogue-preview-title', lang))}</h1>")
    is_open = False
    for level, text in lines:
        if level == 0:
            parts.append(("</dl>\n" if is_open else "") + f"<h2>{html.escape(text)}</h2>\n<dl>")
            is_open = True
        else:
            tag = "dt" if level == 1 else "dd"
            parts.append(f"<{tag}>{html.escape(text)}</{tag}>")
    parts.append("</dl></body></html>\n" if is_open else "</body></html>\n")
    return "\n".join(parts)
