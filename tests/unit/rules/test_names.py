"""rules.names, rules.identity and metadata.lookalikes: names to what they are taken for, configs to hits."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import mcp_audit_gate
from mcp_audit_gate.metadata import lookalikes
from mcp_audit_gate.model import Context, Hit, Place
from mcp_audit_gate.rules import identity, names
from mcp_audit_gate.sources.entries import extract
from mcp_audit_gate.sources.match import Folder, best
from mcp_audit_gate.sources.parse import parse

BY_ID = {rule.info.id: rule for rule in names.RULES}
DATA = Path(mcp_audit_gate.__file__).parent / "data"


def context(files: dict[str, object]) -> Context:
    entries = []
    for path, value in files.items():
        *folders, name = path.split("/")
        pattern = best(Folder(tuple(folders)).patterns(name))
        assert pattern
        entries += extract(parse(path, json.dumps(value).encode(), pattern.row.syntax), pattern.row).entries
    return Context(tuple(entries), (), ())


def hits(rule: str, files: dict[str, object]) -> list[Hit]:
    about, check = context(files), BY_ID[rule].check
    return list(check(about)) if BY_ID[rule].scope == "context" else [hit for entry in about.entries for hit in check(entry)]


def command(*words: str) -> dict[str, object]:
    return {"mcpServers": {"x": {"command": words[0], "args": list(words[1:])}}}


@pytest.mark.parametrize(
    ("ecosystem", "name", "taken"),
    [
        ("npm", "@modelcontextprotoco1/server-filesystem", "@modelcontextprotocol"),
        ("npm", "@modelcontextprotocl/inspector", "@modelcontextprotocol"),
        ("npm", "@modelcontextprotocols/server-github", "@modelcontextprotocol"),
        ("npm", "@upstach/context7-mcp", "@upstash"),
        ("npm", "mcp-remtoe", "mcp-remote"),
        ("npm", "mcpremote", "mcp-remote"),
        ("npm", "mcp_remote", ""),
        ("npm", "mcp-remot", "mcp-remote"),
        ("npm", "mcp-rernote", "mcp-remote"),
        ("npm", "mcp-rernoto", ""),
        ("npm", "frecrawl-mcp", "firecrawl-mcp"),
        ("npm", "firecrawI-mcp", "firecrawl-mcp"),
        ("npm", "n8n-mpc", "n8n-mcp"),
        ("npm", "Supergateway", "supergateway"),
        ("pypi", "mcp_server_gti", "mcp-server-git"),
        ("pypi", "MCP.server--fetch", ""),
        ("oci", "docker.io/hashicrop/terraform-mcp-server", "hashicorp/terraform-mcp-server"),
        ("oci", "docker.io/mcp/githbu", ""),
        ("oci", "githbu", ""),
        ("npm", "mcp-remote2", ""),
        ("npm", "mcp-remotes", ""),
        ("npm", "mcp", ""),
        ("npm", "", ""),
        ("npm", "@", ""),
        ("npm", "@/", ""),
        ("pypi", "chrome-mcp", ""),
        ("pypi", "glance", ""),
        ("nuget", "mcp-remtoe", ""),
        ("npm", "mcp-remоte", ""),
        ("npm", "mcp-remote" * 1000, ""),
    ],
)
def test_what_a_package_is_taken_for(ecosystem: str, name: str, taken: str) -> None:
    assert lookalikes.package_taken_for(ecosystem, name) == taken


@pytest.mark.parametrize("part", ["npm", "pypi", "oci", "neighbours"])
def test_no_listed_name_is_taken_for_another(part: str) -> None:
    wrong = {
        name: taken
        for name in lookalikes.known(part)
        for eco in ("npm", "pypi", "oci")
        if (taken := lookalikes.package_taken_for(eco, name)) and eco == part
    }
    assert wrong == {}


def test_no_listed_host_is_taken_for_another() -> None:
    assert [host for host in lookalikes.known("hosts") if lookalikes.host_taken_for(host) or lookalikes.host_in_front(host)] == []


def test_known_advisories_name_no_listed_package_as_malicious_and_no_real_one_as_a_slip() -> None:
    records = json.loads((DATA / "advisories.json").read_text("utf-8"))["records"]
    ecosystems = {"npm": "npm", "PyPI": "pypi", "Docker": "oci"}
    real = [(ecosystems[one["ecosystem"]], one["package"]) for one in records if one["kind"] != "malicious" and one["ecosystem"] in ecosystems]
    bad = {one["package"] for one in records if one["kind"] == "malicious"}
    assert not bad & (lookalikes.known("npm") | lookalikes.known("pypi"))
    assert [(name, taken) for ecosystem, name in real if (taken := lookalikes.package_taken_for(ecosystem, name))] == []


@pytest.mark.parametrize("file", ["names.json", "confusables.json"])
def test_lists_are_dated_and_sorted(file: str) -> None:
    data = json.loads((DATA / file).read_text("utf-8"))
    assert data["seen"]
    for items in data.values():
        assert isinstance(items, str) or list(items) == sorted(set(items))


def test_every_confusable_letter_stands_for_one_character() -> None:
    letters = json.loads((DATA / "confusables.json").read_text("utf-8"))["letters"]
    every = [letter for group in letters.values() for letter in group]
    assert len(every) == len(set(every))
    assert not any(letter.isascii() for letter in every)


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("mcp.notlon.com", "notion.com"),
        ("atlasian.com", "atlassian.com"),
        ("mcp.supabasse.com", "supabase.com"),
        ("mcp.motion.com", ""),
        ("mcp.plain.com", ""),
        ("notion.co", ""),
        ("com", ""),
        ("", ""),
    ],
)
def test_what_a_host_is_taken_for(host: str, taken: str) -> None:
    assert lookalikes.host_taken_for(host) == taken


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("gіthub", "і"),
        ("αlpha", "α"),
        ("Ꮯode", "Ꮯ"),
        ("а", ""),
        ("сервер", ""),
        ("github-сервер", ""),
        ("λserver", ""),
        ("データbase", ""),
        ("Größe", ""),
    ],
)
def test_mixed_letter(text: str, letter: str) -> None:
    assert lookalikes.mixed_letter(text) == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("a\u200bb", "\u200b"),
        ("a\x1b[2J", "\x1b"),
        ("a\u202eb", "\u202e"),
        ("x\u200dy", "\u200d"),
        ("\u200d", "\u200d"),
        ("👩\u200d💻", ""),
        ("❤\ufe0f", ""),
        ("می\u200cخواهم", ""),
        ("🏴\U000e0067\U000e0062\U000e007f", ""),
        ("a\U000e0067", "\U000e0067"),
        ("plain name", ""),
    ],
)
def test_hidden_letter(text: str, letter: str) -> None:
    assert lookalikes.hidden_letter(text) == letter


@pytest.mark.parametrize(
    ("host", "front"),
    [
        ("api.github.com.example.net", "api.github.com"),
        ("login.github.com.evil.example.net", "github.com"),
        ("docs.mcp.cloudflare.com", ""),
        ("mcp.notion.com", ""),
        ("a.b.c.d.example.com", ""),
    ],
)
def test_host_in_front(host: str, front: str) -> None:
    assert lookalikes.host_in_front(host) == front


def test_a_broken_punycode_label_stays() -> None:
    assert lookalikes.decoded("xn--.xn--\x80.xn--999999999999.com").endswith(".com")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (("npx", "-y", "@acme/docs@1.0.0"), ("cmd", "/c", "npx", "@acme/docs"), True),
        (("npx", "-y", "@acme/docs"), ("npx", "-y", "@other/docs"), False),
        (("uvx", "acme_docs"), ("uvx", "--from", "acme-docs==1.0", "acme"), True),
        (("uvx", "--from", "git+https://github.com/a/b@main", "b"), ("uvx", "--from", "git+https://github.com/a/b.git", "b"), True),
        (("docker", "run", "-i", "mcp/time"), ("docker", "run", "docker.io/mcp/time:1.0"), True),
        (("python3.12", "-m", "acme.server"), ("python", "-m", "acme.server"), True),
        (("python", "-m", "acme.server"), ("python", "-m", "acme.other"), False),
        (("node", "./a.js"), ("node", "a.js"), True),
        (("node", "${workspaceFolder}/a.js"), ("node", ".\\a.js"), True),
        (("node", "/home/me/repo/tools/a.js"), ("node", "tools/a.js"), True),
        (("node", "/home/me/repo/tools/a.js"), ("node", "ools/a.js"), False),
        (("uv", "run", "--directory", "x", "acme"), ("uv", "run", "acme"), True),
        (("uv", "run", "acme"), ("uv", "run", "other"), False),
        (("mytool", "mcp"), ("mytool", "serve"), True),
        (("npx", "mcp-remote", "https://a.example.com/x"), ("npx", "mcp-remote", "https://A.example.com./y"), True),
    ],
)
def test_same_identity(one: tuple[str, ...], other: tuple[str, ...], alike: bool) -> None:
    files = {".mcp.json": command(*one), ".cursor/mcp.json": command(*other)}
    first, second = (identity.of_launch(entry.launch) for entry in context(files).entries)
    assert first
    assert second
    assert identity.same(first, second) is alike
    assert bool(hits("same-name-different-launch", files)) is not alike


@pytest.mark.parametrize("words", [("${CMD}",), ("npx", "${PKG}"), ("docker", "run", "${IMAGE}")])
def test_a_reference_has_no_identity(words: tuple[str, ...]) -> None:
    assert identity.of_launch(context({".mcp.json": command(*words)}).entries[0].launch) is None


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        (".mcp.json", ""),
        ("a/b/.mcp.json", "a/b"),
        ("a/.cursor/mcp.json", "a"),
        (".github/agents/x.agent.md", ""),
        ("a/.continue/mcpServers/x.yaml", "a"),
    ],
)
def test_project(file: str, folder: str) -> None:
    assert identity.project(file) == folder


def test_the_other_place_is_related() -> None:
    (hit,) = hits("same-name-different-launch", {".mcp.json": command("a"), ".cursor/mcp.json": command("b")})
    (other,) = hit.related
    assert isinstance(hit.place, Place)
    assert (hit.place.document.path, other.document.path) == (".cursor/mcp.json", ".mcp.json")


@pytest.mark.parametrize("piece", ["а", "a\u200b", "mcp-", "@", "xn--", "a.", "／"])
def test_hostile_text_is_linear(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    files: dict[str, object] = {".mcp.json": {"mcpServers": {text: {"command": "npx", "args": [text]}, "u": {"url": f"https://{text}/"}}}}
    start = time.process_time()
    for rule in BY_ID:
        hits(rule, files)
    assert time.process_time() - start < 2
