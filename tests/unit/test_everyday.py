"""The everyday command lines are read to what argparse reads them to, or left to it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_audit_gate import everyday, options
from mcp_audit_gate.errors import UsageError

WORDS = (
    *("scan", "--skip-connect", "--pin-check", "--staged", "--allow-empty", "--exit-zero", "--ignore-waivers", "--new-only", "--user"),
    *("-q", "-v", "--quiet", "--verbose", "--policy", "strict", "--lock", "a.json", "--trusted-ref", "main", "--baseline", "--category", "x y"),
    *("--llm-model", "-o", "--output", "json", "sarif=a.sarif", "--client", "cursor", "--allow-launch", "*", "--pass-env", "HOME", ".", "sub/dir"),
    *("--fail-on", "high", "--now", "2026-11-22", "--timeout", "3", "-", "--", "-h", "", "--output=json", "-ojson", "--bogus", "--color", "never"),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=6).map(lambda rest: ["scan", *rest]))
def test_it_reads_what_argparse_reads(words: list[str]) -> None:
    plain = everyday.scan(words)
    if plain is not None:
        assert vars(plain) == vars(options.parse(words))


@pytest.mark.parametrize(
    "line",
    [
        "scan --skip-connect",
        "scan --skip-connect --allow-empty --staged --pin-check",
        "scan --skip-connect -o text -o sarif=mcp-audit.sarif sub/dir",
        "scan . --skip-connect --policy strict -q",
    ],
)
def test_the_lines_of_hooks_and_examples_are_read_here(line: str) -> None:
    plain = everyday.scan(line.split())
    assert plain is not None
    assert vars(plain) == vars(options.parse(line.split()))


@pytest.mark.parametrize("line", ["", "pin", "-q scan", "scan -h", "scan --skip", "scan a b", "scan --policy", "scan -o", "scan --fail-on high"])
def test_the_rest_is_left_to_argparse(line: str) -> None:
    assert everyday.scan(line.split()) is None


@pytest.mark.parametrize("given", [["yaml"], ["json="], ["json", "sarif"], ["json=a", "sarif=./a"], ["json=-", "sarif"]])
def test_outputs_that_cannot_be_are_refused(given: list[str]) -> None:
    with pytest.raises(UsageError):
        everyday.outputs(given)


def test_a_device_takes_any_number_of_outputs() -> None:
    assert len(everyday.outputs([f"json={os.devnull}", f"sarif={os.devnull}", "text"])) == 3


def test_a_hyphen_is_standard_output() -> None:
    assert everyday.outputs(["json=-", "sarif=a"]) == (("json", None), ("sarif", "a"))
