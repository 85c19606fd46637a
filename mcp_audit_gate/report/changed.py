"""What changed since the pins, side by side with what it was: a Report in, markup or Markdown out."""

from __future__ import annotations

from mcp_audit_gate.lock.worddiff import CAME, GONE, worddiff
from mcp_audit_gate.metadata.text import ELLIPSIS, visible
from mcp_audit_gate.model import RANK
from mcp_audit_gate.report import escape, words
from mcp_audit_gate.report.describe import fenced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Change, Json, Report

SHOWN = 500
_LONGEST = 20_000
_KEPT = 160  # characters on either side of what changed; more of what stayed is left out
_TAGS = {GONE: "del", CAME: "ins"}


def page(report: Report) -> Iterator[str]:
    """A card for each change, its text with the words that went and came marked."""
    for change in _worst(report)[:SHOWN]:
        severity = report.severities.get(change.kind, "info")
        text = escape.markup
        yield f'<article class="finding {severity}">'
        about = f"<code>{text(change.kind)}</code><span>server <bdi>{text(change.server) or '(no name)'}</bdi></span>"
        if change.subject:
            about += f"<span><bdi>{text(change.subject)}</bdi></span>"
        yield f'<p class="labels"><span class="badge {severity}">{severity}</span>{about}</p>'
        yield f"<h3>{text(words.sentence(change.message[:1].upper() + change.message[1:]))}</h3>"
        yield from _compared(change)
        yield "</article>"
    if len(report.changes) > SHOWN:
        yield f"<p>{words.number(len(report.changes) - SHOWN, 'more change')} left out here.</p>"


def _worst(report: Report) -> list[Change]:
    """The changes, the most severe first."""
    return sorted((drift.change for drift in report.changes), key=lambda change: -RANK.get(report.severities.get(change.kind, ""), 0))


def _compared(change: Change) -> Iterator[str]:
    """What is there now beside what was there; a value that is new or gone as it is."""
    if change.before is None or change.after is None:
        one = "\n".join(map(escape.markup, _text(change.after if change.before is None else change.before).split("\n")))
        yield f'<p class="small">{"New" if change.before is None else "Gone"}</p>'
    else:
        one = "".join(_marked(change))
    words_only = isinstance(change.before or change.after, str) and isinstance(change.after or change.before, str)
    inside = "\n".join(map(escape.unled, one.split("\n")))
    yield f'<div class="{"diff" if words_only else "diff code"}">{inside}</div>'


def _marked(change: Change) -> Iterator[str]:
    """The pieces of a word diff; line breaks stay, and what stayed is shortened."""
    pieces = worddiff(_text(change.before), _text(change.after))
    for number, (op, piece) in enumerate(pieces):
        tag = _TAGS.get(op)
        if tag is None:
            piece = _shortened(piece, number > 0, number < len(pieces) - 1)
        shown = "\n".join(escape.markup(line) for line in piece.split("\n"))
        yield f"<{tag}>{shown}</{tag}>" if tag else shown


def _shortened(piece: str, before: bool, after: bool) -> str:
    if len(piece) <= 3 * _KEPT:
        return piece
    start, end = (piece[:_KEPT] if before else ""), (piece[-_KEPT:] if after else "")
    return f"{start} {ELLIPSIS} {end}" if start or end else piece[:_KEPT] + ELLIPSIS


def summary(report: Report, limit: int) -> Iterator[str]:
    """The texts before and after as fenced diffs, folded away, in at most about `limit` bytes."""
    if not report.changes:
        return
    yield "<details>"
    yield f"<summary>Texts before and after ({len(report.changes)})</summary>"
    yield ""
    shown = 0
    for change in _worst(report):
        block = "\n".join(_block(change))
        limit -= len(block.encode())
        if limit < 0:
            break
        shown += 1
        yield block
    if shown < len(report.changes):
        yield f"{words.number(len(report.changes) - shown, 'more change')} left out here."
        yield ""
    yield "</details>"
    yield ""


def _block(change: Change) -> Iterator[str]:
    from difflib import unified_diff

    about = escape.code(change.server) + (f" {escape.code(change.subject)}" if change.subject else "")
    yield f"`{change.kind}` of {about}"
    yield ""
    before, after = ([] if value is None else _text(value).split("\n") for value in (change.before, change.after))
    lines = unified_diff(before, after, n=2, lineterm="")
    kept = [escape.line(visible(line, 400)) for number, line in enumerate(lines) if number > 2]
    yield fenced("\n".join(kept), "x.diff")
    yield ""


def _text(value: Json) -> str:
    """A value as text to compare, cut where it is too long to read."""
    if not isinstance(value, str):
        import json

        value = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return value if len(value) <= _LONGEST else value[:_LONGEST] + ELLIPSIS
