from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Place
from mcp_audit_gate.sources import yamls
from mcp_audit_gate.sources.document import Document
from mcp_audit_gate.sources.jsonc import Repeated

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff\ufffe\uffff"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=12)


def document(text: str) -> Document:
    (node,) = yamls.read(text, 64)
    return Document("x.yaml", text.encode(), text, node.value, lambda: yamls.YamlIndex(node))


def pointers(value, at=()):
    yield at, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from pointers(item, (*at, key))


@given(VALUES, st.booleans(), st.sampled_from([None, '"', "'"]))
def test_every_value_stands_where_the_index_says(value, flow, style) -> None:
    text = yaml.safe_dump(
        value, default_flow_style=flow, allow_unicode=True, default_style=style if isinstance(value, str) else None, width=1000, sort_keys=False
    )
    parsed = document(text)
    assert parsed.value == value
    for pointer, item in pointers(value):
        start, end = parsed.span(Place(parsed, pointer))
        if isinstance(item, (str, int)) and not isinstance(item, bool) and start < end:
            assert yaml.safe_load(text[start:end]) == item


@given(VALUES)
def test_json_is_read_as_json(value) -> None:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) < 900:
        assert document(text).value == value


def span(text: str, *pointer: str | int, key: bool = False) -> str:
    parsed = document(text)
    start, end = parsed.span(Place(parsed, pointer, (), key))
    return text[start:end]


def test_spans_of_blocks_comments_tags_and_scalars() -> None:
    text = "a: &x {k: 1}  # c\nb:\n  c: |\n    one\n    two\n\n  d: !own  foo # c\n  'e f': \"g\"\n  h:\nz: 1\n"
    assert span(text, "a") == "&x {k: 1}"
    assert span(text, "b", "c") == "|\n    one\n    two"
    assert span(text, "b", "d") == "!own  foo"
    assert span(text, "b", "e f", key=True) == "'e f'"
    assert span(text, "b", "h") == "h"
    assert span(text, "z") == "1"


def test_unknown_tags_are_what_they_stand_before() -> None:
    assert document("a: !developer_secret\nb: !user [1, !x y]\n").value == {"a": "", "b": [1, "y"]}


def test_merge_keys_are_merged_and_own_keys_win() -> None:
    text = "base: &b {command: bash, args: [a]}\nx:\n  <<: *b\n  args: [c]\n"
    parsed = document(text)
    assert parsed.value["x"] == {"args": ["c"], "command": "bash"}
    assert text[slice(*parsed.span(Place(parsed, ("x", "command"))))] == "bash"


def test_repeated_keys_are_kept() -> None:
    value = document("x: {a: 1, 'a': 2}\n").value["x"]
    assert isinstance(value, Repeated)
    assert value.pairs == [("a", 1), ("a", 2)]


def test_several_documents() -> None:
    assert [node.value for node in yamls.read("a: 1\n---\nb: 2\n...\n---\nc: &x 3\n", 64)] == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "- a\nb: 1", "a: *x", "\tb: 1", "a: 'x", "<<: 1", "a: \x01", "{a: 1}}", "--- a\n--- *b"])
def test_what_is_no_yaml_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        yamls.read(text, 64)


BOMB = "x0: &a0 [lol]\n" + "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize("text", [BOMB, "[" * 100_000, "{a: " * 50_000, "- " * 65, "? " * 100_000, "a: &a [*a, *a]\n", "&a [&b [*a]]"])
def test_bombs_and_depth_end_soon(text: str) -> None:
    import time

    begin = time.process_time()
    with pytest.raises(Unreadable):
        yamls.read(text, 64)
    assert time.process_time() - begin < 2


def test_an_alias_means_the_anchor_that_stands_last_before_it() -> None:
    assert document("a: &x [1, &x 2]\nb: *x\n").value == {"a": [1, 2], "b": 2}
    assert document("a: &x 1\nb: &x 2\nc: *x\n").value == {"a": 1, "b": 2, "c": 2}
    with pytest.raises(Unreadable, match="alias without an anchor"):
        document("a: &x 1\nb: &x [*x]\n")


def test_too_many_documents_are_refused_with_their_place() -> None:
    assert len(yamls.read("--- 1\n" * 1000, 64)) == 1000
    with pytest.raises(Unreadable, match="more than 1000 documents") as caught:
        yamls.read("--- 1\n" * 1001, 64)
    assert caught.value.offset == 6 * 1000 + 4
