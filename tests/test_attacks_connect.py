"""Attacks on promise 4 by the author of a change: another program, or another file, behind a launch that is pinned in the trusted revision."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mcp", reason="connecting needs the extra `connect`")

from repos import VARIABLES
from test_pin import STATED, World

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs are shell scripts here")


@pytest.fixture
def world(tmp_path, capfd, monkeypatch) -> World:
    made = World(tmp_path, capfd, monkeypatch)
    made.says("one")
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return made


def git(world: World, *words: str) -> None:
    subprocess.run(["git", *words], cwd=world.root, check=True, capture_output=True)


def program(file: Path, *lines: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)


def agreed(world: World, **entry: object) -> None:
    """Pins the server and commits it all as the trusted branch."""
    world.config(one=entry)
    assert world.run("pin", "--yes")[0] == 0
    git(world, "init", "-q", "-b", "main")
    git(world, "add", "-A")
    git(world, "commit", "-qm", "agreed")


def judged(world: World) -> tuple[int, list[str]]:
    """A run that trusts that branch: exit code, and why servers were not assessed."""
    code, report = world.scan("--trusted-ref", "main")
    return code, [gap["reason"] for gap in report["not_assessed"]]


def test_a_program_of_the_change_is_not_found_through_path(world, monkeypatch):
    honest, canary = f'exec "{sys.executable}" "{STATED}" "{world.side}/one.json"', world.side / "ran"
    program(world.root / "bin" / "server", honest)
    monkeypatch.setenv("PATH", f"{world.root}/bin{os.pathsep}{os.environ['PATH']}")
    agreed(world, command="server")
    assert judged(world)[0] == 0
    program(world.root / "bin" / "server", f'touch "{canary}"', honest)
    git(world, "commit", "-qam", "another program")
    git(world, "checkout", "-q", "-b", "change")
    git(world, "branch", "-f", "main", "main~1")
    code, reasons = judged(world)
    assert (code, canary.exists()) == (4, False)
    assert "it is not on PATH" in reasons[0]


@pytest.fixture
def scripted(world):
    """A pinned script of the repository that imports another file of it."""
    (world.root / "tools").mkdir()
    (world.root / "tools" / "helper.py").write_text("NAME = 1\n")
    lines = (
        "import runpy, sys",
        f"sys.argv = ['x', {str(world.side / 'one.json')!r}]",
        "import helper",
        f"runpy.run_path({str(STATED)!r}, run_name='__main__')",
    )
    (world.root / "tools" / "server.py").write_text("\n".join(lines) + "\n")
    agreed(world, command=sys.executable, args=["./tools/server.py"])
    assert judged(world) == (0, [])
    return world


@pytest.mark.parametrize("how", ["edited", "assumed-unchanged", "skipped", "staged", "gone", "linked"])
def test_files_that_are_not_as_trusted_are_not_run_although_nothing_is_committed(scripted, how):
    helper, canary = scripted.root / "tools" / "helper.py", scripted.side / "ran"
    if how in ("assumed-unchanged", "skipped"):
        git(scripted, "update-index", "--assume-unchanged" if how == "assumed-unchanged" else "--skip-worktree", "tools/helper.py")
    helper.unlink()
    other = scripted.side / "helper.py"
    (other if how == "linked" else helper).write_text(f"open({str(canary)!r}, 'w')\n")
    if how == "linked":
        helper.symlink_to(other)
    if how == "gone":
        helper.unlink()
    if how == "staged":
        git(scripted, "add", "-A")
    code, reasons = judged(scripted)
    assert (code, canary.exists()) == (4, False)
    assert "tools/helper.py is not as the trusted revision has it" in reasons[0]


def test_line_ends_and_links_of_a_checkout_are_as_trusted(scripted):
    (scripted.root / "tools" / "helper.py").write_bytes(b"NAME = 1\r\n")
    assert judged(scripted) == (0, [])


def test_what_git_lfs_put_in_place_of_its_pointer_is_as_trusted(scripted):
    data = b"weights\0" * 100
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(data).hexdigest()}\nsize {len(data)}\n"
    (scripted.root / "model.bin").write_text(pointer)
    git(scripted, "add", "-A")
    git(scripted, "commit", "-qm", "model")
    (scripted.root / "model.bin").write_bytes(data)
    assert judged(scripted) == (0, [])
    (scripted.root / "model.bin").write_bytes(data + b"x")
    assert judged(scripted)[0] == 4


def test_a_config_that_was_edited_stops_nothing_else(scripted):
    value = json.loads((scripted.root / ".mcp.json").read_text())
    (scripted.root / ".mcp.json").write_text(json.dumps(value, indent=4))
    assert judged(scripted) == (0, [])
