"""A waiver put into a policy file: its bytes and the waiver in, new bytes out; comments, order and quotes stay as they are.

Only text is inserted. What comes out is read again: unless it says exactly what it said before, and the waiver, nothing is written.
"""

from __future__ import annotations

import re

from mcp_audit_gate.errors import PolicyError, UsageError
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.policy import form, syntax
from mcp_audit_gate.policy.policy import FIXED
from mcp_audit_gate.policy.scalars import scalar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from mcp_audit_gate.model import Finding
    from mcp_audit_gate.sources.document import Document, Node

NEW = b"version: 1\nextends: default\n"
_LEAST_DIGITS = 8
_HINT = "mcp-audit scan --skip-connect -v shows those of this tree; for one that another run told, give its JSON report: --report REPORT.json"
_END = re.compile(r"^\.\.\.(?:[ \t].*)?$", re.M)


def choose(findings: Sequence[Finding], fingerprint: str, hint: str = _HINT) -> Finding:
    """The finding with that fingerprint, or with the only one that begins so. Raises UsageError when there is none, or it cannot be waived."""
    wanted = fingerprint.lower()
    if len(wanted) < _LEAST_DIGITS:
        raise UsageError(f'"{visible(fingerprint, 80)}" is too short for a fingerprint', f"give its first {_LEAST_DIGITS} digits; {hint}")
    found = [finding for finding in findings if finding.fingerprint.startswith(wanted)]
    if len(found) != 1:
        what = "no finding" if not found else f"{len(found)} findings"
        raise UsageError(f"{what} with the fingerprint {visible(fingerprint, 80)}", hint)
    (finding,) = found
    if finding.rule in FIXED:
        raise UsageError(f"{finding.rule} cannot be waived", form.why_fixed(finding.rule))
    if finding.status == "waived":
        waiver = finding.waiver or {}
        raise UsageError(f"this finding is waived already, until {waiver.get('expires')}", f"see {waiver.get('path')}:{waiver.get('line')}")
    return finding


def waiver(finding: Finding, reason: str, expires: str, owner: str | None) -> dict[str, str]:
    """The waiver for a finding: the fingerprint binds it, path and server are there for the reader."""
    about = {"path": finding.location.path, "server": finding.server or ""}
    readable = {key: value for key, value in about.items() if value.strip() and "*" not in value and value.isprintable()}
    owned = {"owner": owner} if owner is not None else {}
    return {"rule": finding.rule, "fingerprint": finding.fingerprint, **readable, "reason": reason, **owned, "expires": expires}


def add(path: str, data: bytes, item: Mapping[str, str], today: date) -> bytes:
    """The policy with the waiver added. Raises UsageError when the waiver is not valid, PolicyError when the file is not, or cannot take it."""
    before = syntax.read(path, data)
    form.check(before, today)
    text = _inserted(before, item)
    bom = data[: len(data) - len(before.text.encode())]
    after = syntax.read(path, bom + text.encode())
    _check(path, after, item, today)
    assert isinstance(before.value, dict)
    waivers = before.value.get("waivers")
    if after.value != {**before.value, "waivers": [*(waivers if isinstance(waivers, list) else ()), dict(item)]}:
        raise PolicyError(f"{path}: the waiver cannot be added without changing something else", f"add it by hand: {_flow(item)}")
    return after.data


def _check(path: str, after: Document, item: Mapping[str, str], today: date) -> None:
    """Tells what is wrong with the waiver without a place in a file that was not written."""
    try:
        form.check(after, today)
    except PolicyError as error:
        raise UsageError(f"the waiver is not valid: {error.message.removeprefix(path).partition(' ')[2]}", error.hint) from error
    day = form.read_date(item["expires"])
    if day is not None and day < today:
        raise UsageError(f"the waiver is not valid: its last day, {day}, has passed already", "name a later one")


def _inserted(document: Document, item: Mapping[str, str]) -> str:
    root: Node = document.index.root()
    text = document.text
    newline = "\r\n" if "\r\n" in text else "\r" if "\r" in text and "\n" not in text else "\n"
    held: Node | None = next((node for key, _, _, node in root.members or () if key == "waivers"), None)
    flat = text[root.start] == "{"
    if held is None:
        if flat:
            return _put(text, _last(root).end, f", waivers: [{_flow(item)}]")
        return _appended(text, root, item, newline)
    if text[held.start] != "[":
        return _after_last(text, held, item, newline)
    if held.members:
        return _put(text, _last(held).end, f", {_flow(item)}")
    if flat:
        return _put(text, held.start + 1, _flow(item))
    # `waivers: []`: the brackets go, and what stands behind them on the line stays.
    emptied = text[: held.start].rstrip(" ") + text[held.end :]
    indent = _column(text, root.start)
    return _put_lines(emptied, _line_end(emptied, held.start - 1), _block(item, " " * (indent + 2), 2), newline)


def _appended(text: str, root: Node, item: Mapping[str, str], newline: str) -> str:
    """A new list at the end of the document."""
    indent = " " * _column(text, root.start)
    end = _END.search(text.replace("\r\n", " \n").replace("\r", "\n"), root.end)
    lines = [f"{indent}waivers:", *_block(item, f"{indent}  ", 2)]
    return _put_lines(text, end.start() if end else len(text), lines, newline)


def _after_last(text: str, held: Node, item: Mapping[str, str], newline: str) -> str:
    """A new item below the last one of a block list, and below the comments that are indented like that one."""
    last = _last(held)
    dash = _column(text, held.start)
    step = _column(text, last.start) - dash if text[last.start] not in "{[" else 2
    at = _line_end(text, last.end)
    while (following := re.match(r"([ \t]*)#[^\r\n]*(?:\r\n|\r|\n|$)", text[at:])) and len(following[1]) > dash:
        at += following.end()
    return _put_lines(text, at, _block(item, " " * dash, step if step > 1 else 2), newline)


def _last(node: Node) -> Node:
    assert node.members
    return node.members[-1][3]


def _column(text: str, offset: int) -> int:
    return offset - max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) - 1


def _line_end(text: str, offset: int) -> int:
    """The offset behind the end of the line."""
    found = re.compile(r"\r\n|\r|\n").search(text, offset)
    return found.end() if found else len(text)


def _put(text: str, at: int, more: str) -> str:
    return text[:at] + more + text[at:]


def _put_lines(text: str, at: int, lines: Sequence[str], newline: str) -> str:
    before = text[:at]
    if before and not before.endswith(("\n", "\r")):
        before += newline
    return before + "".join(line + newline for line in lines) + text[at:]


def _block(item: Mapping[str, str], indent: str, step: int) -> list[str]:
    """The item of a block list, a line for each member."""
    members = [_member(key, value) for key, value in item.items()]
    return [f"{indent}{'-'.ljust(step) if not number else ' ' * step}{member}" for number, member in enumerate(members)]


def _flow(item: Mapping[str, str]) -> str:
    return "{" + ", ".join(_member(key, value, flow=True) for key, value in item.items()) + "}"


def _member(key: str, value: str, flow: bool = False) -> str:
    return f"{key}: {value if key == 'expires' and form.read_date(value) else scalar(value, flow)}"
