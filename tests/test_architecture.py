"""The import contracts hold and each of them can break; the bounds of docs/architecture.md hold."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mcp_audit_gate"
CONTRACTS = configparser.ConfigParser()
CONTRACTS.read(ROOT / ".importlinter", "utf-8")

MODULE_LINES, FUNCTION_LINES, DOCUMENTED = 400, 50, 0.95
BROAD_HANDLERS = 2
# Third-party packages, and what each costs a noticeable part of an interpreter's start, are imported where they are used.
COSTLY = {"asyncio", "dataclasses", "logging", "pathlib", "socket", "subprocess", "typing", "urllib"}
STARTS = re.compile(r"os\.(system|popen|fork|forkpty|startfile|exec\w+|spawn\w+|posix_spawn\w*)$|urllib\.request|importlib\.reload$")

Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def sources() -> list[tuple[str, ast.Module, str]]:
    """(path below the package, tree, text) of each module."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text("utf-8")
        found.append((path.relative_to(PACKAGE).as_posix(), ast.parse(text), text))
    return found


# --- import contracts -------------------------------------------------------------------------------------------------


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    """Checks .importlinter in a folder that holds it beside the package."""
    command = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", command], cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=120, check=False)


def copied(folder: Path) -> Path:
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder / PACKAGE.name


def test_import_contracts_hold() -> None:
    done = contracts(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


PIPELINE, OFFLINE, FAMILIES, CYCLES = (
    "the folder listing is the pipeline",
    "nothing below live can connect or start a process",
    "rule families know nothing of one another",
    "no cycles anywhere",
)


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("sources/discover.py", "import subprocess", OFFLINE),
        ("gate.py", "import mcp", OFFLINE),
        ("report/json.py", "def late():\n    import asyncio", OFFLINE),
        ("metadata/text.py", "from mcp_audit_gate.sources import shell", PIPELINE),
        ("rules/inputs.py", "from mcp_audit_gate import gate", PIPELINE),
        ("helpers.py", "", PIPELINE),
        ("rules/inputs.py", "from mcp_audit_gate.rules import transport", FAMILIES),
        ("sources/clients.py", "from mcp_audit_gate.sources import match", CYCLES),
    ],
    ids=lambda value: value.replace("\n", " ") or "a stray module",
)
def test_a_planted_import_breaks_a_contract(module: str, line: str, broken: str, tmp_path: Path) -> None:
    with (copied(tmp_path) / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = contracts(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{broken} BROKEN" in done.stdout


def named(contract: str, option: str) -> set[str]:
    return set(CONTRACTS[f"importlinter:contract:{contract}"][option].split())


def test_the_offline_contract_names_every_stage() -> None:
    parts = [path for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    stages = {f"mcp_audit_gate.{path.stem}" for path in parts if path.stem not in {"__init__", "__main__", "cli", "live", "record"}}
    assert stages <= named("offline", "source_modules")


def test_the_families_contract_names_every_family() -> None:
    tree = ast.parse((PACKAGE / "rules" / "__init__.py").read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "mcp_audit_gate.rules"]
    families = {f"mcp_audit_gate.rules.{alias.name}" for node in imports for alias in node.names}
    assert families == named("families", "modules")


# --- bounds -----------------------------------------------------------------------------------------------------------


def top_imports(tree: ast.Module) -> set[str]:
    """Packages imported when a module is loaded; what stands below `if TYPE_CHECKING:` is not."""
    found = set()
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            pending += node.orelse
        elif not isinstance(node, Function):
            pending += ast.iter_child_nodes(node)
    return found


def costly_imports(tree: ast.Module) -> set[str]:
    return {name for name in top_imports(tree) if name in COSTLY or name not in sys.stdlib_module_names | {"mcp_audit_gate"}}


def process_starts(tree: ast.Module) -> list[str]:
    """Ways to start a process or open an address that an import contract cannot see."""
    dotted = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    dotted += [f"{node.module}.{alias.name}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    dotted += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return [name for name in dotted if STARTS.match(name)]


def broad_handlers(tree: ast.Module) -> list[int]:
    """Lines with `except:`, `except Exception` or `except BaseException`, alone or among others."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in caught):
                found.append(node.lineno)
    return found


def long_functions(tree: ast.Module) -> list[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    return [f"{node.name} ({node.end_lineno - node.lineno + 1} lines)" for node in functions if node.end_lineno - node.lineno + 1 > FUNCTION_LINES]


def public(tree: ast.Module) -> dict[str, bool]:
    """Public functions, classes and methods of a module, and whether each has a docstring."""
    found = {}
    for node in tree.body:
        if isinstance(node, (*Function, ast.ClassDef)) and not node.name.startswith("_"):
            found[node.name] = bool(ast.get_docstring(node))
            methods = [item for item in node.body if isinstance(item, Function) and item.name[0] != "_"] if isinstance(node, ast.ClassDef) else []
            found |= {f"{node.name}.{item.name}": bool(ast.get_docstring(item)) for item in methods}
    return found


def loose_ends(text: str) -> list[str]:
    """Lines that promise work without naming an issue."""
    return [line.strip() for line in text.splitlines() if re.search(r"\b(TODO|FIXME|XXX)\b", line) and not re.search(r"#\d+", line)]


@pytest.mark.parametrize(("path", "tree", "text"), sources(), ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "")
def test_bounds_of_a_module(path: str, tree: ast.Module, text: str) -> None:
    assert len(text.splitlines()) <= MODULE_LINES
    assert long_functions(tree) == []
    # live/ is imported only when something connects, which costs a hundred times as much as these do.
    free = COSTLY if path.startswith("live/") else set()
    assert costly_imports(tree) - free == set(), "import it inside the function that needs it"
    assert loose_ends(text) == []
    if not path.startswith("live/") and path != "sources/git.py":
        assert process_starts(tree) == []
    if path.rpartition("/")[2] != "__main__.py":
        assert ast.get_docstring(tree), "a module starts with what goes in and what comes out"


def test_bounds_of_the_package() -> None:
    documented = [known for _, tree, _ in sources() for known in public(tree).values()]
    assert sum(documented) >= DOCUMENTED * len(documented)
    assert sum(len(broad_handlers(tree)) for _, tree, _ in sources()) <= BROAD_HANDLERS


PLANTED = '''
import typing, yaml
try:
    import sarif_om
except ImportError:
    pass
if TYPE_CHECKING:
    import mcp
def documented():
    """Says."""
    import jsonschema
    os.execvp("x", [])
class Bare:
    def method(self):
        try: pass
        except (ValueError, Exception): pass
        try: pass
        except: pass  # TODO later
        # TODO #12: said where
'''


def test_each_bound_can_break() -> None:
    tree = ast.parse(PLANTED)
    assert costly_imports(tree) == {"typing", "yaml", "sarif_om"}
    assert process_starts(tree) == ["os.execvp"]
    assert len(broad_handlers(tree)) == 2
    assert public(tree) == {"documented": True, "Bare": False, "Bare.method": False}
    assert loose_ends(PLANTED) == ["except: pass  # TODO later"]
    assert long_functions(ast.parse("def long():\n" + "    pass\n" * FUNCTION_LINES)) == [f"long ({FUNCTION_LINES + 1} lines)"]
