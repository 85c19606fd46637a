"""serve --install: into the user's own configs and out again, in a made-up home."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

pytest.importorskip("mcp", reason="serving needs the extra `connect`")

from fakes import token

from mcp_audit_gate.cli import main
from mcp_audit_gate.live import install
from mcp_audit_gate.sources.homes import HOMES, folders, located

FILES = {"claude-desktop": ".config/Claude/claude_desktop_config.json", "claude-code": ".claude.json", "cursor": ".cursor/mcp.json"}
FILES["vscode"] = ".config/Code/User/mcp.json"
TEXT = '{\n  // mine\n  "mcpServers": {"a": {"command": "x", "env": {"T": "%s"}}},\n  "servers": {},\n  "zeta": [1,2]\n}\n'

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def text() -> str:
    return TEXT % token("github")


def put(home: Path, client: str, data: str | None = None) -> Path:
    path = home / FILES[client]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((text() if data is None else data).encode())
    return path


@pytest.mark.parametrize("client", FILES)
def test_in_and_out_leaves_every_byte(client, home, capfd):
    path = put(home, client)
    path.chmod(0o640)
    before = path.read_bytes()
    assert main(["serve", "--install", "--client", client, "--dry-run"]) == 0
    assert path.read_bytes() == before
    assert main(["serve", "--install", "--client", client]) == 0
    after = path.read_bytes()
    section = "servers" if client == "vscode" else "mcpServers"
    added = after.replace(b"  // mine\n", b"")
    entry = json.loads(added)[section]["mcp-audit"]
    assert entry["args"] == ["serve"]
    assert entry.get("type") == ("stdio" if client == "vscode" else None)
    assert Path(f"{path}.mcp-audit-backup").read_bytes() == before
    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.glob("*.json*")} == {0o640}
    assert main(["serve", "--install", "--client", client]) == 0
    assert path.read_bytes() == after
    assert main(["serve", "--uninstall", "--client", client]) == 0
    assert path.read_bytes() == before
    out, err = capfd.readouterr()
    assert "installed already" in out
    assert token("github") not in out + err


def test_a_new_file_goes_again(home):
    path = home / FILES["cursor"]
    assert main(["serve", "--install", "--client", "cursor", "--allow-connect"]) == 0
    assert json.loads(path.read_text())["mcpServers"]["mcp-audit"]["args"] == ["serve", "--allow-connect"]
    assert main(["serve", "--uninstall", "--client", "cursor"]) == 0
    assert not path.exists()
    assert main(["serve", "--uninstall", "--client", "cursor"]) == 0


def test_an_older_entry_is_renewed_and_keeps_what_was_added(home):
    old = {"mcpServers": {"mcp-audit": {"command": "/old/mcp-audit", "args": ["serve"], "env": {"A": "1"}}, "b": {"command": "y"}}}
    path = put(home, "cursor", json.dumps(old))
    assert main(["serve", "--install", "--client", "cursor"]) == 0
    entry = json.loads(path.read_text())["mcpServers"]["mcp-audit"]
    assert entry["env"] == {"A": "1"}
    assert entry["command"] != "/old/mcp-audit"


def test_without_a_name_it_is_for_the_clients_that_are_there(home, capfd):
    assert main(["serve", "--install"]) == 2
    put(home, "cursor", "{}")
    (home / ".config" / "Code" / "User").mkdir(parents=True)
    assert main(["serve", "--install"]) == 0
    assert (home / FILES["vscode"]).exists()
    assert not (home / FILES["claude-code"]).exists()
    assert "cursor: ~/.cursor/mcp.json" in capfd.readouterr().out


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[]",
        '{"mcpServers": []}',
        '{"mcpServers": {"mcp-audit": {"command": "npx", "args": ["serve"]}}}',
        '{"mcpServers": {"mcp-audit": {"command": "/opt/mcp-audit-of-others", "args": ["serve"]}}}',
        '{"a": 1, "a": 2}',
        "\xff\xfe",
    ],
)
@pytest.mark.parametrize("action", ["--install", "--uninstall"])
def test_what_cannot_be_edited_safely_is_refused_and_nothing_else_done(data, action, home, capfd):
    good, bad = put(home, "claude-code", "{}"), put(home, "cursor", data)
    if data.startswith("\xff"):
        bad.write_bytes(b"\xff\xfe{}")
    before = (good.read_bytes(), bad.read_bytes())
    assert main(["serve", action, "--client", "claude-code,cursor"]) == 2
    assert (good.read_bytes(), bad.read_bytes()) == before
    assert "mcp.json was not touched" in capfd.readouterr().err


@pytest.mark.parametrize("obstacle", ["backup", "folder"])
def test_a_place_that_cannot_be_written_is_told_and_nothing_lost(obstacle, home, capfd):
    path = home / FILES["cursor"]
    if obstacle == "backup":
        put(home, "cursor", "{}")
        Path(f"{path}.mcp-audit-backup").mkdir()
    else:
        path.parent.write_text("no folder")
    before = {str(file): file.read_bytes() for file in home.rglob("*") if file.is_file()}
    assert main(["serve", "--install", "--client", "cursor"]) == 2
    assert "mcp.json was not touched: " in capfd.readouterr().err
    assert {str(file): file.read_bytes() for file in home.rglob("*") if file.is_file()} == before


def test_a_file_that_is_marked_as_read_only_stays_as_it_is(home, capfd):
    path = put(home, "cursor", "{}")
    path.chmod(0o444)
    assert main(["serve", "--install", "--client", "cursor"]) == 2
    assert "read-only" in capfd.readouterr().err
    assert path.read_text() == "{}"
    path.chmod(0o644)
    assert main(["serve", "--install", "--client", "cursor"]) == 0
    path.chmod(0o444)
    assert main(["serve", "--install", "--client", "cursor"]) == 0, "nothing is to be done"
    assert main(["serve", "--uninstall", "--client", "cursor"]) == 2
    path.chmod(0o644)


def test_a_file_that_changes_in_the_last_moment_stays_as_it_is(home, capfd, monkeypatch):
    path = put(home, "cursor", "{}")
    whole = install.put

    def late(file: str, data: bytes, *words, last=None, **more) -> None:
        if file == str(path):
            path.write_text('{"mine": 1}')
        whole(file, data, *words, last=last, **more)

    monkeypatch.setattr(install, "put", late)
    assert main(["serve", "--install", "--client", "cursor"]) == 2
    assert "changed in this moment" in capfd.readouterr().err
    assert path.read_text() == '{"mine": 1}'


@pytest.mark.parametrize("rest", ["{}", '{"mcpServers": {}}', '{\n  "mcpServers": {\n    "a": {"command": "x"}, // mine\n  },\n}\n'])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_marks_and_line_ends_come_back(rest, mark, line_end, home):
    before = (mark + rest.replace("\n", line_end)).encode()
    path = put(home, "cursor")
    path.write_bytes(before)
    assert main(["serve", "--install", "--client", "cursor"]) == (2 if "//" in rest and line_end == "\r" else 0)
    main(["serve", "--uninstall", "--client", "cursor"])
    assert path.read_bytes() == before


def test_a_link_stays_a_link(home):
    real = home / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text('{"mcpServers": {}}')
    (home / ".cursor").mkdir()
    (home / FILES["cursor"]).symlink_to(real)
    assert main(["serve", "--install", "--client", "cursor"]) == 0
    assert (home / FILES["cursor"]).is_symlink()
    assert "mcp-audit" in real.read_text()


@pytest.mark.parametrize("words", [["--client", "zed", "--install"], ["--client", "cursor"], ["--dry-run"], ["--install", "--uninstall"]])
def test_wrong_use(words, home, capfd):
    assert main(["serve", *words]) == 2
    assert not list(home.iterdir())


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"HOME": "/h"}, "/h/.config/Code/User/mcp.json"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/Code/User/mcp.json"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "x"}, "/h/.config/Code/User/mcp.json"),
        ("linux", {"HOME": "h"}, f"{os.getcwd()}/h/.config/Code/User/mcp.json"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/Code/User/mcp.json"),
        ("win32", {"USERPROFILE": "/h", "APPDATA": "/h/Roaming"}, "/h/Roaming/Code/User/mcp.json"),
    ],
)
def test_the_folders_of_each_system(platform, environ, expected):
    row = next(row for row in HOMES if row.client == "vscode")
    assert next(located(row, folders(environ, platform), environ)) == expected.replace("/", os.sep)
