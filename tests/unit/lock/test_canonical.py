from __future__ import annotations

import hashlib
import json
import math
import sys

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.lock.canonical import canonical, digest, number, sha256

sound = st.text(st.characters(exclude_categories=("Cs",)))
exact = st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    st.none() | st.booleans() | exact | st.floats(allow_nan=False, allow_infinity=False) | sound,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(sound, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_it_equals_an_independent_implementation(value):
    assert canonical(value).encode() == rfc8785.dumps(value)


@given(values)
def test_order_and_spelling_do_not_matter(value):
    turned = json.loads(json.dumps(value, indent=3), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert digest(turned) == digest(value)


@given(values, values)
def test_different_values_have_different_forms(one, other):
    # To RFC 8785 a number is a double, whole or not.
    assert (canonical(one) == canonical(other)) == (rfc8785.dumps(one) == rfc8785.dumps(other))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(value):
    assert float(number(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e-7, "1e-7"),
        (0.000001, "0.000001"),
        (-0.0, "0"),
        (1.0, "1"),
        (2**60, "1152921504606847000"),
        (123456789012345, "123456789012345"),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'),
        ({"a": "x:1.5"}, '{"a":"x:1.5"}'),
    ],
)
def test_numbers_and_keys_that_the_standard_encoder_writes_otherwise(value, text):
    assert canonical(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_json_number_is_refused(value):
    with pytest.raises(ValueError):
        number(value)


def test_the_digest_is_that_of_the_form():
    assert digest({"b": 1, "a": [True, None]}) == "sha256:" + __import__("hashlib").sha256(b'{"a":[true,null],"b":1}').hexdigest()


def test_an_interpreter_without_its_own_sha256_uses_the_librarys(monkeypatch):
    for name in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, name, None)
    found = sha256.__wrapped__()
    assert found is hashlib.sha256
    assert found(b"x").hexdigest() == sha256()(b"x").hexdigest()


def test_halves_of_a_pair_have_a_digest_and_an_order():
    # RFC 8785 refuses them; servers send them, and equal things must stay equal. \ud83d sorts before \ue000, as its unit of UTF-16 does.
    lone = {"\ue000": 1, "\ud83d": 2.5, "\U0001f600": 3}
    assert canonical(lone) == '{"\ud83d":2.5,"\U0001f600":3,"\ue000":1}'
    assert digest(lone) == f"sha256:{hashlib.sha256(canonical(lone).encode('utf-8', 'surrogatepass')).hexdigest()}"
    assert digest(lone) != digest({**lone, "\ud83d": 2})
