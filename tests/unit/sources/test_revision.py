"""A revision and the index are trees like the working tree: the same configs are found and the same bytes are read."""

from __future__ import annotations

import os

import pytest
from repos import Repository, servers

from mcp_audit_gate.errors import Unreadable, UsageError
from mcp_audit_gate.sources import revision
from mcp_audit_gate.sources.discover import WorkingTree
from mcp_audit_gate.sources.git import Git

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links")

FILES = {
    ".mcp.json": servers(),
    ".MCP.json": servers(),
    "sub/.cursor/mcp.json": servers(),
    "sub/.vscode/settings.json": "{}\n",
    "node_modules/x/.mcp.json": servers(),
    "plain/x.txt": "x\n",
    "plugin/.claude-plugin/plugin.json": "{}\n",
    "plugin/.mcp.json": servers(),
    "shared/mcp.json": servers(),
    "shared/agents/one.md": "---\nname: x\n---\n",
    "docs/.github/agents/fix.md": "---\nname: x\n---\n",
}
LINKS = {
    "linked/.mcp.json": "../.mcp.json",
    "tool/.cursor": "../shared",
    "again": "sub",
    "loop": ".",
    "sub/up": "../sub",
    "chain/.cursor": "../tool/.cursor",
}
BROKEN = {
    "a/.mcp.json": "/etc/passwd",
    "b/.mcp.json": "../../outside.json",
    "c/.mcp.json": "nowhere.json",
    "d/.mcp.json": ".mcp.json",
    "e/.cursor": "/etc",
    "f/.cursor": "../nowhere",
    "g/.mcp.json": "../plain",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    repository = Repository(tmp_path_factory.mktemp("trees") / "repository")
    repository.write(FILES)
    for path, target in {**LINKS, **BROKEN}.items():
        (repository.root / path).parent.mkdir(parents=True, exist_ok=True)
        (repository.root / path).symlink_to(target)
    repository.commit("all")
    return repository


def trees(repository):
    root = str(repository.root)
    git = Git(root, "--trusted-ref")
    return WorkingTree(root), revision.at(root, git, git.commit("HEAD")), revision.staged(root)


def test_the_same_configs_are_found(repository):
    work, commit, index = (tree.list((str(repository.root),)) for tree in trees(repository))
    assert work.found == commit.found == index.found
    assert {item.path for item in work.not_assessed} == {item.path for item in commit.not_assessed} == {item.path for item in index.not_assessed}
    found = {item.path for item in commit.found}
    assert {"linked/.mcp.json", "tool/.cursor/mcp.json", "sub/.cursor/mcp.json", ".MCP.json"} <= found
    assert {item.path for item in commit.not_assessed} == {"e/.cursor", "f/.cursor", "loop/e/.cursor", "loop/f/.cursor"}


def test_the_same_bytes_are_read_or_refused(repository):
    def outcome(tree, path):
        try:
            return tree.read(path)
        except Unreadable as error:
            return type(error)

    work, commit, index = trees(repository)
    paths = {item.path for item in work.list((str(repository.root),)).found} | set(FILES) | set(BROKEN) | {"plain", "not/there"}
    assert {path: outcome(work, path) for path in paths} == {path: outcome(commit, path) for path in paths}
    assert {path: outcome(work, path) for path in paths} == {path: outcome(index, path) for path in paths}
    for path in set(BROKEN) - {"e/.cursor", "f/.cursor"}:
        assert outcome(commit, path) is Unreadable, path


def test_names_and_what_is_pointed_to(repository):
    work, commit, _ = trees(repository)
    for folder in ("", "sub", "tool/.cursor", "not-there", "plain/x.txt", "sub/up/.cursor"):
        assert tuple(name for name in work.names(folder) if name != ".git") == commit.names(folder), folder
    for target in ("./.mcp.json", "../.mcp.json", "nowhere.json", "../plain/x.txt", "../../../../etc/passwd-not-there"):
        source = "plugin/.claude-plugin/plugin.json"
        assert work.pointed(source, target) == commit.pointed(source, target), target
    for tree in (work, commit):
        with pytest.raises(Unreadable):
            tree.names("e/.cursor")
        assert tree.spelled("sub", ".CURSOR") == ".cursor"
        assert tree.spelled("sub", "nothing") is None


def test_paths_are_those_of_the_tree_not_of_the_disk(tmp_path):
    repository = Repository(tmp_path, {"a/.mcp.json": servers(), "b/notes.json": servers()})
    (tmp_path / "a" / ".mcp.json").unlink()
    (tmp_path / "c").mkdir()
    _, _, index = trees(repository)
    assert [item.path for item in index.list((str(tmp_path / "a"),)).found] == ["a/.mcp.json"]
    assert [(item.path, item.named) for item in index.list((str(tmp_path / "b" / "notes.json"),)).found] == [("b/notes.json", True)]
    with pytest.raises(UsageError, match="no such file or folder"):
        index.list((str(tmp_path / "c"),))


def test_submodules_hold_nothing_and_are_named_where_a_config_is_expected(tmp_path):
    inner = Repository(tmp_path / "inner", {"mcp.json": servers()})
    outer = Repository(tmp_path / "outer", {"x.txt": "x\n"})
    for path in ("vendor/lib", ".cursor", ".mcp.json"):
        outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.root), path)
    outer.commit("submodules")
    _, commit, _ = trees(outer)
    listing = commit.list((str(outer.root),))
    assert [(item.path, item.reason) for item in listing.not_assessed] == [(".cursor", "a submodule, whose files git keeps in another repository")]
    assert [item.path for item in listing.found] == [".mcp.json"]
    with pytest.raises(Unreadable, match="submodule"):
        commit.read(".mcp.json")


def test_limits(tmp_path, monkeypatch):
    repository = Repository(tmp_path, {".mcp.json": servers(), "a/.mcp.json": "x" * 500, "b/.mcp.json": "y" * 500})
    _, commit, _ = trees(repository)
    with pytest.raises(Unreadable, match="larger than 0 MiB"):
        commit.read("a/.mcp.json", 499)
    assert commit.read("a/.mcp.json", 500) == b"x" * 500
    monkeypatch.setattr(revision, "MAX_TOTAL", 600)
    _, commit, _ = trees(repository)
    commit.list((str(tmp_path),))
    commit.read("a/.mcp.json")
    with pytest.raises(Unreadable, match="in all"):
        commit.read("b/.mcp.json")


def test_a_long_chain_of_links_ends(tmp_path):
    repository = Repository(tmp_path, {"0": "end\n"})
    for number in range(1, 60):
        (tmp_path / str(number)).symlink_to(str(number - 1))
    (tmp_path / "round").symlink_to("around")
    (tmp_path / "around").symlink_to("round")
    repository.commit("links")
    _, commit, _ = trees(repository)
    assert commit.read("30") == b"end\n"
    for path in ("59", "round"):
        with pytest.raises(Unreadable):
            commit.read(path)
