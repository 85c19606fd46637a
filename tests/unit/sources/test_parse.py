"""Files of variables: whatever the clients' own reader takes for a variable is seen, at its place."""

from __future__ import annotations

import time

import pytest

from mcp_audit_gate.model import Place
from mcp_audit_gate.sources.parse import parse


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        pytest.param("A=b", "b", "b", id="plain"),
        pytest.param("export A = b # c\n", "b", "b", id="comment"),
        pytest.param("A=http://x/#y\n", "http://x/#y", "http://x/#y", id="hash within a word"),
        pytest.param("A='b # c' d\n", "b # c", "'b # c'", id="quotes"),
        pytest.param("A=`b c`\n", "b c", "`b c`", id="backquotes"),
        pytest.param("A: b\n", "b", "b", id="colon"),
        pytest.param("A\n= b\n", "b", "b", id="sign on the next line"),
        pytest.param("A=\n\n'b'\n", "b", "'b'", id="quote on a later line"),
        pytest.param("X=1\rA=b\rY=2", "b", "b", id="lone carriage returns"),
        pytest.param("x\u2028\ufeff\u00a0A=b", "b", "b", id="after an odd line break and odd blanks"),
        pytest.param('B="c"\u2028A=b', "b", "b", id="behind a quote and an odd line break"),
        pytest.param("A=\u2028b\nB=c", "b", "b", id="on the other side of one"),
        pytest.param('A="b"\u2028B=c', "b", '"b"', id="before one"),
        pytest.param('B="\u2028A=b', "b", "b", id="behind a quote that does not close and an odd line break"),
        pytest.param('B="c\nD=e"\u2028A=b', "b", "b", id="behind quotes over two lines and an odd line break"),
        pytest.param("A=#b", "", "", id="nothing but a comment"),
    ],
)
def test_a_variable_and_its_place(text: str, value: str, shown: str) -> None:
    (document,) = parse(".env", text.encode(), "dotenv")
    assert isinstance(document.value, dict)
    assert document.value["A"] == value
    if shown:
        start, end = document.span(Place(document, ("A",)))
        assert document.text[start:end] == shown


@pytest.mark.parametrize("text", ["A://b", "A b=c", "# A=b", "1A=b"])
def test_no_variable(text: str) -> None:
    (document,) = parse(".env", text.encode(), "dotenv")
    assert "A" not in document.value  # type: ignore[operator]


@pytest.mark.parametrize("piece", ["\n", "A=\n", "A\n", "A='\n", " ", "\u2028", "export "])
def test_hostile_text_ends_soon(piece: str) -> None:
    begin = time.process_time()
    parse(".env", (piece * 30_000).encode(), "dotenv")
    assert time.process_time() - begin < 2


def test_a_flag_of_a_crushrc_that_nothing_follows() -> None:
    (document,) = parse("crushrc", b"mcp add docs --command npx --args\nmcp add more --args -- x", "crushrc")
    assert isinstance(document.value, dict)
    assert document.value["mcp"]["docs"] == {"command": "npx"}
