"""The report as JSON: everything, in the form schemas/report.schema.json describes."""

from __future__ import annotations

from json import JSONEncoder

from mcp_audit_gate import HOME, __version__
from mcp_audit_gate.metadata.text import escaped, quoted
from mcp_audit_gate.report.words import tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_audit_gate.model import Capability, Finding, Input, Location, NotAssessed, Report, Risk, Server
    from mcp_audit_gate.report import Look

    Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]

SCHEMA_VERSION = 1
_RECORDS = frozenset(("inputs", "servers", "findings", "not_assessed", "rules", "results"))
_ENCODE = JSONEncoder(ensure_ascii=False, check_circular=False).encode  # the values are made here


def write(report: Report, look: Look) -> bytes:
    """The whole report; paths and names are the true ones, what cannot be seen in them is written as \\u escapes."""
    return encode(document(report))


def document(report: Report) -> dict[str, Value]:
    """The report as plain values, in the order of the schema."""
    made: dict[str, Value] = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "mcp-audit-gate", "version": __version__, "uri": HOME},
        "mode": {
            "connect": report.mode.connect,
            "policy": report.mode.policy,
            "lock": report.mode.lock,
            "trusted_ref": report.mode.trusted_ref,
            "shard": report.mode.shard,
        },
        "inputs": [_input(item) for item in report.inputs],
        "servers": [_server(server) for server in report.servers],
        "findings": [finding(item) for item in report.findings],
        "not_assessed": [not_assessed(item) for item in report.not_assessed],
        "verdict": _verdict(report),
    }
    if report.shard is not None:
        from mcp_audit_gate.report import shard

        made["shard"] = shard.member(report.shard, report, shard.Forms(finding, not_assessed, _location))
    return made


def encode(value: Value) -> bytes:
    """JSON with two spaces an indent, each record of a long list on one line, and a final newline."""
    # GitHub obeys `##[` anywhere in a build log; in JSON it can only stand inside a string.
    text = _text(value, "\n").replace("##[", "#\\u0023[")
    return f"{text}\n".encode()


def _text(value: Value, newline: str) -> str:
    deeper = newline + "  "
    if isinstance(value, dict) and value:
        members = [f"{quoted(key)}: {_member(key, item, deeper)}" for key, item in value.items()]
        return f"{{{deeper}{f',{deeper}'.join(members)}{newline}}}"
    if isinstance(value, (list, tuple)) and value:
        return f"[{deeper}{f',{deeper}'.join([_text(item, deeper) for item in value])}{newline}]"
    return _line(value)


def _member(key: str, value: Value, newline: str) -> str:
    if key == "shard" and isinstance(value, dict):
        deeper = newline + "  "
        return f"{{{deeper}{f',{deeper}'.join([f'{quoted(name)}: {_line(item)}' for name, item in value.items()])}{newline}}}"
    return _records(value, newline) if key in _RECORDS else _text(value, newline)


def _records(value: Value, newline: str) -> str:
    """A list with each item on one line: short to diff, and written by the standard library's fast encoder."""
    assert isinstance(value, (list, tuple))
    deeper = newline + "  "
    return f"[{deeper}{f',{deeper}'.join([_line(item) for item in value])}{newline}]" if value else "[]"


def _line(value: Value) -> str:
    return escaped(_ENCODE(value))


def _input(item: Input) -> dict[str, Value]:
    return {
        "path": item.path,
        "client": item.client,
        "shape": item.shape,
        "sha256": item.sha256 if item.data is None else _sha256(item.data),
        "servers": item.servers,
        "status": item.status,
        "reason": item.reason,
    }


def _sha256(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


def _server(server: Server) -> dict[str, Value]:
    return {
        "name": server.entry.name,
        "client": server.entry.client,
        "path": server.location.path,
        "line": server.location.start_line,
        "column": server.location.start_column,
        "transport": server.entry.launch.transport or None,
        "launch": server.launch,
        "pinned": server.pinned,
        "capabilities": [_capability(capability) for capability in server.capabilities],
        "risk": _risk(server.risk),
        "evidence": server.evidence,
    }


def _capability(capability: Capability) -> dict[str, Value]:
    return {
        "subject": capability.subject,
        "capability": capability.capability,
        "confidence": capability.confidence,
        "evidence": capability.evidence,
    }


def _risk(risk: Risk) -> dict[str, Value]:
    parts: list[Value] = [{"capability": capability, "confidence": confidence, "points": points} for capability, confidence, points in risk.parts]
    return {"score": risk.score, "parts": parts}


def finding(finding: Finding) -> dict[str, Value]:
    """A finding in the order of the schema."""
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "server": finding.server,
        "subject": finding.subject,
        "location": _location(finding.location),
        "related": [_location(location) for location in finding.related],
        "fingerprint": finding.fingerprint,
        "remediation": finding.remediation,
        "status": finding.status,
        "waiver": finding.waiver,
    }


def _location(location: Location) -> dict[str, Value]:
    return {
        "path": location.path,
        "start_line": location.start_line,
        "start_column": location.start_column,
        "end_line": location.end_line,
        "end_column": location.end_column,
    }


def not_assessed(item: NotAssessed) -> dict[str, Value]:
    """A gap in the order of the schema."""
    return {"what": item.what, "path": item.path, "server": item.server, "reason": item.reason, "hint": item.hint}


def _verdict(report: Report) -> dict[str, Value]:
    return {
        "result": report.verdict.result,
        "exit_code": report.verdict.exit_code,
        **tally(report.findings),
        "reasons": report.verdict.reasons,
    }
