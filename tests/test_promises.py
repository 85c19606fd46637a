"""The places at which scripts/break_promises.py breaks the five promises are where it looks for them; the breaks themselves are run by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.break_promises import BREAKS, Break

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("item", BREAKS, ids=lambda item: item.promise)
def test_a_break_still_has_its_place_and_its_tests(item: Break) -> None:
    assert (ROOT / "mcp_audit_gate" / item.module).read_text("utf-8").count(item.old) == 1
    assert all((ROOT / path).exists() for path in item.tests.split())


def test_every_promise_is_broken() -> None:
    assert {item.promise[0] for item in BREAKS} == set("12345")
