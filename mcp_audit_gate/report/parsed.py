"""The JSON report of a part, or the SARIF file that holds it, as a Report again: bytes in, Report out. Nothing in it is believed unread."""

from __future__ import annotations

from mcp_audit_gate import __version__
from mcp_audit_gate.metadata import formats
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import (
    SEVERITIES,
    Capability,
    Change,
    Drift,
    Entry,
    Finding,
    Fix,
    Input,
    Launch,
    Location,
    Mode,
    NotAssessed,
    Replacement,
    Report,
    Risk,
    Server,
    Verdict,
)
from mcp_audit_gate.part import FLAGS, PARTS, Owed, Shard
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report.json import SCHEMA_VERSION
from mcp_audit_gate.report.kept import Kept, Line
from mcp_audit_gate.report.provenance import Provenance
from mcp_audit_gate.report.shard import EMBEDDED, VERSION
from mcp_audit_gate.report.spot import spot
from mcp_audit_gate.report.words import CAPABILITIES, CONFIDENCE, STATUSES, tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mcp_audit_gate.model import Json, Locator, RuleInfo
    from mcp_audit_gate.report.spot import Spot

_REPORT = ("schema_version", "tool", "mode", "inputs", "servers", "findings", "not_assessed", "verdict", "shard")
_RESULTS = ("passed", "failed", "incomplete", "empty")


class Handed(NamedTuple):
    """A report that was handed over, and the plain value it was made from. is_sarif: it came in a SARIF file."""

    report: Report
    value: Json
    is_sarif: bool


def read(path: str, data: bytes, rules: tuple[RuleInfo, ...]) -> Handed:
    """The report of a part. rules: all that this version has. Raises ReportError for anything else, and for another version's."""
    whole = spot(path, data)
    found = _report(whole)
    return Handed(_whole(found, rules), found.value, found is not whole)


def _whole(found: Spot, rules: tuple[RuleInfo, ...]) -> Report:
    if not isinstance(found.value, dict) or "shard" not in found.value:
        found.refuse("it is no report of a part (scan --shard I/N)")
    version, tool, mode, inputs, servers, findings, gaps, verdict, shard = found.object(*_REPORT)
    if version.number() != SCHEMA_VERSION:
        version.refuse(f"it is no report of schema_version {SCHEMA_VERSION}")
    _, made_by, _ = tool.object("name", "version", "uri")
    if made_by.path() != __version__:
        made_by.refuse(f"version {visible(made_by.path(), 40)} wrote it, and this is {__version__}; use one version for all parts and for merge")
    known = {rule.id: rule for rule in rules}
    said = tuple(_finding(item, known) for item in findings.items())
    report = Report(
        _mode(mode),
        tuple(map(_input, inputs.items())),
        tuple(map(_server, servers.items())),
        said,
        tuple(map(_gap, gaps.items())),
        _verdict(verdict, said),
        rules,
        {},
        {},
    )
    return _joined(report, shard, known)


def _report(whole: Spot) -> Spot:
    """The report itself, or the one in a SARIF file."""
    value = whole.value
    if not isinstance(value, dict) or "runs" not in value:
        return whole
    runs = [dict(run.map()).get("properties") for run in dict(whole.map())["runs"].items()]
    found = [dict(properties.map()).get(EMBEDDED) for properties in runs if properties]
    embedded = next(filter(None, found), None)
    return embedded if embedded else whole.refuse("it is a SARIF file without the report of a part")


def _mode(item: Spot) -> Mode:
    connect, policy, lock, trusted_ref, shard = item.object("connect", "policy", "lock", "trusted_ref", "shard")
    return Mode(connect.flag(), policy.path(), lock.optional(path=True), trusted_ref.optional(path=True), shard.path())


def _input(item: Spot) -> Input:
    path, client, shape, sha256, servers, status, reason = item.object("path", "client", "shape", "sha256", "servers", "status", "reason")
    digest = None if sha256.value is None else sha256.digits(64)
    kind = status.choice(("parsed", "excluded", "unreadable"))
    return Input(path.path(), client.optional(), shape.optional(), None, servers.number(), kind, reason.optional(), digest)


def _server(item: Spot) -> Server:
    keys = ("name", "client", "path", "line", "column", "transport", "launch", "pinned", "capabilities", "risk", "evidence")
    name, client, path, line, column, transport, launch, pinned, capabilities, risk, evidence = item.object(*keys)
    at = Location(path.path(), line.number(1), column.number(1))
    launched = launch.json()
    if not isinstance(launched, dict):
        launch.refuse("here it wants an object")
    entry = Entry(Kept(at.path, 0, {}), client.text(), name.text(), "server", {}, (), (), (Launch(transport.optional() or ""),))
    able = tuple(map(_capability, capabilities.items()))
    return Server(entry, at, launched, pinned.flag(), able, _risk(risk), tuple(one.text() for one in evidence.items()))


def _capability(item: Spot) -> Capability:
    subject, capability, confidence, evidence = item.object("subject", "capability", "confidence", "evidence")
    return Capability(subject.text(), capability.choice(CAPABILITIES), confidence.choice(CONFIDENCE), evidence.text())


def _risk(item: Spot) -> Risk:
    score, parts = item.object("score", "parts")
    found = (part.object("capability", "confidence", "points") for part in parts.items())
    addends = tuple((what.choice(CAPABILITIES), sure.choice(CONFIDENCE), float(points.score())) for what, sure, points in found)
    return Risk(float(score.score()), addends)


def _finding(item: Spot, known: Collection[str]) -> Finding:
    keys = ("rule", "severity", "message", "server", "subject", "location", "related", "fingerprint", "remediation", "status", "waiver")
    rule, severity, message, server, subject, location, related, fingerprint, remediation, status, waiver = item.object(*keys)
    return Finding(
        rule.choice(known),
        severity.choice(SEVERITIES),
        message.text(),
        server.optional(),
        subject.text(),
        _location(location),
        tuple(map(_location, related.items())),
        fingerprint.digits(32),
        remediation.text(),
        status.choice(STATUSES),
        None if waiver.value is None else _waiver(waiver),
    )


def _waiver(item: Spot) -> dict[str, str | int | None]:
    reason, owner, expires, path, line = item.object("reason", "owner", "expires", "path", "line")
    return {"reason": reason.text(), "owner": owner.optional(), "expires": expires.text(), "path": path.path(), "line": line.number(1)}


def _location(item: Spot) -> Location:
    path, *numbers = item.object("path", "start_line", "start_column", "end_line", "end_column")
    return Location(path.path(), *(number.number(1) for number in numbers))


def _gap(item: Spot) -> NotAssessed:
    what, path, server, reason, hint = item.object("what", "path", "server", "reason", "hint")
    return NotAssessed(what.text(), path.optional(path=True), server.optional(), reason.text(), hint.optional())


def _verdict(item: Spot, findings: tuple[Finding, ...]) -> Verdict:
    """The verdict as it was given. What it counts must be there, or something was taken out."""
    result, code, *counts, reasons = item.object("result", "exit_code", *STATUSES, "reasons")
    for one, there in zip(counts, tally(findings).values()):
        if one.number() != there:
            one.refuse("its findings are not those that its verdict counts")
    return Verdict(result.choice(_RESULTS), code.number(), tuple(reason.text() for reason in reasons.items()))


def _joined(report: Report, item: Spot, known: Mapping[str, RuleInfo]) -> Report:
    """The report with what its member `shard` says."""
    keys = ("version", "number", "parts", "run", "inputs", "servers", "severities", "told", "observed", "ran", "waivers", "changes")
    more = ("elsewhere", "grown", "reworded", "provenance", "fixes", "sources", "hashes")
    found = dict(zip((*keys, *more), item.object(*keys, *more)))
    if found["version"].number() != VERSION:
        found["version"].refuse(f"it is no report of a part of version {VERSION}")
    number, parts = found["number"].number(1), found["parts"].number(1)
    if not number <= parts <= PARTS or report.mode.shard != f"{number}/{parts}":
        found["number"].refuse("which part it is does not add up")
    changes = [_change(one, known) for one in found["changes"].items()]
    shard = Shard(
        number,
        parts,
        _run(found["run"]),
        _own(found["inputs"], len(report.inputs)),
        _own(found["servers"], len(report.servers)),
        tuple(one.text() for one in found["told"].items()),
        found["observed"].flag(),
        tuple(one.choice(known) for one in found["ran"].items()),
        tuple(_owed(one, known) for one in found["waivers"].items()),
        tuple(order for order, _ in changes),
        tuple(map(_gap, found["elsewhere"].items())),
        found["grown"].flag(),
        found["reworded"].flag(),
        None if found["provenance"].value is None else _provenance(found["provenance"]),
    )
    severities = {rule.id: rule.severity for rule in known.values()}
    severities.update((rule, one.choice(SEVERITIES)) for rule, one in found["severities"].map() if rule in known)
    sources = {path: _source(path, one) for path, one in found["sources"].map()}
    hashes = {path: {_line(line, one): one.text() for line, one in lines.map()} for path, lines in found["hashes"].map()}
    homes = {finding.fingerprint: finding.location.path for finding in report.findings}
    fixes = {fingerprint: _fix(one, homes.get(fingerprint)) for fingerprint, one in found["fixes"].map()}
    drifts = tuple(drift for _, drift in changes)
    return report._replace(shard=shard, severities=severities, documents=sources, hashes=hashes, changes=drifts, fixes=fixes)


def _run(item: Spot) -> dict[str, Json]:
    date, clients, fail_on, files, policy, lock, baseline, trusted, *flags = item.object(
        *("date", "clients", "fail_on", "files", "policy", "lock", "baseline", "trusted"), *FLAGS
    )
    return {
        "date": date.text(),
        "clients": [one.text() for one in clients.items()],
        "fail_on": fail_on.choice((*SEVERITIES, "never")),
        "files": files.path(),
        "policy": policy.path(),
        "lock": lock.optional(path=True),
        "baseline": baseline.path(),
        "trusted": trusted.optional(path=True),
        **{key: one.flag() for key, one in zip(FLAGS, flags)},
    }


def _own(item: Spot, count: int) -> tuple[int, tuple[int, ...]]:
    """How many the whole run has, and which of them the part has: as many as it shows."""
    every, own = item.object("all", "own")
    numbers = tuple(one.number() for one in own.items())
    if len(numbers) != count or list(numbers) != sorted({*numbers}) or (numbers and numbers[-1] >= every.number()):
        own.refuse("what the part has is not what it shows")
    return every.number(), numbers


def _owed(item: Spot, known: Collection[str]) -> Owed:
    rule, path, expires, is_over, matched, missed, unused, ended = item.object(
        "rule", "path", "expires", "is_over", "matched", "missed", "unused", "ended"
    )
    counts = (is_over.flag(), matched.number(), missed.number())
    ifs = (_finding(unused, ("waiver-unused",)), _finding(ended, ("waiver-expired",)))
    return Owed(rule.choice(known), path.optional(path=True), expires.text(), *counts, *ifs)


def _change(item: Spot, known: Collection[str]) -> tuple[tuple[int, ...], Drift]:
    order, kind, server, subject, before, after, message = item.object("order", "class", "server", "subject", "before", "after", "message")
    numbers = tuple(one.number() for one in order.items())
    change = Change(kind.choice(known), server.text(), subject.text(), None, None, before.json(), after.json(), message.text())
    return numbers, Drift(change, None, None)


def _provenance(item: Spot) -> Provenance:
    repository, revision, branch = item.object("repository", "revision", "branch")
    return Provenance(repository.text(), revision.text(), branch.optional())


def _fix(item: Spot, home: str | None) -> Fix:
    """A fix, which changes nothing but the file that its finding is in."""
    words, edits = item.object("words", "edits")
    pairs = [edit.object("location", "text") for edit in edits.items()]
    fix = Fix(words.text(), tuple(Replacement(_location(place), text.text()) for place, text in pairs))
    if home is None or any(edit.location.path != home for edit in fix.edits):
        item.refuse("a fix is for another file than its finding is in")
    return fix


def _source(path: str, item: Spot) -> Locator:
    """The lines of a file; a credential that should not be there is overwritten."""
    count, lines, hidden = item.object("count", "lines", "hidden")
    spans = {_line(key, one): tuple(_span(span) for span in one.items()) for key, one in hidden.map()}
    kept = {_line(key, one): _masked(one.path(), spans.get(_line(key, one), ())) for key, one in lines.map()}
    return Kept(path, count.number(), kept)


def _span(item: Spot) -> tuple[int, int]:
    numbers = [one.number() for one in item.items()]
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        item.refuse("here it wants the start and the end of a span")
    return numbers[0], numbers[1]


def _masked(text: str, hidden: tuple[tuple[int, int], ...]) -> Line:
    found = tuple((one.start, one.end) for one in formats.find(text, None, wide=True)) if formats.has_gate(text) else ()
    spans = tuple(sorted((min(start, len(text)), min(end, len(text))) for start, end in {*hidden, *found}))
    pieces, done = [], 0
    for start, end in spans:
        pieces += [text[done:start], "*" * (end - max(start, done))]
        done = max(done, end)
    return Line("".join((*pieces, text[done:])), spans)


def _line(key: str, item: Spot) -> int:
    if not key.isascii() or not key.isdecimal() or len(key) > 9 or key == "0" or str(int(key)) != key:
        item.refuse("here it wants the number of a line")
    return int(key)
