"""--user: this user's own configs, in a made-up home; never changed, key names and no values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import token
from repos import PINNED, Repository, leaking, servers

from mcp_audit_gate.cli import main
from mcp_audit_gate.report import FORMATS

STATED = Path(__file__).parent / "servers" / "stated.py"
VALUE = "quite-ordinary-value"
LOCK = ".local/state/mcp-audit-gate/mcp-audit.lock.json"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(name, raising=False)
    project = Repository(tmp_path / "project", {".mcp.json": servers(files=PINNED)}).root
    monkeypatch.chdir(project)
    return made


def put(home: Path, path: str, text: str) -> Path:
    file = home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def scan(capfd, *words: str) -> tuple[int, dict]:
    code = main(["scan", "--skip-connect", "-o", "json", "--now", "2026-11-22", *words])
    return code, json.loads(capfd.readouterr().out)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_configs_of_home_are_judged_with_those_of_the_project(home, capfd):
    put(home, ".cursor/mcp.json", servers(mine=leaking()))
    put(home, ".config/Code/User/mcp.json", json.dumps({"servers": {"code": PINNED}}))
    put(home, ".claude.json", json.dumps({"projects": {"/p": {"mcpServers": {"deep": PINNED}}}, "history": [1]}))
    put(home, ".codex/config.toml", '[mcp_servers.codex]\ncommand = "npx"\nargs = ["-y", "x"]\n')
    before = contents(home)
    code, report = scan(capfd, "--user")
    assert code == 1
    assert {(item["name"], item["client"], item["path"]) for item in report["servers"]} == {
        ("files", "claude-code", ".mcp.json"),
        ("mine", "cursor", "~/.cursor/mcp.json"),
        ("code", "vscode", "~/.config/Code/User/mcp.json"),
        ("deep", "claude-code", "~/.claude.json"),
        ("codex", "codex", "~/.codex/config.toml"),
    }
    assert {(item["rule"], item["location"]["path"]) for item in report["findings"] if item["status"] == "blocking"} >= {
        ("literal-secret", "~/.cursor/mcp.json")
    }
    assert contents(home) == before
    code, alone = scan(capfd)
    assert (code, [item["name"] for item in alone["servers"]]) == (0, ["files"])


IN_HOME = {
    "amazon-q": (".aws/amazonq/cli-agents/a.json", servers(x=PINNED)),
    "claude-agent": (".claude/agents/a.md", f"---\nmcpServers: {json.dumps({'x': PINNED})}\n---\n"),
    "codearts": (".codeartsdoer/codearts_cli.jsonc", json.dumps({"mcp": {"x": PINNED}})),
    "continue": (".continue/mcpServers/a.yaml", json.dumps({"mcpServers": [{"name": "x", **PINNED}]})),
    "gemini-cli": (".gemini/extensions/e/gemini-extension.json", servers(x=PINNED)),
    "grok": (".grok/config.toml", '[mcp_servers.x]\ncommand = "npx"\nargs = ["-y", "p@1.0.0"]\n'),
    "hermes": (".hermes/config.yaml", json.dumps({"mcp_servers": {"x": PINNED}})),
    "kilo": (".config/kilo/kilo.jsonc", json.dumps({"mcp": {"x": PINNED}})),
    "kimi": (".kimi-code/mcp.json", servers(x=PINNED)),
    "muse": (".config/muse/settings.json", json.dumps({"mcp_servers": {"x": PINNED}})),
    "opencode": (".agents/mcp.json", json.dumps({"x": PINNED})),
    "sema4": (".sema4ai/sema4ai-studio/mcp_servers.json", servers(x=PINNED)),
    "visual-studio": (".mcp.json", json.dumps({"servers": {"x": PINNED}})),
    "cline": ("elsewhere/cline.json", servers(x=PINNED)),
}


@pytest.mark.parametrize("client", IN_HOME)
def test_where_clients_keep_servers_at_home(client, home, capfd, monkeypatch):
    path, text = IN_HOME[client]
    file = put(home, path, text)
    monkeypatch.setenv("CLINE_MCP_SETTINGS_PATH", str(file) if client == "cline" else "")
    _, report = scan(capfd, "--user", "--client", client)
    assert [(item["name"], item["client"]) for item in report["servers"] if item["path"] == f"~/{path}"] == [("x", client)]


def test_approvals_at_home(home, capfd):
    put(home, ".takt/config.yaml", "workflow_mcp_servers: {stdio: true}\n")
    put(home, ".rovodev/config.yml", "mcp: {allowedMcpServers: [x]}\n")
    _, report = scan(capfd, "--user")
    assert {item["path"]: item["client"] for item in report["inputs"]} == {
        ".mcp.json": "claude-code",
        "~/.rovodev/config.yml": "rovo",
        "~/.takt/config.yaml": "takt",
    }


@pytest.mark.parametrize("form", FORMATS)
def test_no_value_is_in_any_output(form, home, capfd):
    entry = {
        "command": "npx",
        "args": ["-y", "x"],
        "env": {"MODE": VALUE, "GITHUB_TOKEN": token("github"), "ANTHROPIC_BASE_URL": f"http://{VALUE}.test"},
    }
    remote = {"type": "http", "url": "http://mcp.example.com", "headers": {"X-Mode": VALUE}}
    put(home, ".cursor/mcp.json", servers(mine=entry, far=remote))
    main(["scan", "--skip-connect", "--user", "-v", "-o", form])
    out, err = capfd.readouterr()
    assert "mine" in out
    assert VALUE not in out + err
    assert token("github") not in out + err


HOSTS = {
    "NPM_CONFIG_REGISTRY": "http://@.example.net:81/npm",
    "UV_INDEX_URL": "https://@.example.net/simple",
    "HTTPS_PROXY": "http://@.example.net:3128",
    "DOCKER_HOST": "tcp://@.example.net:2375",
}


@pytest.mark.parametrize("form", FORMATS)
def test_no_host_of_a_value_is_in_any_output(form, home, capfd):
    entries = {name: {"command": "npx", "args": ["-y", "x@1.0.0"], "env": {name: text.replace("@", VALUE)}} for name, text in HOSTS.items()}
    put(home, ".cursor/mcp.json", servers(**entries))
    main(["scan", "--skip-connect", "--user", "-v", "-o", form])
    out, err = capfd.readouterr()
    assert "HTTPS_PROXY" in out
    assert VALUE not in out + err


def test_a_folder_of_the_repository_that_is_called_like_the_home_lends_no_lines(home, capfd):
    entry = {"type": "http", "url": "http://mcp.example.com/v1"}
    put(home, ".cursor/mcp.json", servers(mine=entry))
    decoy = Path.cwd() / "~" / ".cursor" / "mcp.json"
    decoy.parent.mkdir(parents=True)
    decoy.write_text(json.dumps({"mcpServers": {"decoy": entry}}, indent=2).replace('"url"', '"looks-fine": 1, "url"'))
    main(["scan", "--skip-connect", "--user"])
    out = capfd.readouterr().out
    assert out.count("--> ~/.cursor/mcp.json") >= 2
    assert "looks-fine" not in out


def test_what_cannot_be_read_is_told(home, capfd):
    put(home, ".cursor/mcp.json", "{")
    code, report = scan(capfd, "--user")
    assert (code, [item["path"] for item in report["not_assessed"]]) == (4, ["~/.cursor/mcp.json"])
    assert report["verdict"]["result"] == "incomplete"


def test_without_any_project_the_home_is_enough(home, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project" / ".mcp.json").unlink()
    put(home, ".cursor/mcp.json", servers(mine=PINNED))
    code, report = scan(capfd, "--user", "project")
    assert (code, [item["name"] for item in report["servers"]]) == (0, ["mine"])


def test_a_config_that_the_scan_finds_itself_is_judged_once(home, capfd):
    put(home, ".cursor/mcp.json", servers(mine=PINNED))
    _, report = scan(capfd, "--user", str(home))
    assert [item["path"] for item in report["servers"]] == [".cursor/mcp.json"]


def test_pins_go_to_a_lockfile_of_their_own(home, capfd, tmp_path):
    pytest.importorskip("mcp", reason="connecting needs the extra `connect`")
    said, log = tmp_path / "said.json", tmp_path / "log"
    said.write_text(json.dumps({"tools": [{"name": "ping", "description": "Pongs.", "inputSchema": {"type": "object"}}]}))
    config = put(home, ".cursor/mcp.json", servers(mine={"command": sys.executable, "args": [str(STATED), str(said), str(log)]}))
    before = config.read_bytes()
    assert main(["pin", "--user"]) == 4
    assert not log.exists()
    assert main(["pin", "--user", "--yes"]) == 0
    assert [pin["name"] for pin in json.loads((home / LOCK).read_text())["servers"]] == ["mine"]
    assert (home / LOCK).parent.stat().st_mode & 0o077 == 0
    assert not list(Path.cwd().glob("mcp-audit.lock.json"))
    assert config.read_bytes() == before
    capfd.readouterr()
    _, report = scan(capfd, "--user")
    assert {item["name"]: item["pinned"] for item in report["servers"]} == {"files": False, "mine": True}
    said.write_text(json.dumps({"tools": [{"name": "pong", "description": "Pings.", "inputSchema": {"type": "object"}}]}))
    code = main(["scan", "--user", "-o", "json"])
    live = json.loads(capfd.readouterr().out)
    assert code == 4
    assert {(item["rule"], item["server"]) for item in live["findings"]} >= {("tool-added", "mine"), ("tool-removed", "mine")}
    assert {item["server"] for item in live["not_assessed"]} == {"files"}


def stated(tmp_path: Path, *names: str, **more: object) -> dict[str, object]:
    """A server that declares these tools."""
    said = tmp_path / "said.json"
    said.write_text(json.dumps({"tools": [{"name": name, "description": "Pongs.", "inputSchema": {"type": "object"}} for name in names]}))
    return {"command": sys.executable, "args": [str(STATED), str(said), str(tmp_path / "log")], **more}


def told(report: dict) -> set[str]:
    """The rules of a report; the interpreter of the tests itself may lie in a temporary folder."""
    return {item["rule"] for item in report["findings"]} - {"temp-dir-program"}


def test_the_lockfile_keeps_names_and_no_value(home, capfd, tmp_path):
    pytest.importorskip("mcp", reason="connecting needs the extra `connect`")
    env = {"MODE": VALUE, "REGION": "${HOME}", "LEVEL": "1", "GITHUB_TOKEN": token("github")}
    (Path.cwd() / ".mcp.json").unlink()
    config = put(home, ".cursor/mcp.json", servers(mine=stated(tmp_path, "ping", env=env)))
    before = contents(home)
    assert main(["pin", "--user", "--yes"]) == 0
    out, err = capfd.readouterr()
    text = (home / LOCK).read_text()
    assert json.loads(text)["servers"][0]["launch"]["env"] == dict.fromkeys(env, "<secret>")
    assert VALUE not in text + out + err
    assert token("github") not in text + out + err
    assert {name: data for name, data in contents(home).items() if name != LOCK} == before
    code, report = scan(capfd, "--user", "--pin-check")
    assert (code, [item["pinned"] for item in report["servers"]]) == (1, [True])
    assert (told(report), report["not_assessed"]) == ({"literal-secret"}, [])
    config.write_text(servers(mine=stated(tmp_path, "ping", env={**env, "MORE": "1"})))
    _, report = scan(capfd, "--user")
    assert told(report) == {"literal-secret", "launch-changed"}


def test_a_variable_that_decides_what_starts_is_no_part_of_a_pin(home, capfd, tmp_path):
    pytest.importorskip("mcp", reason="connecting needs the extra `connect`")
    put(home, ".cursor/mcp.json", servers(mine=stated(tmp_path, "ping", env={"NODE_OPTIONS": "--title=x", "PYTHONUNBUFFERED": "1"})))
    assert main(["pin", "--user", "--yes"]) == 4
    assert "stands in the variable NODE_OPTIONS" in capfd.readouterr().out
    assert main(["pin", "--user", "--allow-launch", "mine"]) == 0
    capfd.readouterr()
    started = (tmp_path / "log").read_text()
    assert main(["scan", "--user", "--client", "cursor"]) == 4
    assert "--allow-launch" in capfd.readouterr().out
    assert (tmp_path / "log").read_text() == started
    assert main(["scan", "--user", "--client", "cursor", "--allow-launch", "mine"]) == 0


def test_what_is_missing_is_the_own_lockfile(home, capfd):
    put(home, ".cursor/mcp.json", servers(mine=PINNED))
    put(home, "mcp-audit.lock", "of some project")
    code, report = scan(capfd, "--user", "--pin-check", "--client", "cursor")
    assert code == 4
    assert [(item["path"], item["hint"]) for item in report["not_assessed"] if (item["path"] or "").startswith("~")] == [
        (f"~/{LOCK}", "run mcp-audit pin --user")
    ]
    put(home, LOCK, json.dumps({"lockfileVersion": 1, "servers": []}, indent=2) + "\n")
    _, report = scan(capfd, "--user", "--pin-check", "--client", "cursor")
    assert [(item["path"], item["hint"]) for item in report["not_assessed"] if (item["path"] or "").startswith("~")] == [
        ("~/.cursor/mcp.json", "run mcp-audit pin --user")
    ]
    assert {item["remediation"] for item in report["findings"] if item["rule"] == "unlocked-server"} == {
        "Run mcp-audit pin --user, read what it shows; or remove the server."
    }


@pytest.mark.parametrize("name", ["lm-studio", "jetbrains-ai"])
def test_clients_that_have_only_files_in_the_home_folder_are_known(name, home, capfd):
    put(home, ".lmstudio/mcp.json", servers(mine=PINNED))
    put(home, ".ai/mcp/mcp.json", servers(mine=PINNED))
    _, report = scan(capfd, "--user", "--client", name)
    assert [item["client"] for item in report["servers"]] == [name]


def test_a_state_folder_that_cannot_be_is_told_and_none_is_made_for_nothing(home, capfd):
    pytest.importorskip("mcp", reason="connecting needs the extra `connect`")
    assert main(["pin", "--user", "--yes"]) == 3
    assert list(home.iterdir()) == []
    put(home, ".cursor/mcp.json", servers(mine=PINNED))
    put(home, ".local/state", "no folder")
    assert main(["pin", "--user", "--yes"]) == 2
    assert "cannot make the folder" in capfd.readouterr().err


@pytest.mark.parametrize("words", [["scan", "--skip-connect", "--user"], ["pin", "--user", "--yes"]])
def test_a_broken_lockfile_of_ones_own_is_not_of_a_branch(words, home, capfd):
    if words[0] == "pin":
        pytest.importorskip("mcp", reason="connecting needs the extra `connect`")
    put(home, ".cursor/mcp.json", servers(mine=PINNED))
    put(home, LOCK, "{")
    assert main(words) == 2
    assert capfd.readouterr().err.endswith("; remove it, and run mcp-audit pin --user\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes as POSIX has them")
def test_what_stands_in_a_configs_place_neither_stops_nor_changes(home, capfd):
    for path in (".cursor/x", ".gemini/x", ".codex/x"):
        put(home, path, "")
    os.mkfifo(home / ".cursor" / "mcp.json")
    (home / ".claude.json").symlink_to("/dev/zero")
    (home / ".gemini" / "settings.json").symlink_to("settings.json")
    (home / ".codex" / "config.toml").write_bytes(b"\xff\xfe")
    (home / ".lmstudio").mkdir()
    (home / ".lmstudio" / "mcp.json").write_bytes(b'\xef\xbb\xbf{"mcpServers": {"a": {"command": "x", "command": "y"}}}\r\n')
    before = (home / ".lmstudio" / "mcp.json").read_bytes()
    code, report = scan(capfd, "--user")
    assert code == 4
    lost = {f"~/{path}" for path in (".cursor/mcp.json", ".claude.json", ".gemini/settings.json", ".codex/config.toml")}
    assert {item["path"] for item in report["not_assessed"]} == lost
    assert [item["location"]["path"] for item in report["findings"] if item["rule"] == "duplicate-key"] == ["~/.lmstudio/mcp.json"]
    assert (home / ".lmstudio" / "mcp.json").read_bytes() == before


def test_two_who_pin_at_once_lose_nothing(home, tmp_path):
    pytest.importorskip("mcp", reason="connecting needs the extra `connect`")
    put(home, ".cursor/mcp.json", servers(mine=stated(tmp_path, "ping")))
    put(home, ".lmstudio/mcp.json", servers(other=stated(tmp_path, "ping")))
    command = [sys.executable, "-m", "mcp_audit_gate", "pin", "--user", "--yes", "--client"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    begun = [subprocess.Popen([*command, client], env=env, stdout=subprocess.DEVNULL) for client in ("cursor", "lm-studio")]
    assert [process.wait(120) for process in begun] == [0, 0]
    assert [pin["name"] for pin in json.loads((home / LOCK).read_text())["servers"]] == ["mine", "other"]


def test_a_pin_check_wants_no_lockfile_of_those_who_have_no_server(home, capfd):
    (Path.cwd() / ".mcp.json").write_text(servers())
    assert scan(capfd, "--pin-check", "--user")[0] == 0


def test_wrong_use(home, capfd):
    pytest.importorskip("mcp", reason="connecting needs the extra `connect`")
    assert main(["pin", "--user", "."]) == 2
    assert "lockfile of its own" in capfd.readouterr().err
