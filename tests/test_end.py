"""The end of the installed command: at once when nobody waits for it, in order when somebody does; the exit code and the whole output either way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENTRY = "import sys; sys.path.insert(0, sys.argv.pop(1)); {before}from mcp_audit_gate.cli import process; process()"
FAULTY = '{"mcpServers": {"docs": {"type": "http", "url": "http://mcp.example.com/mcp"}}}\n'


def run(folder: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", "-c", ENTRY.format(before=before), str(ROOT), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("text", "status"), [('{"mcpServers": {}}\n', 0), (FAULTY, 1), ("{", 4)])
def test_the_exit_code_and_the_whole_output_arrive(tmp_path: Path, text: str, status: int) -> None:
    (tmp_path / ".mcp.json").write_text(text, "utf-8")
    done = run(tmp_path, "scan", "--skip-connect", "-o", "json")
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.endswith("}\n")


def test_a_fault_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "scan", "--no-such-option")
    assert done.returncode == 2
    assert "no-such-option" in done.stderr


def test_who_asked_to_be_called_at_the_end_is_called(tmp_path: Path) -> None:
    (tmp_path / ".mcp.json").write_text(FAULTY, "utf-8")
    done = run(tmp_path, "scan", "--skip-connect", before="import atexit; atexit.register(print, 'at the end'); ")
    assert done.returncode == 1
    assert done.stdout.endswith("\nat the end\n")


@pytest.mark.parametrize("hook", ["setprofile", "settrace"])
def test_a_profile_or_trace_is_not_cut_short(tmp_path: Path, hook: str) -> None:
    shown = "import os; os._exit = lambda code: print('cut short'); "
    assert "cut short" in run(tmp_path, "--version", before=shown).stdout
    assert "cut short" not in run(tmp_path, "--version", before=f"{shown}sys.{hook}(lambda *_: None); ").stdout
