"""The status of findings across releases: new, still there, mended, or an accepted risk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stadtgraph.audit.finding import Acceptance, Finding, Status


class Accepted:
    """The accepted risks that hold on a day, found by the findings they cover."""

    def __init__(self, accepted: Iterable[Acceptance], today: str) -> None:
        """Sort ``accepted`` by what they name; one that ended before ``today`` covers nothing."""
        self._today = today
        self._listed: dict[object, list[Acceptance]] = {}
        for acceptance in accepted:
            name = acceptance.key or (acceptance.shape, acceptance.focus)
            self._listed.setdefault(name, []).append(acceptance)

    def of(self, finding: Finding) -> Acceptance | None:
        """Give what accepts ``finding``: its key, its shape at its node, or its shape everywhere."""
        if not self._listed:
            return None
        names = (finding.key, (finding.shape, finding.focus), (finding.shape, None))
        fitting = (a for name in names for a in self._listed.get(name, ()))
        return next((a for a in fitting if a.covers(finding, self._today)), None)


def compare(
    now: Iterable[Finding], before: Iterable[Finding], accepted: Iterable[Acceptance] = (), today: str = ""
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], dict[str, Acceptance]]:
    """Give the findings of now with their status, those of before that are mended, and who accepted which, by key.

    An accepted risk counts as accepted until its last day; afterwards it is a finding like any other.
    """
    earlier, risks = {finding.key: finding for finding in before}, Accepted(accepted, today)
    found, keys, accepting = [], set(), dict[str, Acceptance]()
    for finding in now:
        keys.add(finding.key)
        acceptance = risks.of(finding)
        if acceptance is not None:
            accepting[finding.key] = acceptance
            status = Status.ACCEPTED
        else:
            status = Status.STILL if finding.key in earlier else Status.NEW
        found.append(finding if finding.status is status else replace(finding, status=status))
    mended = (replace(f, status=Status.MENDED) for key, f in earlier.items() if key not in keys)
    return tuple(sorted(found, key=Finding.order)), tuple(sorted(mended, key=Finding.order)), accepting
