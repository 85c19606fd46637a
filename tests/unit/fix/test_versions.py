"""How an exact version is written, and where none is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .test_plan import lock, planned, save

DIGEST = "sha256:" + "0f" * 32
COMMIT = "0f" * 20


@pytest.mark.parametrize(
    ("line", "resolved", "wanted"),
    [
        (["npx", "-y", "@acme/a"], "1.2.3", "@acme/a@1.2.3"),
        (["npx", "-y", "@acme/a@latest"], "1.2.3-rc.1", "@acme/a@1.2.3-rc.1"),
        (["npx", "a@^1.0.0"], "1.2.3", "a@1.2.3"),
        (["npx", "--package=a", "run-a"], "1.2.3", "--package=a@1.2.3"),
        (["bunx", "a"], "1.2.3", "a@1.2.3"),
        (["pnpm", "dlx", "a"], "1.2.3", "a@1.2.3"),
        (["cmd", "/c", "npx", "-y", "a"], "1.2.3", "a@1.2.3"),
        (["npx -y a"], "1.2.3", "npx -y a@1.2.3"),
        (["uvx", "a"], "1.2", "a@1.2"),
        (["uvx", "a@latest"], "1.2.3", "a@1.2.3"),
        (["uvx", "--from", "a>=1", "b"], "1.2.3", "a==1.2.3"),
        (["uvx", "--from=a", "b"], "1.2.3", "--from=a==1.2.3"),
        (["uvx", "a[x]"], "1.2.3", None),
        (["pipx", "run", "a"], "1.2.3", "a==1.2.3"),
        (["dnx", "Acme.Tool"], "1.2.3", "Acme.Tool@1.2.3"),
        (["go", "run", "example.com/a@latest"], "v1.2.3", "example.com/a@v1.2.3"),
        (["go", "run", "example.com/a@latest"], "1.2.3", None),
        (["deno", "run", "npm:@acme/a"], "1.2.3", "npm:@acme/a@1.2.3"),
        (["docker", "run", "-i", "acme/a"], DIGEST, f"acme/a@{DIGEST}"),
        (["docker", "run", "-i", "acme/a:1.2.3"], DIGEST, f"acme/a:1.2.3@{DIGEST}"),
        (["docker", "run", "-i", "acme/a:latest"], "1.2.3", None),
        (["npx", "-p", "a", "-p", "b", "run"], "1.2.3", None),
        (["npx", "${NAME:-a}"], "1.2.3", None),
        (["npx", "github:acme/a"], COMMIT, None),
        (["uvx", "--from", "git+https://github.com/acme/a", "a"], COMMIT, None),
        (["npx", "alias@npm:a@latest"], "1.2.3", None),
        (["npx", "a"], "1", None),
        (["npx", "a"], "1.x", None),
        (["uvx", "a"], "==1.2", None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_version_is_written_as_the_runner_takes_it(tmp_path: Path, line: list[str], resolved: str, wanted: str | None) -> None:
    (tmp_path / ".git").mkdir()
    config = {"mcpServers": {"a": {"command": line[0], "args": line[1:]}}}
    (tmp_path / ".mcp.json").write_text(json.dumps(config))
    lock(tmp_path, {(".mcp.json", "a"): resolved})
    save(planned(tmp_path), str(tmp_path))
    after = json.loads((tmp_path / ".mcp.json").read_text())["mcpServers"]["a"]
    words = [after["command"], *after["args"]]
    assert len(words) == len(line)
    assert [new for new, old in zip(words, line) if new != old] == ([wanted] if wanted else [])


def test_a_catalogue_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    text = json.dumps({"name": "x", "packages": [{"registryType": "npm", "identifier": "@acme/a", "transport": {"type": "stdio"}}]})
    (tmp_path / "server.json").write_text(text)
    lock(tmp_path, {})
    data = (tmp_path / "mcp-audit.lock.json").read_text().replace('"launch": {', '"resolved": "1.2.3",\n      "launch": {')
    (tmp_path / "mcp-audit.lock.json").write_text(data)
    save(planned(tmp_path), str(tmp_path))
    assert (tmp_path / "server.json").read_text() == text
