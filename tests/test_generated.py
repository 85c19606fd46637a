"""Generated files are current, and the hook runs for every file that a scan reads."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mcp_audit_gate import options
from mcp_audit_gate.sources.clients import LOCKFILE, POLICY_FILES, ROWS
from mcp_audit_gate.sources.match import Folder

ROOT = Path(__file__).parents[1]


def generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", str(root / "scripts" / "generate.py"), *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", timeout=120, check=False)


def test_generated_files_are_current() -> None:
    done = generate(ROOT, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", ["docs/rules.md", "docs/clients.md", ".pre-commit-hooks.yaml", "README.md"])
def test_a_file_changed_by_hand_is_told_and_made_anew(path: str, tmp_path: Path) -> None:
    for name in ("mcp_audit_gate", "scripts", "examples", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", ".pre-commit-hooks.yaml", "action.yml"):
        shutil.copy(ROOT / name, tmp_path)
    file = tmp_path / path
    assert generate(tmp_path).returncode == 0
    made = file.read_bytes()
    mark = b"unpinned-package" if path in ("docs/rules.md", "README.md") else b"cursor"
    assert mark in made
    file.write_bytes(made.replace(mark, b"edited-by-hand"))
    done = generate(tmp_path, "--check")
    assert (done.returncode, path in done.stdout) == (1, True), done.stdout + done.stderr
    assert generate(tmp_path).returncode == 0
    assert file.read_bytes() == made


# --- the hook ---------------------------------------------------------------------------------------------------------


HOOKS = {item["id"]: item for item in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}


def runs_for(path: str) -> bool:
    first, second = (bool(re.search(hook["files"], path)) for hook in HOOKS.values())
    assert first == second
    return first


def test_the_hook_judges_the_whole_tree_offline_and_one_at_a_time() -> None:
    entry = "mcp-audit scan --skip-connect --allow-empty --staged"
    assert {name: hook["entry"] for name, hook in HOOKS.items()} == {"mcp-audit": entry, "mcp-audit-pin-check": f"{entry} --pin-check"}
    for hook in HOOKS.values():
        assert (hook["language"], hook["pass_filenames"], hook["require_serial"]) == ("python", False, True)
        assert not {"types", "types_or", "exclude"} & set(hook), "JSONC and Markdown have no type of their own"


def test_the_options_of_the_hooks_exist() -> None:
    for hook in HOOKS.values():
        _, *words = hook["entry"].split()
        assert options.parse(words).skip_connect


def is_config(path: str) -> bool:
    *folders, name = path.split("/")
    return bool(Folder(tuple(folders)).patterns(name))


def examples(glob: str) -> list[str]:
    """Paths that a glob of the table matches: `**` as no folder and as two."""
    return [form.replace("*", "some-name") for form in {glob.replace("**/", ""), glob.replace("**/", "one/two/")}]


@pytest.mark.parametrize("glob", sorted({path for row in ROWS for path in row.paths} | {LOCKFILE, *POLICY_FILES}))
def test_the_hook_runs_for_every_file_a_scan_reads(glob: str) -> None:
    for path in examples(glob):
        assert glob in (LOCKFILE, *POLICY_FILES) or is_config(path), f"the example {path} is no example"
        assert runs_for(path)
        assert runs_for(f"packages/app/{path}")
        assert runs_for(path.upper())


@pytest.mark.parametrize(
    "path",
    [
        "docs/mcp.json.md",
        "my.mcp.json.txt",
        "server_mcp.json5",
        "package.json",
        "src/app.py",
        "README.md",
        "x.mcp.json",
        "cursor/mcp.jsonc",
        ".claude/settings.json.bak",
        ".github/workflows/ci.yml",
        "mcp-audit.lock.json.orig",
        "agents.md",
        ".mcp.json/inside.txt",
    ],
)
def test_the_hook_stays_quiet_for_other_files(path: str) -> None:
    assert not runs_for(path)
