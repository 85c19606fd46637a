from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.metadata.text import quoted, visible

anything = st.text(st.characters(exclude_categories=()))
# Two lone surrogates that make a pair are one character to JSON.
sound = st.text(st.characters(exclude_categories=("Cs",)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, 100 %", "plain text, 100 %"),
        ("größe 日本 😀 \u00a0", "größe 日本 😀 \u00a0"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("a\tb\nc\rd", "a\\tb\\nc\\rd"),
        ("\x00\x1b[31m\x7f\x9b", "\\x00\\x1b[31m\\x7f\\x9b"),
        ("\x85\u2028\u2029", "\\x85\\u2028\\u2029"),
        ("\u202egnp\u2066\u200b\u200d\ufeff", "\\u202egnp\\u2066\\u200b\\u200d\\ufeff"),
        ("\u00ad\u034f\u115f\u1160\u3164\uffa0\u2800", "\\xad\\u034f\\u115f\\u1160\\u3164\\uffa0\\u2800"),
        ("\ue000\ufffe\ufdd0\ud800", "\\ue000\\ufffe\\ufdd0\\ud800"),
        ("\U000e0041\U000e0100\U0010ffff", "\\U000e0041\\U000e0100\\U0010ffff"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_visible(text, expected):
    assert visible(text) == expected


@given(anything)
def test_visible_text_holds_nothing_that_acts_or_hides(text):
    shown = visible(text)
    assert {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert visible(shown) == shown


@pytest.mark.parametrize("code", [code for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp")][::7], ids=hex)
def test_every_control_and_format_character_is_escaped_in_both(code):
    assert visible(chr(code)).isascii()
    assert quoted(chr(code)).isascii()


@given(anything, st.integers(2, 40))
def test_a_limit_holds_and_changes_only_what_is_longer(text, limit):
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert shown == visible(text) if len(visible(text)) <= limit else shown.endswith("…")


def test_a_long_text_is_cut():
    assert visible("a" * 10_000, 200) == "a" * 199 + "…"
    assert visible("a" * 200, 200) == "a" * 200


@given(sound)
def test_quoted_text_is_the_same_value_to_a_json_reader(text):
    assert json.loads(quoted(text)) == text


@given(anything)
def test_quoted_text_hides_nothing(text):
    assert {unicodedata.category(char) for char in quoted(text)} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} == set()


def test_quoted_keeps_other_scripts_and_pairs_what_lies_beyond():
    assert quoted("日本 é 😀") == '"日本 é 😀"'
    assert quoted("\U000e0041\u202e\x7f") == '"\\udb40\\udc41\\u202e\\u007f"'
    assert json.loads(quoted("\ud800pwn")) == "\ud800pwn"


def test_a_hostile_text_takes_no_longer_than_a_plain_one():
    import time

    start = time.process_time()
    visible("\u202e\x1b" * 50_000)
    quoted("\u202e\x1b" * 50_000)
    assert time.process_time() - start < 0.5
