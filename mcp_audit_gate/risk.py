"""Capabilities to a risk of 0.0 to 10.0 per server, with its addends."""

from __future__ import annotations

from mcp_audit_gate.model import Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_audit_gate.model import Capability

WEIGHTS = {"shell_execution": 3.0, "exfiltration": 2.5, "file_write": 2.0, "destructive": 2.0, "network": 1.5, "file_read": 1.0}
CONFIDENCE = {"declared": 1.0, "high": 0.9, "medium": 0.6, "low": 0.3}


def of(capabilities: Iterable[Capability]) -> Risk:
    """Weight times confidence, the best per capability, file reading and writing counted once (the larger), at most 10."""
    best: dict[str, tuple[float, str]] = {}
    for item in capabilities:
        points = WEIGHTS[item.capability] * CONFIDENCE[item.confidence]
        best[item.capability] = max(best.get(item.capability, (0.0, "")), (points, item.confidence))
    if "file_read" in best and "file_write" in best:
        del best["file_read" if best["file_read"][0] <= best["file_write"][0] else "file_write"]
    parts = tuple((name, best[name][1], round(best[name][0], 2)) for name in WEIGHTS if name in best)
    return Risk(round(min(10.0, sum(points for *_, points in parts)), 1), parts)
