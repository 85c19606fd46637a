"""JSON and JSONC: value and places against a second reader."""

from __future__ import annotations

from fuzz.oracles import jsonc as oracle
from fuzz.oracles.tree import agree_places
from fuzz.target import Target, agree, vocabulary, wrong
from fuzz.targets.places import check_offset, text_of, work
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.sources.parse import parse


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


WORDS = vocabulary('{ } [ ] , : "" // /* */ true null \\u00e9 \\ud83d\\ude00 "a": 1e5 -0 1E400 {"a":1,} NaN Infinity "\\"" é 😀 \\\\')
TARGETS = {"json": Target(check_json, work("json"), (*WORDS, "\r", "\r\n", "\n", "\u2028", "\ufeff"))}
