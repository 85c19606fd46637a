"""Items of lists: what clients and rules read has its type, everything else is free."""

from __future__ import annotations

import pytest

from mcp_audit_gate.live.shapes import wrong_shape

TOOL = {"name": "a", "inputSchema": {}}


@pytest.mark.parametrize(
    ("key", "item", "wrong"),
    [
        ("tools", TOOL, ""),
        ("tools", {**TOOL, "description": None, "annotations": None, "x-other": [1]}, ""),
        ("tools", {**TOOL, "annotations": {"readOnlyHint": True, "x": 1}, "outputSchema": {"type": "array"}}, ""),
        ("tools", [], "it is no object"),
        ("tools", {"name": "a"}, "inputSchema is missing"),
        ("tools", {**TOOL, "inputSchema": None}, "inputSchema is null"),
        ("tools", {**TOOL, "inputSchema": True}, "inputSchema is not an object"),
        ("tools", {**TOOL, "name": 5}, "name is not text"),
        ("tools", {**TOOL, "description": ["x"]}, "description is not text"),
        ("tools", {**TOOL, "annotations": {"readOnlyHint": 1}}, "annotations.readOnlyHint is not true or false"),
        ("tools", {**TOOL, "icons": {}}, "icons is not a list"),
        ("prompts", {"name": "a", "arguments": [{"name": "x", "required": True}]}, ""),
        ("prompts", {"name": "a", "arguments": [{"name": 1}]}, "arguments.0.name is not text"),
        ("prompts", {"name": "a", "arguments": ["x"]}, "arguments.0 is no object"),
        ("resources", {"uri": "a://b", "size": 5}, ""),
        ("resources", {"uri": "a://b", "size": True}, "size is not a number"),
        ("resources", {"name": "a"}, "uri is missing"),
        ("resourceTemplates", {"uriTemplate": "a://{b}", "name": "x"}, ""),
        ("resourceTemplates", {"uri": "a://{b}"}, "uriTemplate is missing"),
    ],
)
def test_shapes(key: str, item: object, wrong: str) -> None:
    assert wrong_shape(key, item) == wrong  # type: ignore[arg-type]
