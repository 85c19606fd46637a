"""A plan as people read it before it is written: what is mended, and each line before and after, without the secrets that are taken out."""

from __future__ import annotations

import json
from bisect import bisect_left

from mcp_audit_gate.lock.canonical import canonical
from mcp_audit_gate.metadata.credentials import mask, masked_name
from mcp_audit_gate.metadata.text import ELLIPSIS
from mcp_audit_gate.report import escape
from mcp_audit_gate.report.excerpt import Excerpts
from mcp_audit_gate.report.masked import masked
from mcp_audit_gate.report.words import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from mcp_audit_gate.fix.edits import Edit
    from mcp_audit_gate.fix.pins import Move
    from mcp_audit_gate.fix.plan import Plan, Rewritten
    from mcp_audit_gate.model import Finding, Json, Location, Pin

    Spans = tuple[tuple[int, int], ...]

_SGR = {"-": "31", "+": "32", "@": "36"}


def lines(plan: Plan, width: int, colour: bool, brief: bool = False) -> Iterator[str]:
    """What the plan does, file by file. brief: no more than how much it is."""
    mended = [finding for finding in masked(plan.report).findings if finding.fingerprint in plan.report.fixes]
    if not mended:
        yield "no finding has a safe fix"
        yield from _unknown(plan.report.findings, ())
        return
    if not brief:
        for file in plan.files:
            for finding in (one for one in mended if one.location.path == file.path):
                yield escape.line(_about(finding, plan.report.fixes[finding.fingerprint].words))
            yield from (_painted(line, colour) for line in _changes(file, width))
        if plan.moves and plan.lock:
            yield from (_painted(line, colour) for line in _records(plan.moves, plan.lock.path, width))
    files = len(plan.files) + bool(plan.moves)
    yield f"{number(len(mended), 'finding')} can be mended in {number(files, 'file')}"
    yield from _unknown(plan.report.findings, plan.report.fixes)


def _unknown(findings: Iterable[Finding], fixes: Container[str]) -> Iterator[str]:
    """Why packages keep no version, where some do."""
    left = [one for one in findings if one.rule == "unpinned-package" and one.status != "waived" and one.fingerprint not in fixes]
    if left:
        what = number(len(left), "package")
        yield f"{what} without a version: the lockfile has none to write; mcp-audit pin records the one that runs, where that is certain"


def _about(finding: Finding, words: str) -> str:
    server = f' server "{escape.name(finding.server)}":' if finding.server is not None else ""
    return f"{finding.rule}:{server} {escape.message(words)}"


def _changes(file: Rewritten, width: int) -> Iterator[str]:
    """Each changed line, cut to the width around the first change in it."""
    path = escape.terminal(file.path)
    yield f"--- {path}"
    yield f"+++ {path}"
    hidden = _hidden(file, width)
    before, after = Excerpts({file.path: file.before}, {file.path: hidden[0]}), Excerpts({file.path: file.after}, {file.path: hidden[1]})
    moved, whole = 0, 0
    for edit in file.edits:
        old = file.before.lines.location(file.path, edit.start, edit.end)
        new = file.after.lines.location(file.path, edit.start + moved, edit.start + moved + len(edit.text))
        moved += len(edit.text) - (edit.end - edit.start)
        is_new = bool(edit.text) and edit.text[0] in "\r\n"
        if old.start_line == whole and not is_new:
            continue
        lines = [] if is_new else [f"-{_line(before, old, width)}"]
        if is_new:
            lines += [f"+{_line(after, _start(new, number), width)}" for number in range(new.start_line + 1, new.end_line + 1)]
        elif not _is_line(file.before.text, edit):
            lines.append(f"+{_line(after, new, width)}")
        if not is_new and not any(ELLIPSIS in (line[1:2], line[-1]) for line in lines):
            whole = old.start_line
        yield f"@@ line {old.start_line} @@"
        yield from lines


def _hidden(file: Rewritten, width: int) -> tuple[Spans, Spans]:
    """What is not shown of the text before and after: what goes, and the same text wherever it stands nearby, as in a comment."""
    before, after = [*file.hidden], list[tuple[int, int]]()
    moved = first = 0
    spans = sorted(file.hidden)
    for edit in file.edits:
        low, high = edit.start - width, edit.end + width
        while first < len(spans) and spans[first][1] < low:
            first += 1
        near = spans[first : bisect_left(spans, (high, high), first)]
        for value in {file.before.text[start:end].strip("\"'") for start, end in near} - {""}:
            before += _places(file.before.text, value, max(low, 0), high)
            after += _places(file.after.text, value, max(low + moved, 0), high + moved + len(edit.text))
        moved += len(edit.text) - (edit.end - edit.start)
    return tuple(before), tuple(after)


def _places(text: str, value: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Where a value begins between two offsets, or a little before, since half of it is not shown either."""
    at = text.find(value, max(0, low - len(value)), high + len(value))
    while at >= 0:
        yield at, at + len(value)
        at = text.find(value, at + len(value), high + len(value))


def _is_line(text: str, edit: Edit) -> bool:
    """True for an edit that takes out a line with its end."""
    return not edit.text and text[edit.end - 1 : edit.end] == "\n" and text[edit.start - 1 : edit.start] in ("", "\n")


def _start(location: Location, line: int) -> Location:
    return location._replace(start_line=line, start_column=1, end_line=line, end_column=2)


def _line(excerpts: Excerpts, location: Location, width: int) -> str:
    wide = location._replace(end_line=location.start_line, end_column=max(location.end_column, location.start_column + 1))
    excerpt = excerpts.at(wide, width - 1)
    return excerpt.text if excerpt else ""


def _records(moves: Iterable[Move], path: str, width: int) -> Iterator[str]:
    """What changes in the lockfile, record by record and member by member."""
    name = escape.terminal(path)
    yield f"--- {name}"
    yield f"+++ {name}"
    for move in moves:
        yield escape.line(f'@@ record of "{escape.name(masked_name(move.pin.name))}" @@')
        before, after = _members(move.pin), _members(move.after)
        for key in sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)):
            for sign, side in (("-", before), ("+", after)):
                if key in side:
                    text = f"{json.dumps(key)}: {mask(canonical(side[key]))}"
                    yield escape.line(f"{sign}{escape.terminal(text, max(40, width))}")


def _members(pin: Pin) -> dict[str, Json]:
    return {**pin.launch, **({} if pin.resolved is None else {"resolved": pin.resolved})}


def _painted(line: str, colour: bool) -> str:
    return f"\x1b[{_SGR[line[0]]}m{line}\x1b[0m" if colour else line
