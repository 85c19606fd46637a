"""rules.transport: fields of an entry to hits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_audit_gate.model import Entry, Hit, Place
from mcp_audit_gate.rules import transport
from mcp_audit_gate.sources.entries import extract
from mcp_audit_gate.sources.match import row_of
from mcp_audit_gate.sources.parse import parse

BY_ID = {rule.info.id: rule for rule in transport.RULES}


def entry(*words: str, path: str = ".mcp.json", **fields: Any) -> Entry:
    """The one entry of a config: command and arguments, then whatever else it says."""
    value = {**({"command": words[0], "args": list(words[1:])} if words else {}), **fields}
    row = row_of(path)
    assert row
    (found,) = extract(parse(path, json.dumps({"mcpServers": {"x": value}}).encode(), row.syntax), row).entries
    return found


def places(rule: str, about: Entry) -> list[str]:
    """Pointers of the hits, below the entry."""
    return ["/".join(map(str, hit.place.pointer[len(about.pointer) :])) for hit in hits(rule, about) if isinstance(hit.place, Place)]


def hits(rule: str, about: Entry) -> list[Hit]:
    return list(BY_ID[rule].check(about))


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (entry(url="http://mcp.example.com/v1"), ["url"]),
        (entry(url="WS://mcp.example.com/v1"), ["url"]),
        (entry("npx", "-y", "mcp-remote@0.1.37", "http://mcp.example.com/sse"), ["args/2"]),
        (entry("uvx", "--from", "git+http://git.example.net/acme/docs", "docs-mcp"), ["args/1"]),
        (entry("npx", "-y", "http://cdn.example.com/docs.tgz"), ["args/1"]),
        (entry("npx", "-y", "--registry", "http://npm.example.net/", "@acme/docs@1.0.0"), ["args/2"]),
        (entry("npx", "-y", "--registry=http://npm.example.net/", "@acme/docs@1.0.0"), ["args/1"]),
        (entry("uvx", "--index", "acme=http://pypi.example.net/simple", "acme==1.0.0"), ["args/1"]),
        (entry("uvx", "acme==1.0.0", env={"UV_INDEX_URL": "http://pypi.example.net/simple"}), ["env/UV_INDEX_URL"]),
        (entry(url="http://${HOST:-mcp.example.com}/v1"), ["url"]),
        (entry(url="https://mcp.example.com/v1"), []),
        (entry(url="http://localhost:8931/mcp"), []),
        (entry(url="http://[::1]:8931/mcp"), []),
        (entry(url="http://jenkins:8080/mcp"), []),
        (entry(url="http://${input:host}/mcp"), []),
        (entry(url="http://169.254.169.254/"), []),
        (entry("npx", "-y", "@acme/docs@1.0.0", env={"SONARQUBE_URL": "http://sonar.example.com:9000"}), []),
        (entry("docker", "run", "-i", "-f", "http://x.example.com", "acme/box"), []),
    ],
)
def test_plain_http(about: Entry, expected: list[str]) -> None:
    assert places("plain-http", about) == expected


def test_plain_http_tells_of_a_credential_header() -> None:
    found = hits("plain-http", entry(url="http://mcp.example.com/v1", headers={"Authorization": "Bearer ${T}"}))
    assert "credential header" in found[0].message
    assert "Bearer" not in found[0].message
    found = hits("plain-http", entry("npx", "mcp-remote", "http://mcp.example.com/v1", "--header", "X-Api-Key: abc"))
    assert "credential header" in found[0].message
    assert "abc" not in found[0].message


def test_plain_http_shows_no_user_and_no_query() -> None:
    found = hits("plain-http", entry(url="http://me:hunter2@mcp.example.com/v1?key=hunter3"))
    assert "hunter" not in found[0].message + found[0].value
