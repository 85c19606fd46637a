"""What signals add up to: the signals of one thing in, a level and the sum behind it out. Weights in data/weights.json.

Of each group of signals the weightiest counts, so that one fault said twice is one fault. High needs two groups, one of them strong
and none that honest servers know, too.
"""

from __future__ import annotations

import functools
import json
import os

from mcp_audit_gate.metadata import grammar
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mcp_audit_gate.metadata.signals import Signal

HIGH, MEDIUM, NONE = "high", "medium", ""
STRONG, FAIR, WEAK = "strong", "fair", "weak"
# Below this a signal says too little to be the second of two.
_COUNTS = 0.3
# Weak signals that count; a long text holds one of each kind sooner or later, and length says nothing.
_WEAK = 3
# Strong signals that honest servers give now and then: praise of themselves, what an agent is there for or does, calls of tools spelled out.
_KNOWN = frozenset(("agent-act", "goal", "other-goal", "promotion", "tool-with-values"))
# Signs of a broad kind: they help to reach medium, where somebody looks, and are no second signal for high, where a merge stops.
_BROAD = frozenset(
    ("elsewhere", "endless", "error-order", "log-hint", "parameter-fill", "passive-order", "private-source", "send-hint", "talk-source")
)
# Characters within which signals of one text are added up, for the same reason.
_NEAR = 800


class Judgement(NamedTuple):
    """level: high, medium or "". score: the sum, 0.0 where medium begins. signals: those that were counted, the weightiest first."""

    level: str
    score: float
    signals: tuple[Signal, ...] = ()


@functools.cache
def weights() -> dict[str, Any]:
    """The shipped weights: `start`, `high`, and `signals` by name. scripts/weights.py makes them."""
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "weights.json")
    with open(path, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


def judge(signals: Iterable[Signal]) -> Judgement:
    """The level of the signals of one thing, and which of them made it; what stands far apart in one text is not added up."""
    found = tuple(signals)
    anchors = [signal for signal in found if strength(signal) != WEAK] or found[:1]
    best = Judgement(NONE, level_score(()))
    for anchor in anchors:
        judged = _judged([signal for signal in found if _is_near(anchor, signal)])
        if (judged.level == HIGH, judged.score) > (best.level == HIGH, best.score):
            best = judged
    return best


def _is_near(one: Signal, other: Signal) -> bool:
    return one.at != other.at or abs(one.offset - other.offset) <= _NEAR


def _is_told(signal: Signal, others: Iterable[Signal]) -> bool:
    """True for a signal in other words than those that make some others: the same words twice are one fault."""
    return not any(
        signal.at == other.at and other.offset <= signal.offset and signal.offset + len(signal.quote) <= other.offset + len(other.quote)
        for other in others
    )


def _judged(signals: list[Signal]) -> Judgement:
    table = weights()
    best: dict[str, Signal] = {}
    for signal in signals:
        if signal.group not in best or table["signals"][signal.name] > table["signals"][best[signal.group].name]:
            best[signal.group] = signal
    ranked = sorted(best.values(), key=lambda signal: -table["signals"][signal.name])
    counted = [signal for signal in ranked if strength(signal) != WEAK]
    counted += [signal for signal in ranked if strength(signal) == WEAK][:_WEAK]
    score = level_score(signal.name for signal in counted)
    heavy = [signal for signal in counted if strength(signal) != WEAK]
    slight = [signal for signal in counted if signal not in heavy and table["signals"][signal.name] >= _COUNTS and _is_told(signal, heavy)]
    telling = [signal for signal in (*heavy, *slight) if signal.name not in _BROAD]
    strong = any(strength(signal) == STRONG and signal.name not in _KNOWN for signal in counted)
    level = HIGH if score >= table["high"] and len(telling) > 1 and strong else MEDIUM if score >= 0 else NONE
    return Judgement(level, score, tuple(counted))


def strength(signal: Signal) -> str:
    """STRONG, FAIR or WEAK."""
    return str(grammar.shipped().about[signal.name]["strength"])


def level_score(names: Iterable[str]) -> float:
    """The sum for the counted signals."""
    table = weights()
    return float(table["start"]) + sum(float(table["signals"][name]) for name in names)
