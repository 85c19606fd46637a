"""What the declarations of tools and resources say that they can do."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_audit_gate.metadata import surface as surfaces
from mcp_audit_gate.metadata.surface import name_words, of_surface
from mcp_audit_gate.model import Surface


def tool(name: str, description: str = "", *parameters: str, **more: object) -> dict:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}, **more}


def said(*tools: dict, **surface: tuple[dict, ...]) -> dict[str, dict[str, str]]:
    """Capabilities and their confidence by subject, without weak ones."""
    found: dict[str, dict[str, str]] = {}
    for item in of_surface(Surface(tools=tools, **surface)):
        assert item.evidence
        if item.confidence != "low":
            found.setdefault(item.subject, {})[item.capability] = item.confidence
    return found


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (tool("read_file", "Reads a file from the disk.", "path"), {"file_read"}),
        (tool("readTextFile", "Returns the text of a file.", "filePath"), {"file_read"}),
        (tool("write_file", "Writes text to a file.", "path", "content"), {"file_write"}),
        (tool("delete_file", "Deletes a file.", "path"), {"destructive"}),
        (tool("run_command", "Runs a shell command.", "command"), {"shell_execution"}),
        (tool("fetch_page", "Fetches a web page.", "url"), {"network"}),
        (tool("send_email", "Sends an email.", "to", "subject", "body"), {"network", "exfiltration"}),
        (tool("drop_table", "Drops a table of the database.", "table"), {"destructive"}),
        (tool("drop_it", "This cannot be undone. It permanently erases everything."), {"destructive"}),
        (tool("run_snippet", "Runs code.", "code"), {"shell_execution"}),
        (tool("git_push", "Pushes commits to the remote repository.", "remote"), {"network", "exfiltration"}),
        (tool("manage_rules", "Create, update, and delete rules.", "operation"), {"destructive"}),
        (tool("add", "Adds two numbers.", "a", "b"), set()),
        (tool("list_deleted", "Lists what was deleted before."), set()),
        (tool("get_current_directory", "Gets the current working directory."), set()),
        (tool("generate_uuid", "Generates a random identifier."), set()),
        (tool("drag", "Perform drag and drop between two elements.", "from", "to"), set()),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_capabilities_of_a_tool(definition: dict, expected: set[str]) -> None:
    assert set(said(definition).get(f"tool:{definition['name']}", {})) == expected


def test_a_hint_adds_and_never_takes_away() -> None:
    assert said(tool("delete_page", "Deletes a page of the wiki.", "page", annotations={"readOnlyHint": True, "destructiveHint": False})) == said(
        tool("delete_page", "Deletes a page of the wiki.", "page")
    )
    deletes = said(tool("delete_page", "Deletes a page.", annotations={"destructiveHint": True}))
    assert deletes == {"tool:delete_page": {"destructive": "declared"}}
    assert said(tool("read_page", "Reads a page.", annotations={"destructiveHint": True})) == {}, "the default of the protocol, and nothing beside it"
    open_world = said(tool("lookup", "Looks a word up.", annotations={"openWorldHint": True}))
    assert open_world == {"tool:lookup": {"network": "declared"}}


def test_a_prefix_of_the_server_is_no_verb_and_no_object() -> None:
    names = ("list", "remove", "stop")
    found = said(*(tool(f"file_{name}", f"{name.title()} a timer.") for name in names))
    assert found == {}


def test_tools_of_a_service_on_the_network_leave_the_machine() -> None:
    tools = [tool(f"get_{name}", f"Gets {name} through the REST API.") for name in ("orders", "positions")]
    assert said(*tools, tool("get_margin", "Gets the margin, from the API."))["tool:get_margin"]["network"] in ("medium", "high")


def test_resources_are_read_by_their_address() -> None:
    found = said(
        resources=({"uri": "file:///etc/hosts", "name": "hosts"}, {"uri": "note://1", "name": "n"}),
        resource_templates=({"uriTemplate": "https://x.example/{id}"},),
    )
    assert found == {"resource:file:///etc/hosts": {"file_read": "declared"}, "template:https://x.example/{id}": {"network": "declared"}}


def test_what_is_not_as_the_protocol_says_is_no_crash() -> None:
    odd = ({"name": 3, "description": ["x"], "inputSchema": "y", "annotations": []}, {}, {"name": "", "inputSchema": {"properties": [1]}})
    assert of_surface(Surface(tools=odd)) == ()


@given(st.text("aB.!? \n\t\u00a0\u3000é", max_size=30))
@example("Reads. Writes")
@example("Why? Reads! ")
def test_the_first_sentence_is_the_same_without_an_expression(text: str) -> None:
    cut = re.search(r"[.!?](?=\s)|\n\s*\n", text)
    assert surfaces._first_sentence(text) == (text[: cut.start()] if cut else text)


@given(st.text("aZ7_- .éß²", max_size=20))
@example("read_file_2")
@example("-_read--file_")
def test_words_of_a_name_are_the_same_without_an_expression(name: str) -> None:
    assert name_words(name) == tuple(part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name))
