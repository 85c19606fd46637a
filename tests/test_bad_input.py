"""Whatever lies in a config's place: one clear line with the place and the next step, the documented exit code, and the rest still judged."""

from __future__ import annotations

import json
import os
import socket

import pytest

from mcp_audit_gate.cli import main
from mcp_audit_gate.sources import discover, tree

SERVER = {"mcpServers": {"web": {"type": "http", "url": "http://mcp.example.com/v1"}}}
GOOD = json.dumps(SERVER, indent=2)


def write(root, path, content) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def scan(root, capfd, *arguments):
    """(exit code, JSON report, standard error) of a scan of root."""
    code = main(["scan", "--skip-connect", "-o", "json", *(arguments or (str(root),))])
    out, err = capfd.readouterr()
    return code, json.loads(out) if out else None, err


UNREADABLE = {
    "truncated": (GOOD[:-4], "not valid JSON"),
    "utf-16": (GOOD.encode("utf-16"), "UTF-16, not UTF-8"),
    "utf-16 without a mark": (GOOD.encode("utf-16-le"), "not valid JSON"),
    "invalid byte": (GOOD.encode().replace(b"web", b"w\xffb"), "is not UTF-8"),
    "binary": (bytes(range(256)) * 40, "not UTF-8"),
    "empty": ("", "the file is empty"),
    "blank": (" \n\t\n", "the file is empty"),
    "only comments": ("// {}\n/* x */\n", "the file holds only comments"),
    "only a mark": (b"\xef\xbb\xbf", "the file is empty"),
    "5 MB": (GOOD + " " * 5_000_000, "larger than 4 MiB"),
    "100 000 brackets": ("[" * 100_000, "nested deeper than 64"),
    "80 levels": ('{"mcpServers": {}, "x": ' + "[" * 80 + "]" * 80 + "}", "nested deeper than 64"),
    "two values": ("{} {}", "not valid JSON"),
    "a list": ("[]", "no map of keys"),
    "a string": ('"x"', "no map of keys"),
    "a huge number": ('{"x": ' + "9" * 5000 + "}", "not valid JSON"),
    "NaN": ('{"x": NaN}', "not valid JSON"),
    "an LFS pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
    "10 001 entries": (json.dumps({"mcpServers": {f"s{n}": {"command": "x"} for n in range(10_001)}}), "more than 10000 entries"),
    "10 001 scalars": (json.dumps({"mcpServers": {f"s{n}": n for n in range(10_001)}}), "more than 10000 entries"),
    "a text of 100 000 characters": (
        json.dumps({"mcpServers": {"x": {"command": "bash", "args": ["-c", "a|" * 50_000]}}}),
        "a text of 100000 characters",
    ),
    "servers as a number": ('{"mcpServers": 5}', "unknown shape"),
    "an entry as a list": ('{"mcpServers": {"x": ["bash"]}}', "no object"),
    "an entry without a start": ('{"mcpServers": {"x": {"args": []}}}', "without program or address"),
    "an empty entry": ('{"mcpServers": {"x": {}}}', "without program or address"),
    "args as text": ('{"mcpServers": {"x": {"command": "npx", "args": "-y x"}}}', "not a list"),
    "a command as a number": ('{"mcpServers": {"x": {"command": 5}}}', "neither text nor a list"),
    "an argument as an object": ('{"mcpServers": {"x": {"command": "npx", "args": [{}]}}}', "not text"),
    "env as text": ('{"mcpServers": {"x": {"command": "npx", "args": [], "env": "A=b"}}}', "neither a map nor a list"),
    "an address as a list": ('{"mcpServers": {"x": {"url": ["https://x.example"]}}}', "address is not text"),
    "a list of scalars": ('{"mcpServers": [5]}', "no object"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_config_is_named_and_the_rest_is_judged(name, tmp_path, capfd) -> None:
    content, reason = UNREADABLE[name]
    write(tmp_path, ".mcp.json", content)
    write(tmp_path, "app/.cursor/mcp.json", GOOD)
    code, report, err = scan(tmp_path, capfd)
    assert code == 4
    lost = [item for item in report["not_assessed"] if item["path"] == ".mcp.json"]
    assert len(lost) == 1
    assert reason in lost[0]["reason"]
    assert "\n" not in lost[0]["reason"]
    assert lost[0]["hint"]
    found = [f for f in report["findings"] if f["rule"] == "config-unreadable"]
    assert [f["location"]["path"] for f in found] == [".mcp.json"]
    assert found[0]["status"] == "blocking"
    assert [f["location"]["path"] for f in report["findings"] if f["rule"] == "plain-http"] == ["app/.cursor/mcp.json"]
    assert err == ""


@pytest.mark.parametrize("name", ["crush.json", "zcode.json", "kilo.json", "firebender.json"])
@pytest.mark.parametrize(
    ("content", "code"),
    [('[{"id": 1, "colour": "red"}, {"id": 2}]', 0), ("[]", 0), ('[{"mcpServers": {}}]', 4), ('[{"name": "a", "command": "npx"}]', 4), ('"x"', 4)],
)
def test_a_list_of_another_program_with_the_same_file_name_is_no_config(name, content, code, tmp_path, capfd) -> None:
    write(tmp_path, name, content)
    assert scan(tmp_path, capfd)[0] == code


@pytest.mark.parametrize(
    ("path", "content", "place"),
    [
        (".mcp.json", '{"mcpServers": {"x": {"command": "bash" "args": []}}}', (1, 41)),
        (".mcp.json", '{\n  "mcpServers": {"x": \n', (2, 21)),
        (".codex/config.toml", '[mcp_servers.x]\ncommand = "bash\n', (2, 15)),
        (".continue/mcpServers/x.yaml", "mcpServers:\n  - name: x\n   command: bash\n", (3, 4)),
        (".github/agents/x.md", "---\nname: x\nmcp-servers: [\n---\nText\n", (3, 14)),
    ],
)
def test_a_syntax_error_is_pointed_at(path, content, place, tmp_path, capfd) -> None:
    write(tmp_path, path, content)
    code, report, _ = scan(tmp_path, capfd)
    assert code == 4
    (found,) = report["findings"]
    assert (found["location"]["start_line"], found["location"]["start_column"]) == place


def test_links_that_leave_or_lead_nowhere_are_not_followed(tmp_path, capfd) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    write(outside, "secret.json", json.dumps({"mcpServers": {"canary-name": {"command": "x"}}}))
    write(root, "app/.mcp.json", GOOD)
    (root / ".mcp.json").symlink_to(outside / "secret.json")
    (root / "dangling").mkdir()
    (root / "dangling/.mcp.json").symlink_to("nothing.json")
    (root / "loop").mkdir()
    (root / "loop/.mcp.json").symlink_to(".mcp.json")
    (root / ".cursor").symlink_to(outside)
    (root / ".vscode").symlink_to("missing")
    code, report, _ = scan(root, capfd)
    assert code == 4
    assert {item["path"] for item in report["not_assessed"]} == {".mcp.json", "dangling/.mcp.json", "loop/.mcp.json", ".cursor", ".vscode"}
    assert "canary-name" not in json.dumps(report)
    assert [f["location"]["path"] for f in report["findings"] if f["rule"] == "plain-http"] == ["app/.mcp.json"]


def test_links_inside_the_root_are_read_under_their_own_path(tmp_path, capfd) -> None:
    write(tmp_path, "shared/servers.json", GOOD)
    write(tmp_path, "config/editor/mcp.json", GOOD)
    (tmp_path / ".mcp.json").symlink_to("shared/servers.json")
    (tmp_path / ".cursor").symlink_to("config/editor")
    (tmp_path / "again").symlink_to("config")
    (tmp_path / "self").symlink_to(".")
    code, report, _ = scan(tmp_path, capfd)
    assert code == 1
    assert [item["path"] for item in report["inputs"]] == [".cursor/mcp.json", ".mcp.json"]


def test_a_linked_folder_does_not_show_a_config_twice_but_one_behind_a_skipped_folder_is_shown(tmp_path, capfd) -> None:
    write(tmp_path, "packages/a/.mcp.json", GOOD)
    write(tmp_path, "node_modules/tool/.mcp.json", GOOD)
    (tmp_path / "link").symlink_to("packages")
    (tmp_path / "tool").symlink_to("node_modules/tool")
    _, report, _ = scan(tmp_path, capfd)
    assert [item["path"] for item in report["inputs"]] == ["packages/a/.mcp.json", "tool/.mcp.json"]


def test_links_behind_links(tmp_path, capfd) -> None:
    write(tmp_path, "real/x.yaml", "mcpServers: [{name: x, url: 'http://mcp.example.com'}]\n")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/mcpServers").symlink_to("../real")
    (tmp_path / ".continue").symlink_to("shared")
    write(tmp_path, "node_modules/tool/editor/mcp.json", GOOD)
    (tmp_path / "node_modules/tool/.cursor").symlink_to("editor")
    (tmp_path / "pkg").symlink_to("node_modules/tool")
    _, report, _ = scan(tmp_path, capfd)
    assert [item["path"] for item in report["inputs"]] == [".continue/mcpServers/x.yaml", "pkg/.cursor/mcp.json"]


def test_folders_of_a_clients_path_that_leave_the_root(tmp_path, capfd) -> None:
    root = tmp_path / "root"
    write(tmp_path, "outside/mcp.json", GOOD)
    write(root, ".mcp.json", '{"mcpServers": {}}')
    (root / ".kiro").mkdir()
    (root / ".kiro/settings").symlink_to(tmp_path / "outside")
    (root / ".junie").mkdir()
    (root / ".junie/mcp").symlink_to("nowhere")
    (root / "result").symlink_to(tmp_path / "outside")
    code, report, _ = scan(root, capfd)
    assert code == 4
    assert [item["path"] for item in report["not_assessed"]] == [".junie/mcp", ".kiro/settings"]


def test_folders_pipes_and_sockets_in_a_configs_place(tmp_path, capfd, monkeypatch) -> None:
    write(tmp_path, "app/.mcp.json", GOOD)
    (tmp_path / ".mcp.json").mkdir()
    (tmp_path / ".cursor").mkdir()
    os.mkfifo(tmp_path / ".cursor/mcp.json")
    (tmp_path / ".roo").mkdir()
    monkeypatch.chdir(tmp_path / ".roo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("mcp.json")
        code, report, _ = scan(tmp_path, capfd)
    assert code == 4
    assert {item["path"] for item in report["not_assessed"]} == {".mcp.json", ".cursor/mcp.json", ".roo/mcp.json"}
    assert len([f for f in report["findings"] if f["rule"] == "plain-http"]) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files_and_folders(tmp_path, capfd) -> None:
    write(tmp_path, ".mcp.json", GOOD)
    write(tmp_path, "locked/.mcp.json", GOOD)
    write(tmp_path, "app/.mcp.json", GOOD)
    (tmp_path / ".mcp.json").chmod(0)
    (tmp_path / "locked").chmod(0)
    try:
        code, report, _ = scan(tmp_path, capfd)
    finally:
        (tmp_path / "locked").chmod(0o755)
    assert code == 4
    assert {(item["path"], item["reason"]) for item in report["not_assessed"]} == {
        (".mcp.json", "permission denied"),
        ("locked", "permission denied"),
    }


def test_what_the_system_refuses_is_told_whoever_runs_it(tmp_path, capfd, monkeypatch) -> None:
    write(tmp_path, ".mcp.json", GOOD)
    write(tmp_path, "locked/.mcp.json", GOOD)
    write(tmp_path, "app/.mcp.json", GOOD)
    opened, listed = os.open, os.scandir

    def refuse(path) -> None:
        if os.path.realpath(path) in (str(tmp_path / ".mcp.json"), str(tmp_path / "locked")):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", lambda path, *more, **named: refuse(path) or opened(path, *more, **named))
    monkeypatch.setattr(os, "scandir", lambda path=".": refuse(path) or listed(path))
    code, report, _ = scan(tmp_path, capfd)
    assert (code, [item["path"] for item in report["servers"]]) == (4, ["app/.mcp.json"])
    assert {(item["what"], item["path"], item["reason"]) for item in report["not_assessed"]} == {
        ("config", ".mcp.json", "permission denied"),
        ("folder", "locked", "permission denied"),
    }


def test_a_root_that_cannot_be_listed_has_no_policy_that_anybody_knows(tmp_path, capfd, monkeypatch) -> None:
    write(tmp_path, ".mcp.json", GOOD)
    listed = os.listdir

    def refuse(path="."):
        if os.path.realpath(path) == str(tmp_path):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "listdir", refuse)
    code, report, err = scan(tmp_path, capfd)
    assert (code, report) == (2, None)
    assert err == "mcp-audit: .: permission denied, so no policy can be looked for there; make it readable for the user that runs mcp-audit\n"


def test_a_file_that_fails_or_grows_while_it_is_read(tmp_path, capfd, monkeypatch) -> None:
    write(tmp_path, ".mcp.json", GOOD + " " * (5 << 20))
    write(tmp_path, "app/.mcp.json", GOOD)
    states = os.fstat

    def shrunk(descriptor):
        state = list(states(descriptor))
        state[6] = min(state[6], 10)
        return os.stat_result(state)

    monkeypatch.setattr(os, "fstat", shrunk)
    code, report, _ = scan(tmp_path, capfd)
    assert (code, [(item["path"], item["reason"]) for item in report["not_assessed"]]) == (4, [(".mcp.json", "larger than 4 MiB")])
    monkeypatch.setattr(os, "fstat", states)

    def broken(*args):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", broken)
        code = main(["scan", "--skip-connect", "-o", "json", str(tmp_path)])
    assert code == 4
    assert {item["reason"] for item in json.loads(capfd.readouterr().out)["not_assessed"]} == {"cannot be opened: Input/output error"}


def test_limits_of_a_whole_run_are_told(tmp_path, capfd, monkeypatch) -> None:
    write(tmp_path, ".mcp.json", GOOD)
    write(tmp_path, "z/.mcp.json", GOOD + " " * 1000)
    with monkeypatch.context() as patched:
        patched.setattr(discover, "MAX_TOTAL", 1000)
        code, report, _ = scan(tmp_path, capfd)
        assert (code, [item["path"] for item in report["not_assessed"]]) == (4, ["z/.mcp.json"])
        assert report["not_assessed"][0]["reason"].endswith("MiB of configs in all")
    for number in range(5):
        write(tmp_path, f"node_modules/x/{number}/.mcp.json", GOOD)
    (tmp_path / "link").symlink_to("node_modules/x")
    monkeypatch.setattr(tree, "MAX_LINKED", 3)
    code, report, _ = scan(tmp_path, capfd)
    assert code == 4
    assert [item["reason"] for item in report["not_assessed"]] == ["more than 3 folders behind links"]


def test_a_submodule_that_stands_for_a_clients_folder(tmp_path, capfd) -> None:
    write(tmp_path, ".mcp.json", '{"mcpServers": {}}')
    write(tmp_path, ".gitmodules", '[submodule "x"]\n\tpath = pkg/.cursor\n\turl = https://git.example.net/x\n[submodule "lib"]\n\tpath = lib\n')
    (tmp_path / "pkg/.cursor").mkdir(parents=True)
    code, report, _ = scan(tmp_path, capfd)
    assert code == 4
    assert [(item["path"], item["reason"]) for item in report["not_assessed"]] == [
        ("pkg/.cursor", "an empty folder, as of a submodule that is not checked out")
    ]
    write(tmp_path, "pkg/.cursor/mcp.json", GOOD)
    assert scan(tmp_path, capfd)[0] == 1


def test_a_path_that_does_not_exist(tmp_path, capfd) -> None:
    code, report, err = scan(tmp_path, capfd, str(tmp_path / "nothing"))
    assert (code, report) == (2, None)
    assert err.count("\n") == 1
    assert "no such file or folder" in err


def test_nothing_to_scan(tmp_path, capfd) -> None:
    assert scan(tmp_path, capfd)[0] == 3
    assert scan(tmp_path, capfd, "--allow-empty", str(tmp_path))[0] == 0


def test_a_named_file_is_read_whatever_its_name_and_its_syntax(tmp_path, capfd) -> None:
    for name, text in (
        ("odd.conf", GOOD),
        ("a.toml", '[mcp_servers.x]\nurl = "http://mcp.example.com"\n'),
        ("b.yml", "mcpServers:\n  x: {url: 'http://mcp.example.com'}\n"),
    ):
        write(tmp_path, name, text)
        code, report, _ = scan(tmp_path, capfd, str(tmp_path / name))
        assert code == 1
        assert [f["location"]["path"] for f in report["findings"]] == [name]
    write(tmp_path, "broken.conf", "{")
    assert scan(tmp_path, capfd, str(tmp_path / "broken.conf"))[0] == 4


def test_paths_are_relative_to_the_git_root_above(tmp_path, capfd) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, "pkg/app/.mcp.json", GOOD)
    write(tmp_path, ".mcp.json", GOOD)
    _, report, _ = scan(tmp_path, capfd, str(tmp_path / "pkg"))
    assert [item["path"] for item in report["inputs"]] == ["pkg/app/.mcp.json"]


def test_two_paths_without_a_common_repository(tmp_path, capfd) -> None:
    for name in ("one", "two"):
        write(tmp_path, f"{name}/.mcp.json", GOOD)
    _, report, _ = scan(tmp_path, capfd, str(tmp_path / "one"), str(tmp_path / "two"))
    assert [item["path"] for item in report["inputs"]] == ["one/.mcp.json", "two/.mcp.json"]


@pytest.mark.parametrize("name", ["a\x1b[31m\nb", "ü日本", "x\udcff", "a%0A::error::", " ", "'\"`|<>"])
def test_odd_folder_names_are_true_in_json(name, tmp_path, capfd) -> None:
    try:
        write(tmp_path, f"{name}/.mcp.json", GOOD)
    except (OSError, ValueError):
        pytest.skip("the file system refuses the name")
    code, report, _ = scan(tmp_path, capfd)
    assert code == 1
    assert [item["path"] for item in report["inputs"]] == [f"{name}/.mcp.json"]


def test_many_equal_keys_are_judged_first_and_last(tmp_path, capfd) -> None:
    write(
        tmp_path, ".mcp.json", '{"mcpServers": {"x": {"url": "http://a.example.com", "url": "https://b.example.com", "url": "http://c.example.com"}}}'
    )
    code, report, _ = scan(tmp_path, capfd)
    assert code == 1
    assert len(report["servers"]) == 1
    assert [(f["rule"], f["location"]["start_column"]) for f in report["findings"]] == [("plain-http", 30), ("duplicate-key", 86), ("plain-http", 93)]


def test_a_duplicate_map_and_a_duplicate_server(tmp_path, capfd) -> None:
    text = '{"mcpServers": {"x": {"url": "http://a.example.com"}},\n "mcpServers": {"x": {"url": "https://b.example.com"}, "x": {"url": "http://c.example.com"}}}'
    write(tmp_path, ".mcp.json", text)
    _, report, _ = scan(tmp_path, capfd)
    found = [(f["rule"], f["location"]["start_line"], f["location"]["start_column"]) for f in report["findings"]]
    assert found == [("plain-http", 1, 30), ("duplicate-key", 2, 2), ("duplicate-key", 2, 56), ("plain-http", 2, 69)]


def test_duplicate_keys_elsewhere_are_nobodys_business(tmp_path, capfd) -> None:
    write(tmp_path, ".vscode/settings.json", '{"editor.tabSize": 2, "editor.tabSize": 4, "a": {"b": 1, "b": 2}, "_comment": 1, "_comment": 2}')
    code, report, _ = scan(tmp_path, capfd)
    assert (code, report["findings"]) == (0, [])


@pytest.mark.parametrize("command", [["scan"], ["pin"]])
def test_a_command_that_would_connect_without_its_extra_is_refused_in_one_line(tmp_path, capfd, monkeypatch, command) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    write(tmp_path, ".mcp.json", GOOD)
    assert main([*command, str(tmp_path)]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"mcp-audit: {command[0]} connects to servers, which needs the extra `connect`")
    assert "pip install 'mcp-audit-gate[connect]'" in err


WRONG_USE = {
    "scan --staged": "--staged judges files, and a scan without --skip-connect starts servers; add --skip-connect",
    "pin --lock ../x.json": "--lock ../x.json: the lockfile must lie below the root",
    "pin --lock .": "--lock .: a folder is no lockfile; name a file, for example mcp-audit.lock.json",
    "": "no command given; try mcp-audit scan --skip-connect",
    "scan --skip-connect --now 22.11.2026": "'22.11.2026' is no date; write YYYY-MM-DD",
    "scan --skip-connect --now 20261122": "'20261122' is no date; write YYYY-MM-DD",
    "scan --skip-connect --now 2026-W47-7": "'2026-W47-7' is no date; write YYYY-MM-DD",
    "scan --skip-connect --pass-env TOKEN=abc": "TOKEN=…: write the name alone; the value is the one that TOKEN has in the environment;",
    "scan --skip-connect --pass-env=": "the name is empty; write that of a variable",
    "scna": '(did you mean "scan"?)',
    "scan --skip-conect": 'see mcp-audit scan --help (did you mean "--skip-connect"?)',
    "scan --trusted_ref=main": '(did you mean "--trusted-ref"?)',
    "scan --skip-connect --fail-on hgh": '(did you mean "high"?)',
    "diff -o jsn": '(did you mean "json"?)',
    "diff a b c": "unrecognized arguments: c; see mcp-audit diff --help",
    "init folder": "unrecognized arguments: folder; see mcp-audit init --help",
    "--skip-connect": "a command comes first, for example mcp-audit scan",
    "scan --skip-connect --lock .": "--lock .: a folder is no lockfile; name a file, for example mcp-audit.lock.json",
    "scan --skip-connect --policy .": "the policy cannot be read: a folder stands where a file is expected",
    "scan --skip-connect --new-only --baseline no.json": "--baseline no.json cannot be read: there is no such file",
    "waive 0f3c --reason r --expires 2027-01-31": '"0f3c" is too short for a fingerprint; give its first 8 digits',
    "waive 0f3c9a51 --reason r --expires 2027-01-31 --report no.json": "--report no.json cannot be read: there is no such file",
    "scan --timeout 0": "'0': write seconds, above 0 and at most 3600",
    "scan --timeout 1e9": "'1e9': write seconds, above 0 and at most 3600",
    "scan --jobs 0": "'0': write a number from 1 to 1000",
    "scan --jobs 1001": "'1001': write a number from 1 to 1000",
    "scan --jobs ²": "'²': write a number from 1 to 1000",
}


@pytest.mark.parametrize("line", WRONG_USE)
def test_what_a_command_line_may_not_ask_for_is_said_before_anything_is_done(line, tmp_path, capfd, monkeypatch) -> None:
    if line.startswith(("pin", "scan --staged")):
        pytest.importorskip("mcp")
    write(tmp_path, ".mcp.json", GOOD)
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 2
    err = capfd.readouterr().err
    assert WRONG_USE[line] in err
    assert err.splitlines()[-1].startswith("mcp-audit: ")


def test_paths_stand_on_both_sides_of_an_option(tmp_path, capfd) -> None:
    for name in ("a", "b"):
        write(tmp_path, f"{name}/.mcp.json", GOOD)
    assert main(["scan", str(tmp_path / "a"), "--skip-connect", str(tmp_path / "b"), "-o", "json"]) == 1
    assert [item["path"] for item in json.loads(capfd.readouterr().out)["inputs"]] == ["a/.mcp.json", "b/.mcp.json"]


def test_the_value_of_a_variable_is_not_repeated(capfd) -> None:
    assert main(["scan", "--pass-env", "TOKEN=s3cret"]) == 2
    assert "s3cret" not in capfd.readouterr().err


def test_serve_without_its_extra_is_refused_in_one_line(capfd, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["serve"]) == 2
    assert capfd.readouterr().err == "mcp-audit: serve speaks MCP, which needs the extra `connect`; pip install 'mcp-audit-gate[connect]'\n"


def test_several_servers_at_once_is_a_number_of_the_command_line(tmp_path, capfd, monkeypatch) -> None:
    pytest.importorskip("mcp")
    monkeypatch.chdir(tmp_path)
    assert main(["scan", "--jobs", "1000", "--allow-empty"]) == 0
