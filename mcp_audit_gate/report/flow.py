"""The picture of files, servers and capabilities as inline SVG: Servers in, markup out."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.report import escape, words
from mcp_audit_gate.report.excerpt import cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_audit_gate.model import Server

DRAWN = 40
_ROW, _BOX, _TOP = 42, 30, 34
_COLUMNS = ((2, 250), (355, 250), (730, 188))
_WIDTH = 920
_HEAT = {"shell_execution": "hot", "exfiltration": "hot", "file_write": "warm", "destructive": "warm"}


def picture(servers: Sequence[Server]) -> Iterator[str]:
    """Files on the left, their servers in the middle, what these can do on the right; the servers with the highest risk."""
    drawn = _in_files(sorted(servers, key=lambda server: -server.risk.score)[:DRAWN])
    used = {capability for server in drawn for capability in words.best(server)}
    shown = [capability for capability in words.CAPABILITIES if capability in used]
    rows = max(len(drawn), len(shown))
    height = _TOP + _ROW * rows
    yield "<figure>"
    yield '<div class="flow" role="group" aria-label="Picture of servers and capabilities" tabindex="0">'
    label = f"Files, their servers and what these can do: {len(drawn)} servers, {len(shown)} kinds of capability. The table above says the same."
    yield f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">'
    for (left, _), title in zip(_COLUMNS, ("Config", "Server and risk", "Can")):
        yield f'<text class="head" x="{left}" y="16">{title}</text>'
    yield from _edges(drawn, shown, rows)
    yield from _boxes(drawn, shown, rows)
    yield "</svg>"
    yield "</div>"
    more = f" The picture shows the {DRAWN} servers with the highest risk of {len(servers)}." if len(servers) > DRAWN else ""
    yield f"<figcaption>What each config starts, and what that can do; dashed: only a guess.{more}</figcaption>"
    yield "</figure>"


def _in_files(servers: Sequence[Server]) -> list[Server]:
    """The servers with those of one file together, the file of the riskiest first."""
    first: dict[str, int] = {}
    for server in servers:
        first.setdefault(server.location.path, len(first))
    return sorted(servers, key=lambda server: first[server.location.path])


def _files(servers: Sequence[Server]) -> dict[str, float]:
    """The middle row of each file's servers."""
    rows: dict[str, list[int]] = {}
    for row, server in enumerate(servers):
        rows.setdefault(server.location.path, []).append(row)
    return {path: sum(numbers) / len(numbers) for path, numbers in rows.items()}


def _spread(count: int, rows: int) -> list[float]:
    """Rows for `count` boxes, evenly over the height."""
    return [(rows / count) * (number + 0.5) - 0.5 for number in range(count)]


def _edges(servers: Sequence[Server], shown: Sequence[str], rows: int) -> Iterator[str]:
    files, at = _files(servers), dict(zip(shown, _spread(len(shown), rows)))
    offset = (rows - len(servers)) / 2
    for row, server in enumerate(servers):
        yield _edge(0, files[server.location.path] + offset, row + offset, "")
        for capability, confidence in words.best(server).items():
            dashes = ' stroke-dasharray="5 5"' if confidence == "low" else ""
            heat = _HEAT.get(capability, "")
            yield _edge(1, row + offset, at[capability], f' class="{heat}"{dashes}' if heat else dashes)


def _edge(column: int, start: float, end: float, more: str) -> str:
    """A line from a box to one of the next column."""
    left, right = sum(_COLUMNS[column]), _COLUMNS[column + 1][0]
    middle = (left + right) // 2
    return f'<path d="M{left} {_y(start):g}C{middle} {_y(start):g} {middle} {_y(end):g} {right} {_y(end):g}"{more}/>'


def _y(row: float) -> float:
    return round(_TOP + _ROW * row + _BOX / 2, 1)


def _boxes(servers: Sequence[Server], shown: Sequence[str], rows: int) -> Iterator[str]:
    offset = (rows - len(servers)) / 2
    for path, row in _files(servers).items():
        yield from _box(0, row + offset, _fit(path, 31, tail=True))
    for number, server in enumerate(servers):
        yield from _box(1, number + offset, _fit(server.entry.name or "(no name)", 26))
        yield f'<text class="num" x="{sum(_COLUMNS[1]) - 10}" y="{_y(number + offset) + 4.5:g}">{server.risk.score:.1f}</text>'
    for capability, row in zip(shown, _spread(len(shown), rows)):
        yield from _box(2, row, capability.replace("_", " "))


def _box(column: int, row: float, text: str) -> Iterator[str]:
    left, width = _COLUMNS[column]
    yield f'<rect x="{left}" y="{_y(row) - _BOX / 2:g}" width="{width}" height="{_BOX}" rx="6"/>'
    yield f'<text x="{left + 11}" y="{_y(row) + 4.5:g}">{escape.markup(text)}</text>'


def _fit(text: str, width: int, tail: bool = False) -> str:
    """The text in so many cells; of a path the end matters more."""
    shown = visible(text[-4 * width :] if tail else text[: 4 * width])
    if cells(shown) <= width and len(text) <= 4 * width:
        return shown
    while cells(shown) >= width:
        shown = shown[1:] if tail else shown[:-1]
    return f"…{shown}" if tail else f"{shown}…"
