"""The readers of configs: what they say against a second reader of the same syntax, value and places."""

from __future__ import annotations

from fuzz.oracles import jsonc as oracle
from fuzz.oracles.tree import agree_places
from fuzz.target import Target, agree, wrong
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.sources.parse import parse

LFS = b"version https://git-lfs.github.com/spec/"


def text_of(data: bytes) -> str | None:
    """The text of a file, None when it has none."""
    if data.startswith(LFS):
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def check_offset(error: Unreadable, text: str | None) -> None:
    """The place of a fault lies in the text."""
    if error.offset is not None and not 0 <= error.offset <= len(text or ""):
        wrong("a fault outside the text", error.reason, error.offset)
    if not error.reason or "\n" in error.reason or not error.hint:
        wrong("a reason of one line, and a hint", error.reason, error.hint)


def check_json(data: bytes) -> None:
    """JSON and JSONC: the value and every place as the oracle has them, or neither can read it."""
    text = text_of(data)
    try:
        expected = None if text is None else oracle.read(text)
    except oracle.NotJson:
        expected = None
    try:
        (document,) = parse("x.json", data, "json")
    except Unreadable as error:
        check_offset(error, text)
        if expected is not None:
            wrong("valid JSON was not read", text, error.reason)
        return
    if expected is None:
        wrong("what is no JSON was read", text, document.value)
    agree("the value", document.value, expected.value)
    agree_places(document, expected)


def work_json(data: bytes) -> None:
    """Reads, and looks for the place of every member of the root."""
    try:
        (document,) = parse("x.json", data, "json")
    except Unreadable:
        return
    document.index.members(document.index.root())


JSON_WORDS = (
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '""',
    "//",
    "/*",
    "*/",
    "\r",
    "\r\n",
    "\n",
    "true",
    "null",
    "\\u00e9",
    "\\ud83d\\ude00",
    '"a":',
    "\u2028",
    "1e5",
    "-0",
    "1E400",
    '{"a":1,}',
    "NaN",
    "Infinity",
    "\ufeff",
    '"\\""',
    "é",
    "😀",
    "\\\\",
)

TARGETS = {
    "json": Target(check_json, work_json, JSON_WORDS),
}
