"""GitHub's `primaryLocationLineHash`: the bytes of a file in, the hashes of the lines asked for out.

codeql-action computes it at upload (src/fingerprints.ts, seen 2026-11) and keeps what a file already carries, so a value here is
either exactly the same or absent.
"""

from __future__ import annotations

from operator import mul
from sys import byteorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_audit_gate.model import Finding, Report

_BASE, _WINDOW, _MASK = 37, 100, (1 << 64) - 1
_POWERS = tuple(pow(_BASE, _WINDOW - 1 - place, 1 << 64) for place in range(_WINDOW))
_TOP = pow(_BASE, _WINDOW, 1 << 64)
_END = 65535
_CODEC = f"utf-16-{byteorder[0]}e"


def of_findings(report: Report, findings: Sequence[Finding]) -> Mapping[str, Mapping[int, str]]:
    """The hash of each line that a finding begins on, by file and line, for the files that the report has."""
    wanted: dict[str, set[int]] = {}
    for finding in findings:
        wanted.setdefault(finding.location.path, set()).add(finding.location.start_line)
    data = {item.path: item.data for item in report.inputs}
    data.update((path, document.data) for path, document in report.documents.items())
    return {path: line_hashes(known, lines) for path, lines in wanted.items() if (known := data.get(path)) is not None}


def line_hashes(data: bytes, wanted: Iterable[int]) -> dict[int, str]:
    """The hash of each of the 1-based lines, `HEX:COUNT`; lines that the file does not have are left out.

    A line's hash covers the 100 UTF-16 units from its first kept one; spaces and tabs are dropped. COUNT tells equal hashes
    apart, so all lines up to the last one wanted are hashed: hashing the windows afresh where lines are long, rolling where they
    are short.
    """
    lines = frozenset(wanted)
    last = max(lines, default=0)
    kept = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
    units = memoryview(kept.encode(_CODEC) + _END.to_bytes(2, byteorder) + bytes(2 * _WINDOW)).cast("H")
    hashes, seen, before, value = {}, dict[int, int](), 0, 0
    for number, start in enumerate(_starts(kept), 1):
        if number > last:
            break
        value = _roll(units, before, start, value) if 0 < start - before < _WINDOW // 2 else _hash(units, start)
        before = start
        seen[value] = seen.get(value, 0) + 1
        if number in lines:
            hashes[number] = f"{value:x}:{seen[value]}"
    return hashes


def _starts(kept: str) -> Iterable[int]:
    """Where each line starts, in UTF-16 units."""
    start = 0
    for line in kept.split("\n"):
        yield start
        start += 1 + (len(line) if line.isascii() else len(line.encode(_CODEC)) // 2)


def _hash(units: memoryview[int], start: int) -> int:
    total: int = sum(map(mul, units[start : start + _WINDOW], _POWERS))
    return total & _MASK


def _roll(units: memoryview[int], start: int, end: int, value: int) -> int:
    for place in range(start, end):
        value = (value * _BASE + units[place + _WINDOW] - units[place] * _TOP) & _MASK
    return value
