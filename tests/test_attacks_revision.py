"""Attacks on the trusted revision through git itself: names that mean two things, and what `.git` says of the history."""

from __future__ import annotations

import pytest
from repos import PINNED, Repository, leaking, servers

STRICT, WEAK = "version: 1\nfail-on: low\n", "version: 1\nfail-on: never\n"


@pytest.fixture
def repository(tmp_path):
    """A trusted branch with a policy, and a checked-out change that weakens it and brings a fault."""
    repository = Repository(tmp_path / "r", {"mcp-audit.yaml": STRICT, ".mcp.json": servers(docs=PINNED)})
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    repository.git("checkout", "-q", "-b", "change")
    repository.commit("change", {"mcp-audit.yaml": WEAK, ".mcp.json": servers(docs=leaking())})
    return repository


@pytest.mark.parametrize(
    ("named", "planted"),
    [
        pytest.param("main", "refs/tags/main", id="tag-over-branch"),
        pytest.param("main~0", "refs/tags/main", id="tag-over-branch-and-steps"),
        pytest.param("origin/main", "refs/tags/origin/main", id="tag-over-remote-branch"),
        pytest.param("origin/main", "refs/heads/origin/main", id="branch-over-remote-branch"),
        pytest.param("origin/main^{commit}", "refs/heads/origin/main", id="branch-over-remote-branch-and-a-kind"),
    ],
)
def test_a_planted_name_is_not_taken_for_the_trusted_one(repository, named, planted):
    assert repository.judge(named).code == 1
    repository.git("update-ref", planted, "change")
    repository.git("config", "core.warnAmbiguousRefs", "false")
    run = repository.judge(named)
    assert run.code == 2
    assert "stands for more than one thing" in run.err


def test_a_branch_called_like_the_short_id_of_a_commit_is_not_taken_for_it(repository):
    short = repository.git("rev-parse", "--short=8", "main")
    assert repository.judge(short).code == 1
    repository.git("update-ref", f"refs/heads/{short}", "change")
    assert repository.judge(short).code == 2


@pytest.mark.parametrize("kind", ["heads", "tags"])
def test_names_that_git_takes_before_all_others_stay_what_they_are(repository, kind):
    whole = repository.git("rev-parse", "main")
    for named in (whole, "HEAD", "refs/heads/main", "refs/remotes/origin/main", "refs/refs/heads/main"):
        repository.git("update-ref", f"refs/{kind}/{named}", "change")
    for named in (whole, "refs/heads/main", "refs/remotes/origin/main", f"{whole}^0"):
        run = repository.judge(named)
        assert run.code == 1, run.err
        assert run.found("policy-weakened"), named
    assert repository.judge("HEAD").code == 0, "HEAD is the change itself, whose policy forbids nothing"


@pytest.mark.parametrize("form", ["graft", "shallow"])
def test_the_history_is_not_what_the_git_folder_makes_of_it(repository, form):
    """A graft makes the change an ancestor of the trusted branch, so that nothing would have been changed since they parted."""
    before = repository.judge("main")
    main, change = (repository.git("rev-parse", name) for name in ("main", "change"))
    file = repository.root / ".git" / ("info/grafts" if form == "graft" else "shallow")
    file.write_text(f"{main} {change}\n" if form == "graft" else f"{change}\n")
    run = repository.judge("main")
    if form == "graft":
        assert run.out == before.out
        assert run.found("policy-weakened")
    else:
        assert run.code == 2
        assert "does not reach back" in run.err


def test_a_commit_graph_is_not_asked_for_parents(repository):
    """A forged one, which git does not compare with the commits, makes the change an ancestor of the trusted branch."""
    repository.git("checkout", "-q", "main")
    inner = bytes.fromhex(repository.commit("second", {"a.txt": "2"}))
    repository.commit("third", {"a.txt": "3"})
    repository.git("checkout", "-q", "change")
    before = repository.judge("main")
    repository.git("commit-graph", "write", "--reachable")
    graph = repository.root / ".git/objects/info/commit-graph"
    graph.chmod(0o644)
    data = bytearray(graph.read_bytes())
    chunks = {bytes(data[at : at + 4]): int.from_bytes(data[at + 4 : at + 12], "big") for at in range(8, 8 + 12 * data[6], 12)}
    ids = [bytes(data[chunks[b"OIDL"] + 20 * number :][:20]) for number in range(4)]
    at = chunks[b"CDAT"] + 36 * ids.index(inner) + 20  # behind the id of its tree stands its first parent
    data[at : at + 4] = ids.index(bytes.fromhex(repository.git("rev-parse", "change"))).to_bytes(4, "big")
    graph.write_bytes(bytes(data))
    assert repository.git("merge-base", "main", "change") == repository.git("rev-parse", "change"), "git itself believes the forgery"
    assert repository.judge("main").out == before.out
