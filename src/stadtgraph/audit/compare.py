"""The status of findings across releases: new, still there, mended, or an accepted risk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from stadtgraph.audit.finding import Acceptance, Finding, Status


def compare(
    now: Iterable[Finding], before: Iterable[Finding], accepted: Sequence[Acceptance] = (), today: str = ""
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Give the findings of now with their status, and those of before that are mended.

    An accepted risk counts as accepted until its last day; afterwards it is a finding like any other.
    """
    earlier = {finding.key: finding for finding in before}
    by_key = {a.key: a for a in accepted if a.key}
    by_shape = {(a.shape, a.focus): a for a in accepted if not a.key}
    found, keys = [], set()
    for finding in now:
        keys.add(finding.key)
        candidates = (
            by_key.get(finding.key),
            by_shape.get((finding.shape, finding.focus)),
            by_shape.get((finding.shape, None)),
        )
        if any(a is not None and a.covers(finding, today) for a in candidates):
            status = Status.ACCEPTED
        else:
            status = Status.STILL if finding.key in earlier else Status.NEW
        found.append(finding if finding.status is status else replace(finding, status=status))
    mended = (replace(f, status=Status.MENDED) for key, f in earlier.items() if key not in keys)
    return tuple(sorted(found, key=Finding.order)), tuple(sorted(mended, key=Finding.order))
