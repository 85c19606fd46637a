"""The changes between two lockfiles for people and programs: text, JSON and Markdown."""

from __future__ import annotations

from mcp_audit_gate.lock.worddiff import CAME, GONE, worddiff
from mcp_audit_gate.metadata.credentials import mask, masked_name
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report import escape
from mcp_audit_gate.report.json import encode
from mcp_audit_gate.report.words import LEVELS, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Change, Json, Location

FORMATS = ("text", "json", "markdown")
_MARKS = {GONE: ("[-", "-]"), CAME: ("{+", "+}")}
_AROUND, _LONGEST = 40, 2000


class Difference(NamedTuple):
    """One change as it is shown: the severity that the policy gives it, what to say, and where it lies."""

    change: Change
    severity: str
    message: str
    location: Location
    related: tuple[Location, ...] = ()


class Differences(NamedTuple):
    """All changes between two sides, the gravest first."""

    old: str
    new: str
    items: tuple[Difference, ...]


def write(found: Differences, form: str) -> bytes:
    """The changes in one of FORMATS."""
    if form == "json":
        return encode(_document(found))
    lines = _markdown(found) if form == "markdown" else _text(found)
    return "".join(f"{line}\n" for line in lines).encode()


def _summary(found: Differences) -> str:
    sides = f"between {masked_name(found.old)} and {masked_name(found.new)}"
    return f"{number(len(found.items), 'change')} {sides}" if found.items else f"no change {sides}"


def _text(found: Differences) -> Iterator[str]:
    for item in found.items:
        yield escape.line(f"{LEVELS[item.severity]}[{item.change.kind}]: {escape.message(masked_name(item.message))}")
        yield escape.line(f"  --> {escape.terminal(_place(item.location))}")
        shown = worded(item.change)
        if shown:
            yield escape.line(f"   | {escape.terminal(shown)}")
        yield ""
    yield escape.line(escape.terminal(_summary(found)))


def _place(location: Location) -> str:
    return f"{location.path}:{location.start_line}:{location.start_column}"


def worded(change: Change) -> str:
    """`one [-gone-]{+come+} two`: the words that differ in a text that was changed, with a little of what stands around them."""
    if not isinstance(change.before, str) or not isinstance(change.after, str) or change.kind in ("version-changed", "repo-script-changed"):
        return ""
    pieces = worddiff(mask(change.before), mask(change.after))
    shown = []
    for place, (op, text) in enumerate(pieces):
        if op in _MARKS:
            shown.append(f"{_MARKS[op][0]}{text}{_MARKS[op][1]}")
        else:
            shown.append(_kept(text, place == 0, place == len(pieces) - 1))
    return "".join(shown)[:_LONGEST]


def _kept(text: str, first: bool, last: bool) -> str:
    """What did not change: only the ends that touch a change."""
    if first:
        return text if len(text) <= _AROUND else f"…{text[-_AROUND:]}"
    if last:
        return text if len(text) <= _AROUND else f"{text[:_AROUND]}…"
    return text if len(text) <= 2 * _AROUND else f"{text[:_AROUND]}…{text[-_AROUND:]}"


def _markdown(found: Differences) -> Iterator[str]:
    yield f"### {escape.prose(_summary(found))}"
    if not found.items:
        return
    yield ""
    yield "| Severity | Class | Change | Place |"
    yield "| --- | --- | --- | --- |"
    for item in found.items:
        place = escape.code(_place(item.location))
        yield f"| {item.severity} | `{item.change.kind}` | {escape.prose(masked_name(item.message))} | {place} |"
    for item in found.items:
        shown = worded(item.change)
        if shown:
            yield ""
            yield f"**{item.change.kind}**, {escape.prose(masked_name(item.message))}"
            yield ""
            yield escape.code(shown, _LONGEST)


def _document(found: Differences) -> dict[str, Json]:
    return {"schema_version": 1, "old": masked_name(found.old), "new": masked_name(found.new), "changes": [_member(item) for item in found.items]}


def _member(item: Difference) -> Json:
    change = item.change
    return {
        "class": change.kind,
        "severity": item.severity,
        "server": masked_name(change.server),
        "subject": masked_name(change.subject),
        "message": masked_name(item.message),
        "location": dict(item.location._asdict()),
        "related": [dict(place._asdict()) for place in item.related],
        "before": _masked(change.before),
        "after": _masked(change.after),
    }


def _masked(value: Json) -> Json:
    """A value with the credentials in its texts masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {masked_name(key): _masked(inner) for key, inner in value.items()}
    return value
