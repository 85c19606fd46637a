"""The policy at the command line: which one a scan takes, what it does to the verdict, `policy check`, `policy show`, `waive`."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import token

from mcp_audit_gate.cli import main

HTTP = {"mcpServers": {"staging": {"type": "http", "url": "http://mcp.example.com/v1"}}}
GOOD = {"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}}
WAIVER = "version: 1\nwaivers:\n  - rule: plain-http\n    path: .mcp.json\n    server: staging\n    reason: until OPS-112\n    expires: 2027-01-31\n"
NOW = ("--now", "2026-12-01")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty repository that is the working directory."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repo")
    return tmp_path / "repo"


def write(root, files):
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, (str, bytes)) else json.dumps(content, indent=2)
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))


def call(capfd, *words):
    """(exit code, standard output, standard error)."""
    code = main(list(words))
    out, err = capfd.readouterr()
    return code, out, err


def scan(capfd, *words):
    """(exit code, JSON report, standard error) of a scan of the working directory."""
    code, out, err = call(capfd, "scan", "--skip-connect", "-o", "json", *NOW, *words)
    return code, json.loads(out) if out else None, err


def found(report):
    return [(finding["rule"], finding["severity"], finding["status"]) for finding in report["findings"]]


# --------------------------------------------------------------------------------------------------------- which policy


def test_the_report_says_which_policy_was_used(root, capfd):
    write(root, {".mcp.json": HTTP})
    assert scan(capfd)[1]["mode"]["policy"] == "preset:default"
    write(root, {"mcp-audit.yaml": "version: 1\nfail-on: critical\n"})
    assert scan(capfd)[0] == 0
    assert scan(capfd)[1]["mode"]["policy"] == "mcp-audit.yaml"
    write(root, {".github/mcp-audit.yaml": "version: 1\n"})
    assert scan(capfd)[0] == 1
    assert scan(capfd)[1]["mode"]["policy"] == ".github/mcp-audit.yaml"
    assert scan(capfd, "--policy", "advisory")[1]["mode"]["policy"] == "preset:advisory"
    assert "policy .github/mcp-audit.yaml" in call(capfd, "scan", "--skip-connect")[1]


def test_the_policy_is_the_roots_from_wherever_the_scan_starts(root, capfd, monkeypatch):
    write(root, {"sub/.mcp.json": HTTP, "mcp-audit.yaml": "version: 1\nfail-on: critical\n", "sub/mcp-audit.yaml": "version: 1\nfail-on: low\n"})
    monkeypatch.chdir(root / "sub")
    code, report, _ = scan(capfd)
    assert (code, report["mode"]["policy"]) == (0, "mcp-audit.yaml")
    code, report, _ = scan(capfd, "--policy", "mcp-audit.yaml")
    assert (code, report["mode"]["policy"]) == (1, "sub/mcp-audit.yaml")


def test_a_policy_outside_the_root(root, capfd, tmp_path):
    write(root, {".mcp.json": HTTP})
    write(
        tmp_path / "team", {".git/HEAD": "", "policies/p.yaml": "version: 1\nextends: ../base.yaml\n", "base.yaml": "version: 1\nfail-on: critical\n"}
    )
    outside = str(tmp_path / "team" / "policies" / "p.yaml")
    code, report, _ = scan(capfd, "--policy", outside)
    assert (code, report["mode"]["policy"]) == (0, "../team/policies/p.yaml")
    (tmp_path / "loose.yaml").write_text("version: 1\nfail-on: never\n")
    write(tmp_path / "team", {"policies/p.yaml": "version: 1\nextends: ../../loose.yaml\n"})
    code, _, err = scan(capfd, "--policy", outside)
    assert (code, err) == (
        2,
        "mcp-audit: ../team/policies/p.yaml:2:10: `extends` leads out of the repository; "
        "name a file of this repository, relative to this one, or a preset: default strict advisory\n",
    )


@pytest.mark.parametrize("name", ["missing.yaml", "./no/such.yaml", "stricct", "."])
def test_a_policy_that_is_not_there(root, capfd, name):
    write(root, {".mcp.json": GOOD})
    code, report, err = scan(capfd, "--policy", name)
    assert (code, report) == (2, None)
    assert err.count("\n") == 1
    assert name != "stricct" or 'did you mean "strict"?' in err


def test_a_pipe_is_not_waited_for(root, capfd):
    write(root, {".mcp.json": GOOD})
    os.mkfifo(root / "mcp-audit.yaml")
    code, _, err = scan(capfd)
    assert (code, "not a regular file" in err) == (2, True)


BAD = {
    "a misspelt key": ({"mcp-audit.yaml": "version: 1\nfail_onn: high\n"}, "mcp-audit.yaml:2:1: unknown key"),
    "UTF-16": ({"mcp-audit.yaml": "version: 1\n".encode("utf-16")}, "mcp-audit.yaml:1:1: UTF-16, not UTF-8"),
    "2 MB": ({".github/mcp-audit.yaml": "#" * 2_000_000}, ".github/mcp-audit.yaml:1:1: the policy cannot be read: larger than 1 MiB"),
    "a near miss": ({"mcp-audit.yml": "version: 1\n"}, "mcp-audit.yml: a policy is not read from a file of this name"),
    "a fault in the base": ({"mcp-audit.yaml": "version: 1\nextends: b.yaml\n", "b.yaml": "version: 2\n"}, "b.yaml:1:10: "),
}


@pytest.mark.parametrize(("files", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("words", ["scan --skip-connect", "policy check", "policy show", "waive 00000000 --reason r --expires 2027-01-31"])
def test_a_bad_policy_ends_every_command_with_one_line(root, capfd, files, message, words):
    write(root, {".mcp.json": HTTP, **files})
    code, out, err = call(capfd, *words.split(), *NOW)
    assert (code, out) == (2, "")
    assert err.startswith(f"mcp-audit: {message}")
    assert err.count("\n") == 1


def test_hostile_text_in_a_policy_is_escaped(root, capfd):
    write(root, {".mcp.json": HTTP, "mcp-audit.yaml": 'version: 1\n"\\e[31m\\n::error::x": 1\n'})
    code, _, err = scan(capfd)
    assert (code, "\x1b" in err, err.count("\n")) == (2, False, 1)


def test_the_time_of_a_waiver_is_that_of_the_run(root, capfd):
    write(root, {".mcp.json": HTTP, "mcp-audit.yaml": WAIVER.replace("2027-01-31", "2027-12-01")})
    assert scan(capfd)[0] == 0
    code, _, err = call(capfd, "scan", "--skip-connect", "--now", "2026-11-30")
    assert (code, "mcp-audit.yaml:7:14: `expires` is more than 365 days ahead" in err) == (2, True)


# ---------------------------------------------------------------------------------------------------- what it does


@pytest.mark.parametrize(
    ("policy", "words", "code", "status"),
    [
        ("fail-on: critical", (), 0, "reported"),
        ("fail-on: critical", ("--fail-on", "high"), 1, "blocking"),
        ("fail-on: low", ("--fail-on", "never"), 0, "reported"),
        ("fail-on: never", (), 0, "reported"),
        ("fail-on: info\nrules: {plain-http: info}", (), 1, "blocking"),
        ("fail-on: low\nrules: {plain-http: info}", (), 0, "reported"),
        ("extends: advisory", (), 0, "reported"),
        ("extends: advisory\nrules: {plain-http: critical}", (), 1, "blocking"),
        ("extends: strict\nrules: {plain-http: medium, unlocked-server: off}", (), 1, "blocking"),
    ],
)
def test_thresholds(root, capfd, policy, words, code, status):
    write(root, {".mcp.json": HTTP, "mcp-audit.yaml": f"version: 1\n{policy}\n"})
    answered, report, _ = scan(capfd, *words)
    assert (answered, [finding["status"] for finding in report["findings"]]) == (code, [status])


def test_a_rule_that_is_off_is_still_declared_and_finds_nothing(root, capfd):
    write(root, {".mcp.json": HTTP, "mcp-audit.yaml": "version: 1\nrules: {plain-http: off}\n"})
    code, report, _ = scan(capfd)
    assert (code, report["findings"]) == (0, [])
    _, out, _ = call(capfd, "scan", "--skip-connect", "-o", "sarif")
    assert "plain-http" in [rule["id"] for rule in json.loads(out)["runs"][0]["tool"]["driver"]["rules"]]


def test_a_level_for_one_server_is_the_findings_and_not_the_rules(root, capfd):
    servers = {name: {"type": "http", "url": f"http://{name}.example.com/v1"} for name in ("staging", "prod")}
    policy = "version: 1\nrules: {plain-http: low}\nservers: {prod: {rules: {plain-http: critical}}}\n"
    write(root, {".mcp.json": {"mcpServers": servers}, "mcp-audit.yaml": policy})
    assert found(scan(capfd)[1]) == [("plain-http", "critical", "blocking"), ("plain-http", "low", "reported")]
    run = json.loads(call(capfd, "scan", "--skip-connect", "-o", "sarif")[1])["runs"][0]
    (rule,) = [rule for rule in run["tool"]["driver"]["rules"] if rule["id"] == "plain-http"]
    assert rule["properties"]["security-severity"] == "3.0"
    assert [result["level"] for result in run["results"]] == ["error", "note"]


def test_excluded_files_are_listed_and_not_judged(root, capfd):
    bad = {
        "tests/fixtures/a/.mcp.json": HTTP,
        "tests/fixtures/b/.mcp.json": "{ broken",
        "tests/fixtures/config.toml": '[mcp_servers.x]\ncommand = "x"\n',
    }
    free = {"tests/fixtures/other/config.toml": "[tool]\n", "tests/fixtures/agents.md": "# nothing\n"}
    write(root, {".mcp.json": GOOD, **bad, **free, "mcp-audit.yaml": 'version: 1\nexclude: ["tests/fixtures/**"]\n'})
    (root / "tests/fixtures/.cursor").symlink_to("/usr")
    code, report, _ = scan(capfd)
    assert (code, report["findings"], report["not_assessed"]) == (0, [], [])
    listed = {item["path"]: (item["status"], item["sha256"] is None, item["reason"]) for item in report["inputs"]}
    assert listed.pop(".mcp.json")[0] == "parsed"
    assert listed == dict.fromkeys((*bad, "tests/fixtures/.cursor"), ("excluded", True, "excluded by mcp-audit.yaml"))
    assert "tests/fixtures/b/.mcp.json" in call(capfd, "scan", "--skip-connect")[1]


def test_a_file_that_is_named_is_read_although_it_is_excluded(root, capfd):
    write(root, {"tests/.mcp.json": HTTP, "mcp-audit.yaml": "version: 1\nexclude: [tests]\n"})
    assert scan(capfd, "tests/.mcp.json")[0] == 1


def test_a_file_that_a_config_points_to_is_excluded_too(root, capfd):
    write(root, {".claude-plugin/plugin.json": {"name": "x", "mcpServers": "./x/servers.json"}, "x/servers.json": HTTP})
    assert scan(capfd)[0] == 1
    write(root, {"mcp-audit.yaml": "version: 1\nexclude: [x]\n"})
    assert scan(capfd)[0] == 0


def test_when_everything_is_excluded_nothing_was_checked(root, capfd):
    write(root, {"tests/.mcp.json": HTTP, "mcp-audit.yaml": "version: 1\nexclude: [tests]\n"})
    code, report, _ = scan(capfd)
    assert (code, report["verdict"]["reasons"]) == (3, ["no MCP config found, but for those that the policy excludes"])
    assert scan(capfd, "--allow-empty")[0] == 0


# -------------------------------------------------------------------------------------------------------------- waivers


def test_a_waiver_in_the_report(root, capfd):
    write(root, {".mcp.json": HTTP, "mcp-audit.yaml": WAIVER + "    owner: platform\n"})
    code, report, _ = scan(capfd)
    (finding,) = report["findings"]
    waiver = {"reason": "until OPS-112", "owner": "platform", "expires": "2027-01-31", "path": "mcp-audit.yaml", "line": 3}
    assert (code, finding["status"], finding["waiver"]) == (0, "waived", waiver)
    assert report["verdict"]["waived"] == 1
    code, report, _ = scan(capfd, "--ignore-waivers")
    assert (code, report["findings"][0]["status"], report["findings"][0]["waiver"]) == (1, "blocking", None)


def test_what_was_not_assessed_stays_so_whatever_is_waived(root, capfd):
    write(root, {".mcp.json": "{", "mcp-audit.yaml": "version: 1\nrules: {config-unreadable: info}\n"})
    assert scan(capfd)[0] == 4


def test_a_waiver_of_another_file_in_a_partial_scan_is_not_called_unused(root, capfd):
    write(root, {".mcp.json": HTTP, "sub/.mcp.json": GOOD, "mcp-audit.yaml": WAIVER})
    code, report, _ = scan(capfd, "sub")
    assert (code, report["findings"]) == (0, [])


def test_waive(root, capfd):
    write(root, {".mcp.json": HTTP, "sub/x": "", "mcp-audit.yaml": "# ours\nversion: 1  # first\n\nfail-on: 'high'\n"})
    os.chmod(root / "mcp-audit.yaml", 0o640)
    print_ = scan(capfd)[1]["findings"][0]["fingerprint"]
    words = ("waive", print_[:12], "--reason", "internal host: #OPS-112", "--expires", "2027-01-31", "--owner", "platform", *NOW)
    code, out, err = call(capfd, *words)
    assert (code, err) == (0, "")
    assert out == 'mcp-audit.yaml: waived plain-http of server "staging" in .mcp.json until 2027-01-31\n'
    fingerprint = print_ if print_[0].isalpha() else f'"{print_}"'
    assert (root / "mcp-audit.yaml").read_text("utf-8") == (
        "# ours\nversion: 1  # first\n\nfail-on: 'high'\nwaivers:\n  - rule: plain-http\n"
        f"    fingerprint: {fingerprint}\n    path: .mcp.json\n    server: staging\n"
        '    reason: "internal host: #OPS-112"\n    owner: platform\n    expires: 2027-01-31\n'
    )
    assert stat.S_IMODE(os.stat(root / "mcp-audit.yaml").st_mode) == 0o640
    assert sorted(os.listdir(root)) == [".git", ".mcp.json", "mcp-audit.yaml", "sub"]
    assert (scan(capfd)[0], found(scan(capfd)[1])) == (0, [("plain-http", "high", "waived")])
    code, _, err = call(capfd, *words)
    assert (code, err) == (2, "mcp-audit: this finding is waived already, until 2027-01-31; see mcp-audit.yaml:6\n")


def test_waive_makes_the_file_and_works_below_the_root(root, capfd, monkeypatch):
    write(root, {".mcp.json": HTTP, "sub/x": ""})
    print_ = scan(capfd)[1]["findings"][0]["fingerprint"]
    monkeypatch.chdir(root / "sub")
    assert call(capfd, "waive", print_, "--reason", "r", "--expires", "2027-01-31", *NOW)[0] == 0
    assert (root / "mcp-audit.yaml").read_text().startswith("version: 1\nextends: default\nwaivers:\n  - rule: plain-http\n")
    monkeypatch.chdir(root)
    assert scan(capfd)[0] == 0


def test_waive_writes_where_the_policy_is(root, capfd, tmp_path):
    write(root, {".mcp.json": HTTP, "policies/p.yaml": "version: 1\n"})
    print_ = scan(capfd)[1]["findings"][0]["fingerprint"]
    (root / ".github").mkdir()
    (root / ".github/mcp-audit.yaml").symlink_to("../policies/p.yaml")
    assert call(capfd, "waive", print_, "--reason", "r", "--expires", "2027-01-31", *NOW)[0] == 0
    assert (root / ".github/mcp-audit.yaml").is_symlink()
    assert "waivers:" in (root / "policies/p.yaml").read_text()
    (tmp_path / "own.yaml").write_text("version: 1\n")
    assert call(capfd, "waive", print_, "--reason", "r", "--expires", "2027-01-31", "--policy", str(tmp_path / "own.yaml"), *NOW)[0] == 0
    assert scan(capfd, "--policy", str(tmp_path / "own.yaml"))[0] == 0


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_waive_writes_through_no_link_that_leads_out_of_the_repository(root, capfd, tmp_path):
    write(root, {".mcp.json": HTTP})
    print_ = scan(capfd)[1]["findings"][0]["fingerprint"]
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "p.yaml").write_text("version: 1\n")
    (root / "policies").symlink_to(tmp_path / "own")
    code, _, err = call(capfd, "waive", print_, "--reason", "r", "--expires", "2027-01-31", "--policy", "policies/p.yaml", *NOW)
    assert (code, "policies is a link that leads out of the repository" in err) == (2, True)
    assert (tmp_path / "own" / "p.yaml").read_text() == "version: 1\n"


def test_of_two_who_waive_at_once_none_is_lost_without_a_word(root, capfd, tmp_path):
    hosts = [f"h{number}.acme-tools.com" for number in range(4)]
    write(root, {".mcp.json": json.dumps({"mcpServers": {host: {"type": "http", "url": f"http://{host}/mcp"} for host in hosts}})})
    prints = [finding["fingerprint"] for finding in scan(capfd)[1]["findings"]]
    command = [sys.executable, "-m", "mcp_audit_gate", "waive", "--reason", "r", "--expires", "2027-01-31", *NOW]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    started = [subprocess.Popen([*command, one], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for one in prints]
    done = [process.communicate(timeout=60) for process in started]
    said = [out.startswith("mcp-audit.yaml: waived") for out, _ in done]
    assert [process.returncode for process in started] == [0 if one else 2 for one in said]
    assert all("changed since it was read" in err for (_, err), one in zip(done, said) if not one)
    assert (root / "mcp-audit.yaml").read_text().count("fingerprint:") == sum(said) > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("0" * 32, "--reason", "r", "--expires", "2027-01-31"), "no finding with the fingerprint 000"),
        (("PRINT", "--reason", " ", "--expires", "2027-01-31"), "`reason` is empty"),
        (("PRINT", "--reason", "r", "--expires", "31.01.2027"), "no date; write YYYY-MM-DD"),
        (("PRINT", "--reason", "r", "--expires", "2027-12-02"), "more than 365 days ahead"),
        (("PRINT", "--reason", "r", "--expires", "2026-11-30"), "has passed already"),
        (("PRINT", "--reason", "r"), "--expires"),
        (("PRINT", "--expires", "2027-01-31"), "--reason"),
        (("PRINT", "--reason", "r", "--expires", "2027-01-31", "--policy", "strict"), "cannot be written into a preset"),
        (("BROKEN", "--reason", "r", "--expires", "2027-01-31"), "config-unreadable cannot be waived; it says that something was not judged"),
    ],
)
def test_waive_refuses_and_writes_nothing(root, capfd, words, message):
    write(root, {".mcp.json": HTTP, "sub/.mcp.json": "{", "mcp-audit.yaml": "version: 1\n"})
    prints = {finding["rule"]: finding["fingerprint"] for finding in scan(capfd)[1]["findings"]}
    first = {"PRINT": prints["plain-http"], "BROKEN": prints["config-unreadable"]}.get(words[0], words[0])
    code, out, err = call(capfd, "waive", first, *words[1:], *NOW)
    assert (code, out) == (2, "")
    assert message in err
    assert (root / "mcp-audit.yaml").read_text() == "version: 1\n"


# --------------------------------------------------------------------------------------------------- policy check, show


def test_policy_check(root, capfd, tmp_path):
    assert call(capfd, "policy", "check") == (0, "preset:default: valid; fails on high; 0 waivers\n", "")
    write(root, {"mcp-audit.yaml": WAIVER + "extends: strict\n", "other.yaml": "version: 3\n"})
    valid = "mcp-audit.yaml: valid; fails on medium, on top of preset:default > preset:strict; 1 waiver\n"
    assert call(capfd, "policy", "check", *NOW) == (0, valid, "")
    assert call(capfd, "policy", "check", "strict")[0] == 0
    code, _, err = call(capfd, "policy", "check", "other.yaml")
    assert (code, err.startswith("mcp-audit: other.yaml:1:10: `version` is 3")) == (2, True)
    code, _, err = call(capfd, "policy", "check", "missing.yaml")
    assert (code, err.startswith("mcp-audit: missing.yaml: there is no such file or preset")) == (2, True)


def test_policy_show(root, capfd):
    write(root, {"mcp-audit.yaml": "version: 1\nextends: strict\nfail-on: high\n"})
    code, out, err = call(capfd, "policy", "show")
    assert (code, err) == (0, "")
    assert "fail-on: high  # mcp-audit.yaml\nrequire:\n  lock: true  # preset:strict\n" in out
    write(root, {"mcp-audit.yaml": out})
    assert call(capfd, "policy", "check")[0] == 0
    assert "fail-on: critical  # preset:advisory" in call(capfd, "policy", "show", "advisory")[1]


@pytest.mark.parametrize("words", [("policy",), ("policy", "shwo"), ("waive",)])
def test_wrong_use(root, capfd, words):
    assert call(capfd, *words)[0] == 2


def test_a_scan_with_a_valid_policy_loads_no_schema_library(root):
    import subprocess
    import sys

    write(root, {".mcp.json": GOOD, "mcp-audit.yaml": "version: 1\nextends: default\nfail-on: high\n"})
    show = "print([name for name in ('jsonschema', 'typing', 'logging', 'pathlib', 'difflib') if name in sys.modules])"
    probe = f"import sys; from mcp_audit_gate.cli import main; main(['scan', '--skip-connect']); {show}"
    paths = {"PYTHONPATH": os.pathsep.join(sys.path[1:])}
    done = subprocess.run([sys.executable, "-S", "-c", probe], capture_output=True, text=True, check=True, cwd=root, env=paths)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("text", ["fail-on: {}", "{}: 1", "exclude: !{} x", "extends: {}"])
def test_an_error_in_a_policy_repeats_no_credential(root, capsys, text):
    write(root, {"mcp-audit.yaml": "version: 1\n" + text.format(token("github")) + "\n", ".mcp.json": GOOD})
    assert main(["scan", "--skip-connect", *NOW]) == 2
    told = capsys.readouterr().err
    assert "mcp-audit.yaml:2" in told
    assert token("github")[4:16] not in told
