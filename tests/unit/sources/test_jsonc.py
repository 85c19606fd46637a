from __future__ import annotations

import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Place
from mcp_audit_gate.sources import jsonc
from mcp_audit_gate.sources.document import Document

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20)
BLANKS = st.text(alphabet=" \t\r\n", max_size=3)


@st.composite
def spelled(draw, comments: bool = False):
    """(value, a spelling of it): blanks anywhere, escapes or not, and comments and trailing commas where allowed."""
    value = draw(VALUES)
    filler = BLANKS
    if comments:
        filler = st.one_of(BLANKS, st.sampled_from(["// c\n", '/* "x": [1,} */', "//\r\n", "/**/", " /* é */ "]))

    def spell(item) -> str:
        def gap() -> str:
            return draw(filler)

        tail = "," if comments and draw(st.booleans()) else ""
        if isinstance(item, dict):
            inner = [
                f"{gap()}{json.dumps(key, ensure_ascii=draw(st.booleans()))}{gap()}:{gap()}{spell(member)}{gap()}" for key, member in item.items()
            ]
            return "{" + (",".join(inner) + (tail if inner else "") or gap()) + gap() + "}"
        if isinstance(item, list):
            inner = [f"{gap()}{spell(member)}{gap()}" for member in item]
            return "[" + (",".join(inner) + (tail if inner else "") or gap()) + gap() + "]"
        return json.dumps(item, ensure_ascii=draw(st.booleans()))

    return value, draw(filler) + spell(value) + draw(filler)


def pointers(value, at=()):
    yield at, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from pointers(item, (*at, key))


def document(text: str) -> Document:
    value, strict, lenient = jsonc.read(text, 64)
    return Document("x.json", text.encode("utf-8", "surrogatepass"), text, value, lambda: jsonc.JsonIndex(strict), lenient)


@given(spelled())
def test_every_value_stands_where_the_index_says(case) -> None:
    value, text = case
    parsed = document(text)
    assert parsed.value == value
    for pointer, item in pointers(value):
        start, end = parsed.span(Place(parsed, pointer))
        assert json.loads(text[start:end]) == item
        if pointer and isinstance(pointer[-1], str):
            start, end = parsed.span(Place(parsed, pointer, (), True))
            assert json.loads(text[start:end]) == pointer[-1]


def spans(text: str, value) -> list[tuple[int, int]]:
    parsed = document(text)
    return [parsed.span(Place(parsed, pointer, (), key)) for pointer, _ in pointers(value) for key in (False, True)]


@given(spelled())
def test_paired_brackets_say_the_same(case) -> None:
    value, text = case
    scanned = spans(text, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonc, "_PASSES", 0)
        assert spans(text, value) == scanned


def test_a_value_deep_down_does_not_cost_a_pass_for_each_level(monkeypatch) -> None:
    text = '{"x":' * 60 + json.dumps(list(range(1000))) + "}" * 60
    passed = []

    def ended(text: str, at: int, scan=jsonc._ended):
        found = scan(text, at)
        passed.append(found[1] - at)
        return found

    monkeypatch.setattr(jsonc, "_ended", ended)
    parsed = document(text)
    start, end = parsed.span(Place(parsed, ("x",) * 60 + (999,)))
    assert text[start:end] == "999"
    assert sum(passed) < 12 * len(text)


@given(spelled(comments=True))
def test_comments_and_trailing_commas_change_nothing(case) -> None:
    value, text = case
    parsed = document(text)
    assert parsed.value == value
    blanked, _ = jsonc.blank(text)
    assert len(blanked) == len(text)
    for pointer, item in pointers(value):
        start, end = parsed.span(Place(parsed, pointer))
        assert json.loads(blanked[start:end]) == item


@given(spelled())
def test_strict_json_reads_as_the_standard_library_reads_it(case) -> None:
    _, text = case
    assert jsonc.read(text, 64) == (json.loads(text), text, None)


@given(spelled(), st.data())
def test_damage_is_refused_when_the_standard_library_refuses_it(case, data) -> None:
    _, text = case
    at = data.draw(st.integers(0, max(0, len(text) - 1)))
    for damaged in (text[:at], text[:at] + text[at + 1 :], text[:at] + data.draw(st.sampled_from('{}[],:"x1')) + text[at:]):
        blanked, first = jsonc.blank(damaged)
        try:
            wanted = json.loads(damaged if first is None else blanked)
        except ValueError:
            with pytest.raises(Unreadable):
                jsonc.read(damaged, 64)
        else:
            assume("inf" not in repr(wanted))  # a number too large for a float is refused on purpose
            assert jsonc.read(damaged, 64)[0] == wanted


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", '{"a":1.}', '{"a":01}', "[1,,2]", "[,]", "{,}", '{"a":1 "b":2}', '"a\tb"', "{} {}", "NaN", '{"a": Infinity}', "[1e999]", "[" + "1" * 5000 + "]",
     "{'a': 1}", "[1] //", "[1] /*", "[1,,]", '{"a":,}', "/", "[1/]"],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: str) -> None:
    if text == "[1] //":
        assert jsonc.read(text, 64)[0] == [1]
    else:
        with pytest.raises(Unreadable):
            jsonc.read(text, 64)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1.5E+999", "1" * 5000])
def test_a_number_that_is_refused_has_its_place(number: str) -> None:
    before = '{"NaN": "Infinity \\"1e999", "a": [1.5e10, -2'
    for text in (f"{before}, {number}]}}", f"// c\n{before}, {number},], }}"):
        with pytest.raises(Unreadable) as caught:
            jsonc.read(text, 64)
        assert caught.value.offset == text.index(f", {number}") + 2


def test_depth_is_limited_with_its_place() -> None:
    assert jsonc.read("[" * 64 + "]" * 64, 64)[0] is not None
    with pytest.raises(Unreadable) as caught:
        jsonc.read(" " + "[" * 65 + "]" * 65, 64)
    assert caught.value.offset == 65
    with pytest.raises(Unreadable):
        jsonc.read("[" * 100_000, 64)


def _deepest(text: str) -> int:
    """How deep brackets outside strings nest, up to the first string that does not end; character by character."""
    depth = deepest = offset = 0
    while offset < len(text):
        if text[offset] == '"':
            offset += 1
            while offset < len(text) and text[offset] != '"':
                offset += 2 if text[offset] == "\\" else 1
        depth += (text[offset : offset + 1] in ("[", "{")) - (text[offset : offset + 1] in ("]", "}"))
        deepest = max(deepest, depth)
        offset += 1
    return deepest


@example("{[" * 3 + "]}" * 3, 5)
@given(st.text('[]{}"\\a', max_size=40), st.integers(1, 6))
def test_depth_is_that_of_the_brackets_outside_strings(text: str, limit: int) -> None:
    assume(text.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0)
    if _deepest(text) > limit:
        with pytest.raises(Unreadable):
            jsonc.check_depth(text, limit)
    else:
        jsonc.check_depth(text, limit)


def test_brackets_in_strings_are_no_nesting() -> None:
    assert jsonc.read('"' + "[{" * 200 + '"', 64)[0] == "[{" * 200


def test_brackets_and_quotes_in_comments_are_no_nesting() -> None:
    assert jsonc.read("[// " + "{[" * 200 + "\n]", 64)[0] == []
    with pytest.raises(Unreadable) as caught:
        jsonc.read('/* " */' + "[" * 65 + "]" * 65, 64)
    assert caught.value.offset == 71


def test_repeated_keys_are_kept_and_found() -> None:
    text = '{"a": 1, "\\u0061": 2, "b": {"c": 1}}'
    parsed = document(text)
    assert isinstance(parsed.value, jsonc.Repeated)
    assert parsed.value == {"a": 2, "b": {"c": 1}}
    assert parsed.value.pairs == [("a", 1), ("a", 2), ("b", {"c": 1})]
    assert [parsed.span(Place(parsed, ("a",), (nth,))) for nth in (0, 1, -1, 7)] == [(6, 7), (19, 20), (19, 20), (19, 20)]


@pytest.mark.parametrize(
    "text",
    [
        "/*" * 50_000,
        '"' * 50_001,
        "[" * 50_000,
        "//\n" * 30_000,
        '{"a":' * 20_000,
        "[1," * 30_000,
        "," * 50_000 + "]",
        " " * 100_000 + ",]",
        "\\" * 90_000,
        '"\\' * 40_000,
    ],
)
def test_hostile_text_ends_soon(text: str) -> None:
    import time

    begin = time.process_time()
    with pytest.raises(Unreadable):
        jsonc.read(text, 64)
    assert time.process_time() - begin < 2


def test_a_place_that_is_not_there_is_the_nearest_that_is() -> None:
    parsed = document('{"a": {"b": 1}}')
    assert parsed.span(Place(parsed, ("a", "x", "y"))) == (6, 14)
    assert parsed.locate(Place(parsed, ("a", "b")))[1:] == (1, 13, 1, 14)
