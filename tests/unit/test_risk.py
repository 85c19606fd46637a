"""risk: capabilities to a score and its sum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate import risk
from mcp_audit_gate.metadata import CAPABILITIES
from mcp_audit_gate.model import Capability

NAMES = st.sampled_from(CAPABILITIES)
LEVELS = st.sampled_from(("declared", "high", "medium", "low"))
ITEMS = st.lists(st.builds(Capability, st.sampled_from(("", "tool:a", "tool:b")), NAMES, LEVELS, st.just("why")), max_size=20)


def able(*pairs: str) -> list[Capability]:
    return [Capability("", *pair.split(), "why") for pair in pairs]


@pytest.mark.parametrize(
    ("items", "score", "parts"),
    [
        pytest.param([], 0.0, (), id="nothing known"),
        (able("file_read high"), 0.9, (("file_read", "high", 0.9),)),
        (able("network declared"), 1.5, (("network", "declared", 1.5),)),
        (able("network low"), 0.5, (("network", "low", 0.45),)),
        (able("network low", "network high", "network medium"), 1.4, (("network", "high", 1.35),)),
        pytest.param(able("file_read high", "file_write high"), 1.8, (("file_write", "high", 1.8),), id="reading and writing count once"),
        pytest.param(able("file_read declared", "file_write low"), 1.0, (("file_read", "declared", 1.0),), id="the larger of the two counts"),
        pytest.param(
            able("file_read high", "file_write high", "destructive medium"),
            3.0,
            (("file_write", "high", 1.8), ("destructive", "medium", 1.2)),
            id="the reference file server",
        ),
        pytest.param(
            able("exfiltration high", "file_write high"), 4.1, (("exfiltration", "high", 2.25), ("file_write", "high", 1.8)), id="a half goes up"
        ),
        pytest.param(
            able(*(f"{name} declared" for name in CAPABILITIES)),
            10.0,
            (
                ("shell_execution", "declared", 3.0),
                ("exfiltration", "declared", 2.5),
                ("file_write", "declared", 2.0),
                ("destructive", "declared", 2.0),
                ("network", "declared", 1.5),
            ),
            id="eleven points are ten",
        ),
    ],
)
def test_score_and_sum(items, score, parts):
    assert risk.of(items) == (score, parts)


def test_weights_are_those_of_the_contract():
    assert risk.WEIGHTS == {"shell_execution": 3, "exfiltration": 2.5, "file_write": 2, "destructive": 2, "network": 1.5, "file_read": 1}
    assert risk.CONFIDENCE == {"declared": 1, "high": 0.9, "medium": 0.6, "low": 0.3}


@given(ITEMS, NAMES, LEVELS)
def test_another_capability_never_lowers_the_score(items, name, level):
    assert risk.of([*items, Capability("", name, level, "more")]).score >= risk.of(items).score


@given(ITEMS, NAMES)
def test_more_confidence_never_lowers_the_score(items, name):
    scores = [risk.of([*items, Capability("", name, level, "why")]).score for level in ("low", "medium", "high", "declared")]
    assert scores == sorted(scores)


@given(ITEMS)
def test_between_zero_and_ten_with_one_decimal(items):
    score = risk.of(items).score
    assert 0.0 <= score <= 10.0
    assert score == round(score, 1)


@given(ITEMS.flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))))
def test_order_does_not_matter(both):
    assert risk.of(both[0]) == risk.of(both[1])


@given(ITEMS)
def test_the_parts_are_the_sum(items):
    result = risk.of(items)
    total = sum(round(100 * points) for *_, points in result.parts)
    assert result.score == min(10.0, (total + 5) // 10 / 10)
    names = [name for name, *_ in result.parts]
    assert len(names) == len(set(names))
    assert not {"file_read", "file_write"} <= set(names)
    for name, level, points in result.parts:
        assert points == pytest.approx(risk.WEIGHTS[name] * risk.CONFIDENCE[level])


def test_an_iterator_will_do():
    assert risk.of(iter(able("network high"))) == risk.of(able("network high"))
