"""The report of an earlier run: its bytes in, out the fingerprints of what it found, or its findings as far as a waiver is about them."""

from __future__ import annotations

from mcp_audit_gate.errors import BaselineError, Unreadable
from mcp_audit_gate.model import Finding, Location, Place
from mcp_audit_gate.sources.document import Document, Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from mcp_audit_gate.model import Json, Pointer

MAX_BYTES = 256 * 1024 * 1024
MAX_DEPTH = 64
SCHEMA_VERSION = 1
_HINT = "give a report that `mcp-audit scan -o json=FILE` wrote"


def fingerprints(path: str, data: bytes) -> frozenset[str]:
    """What a report found and did not let through by a waiver. Raises BaselineError, with line and column, for what is no report."""
    document = _read(path, data)
    return frozenset(_fingerprint(document, number, finding) for number, finding in enumerate(_found(document)) if not _is_waived(finding))


def findings(path: str, data: bytes) -> tuple[Finding, ...]:
    """What a report found: rule, server, file, fingerprint and status of each; the rest is left empty. Raises BaselineError as above."""
    document = _read(path, data)
    return tuple(_finding(document, number, finding) for number, finding in enumerate(_found(document)))


def _found(document: Document) -> list[Json]:
    report = document.value
    if not isinstance(report, dict):
        _refuse(document, (), "it is no report")
    version = report.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        _refuse(document, ("schema_version",), f"it is no report of schema_version {SCHEMA_VERSION}")
    found = report.get("findings")
    if not isinstance(found, list):
        _refuse(document, ("findings",), "its `findings` are no list")
    return found


def _is_waived(finding: Json) -> bool:
    return isinstance(finding, dict) and finding.get("status") == "waived"


def _finding(document: Document, number: int, finding: Json) -> Finding:
    fingerprint = _fingerprint(document, number, finding)
    assert isinstance(finding, dict)
    location, server = finding.get("location"), finding.get("server")
    rule, status, path = finding.get("rule"), finding.get("status"), location.get("path") if isinstance(location, dict) else None
    waiver = finding.get("waiver")
    if not isinstance(rule, str) or not isinstance(status, str) or not isinstance(path, str) or not isinstance(server, (str, type(None))):
        _refuse(document, ("findings", number), "a finding in it has no rule, status, server or place")
    known = waiver if isinstance(waiver, dict) else None
    return Finding(rule, "", "", server, "", Location(path), (), fingerprint, "", status, known)


def _fingerprint(document: Document, number: int, finding: Json) -> str:
    found = finding.get("fingerprint") if isinstance(finding, dict) else None
    if not isinstance(found, str) or len(found) != 32 or not set(found) <= set("0123456789abcdef"):
        _refuse(document, ("findings", number, "fingerprint"), "a finding in it has no fingerprint of 32 hexadecimal digits")
    return found


def _read(path: str, data: bytes) -> Document:
    from mcp_audit_gate.sources import jsonc
    from mcp_audit_gate.sources.parse import decode

    try:
        text = decode(data)
        value, strict, lenient = jsonc.read(text, MAX_DEPTH)
    except Unreadable as error:
        line, column = Lines(data.decode("utf-8-sig", "replace")).position(error.offset or 0)
        raise BaselineError(f"{path}:{line}:{column}: the report cannot be used: {error.reason}", _HINT) from error
    return Document(path, data, text, value, lambda: jsonc.JsonIndex(strict), lenient)


def _refuse(document: Document, at: Pointer, what: str) -> NoReturn:
    place = document.locate(Place(document, at))
    raise BaselineError(f"{place.path}:{place.start_line}:{place.start_column}: the report cannot be used: {what}", _HINT)
