"""`mcp-audit merge`: the reports of all parts of a run in, the report that one run would have made out.

What does not belong together is refused; a part that is missing makes the verdict incomplete. Never is a part taken for the whole.
"""

from __future__ import annotations

import os

from mcp_audit_gate import gate, rules
from mcp_audit_gate.errors import ReportError
from mcp_audit_gate.model import NotAssessed
from mcp_audit_gate.policy import rules as policy_rules
from mcp_audit_gate.policy.verdict import conclude, mark
from mcp_audit_gate.policy.waivers import Evidence, seen
from mcp_audit_gate.reading import in_order
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report import parsed
from mcp_audit_gate.report.kept import Kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from mcp_audit_gate.model import Finding, Input, Json, Locator, Report, Verdict
    from mcp_audit_gate.part import Shard
    from mcp_audit_gate.report.kept import Line
    from mcp_audit_gate.report.provenance import Provenance

MAX_BYTES = 256 * 1024 * 1024
_WHICH = "name the files that scan --shard I/N -o json=FILE wrote"
_WHOLE = "hand over the reports as they were written"
_TOGETHER = "run all parts on one commit with the same options, and the same --now when they may run on different days"


class Piece(NamedTuple):
    """A part's report, the file that it came from, and the plain value it was made from."""

    file: str
    report: Report
    shard: Shard
    value: Json
    is_sarif: bool


def merged(files: Sequence[str]) -> tuple[Report, Provenance | None]:
    """The report of the whole run, and where its tree comes from. Raises ReportError when the files are not parts of one run."""
    pieces = _distinct([_piece(file) for file in files])
    _belong(pieces)
    first = pieces[0].report
    missing = sorted({*range(1, pieces[0].shard.parts + 1)} - {piece.shard.number for piece in pieces})
    report = first._replace(
        mode=first.mode._replace(shard=None),
        inputs=_in_place((*zip(piece.shard.inputs[1], piece.report.inputs),) for piece in pieces),
        servers=_in_place((*zip(piece.shard.servers[1], piece.report.servers),) for piece in pieces),
        changes=_in_place((*zip(piece.shard.changes, piece.report.changes),) for piece in pieces),
        not_assessed=in_order((*_gaps(pieces), *_lacking(missing, pieces[0].shard.parts), *_apart(pieces))),
        documents=_documents(pieces),
        hashes=_hashes(pieces),
        fixes={fingerprint: fix for piece in pieces for fingerprint, fix in piece.report.fixes.items()},
        shard=None,
    )
    if not missing:
        _add_up(pieces, report)
    return _concluded(report, pieces, not missing), pieces[0].shard.provenance


def _piece(file: str) -> Piece:
    found = parsed.read(file, _bytes(file), tuple(rule.info for rule in gate.RULES))
    assert found.report.shard is not None
    return Piece(file, found.report, found.report.shard, found.value, found.is_sarif)


def _bytes(file: str) -> bytes:
    """The bytes of a plain file of at most MAX_BYTES."""
    try:
        if os.path.exists(file) and not os.path.isfile(file):
            raise ReportError(f"{file} is no plain file", _WHICH)
        with open(file, "rb") as source:
            data = source.read(MAX_BYTES + 1)
    except OSError as error:
        raise ReportError(f"cannot read {file}: {error.strerror}", _WHICH) from error
    if len(data) > MAX_BYTES:
        raise ReportError(f"{file}:1:1: the report cannot be used: it is larger than {MAX_BYTES >> 20} MiB", "use more parts")
    return data


def _distinct(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces, each part once. Its JSON and its SARIF report are one piece when they say the same."""
    found: dict[int, Piece] = {}
    for piece in pieces:
        other = found.setdefault(piece.shard.number, piece)
        if other is not piece and (other.is_sarif == piece.is_sarif or other.value != piece.value):
            raise ReportError(f"part {piece.shard.name} is there twice: {other.file} and {piece.file}", "hand over the report of each part once")
    return [found[number] for number in sorted(found)]


def _belong(pieces: Sequence[Piece]) -> None:
    """Raises ReportError unless all are parts of one run."""
    first = pieces[0]
    for piece in pieces[1:]:
        for (what, one), (_, other) in zip(_traits(first), _traits(piece)):
            if one != other:
                raise ReportError(f"{first.file} and {piece.file} are no parts of one run: {what} differ", _TOGETHER)


def _traits(piece: Piece) -> Iterator[tuple[str, object]]:
    """What the parts of a run have in common, with what to say when they have not."""
    shard, report, origin = piece.shard, piece.report, piece.shard.provenance
    options = dict(shard.run)
    yield "the numbers of parts", shard.parts
    yield "the revisions", origin and (origin.repository, origin.revision)
    for key, words in _TRAITS.items():
        yield words, options.pop(key)
    yield "the modes", report.mode._replace(shard=None)
    yield "the options", options
    yield "the severities", report.severities
    yield "the numbers of files and servers", (shard.inputs[0], shard.servers[0])
    yield "the waivers", [item._replace(matched=0, missed=0) for item in shard.waivers]


_TRAITS = {
    "files": "the files that were read",
    "policy": "the policies",
    "lock": "the lockfiles",
    "trusted": "the trusted revisions",
    "baseline": "the baselines",
    "date": "the days",
}


def _in_place(numbered: Iterable[Iterable[tuple[Any, Any]]]) -> tuple[Any, ...]:
    """The things of all parts in the order of the whole run."""
    return tuple(item for _, item in sorted((pair for pairs in numbered for pair in pairs), key=lambda pair: pair[0]))


def _add_up(pieces: Sequence[Piece], report: Report) -> None:
    """Raises ReportError unless the parts make up the whole, no two tell the same, and each has the verdict that its findings give."""
    for what, owns in (("files", [piece.shard.inputs for piece in pieces]), ("servers", [piece.shard.servers for piece in pieces])):
        if sorted(number for _, own in owns for number in own) != [*range(owns[0][0])]:
            raise ReportError(f"the parts do not make up the {owns[0][0]} {what} of the run", _WHOLE)
    for piece in pieces:
        due = _verdict(piece.report.findings, piece.report.not_assessed, report.inputs, piece.shard)
        if due[:2] != piece.report.verdict[:2] or mark(piece.report.findings, _fail_on(piece.shard)) != piece.report.findings:
            raise ReportError(f"{piece.file}: the verdict is not that of the findings", _WHOLE)
    if len({finding.fingerprint for piece in pieces for finding in piece.report.findings}) < sum(len(piece.report.findings) for piece in pieces):
        raise ReportError("two parts tell the same finding", _WHOLE)


def _gaps(pieces: Sequence[Piece]) -> Iterator[NotAssessed]:
    """What was not assessed; also what another part alone saw of a server."""
    own = [gap for piece in pieces for gap in piece.report.not_assessed]
    yield from own
    yield from {gap for piece in pieces for gap in piece.shard.elsewhere} - {*own}


def _lacking(missing: Sequence[int], parts: int) -> Iterator[NotAssessed]:
    for number in missing:
        yield NotAssessed(
            "part", None, None, f"part {number} of {parts} is missing", "hand over the reports of all parts; look why that job wrote none"
        )


def _apart(pieces: Sequence[Piece]) -> Iterator[NotAssessed]:
    """Texts that changed, judged without knowing the new tools that another part saw."""
    for piece in pieces:
        others = [other.shard.name for other in pieces if other is not piece and other.shard.grown]
        if piece.shard.reworded and others:
            reason = f"servers of part {piece.shard.name} changed, and were judged without the new tools that servers of part {others[0]} have"
            yield NotAssessed("part", None, None, reason, "pin what is right and run again, or scan without --shard")


def _documents(pieces: Iterable[Piece]) -> dict[str, Locator]:
    """The lines that the parts kept, by file."""
    found: dict[str, Kept] = {}
    for piece in pieces:
        for path, document in piece.report.documents.items():
            if isinstance(document, Kept):
                other = found.get(path)
                found[path] = document if other is None else Kept(path, max(other.count, document.count), _more_hidden(other.kept, document.kept))
    return {**found}


def _more_hidden(one: Mapping[int, Line], other: Mapping[int, Line]) -> dict[int, Line]:
    """Lines of two parts; of one that both have the form that shows less."""
    found = {**one}
    for number, line in other.items():
        if number not in found or len(line.hidden) > len(found[number].hidden):
            found[number] = line
    return found


def _hashes(pieces: Iterable[Piece]) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for piece in pieces:
        for path, lines in (piece.report.hashes or {}).items():
            found.setdefault(path, {}).update(lines)
    return found


def _concluded(report: Report, pieces: Sequence[Piece], is_whole: bool) -> Report:
    """The report with all findings and one verdict."""
    told = (*(finding for piece in pieces for finding in piece.report.findings), *(_once(_of_waivers(report, pieces)) if is_whole else ()))
    findings = mark(tuple(sorted(told, key=rules.order)), _fail_on(pieces[0].shard))
    verdict = _verdict(findings, report.not_assessed, report.inputs, pieces[0].shard)
    beside = [reason for reason in pieces[0].shard.told if all(reason in piece.shard.told for piece in pieces)]
    return report._replace(findings=findings, verdict=verdict._replace(reasons=(*verdict.reasons, *beside)))


def _verdict(findings: tuple[Finding, ...], gaps: tuple[NotAssessed, ...], inputs: tuple[Input, ...], shard: Shard) -> Verdict:
    run = shard.run
    return conclude(findings, gaps, inputs, fail_on=_fail_on(shard), allow_empty=bool(run["allow_empty"]), exit_zero=bool(run["exit_zero"]))


def _fail_on(shard: Shard) -> str:
    return str(shard.run["fail_on"])


def _once(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Findings of one rule, place and message once, as a run tells them: a trusted policy may have a waiver twice."""
    return {(finding.rule, finding.location, finding.message): finding for finding in findings}.values()


def _of_waivers(report: Report, pieces: Sequence[Piece]) -> Iterator[Finding]:
    """What only all parts together can tell: waivers that cover nothing, and those that ended and still would."""
    first = pieces[0].shard
    evidence = Evidence(
        bool(first.run["whole"]) and not first.run["clients"],
        frozenset(item.path for item in report.inputs if item.status == "parsed"),
        frozenset(gap.path or "" for gap in report.not_assessed),
        frozenset(rule for piece in pieces for rule in piece.shard.ran),
    )
    for accounts in zip(*(piece.shard.waivers for piece in pieces)):
        waiver = accounts[0]
        missed = sum(item.missed for item in accounts)
        if not any(item.matched for item in accounts) and seen(waiver.rule, waiver.path, evidence):
            yield waiver.unused
        if waiver.is_over and missed:
            yield waiver.ended._replace(message=policy_rules.ended(waiver.rule, waiver.expires, missed))
