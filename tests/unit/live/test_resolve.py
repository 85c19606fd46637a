"""Entries of configs become targets with the true values of this run."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mcp_audit_gate import gate
from mcp_audit_gate.live.observation import Target
from mcp_audit_gate.live.resolve import target
from mcp_audit_gate.lock.match import match
from mcp_audit_gate.policy import load
from mcp_audit_gate.sources.discover import WorkingTree

SECRET = "".join(("hunter", "-", "2-hunter"))
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
ENVIRON = {"TOKEN": SECRET, "HOME": "/home/me", "DIR": "/data/somewhere"}


def resolved(folder: Path, entry: dict[str, Any], path: str = ".mcp.json", text: str = "") -> Target:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text or json.dumps({"mcpServers": {"x": entry}}), "utf-8")
    tree = WorkingTree(str(folder))
    reading = gate.read(tree, (str(folder),), frozenset(), load.preset("default", date(2026, 1, 1)))
    (item,) = match(reading.context.entries, None, tree, str(folder))
    return target(item, str(folder), ENVIRON)


def test_a_program(tmp_path: Path) -> None:
    entry = {"command": "${BIN:-npx}", "args": ["-y", "a@1.0.0", "${DIR}"], "env": {"KEY": "${TOKEN}", "LOG": "info"}}
    assert tuple(resolved(tmp_path, entry)) == tuple(
        Target("x", "stdio", "npx", ("-y", "a@1.0.0", "/data/somewhere"), {"KEY": SECRET, "LOG": "info"}, cwd=str(tmp_path), secrets=(SECRET,))
    )


def test_an_address(tmp_path: Path) -> None:
    made = resolved(tmp_path, {"type": "sse", "url": "https://a.example/sse?key=${TOKEN}", "headers": {"Authorization": "Bearer ${TOKEN}"}})
    assert (made.transport, made.url, made.headers) == ("sse", f"https://a.example/sse?key={SECRET}", {"Authorization": f"Bearer {SECRET}"})


@pytest.mark.parametrize(
    ("entry", "transport"),
    [
        ({"url": "https://a.example/mcp"}, ""),
        ({"type": "http", "url": "https://a.example/mcp"}, "http"),
        ({"transport": {"type": "sse", "url": "https://a.example/sse"}}, "sse"),
        ({"url": "wss://a.example/"}, "ws"),
    ],
)
def test_the_kind_of_an_address_is_only_known_when_it_is_written(tmp_path: Path, entry: dict[str, Any], transport: str) -> None:
    assert resolved(tmp_path, entry).transport == transport


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"command": "run", "env": {"A": "${NONE}"}}, "NONE is not set in the environment; set it for this run"),
        ({"url": "https://a.example/${NONE}"}, "NONE is not set"),
        ({"type": "http", "command": "run"}, "the entry names neither a program nor an address; write its command or its url"),
        ({"command": "run", "args": ["${input:key}"]}, "only its client can fill in ${input:key}"),
    ],
)
def test_what_cannot_be_filled_in_is_a_failure(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    assert said in str(resolved(tmp_path, entry).failure)


def test_the_folder_it_starts_in(tmp_path: Path) -> None:
    assert resolved(tmp_path, {"command": "run", "cwd": "sub"}).cwd == str(tmp_path / "sub")
    assert resolved(tmp_path, {"command": "run", "cwd": "${workspaceFolder}/x"}).cwd == str(tmp_path / "x")


def test_without_a_folder_of_its_own_it_starts_in_the_root(tmp_path: Path) -> None:
    assert resolved(tmp_path, {"command": "run"}, "sub/.mcp.json").cwd == str(tmp_path)


def test_literal_credentials_are_secrets_of_the_run(tmp_path: Path) -> None:
    entry = {"command": "run", "args": [f"--token={GITHUB}", "plain"], "env": {"API_KEY": SECRET, "LOG": "info"}}
    assert set(resolved(tmp_path, entry).secrets) == {GITHUB, SECRET}
    assert resolved(tmp_path, {"type": "http", "url": f"https://me:{SECRET}@a.example/"}).secrets != ()


def test_codex_names_variables(tmp_path: Path) -> None:
    text = '[mcp_servers.x]\nurl = "https://a.example/"\nbearer_token_env_var = "TOKEN"\nenv_http_headers = { X-Dir = "DIR" }\n'
    made = resolved(tmp_path, {}, ".codex/config.toml", text)
    assert made.headers == {"X-Dir": "/data/somewhere", "Authorization": f"Bearer {SECRET}"}
    text = '[mcp_servers.x]\ncommand = "run"\nenv_vars = ["TOKEN", "NONE"]\n'
    assert resolved(tmp_path, {}, ".codex/config.toml", text).env == {"TOKEN": SECRET}
