"""Written launches: whose code they start, which version, and what is only another spelling."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_audit_gate.lock.launches import IDENTITY, OTHER, VERSION, difference, identity, version

DIGEST = "sha256:" + "0" * 64


def run(*words: str, **more: Any) -> dict[str, Any]:
    return {"transport": "stdio", "command": words[0], "args": list(words[1:]), **more}


def at(url: str, **more: Any) -> dict[str, Any]:
    return {"transport": "http", "url": url, **more}


@pytest.mark.parametrize(
    ("launch", "who", "which"),
    [
        (run("npx", "-y", "@acme/files@1.2.3", "."), ("npm package @acme/files",), "1.2.3"),
        (run("cmd", "/c", "npx", "-y", "@acme/files@1.2.3"), ("npm package @acme/files",), "1.2.3"),
        (run("npx", "github:acme/files#abc"), ("npm package github:acme/files",), "abc"),
        (run("uvx", "Acme_Files==1.0"), ("pypi package acme-files",), "1.0"),
        (run("uvx", "--from", "git+https://github.com/acme/files@v1", "files"), ("pypi package https://github.com/acme/files",), "v1"),
        (run("uvx", "--with", "extra==2", "files==1"), ("pypi package extra", "pypi package files"), "2 1"),
        (run("npx", "git+ssh://git@github.com/acme/Files.git#v2"), ("npm package ssh://github.com/acme/files",), "v2"),
        (
            run("npx", "-y", "https://npm.example.com/@acme/files/-/files-1.0.0.tgz"),
            ("npm package https://npm.example.com/@acme/files/-/files-1.0.0.tgz",),
            "",
        ),
        (run("uvx", "--from", "https://u:p@X.example/p@1/A.whl", "a"), ("pypi package https://x.example/p@1/A.whl",), ""),
        (run("uvx", "--from", "git+https://github.com/acme/files@feature/x", "files"), ("pypi package https://github.com/acme/files",), "feature/x"),
        (run("dnx", "Acme.Files@1.0"), ("nuget package acme.files",), "1.0"),
        (run("docker", "run", "-i", f"docker.io/mcp/time:1@{DIGEST}"), ("image mcp/time",), f"1@{DIGEST}"),
        (run("docker", "run", "docker.io/library/redis:7"), ("image redis",), "7"),
        (run("python3", "-c", "print(1)"), ("program python3", "code print(1)"), ""),
        (run("bash", "-c", "a; ./b"), ("program bash", "commands a; ./b"), ""),
        (run("node", "./tools/server.js"), ("program node", "script tools/server.js"), ""),
        (run("python3", "-m", "acme.files"), ("program python3", "module acme.files"), ""),
        (run("/opt/acme/bin/files"), ("program files", "script /opt/acme/bin/files"), ""),
        (run("npx", "mcp-remote@1.0.0", "https://a.example/sse"), ("host a.example", "npm package mcp-remote"), "1.0.0"),
        (at("https://MCP.example.com:443/mcp"), ("host mcp.example.com",), ""),
        (at("${URL}"), ("host ${URL}",), ""),
        ({}, ("program ",), ""),
    ],
)
def test_identity_and_version(launch: dict[str, Any], who: tuple[str, ...], which: str) -> None:
    assert (identity(launch), version(launch)) == (who, which)


A = run("npx", "-y", "@acme/files@1.2.3", "./docs", env={"LOG": "info"})


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        (A, run("npx", "-y", "@evil/files@1.2.3", "./docs"), IDENTITY, "starts npm package @evil/files instead of npm package @acme/files"),
        (A, run("uvx", "files==1"), IDENTITY, "starts pypi package files instead of npm package @acme/files"),
        (A, at("https://a.example"), IDENTITY, "starts host a.example instead of npm package @acme/files"),
        (at("https://a.example"), at("https://b.example"), IDENTITY, "reaches host b.example instead of host a.example"),
        (run("node", "a.js"), run("node", "b.js"), IDENTITY, None),
        (run("node", "a.js"), run("./node", "a.js"), IDENTITY, "starts program ./node, script a.js instead of program node, script a.js"),
        (run("acme-server"), run(".\\acme-server"), IDENTITY, None),
        (run("env", "A=b", "node", "a.js"), run("env", "A=b", "./node", "a.js"), IDENTITY, None),
        (run("npx", "-y", "a@1"), run("./npx", "-y", "a@1"), IDENTITY, "starts npm package a, program ./npx instead of npm package a"),
        (run("python", "-c", "import a"), run("python", "-c", "import b"), IDENTITY, None),
        (run("sh", "-c", "a && b"), run("sh", "-c", "a && c"), IDENTITY, None),
        (run("uvx", "files==1"), run("uvx", "--with", "evil", "files==1"), IDENTITY, None),
        (A, {**A, "args": ["-y", "@acme/files@1.2.4", "./docs"]}, VERSION, "version 1.2.4 instead of 1.2.3"),
        (A, {**A, "args": ["-y", "@acme/files", "./docs"]}, VERSION, "version not given instead of 1.2.3"),
        (run("docker", "run", f"a/b@{DIGEST}"), run("docker", "run", f"a/b@{DIGEST[:-1]}1"), VERSION, None),
        (run("npx", "github:a/b#1"), run("npx", "github:a/b#2"), VERSION, None),
        (A, {**A, "args": ["-y", "@acme/files@1.2.3", "/"]}, OTHER, "differs in arguments"),
        (A, {**A, "args": ["-y", "@acme/files@1.2.3", "../docs"]}, OTHER, "differs in arguments"),
        (A, {**A, "env": {"LOG": "debug"}}, OTHER, "differs in variable LOG"),
        (A, {**A, "env": {"LOG": "info", "NODE_OPTIONS": "-r x"}}, OTHER, "differs in variable NODE_OPTIONS"),
        (A, {**A, "cwd": "x", "args": ["@acme/files@2", "-x"]}, OTHER, "differs in arguments, working directory"),
        (at("https://a.example/1"), at("https://a.example/2"), OTHER, "differs in address"),
        (at("https://a.example"), at("http://a.example"), OTHER, "differs in address"),
        (at("https://a.example"), at("https://a.example", headers={"X": "1"}), OTHER, "differs in header X"),
    ],
)
def test_difference(old: dict[str, Any], new: dict[str, Any], kind: str, words: str | None) -> None:
    found = difference(old, new)
    assert found is not None
    assert found.kind == kind
    assert words is None or found.words == words
    back = difference(new, old)
    assert back is not None
    assert back.kind == kind


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (A, dict(reversed(A.items()))),
        (A, {**A, "args": ["@acme/files@1.2.3", "docs/"]}),
        (A, {**A, "args": ["--yes", "@acme/files@1.2.3", ".//docs"]}),
        (A, {**A, "package": "npm:@acme/files@1.2.3"}),
        (run("node", "./a.js"), run("node", "a.js")),
        (run("node", "tools\\a.js"), run("node", "tools/a.js")),
        (run("a", cwd="./x"), run("a", cwd="x/")),
        (run("uvx", "a_b==1"), run("uvx", "A-b==1")),
    ],
)
def test_another_spelling_is_no_difference(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert difference(old, new) is None
    assert difference(new, old) is None
