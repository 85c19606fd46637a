"""What each client writes for a variable, where, and what it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import base64_url, token

from .test_plan import judged, planned, save

ONE, TWO = token("github", 1), token("github", 2)


def mended(root: Path, path: str, text: str) -> str:
    (root / ".git").mkdir(exist_ok=True)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    before, _ = judged(root)
    assert any("secret" in finding.rule or "credential" in finding.rule for finding in before.findings), "there is something to mend"
    save(planned(root), str(root))
    return (root / path).read_text()


def in_json(key: str, entry: object) -> str:
    return json.dumps({key: {"gh": entry}})


ENV = {"command": "node", "args": ["a.js"], "env": {"GH_TOKEN": ONE}}


@pytest.mark.parametrize(
    ("path", "key", "wanted"),
    [
        (".mcp.json", "mcpServers", "${GH_TOKEN}"),
        (".mcp.json", "servers", None),
        (".cursor/mcp.json", "mcpServers", "${env:GH_TOKEN}"),
        (".vscode/mcp.json", "servers", "${env:GH_TOKEN}"),
        (".vscode/settings.json", "mcp.servers", "${env:GH_TOKEN}"),
        (".roo/mcp.json", "mcpServers", "${env:GH_TOKEN}"),
        (".windsurf/mcp_config.json", "mcpServers", "${env:GH_TOKEN}"),
        (".gemini/settings.json", "mcpServers", "${GH_TOKEN}"),
        (".kiro/settings/mcp.json", "mcpServers", "${GH_TOKEN}"),
        ("opencode.json", "mcpServers", "{env:GH_TOKEN}"),
        ("crush.json", "mcp", "$GH_TOKEN"),
        (".vs/mcp.json", "servers", None),
        ("claude_desktop_config.json", "mcpServers", None),
        (".zed/settings.json", "context_servers", None),
        (".amazonq/mcp.json", "mcpServers", None),
    ],
)
def test_each_client_gets_its_own_reference(tmp_path: Path, path: str, key: str, wanted: str | None) -> None:
    after = json.loads(mended(tmp_path, path, in_json(key, ENV)))
    assert after[key]["gh"]["env"]["GH_TOKEN"] == (wanted or ONE)


def test_front_matter_and_yaml(tmp_path: Path) -> None:
    text = f"---\nname: a\nmcp-servers:\n  gh:\n    type: local\n    command: node\n    args: [a.js]\n    env:\n      GH_TOKEN: {ONE} # mine\n---\nProse {TWO[:9]}.\n"
    after = mended(tmp_path, ".github/agents/a.agent.md", text)
    assert after == text.replace(ONE, "${{ secrets.COPILOT_MCP_GH_TOKEN }}")
    text = f"name: a\nmcpServers:\n  - name: gh\n    command: node\n    env: {{GH_TOKEN: '{ONE}'}}\n"
    after = mended(tmp_path, ".continue/mcpServers/a.yaml", text)
    assert after == text.replace(ONE, "${{ secrets.GH_TOKEN }}")


def test_a_plain_scalar_in_braces_cannot_hold_a_reference(tmp_path: Path) -> None:
    text = f"name: a\nmcpServers:\n  - name: gh\n    command: node\n    env: {{GH_TOKEN: {ONE}}}\n"
    assert mended(tmp_path, ".continue/mcpServers/a.yaml", text) == text


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"type": "http", "url": "https://api.githubcopilot.com", "headers": {"Authorization": f"Bearer {ONE}"}}, "Bearer ${GH_TOKEN}"),
        ({"type": "http", "url": "https://api.githubcopilot.com", "headers": {"X-API-Key": ONE}}, "${GH_API_KEY}"),
        ({"type": "http", "url": f"https://me:{ONE}@api.githubcopilot.com/mcp"}, "https://me:${GH_PASSWORD}@api.githubcopilot.com/mcp"),
        (
            {"type": "http", "url": f"https://api.githubcopilot.com/mcp?a=b&api_key={ONE}"},
            "https://api.githubcopilot.com/mcp?a=b&api_key=${GH_API_KEY}",
        ),
        ({"command": "node", "args": ["a.js", f"--access-token={ONE}"]}, "--access-token=${GH_ACCESS_TOKEN}"),
        ({"command": "node", "args": ["a.js", "--key", ONE]}, "${GH_KEY}"),
        ({"command": "docker", "args": ["run", "-i", "-e", f"HUB_TOKEN={ONE}", "acme/x:1.2.3"]}, "HUB_TOKEN=${HUB_TOKEN}"),
        ({"command": "npx", "args": ["mcp-remote@0.1.38", "https://api.githubcopilot.com", "--header", f"X-Key: {ONE}"]}, "X-Key: ${GH_KEY}"),
        ({"command": "node", "args": ["a.js"], "env": {"DATABASE": f"postgres://u:{ONE}@db.example.com/x"}}, "${DATABASE_PASSWORD}"),
        ({"command": "node", "args": ["a.js"], "env": {"GH_TOKEN": f"${{TOKEN:-{ONE}}}"}}, "${TOKEN}"),
        ({"command": "node", "args": ["a.js"], "env": {"gh-token": ONE}}, "${GH_TOKEN}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_a_secret_stands_decides_what_the_variable_is_called(tmp_path: Path, entry: dict[str, object], wanted: str) -> None:
    after = mended(tmp_path, ".mcp.json", in_json("mcpServers", entry))
    assert wanted in after
    assert ONE not in after


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"command": "sh", "args": ["-c", f"TOKEN={ONE} node a.js | cat"]}, id="a shell runs it"),
        pytest.param({"command": "node", "args": ["-e", f"fetch('https://api.githubcopilot.com/?t={ONE}')"]}, id="an interpreter runs it"),
        pytest.param({"command": "node", "args": ["a.js"], "oauth": {"clientSecret": ONE}}, id="no place for references"),
        pytest.param(
            {"type": "http", "url": "https://api.githubcopilot.com/?config=" + base64_url(json.dumps({"githubToken": ONE}))}, id="inside base64"
        ),
    ],
)
def test_what_is_not_safe_stays(tmp_path: Path, entry: dict[str, object]) -> None:
    text = in_json("mcpServers", entry)
    assert mended(tmp_path, ".mcp.json", text) == text


def test_clients_that_fill_in_some_members_only(tmp_path: Path) -> None:
    text = in_json("mcpServers", {"command": "node", "args": ["a.js", "--key", ONE]})
    assert mended(tmp_path, ".kiro/settings/mcp.json", text) == text


@pytest.mark.parametrize(
    ("url", "wanted"), [("https://evil.example.net/mcp", "MCP_GITHUB_URL_TOKEN"), ("https://api.github.com/mcp", "GITHUB_TOKEN")]
)
def test_no_stranger_is_handed_the_variable_of_a_provider(tmp_path: Path, url: str, wanted: str) -> None:
    text = json.dumps({"mcpServers": {"github": {"type": "http", "url": f"{url}?token={ONE}"}}})
    assert mended(tmp_path, ".mcp.json", text) == text.replace(ONE, f"${{{wanted}}}")
    header = json.dumps({"mcpServers": {"github": {"type": "http", "url": url, "headers": {"Authorization": f"Bearer {ONE}"}}}})
    named = wanted.replace("_URL_", "_HEADERS_")
    assert mended(tmp_path, ".mcp.json", header) == header.replace(ONE, f"${{{named}}}")


def test_names_that_differ_in_case_are_one_variable_on_windows(tmp_path: Path) -> None:
    text = json.dumps({"mcpServers": {"one": {"command": "npx", "env": {"KEY": ONE, "key": TWO}}}})
    assert mended(tmp_path, ".mcp.json", text) == text.replace(ONE, "${KEY}").replace(TWO, "${ONE_key}")


def test_a_name_that_is_a_secret_names_no_variable(tmp_path: Path) -> None:
    text = json.dumps({"mcpServers": {TWO: {"type": "http", "url": "https://api.githubcopilot.com", "headers": {"Authorization": f"Bearer {ONE}"}}}})
    assert mended(tmp_path, ".mcp.json", text) == text.replace(ONE, "${MCP_TOKEN}")


def test_the_same_reference_of_the_same_server_elsewhere_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor/mcp.json").write_text(in_json("mcpServers", {**ENV, "env": {"GH_TOKEN": "${env:GH_TOKEN}"}}))
    assert json.loads(mended(tmp_path, ".mcp.json", in_json("mcpServers", ENV)))["mcpServers"]["gh"]["env"] == {"GH_TOKEN": "${GH_TOKEN}"}


def test_both_values_of_a_repeated_key_go(tmp_path: Path) -> None:
    text = '{"mcpServers": {"gh": {"command": "node", "env": {"GH_TOKEN": "%s", "GH_TOKEN": "%s"}}}}'
    assert mended(tmp_path, ".mcp.json", text % (ONE, TWO)) == text % ("${GH_TOKEN}", "${GH_GH_TOKEN}")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[mcp_servers.gh]\ncommand = "x"\nenv = {{ GH_TOKEN = "{0}" }}\n', '[mcp_servers.gh]\ncommand = "x"\nenv_vars = ["GH_TOKEN"]\nenv = {{}}\n'),
        (
            '[mcp_servers.gh]\ncommand = "x"\nenv_vars = []\n[mcp_servers.gh.env]\n  GH_TOKEN = "{0}" # mine\n',
            '[mcp_servers.gh]\ncommand = "x"\nenv_vars = ["GH_TOKEN"]\n[mcp_servers.gh.env]\n  # mine\n',
        ),
        (
            '[mcp_servers.gh]\r\n\turl = "https://api.githubcopilot.com" # c\r\n[mcp_servers.gh.http_headers]\r\nAuthorization = "Bearer {0}"\r\nX = "y"\r\n',
            '[mcp_servers.gh]\r\n\turl = "https://api.githubcopilot.com" # c\r\n\tbearer_token_env_var = "GH_TOKEN"\r\n[mcp_servers.gh.http_headers]\r\nX = "y"\r\n',
        ),
        (
            '[mcp_servers]\ngh = {{ url = "https://api.githubcopilot.com", http_headers = {{ A = "b", "X-API-Key" = "{0}" }} }}\n',
            '[mcp_servers]\ngh = {{ url = "https://api.githubcopilot.com", env_http_headers = {{ "X-API-Key" = "GH_API_KEY" }}, http_headers = {{ A = "b" }} }}\n',
        ),
        ('[mcp_servers.gh]\ncommand = "x"\nenv.GH_TOKEN = "{0}"\n', None),
        ('[mcp_servers]\ngh.command = "x"\ngh.env = {{ GH_TOKEN = "{0}" }}\n', None),
        ('[mcp_servers.gh]\ncommand = "x"\nenv_vars = "A"\nenv = {{ GH_TOKEN = "{0}" }}\n', None),
        ('[mcp_servers.gh]\ncommand = "x"\nenv = {{ GH_TOKEN = "a {0}" }}\n', None),
        ('[mcp_servers.gh]\nurl = "https://api.githubcopilot.com"\nenv_http_headers = {{ A = "B" }}\nhttp_headers = {{ X-Key = "{0}" }}\n', None),
        (
            '[mcp_servers.gh]\nurl = "https://api.githubcopilot.com"\nbearer_token_env_var = "B"\nhttp_headers = {{ Authorization = "Bearer {0}" }}\n',
            None,
        ),
    ],
    ids=range(10),
)
def test_codex(tmp_path: Path, text: str, wanted: str | None) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".codex").mkdir()
    file = tmp_path / ".codex/config.toml"
    file.write_bytes(text.format(ONE).encode())
    assert judged(tmp_path)[0].findings
    save(planned(tmp_path), str(tmp_path))
    assert file.read_bytes().decode() == (wanted or text).format(ONE)
