from __future__ import annotations

import os

import pytest

from mcp_audit_gate.report.provenance import Provenance, provenance

COMMIT, OTHER = "a1" * 20, "b2" * 20


def checkout(root, files):
    for name, text in files.items():
        path = root / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return provenance(str(root))


def config(url):
    other = '[core]\n\tbare = false\n[remote "other"]\n\turl = https://example.com/other\n'
    return f'{other}[remote "origin"]\n\turl = {url}\n\tfetch = +x\n[branch "main"]\n\turl = no\n'


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://github.com/acme/demo.git", "https://github.com/acme/demo.git"),
        ("https://user:" + "hunter2" + "@github.com/acme/demo?token=x#y", "https://github.com/acme/demo"),
        ("git@github.com:acme/demo.git", "ssh://github.com/acme/demo.git"),
        ("ssh://git@host.example:2222/a b", "ssh://host.example:2222/a%20b"),
        ("http://[::1]/x", None),
        ("/srv/git/demo", None),
        ("C:\\git\\demo", None),
        ("file:///srv/git", None),
        ("../demo", None),
        ("javascript:alert(1)", "ssh://javascript/alert%281%29"),
    ],
)
def test_the_remote_is_a_public_address(tmp_path, url, shown):
    got = checkout(tmp_path, {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": COMMIT + "\n", "config": config(url)})
    assert got == (None if shown is None else Provenance(shown, COMMIT, "main"))


@pytest.mark.parametrize(
    ("files", "commit", "branch"),
    [
        pytest.param({"HEAD": COMMIT + "\n"}, COMMIT, None, id="detached"),
        pytest.param(
            {"HEAD": "ref: refs/heads/a/b\n", "packed-refs": f"# pack-refs\n{OTHER} refs/heads/a\n{COMMIT} refs/heads/a/b\n^{OTHER}\n"},
            COMMIT,
            "a/b",
            id="packed",
        ),
        pytest.param({"HEAD": "ref: refs/heads/m\n", "packed-refs": f"{OTHER} refs/heads/m\n", "refs/heads/m": COMMIT}, COMMIT, "m", id="loose wins"),
    ],
)
def test_the_commit(tmp_path, files, commit, branch):
    assert checkout(tmp_path, {**files, "config": config("https://example.com/x")}) == Provenance("https://example.com/x", commit, branch)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="no git"),
        pytest.param({"HEAD": "ref: refs/heads/main\n"}, id="no commit yet"),
        pytest.param({"HEAD": "ref: refs/heads/../../../secret\n"}, id="leads out"),
        pytest.param({"HEAD": "nonsense\n"}, id="no commit id"),
        pytest.param({"HEAD": "ref: refs/heads/.invalid\n"}, id="reftable"),
    ],
)
def test_nothing_is_said_without_a_commit(tmp_path, files):
    (tmp_path / "secret").write_text(COMMIT)
    assert checkout(tmp_path, {**files, "config": config("https://example.com/x")} if files else {}) is None


def test_nothing_is_said_without_a_remote(tmp_path):
    assert checkout(tmp_path, {"HEAD": COMMIT, "config": "[core]\n\tbare = false\n"}) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
@pytest.mark.parametrize("name", ["config", "HEAD"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    checkout(tmp_path, {"HEAD": COMMIT, "config": config("https://example.com/x")})
    (tmp_path / ".git" / name).unlink()
    os.mkfifo(tmp_path / ".git" / name)
    assert provenance(str(tmp_path)) is None
