"""Which files of the repository a launch runs, and what its pin records of how it is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_audit_gate.live.consent import hides
from mcp_audit_gate.lock.match import match
from mcp_audit_gate.policy import load
from mcp_audit_gate.reading import read
from mcp_audit_gate.sources.discover import WorkingTree

FILES = (
    "tools/server.js", "tools/hook.mjs", "tools/bin/thing", "server.py", "run.sh", "a.ps1", "package.json", "Makefile", "pyproject.toml", "deno.json",
    "docker-compose.yml", "pkg/__init__.py", "pkg/__main__.py", "cmd/x/main.go", "data.json",
)  # fmt: skip


def matches(root: Path, value: dict[str, Any], path: str = ".mcp.json") -> Any:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(json.dumps({"mcpServers": {"one": value}}))
    tree = WorkingTree(str(root))
    return match(read(tree, (str(root),), frozenset(), load.built_in()).context.entries, None, tree, str(root), look=True)


def run(*words: str, **more: Any) -> dict[str, Any]:
    return {"command": words[0], "args": list(words[1:]), **more}


@pytest.mark.parametrize(
    ("value", "files"),
    [
        (run("node", "./tools/server.js", "data.json"), ["tools/server.js"]),
        (run("node", "tools/server"), ["tools/server.js"]),
        (run("node", "@ROOT@/tools/server.js"), ["tools/server.js"]),
        (run("node", "@ROOT@-other/server.js"), []),
        (run("node", "./tools"), []),
        (run("node", ".\\tools\\server.js"), ["tools/server.js"]),
        (run("node", "--import=./tools/hook.mjs", "tools/server.js"), ["tools/hook.mjs", "tools/server.js"]),
        (run("node", "--import", "${HOOK:-./tools/hook.mjs}", "tools/server.js"), ["tools/hook.mjs", "tools/server.js"]),
        (run("node", "tools/server.js", env={"NODE_OPTIONS": "--require ./tools/hook.mjs"}), ["tools/hook.mjs", "tools/server.js"]),
        (run("node", "-e", "require('./tools/server.js')"), ["tools/server.js"]),
        (run("node", "server.js", cwd="${FOLDER:-tools}"), ["tools/server.js"]),
        (run("bash", "-c", "cd tools && node server.js"), ["tools/server.js"]),
        (run("thing", env={"PATH": "./tools/bin:/usr/bin"}), ["tools/bin/thing"]),
        (run("thing", env={"PATH": "${workspaceFolder}/tools/bin:${PATH}"}), ["tools/bin/thing"]),
        (run("mcp-proxy", "node", "tools/server.js"), ["tools/server.js"]),
        (run("npx", "-y", "supergateway@1.0.0", "--stdio", "node tools/server.js"), ["tools/server.js"]),
        (run("fastmcp", "run", "server.py:app"), ["server.py"]),
        (run("uv", "run", "mcp", "run", "server.py"), ["server.py"]),
        (run("uv", "run", "server.py"), ["server.py"]),
        (run("uv", "run", "acme-server"), ["pyproject.toml"]),
        (run("uvx", "--from", ".", "acme-server"), ["pyproject.toml"]),
        (run("python", "-mpkg"), ["pkg/__init__.py", "pkg/__main__.py"]),
        (run("npm", "start"), ["package.json"]),
        (run("cmd", "/c", "npm", "run", "mcp"), ["package.json"]),
        (run("npx", "."), ["package.json"]),
        (run("npx", "-y", "@acme/docs@1.0.0"), []),
        (run("make", "mcp"), ["Makefile"]),
        (run("go", "run", "./cmd/x"), ["cmd/x/main.go"]),
        (run("docker", "compose", "run", "mcp"), ["docker-compose.yml"]),
        (run("docker", "run", "acme/python:1", "server.py"), []),
    ],
)
def test_files_that_a_launch_runs_are_found(tmp_path: Path, value: dict[str, Any], files: list[str]) -> None:
    [item] = matches(tmp_path, json.loads(json.dumps(value).replace("@ROOT@", str(tmp_path))))
    assert sorted(item.ran.files) == files


def test_a_plugin_runs_the_script_in_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "plugins/a").mkdir(parents=True)
    (tmp_path / "plugins/a/server.js").write_text("x")
    (tmp_path / "plugins/a/.claude-plugin").mkdir()
    (tmp_path / "plugins/a/.claude-plugin/plugin.json").write_text('{"name": "a"}')
    [item] = matches(tmp_path, run("node", "${CLAUDE_PLUGIN_ROOT}/server.js"), "plugins/a/.mcp.json")
    assert list(item.ran.files) == ["plugins/a/server.js"]


def test_variables_handed_on_by_name_are_part_of_the_launch(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex/config.toml").write_text(
        '[mcp_servers.a]\ncommand = "a"\nenv_vars = ["GITHUB_TOKEN"]\n'
        '[mcp_servers.b]\nurl = "https://b.example.com/mcp"\nbearer_token_env_var = "GITHUB_TOKEN"\nenv_http_headers = {X-A = "OTHER"}\n'
    )
    launches = {item.entry.name: item.launch for item in matches(tmp_path, run("npx", "."))}
    assert launches["a"]["env"] == {"GITHUB_TOKEN": None}
    assert launches["b"]["headers"] == {"Authorization": "Bearer ${GITHUB_TOKEN}", "X-A": "${OTHER}"}


KEY = "sk-" + "ant-api03-" + "Zk3Q9xL2vB7nM4tR8wY1cF6hJ5dS0gP" * 3


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        (run("sh", "-c", f"API_KEY={KEY} node tools/server.js"), "the program, script or package that it names"),
        (run("node", "tools/server.js", env={"NODE_OPTIONS": f"--title={KEY} --require ./tools/hook.mjs"}), "the variable NODE_OPTIONS"),
        ({"url": f"https://mcp.example.com/{KEY}/sse"}, "the path of its address"),
        ({"url": f"https://mcp.example.com/sse?api_key={KEY}"}, ""),
        ({"url": f"https://user:{KEY}@mcp.example.com/sse"}, ""),
        ({"url": "https://mcp.example.com/sse", "headers": {"Authorization": f"Bearer {KEY}"}}, ""),
        (run("npx", "-y", "@acme/docs@1.0.0", "--api-key", KEY), ""),
        (run("npx", "-y", "@acme/docs@1.0.0", env={"API_KEY": KEY}), ""),
    ],
)
def test_a_secret_hides_nothing_that_is_started(tmp_path: Path, value: dict[str, Any], hidden: str) -> None:
    [item] = matches(tmp_path, value)
    assert hides(item) == hidden
    assert KEY not in json.dumps(item.launch)
