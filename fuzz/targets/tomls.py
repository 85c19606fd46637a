"""TOML: the value against tomllib's, and the places by writing something else there."""

from __future__ import annotations

from datetime import date, datetime
from datetime import time as clock
from typing import TYPE_CHECKING, Any

try:
    import tomllib
except ImportError:
    import tomli as tomllib  # type: ignore[no-redef,import-not-found,unused-ignore]

from fuzz.target import Target, agree, vocabulary, wrong
from fuzz.targets.places import check_leaves, check_offset, depth, text_of, work
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Place
from mcp_audit_gate.sources.parse import MAX_DEPTH, parse

if TYPE_CHECKING:
    from mcp_audit_gate.model import Pointer
    from mcp_audit_gate.sources.document import Document


def read_toml(text: str) -> Any:
    """The value of a TOML text with dates as text. Raises ValueError."""
    try:
        return plain_toml(tomllib.loads(text))
    except RecursionError as error:
        raise ValueError from error


def plain_toml(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, dict):
        return {key: plain_toml(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_toml(item) for item in value]
    odd = isinstance(value, (datetime, date, clock)) or (isinstance(value, float) and value - value != 0)
    return str(value) if odd else value


def check_toml(data: bytes) -> None:
    """TOML: the value as tomllib has it, each scalar where it is written, each key where that key is spelled."""
    text = text_of(data)
    try:
        expected = None if text is None else read_toml(text)
    except ValueError:
        expected = None
    try:
        (document,) = parse("x.toml", data, "toml")
    except Unreadable as error:
        check_offset(error, text)
        if expected is not None and depth(expected) <= MAX_DEPTH:
            wrong("valid TOML was not read", text, error.reason)
        return
    if expected is None or depth(expected) > MAX_DEPTH:
        wrong("what is no TOML, or too deep, was read", text, document.value)
    agree("the value", document.value, expected)
    check_leaves(document, read_toml)
    check_toml_keys(document, document.index.root(), ())


def check_toml_keys(document: Document, node: Any, at: Pointer) -> None:
    """Each key span holds a spelling of the key, and each value that is no scalar is one, or the header of one."""
    value: Any = document.value
    for step in at:
        value = value[step]
    if isinstance(value, (dict, list)) and len(document.index.members(node)) != len(value):
        wrong("members without a place", at, document.text)
    for key, found in document.index.members(node).items():
        for start, end, inner in found:
            if isinstance(key, str):
                agree("the spelling of a key", list(read_toml(f"{document.text[start:end]} = 0")), [key])
            first, last = document.span(Place(document, (*at, key)))
            if isinstance(value[key], (dict, list)) and document.text[first] in "[{":
                agree("a container in brackets", read_toml(f"x = {document.text[first:last]}"), {"x": value[key]})
            check_toml_keys(document, inner, (*at, key))


WORDS = vocabulary("= [ ] [[ ]] { } , . # true 1979-05-27 07:32:00 inf 0x1f 1e5 [a] [[a]] [a.b] \\u00e9 1_000 -0.0 é 😀 nan")
LINES = ("\n", "\r\n", "\\\n", "a.b = 1\n", '"a" = 1\n', "a = {b = 1}\n", "[a]\n", "[[a]]\n", '"', "'", '"' * 3, "'" * 3)
TARGETS = {"toml": Target(check_toml, work("toml"), (*WORDS, *LINES))}
