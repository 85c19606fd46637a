"""Every command's help has an example, and each example is run here as it stands, by a shell, in a repository it fits."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repos import VARIABLES, Repository, leaking, servers

from mcp_audit_gate import options
from mcp_audit_gate.cli import main

ROOT = Path(__file__).parents[1]
STATED = Path(__file__).parent / "servers" / "stated.py"
PARSERS = next(action for action in options.built()._actions if isinstance(action, argparse._SubParsersAction)).choices
EXTRAS = {"watch": "watchfiles", "serve": "mcp", "pin": "mcp"}
PINNED = "mcp-audit pin --yes"
BEFORE = {
    "pin": PINNED,
    "diff": PINNED,
    "merge": "for i in 1 2; do mcp-audit scan --skip-connect --shard $i/2 -o json=part-$i.json; test $? -lt 2 || exit 2; done",
}
CODES = {"scan": 1, "diff": 1, "merge": 1, "": 1}  # the repository has a secret, and a server that origin/main has not
SAID = {
    "": "literal-secret",
    "scan": "literal-secret",
    "watch": "watching",
    "serve": '+ "mcp-audit"',
    "pin": "started: unchanged",
    "diff": "server-added",
    "merge": "",  # all of it goes to a file
    "waive": "waived literal-secret",
    "policy": "valid",
    "init": "wrote",
    "explain": "literal-secret (",
    "rules": '"literal-secret"',
}
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the examples are for a shell of POSIX")


def example(parser: argparse.ArgumentParser) -> str:
    """The command line behind `example:`."""
    lines = [line.partition("example:")[2].strip() for line in (parser.epilog or "").splitlines() if line.startswith("example:")]
    assert len(lines) == 1, parser.epilog
    return lines[0]


@pytest.fixture
def world(tmp_path, monkeypatch, capfd) -> Path:
    """A repository with a secret, whose one server is pinned since origin/main; the command is on the PATH, the home folder is empty."""
    said = tmp_path / "said.json"
    said.write_text(json.dumps({"tools": [{"name": "ping", "description": "Pongs.", "inputSchema": {"type": "object"}}]}))
    lock = json.dumps({"lockfileVersion": 1, "servers": []}, indent=2) + "\n"
    repository = Repository(tmp_path / "repository", {"mcp-audit.lock.json": lock, ".gitignore": "*.sarif\n"})
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    started = {"command": sys.executable, "args": [str(STATED), str(said), str(tmp_path / "log")]}
    (repository.root / ".mcp.json").write_text(servers(started={**leaking(), **started}))
    command = tmp_path / "bin" / "mcp-audit"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec '{sys.executable}' -m mcp_audit_gate \"$@\"\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(repository.root)
    return repository.root


def run(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], env={**os.environ, **VARIABLES}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def fingerprint() -> str:
    """The one of the secret in the repository."""
    report = json.loads(run("mcp-audit scan --skip-connect -o json").stdout)
    return next(item["fingerprint"] for item in report["findings"] if item["rule"] == "literal-secret")[:8]


@pytest.mark.parametrize("name", ["", *(name for name in PARSERS if name != "watch")])
def test_an_example_does_what_it_shows(name, world):
    pytest.importorskip(EXTRAS.get(name, "json"))
    if BEFORE.get(name) == PINNED:
        pytest.importorskip("mcp")
    assert run(BEFORE.get(name, "true")).returncode == 0
    line = example(PARSERS[name] if name else options.built())
    if name == "waive":  # a fingerprint is a finding's own, and a day passes
        line = line.replace("0f3c9a51", fingerprint()) + " --now 2026-11-22"
    done = run(line)
    assert done.returncode == CODES.get(name, 0), done.stdout + done.stderr
    assert SAID.get(name, "") in done.stdout
    assert "error" not in done.stderr


def test_the_example_of_watch_watches(world):
    pytest.importorskip("watchfiles")
    line = example(PARSERS["watch"])
    with subprocess.Popen(["bash", "-c", f"exec {line}"], env={**os.environ, **VARIABLES}, stdout=subprocess.PIPE, text=True) as process:
        assert any(SAID["watch"] in text for text in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.parametrize("name", ["", *PARSERS])
def test_help_shows_the_example(name, capfd):
    assert main([*name.split(), "--help"]) == 0
    out = capfd.readouterr().out
    assert out.count("example: mcp-audit ") + out.count('example: eval "$(mcp-audit ') == 1
    assert name in out


def test_what_the_examples_say_is_known_for_every_command():
    assert set(SAID) | {"completion"} >= {"", *PARSERS}
