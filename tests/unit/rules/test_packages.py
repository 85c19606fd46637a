from __future__ import annotations

import pytest

from mcp_audit_gate.model import Entry, Variable, Word
from mcp_audit_gate.rules import packages
from mcp_audit_gate.sources.launch import Fields, understand


class NoDocument:
    """Stands for the parsed file; a check never reads it."""

    path = ".mcp.json"
    text = ""
    data = b""


def entry(*words, env=(), name="docs", **fields):
    """An entry as sources would make it from `command` and `args`."""
    line = tuple(Word(word, ("args", number - 1) if number else ("command",)) for number, word in enumerate(words))
    variables = tuple(Variable(key, value, ("env", key)) for key, value in dict(env).items())
    launches = understand(Fields(line, env=variables, transport="stdio", **fields))
    return Entry(NoDocument(), "claude-code", name, "server", {}, ("mcpServers", name), (), launches)


def found(check, *words, **more):
    """(pointer below the entry, value) of every hit."""
    return [(hit.place.pointer[2:], hit.value) for hit in check(entry(*words, **more))]


def _spelled(value):
    return " ".join(value) if isinstance(value, tuple) else str(value)


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("words", "at"),
    [
        (("npx", "left-mcp"), 0),
        (("npx", "-y", "left-mcp"), 1),
        (("npx", "-y", "left-mcp@latest"), 1),
        (("npx", "-y", "left-mcp@next"), 1),
        (("npx", "-y", "left-mcp@beta"), 1),
        (("npx", "-y", "@acme/left-mcp@^1.4.0"), 1),
        (("npx", "-y", "@acme/left-mcp@~1.4"), 1),
        (("npx", "-y", "left-mcp@>=1"), 1),
        (("npx", "-y", "left-mcp@*"), 1),
        (("npx", "-y", "left-mcp@1.x"), 1),
        (("npx", "-y", "left-mcp@1"), 1),
        (("npx", "-y", "left-mcp@"), 1),
        (("npx", "-y", "left-mcp@${VERSION:-latest}"), 1),
        (("npx", "-p", "left-mcp", "left"), 1),
        (("npx", "--package=left-mcp", "left"), 0),
        (("npx", "-p", "left-mcp@1.0.0", "-p", "right-mcp", "left"), 3),
        (("npm", "exec", "--yes", "left-mcp"), 2),
        (("npm", "exec", "-y", "--", "left-mcp"), 3),
        (("npm", "x", "left-mcp"), 1),
        (("bunx", "left-mcp"), 0),
        (("bun", "x", "left-mcp"), 1),
        (("pnpm", "dlx", "left-mcp"), 1),
        (("pnpx", "left-mcp"), 0),
        (("yarn", "dlx", "left-mcp"), 1),
        (("npx", "-y", "github:acme/left-mcp"), 1),
        (("npx", "-y", "acme/left-mcp"), 1),
        (("npx", "-y", "github:acme/left-mcp#v1.2.3"), 1),
        (("npx", "-y", "left-mcp@git+https://git.example.net/acme/left.git"), 1),
        (("uvx", "left-mcp"), 0),
        (("uvx", "left-mcp@latest"), 0),
        (("uvx", "left-mcp[extra]"), 0),
        (("uvx", "--from", "left-mcp>=1.2", "left"), 1),
        (("uvx", "--from", "left-mcp==1.2.*", "left"), 1),
        (("uvx", "--python", "3.12", "left-mcp"), 2),
        (("uvx", "--from", "git+https://git.example.net/acme/left", "left"), 1),
        (("uvx", "--from", "git+https://git.example.net/acme/left@main", "left"), 1),
        (("uvx", "--from", "git+https://git.example.net/acme/left@0123456", "left"), 1),
        (("uv", "tool", "run", "left-mcp"), 2),
        (("uv", "run", "--with", "left-mcp", "left"), 2),
        (("uv", "run", "--with", "left-mcp==1.2.3,right-mcp", "left"), 2),
        (("pipx", "run", "left-mcp"), 1),
        (("pipx", "run", "--spec", "left-mcp", "left"), 2),
        (("dnx", "Acme.Left.Mcp"), 0),
        (("dnx", "Acme.Left.Mcp", "--yes"), 0),
        (("dnx", "Acme.Left.Mcp@1.*"), 0),
        (("deno", "run", "-A", "npm:left-mcp"), 2),
        (("deno", "run", "jsr:@acme/left"), 1),
        (("deno", "run", "jsr:@acme/left@^1"), 1),
        (("go", "run", "example.com/acme/left@latest"), 1),
        (("go", "run", "example.com/acme/left@v1"), 1),
        (("go", "run", "example.com/acme/left@main"), 1),
        (("cmd", "/c", "npx", "-y", "left-mcp"), 3),
        (("env", "A=b", "npx", "-y", "left-mcp"), 3),
        (("npx", "-y", "mcp-remote", "https://mcp.example.com/mcp"), 1),
        (("npx", "-y", "https://host.example.net/releases/latest/download/left.mcpb"), 1),
    ],
    ids=_spelled,
)
def test_what_floats_is_unpinned(words, at):
    assert [pointer for pointer, _ in found(packages.unpinned_package, *words)] == [("args", at)]


@pytest.mark.parametrize(
    "words",
    [
        ("npx", "-y", "left-mcp@1.2.3"),
        ("npx", "-y", "left-mcp@v1.2.3"),
        ("npx", "-y", "@acme/left-mcp@1.2.3-beta.1"),
        ("npx", "-y", "@acme/left-mcp@2026.1.14", "./docs"),
        ("npx", "-p", "left-mcp@1.2.3", "left"),
        ("npx", "--yes", "--package=left-mcp@1.2.3", "left"),
        ("npx", "-y", "github:acme/left-mcp#" + COMMIT),
        ("npx", "-y", "left-mcp@${VERSION}"),
        ("npx", "-y", "left-mcp@${VERSION:-1.2.3}"),
        ("npx", "-y", "$PACKAGE"),
        ("npx", "-y", "left-mcp@npm:@acme/left-mcp@1.2.3"),
        ("npx", "-y", "left-mcp@file:./left"),
        ("npx", "--no-install", "left-mcp"),
        ("npx", "--workspace", "tools", "left-mcp"),
        ("npx", "--before", "2026-01-01", "left-mcp"),
        ("npx", "./tools/left"),
        ("npx", "-y", "https://host.example.net/left.tgz"),
        ("npx", "-y", "https://host.example.net/releases/download/v1.2.3/left.mcpb"),
        ("npx", "-y", "mcp-remote@0.1.37", "https://mcp.example.com/mcp"),
        ("uvx", "left-mcp==1.2.3"),
        ("uvx", "left-mcp@1.2.3"),
        ("uvx", "--from", "left-mcp==1.2.3", "left"),
        ("uvx", "--with", "right", "left-mcp==1.2.3"),
        ("uvx", "--exclude-newer", "2026-01-01", "left-mcp"),
        ("uvx", "--from", "git+https://git.example.net/acme/left@" + COMMIT, "left"),
        ("uvx", "--from", ".", "left"),
        ("uv", "run", "--locked", "left"),
        ("uv", "run", "server.py"),
        ("pipx", "run", "left-mcp==1.2.3"),
        ("dnx", "Acme.Left.Mcp@1.2.3", "--yes"),
        ("dnx", "Acme.Left.Mcp", "--version", "1.2.3-beta", "--yes"),
        ("deno", "run", "npm:left-mcp@1.2.3"),
        ("deno", "run", "jsr:@acme/left@1.2.3"),
        ("deno", "run", "--frozen", "npm:left-mcp"),
        ("deno", "run", "server.ts"),
        ("go", "run", "example.com/acme/left@v1.2.3"),
        ("go", "run", "example.com/acme/left"),
        ("go", "run", "./cmd/left"),
        ("node", "server.js"),
        ("docker", "run", "-i", "acme/left"),
        ("cmd", "/c", "npx", "-y", "left-mcp@1.2.3"),
    ],
    ids=_spelled,
)
def test_what_is_pinned_local_or_undecidable_is_quiet(words):
    assert found(packages.unpinned_package, *words) == []


def test_message_names_server_field_and_package_in_visible_form():
    [hit] = packages.unpinned_package(entry("npx", "-y", "left-mcp@latest", name="do\x1bcs"))
    assert hit.message == 'Server "do\\x1bcs" starts "left-mcp@latest" by a tag (args[1]), so the next start may run another release'
    assert hit.value == "left-mcp@latest"


def test_message_about_an_address_does_not_repeat_it():
    password = "".join(("hun", "ter", "2222"))
    [hit] = packages.unpinned_package(entry("uvx", "--from", f"git+https://me:{password}@git.example.net/acme/left", "left"))
    assert password not in hit.message + hit.value
    assert '"left"' in hit.message
