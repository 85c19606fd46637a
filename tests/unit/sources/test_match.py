from __future__ import annotations

import pytest

from mcp_audit_gate.sources.clients import ROWS
from mcp_audit_gate.sources.discover import excluded
from mcp_audit_gate.sources.match import Folder, best, leads_to_config


def row_of(path, beside=False):
    *folders, name = path.split("/")
    pattern = best(pattern for pattern in Folder(tuple(folders)).patterns(name) if beside or not pattern.row.beside)
    return pattern.row if pattern else None


PATHS = [
    (".mcp.json", "claude-code"),
    ("a/b/.MCP.json", "claude-code"),
    (".cursor/mcp.json", "cursor"),
    ("x/.Cursor/MCP.JSON", "cursor"),
    (".vscode/mcp.json", "vscode"),
    (".vscode/settings.json", "vscode-settings"),
    ("team.code-workspace", "vscode-settings"),
    (".codex/config.toml", "codex"),
    ("config.toml", "openhands"),
    (".continue/mcpServers/a.yaml", "continue"),
    (".claude/agents/deep/x.md", "claude-agent"),
    (".github/agents/fix.md", "copilot-agent"),
    ("docs/fix.agent.md", "copilot-agent"),
    ("samples/claude_desktop_config.json", "claude-desktop"),
    ("samples/claude_desktop_config.windows.json", "claude-desktop"),
    ("powers/x/mcp.json", "kiro"),
    ("servers/x/server.yaml", "docker-registry"),
    ("config/mcporter.jsonc", "mcporter"),
    (".amazonq/cli-agents/x.json", "amazon-q"),
    (".takt/workflows/deep/x.yaml", "takt"),
]


@pytest.mark.parametrize(("path", "client"), PATHS)
def test_paths_that_clients_read(path, client) -> None:
    row = row_of(path)
    assert row is not None
    assert row.client == client


@pytest.mark.parametrize(
    "path",
    [
        "package.json",
        "mcp.json.md",
        ".mcp.json.txt",
        "cursor/mcp.json",
        ".cursor/x/mcp.json",
        ".continue/mcpServers/x/a.yaml",
        "agents.md",
        "README.md",
        "a.yaml",
        ".vscode/tasks.json",
    ],
)
def test_paths_that_no_client_reads(path) -> None:
    assert row_of(path) is None


def test_every_row_is_found_by_a_path_of_its_own() -> None:
    for row in ROWS:
        for pattern in row.paths:
            path = pattern.replace("**/", "deep/er/").replace("*", "name")
            found = row_of(path, beside=True)
            assert found is not None, path
            assert found.client == row.client or row.beside or row.free, path


def test_folders_of_clients() -> None:
    assert all(
        leads_to_config(tuple(path.split("/"))) for path in (".cursor", "a/.Cursor", ".vscode", ".continue", ".continue/mcpServers", ".kiro/Settings")
    )
    assert not any(
        leads_to_config(tuple(path.split("/"))) for path in ("cursor", ".git", "servers", ".hidden", ".cursor/rules", "settings", ".hidden/agents")
    )


@pytest.mark.parametrize(
    ("path", "glob", "covered"),
    [
        ("tests/fixtures/a/.mcp.json", "tests/fixtures/**", True),
        ("tests/fixtures/.mcp.json", "tests/fixtures/**", True),
        ("tests/.mcp.json", "tests/fixtures/**", False),
        ("x/tests/fixtures/.mcp.json", "tests/fixtures/**", False),
        ("x/tests/fixtures/.mcp.json", "**/fixtures/**", True),
        (".mcp.json", "*", True),
        ("a/.mcp.json", "*", False),
        ("a/.mcp.json", "**/*.json", True),
        ("a/b/.mcp.json", "a/*/.mcp.json", True),
        ("Tests/Fixtures/x", "tests/fixtures/**", True),
        ("a/.mcp.json", "a", False),
    ],
)
def test_exclusion(path, glob, covered) -> None:
    assert excluded(path, (glob,)) is covered
