"""Git is run with fixed words, a clean environment, and nothing that a repository or its configuration could add."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from repos import Repository, servers

from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.sources import git as git_module
from mcp_audit_gate.sources.git import Git

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX paths and modes")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository", {".mcp.json": servers(), "notes.txt": "one\n"})


def open_git(repository, **variables):
    return Git(str(repository.root), "--trusted-ref", {**os.environ, **variables})


def test_names_of_a_commit(repository):
    repository.git("tag", "-a", "-m", "t", "v1")
    git = open_git(repository)
    head = repository.git("rev-parse", "HEAD")
    assert [git.commit(name) for name in ("HEAD", "main", "v1", head, head[:10], "HEAD~0")] == [head] * 6


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "no such revision"),
        ("  ", "no such revision"),
        ("a\nb", "no such revision"),
        ("nowhere", "fetch-depth: 0"),
        ("HEAD:notes.txt", "not in this repository"),
        ("0" * 40, "stands for no commit"),
        ("^HEAD", "range"),
        ("HEAD..HEAD", "not in this repository"),
        ("--all", "not in this repository"),
        ("--output=/dev/null", "not in this repository"),
        ("-h", "not in this repository"),
    ],
)
def test_what_is_no_commit(repository, name, why):
    with pytest.raises(UsageError, match=why):
        open_git(repository).commit(name)


def test_files_and_what_lies_in_them(repository):
    (repository.root / "link").symlink_to("notes.txt")
    commit = repository.commit("link", {"ünï/côde.txt": "zwei\n"})
    git = open_git(repository)
    files = {file.path: file for file in git.files(commit)}
    assert {path: file.kind for path, file in files.items()} == {".mcp.json": "file", "notes.txt": "file", "link": "link", "ünï/côde.txt": "file"}
    ids = [files["link"].id, files["notes.txt"].id, files["notes.txt"].id]
    assert git.contents(ids) == {files["link"].id: b"notes.txt", files["notes.txt"].id: b"one\n"}
    assert git.sizes(ids) == {files["link"].id: 9, files["notes.txt"].id: 4}
    assert git.contents(()) == {}


def test_an_object_that_is_not_there_is_told_with_the_way_to_get_it(repository):
    git = open_git(repository)
    for ask in (git.contents, git.sizes):
        with pytest.raises(UsageError, match=r"--trusted-ref.*fetch"):
            ask(["0" * 40])


def test_no_git_repository(tmp_path):
    with pytest.raises(UsageError, match="needs a git repository"):
        Git(str(tmp_path), "--staged")


@pytest.mark.parametrize("content", [None, "nonsense\n", "gitdir: elsewhere\n"], ids=["an empty folder", "nonsense", "a worktree that is gone"])
def test_a_git_folder_that_is_none(tmp_path, content):
    Repository(tmp_path)  # one above, which must not be taken instead
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / ".git").mkdir() if content is None else (inner / ".git").write_text(content)
    with pytest.raises(UsageError):
        Git(str(inner), "--staged").commit("HEAD")


def test_git_is_not_taken_from_the_repository_nor_from_a_relative_path(repository, monkeypatch):
    fake = repository.root / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\ntouch ran\n")
    fake.chmod(0o755)
    monkeypatch.chdir(repository.root)
    with pytest.raises(UsageError, match="no absolute folder of PATH outside the repository"):
        open_git(repository, PATH=os.pathsep.join(("bin", ".", "", str(fake.parent), str(repository.root))))
    git = open_git(repository, PATH=os.pathsep.join((str(fake.parent), "bin", os.environ["PATH"])))
    assert git.commit("HEAD")
    assert not (repository.root / "ran").exists()


def test_a_link_to_a_git_inside_the_repository_is_not_taken(repository, tmp_path):
    fake = repository.root / "git"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(fake)
    with pytest.raises(UsageError, match="needs git"):
        open_git(repository, PATH=str(tmp_path / "bin"))


def test_the_environment_is_short_and_keeps_the_index_only_when_asked(repository):
    hostile = {
        "GIT_DIR": "/x",
        "GIT_WORK_TREE": "/x",
        "GIT_OBJECT_DIRECTORY": "/x",
        "GIT_EXTERNAL_DIFF": "x",
        "GIT_CONFIG_COUNT": "1",
        "GIT_SSH": "x",
    }
    hostile |= {
        "LD_PRELOAD": "x",
        "GIT_INDEX_FILE": "other",
        "GIT_TRACE": "1",
        "GIT_CONFIG_PARAMETERS": "'core.fsmonitor'='x'",
        "GIT_EXEC_PATH": "/x",
    }
    folders = ("/usr/bin",)
    environment = git_module._environment({**hostile, "HOME": "/home/a"}, folders, str(repository.root), False)
    assert not set(hostile) & set(environment)
    assert environment["HOME"] == "/home/a"
    assert environment["PATH"] == "/usr/bin"
    assert git_module._environment(hostile, folders, str(repository.root), True)["GIT_INDEX_FILE"] == "other"


def canary(repository: Repository) -> Path:
    """A program that leaves a mark when anything starts it."""
    script = repository.root.parent / "canary.sh"
    script.write_text(f'#!/bin/sh\ntouch "{repository.root.parent}/ran"\ncat\n')
    script.chmod(0o755)
    return script


def test_nothing_that_a_repository_configures_runs(repository, tmp_path):
    script = str(canary(repository))
    commit = repository.commit("attributes", {".gitattributes": "* filter=evil diff=evil merge=evil\n", "a.bin": "x\n"})
    hooks = repository.root / ".git" / "hooks"
    for name in ("post-index-change", "fsmonitor-watchman", "post-checkout", "pre-auto-gc", "reference-transaction", "query-watchman"):
        shutil.copy(script, hooks / name)
    for key in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.external"):
        repository.git("config", key, script)
    for key in ("core.pager", "core.editor", "core.sshCommand", "core.gitProxy", "core.alternateRefsCommand", "gpg.program", "credential.helper"):
        repository.git("config", key, script)
    repository.git("config", "alias.ls-tree", f"!{script}")
    repository.git("config", "core.hooksPath", str(hooks))
    (tmp_path / "ran").unlink(missing_ok=True)
    git = open_git(repository)
    files = tuple(git.files(git.commit("HEAD")))
    assert git.merge_base(commit) == commit
    assert git.contents(file.id for file in files)
    assert len(tuple(git.staged())) == len(files)
    assert not (tmp_path / "ran").exists()


def test_a_hostile_configuration_of_the_user_runs_nothing(repository, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    script = canary(repository)
    (home / ".gitconfig").write_text(f"[core]\n\tfsmonitor = {script}\n\thooksPath = {tmp_path}\n\tpager = {script}\n[diff]\n\texternal = {script}\n")
    git = open_git(repository, HOME=str(home))
    assert tuple(git.staged())
    assert tuple(git.files(git.commit("HEAD")))
    assert not (tmp_path / "ran").exists()


def test_objects_are_not_replaced(repository):
    commit = repository.git("rev-parse", "HEAD")
    other = repository.commit("other", {"notes.txt": "two\n", "more.txt": "more\n"})
    repository.git("replace", commit, other)
    git = open_git(repository)
    assert {file.path for file in git.files(git.commit(commit))} == {".mcp.json", "notes.txt"}


def partial(repository, tmp_path):
    """A clone that has no blob, and says that a program is asked for what it lacks."""
    script = canary(repository)
    clone = tmp_path / "clone"
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository.root}", str(clone))
    return clone, script


@pytest.mark.parametrize("lazy", ["1", None], ids=["as set", "as an older git takes it"])
@pytest.mark.parametrize("how", ["file", "ext"])
def test_nothing_is_fetched_for_a_partial_clone(repository, tmp_path, how, lazy, monkeypatch):
    clone, script = partial(repository, tmp_path)
    config = {"protocol.file.allow": "always", "protocol.ext.allow": "always", "remote.origin.uploadpack": str(script)}
    config |= {"remote.origin.url": f"ext::{script} %S"} if how == "ext" else {}
    for key, value in config.items():
        subprocess.run(["git", "config", key, value], cwd=clone, check=True)
    git = Git(str(clone), "--trusted-ref")
    if lazy is None:
        del git._environment["GIT_NO_LAZY_FETCH"]
    ids = [file.id for file in git.files(git.commit("HEAD"))]
    with pytest.raises(UsageError, match="partial clone lacks files"):
        git.contents(ids)
    with pytest.raises(UsageError, match="partial clone lacks files"):
        git.sizes(ids)
    assert not (tmp_path / "ran").exists()


def test_a_shallow_clone(repository, tmp_path):
    first = repository.git("rev-parse", "HEAD")
    repository.commit("second", {"notes.txt": "two\n"})
    repository.git("branch", "side", first)
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.root}", str(clone))
    git = Git(str(clone), "--trusted-ref")
    assert git.shallow()
    with pytest.raises(UsageError, match=r"shallow clone.*fetch-depth: 0"):
        git.commit(first)
    subprocess.run(["git", "checkout", "-q", "--orphan", "other"], cwd=clone, check=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "o"], cwd=clone, check=True)
    with pytest.raises(UsageError, match=r"parted.*fetch-depth: 0"):
        git.merge_base(git.commit("origin/main"))


def test_histories_without_a_common_commit_part_at_the_revision_itself(repository):
    base = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "--orphan", "other")
    repository.commit("orphan")
    assert open_git(repository).merge_base(base) == base


def test_a_worktree_and_a_detached_head(repository, tmp_path):
    base = repository.git("rev-parse", "HEAD")
    repository.git("worktree", "add", "-q", "--detach", str(tmp_path / "wt"))
    git = Git(str(tmp_path / "wt"), "--trusted-ref")
    assert git.commit("main") == base == git.merge_base(base)
    assert {file.path for file in git.staged()} == {".mcp.json", "notes.txt"}


def test_a_repository_of_another_user(repository, monkeypatch):
    git = open_git(repository)
    git._environment["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"
    with pytest.raises(UsageError, match=r"belongs to another user.*safe\.directory"):
        git.commit("HEAD")


def test_a_merge_that_is_not_resolved(repository):
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("side", {"notes.txt": "side\n"})
    repository.git("checkout", "-q", "main")
    repository.commit("main", {"notes.txt": "main\n"})
    with pytest.raises(AssertionError):
        repository.git("merge", "-q", "side")
    with pytest.raises(UsageError, match=r"notes\.txt has merge conflicts"):
        tuple(open_git(repository).staged())


def test_a_git_that_does_not_answer_or_does_not_start(repository, tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    slow = folder / "git"
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(git_module, "TIMEOUT_S", 0.2)
    git = open_git(repository, PATH=str(folder))
    with pytest.raises(UsageError, match="took more than"):
        git.commit("HEAD")
    slow.write_text("#!/nowhere/at/all\n")
    with pytest.raises(UsageError, match="cannot be started"):
        git.commit("HEAD")
    slow.write_text("#!/bin/sh\necho 'error: unknown option `end-of-options'\\' >&2\nexit 129\n")
    with pytest.raises(UsageError, match=r"--trusted-ref needs git 2\.24 or later; install a newer git"):
        git.commit("HEAD")
    slow.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(UsageError, match="git ls-tree failed with exit code 3"):
        tuple(git.files("0" * 40))
