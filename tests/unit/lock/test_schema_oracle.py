"""What the comparison says of two schemas holds for every value that a validator was asked about. The validator is for tests only."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, note, settings
from jsonschema import Draft202012Validator
from referencing import Registry

from mcp_audit_gate.lock.schemas import NARROWED, OTHER, SAME, WIDENED, compare
from unit.lock.schemas import POOL, pairs, schemas

SLOW = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
)


def accepted(schema: Any) -> list[bool]:
    validator = Draft202012Validator(schema, registry=Registry())
    try:
        return [validator.is_valid(value) for value in POOL]
    except RecursionError:
        assume(False)
        raise


def check(old: Any, new: Any) -> str:
    verdict = compare(old, new, parameters=False)
    if verdict.direction == OTHER:
        return OTHER
    note(f"{verdict}")
    before, after = accepted(old), accepted(new)
    lost = [value for value, one, other in zip(POOL, before, after, strict=True) if one and not other]
    gained = [value for value, one, other in zip(POOL, before, after, strict=True) if other and not one]
    if verdict.direction in (SAME, WIDENED):
        assert not lost
    if verdict.direction in (SAME, NARROWED):
        assert not gained
    return verdict.direction


@SLOW
@given(pairs())
def test_a_verdict_on_an_edited_schema_holds_for_every_value(pair: tuple[Any, Any]) -> None:
    check(*pair)


@SLOW
@given(schemas(), schemas())
def test_a_verdict_on_two_schemas_holds_for_every_value(old: Any, new: Any) -> None:
    check(old, new)


@SLOW
@given(pairs())
def test_directions_are_symmetric(pair: tuple[Any, Any]) -> None:
    back = {WIDENED: NARROWED, NARROWED: WIDENED, SAME: SAME, OTHER: OTHER}
    for parameters in (True, False):
        forth = compare(*pair, parameters=parameters)
        assert compare(pair[1], pair[0], parameters=parameters).direction == back[forth.direction]


@SLOW
@given(schemas())
def test_a_schema_is_the_same_as_itself(schema: Any) -> None:
    assert compare(schema, {**schema}).direction == SAME
