"""Where a report goes, by the installed command: places that are full, closed or not to be written, and what the exit code says of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("mcp-audit")
FORMATS = ("text", "json", "sarif", "junit", "github", "markdown", "html")
POSIX = pytest.mark.skipif(os.name != "posix", reason="devices and descriptors of POSIX")
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / ".git").mkdir(parents=True)
    (root / ".mcp.json").write_text(json.dumps({"mcpServers": {"web": {"url": "http://mcp.example.com/"}}}))
    return root


def run(tree: Path, shell: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command with a shell's redirections behind it."""
    command = ["/bin/sh", "-c", f'"$0" "$@" {shell}', str(SCRIPT), *words]
    return subprocess.run(command, cwd=tree, env={**os.environ, **more}, capture_output=True, encoding="utf-8", timeout=60, check=False)


@FULL
@pytest.mark.parametrize("name", FORMATS)
def test_a_full_standard_output_is_incomplete(tree, name):
    done = run(tree, "> /dev/full", "scan", "--skip-connect", "-o", name)
    assert done.returncode == 4
    assert done.stderr.splitlines() == ["mcp-audit: cannot write to standard output: No space left on device; give it room, or another place"]


@FULL
@pytest.mark.parametrize("words", [("--version",), ("rules",), ("explain", "plain-http"), ("policy", "show")], ids=" ".join)
def test_a_full_standard_output_is_told_by_every_command(tree, words):
    done = run(tree, "> /dev/full", *words)
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)


@POSIX
@pytest.mark.parametrize("words", [(), ("-o", "json")], ids=["text", "json"])
def test_a_closed_standard_output_is_incomplete(tree, words):
    done = run(tree, ">&-", "scan", "--skip-connect", *words)
    assert (done.returncode, done.stderr) == (4, "mcp-audit: standard output is closed; give the report a file: -o json=FILE\n")


@FULL
@pytest.mark.parametrize("shell", ["2> /dev/full", "2>&-"])
def test_a_message_that_cannot_be_said_changes_no_exit_code(tree, shell):
    assert run(tree, shell, "scan", "--skip-connect", "missing").returncode == 2
    assert run(tree, shell, "scan", "--skip-connect").returncode == 1


@FULL
def test_the_other_outputs_are_written_all_the_same(tree):
    done = run(tree, "> /dev/full", "scan", "--skip-connect", "-o", "text", "-o", "sarif=out.sarif", "-o", "json=/dev/full", "-o", "junit=out.xml")
    assert done.returncode == 4
    assert json.loads((tree / "out.sarif").read_text())["version"] == "2.1.0"
    assert (tree / "out.xml").exists()
    assert done.stderr.count("No space left on device") == 2


@POSIX
def test_a_reader_that_leaves_early_costs_no_other_output(tree):
    done = run(tree, "-o json=out.json | true; exit 0", "scan", "--skip-connect", "-o", "html")
    assert done.stderr == ""
    assert json.loads((tree / "out.json").read_text())["verdict"]["result"] == "failed"


@POSIX
@pytest.mark.parametrize("limit", [1, 8])
def test_a_file_that_may_not_grow_keeps_what_it_held(tree, limit):
    (tree / "out.html").write_text("before")
    done = run(tree, "", "scan", "--skip-connect", "-o", "html=out.html")
    assert (done.returncode, len((tree / "out.html").read_bytes()) > 512 * limit) == (1, True)
    (tree / "out.html").write_text("before")
    limited = ["/bin/sh", "-c", f'ulimit -f {limit}; exec "$0" "$@"', str(SCRIPT), "scan", "--skip-connect", "-o", "html=out.html"]
    done = subprocess.run(limited, cwd=tree, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert (done.returncode, (tree / "out.html").read_text()) == (4, "before")
    assert "cannot write out.html: File too large" in done.stderr
    assert sorted(os.listdir(tree)) == [".git", ".mcp.json", "out.html"]


@POSIX
@pytest.mark.parametrize("to", ["../victim", "../new", ".mcp.json", ".git/new"])
def test_a_link_of_the_repository_does_not_choose_what_is_written(tree, tmp_path, to):
    (tmp_path / "victim").write_text("precious")
    before = (tree / ".mcp.json").read_text()
    (tree / "out.sarif").symlink_to(to)
    done = run(tree, "", "scan", "--skip-connect", "-o", "sarif=out.sarif")
    assert done.returncode == 4
    assert "out.sarif is a link that the repository holds" in done.stderr
    assert ((tmp_path / "victim").read_text(), (tree / ".mcp.json").read_text()) == ("precious", before)
    assert not (tmp_path / "new").exists()
    assert not (tree / ".git" / "new").exists()


@POSIX
def test_a_linked_folder_of_the_repository_does_not_either(tree, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tree / "reports").symlink_to("../elsewhere")
    done = run(tree, "", "scan", "--skip-connect", "-o", "json=reports/x.json", "-q")
    assert (done.returncode, os.listdir(tmp_path / "elsewhere")) == (4, [])


@POSIX
def test_links_of_the_machine_are_the_users_own(tree, tmp_path):
    (tmp_path / "way").symlink_to(tree)
    (tmp_path / "report").symlink_to(tmp_path / "real")
    done = run(tree, "", "scan", "--skip-connect", "-o", f"json={tmp_path}/way/out.json", "-o", f"html={tmp_path}/report", "-q")
    assert done.returncode == 1
    assert (tree / "out.json").exists()
    assert (tmp_path / "real").exists()


@POSIX
@pytest.mark.parametrize("columns", ["²", "0", "1", "-1", "9" * 5000, "", "80x"])
@pytest.mark.parametrize("words", [("scan", "--skip-connect"), ("scan", "--help")], ids=["scan", "help"])
def test_any_width_is_a_width(tree, words, columns):
    done = run(tree, "", *words, COLUMNS=columns)
    assert (done.returncode, done.stderr) == (1 if words[-1] == "--skip-connect" else 0, "")


@POSIX
@pytest.mark.parametrize(
    "command", [("scan", "--skip-connect"), ("scan", "--help"), ("rules",), ("policy", "show"), ("scan", "--skip-connect", "nö")]
)
def test_a_locale_without_letters_changes_nothing(tree, command):
    (tree / ".mcp.json").write_text(json.dumps({"mcpServers": {"wörld-網": {"url": "http://mcp.example.com/"}}}, ensure_ascii=False), "utf-8")
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "", "PYTHONCASEOK": "1"}
    one, other = run(tree, "", *command, **plain), run(tree, "", *command, LC_ALL="C.UTF-8")
    assert (one.returncode, one.stdout) == (other.returncode, other.stdout)
    assert "Traceback" not in one.stderr


@POSIX
def test_what_init_cannot_write_whole_it_does_not_write(tree):
    limited = ["/bin/sh", "-c", 'ulimit -f 0; exec "$0" init', str(SCRIPT)]
    done = subprocess.run(limited, cwd=tree, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 2
    assert "cannot write .github/mcp-audit.yaml: File too large" in done.stderr
    assert [file for file in tree.rglob("*") if file.is_file() and "audit" in file.name] == []
    assert run(tree, "", "init").returncode == 0
