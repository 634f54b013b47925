"""The status of findings across releases: new, still there, mended, or an accepted risk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stadtgraph.audit.finding import Acceptance, Finding, Status
from stadtgraph.audit.tally import Found, More


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
    now: Found, before: Found, accepted: Iterable[Acceptance] = (), today: str = ""
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], dict[str, Acceptance]]:
    """Give the findings of now with their status, those of before that are mended, and who accepted which, by key.

    An accepted risk counts as accepted until its last day; afterwards it is a finding like any other. One that was
    not listed before but counted is taken for one that was there, and one that is not listed now is not mended.
    """
    earlier, risks = {finding.key: finding for finding in before.findings}, Accepted(accepted, today)
    found, keys, accepting = [], set(), dict[str, Acceptance]()
    for finding in now.findings:
        keys.add(finding.key)
        acceptance = risks.of(finding)
        if acceptance is not None:
            accepting[finding.key] = acceptance
            status = Status.ACCEPTED
        else:
            is_still = finding.key in earlier or not before.lists(finding)
            status = Status.STILL if is_still else Status.NEW
        found.append(finding if finding.status is status else replace(finding, status=status))
    mended = (replace(f, status=Status.MENDED) for key, f in earlier.items() if key not in keys and now.lists(f))
    return tuple(sorted(found, key=Finding.order)), tuple(sorted(mended, key=Finding.order)), accepting


def compare_more(
    now: Iterable[More], before: Found, accepted: Iterable[Acceptance] = (), today: str = ""
) -> tuple[More, ...]:
    """Give findings that are only counted with their status: accepted as a rule, still there, or new as a rule."""
    rules = {a.shape for a in accepted if not a.key and a.focus is None and not (a.until and a.until < today)}
    known = {f.shape for f in before.findings} | {more.shape for more in before.more}

    def status(more: More) -> Status:
        if more.shape in rules:
            return Status.ACCEPTED
        return Status.STILL if more.shape in known else Status.NEW

    found = (replace(more, status=status(more)) for more in now)
    return tuple(sorted(found, key=lambda m: (-m.gravity, m.shape.value, str(m.unit), m.key)))
