"""Capabilities to a risk of 0.0 to 10.0 per server, with its addends."""

from __future__ import annotations

from mcp_audit_gate.model import Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_audit_gate.model import Capability

WEIGHTS = {"shell_execution": 3.0, "exfiltration": 2.5, "file_write": 2.0, "destructive": 2.0, "network": 1.5, "file_read": 1.0}
CONFIDENCE = {"declared": 1.0, "high": 0.9, "medium": 0.6, "low": 0.3}

# In hundredths: every product is a whole number of them, so the sum that is shown is the sum that was made.
_POINTS = {(name, level): round(100 * weight * factor) for name, weight in WEIGHTS.items() for level, factor in CONFIDENCE.items()}


def of(capabilities: Iterable[Capability]) -> Risk:
    """Weight times confidence, the best per capability, file reading and writing counted once (the larger), at most 10.

    The score is the sum of its parts to one decimal, a half rounded up.
    """
    best: dict[str, tuple[int, str]] = {}
    for item in capabilities:
        points = _POINTS[item.capability, item.confidence]
        if item.capability not in best or points > best[item.capability][0]:
            best[item.capability] = (points, item.confidence)
    if "file_read" in best and "file_write" in best:
        del best["file_read" if best["file_read"][0] <= best["file_write"][0] else "file_write"]
    total = sum(points for points, _ in best.values())
    parts = tuple((name, best[name][1], best[name][0] / 100) for name in WEIGHTS if name in best)
    return Risk((min(1000, total) + 5) // 10 / 10, parts)
