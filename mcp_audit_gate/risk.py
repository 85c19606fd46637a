"""What every server can do, from its surface or its launch, and the risk of 0.0 to 10.0 that this adds up to, with its addends."""

from __future__ import annotations

from mcp_audit_gate.model import Risk, Server
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.metadata.said import Said
    from mcp_audit_gate.model import Capability, Context, Pin

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


def servers(context: Context) -> Iterator[Server]:
    """Every server of the run, or of its part; what was read of its surface for the rules is not read again."""
    shown = {id(entry): seen.pin for seen in context.observed for entry in seen.entries}
    said = {id(one.pin): one.said for one in context.pinned}
    part = context.part
    # Equal entries of many configs have one and the same launches.
    known: dict[int, _Able] = {}
    for item in context.matches if part is None else (item for item in context.matches if part.has(item.entry.name, item.entry.document.path)):
        pin = item.pin or shown.get(id(item.entry))
        launches = id(item.entry.launches)
        able = None if pin else known.get(launches)
        if able is None:
            able = _able(item, pin, said.get(id(pin)))
            if not pin:
                known[launches] = able
        yield _server(item, able)


def _server(item: Match, able: _Able) -> Server:
    entry, place = item.entry, item.entry.place(key=True)
    location = place.document.locate(place)
    return Server(entry, location, item.whole_launch, item.pin is not None, able.capabilities, able.risk, able.evidence)


class _Able(NamedTuple):
    """What a server can do, on what that rests, and what it adds up to."""

    capabilities: tuple[Capability, ...]
    evidence: tuple[str, ...]
    risk: Risk


def _able(item: Match, pin: Pin | None, said: Said | None) -> _Able:
    capabilities, evidence = _capabilities(item, pin, said)
    return _Able(capabilities, evidence, of(capabilities))


def _capabilities(item: Match, pin: Pin | None, said: Said | None) -> tuple[tuple[Capability, ...], tuple[str, ...]]:
    """What a server can do, and what that rests on: its surface as pinned or just listed, else what is known about its launch."""
    surface = pin.surface if pin else None
    if surface and (surface.tools or surface.prompts or surface.resources or surface.resource_templates):
        from mcp_audit_gate.metadata.surface import of_surface

        count = len(surface.tools)
        able = said.capabilities() if said else of_surface(surface)
        return able, (f"{count} {'pinned' if item.pin else 'listed'} tool{'' if count == 1 else 's'}",)
    from mcp_audit_gate.metadata.capabilities import of_server

    known = of_server(item.entry.launches)
    return known.capabilities, known.evidence
