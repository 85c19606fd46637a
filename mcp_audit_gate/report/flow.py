"""The picture of servers and capabilities as inline SVG: Servers in, markup out."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.report import escape, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_audit_gate.model import Server

DRAWN = 40
_ROW, _BOX, _LEFT, _RIGHT, _WIDTH = 34, 24, 300, 560, 740


def picture(servers: Sequence[Server]) -> Iterator[str]:
    """Servers on the left, those with the highest risk first, capabilities on the right, a line for each that a server has."""
    drawn = sorted(servers, key=lambda server: -server.risk.score)[:DRAWN]
    used = {capability for server in drawn for capability in words.best(server)}
    shown = [capability for capability in words.CAPABILITIES if capability in used]
    if not shown:
        return
    height = _ROW * max(len(drawn), len(shown)) + 10
    rows = {capability: 10 + _ROW * row for row, capability in enumerate(shown)}
    yield f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" aria-label="Servers and their capabilities">'
    for row, server in enumerate(drawn):
        top = 10 + _ROW * row
        for capability, confidence in words.best(server).items():
            dashes = ' stroke-dasharray="4 4"' if confidence == "low" else ""
            yield f'<line x1="{_LEFT}" y1="{top + _BOX // 2}" x2="{_RIGHT}" y2="{rows[capability] + _BOX // 2}"{dashes}/>'
        yield from _box(4, _LEFT - 4, top, f"{visible(server.entry.name, 30)} ({server.risk.score:.1f})")
    for capability, top in rows.items():
        yield from _box(_RIGHT, _WIDTH - _RIGHT - 4, top, capability)
    yield "</svg>"
    if len(servers) > DRAWN:
        yield f"<p>The picture shows the {DRAWN} servers with the highest risk of {len(servers)}.</p>"


def _box(left: int, width: int, top: int, text: str) -> Iterator[str]:
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{_BOX}" rx="4"/>'
    yield f'<text x="{left + 8}" y="{top + 16}">{escape.markup(text)}</text>'
