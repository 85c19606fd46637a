"""How the lockfile spells JSON: one line of text a line of the file, everything that a reader cannot see as an escape."""

from __future__ import annotations

import json
import re

from mcp_audit_gate.metadata.text import escaped
from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Json, Pointer

LINES = "$lines"
_MARKED = lazy(r"\$+lines")
_INDENTED = json.JSONEncoder(ensure_ascii=False, sort_keys=True, indent=2, check_circular=False).encode


def written(value: Json) -> Json:
    """The value as it stands in the file: text of several lines as `{"$lines": […]}`, a key that reads like that with one more `$`."""
    if isinstance(value, str):
        return {LINES: [*value.split("\n")]} if "\n" in value else value
    if isinstance(value, list):
        return [written(item) for item in value]
    if isinstance(value, dict):
        return {written_key(key): written(inner) for key, inner in value.items()}
    return value


def written_key(key: str) -> str:
    """A true key as it stands in the file."""
    return f"${key}" if key[:1] == "$" and _MARKED.fullmatch(key) else key


def true_object(pairs: list[tuple[str, Json]]) -> Json:
    """The true value of an object of the file, its members being true already. Raises ValueError for a `$lines` that holds no lines."""
    if len(pairs) == 1 and pairs[0][0] == LINES:
        return _text(pairs[0][1])
    value = {}
    for key, inner in pairs:
        if key[:1] == "$" and _MARKED.fullmatch(key):
            if key == LINES:
                raise ValueError(f"`{LINES}` beside other members")
            key = key[1:]
        value[key] = inner
    return value


def _text(lines: Json) -> str:
    if not isinstance(lines, list) or len(lines) < 2:
        raise ValueError(f"`{LINES}` without a list of at least two lines")
    texts = [line for line in lines if isinstance(line, str) and "\n" not in line]
    if len(texts) != len(lines):
        raise ValueError(f"`{LINES}` with an item that is not one line of text")
    return "\n".join(texts)


def render(value: Json) -> str:
    """A value in its written form as the text of the file: two spaces an indent, keys sorted, a final newline."""
    text = _INDENTED(value)
    if not text.isascii() or "\x7f" in text:
        # Line feeds of the layout are the only ones: those in strings are escapes already.
        text = "\n".join(map(escaped, text.split("\n")))
    return f"{text}\n"


def place_steps(true: Json, at: Pointer, line_of: int | None) -> Pointer:
    """Steps through true values as steps through the file.

    line_of: an offset into the text found there; None for the value as a whole, or a key.
    """
    steps: list[str | int] = []
    for step in at:
        steps.append(written_key(step) if isinstance(step, str) else step)
        true = _inner(true, step)
    if isinstance(true, str) and "\n" in true and line_of is not None:
        steps += (LINES, true.count("\n", 0, max(0, line_of)))
    return tuple(steps)


def _inner(value: Json, step: str | int) -> Json:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        return value[step]
    return None


def malformed_lines(text: str) -> int:
    """The offset of the first `$lines` in the text that does not begin a list, else of the first at all, else 0."""
    found = re.search(r'"\$lines"\s*:\s*(?!\[)', text) or re.search(r'"\$lines"', text)
    return found.start() if found else 0
