"""`--staged` judges what git would commit: the index, not the working tree, and nothing that is untracked or ignored."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from repos import NOW, VARIABLES, Repository, leaking, servers


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "r", {".mcp.json": servers()})


def test_a17_a_partially_staged_file_is_judged_as_staged(repository):
    repository.write({".mcp.json": servers(api=leaking())})
    assert repository.scan("--staged").code == 0, "the fault is in the working tree alone"
    assert repository.scan().code == 1
    repository.git("add", ".mcp.json")
    repository.write({".mcp.json": servers()})
    done = repository.scan("--staged")
    assert (done.code, [item["location"]["path"] for item in done.found("literal-secret")]) == (1, [".mcp.json"])
    assert repository.scan().code == 0


def test_a17_a_file_deleted_from_the_disk_is_judged_and_one_deleted_from_the_index_is_not(repository):
    repository.write({".mcp.json": servers(api=leaking())})
    repository.git("add", ".mcp.json")
    (repository.root / ".mcp.json").unlink()
    assert repository.scan("--staged").code == 1
    repository.write({".mcp.json": servers(api=leaking())})
    repository.git("rm", "-q", "--cached", ".mcp.json")
    assert repository.scan("--staged").code == 3


def test_untracked_and_ignored_files_are_not_judged(repository):
    repository.write({".cursor/mcp.json": servers(api=leaking()), ".vscode/mcp.json": servers(api=leaking()), ".gitignore": ".vscode/\n"})
    assert repository.scan("--staged").code == 0
    assert {item["location"]["path"] for item in repository.scan().found("literal-secret")} == {".cursor/mcp.json", ".vscode/mcp.json"}


def test_the_policy_is_that_of_the_index(repository):
    repository.write({".mcp.json": servers(api=leaking())})
    repository.git("add", "-A")
    repository.write({"mcp-audit.yaml": "version: 1\nfail-on: never\n"})
    assert repository.scan("--staged").code == 1
    assert repository.scan().code == 0
    named = repository.scan("--staged", "--policy", "mcp-audit.yaml")
    assert (named.code, "mcp-audit.yaml" in named.err) == (2, True)


def test_the_index_of_a_partial_commit_is_the_one_that_git_names(repository):
    repository.write({".mcp.json": servers(api=leaking()), "notes.txt": "x\n"})
    other = str(repository.root / ".git" / "other-index")
    repository.git("read-tree", "HEAD", GIT_INDEX_FILE=other)
    repository.git("add", ".mcp.json", GIT_INDEX_FILE=other)
    assert repository.scan("--staged").code == 0
    assert repository.scan("--staged", GIT_INDEX_FILE=other).code == 1
    assert repository.scan("--staged", GIT_INDEX_FILE=".git/other-index").code == 1
    assert repository.scan("--staged", GIT_DIR="/nowhere", GIT_WORK_TREE="/nowhere").code == 0


@pytest.mark.skipif(os.name == "nt", reason="a hook in sh")
def test_in_a_hook_of_git_itself(repository):
    hook = repository.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    package = os.path.dirname(os.path.dirname(__file__))
    hook.write_text(
        f'#!/bin/sh\nPYTHONPATH="{package}" "{sys.executable}" -P -m mcp_audit_gate scan --skip-connect --staged --allow-empty --now {NOW}\n'
    )
    if sys.version_info < (3, 11):
        hook.write_text(hook.read_text().replace(" -P ", " "))
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)

    def commit(*words):
        environment = {**os.environ, **VARIABLES}
        return subprocess.run(
            ["git", "commit", "-qm", "x", *words], cwd=repository.root, env=environment, capture_output=True, text=True, check=False
        )

    repository.write({"notes.txt": "x\n", ".mcp.json": servers(api=leaking())})
    repository.git("add", "notes.txt")
    assert commit().returncode == 0, "only notes.txt is committed"
    assert "literal-secret" in commit("-a").stdout + commit("-a").stderr
    assert commit(".mcp.json").returncode == 1
    repository.write({"more.txt": "x\n"})
    repository.git("add", "-A")
    assert commit("more.txt").returncode == 0, "a partial commit, for which git makes an index of its own"


def test_paths_and_folders_below_the_root(repository):
    repository.write({"a/.mcp.json": servers(api=leaking()), "b/.mcp.json": servers()})
    repository.git("add", "-A")
    assert repository.scan("--staged", "b").code == 0
    assert repository.scan("--staged", folder="a").code == 1
    assert repository.scan("--staged", "a/.mcp.json").code == 1
    assert "no such file" in repository.scan("--staged", "c").err


def test_outside_of_a_repository(tmp_path):
    from repos import Repository as Plain

    repository = Plain(tmp_path)
    (tmp_path / "sub").mkdir()
    os.rename(tmp_path / ".git", tmp_path / "elsewhere")
    done = repository.scan("--staged")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "needs a git repository" in done.err


def test_a2_what_git_keeps_elsewhere_is_not_assessed(repository, tmp_path):
    inner = Repository(tmp_path / "inner", {"mcp.json": servers()})
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.root), ".cursor")
    done = repository.scan("--staged")
    assert done.code == 4
    assert [item["path"] for item in done.report["not_assessed"]] == [".cursor"]
    repository.git("rm", "-qf", ".cursor")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"
    repository.write({".vscode/mcp.json": pointer})
    repository.git("add", "-A")
    done = repository.scan("--staged")
    assert (done.code, "Git LFS pointer" in done.report["not_assessed"][0]["reason"]) == (4, True)


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a3_a_staged_link_out_of_the_repository_is_not_followed(repository, tmp_path):
    (tmp_path / "secret.json").write_text(servers(api=leaking()))
    (repository.root / ".cursor").mkdir()
    (repository.root / ".cursor" / "mcp.json").symlink_to(tmp_path / "secret.json")
    repository.git("add", "-A")
    done = repository.scan("--staged")
    assert (done.code, done.found("literal-secret")) == (4, [])
    assert "leaves the repository" in done.report["not_assessed"][0]["reason"]
