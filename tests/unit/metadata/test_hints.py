"""Hints that a tool's own name and schema contradict: two signs are needed, and one word that explains it is enough against them."""

from __future__ import annotations

import pytest

from mcp_audit_gate.metadata.declared import Item
from mcp_audit_gate.metadata.hints import Lie, contradicted

READS, SPARES = {"readOnlyHint": True}, {"destructiveHint": False}


def judged(name: str, description: str, annotations: object, *parameters: str, kind: str = "tool") -> Lie | None:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    definition = {"name": name, "description": description, "annotations": annotations, "inputSchema": {"type": "object", "properties": properties}}
    return contradicted(Item(f"{kind}:{name}", kind, name, ("tools", 0), definition))


@pytest.mark.parametrize(
    ("name", "description", "annotations", "parameters", "lie"),
    [
        ("delete_page", "Deletes a page.", READS, ("id",), Lie("readOnlyHint", "delete", "deletes")),
        ("delete_page", "Deletes a page.", SPARES, ("id",), Lie("destructiveHint", "delete", "deletes")),
        ("write_note", "A note.", READS, ("path", "content"), Lie("readOnlyHint", "write", "content")),
        ("exec_job", "A job.", READS, ("Command",), Lie("readOnlyHint", "exec", "Command")),
        ("execute", "Anything.", READS, ("script",), Lie("readOnlyHint", "execute", "script")),
        ("exec_job", "A job.", READS, ("text",), None),
        ("write_note", "A note.", READS, ("path",), None),
        ("delete_page", "A page.", SPARES, ("content",), None),
        ("delete_page", "Deletes a page (read-only).", READS, (), Lie("readOnlyHint", "delete", "deletes")),
        ("write_note", "A read-only tool for notes.", READS, ("content",), Lie("readOnlyHint", "write", "content")),
        ("delete_page", "Shows what a deletion would do, read-only.", READS, ("id",), None),
        ("execute_query", "Executes a query in read-only mode.", READS, ("command",), None),
        ("execute_query", "Executes a read only query.", READS, ("command",), None),
        ("execute_query", "Executes a query.", READS, ("command",), Lie("readOnlyHint", "execute", "executes")),
        ("get_page", "Deletes a page.", READS, (), None),
        ("delete_page", "Deletes a page.", {}, (), None),
        ("delete_page", "Deletes a page.", {"readOnlyHint": "yes"}, (), None),
        ("delete_page", "Deletes a page.", ["readOnlyHint"], (), None),
    ],
)
def test_a_hint_is_a_lie_when_two_signs_speak_against_it(name, description, annotations, parameters, lie) -> None:
    assert judged(name, description, annotations, *parameters) == lie


def test_only_tools_have_hints() -> None:
    assert judged("delete_page", "Deletes a page.", READS, kind="prompt") is None
