"""Which findings are let through: findings and waivers in, findings with their waivers out, and what each waiver did.

A waiver covers a finding when every part that it gives is the finding's. One with a fingerprint follows its finding by content:
it holds when lines move and ends when the value at that place becomes another. One without names a place (path, server,
subject) and holds for whatever the rule finds there, until its last day; `waive` therefore always writes the fingerprint.
"""

from __future__ import annotations

from mcp_audit_gate.policy.policy import FIXED, same_name
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from mcp_audit_gate.model import Finding, Json
    from mcp_audit_gate.policy.policy import Waiver


class Use(NamedTuple):
    """What a waiver did. missed: how many findings it would cover, had it not ended. idle: it covers nothing, and that is certain.

    matched: how many findings it is for, ended or not.
    """

    waiver: Waiver
    expired: bool
    missed: int
    idle: bool
    about_text: bool
    matched: int = 0

    @property
    def identity(self) -> str:
        """What the waiver is about, for the fingerprint of findings about it."""
        return identity_of(self.waiver)


def identity_of(waiver: Waiver) -> str:
    """A waiver's own words, not where it stands."""
    return "\0".join(part or "" for part in (waiver.rule, waiver.fingerprint, waiver.path, waiver.server, waiver.subject, str(waiver.expires)))


class Evidence(NamedTuple):
    """What a run could see. whole: it looked at the whole tree; else at the files in `read`. unread: files that could not be read.

    ran: the rules that were on. text_rules: those that judge the text of tools.
    """

    whole: bool
    read: frozenset[str]
    unread: frozenset[str]
    ran: frozenset[str]
    text_rules: frozenset[str] = frozenset()


def apply(
    findings: Iterable[Finding], waivers: tuple[Waiver, ...], today: date, present: frozenset[str] | None = None
) -> tuple[tuple[Finding, ...], tuple[tuple[int, int], ...]]:
    """The findings with status and waiver set, and for each waiver how many findings it matched, and how many of them nothing covers.

    present: the fingerprints of what the trusted revision has; a waiver without a fingerprint of its own covers nothing else.
    """
    by_key = _table(waivers)
    matched = [0] * len(waivers)
    open_ = [0] * len(waivers)
    judged: list[Finding] = []
    for finding in findings:
        numbers = [number for number in _candidates(by_key, finding) if covers(waivers[number], finding)]
        if present is not None and finding.fingerprint not in present:
            numbers = [number for number in numbers if waivers[number].fingerprint is not None]
        active = [number for number in numbers if today <= waivers[number].expires]
        if active:
            finding = finding._replace(status="waived", waiver=_written(waivers[active[0]]))
        for number in active or numbers:
            matched[number] += 1
            open_[number] += not active
        judged.append(finding)
    return tuple(judged), tuple(zip(matched, open_))


def known(findings: Iterable[Finding], fingerprints: frozenset[str]) -> tuple[Finding, ...]:
    """The findings; those that were there before have status baseline, but for what says that something was not judged."""
    return tuple(
        finding._replace(status="baseline")
        if finding.status == "reported" and finding.fingerprint in fingerprints and finding.rule not in FIXED
        else finding
        for finding in findings
    )


def _table(waivers: tuple[Waiver, ...]) -> dict[tuple[str, str | None], list[int]]:
    """Waivers by rule and fingerprint: what a finding is compared with stays short, however many waivers there are."""
    table: dict[tuple[str, str | None], list[int]] = {}
    for number, waiver in enumerate(waivers):
        table.setdefault((waiver.rule, waiver.fingerprint), []).append(number)
    return table


def _candidates(table: dict[tuple[str, str | None], list[int]], finding: Finding) -> list[int]:
    return [*table.get((finding.rule, finding.fingerprint), ()), *table.get((finding.rule, None), ())] if table else []


def covers(waiver: Waiver, finding: Finding) -> bool:
    """True when the waiver, whatever its last day, is for the finding."""
    return (
        waiver.rule == finding.rule
        and finding.rule not in FIXED
        and waiver.fingerprint in (None, finding.fingerprint)
        and (waiver.path is None or _composed(waiver.path) == _composed(finding.location.path))
        and (waiver.server is None or (finding.server is not None and same_name(waiver.server) == same_name(finding.server)))
        and waiver.subject in (None, finding.subject)
    )


def _composed(path: str) -> str:
    if path.isascii():
        return path
    from unicodedata import normalize

    return normalize("NFC", path)


def _written(waiver: Waiver) -> Mapping[str, Json]:
    """The waiver as reports show it: reason, owner, last day, and where it stands."""
    place = waiver.place.document.locate(waiver.place)
    return {"reason": waiver.reason, "owner": waiver.owner, "expires": str(waiver.expires), "path": place.path, "line": place.start_line}


def uses(waivers: tuple[Waiver, ...], counts: tuple[tuple[int, int], ...], today: date, evidence: Evidence) -> Iterator[Use]:
    """What each waiver did, in their order."""
    for waiver, (matched, missed) in zip(waivers, counts):
        idle = not matched and seen(waiver.rule, waiver.path, evidence)
        yield Use(waiver, today > waiver.expires, missed, idle, waiver.rule in evidence.text_rules, matched)


def seen(rule: str, path: str | None, evidence: Evidence) -> bool:
    """True when the run looked at all that a waiver for a rule and path could cover, so that no match means that there is nothing."""
    if rule not in evidence.ran:
        return False
    if path is None:
        return evidence.whole and not evidence.unread
    return path not in evidence.unread and (evidence.whole or path in evidence.read)
