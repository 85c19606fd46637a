from __future__ import annotations

import time

import pytest
from fakes import token

from mcp_audit_gate.model import Entry, Variable, Word
from mcp_audit_gate.rules import packages
from mcp_audit_gate.sources.launch import Fields, understand


class NoDocument:
    """Stands for the parsed file; a check never reads it."""

    path = ".mcp.json"
    text = ""
    data = b""


def entry(*words, env=(), name="docs", client="claude-code", value=None, **fields):
    """An entry as sources would make it from `command` and `args`."""
    line = tuple(Word(word, ("args", number - 1) if number else ("command",)) for number, word in enumerate(words))
    variables = tuple(Variable(key, value, ("env", key)) for key, value in dict(env).items())
    launches = understand(Fields(line, env=variables, transport="stdio", **fields))
    return Entry(NoDocument(), client, name, "server", value or {}, ("mcpServers", name), (), launches)


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
    assert hit.message == 'Server "do\\x1bcs" starts "left-mcp@latest" by a tag (args[1]), so the next start may run another release.'
    assert hit.value == "left-mcp@latest"


def test_message_about_an_address_does_not_repeat_it():
    password = "".join(("hun", "ter", "2222"))
    [hit] = packages.unpinned_package(entry("uvx", "--from", f"git+https://me:{password}@git.example.net/acme/left", "left"))
    assert password not in hit.message + hit.value
    assert '"left"' in hit.message


DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("words", "at"),
    [
        (("docker", "run", "-i", "--rm", "acme/box"), 3),
        (("docker", "run", "-i", "--rm", "acme/box:latest"), 3),
        (("docker", "run", "-i", "acme/box:LATEST"), 2),
        (("docker", "run", "-i", "acme/box:latest-alpine"), 2),
        (("docker", "run", "-i", "ghcr.io/acme/box:main"), 2),
        (("docker", "run", "-i", "ghcr.io/acme/box:master"), 2),
        (("docker", "run", "-i", "registry.example.com:5000/box:edge"), 2),
        (("docker", "run", "-i", "registry.example.com:5000/box"), 2),
        (("podman", "run", "-i", "acme/box:nightly"), 2),
        (("nerdctl", "run", "-i", "acme/box:dev"), 2),
        (("docker", "create", "acme/box"), 1),
        (("docker", "run", "-i", "--pull=always", "acme/box:latest"), 3),
        (("docker", "run", "-i", "-e", "TOKEN", "-v", "./data:/data", "acme/box", "--verbose"), 6),
        (("docker", "run", "-i", "node:latest", "npx", "-y", "left-mcp"), 2),
        (("docker", "run", "-i", "python"), 2),
        (("docker", "run", "-i", "acme/box:${TAG:-latest}"), 2),
        (("docker", "container", "run", "-i", "acme/box"), 3),
        (("wsl", "docker", "run", "-i", "acme/box"), 3),
    ],
    ids=_spelled,
)
def test_what_changes_under_its_name_is_a_floating_image(words, at):
    assert [pointer for pointer, _ in found(packages.floating_image_tag, *words)] == [("args", at)]
    assert found(packages.image_without_digest, *words) == []


@pytest.mark.parametrize(
    "words",
    [
        ("docker", "run", "-i", f"acme/box@{DIGEST}"),
        ("docker", "run", "-i", f"acme/box:latest@{DIGEST}"),
        ("docker", "run", "-i", "acme/box:1.2.3"),
        ("docker", "run", "-i", "acme/box:v2"),
        ("docker", "run", "-i", "acme/box:2026-01-14"),
        ("docker", "run", "-i", "localhost/box"),
        ("docker", "run", "-i", "localhost:5000/acme/box:latest"),
        ("docker", "run", "-i", "127.0.0.1:5000/box"),
        ("docker", "run", "-i", "my-docs-server"),
        ("docker", "run", "-i", "my-docs-server:latest"),
        ("docker", "run", "-i", "--pull=never", "acme/box"),
        ("docker", "run", "-i", "${IMAGE}"),
        ("docker", "run", "-i", "acme/box:${TAG}"),
        ("docker", "compose", "run", "box"),
        ("docker", "exec", "-i", "box", "server"),
        ("docker", "mcp", "gateway", "run"),
        ("docker-compose", "up"),
        ("npx", "-y", "left-mcp"),
    ],
    ids=_spelled,
)
def test_images_that_are_named_built_here_or_undecidable_do_not_float(words):
    assert found(packages.floating_image_tag, *words) == []


@pytest.mark.parametrize(
    "words", [("npx", "-y", "<your-mcp-server>"), ("uvx", "<package>"), ("docker", "run", "-i", "ghcr.io/<owner>/<image>:latest")]
)
def test_a_template_is_no_package_and_no_image(words):
    about = entry(*words)
    assert not [hit for check in (packages.unpinned_package, packages.floating_image_tag) for hit in check(about)]


@pytest.mark.parametrize("name", ["your-mcp-server", "example-mcp", "changeme"])
def test_a_placeholder_that_could_be_published_is_unpinned(name):
    assert list(packages.unpinned_package(entry("npx", "-y", name)))


def test_a_catalogue_entry_that_names_its_commit_is_built_from_it():
    recipe = {"image": "acme/box", "source": {"project": "https://git.example.net/acme/box", "commit": COMMIT}}
    words = ("docker", "run", "acme/box")
    assert found(packages.floating_image_tag, *words, client="docker-registry", value=recipe) == []
    assert found(packages.floating_image_tag, *words, client="claude-code", value=recipe) != []
    assert found(packages.floating_image_tag, *words, client="docker-registry", value={**recipe, "source": {"branch": "main"}}) != []


@pytest.mark.parametrize(
    ("image", "hits"),
    [
        ("acme/box:1.2.3", 1),
        ("acme/box:v1.2.3-alpine", 1),
        ("acme/box:1.2", 0),
        ("acme/box:7", 0),
        (f"acme/box:1.2.3@{DIGEST}", 0),
        ("my-docs-server:1.2.3", 0),
    ],
)
def test_only_a_full_version_tag_lacks_a_digest(image, hits):
    assert len(found(packages.image_without_digest, "docker", "run", "-i", image)) == hits


@pytest.mark.parametrize(
    ("words", "at"),
    [
        (("npx", "-y", "https://files.example.com/left.tgz"), 1),
        (("npx", "-y", "http://files.example.com/left-1.2.3.tgz"), 1),
        (("npx", "-y", "-p", "https://files.example.com/left.tgz", "left"), 2),
        (("npx", "-y", "left@https://files.example.com/left.tgz"), 1),
        (("npx", "-y", "${PACKAGE:-https://files.example.com/left.tgz}"), 1),
        (("npx", "-y", "https://github.com/acme/left/archive/refs/heads/main.tar.gz"), 1),
        (("npx", "-y", f"https://files.example.com/{COMMIT}/left.tgz"), 1),
        (("npx", "-y", "https://registry.npmjs.org/left/latest"), 1),
        (("npx", "-y", "https://raw.githubusercontent.com/acme/left/main/left.tgz"), 1),
        (("bunx", "https://files.example.com/left.tgz"), 0),
        (("pnpm", "dlx", "https://files.example.com/left.tgz"), 1),
        (("uvx", "--from", "https://files.example.com/left.tar.gz", "left"), 1),
        (("uvx", "--from", "left @ https://files.example.com/left.tar.gz", "left"), 1),
        (("uvx", "--with", "https://files.example.com/more.whl", "left==1.2.3"), 1),
        (("uv", "run", "https://files.example.com/server.py"), 1),
        (("deno", "run", "-A", "https://files.example.com/server.ts"), 2),
        (("deno", "run", "https://deno.land/x/left/mod.ts"), 1),
        (("npx", "-y", "https://files.example.com/left.mcpb"), 1),
        (("cmd", "/c", "npx", "-y", "https://files.example.com/left.tgz"), 3),
    ],
    ids=_spelled,
)
def test_code_from_an_address_is_a_url_package_and_nothing_else(words, at):
    assert [pointer for pointer, _ in found(packages.url_package, *words)] == [("args", at)]
    assert found(packages.unpinned_package, *words) == []


@pytest.mark.parametrize(
    "words",
    [
        ("uvx", "--from", "https://files.example.com/left.whl#sha256=" + "0" * 64, "left"),
        ("deno", "run", "--integrity=sha256-abc", "https://files.example.com/server.ts"),
        ("npx", "-y", f"https://codeload.github.com/acme/left/tar.gz/{COMMIT}"),
        ("npx", "-y", f"https://github.com/acme/left/archive/{COMMIT}.tar.gz"),
        ("npx", "-y", "https://registry.npmjs.org/@acme/left/-/left-1.2.3.tgz"),
        ("uvx", "--from", "https://files.pythonhosted.org/packages/ab/cd/ef/left-1.2.3-py3-none-any.whl", "left"),
        ("deno", "run", "jsr:@acme/left@1.2.3"),
        ("deno", "run", "https://deno.land/x/left@v1.2.3/mod.ts"),
        ("npx", "-y", "http://localhost:4873/left.tgz"),
        ("npx", "-y", "http://[::1]:4873/left.tgz"),
        ("npx", "-y", "mcp-remote@0.1.37", "https://mcp.example.com/mcp"),
        ("npx", "-y", "https://git.example.net/acme/left/releases/download/v1.2.3/left.mcpb"),
        ("npx", "-y", "https://${HOST}/left.tgz"),
        ("uvx", "--from", "git+https://git.example.net/acme/left", "left"),
        ("npx", "-y", "https://github.com/acme/left"),
        ("curl", "https://files.example.com/left.tgz"),
    ],
    ids=_spelled,
)
def test_addresses_that_are_fixed_near_or_no_package_are_quiet(words):
    assert found(packages.url_package, *words) == []


def test_a_repository_address_of_npx_is_cloned_and_so_unpinned():
    assert found(packages.unpinned_package, "npx", "-y", "https://git.example.net/acme/left.git") != []
    assert found(packages.unpinned_package, "npx", "-y", "https://github.com/acme/left") != []
    assert found(packages.unpinned_package, "npx", "-y", f"https://github.com/acme/left#{COMMIT}") == []


def test_message_about_a_url_names_only_its_host():
    password = "".join(("hun", "ter", "2222"))
    [hit] = packages.url_package(entry("npx", "-y", f"https://me:{password}@files.example.com/{password}/left.tgz?key={password}"))
    assert hit.message == 'Server "docs" runs code from a plain address on files.example.com (args[1]), which no registry vouches for.'
    assert password not in hit.value


@pytest.mark.parametrize(
    ("words", "env", "expected"),
    [
        (("npx", "-y", "--registry", "https://npm.example.com/", "left@1.2.3"), {}, [("npm.example.com", ("args", 2))]),
        (("npx", "-y", "--registry=https://NPM.example.com.:8443/", "left@1.2.3"), {}, [("npm.example.com", ("args", 1))]),
        (("npx", "-y", "--@acme:registry=https://npm.example.com", "@acme/left@1.2.3"), {}, [("npm.example.com", ("args", 1))]),
        (("npx", "-y", "--registry", "${REGISTRY:-https://npm.example.com}", "left@1.2.3"), {}, [("npm.example.com", ("args", 2))]),
        (("npm", "exec", "left@1.2.3", "--registry=https://npm.example.com"), {}, [("npm.example.com", ("args", 2))]),
        (("pnpm", "dlx", "--registry", "https://npm.example.com", "left@1.2.3"), {}, [("npm.example.com", ("args", 2))]),
        (("uvx", "--index-url", "https://pypi.example.com/simple", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("uvx", "-i", "https://pypi.example.com/simple", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("uvx", "--default-index", "https://pypi.example.com/simple", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("uvx", "--index", "mine=https://me:${PASSWORD}@pypi.example.com/simple", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("uvx", "--extra-index-url", "https://pypi.example.com/simple", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("uvx", "--find-links", "https://pypi.example.com/wheels", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("uvx", "--trusted-host=pypi.example.com", "left==1.2.3"), {}, [("pypi.example.com", ("args", 0))]),
        (("uvx", "--allow-insecure-host", "pypi.example.com:8080", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("uvx", "--trusted-host", "pypi.example.com", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("uv", "run", "--trusted-host", "pypi.example.com", "--with", "left==1.2.3", "left"), {}, [("pypi.example.com", ("args", 2))]),
        (("uv", "run", "--index-url", "https://pypi.example.com/simple", "left"), {}, [("pypi.example.com", ("args", 2))]),
        (("pipx", "run", "--pip-args", "--index-url https://pypi.example.com/simple", "left==1.2.3"), {}, [("pypi.example.com", ("args", 2))]),
        (("pipx", "run", "--pip-args=--trusted-host=pypi.example.com", "left==1.2.3"), {}, [("pypi.example.com", ("args", 1))]),
        (("dnx", "--add-source", "https://nuget.example.com/v3/index.json", "Left@1.2.3"), {}, [("nuget.example.com", ("args", 1))]),
        (("npx", "-y", "left@1.2.3"), {"NPM_CONFIG_REGISTRY": "https://npm.example.com"}, [("npm.example.com", ("env", "NPM_CONFIG_REGISTRY"))]),
        (("npx", "-y", "left@1.2.3"), {"npm_config_registry": "https://npm.example.com"}, [("npm.example.com", ("env", "npm_config_registry"))]),
        (("uvx", "left==1.2.3"), {"PIP_INDEX_URL": "https://pypi.example.com"}, [("pypi.example.com", ("env", "PIP_INDEX_URL"))]),
        (("uvx", "left==1.2.3"), {"PIP_EXTRA_INDEX_URL": "https://pypi.example.com"}, [("pypi.example.com", ("env", "PIP_EXTRA_INDEX_URL"))]),
        (
            ("uvx", "left==1.2.3"),
            {"UV_INDEX": "one=https://one.example.com https://two.example.com"},
            [("one.example.com", ("env", "UV_INDEX")), ("two.example.com", ("env", "UV_INDEX"))],
        ),
        (("uvx", "left==1.2.3"), {"UV_INDEX_URL": "https://pypi.example.com"}, [("pypi.example.com", ("env", "UV_INDEX_URL"))]),
        (("uvx", "left==1.2.3"), {"UV_DEFAULT_INDEX": "https://pypi.example.com"}, [("pypi.example.com", ("env", "UV_DEFAULT_INDEX"))]),
        (("go", "run", "example.com/left@v1.2.3"), {"GOPROXY": "https://go.example.com,direct"}, [("go.example.com", ("env", "GOPROXY"))]),
        (("npx", "--registry", "http://registry.npmjs.org/", "left@1.2.3"), {}, [("registry.npmjs.org", ("args", 1))]),
        (("npx", "--registry", "https://registry.npmjs.org:8443/", "left@1.2.3"), {}, [("registry.npmjs.org", ("args", 1))]),
        (("npx", "--registry", "https://registry.npmjs.org.example.com/", "left@1.2.3"), {}, [("registry.npmjs.org.example.com", ("args", 1))]),
        (("npx", "--registry", "https://pypi.org/", "left@1.2.3"), {}, [("pypi.org", ("args", 1))]),
        (("npx", "--@acme:registry=https://registry.npmjs.org", "@acme/left@1.2.3"), {}, [("registry.npmjs.org", ("args", 0))]),
        (("uvx", "--allow-insecure-host", "pypi.org", "left==1.2.3"), {}, [("pypi.org", ("args", 1))]),
        (("env", "NPM_CONFIG_REGISTRY=https://npm.example.com", "npx", "left@1.2.3"), {}, [("npm.example.com", ("args", 0))]),
    ],
    ids=_spelled,
)
def test_a_registry_that_is_named_is_found_at_its_value(words, env, expected):
    assert list(packages.registries(entry(*words, env=env))) == expected
    assert [(hit.value, hit.place.pointer[2:]) for hit in packages.registry_override(entry(*words, env=env))] == expected


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (("docker", "run", "-i", "--rm", "acme/box:1.2.3"), {}),
        (("docker", "run", "-i", "-e", "PIP_INDEX_URL=https://pypi.example.com", "acme/box:1.2.3"), {"PIP_INDEX_URL": "https://pypi.example.com"}),
        (("npx", "-y", "--registry", "${REGISTRY}", "left@1.2.3"), {}),
        (("npx", "-y", "left@1.2.3", "--registry", "https://npm.example.com"), {}),
        (("npm", "exec", "left@1.2.3", "--", "--registry", "https://npm.example.com"), {}),
        (("uvx", "--find-links", "./wheels", "left==1.2.3"), {}),
        (("uvx", "left==1.2.3", "-i", "https://api.example.com"), {}),
        (("uvx", "--index-strategy", "first-index", "left==1.2.3"), {}),
        (("uvx", "left==1.2.3"), {"UV_INDEX_STRATEGY": "https://no.example.com", "PIP_INDEX_URL": "${INDEX}", "UV_INDEX": ""}),
        (("go", "run", "example.com/left@v1.2.3"), {"GOPROXY": "direct", "GOFLAGS": "-mod=mod"}),
        (("node", "server.js"), {"API_URL": "https://npm.example.com"}),
        (("npx", "-y", "--registry", "https://registry.npmjs.org/", "left@1.2.3"), {"npm_config_registry": "https://registry.npmjs.org"}),
        (("yarn", "dlx", "left@1.2.3"), {"YARN_NPM_REGISTRY_SERVER": "https://registry.yarnpkg.com"}),
        (("uvx", "--default-index", "https://pypi.org/simple", "left==1.2.3"), {"UV_INDEX_URL": "https://pypi.org/simple"}),
        (("pipx", "run", "--pip-args=--index-url=https://pypi.org/simple", "left==1.2.3"), {}),
        (("dnx", "Left@1.2.3", "--source", "https://api.nuget.org/v3/index.json", "--yes"), {}),
        (("go", "run", "example.com/left@v1.2.3"), {"GOPROXY": "https://proxy.golang.org,direct"}),
    ],
    ids=_spelled,
)
def test_no_registry_is_named_by_references_paths_containers_and_servers(words, env):
    assert list(packages.registries(entry(*words, env=env))) == []


def test_every_variable_of_the_table_passes_the_gate_before_it():
    table = packages.table()
    assert all(name.startswith(packages.VARIABLES_BEGIN) for name in table["registry_variables"] | table["host_variables"])


def test_the_flags_of_the_table_belong_to_runners_that_exist():
    runners = {"npx", "bunx", "pnpm dlx", "yarn dlx", "uvx", "uv run", "pipx run", "dnx", "pip"}
    assert {name.partition(" ")[2] for name in packages.table() if " " in name and not name.startswith("default_registries ")} == runners
    assert runners <= {name.partition(" ")[2] for name in packages.table() if name.startswith("default_registries ")}


@pytest.mark.parametrize("check", [rule.check for rule in packages.RULES], ids=lambda check: check.__name__)
@pytest.mark.parametrize("piece", ["a", "@", "${", "https://", ",", "-1", "/", "=", ".tgz", "[", "%41"])
def test_hostile_arguments_take_no_time(check, piece):
    words = [
        ("npx", "-y", piece * 50_000),
        ("uvx", "--with", piece * 50_000, "--index", piece * 50_000, "x@" + piece * 50_000),
        ("docker", "run", piece * 50_000),
    ]
    entries = [entry(*line, env={"UV_INDEX": piece * 50_000}) for line in words]
    start = time.process_time()
    for one in entries:
        list(check(one))
    assert time.process_time() - start < 0.5


def test_a_credential_in_the_place_of_a_package_reaches_no_message():
    known, plain = token("github"), "left-over-password"
    lines = [("npx", "-y", known), ("npx", "--token", plain), ("docker", "run", f"{known}/box:latest"), ("docker", "run", f"acme/box:1.2.3-{known}")]
    for line in lines:
        hits = [hit for rule in packages.RULES for hit in rule.check(entry(*line))]
        assert hits
        assert all("starts code" in hit.message and hit.secret for hit in hits)
