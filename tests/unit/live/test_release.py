"""Which release a started process runs: read from the files that it was started from, and never guessed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcp_audit_gate.live.release import floating, running
from mcp_audit_gate.model import Word
from mcp_audit_gate.sources.launch import Fields, understand

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes of a session are read where Linux tells of them")
WAITS = "import sys\nprint('up', flush=True)\nsys.stdin.read()\n"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def node(root: Path, name: str = "@acme/docs", version: object = "1.4.2", manifest: str | None = None) -> Path:
    """A package as npm lays it out; its script."""
    put(root / "node_modules" / name / "package.json", json.dumps({"name": name, "version": version}) if manifest is None else manifest)
    return put(root / "node_modules" / name / "dist" / "index.js", WAITS)


def python(root: Path, *installed: str) -> Path:
    """A virtual environment with a script and these packages."""
    put(root / "pyvenv.cfg", "")
    for item in installed:
        put(root / "lib" / "python3.12" / "site-packages" / f"{item}.dist-info" / "METADATA", "")
    return put(root / "bin" / "tool", WAITS)


@contextmanager
def started(*words: object) -> Iterator[int]:
    """The session of a process that runs a script, and of one that it starts when two are given."""
    first = [sys.executable, str(words[0])]
    if len(words) > 1:
        first = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", sys.executable, str(words[1])]
    process = subprocess.Popen(first, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"up\n"
        yield process.pid
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


def of(script: Path, ecosystem: str, name: str) -> str | None:
    with started(script) as session:
        return running(session, (ecosystem, name))


def test_the_manifest_of_the_running_script_says_it(tmp_path: Path) -> None:
    assert of(node(tmp_path), "npm", "@acme/docs") == "1.4.2"


def test_a_link_in_the_folder_of_programs_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "node_modules" / ".bin" / "docs"
    link.parent.mkdir(parents=True)
    link.symlink_to(node(tmp_path))
    assert of(link, "npm", "@acme/docs") == "1.4.2"


def test_a_child_in_the_session_counts_and_another_session_does_not(tmp_path: Path) -> None:
    script = node(tmp_path)
    with started("", script) as session, started(put(tmp_path / "other.js", WAITS)) as other:
        assert running(session, ("npm", "@acme/docs")) == "1.4.2"
        assert running(other, ("npm", "@acme/docs")) is None


def test_what_a_package_holds_is_not_the_package(tmp_path: Path) -> None:
    node(tmp_path)
    inner = node(tmp_path / "node_modules" / "@acme" / "docs", "helper", "9.9.9")
    assert of(inner, "npm", "@acme/docs") is None
    assert of(inner, "npm", "helper") == "9.9.9"


@pytest.mark.parametrize("version", ["latest", "1.4", "1.4.2\n", "", 1, None, "1.4.2 || 2.0.0", "9" * 400])
def test_what_is_no_version_is_none(tmp_path: Path, version: object) -> None:
    assert of(node(tmp_path, version=version), "npm", "@acme/docs") is None


@pytest.mark.parametrize("manifest", ["", "[]", "{", "[" * 9000, '{"name": "@acme/other", "version": "1.4.2"}', " " * (1 << 20) + "{}"])
def test_a_manifest_that_says_nothing_says_nothing(tmp_path: Path, manifest: str) -> None:
    assert of(node(tmp_path, manifest=manifest), "npm", "@acme/docs") is None


def test_the_environment_of_a_python_script_says_it(tmp_path: Path) -> None:
    assert of(python(tmp_path, "Acme_Docs-1.4.2", "acme_docs_extra-3.0", "other-2.0"), "pypi", "acme.docs") == "1.4.2"


def test_a_link_to_the_script_of_an_installed_tool_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "bin" / "tool"
    link.parent.mkdir()
    link.symlink_to(python(tmp_path / "tools" / "docs", "acme_docs-1.4.2"))
    assert of(link, "pypi", "acme-docs") == "1.4.2"


def test_two_releases_are_one_too_many(tmp_path: Path) -> None:
    assert of(python(tmp_path, "acme_docs-1.4.2", "acme_docs-1.4.3"), "pypi", "acme-docs") is None


def test_a_python_that_all_share_says_nothing(tmp_path: Path) -> None:
    script = python(tmp_path, "acme_docs-1.4.2")
    (tmp_path / "pyvenv.cfg").unlink()
    assert of(script, "pypi", "acme-docs") is None


def test_nobody_runs_in_a_session_that_has_ended(tmp_path: Path) -> None:
    with started(node(tmp_path)) as session:
        pass
    assert running(session, ("npm", "@acme/docs")) is None


@pytest.mark.parametrize(
    ("line", "package"),
    [
        (["npx", "-y", "@acme/docs"], ("npm", "@acme/docs")),
        (["npx", "-y", "@acme/docs@latest"], ("npm", "@acme/docs")),
        (["npx", "-y", "@acme/docs@^1.2.0"], ("npm", "@acme/docs")),
        (["uvx", "--from", "acme-docs>=1", "docs"], ("pypi", "acme-docs")),
        (["npx", "-y", "@acme/docs@1.4.2"], None),
        (["uvx", "acme-docs@1.4.2"], None),
        (["npx", "-y", "github:acme/docs"], None),
        (["npx", "-y", "${NAME}"], None),
        (["npx", "-y", "-p", "@acme/docs", "-p", "@acme/more", "docs"], None),
        (["docker", "run", "acme/docs"], None),
        (["node", "a.js"], None),
    ],
)
def test_only_a_release_that_is_left_open_is_looked_for(line: list[str], package: tuple[str, str] | None) -> None:
    words = tuple(Word(text, ("args", number)) for number, text in enumerate(line))
    assert floating(understand(Fields(words, transport="stdio"))[0]) == package
