"""Messages are read strictly: what is JSON keeps its value, everything else has a reason."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.live.strict import NESTING, Repeated, Unfit, read, size

texts = st.text(st.characters(exclude_categories=("Cs",)))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values, st.booleans())
def test_json_keeps_its_value(value: object, ascii_only: bool) -> None:
    message = read(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert message == (value, (), ())
    assert json.dumps(message.value) == json.dumps(value)


def counted(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(counted(item) for item in inner)


@given(values)
def test_no_message_has_more_values_than_its_size(value: object) -> None:
    assert counted(value) <= size(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("data", "reason", "parsed"),
    [
        (b"", "not JSON (at character 0)", False),
        (b"{} {}", "not JSON (at character 3)", False),
        (b"{'a': 1}", "not JSON (at character 1)", False),
        (b'"\xc3\x28"', "not UTF-8 (byte 1)", False),
        (b'["\\ud800"]', "no proper Unicode", True),
        (b'{"\\udc00": 1}', "no proper Unicode", True),
        (b"[NaN]", "holds NaN", True),
        (b"[-Infinity]", "holds -Infinity", True),
        (b"[-1e999]", "too large", True),
        (b"[" + b"9" * 4301 + b"]", "more than 4,300 digits", True),
        (b"[" * (NESTING + 1) + b"]" * (NESTING + 1), "nested deeper than 128 levels", True),
        (b'{"a":' * 100_000, "nested deeper than 128 levels", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(data: bytes, reason: str, parsed: bool) -> None:
    with pytest.raises(Unfit) as caught:
        read(data)
    assert reason in caught.value.reason
    assert caught.value.parsed is parsed


def test_as_deep_as_allowed() -> None:
    assert read(b"[" * NESTING + b"]" * NESTING).repeated == ()


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert read(b'"\\ud83d\\ude00"').value == "\U0001f600"


def test_repeated_keys_are_told_with_their_place_and_all_values() -> None:
    message = read(b'{"a": [{"x": 1, "x": {"y": 2, "y": 3}, "x": 4}], "b": 1, "b": 2}')
    assert message.value == {"a": [{"x": 4}], "b": 2}
    assert message.repeated == (Repeated((), "b", (1, 2)), Repeated(("a", 0), "x", (1, {"y": 3}, 4)))


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(), min_size=1), st.integers())
def test_one_more_of_any_key_is_noticed(value: dict[str, int], other: int) -> None:
    key = next(iter(value))
    text = json.dumps(value)[:-1] + f", {json.dumps(key)}: {other}}}"
    assert read(text.encode()).repeated == (Repeated((), key, (value[key], other)),)


def test_hostile_amounts_are_read_in_time() -> None:
    began = time.perf_counter()
    for data in (b'{"a":1,' * 100 + b'"a":1' + b"}", b'["' + b"\\u0041" * 500_000 + b'"]', b"[" + b'{"k":1,"k":2},' * 50_000 + b"1]"):
        try:
            read(data)
        except Unfit:
            continue
    assert time.perf_counter() - began < 5
