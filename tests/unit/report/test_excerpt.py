from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.model import Location
from mcp_audit_gate.report.excerpt import MASK, Excerpts, cells

from .conftest import SECRET, Builder

make = Builder()


def excerpt(text, token, width=100, secret=False):
    document = make.document("f", text)
    return Excerpts({"f": document}).at(make.at(token, document), width, secret)


@pytest.mark.parametrize(
    ("text", "token", "shown", "start", "width"),
    [
        pytest.param('{"a": "b"}', '"b"', '{"a": "b"}', 6, 3, id="plain"),
        pytest.param('{\n\t"a":\t"b"\n}', '"b"', '    "a":    "b"', 12, 3, id="tabs become blanks"),
        pytest.param('{"日本é": "b"}', '"b"', '{"日本é": "b"}', 10, 3, id="wide letters take two cells"),
        pytest.param('{"e\u0301": "b"}', '"b"', '{"e\u0301": "b"}', 6, 3, id="a combining mark takes none"),
        pytest.param('{"\u202e": "b"}', '"b"', '{"\\u202e": "b"}', 11, 3, id="an escape takes as many as it is long"),
        pytest.param('{"a": "\u200b"}', '"\u200b"', '{"a": "\\u200b"}', 6, 8, id="an escape in the value"),
        pytest.param('a: "b"\r\nc: d\r', "d", "c: d", 3, 1, id="CRLF and CR"),
        pytest.param(f'{{"a": "{SECRET}", "b": 1}}', f'"{SECRET}"', '{"a": "***", "b": 1}', 6, 5, id="a secret"),
        pytest.param(f'{{"a": "{SECRET}", "b": 1}}', "1", '{"a": "***", "b": 1}', 18, 1, id="a secret before the value"),
        pytest.param(f'{{"b": 1, "a": "Bearer {SECRET}"}}', "1", '{"b": 1, "a": "Bearer ***"}', 6, 1, id="a part of a string after the value"),
        pytest.param('{"a": {\n "b": 1\n}}', '{\n "b": 1\n}', '{"a": {', 6, 1, id="the first of several lines"),
    ],
)
def test_the_caret_stands_under_the_value(text, token, shown, start, width):
    got = excerpt(text, token)
    assert (got.text, got.start, got.width) == (shown, start, width)


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=80), st.data())
def test_caret_and_text_agree_for_any_line(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    got = Excerpts({"f": make.document("f", text)}).at(Location("f", 1, start + 1, 1, end + 1), 2000)
    if start == end:
        assert got is None
    else:
        assert any(cells(got.text[:n]) == got.start and got.text.startswith(got.value, n) for n in range(len(got.text) + 1))
        assert got.width == max(1, cells(got.value))


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=400), st.integers(20, 120), st.data())
def test_a_line_fits_into_the_width(text, width, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    got = Excerpts({"f": make.document("f", text)}).at(Location("f", 1, start + 1, 1, end + 1), width)
    if got is not None:
        assert cells(got.text) <= width
        assert got.start + got.width <= max(width, 1)


def test_a_long_line_is_cut_on_both_sides():
    got = excerpt("a" * 500 + "VALUE" + "b" * 500, "VALUE", 40)
    assert got.text.startswith("…a")
    assert got.text.endswith("b…")
    assert got.text[got.start : got.start + got.width] == "VALUE"
    assert len(got.text) == 40


def test_a_long_value_is_cut_and_keeps_its_start():
    got = excerpt("key = " + "V" * 500, "V" * 500, 40)
    assert got.text.startswith("key = VVV")
    assert got.text.endswith("V…")


@pytest.mark.parametrize("offset", range(-45, len(SECRET) + 45, 3))
def test_no_part_of_a_secret_is_shown_wherever_the_line_is_cut(offset):
    text = "x" * 60 + SECRET + "y" * 60
    at = 60 + offset
    got = Excerpts({"f": make.document("f", text)}).at(Location("f", 1, at + 1, 1, at + 3), 30)
    assert not any(SECRET[n : n + 4] in got.text for n in range(len(SECRET) - 3))


def test_a_value_that_is_to_be_secret_is_masked_though_unknown():
    assert excerpt('{"a": "hunter2"}', '"hunter2"', secret=True).text == '{"a": "***"}'
    assert excerpt("a: hunter2", "hunter2", secret=True).text == f"a: {MASK}"
    assert excerpt(f'{{"a": "x {SECRET}"}}', f'"x {SECRET}"', secret=True).text == '{"a": "x ***"}'


def test_a_mask_is_as_long_for_every_secret():
    text = f"{SECRET} {SECRET}{SECRET}"
    assert excerpt(text, " ").text == "*** ******"


@pytest.mark.parametrize("location", [Location("f"), Location("other", 1, 1, 1, 3)], ids=["no place", "no document"])
def test_nothing_is_shown_without_a_place_or_a_text(location):
    assert Excerpts({"f": make.document("f", "abc")}).at(location, 80) is None


def test_what_cannot_be_looked_into_is_masked_as_a_whole():
    class Other:
        path, text, data = "f", "abc def", b""

    assert Excerpts({"f": Other()}).at(Location("f", 1, 5, 1, 8), 80).text == "******"


def test_lines_around_a_place():
    excerpts = Excerpts({"f": make.document("f", f"one\ntwo {SECRET}\nthree\nfour")})
    assert excerpts.around(Location("f", 3, 1, 3, 4), 80) == (2, 4, "two ***\nthree\nfour")
    assert excerpts.around(Location("f", 1, 1, 1, 4), 80) == (1, 2, "one\ntwo ***")
    assert excerpts.around(Location("g", 1, 1, 1, 4), 80) is None
    assert Excerpts({"f": make.document("f", "x" * 500)}).around(Location("f", 1, 1, 1, 4), 80)[2] == "x" * 79 + "…"


def test_of_a_long_value_a_dozen_lines_are_shown():
    text = "\n".join(map(str, range(100)))
    first, last, shown = Excerpts({"f": make.document("f", text)}).around(Location("f", 2, 1, 90, 1), 80)
    assert (first, last) == (1, 91)
    assert shown.split("\n") == [*map(str, range(12)), "…"]


def test_many_places_in_one_long_line_are_found_at_once():
    document = make.document("f", "[" + ",".join(["1234567"] * 100_000) + "]")
    excerpts = Excerpts({"f": document})
    excerpts._secrets["f"] = ()
    start = time.process_time()
    for place in range(2000):
        excerpts.at(Location("f", 1, 8 * place + 2, 1, 8 * place + 9), 80)
    assert time.process_time() - start < 1
