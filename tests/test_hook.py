"""The hooks as pre-commit runs them, in a repository of their own. Needs pre-commit and a package index, so it runs where
MCP_AUDIT_TRY_HOOKS says so, as .ci/run does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GOOD = {"mcpServers": {"docs": {"type": "http", "url": "https://mcp.example.com/mcp"}}}
BAD = {"mcpServers": {"docs": {"type": "http", "url": "http://mcp.acme-tools.com/mcp"}}}

pytestmark = [
    pytest.mark.skipif(not os.environ.get("MCP_AUDIT_TRY_HOOKS"), reason="MCP_AUDIT_TRY_HOOKS is not set: it needs a package index"),
    pytest.mark.skipif(not shutil.which("pre-commit") or not shutil.which("git"), reason="pre-commit or git is not installed"),
]


class Hooks:
    """A repository and pre-commit with an empty cache."""

    def __init__(self, folder: Path) -> None:
        self.root, self.source = folder / "repository", folder / "source"
        self.root.mkdir()
        self.env = {**os.environ, "PRE_COMMIT_HOME": str(folder / "cache"), "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
        for name in ("PYTHONPATH", "GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
            self.env.pop(name, None)
        listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.source / name)
        for place in (self.source, self.root):
            self.git(place, "init", "-q", "-b", "main")
            self.git(place, "add", "-A")
            self.git(place, "commit", "-q", "--allow-empty", "-m", "first")

    def git(self, place: Path, *words: str) -> str:
        names = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *names, *words], cwd=place, env=self.env, check=True, capture_output=True, text=True).stdout.strip()

    def stage(self, config: object) -> None:
        (self.root / ".mcp.json").write_text(json.dumps(config), "utf-8")
        self.git(self.root, "add", "-A")

    def run(self, hook: str = "mcp-audit", *words: str) -> tuple[int, str]:
        """pre-commit's own answer for the files of the index."""
        config = {"repos": [{"repo": str(self.source), "rev": self.git(self.source, "rev-parse", "HEAD"), "hooks": [{"id": hook}]}]}
        (self.root / ".pre-commit-config.yaml").write_text(json.dumps(config), "utf-8")
        self.git(self.root, "add", ".pre-commit-config.yaml")
        done = subprocess.run(
            ["pre-commit", "run", "--verbose", "--color=never", *words], cwd=self.root, env=self.env, check=False, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Hooks:
    return Hooks(tmp_path_factory.mktemp("hooks"))


def test_a_clean_commit_passes_and_a_bad_one_is_stopped(hooks: Hooks, capsys: pytest.CaptureFixture[str]) -> None:
    hooks.stage(GOOD)
    start = time.monotonic()
    code, out = hooks.run()
    with capsys.disabled():
        print(f"\nfirst run of the hook, with its installation: {time.monotonic() - start:.0f} s")
    assert (code, "Passed" in out) == (0, True), out
    hooks.stage(BAD)
    code, out = hooks.run()
    assert (code, "plain-http" in out) == (1, True), out


def test_what_is_staged_is_judged_not_what_lies_in_the_folder(hooks: Hooks) -> None:
    hooks.stage(BAD)
    (hooks.root / ".mcp.json").write_text(json.dumps(GOOD), "utf-8")
    code, out = hooks.run()
    assert (code, "plain-http" in out) == (1, True), out


def test_a_commit_without_configs_is_not_held_up(hooks: Hooks) -> None:
    hooks.stage(GOOD)
    hooks.git(hooks.root, "commit", "-q", "-m", "good", "--no-verify")
    (hooks.root / "a.txt").write_text("x", "utf-8")
    hooks.git(hooks.root, "add", "-A")
    code, out = hooks.run()
    assert (code, "no files to check" in out) == (0, True), out


def test_the_pin_check_wants_a_pin(hooks: Hooks) -> None:
    hooks.stage(GOOD)
    code, out = hooks.run("mcp-audit-pin-check", "--all-files")
    assert code == 1, out
    assert "lock" in out


def test_a_deleted_lockfile_is_missed_by_the_hook_and_seen_by_the_next_run(hooks: Hooks) -> None:
    """pre-commit never runs a hook for deleted files: docs/ci.md says so, and CI runs the scan as well."""
    lock = hooks.root / "mcp-audit.lock.json"
    lock.write_text('{\n  "lockfileVersion": 1,\n  "servers": []\n}\n', "utf-8")
    hooks.stage(GOOD)
    hooks.git(hooks.root, "commit", "-q", "--allow-empty", "-m", "lock", "--no-verify")
    hooks.git(hooks.root, "rm", "-q", lock.name)
    code, out = hooks.run("mcp-audit-pin-check")
    assert (code, "no files to check" in out) == (0, True), out
    assert hooks.run("mcp-audit-pin-check", "--all-files")[0] == 1
