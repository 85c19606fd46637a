"""Two starts compared, and secrets looked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.live.compare import repeats_secret, unstable
from mcp_audit_gate.model import Surface

TOOLS = ({"name": "a", "description": "x", "inputSchema": {"x": True}}, {"name": "b", "inputSchema": {}})
ONE = Surface("do", TOOLS, ({"name": "p"},), ({"uri": "r://"},), ({"uriTemplate": "t://{x}"},), {"name": "s"}, "2025-11-25")

items = st.lists(st.fixed_dictionaries({"name": st.sampled_from("abc"), "description": st.sampled_from("xy")})).map(tuple)


def test_what_differs_is_named() -> None:
    other = Surface(None, ({**TOOLS[0], "inputSchema": {"x": 1}}, TOOLS[1], {"name": "c"}), (), ({"uri": "r://", "size": 1},), (), None, "2026-07-28")
    assert unstable(ONE, other) == (
        "tool:a",
        "tool:c",
        "prompt:p",
        "resource:r://",
        "template:t://{x}",
        "instructions",
        "serverInfo",
        "protocolVersion",
    )


@given(items)
def test_the_order_means_nothing(tools: tuple[dict[str, str], ...]) -> None:
    assert unstable(ONE._replace(tools=tools), ONE._replace(tools=tools[::-1])) == ()


@given(items, items)
def test_comparing_is_symmetric(first: tuple[dict[str, str], ...], second: tuple[dict[str, str], ...]) -> None:
    one, other = ONE._replace(tools=first), ONE._replace(tools=second)
    assert unstable(one, other) == unstable(other, one)


def test_a_secret_is_found_wherever_it_stands() -> None:
    secret = "".join(("s3cr", "et-12"))
    places = (
        ONE._replace(instructions=f"use {secret}"),
        ONE._replace(tools=({"name": "a", "inputSchema": {"properties": {f"x{secret}": {}}}},)),
        ONE._replace(resources=({"uri": f"x://{secret}@h"},)),
        ONE._replace(server_info={"name": secret}),
    )
    assert all(repeats_secret(place, [secret]) for place in places)
    assert not any(repeats_secret(place, ["another-secret"]) for place in places)


def test_short_values_are_no_secrets() -> None:
    assert not repeats_secret(ONE._replace(instructions="info"), ["info", "do", ""])
