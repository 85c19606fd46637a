"""The built wheel holds the package, its data and the presets, and works from an empty folder; the sdist builds the same wheel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from mcp_audit_gate import HOME, __version__

ROOT = Path(__file__).parents[1]
pytest.importorskip("hatchling", reason="hatchling builds the wheel: pip install -e '.[dev]'")


def build(source: Path, kind: str, target: Path) -> Path:
    """Builds without an index: the back end of this environment is used."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build(ROOT, "wheel", tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, "sdist", folder / "made")) as archive:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder / f"mcp_audit_gate-{__version__}"


def below(folder: str) -> set[str]:
    """Files of the checkout below a folder, caches left out."""
    paths = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_package_and_the_presets(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert below("mcp_audit_gate") <= names
    assert {f"mcp_audit_gate/{path}" for path in below("policies")} <= names
    assert "mcp_audit_gate/py.typed" in names
    assert {name.partition("/")[0] for name in names} == {"mcp_audit_gate", f"mcp_audit_gate-{__version__}.dist-info"}
    assert not [name for name in names if name.endswith((".pyc", ".orig")) or "/tests/" in name]


def test_the_metadata(wheel: zipfile.ZipFile) -> None:
    folder = f"mcp_audit_gate-{__version__}.dist-info"
    text = wheel.read(f"{folder}/METADATA").decode("utf-8")
    lines = text.partition("\n\n")[0].splitlines()
    assert {"Requires-Python: >=3.10", "License-Expression: MIT", f"Project-URL: Homepage, {HOME}"} <= set(lines)
    assert {f"Provides-Extra: {extra}" for extra in ("connect", "llm", "watch", "all", "dev")} <= set(lines)
    base = {re.split(r"[ :;<>=]+", line)[1].lower() for line in lines if line.startswith("Requires-Dist:") and "extra ==" not in line}
    assert base == {"pyyaml", "jsonschema", "sarif-om", "tomli"}
    scripts = wheel.read(f"{folder}/entry_points.txt").decode("utf-8")
    assert {"mcp-audit = mcp_audit_gate.cli:process", "mcp-audit-gate = mcp_audit_gate.cli:process"} <= set(scripts.splitlines())
    assert f"{folder}/licenses/LICENSE" in wheel.namelist()


def test_the_unpacked_wheel_works_from_an_empty_folder(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    folder = tmp_path / "empty"
    folder.mkdir()
    run = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from mcp_audit_gate import cli; print(cli.__file__, file=sys.stderr); sys.exit(cli.main())"
    )
    start = [sys.executable, "-I", "-c", run, str(tmp_path / "site")]

    def gate(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*start, *arguments], cwd=folder, capture_output=True, encoding="utf-8", timeout=60, check=False)

    assert gate("--version").stdout == f"mcp-audit {__version__}\n"
    assert gate("scan", "--skip-connect").returncode == 3
    (folder / ".mcp.json").write_text('{"mcpServers": {"docs": {"type": "http", "url": "http://mcp.example.com/mcp"}}}')
    done = gate("scan", "--skip-connect", "-o", "json")
    assert done.returncode == 1, done.stderr
    assert [finding["rule"] for finding in json.loads(done.stdout)["findings"]] == ["plain-http"]
    assert str(tmp_path / "site") in done.stderr, "another copy was imported"


def test_the_sdist_holds_what_tests_and_documentation_need(sdist: Path) -> None:
    held = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    folders = ("mcp_audit_gate", "policies", "tests", "docs", "examples", "scripts", "benchmarks", ".ci")
    files = {"README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".importlinter", ".pre-commit-hooks.yaml"}
    assert sorted(files.union(*map(below, folders)) - held) == []
    assert not [path for path in held if re.search(r"(^|/)(\.venv|__pycache__|\.git)/", path)]


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    again = zipfile.ZipFile(build(sdist, "wheel", tmp_path))
    assert {name: again.read(name) for name in again.namelist()} == {name: wheel.read(name) for name in wheel.namelist()}
