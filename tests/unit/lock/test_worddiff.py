"""What stayed, went and came between two texts."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_audit_gate.lock.worddiff import CAME, GONE, KEPT, worddiff


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Reads one file.", "Reads a file.", [(KEPT, "Reads "), (GONE, "one"), (CAME, "a"), (KEPT, " file.")]),
        ("", "new", [(CAME, "new")]),
        ("old", "", [(GONE, "old")]),
        ("same text", "same text", [(KEPT, "same text")]),
        ("", "", []),
        ("a b", "a b c", [(KEPT, "a b"), (CAME, " c")]),
        ("x b", "b", [(GONE, "x "), (KEPT, "b")]),
    ],
)
def test_worddiff(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert worddiff(before, after) == expected


@settings(max_examples=200, deadline=None)
@given(st.text("ab .\n\u200b", max_size=30), st.text("ab .\n\u200b", max_size=30))
def test_the_pieces_make_up_both_texts(before: str, after: str) -> None:
    pieces = worddiff(before, after)
    assert "".join(text for op, text in pieces if op != CAME) == before
    assert "".join(text for op, text in pieces if op != GONE) == after
    assert all(text for _, text in pieces)
    assert all(one[0] != other[0] for one, other in itertools.pairwise(pieces))


@pytest.mark.parametrize("unit", ["a ", "ab", ".", "\n", " "])
def test_a_long_text_is_compared_in_time(unit: str) -> None:
    started = time.process_time()
    worddiff(unit * 100_000 + "x", "y" + unit * 100_000)
    worddiff(unit * 350, "q" + unit[::-1] * 349)
    assert time.process_time() - started < 1.0
