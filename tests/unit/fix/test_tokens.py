"""Where the characters of a string stand in a file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.fix.tokens import token
from mcp_audit_gate.model import Place
from mcp_audit_gate.sources.document import Document
from mcp_audit_gate.sources.parse import parse


def document(text: str, syntax: str) -> Document:
    return parse(f"a.{syntax}", text.encode(), syntax)[0]


def raw(text: str, syntax: str, value: str, start: int, end: int) -> str | None:
    found = document(text, syntax)
    written = token(found, Place(found, ("k",)), value)
    if written is None:
        return None
    first, last = written.span(start, end)
    return found.text[first:last]


@pytest.mark.parametrize(
    ("text", "syntax", "value", "part", "written"),
    [
        pytest.param('{"k": "abc"}', "json", "abc", (1, 2), "b", id="as it reads"),
        pytest.param('{"k": "a\\u0062c"}', "json", "abc", (1, 2), "\\u0062", id="an escape"),
        pytest.param('{"k": "a\\ud83d\\ude00c"}', "json", "a\U0001f600c", (1, 2), "\\ud83d\\ude00", id="a pair of escapes"),
        pytest.param('{"k": "a\\ud83dc"}', "json", "a\ud83dc", (1, 2), "\\ud83d", id="half a pair"),
        pytest.param('{"k": "\\"\\/\\\\\\n"}', "json", '"/\\\n', (1, 3), "\\/\\\\", id="short escapes"),
        pytest.param('k = "a\\U0001F600c"', "toml", "a\U0001f600c", (1, 2), "\\U0001F600", id="a long escape of TOML"),
        pytest.param("k = 'a\\b'", "toml", "a\\b", (1, 2), "\\", id="TOML without escapes"),
        pytest.param('k = """\nab\\tc"""', "toml", "ab\tc", (2, 3), "\\t", id="TOML over lines"),
        pytest.param("k = '''\r\nab\r\nc'''", "toml", "ab\nc", (2, 3), "\r\n", id="line ends of TOML"),
        pytest.param('k = """a \\\n  b"""', "toml", "a b", (0, 1), None, id="a folded line of TOML"),
        pytest.param("k: abc", "yaml", "abc", (1, 2), "b", id="plain YAML"),
        pytest.param("k: 'it''s'", "yaml", "it's", (2, 3), "''", id="a doubled quote"),
        pytest.param('k: "a\\x62c"', "yaml", "abc", (1, 2), "\\x62", id="a short escape of YAML"),
        pytest.param('k: "a\\_c"', "yaml", "a\xa0c", (1, 2), None, id="an escape that is not known"),
        pytest.param("k: ab\n  cd", "yaml", "ab cd", (0, 1), None, id="a folded line of YAML"),
        pytest.param("k: |\n  abc\n", "yaml", "abc\n", (0, 1), None, id="a block"),
        pytest.param('{"k": 123}', "json", "124", (0, 1), None, id="another value"),
    ],
)
def test_places(text: str, syntax: str, value: str, part: tuple[int, int], written: str | None) -> None:
    assert raw(text, syntax, value, *part) == written


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans(), st.data())
def test_every_slice_of_a_json_string_reads_as_that_slice(value: str, ascii_only: bool, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, len(value)))
    found = raw(json.dumps({"k": value}, ensure_ascii=ascii_only), "json", value, start, end)
    assert json.loads(f'"{found}"') == value[start:end]


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
