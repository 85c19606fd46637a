from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.lock.spelling import place_steps, render, true_object, written

text = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("\n\r\u200b\u202e$l"))
keys = text | st.sampled_from(["$lines", "$$lines", "$$$lines", "lines", "$"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


def read(source):
    return json.loads(source, object_pairs_hook=true_object)


@given(values)
def test_what_is_written_reads_back(value):
    assert read(render(written(value))) == value


@given(values)
def test_the_file_shows_everything_it_holds(value):
    source = render(written(value))
    assert source.endswith("\n")
    assert not source.endswith("\n\n")
    assert {unicodedata.category(char) for char in source if char != "\n"} & {"Cc", "Cf", "Zl", "Zp"} == set()


@given(values)
def test_keys_are_sorted_and_the_indent_is_two(value):
    plain = json.dumps(written(value), indent=2, sort_keys=True, ensure_ascii=False)
    assert json.loads(render(written(value))) == json.loads(plain)
    assert [line[: len(line) - len(line.lstrip(" "))] for line in render(written(value)).splitlines()] == [
        line[: len(line) - len(line.lstrip(" "))] for line in plain.split("\n")
    ]


def test_lines_of_text_are_lines_of_the_file():
    assert written({"a": "one\n two\r\n"}) == {"a": {"$lines": ["one", " two\r", ""]}}
    assert written({"$lines": ["no text"], "$$lines": 1, "$line": 2}) == {"$$lines": ["no text"], "$$$lines": 1, "$line": 2}


@pytest.mark.parametrize(
    "source",
    [
        '{"$lines": "text"}',
        '{"$lines": ["one"]}',
        '{"$lines": []}',
        '{"$lines": ["a", 1]}',
        '{"$lines": ["a", "b\\nc"]}',
        '{"$lines": ["a", "b"], "x": 1}',
    ],
)
def test_lines_that_are_none_are_refused(source):
    with pytest.raises(ValueError):
        read(source)


def test_other_scripts_stay_readable_and_hidden_characters_do_not():
    source = render({"a": "Grüße 日本語 \u200b\u202e\U000e0041\x7f\x1b"})
    assert "Grüße 日本語 \\u200b\\u202e\\udb40\\udc41\\u007f\\u001b" in source


@pytest.mark.parametrize(
    ("value", "at", "offset", "expected"),
    [
        ({"d": "a\nbc\nd"}, ("d",), 0, ("d", "$lines", 0)),
        ({"d": "a\nbc\nd"}, ("d",), 2, ("d", "$lines", 1)),
        ({"d": "a\nbc\nd"}, ("d",), 5, ("d", "$lines", 2)),
        ({"d": "a\nbc\nd"}, ("d",), None, ("d",)),
        ({"d": "plain"}, ("d",), 3, ("d",)),
        ({"$lines": {"$$lines": "x\ny"}}, ("$lines", "$$lines"), 2, ("$$lines", "$$$lines", "$lines", 1)),
        ([{"a": ["x"]}], (0, "a", 0), 0, (0, "a", 0)),
        ({"a": 1}, ("gone", 3), 0, ("gone", 3)),
    ],
)
def test_steps_lead_to_the_same_place_in_the_file(value, at, offset, expected):
    assert place_steps(value, at, offset) == expected
