"""Slices of a string as it is written: each character of the value has its place, and what stands for none has none."""

from __future__ import annotations

import pytest

from mcp_audit_gate.fix.tokens import token
from mcp_audit_gate.model import Place
from mcp_audit_gate.sources.parse import parse


@pytest.mark.parametrize(
    ("syntax", "text", "value"),
    [
        pytest.param("json", '{"a": "b\\u00e9\\ud83d\\ude00\\"c"}', 'bé😀"c', id="escapes"),
        pytest.param("toml", 'a = """\nb\\\nc""""\n', 'bc"', id="an escaped line end"),
        pytest.param("toml", "a = '''\r\nb\r\nc'''\n", "b\nc", id="two characters that are one line end"),
        pytest.param("yaml", "a: 'b''c'\n", "b'c", id="a doubled quote"),
        pytest.param("yaml", "a: b c # d\n", "b c", id="no quotes"),
    ],
)
def test_any_slice_can_be_written_over(syntax: str, text: str, value: str) -> None:
    (document,) = parse("x", text.encode(), syntax)
    assert document.value == {"a": value}
    written = token(document, Place(document, ("a",)), value)
    assert written is not None
    for first in range(len(value) + 1):
        for last in range(first, len(value) + 1):
            start, end = written.span(first, last)
            (after,) = parse("x", f"{text[:start]}Xy{text[end:]}".encode(), syntax)
            assert after.value == {"a": f"{value[:first]}Xy{value[last:]}"}


def test_a_folded_string_has_no_slices() -> None:
    (document,) = parse("x", b'a: "b\n  c"\n', "yaml")
    assert token(document, Place(document, ("a",)), "b c") is None
