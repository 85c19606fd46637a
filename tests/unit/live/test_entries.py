"""An entry goes into any JSON text a client reads, and out of it again, and every other character stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.live.entries import added, entry_in, removed
from mcp_audit_gate.sources.jsonc import read

ENTRY = {"command": "/opt/bin/mcp-audit", "args": ["serve"]}
SECTION, NAME = "mcpServers", "mcp-audit"

BLANKS = st.sampled_from(["", " ", "\n", "\n  ", "\r\n\t", " // note }\n", "/* , { */", '\n    // "x": {\n  '])
SCALARS = st.sampled_from(["1", "true", "null", '"a, } // no comment"', '"\\" é"', "-1.5e3", "[1, 2]", "{}", "[ ]"])
KEYS = st.sampled_from(["a", "b c", "é", "mcp", "x\\u0041", "//"])


@st.composite
def objects(draw, fixed: tuple[tuple[str, str], ...] = ()) -> str:
    """An object with comments and blanks wherever they may stand, perhaps a trailing comma, and these members among its own."""
    keys = draw(st.lists(KEYS, unique=True, max_size=3))
    members = [(f'"{key}"', draw(SCALARS)) for key in keys] + [(f'"{key}"', value) for key, value in fixed]
    members = draw(st.permutations(members))
    text = ",".join(f"{draw(BLANKS)}{key}{draw(BLANKS)}:{draw(BLANKS)}{value}{draw(BLANKS)}" for key, value in members)
    comma = "," + draw(BLANKS) if members and draw(st.booleans()) else ""
    return "{" + (text or draw(BLANKS)) + comma + "}"


@st.composite
def configs(draw) -> str:
    section = ((SECTION, draw(objects())),) if draw(st.booleans()) else ()
    return draw(BLANKS) + draw(objects(section)) + draw(BLANKS)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs())
def test_in_and_out_gives_the_text_that_was_there(text):
    value = read(text, 64)[0]
    there = added(text, SECTION, NAME, ENTRY)
    assert read(there, 64)[0] == {**value, SECTION: {**value.get(SECTION, {}), NAME: ENTRY}}
    assert list(read(there, 64)[0].get(SECTION))[:-1] == list(value.get(SECTION, {}))
    assert entry_in(there, SECTION, NAME) == ENTRY
    assert removed(there, SECTION, NAME) == text


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs(), st.sampled_from(["aaa", "other"]))
def test_out_leaves_what_others_added_meanwhile(text, other):
    there = added(added(text, SECTION, NAME, ENTRY), SECTION, other, {"command": "x"})
    value = read(text, 64)[0]
    assert read(removed(there, SECTION, NAME), 64)[0] == {**value, SECTION: {**value.get(SECTION, {}), other: {"command": "x"}}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{"mcpServers": { "mcp-audit": {"command": "x"} }}'),
        ('{"mcpServers": {}}', '{"mcpServers": {"mcp-audit": {"command": "x"}}}'),
        (
            '{\n  "mcpServers": {\n    "a": {} // mine\n  }\n}\n',
            '{\n  "mcpServers": {\n    "a": {}, // mine\n    "mcp-audit": {\n      "command": "x"\n    }\n  }\n}\n',
        ),
        ('{\r\n\t"a": 1,\r\n}', '{\r\n\t"a": 1,\r\n\t"mcpServers": {\r\n\t\t"mcp-audit": {\r\n\t\t\t"command": "x"\r\n\t\t}\r\n\t},\r\n}'),
    ],
)
def test_the_layout_of_the_file_is_taken_on(before, after):
    assert added(before, SECTION, NAME, {"command": "x"}) == after


@pytest.mark.parametrize(
    "text",
    ["", "  ", "[]", "{", '{"mcpServers": []}', '{"mcpServers": null}', '{"mcpServers": {}, "mcpServers": {}}', '{"mcpServers": {"mcp-audit": 1}}'],
)
def test_what_cannot_be_edited_safely_is_refused(text):
    with pytest.raises(Unreadable):
        added(text, SECTION, NAME, ENTRY)


def test_an_entry_that_stands_twice_is_refused():
    with pytest.raises(Unreadable, match="more than once"):
        entry_in(json.dumps({SECTION: {NAME: {}}}).replace("{}", '{}, "mcp-audit": {}'), SECTION, NAME)
