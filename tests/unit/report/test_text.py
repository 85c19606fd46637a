from __future__ import annotations


def test_a_finding_has_message_place_source_and_caret(make):
    lines = make.written("text").split("\n")
    at = lines.index("  --> .mcp.json:3:38")
    assert lines[at - 1] == 'error[plain-http]: server "alpha" has plain-http'
    assert lines[at + 1] == ' 3 |     "alpha": {"type": "http", "url": "http://mcp.example.com/alpha"},'
    assert lines[at + 2] == "   |" + " " * 38 + "^" * 30
    assert lines[at + 3 : at + 5] == ["  = fix: mend plain-http", "  = mcp-audit explain plain-http"]
