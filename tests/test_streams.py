"""Every command with streams as pipes, schedulers and old terminals give them: one that is closed, one that nobody reads, one that shows ASCII."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from repos import PINNED, VARIABLES, Repository, servers

from mcp_audit_gate import HOME, cli, completion

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="streams as POSIX has them")
LINES = {
    "": "--help",
    "scan": "scan --skip-connect",
    "watch": "watch --skip-connect",
    "serve": "serve --install --client cursor --dry-run",
    "pin": "pin",
    "diff": "diff HEAD",
    "waive": "waive 0f3c9a51 --reason x --expires 2027-01-31 --now 2026-11-22",
    "merge": "merge part-1.json",
    "policy": "policy show",
    "init": "init",
    "explain": "explain plain-http",
    "rules": "rules -o json",
    "completion": "completion bash",
}
SAYS_NOTHING = ("diff", "waive", "merge")  # they end with a fault here, on standard error
NAMES = [command.name for command in completion.commands()]
EXTRAS = {"watch": "watchfiles", "serve": "mcp", "pin": "mcp"}


@pytest.fixture
def repository(tmp_path) -> Path:
    return Repository(
        tmp_path / "repository", {".mcp.json": servers(**{"naïve…": PINNED, "far": {"type": "http", "url": "http://mcp.example.com"}})}
    ).root


def run(root: Path, line: str, before: str = "", after: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A command line in a shell, with what stands around it there."""
    plain = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    env = {**plain, **VARIABLES, "PYTHONPATH": str(ROOT), "HOME": str(root.parent), **variables}
    command = f"{before} '{sys.executable}' -m mcp_audit_gate {line} {after}"
    return subprocess.run(["bash", "-c", command], cwd=root, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)


def usable(name: str) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])


def test_every_command_is_here():
    assert set(NAMES) <= set(LINES)


each = pytest.mark.parametrize("name", [name for name in NAMES if name in LINES])


@each
def test_a_closed_standard_output_is_told_once(name, repository):
    usable(name)
    done = run(repository, LINES[name], after=">&-")
    if name in SAYS_NOTHING:
        assert done.returncode == 2
    else:
        assert (done.returncode, done.stderr.count(b"standard output is closed")) == (4, 1), done.stderr
    assert done.stderr.count(b"\n") == 1


@each
def test_a_reader_that_has_enough_is_no_fault(name, repository):
    usable(name)
    done = run(repository, LINES[name], before="trap '' PIPE; {", after="; echo code $? >&2; } | true")
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert b"internal error" not in done.stderr
    assert done.stderr.split()[-1] in ((b"2",) if name in SAYS_NOTHING else (b"0", b"4")), done.stderr


@each
def test_a_closed_standard_error_and_input_change_nothing(name, repository):
    usable(name)
    line = LINES[name] if name != "watch" else f"{LINES[name]} --client nobody"
    plain = run(repository, line)
    done = run(repository, line, after="<&- 2>&-")
    if name == "init":
        assert done.returncode == plain.returncode
    else:
        assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout)


@each
def test_a_terminal_of_one_column_that_shows_ascii_gets_all_of_it(name, repository):
    usable(name)
    line = LINES[name] if name != "watch" else f"{LINES[name]} --client nobody"
    told = {
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LC_ALL": "POSIX",
        "COLUMNS": "1",
        "NO_COLOR": "1",
        "FORCE_COLOR": "1",
    }
    plain = run(repository, line)
    done = run(repository, line, **told)
    if name not in ("init", "pin"):  # the second run of these finds what the first wrote, or tells of another time
        assert done.returncode == plain.returncode
    assert b"internal error" not in done.stderr
    assert b"\x1b" not in done.stdout
    if name == "scan":
        assert "naïve…".encode() in done.stdout


def test_colour_is_for_those_who_see_it(repository):
    assert b"\x1b[" not in run(repository, "scan --skip-connect").stdout
    assert b"\x1b[" in run(repository, "scan --skip-connect", FORCE_COLOR="1").stdout
    assert b"\x1b[" not in run(repository, "scan --skip-connect --color never", FORCE_COLOR="1").stdout
    assert b"\x1b[" not in run(repository, "scan --skip-connect", FORCE_COLOR="0").stdout
    assert run(repository, "scan --skip-connect -o text=out.txt -o json", FORCE_COLOR="1", COLUMNS="50").returncode == 1
    assert (repository / "out.txt").read_bytes() == run(repository, "scan --skip-connect").stdout


@pytest.mark.parametrize("code", [0, 143])
def test_a_run_that_a_signal_ended_did_not_pass(code, monkeypatch):
    def ended(words: list[str]) -> int:
        raise SystemExit(code)

    monkeypatch.setattr(cli, "_run", ended)
    assert cli.main(["scan"]) == code


def test_a_fault_of_the_program_is_one_line_and_its_own_code(monkeypatch, capfd):
    def broken(words: list[str]) -> int:
        raise ZeroDivisionError("a secret may stand here")

    monkeypatch.setattr(cli, "_run", broken)
    assert cli.main(["scan"]) == 5
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == f"mcp-audit: internal error: ZeroDivisionError; run again with -v and report it at {HOME}/issues\n"
    for word in ("-v", "--verbose"):
        with pytest.raises(ZeroDivisionError):
            cli.main(["scan", word])


def test_an_interrupted_run_says_so_and_did_not_pass(monkeypatch, capfd):
    def interrupted(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    assert cli.main(["scan"]) == 130
    assert capfd.readouterr().err == "mcp-audit: interrupted\n"
