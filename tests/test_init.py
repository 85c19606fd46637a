"""`mcp-audit init`: what it writes works, what exists stays, and nothing is written outside the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from mcp_audit_gate import starter
from mcp_audit_gate.cli import main

POLICY, WORKFLOW, HOOKS = ".github/mcp-audit.yaml", ".github/workflows/mcp-audit.yml", ".pre-commit-config.yaml"
COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty repository that is the working directory."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repo")
    return tmp_path / "repo"


def init(capfd, *words):
    """(exit code, lines of standard output, standard error)."""
    code = main(["init", *words])
    out, err = capfd.readouterr()
    return code, out.splitlines(), err


def files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_everything_in_one_command(root, capfd):
    code, lines, _ = init(capfd, "--github", "--pre-commit")
    assert code == 0
    assert files(root) == [POLICY, WORKFLOW, HOOKS]
    assert [line.split(":")[0] for line in lines[:3]] == [f"wrote {path}" for path in (POLICY, WORKFLOW, HOOKS)]
    assert [line[0] for line in lines[3:]] == list("12345")
    assert main(["policy", "check"]) == 0
    assert main(["scan", "--skip-connect", "--allow-empty"]) == 0


def test_the_policy_alone_without_options(root, capfd):
    assert init(capfd)[0] == 0
    assert files(root) == [POLICY]


def test_the_files_go_to_the_root_of_the_repository(root, capfd, monkeypatch):
    (root / "src").mkdir()
    monkeypatch.chdir(root / "src")
    init(capfd)
    assert files(root) == [POLICY]


def test_the_starter_policy_changes_no_verdict(root, capfd):
    from datetime import date

    from mcp_audit_gate.policy import load, show
    from mcp_audit_gate.sources.discover import WorkingTree

    init(capfd)
    policy = load.load(WorkingTree(str(root)), POLICY, date(2026, 11, 22))
    preset = load.preset("default", date(2026, 11, 22))
    assert yaml.safe_load(show.show(policy)) == yaml.safe_load(show.show(preset))


def test_what_exists_stays_byte_for_byte(root, capfd):
    kept = {POLICY: b"version: 1\r\n", WORKFLOW: b"mine", HOOKS: b"repos: []\n"}
    for path, data in kept.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    code, lines, _ = init(capfd, "--github", "--pre-commit")
    assert code == 0
    assert {path: (root / path).read_bytes() for path in files(root)} == kept
    assert all(line.startswith(("kept ", "1. ")) for line in lines)


def test_a_policy_at_the_root_counts_as_one(root, capfd):
    (root / "mcp-audit.yaml").write_text("version: 1\n")
    assert init(capfd)[1][0].startswith("kept mcp-audit.yaml")
    assert files(root) == ["mcp-audit.yaml"]


def test_a_second_run_changes_nothing(root, capfd):
    init(capfd, "--github", "--pre-commit")
    before = {path: (root / path).read_bytes() for path in files(root)}
    init(capfd, "--github", "--pre-commit")
    assert {path: (root / path).read_bytes() for path in files(root)} == before


def test_the_workflow_is_for_the_branch_that_a_clone_calls_its_own(root, capfd):
    head = root / ".git/refs/remotes/origin/HEAD"
    head.parent.mkdir(parents=True)
    head.write_text("ref: refs/remotes/origin/release/2.x\n")
    init(capfd, "--github")
    assert yaml.safe_load((root / WORKFLOW).read_text())[True]["push"] == {"branches": ["release/2.x"]}


@pytest.mark.parametrize(("heads", "branch"), [(("master", "topic"), "master"), (("main", "master"), "main"), (("topic",), "main")])
def test_without_a_remote_the_workflow_is_for_master_where_that_is_all_there_is(root, capfd, heads, branch):
    for name in heads:
        (root / ".git/refs/heads").mkdir(parents=True, exist_ok=True)
        (root / ".git/refs/heads" / name).write_text("0" * 40 + "\n")
    init(capfd, "--github")
    assert yaml.safe_load((root / WORKFLOW).read_text())[True]["push"] == {"branches": [branch]}


@pytest.mark.parametrize("text", ["ref: refs/remotes/origin/a]\npull_request_target:\n", "x" * 500, "\xff"])
def test_a_strange_branch_name_is_not_taken(root, capfd, text):
    head = root / ".git/refs/remotes/origin/HEAD"
    head.parent.mkdir(parents=True)
    head.write_text(text, "latin-1")
    init(capfd, "--github")
    assert yaml.safe_load((root / WORKFLOW).read_text())[True]["push"] == {"branches": ["main"]}


# --- the commit ---------------------------------------------------------------------------------------------------------


def test_a_copy_installed_from_a_commit_pins_that_commit(root, capfd, monkeypatch):
    monkeypatch.setattr(starter, "installed_commit", lambda: COMMIT)
    _, lines, _ = init(capfd, "--github", "--pre-commit")
    assert f"mcp-audit-gate@{COMMIT} # " in (root / WORKFLOW).read_text()
    assert yaml.safe_load((root / HOOKS).read_text())["repos"][0]["rev"] == COMMIT
    assert not any(starter.UNKNOWN in line for line in lines)


def test_another_copy_says_that_a_hash_is_to_be_filled_in(root, capfd, monkeypatch):
    monkeypatch.setattr(starter, "installed_commit", lambda: None)
    _, lines, _ = init(capfd, "--github")
    assert f"mcp-audit-gate@{starter.UNKNOWN}" in (root / WORKFLOW).read_text()
    assert any(starter.UNKNOWN in line and WORKFLOW in line for line in lines)


@pytest.mark.parametrize(
    ("recorded", "commit"),
    [
        (f'{{"vcs_info": {{"commit_id": "{COMMIT}"}}}}', COMMIT),
        ('{"vcs_info": {"commit_id": "main"}}', None),
        ('{"dir_info": {}}', None),
        ("[]", None),
        ("{", None),
        (None, None),
    ],
)
def test_the_commit_is_read_from_what_the_installer_recorded(recorded, commit, monkeypatch):
    class Found:
        def read_text(self, name):
            return recorded if name == "direct_url.json" else None

    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Found())
    assert starter.installed_commit() == commit


# --- an entry more for pre-commit ---------------------------------------------------------------------------------------

OTHER = "- repo: https://example.com/a\n{0}  rev: v1\n{0}  hooks: [{{id: a}}]\n"


@pytest.mark.parametrize(
    "text",
    [
        "repos:\n" + OTHER.format(""),
        "# why\ndefault_stages: [pre-commit]\nrepos:  # all of them\n\n  # the first\n  " + OTHER.format("  ") + "ci:\n  skip: [a]\n",
        "repos:\n    " + OTHER.format("    "),
    ],
)
def test_an_entry_is_added_and_nothing_else_changes(root, capfd, text):
    (root / HOOKS).write_text(text)
    _, lines, _ = init(capfd, "--pre-commit")
    assert lines[1].startswith(f"changed {HOOKS}")
    new = (root / HOOKS).read_text()
    before, after = yaml.safe_load(text), yaml.safe_load(new)
    assert after["repos"][1:] == before["repos"]
    assert after["repos"][0]["hooks"] == [{"id": "mcp-audit"}]
    assert {**after, "repos": None} == {**before, "repos": None}
    assert [line for line in new.splitlines() if line in text.splitlines()] == text.splitlines()


BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]\n" for n in range(20))
ODD = {
    "aliases that stand for more than fits": BOMB,
    "no day": "day: 2026-13-45\n",
    "no number": f"number: {'9' * 5000}\n",
    "no zone": "at: 2026-01-01t01:01:01-99:99\n",
}


@pytest.mark.parametrize("what", ODD)
def test_what_else_the_file_says_is_neither_read_nor_changed(root, capfd, what):
    text = ODD[what] + "repos:\n" + OTHER.format("")
    (root / HOOKS).write_text(text)
    started = time.perf_counter()
    code, lines, _ = init(capfd, "--pre-commit")
    assert time.perf_counter() - started < 5
    assert (code, lines[1].startswith(f"changed {HOOKS}")) == (0, True)
    new = (root / HOOKS).read_text()
    assert new.startswith(ODD[what])
    assert [line for line in new.splitlines() if line in text.splitlines()] == text.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "repos:\n" + OTHER.format("") + "repos:\n" + OTHER.format(""),
        "---\nrepos:\n" + OTHER.format("") + "---\na: b\n",
        "repos:\n" + OTHER.format("") + "# " + "x" * 300_000 + "\n",
    ],
    ids=["twice", "two documents", "too large"],
)
def test_a_list_that_may_not_count_gets_no_entry(root, capfd, text):
    (root / HOOKS).write_text(text)
    assert init(capfd, "--pre-commit")[1][1].startswith(f"kept {HOOKS}")
    assert (root / HOOKS).read_text() == text


@pytest.mark.parametrize(
    "text", ["repos: []\n", "repos: [{repo: local, hooks: []}]\n", "repos:\n- x: [\n", "a: |\n  repos:\n  - b\n", "- repos\n", "", "\xff"]
)
def test_what_cannot_be_added_for_certain_is_left_to_the_reader(root, capfd, text):
    (root / HOOKS).write_text(text, "latin-1")
    _, lines, _ = init(capfd, "--pre-commit")
    assert lines[1].startswith(f"kept {HOOKS}")
    assert "by hand" in lines[1]
    assert (root / HOOKS).read_text("latin-1") == text


# --- only inside the repository -----------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_no_link_leads_out_of_the_repository(root, capfd, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / ".github").symlink_to(tmp_path / "elsewhere")
    code, _, err = init(capfd, "--github")
    assert (code, "leads out of the repository" in err) == (2, True)
    assert not list((tmp_path / "elsewhere").iterdir())
    (tmp_path / "hooks.yaml").write_text("repos:\n" + OTHER.format(""))
    (root / ".github").unlink()
    (root / HOOKS).symlink_to(tmp_path / "hooks.yaml")
    (root / POLICY).parent.mkdir()
    (root / POLICY).symlink_to(tmp_path / "nowhere")
    assert init(capfd, "--pre-commit")[0] == 0
    assert not (tmp_path / "nowhere").exists()
    assert (tmp_path / "hooks.yaml").read_text() == "repos:\n" + OTHER.format("")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.parametrize(("link", "target"), [(".github", ".git"), (".github/workflows", "../.git/hooks"), (".github", "lib/.GIT/x")])
def test_no_link_leads_into_a_git_folder(root, capfd, link, target):
    for folder in (".git/hooks", "lib/.GIT/x", *([".github"] if "/" in link else [])):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(target)
    code, _, err = init(capfd, "--github")
    assert (code, "leads out of the repository" in err) == (2, True)
    assert not any(path.is_file() for folder in (".git", "lib") for path in (root / folder).rglob("*"))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes as POSIX has them")
def test_a_pipe_is_not_waited_for(root):
    (root / ".git/refs/remotes/origin").mkdir(parents=True)
    os.mkfifo(root / ".git/refs/remotes/origin/HEAD")
    os.mkfifo(root / HOOKS)
    command = [sys.executable, "-m", "mcp_audit_gate", "init", "--github", "--pre-commit"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, f"kept {HOOKS}" in done.stdout) == (0, True)


def test_a_folder_that_cannot_be_made_is_one_line(root, capfd):
    (root / ".github").write_text("a file")
    code, _, err = init(capfd)
    assert (code, len(err.splitlines())) == (2, 1)


def test_a_file_that_appears_meanwhile_is_not_replaced(root, capfd, monkeypatch):
    parts = starter.parts

    def late(*args):
        made = parts(*args)
        (root / POLICY).parent.mkdir(exist_ok=True)
        (root / POLICY).write_text("version: 1\n")
        return made

    monkeypatch.setattr(starter, "parts", late)
    code, _, err = init(capfd)
    assert (code, (root / POLICY).read_text()) == (2, "version: 1\n")
    assert f"cannot write {POLICY}: it is there already" in err
    assert [item.name for item in (root / POLICY).parent.iterdir()] == ["mcp-audit.yaml"]


def test_the_workflow_is_valid(root, capfd):
    init(capfd, "--github")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW]
    assert subprocess.run(command, cwd=root, check=False, capture_output=True).returncode == 0
    assert Path(WORKFLOW).read_text() == (Path(starter.__file__).parent / "data/starter/workflow.yml").read_text()
