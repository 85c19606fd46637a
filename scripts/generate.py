"""Writes the files that are made from the code; with --check says which are not current, and exits 1.

    python scripts/generate.py [--check]

docs/rules.md from the rules, docs/clients.md and .pre-commit-hooks.yaml from the client table, in README.md the list of rules
and what the example prints; in README.md and docs/ci.md, and in examples/ci, the workflow that `mcp-audit init` writes; in docs/ci.md
the inputs and outputs of the action; docs/images/terminal.svg; mcp_audit_gate/data/grammar.txt from signals.json beside it.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import screenshots  # noqa: E402 - beside this file

from mcp_audit_gate import gate, pages  # noqa: E402 - of this checkout, whether or not another one is installed
from mcp_audit_gate.metadata import inflected  # noqa: E402
from mcp_audit_gate.rules import advisories  # noqa: E402
from mcp_audit_gate.sources.clients import LOCKFILE, POLICY_FILES, ROWS, Row  # noqa: E402
from mcp_audit_gate.sources.homes import HOMES  # noqa: E402

EXAMPLE = ("scan", "--skip-connect", "examples/repository")

# Where the formats were read, as of November 2026; repositories with the commit. A client that is not here is known from a tool
# that writes its files, or from files in public repositories.
SOURCES = {
    "amazon-q": "aws/amazon-q-developer-cli @ 15cc8f3",
    "claude-code": "anthropics/claude-code @ 5cfc0a1, code.claude.com/docs",
    "cline": "cline/cline @ 21cb8d2",
    "codearts": "support.huaweicloud.com",
    "codex": "openai/codex @ 00b17c2",
    "continue": "continuedev/continue @ d0a3c0b",
    "copilot-agent": "github/docs @ 03e038c, custom-agents-configuration.md",
    "copilot-cli": "github/copilot-cli @ 9532bda; github/docs @ 091100a, add-mcp-servers.md",
    "crush": "charmbracelet/crush @ 37f36e9",
    "cursor": "cursor.com/docs/mcp.md; cursor/plugins @ 195d935",
    "deepagents": "reference.langchain.com/python/deepagents-code/mcp_tools",
    "docker-registry": "docker/mcp-registry @ 818bf16, docker/mcp-gateway @ 2bd20fe",
    "gemini-cli": "google-gemini/gemini-cli @ 5411f11",
    "kilo": "the documentation at kilo.ai",
    "kiro": "kiro.dev/docs/mcp/configuration",
    "librechat": "danny-avila/LibreChat @ 042c46c",
    "mcp-agent": "lastmile-ai/mcp-agent @ 04cae7e",
    "mcp-registry": "modelcontextprotocol/registry @ 09713ce",
    "mcpb": "anthropics/mcpb @ 27083dc",
    "opencode": "anomalyco/opencode @ 00a9a98",
    "roo": "RooCodeInc/Roo-Code @ cb83656",
    "ruler": "intellectronica/ruler @ 0fa2cae",
    "rulesync": "dyoshikawa/rulesync @ cfebcd7",
    "sourcecraft": "sourcecraft.dev/portal/docs",
    "tabnine": "docs.tabnine.com",
    "visual-studio": "learn.microsoft.com/visualstudio/ide/mcp-servers",
    "vscode": "microsoft/vscode-docs @ 0892da1, code.visualstudio.com/docs/agents/reference/mcp-configuration",
    "zed": "the documentation in zed-industries/zed, docs/src/ai/mcp.md",
}

HOOK = """\
- id: {id}
  name: {id}
  description: {about}
  entry: mcp-audit scan --skip-connect --allow-empty --staged{more}
  language: python
  minimum_pre_commit_version: 3.2.0
  pass_filenames: false
  require_serial: true
  files: |
    (?xi)(?:^|/)(?:
{names}
    )$
"""
HOOKS = (
    ("mcp-audit", "Judges the MCP configs that git would commit. Starts nothing and contacts nothing.", ""),
    ("mcp-audit-pin-check", "The same, and every server must have a pin in the lockfile that fits.", " --pin-check"),
)


def hooks_file(_: str) -> str:
    """The hooks; they run for every file that a scan reads and, where only a neighbour decides, for some more."""
    globs = {path.lower() for row in ROWS for path in row.paths} | {LOCKFILE, *POLICY_FILES}
    names = "\n".join(f"      {'| ' if number else '  '}{expression(glob)}" for number, glob in enumerate(sorted(globs)))
    hooks = [HOOK.format(id=name, about=about, more=more, names=names) for name, about, more in HOOKS]
    return "# Made by scripts/generate.py from the client table; do not edit.\n" + "\n".join(hooks)


def expression(glob: str) -> str:
    """A glob of the client table as a regular expression: `**/` is any number of folders, `*` stays inside one name."""
    return re.escape(glob).replace(r"\-", "-").replace(r"\*\*/", "(?:[^/]+/)*").replace(r"\*", "[^/]*")


def rules_page(_: str) -> str:
    """docs/rules.md."""
    return pages.listing("markdown")


CLIENTS = """\
# Clients

Made by `scripts/generate.py` from the table in `mcp_audit_gate/sources/clients.py`; do not edit.

Every file below is found wherever it lies in the tree, dot-folders included, whatever the case of its name. The name is what
`--client` takes; clients that read the same file are in brackets. Servers are looked for at every place given, so a map that one
client ignores hides nothing from another. Folders named `.git`, `node_modules`, `.venv`, `venv`, `__pycache__`, `.tox` and `.nox`
are not entered.

* ¹ The name alone says nothing: the file counts as a config only when it holds a server or a setting, and one that does not parse
  is passed over.
* ² Counts only beside the file named.

| client | what it is | files | syntax | servers at | switched off by |
| --- | --- | --- | --- | --- | --- |
{files}

## Settings

Approvals and client settings that a repository can commit. They are read from the files above and judged like servers.

| client | files | settings |
| --- | --- | --- |
{settings}

## In the home folder

Read with `--user` alone; `--client` takes these names, too. `<config>` is `$XDG_CONFIG_HOME` or `~/.config`; `<appdata>` the same on Linux,
`~/Library/Application Support` on macOS, `%APPDATA%` on Windows; a path that begins with a variable counts when the variable is set.

| client | files | servers at |
| --- | --- | --- |
{homes}

## Sources

Where the formats were read, with the commit of November 2026. What is not listed is known from tools that write the files, or
from files in public repositories.

| client | source |
| --- | --- |
{sources}
"""


def clients_page(_: str) -> str:
    """docs/clients.md."""
    return CLIENTS.format(
        files="\n".join(map(client_line, ROWS)),
        settings="\n".join(line(name(row), code(row.paths), code(row.settings)) for row in ROWS if row.settings),
        homes="\n".join(line(f"`{row.client}`", code(row.paths), code(row.shapes)) for row in HOMES),
        sources="\n".join(line(f"`{client}`", source) for client, source in sorted(SOURCES.items())),
    )


def client_line(row: Row) -> str:
    """A row of the table as a row of the page."""
    files = code(row.paths) + (" ¹" if row.free else "") + (f" ² `{row.beside}`" if row.beside else "")
    return line(name(row), row.title, files, row.syntax, code(row.shapes), code(row.off))


def name(row: Row) -> str:
    """A client's name, and those of the others that read the same file."""
    return f"`{row.client}`" + (f" ({code(row.also)})" if row.also else "")


def code(words: tuple[str, ...]) -> str:
    """Words as code, or a dash."""
    return ", ".join(f"`{word}`" for word in words) or "–"


def line(*cells: str) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def readme(current: str) -> str:
    """README.md with the parts between its markers made anew."""
    families: dict[str, list[str]] = {}
    for rule in gate.RULES:
        families.setdefault(rule.info.family, []).append(f"[`{rule.info.id}`](docs/rules.md#{rule.info.id})")
    listing = "\n".join(("| family | rules |", "| --- | --- |", *(line(family, " ".join(sorted(ids))) for family, ids in sorted(families.items()))))
    current = between(current, "workflow", f"```yaml\n{workflow()}```")
    return between(between(current, "rules", listing), "example", f"```text\n{example()}```")


def workflow(_: str = "") -> str:
    """The workflow that `mcp-audit init --github` writes."""
    return (ROOT / "mcp_audit_gate" / "data" / "starter" / "workflow.yml").read_text("utf-8")


def ci_page(current: str) -> str:
    """docs/ci.md with the workflow, and the inputs and outputs of the action, between their markers."""
    import yaml

    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    inputs = [
        line(f"`{name}`", f"`{about['default']}`" if about["default"] else "–", about["description"].strip())
        for name, about in action["inputs"].items()
    ]
    outputs = [line(f"`{name}`", about["description"].strip()) for name, about in action["outputs"].items()]
    tables = "\n".join(("| input | default | meaning |", "| --- | --- | --- |", *inputs, "", "| output | meaning |", "| --- | --- |", *outputs))
    return between(between(current, "workflow", f"```yaml\n{workflow()}```"), "action", tables)


def between(text: str, mark: str, content: str) -> str:
    """The text with what stands between `<!-- mark -->` and `<!-- /mark -->` replaced."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    if not 0 <= text.find(start) < text.find(end):
        raise SystemExit(f"there is no part between {start} and {end}")
    return f"{text[: text.index(start)]}{start}\n{content}\n{text[text.index(end) :]}"


def example() -> str:
    """What the README's command prints, run on a copy that stands in a git repository of its own. Exits when it does not answer 1.

    It runs as on the day of the advisories: later a report may say how old they are.
    """
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples", Path(folder, "examples"))
        Path(folder, ".git").mkdir()
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", "NO_COLOR": "1"}
        command = [sys.executable, "-B", "-m", "mcp_audit_gate", *EXAMPLE, "--now", advisories.collected()]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
    if done.returncode != 1:
        raise SystemExit(f"mcp-audit {' '.join(EXAMPLE)}: exit code {done.returncode}, expected 1\n{done.stderr}")
    return done.stdout


def grammar_file(_: str) -> str:
    """mcp_audit_gate/data/grammar.txt."""
    return "Made by scripts/generate.py from signals.json; do not edit.\n\n" + inflected.made()


MADE: dict[str, Callable[[str], str]] = {
    "mcp_audit_gate/data/grammar.txt": grammar_file,
    ".pre-commit-hooks.yaml": hooks_file,
    "README.md": readme,
    "docs/ci.md": ci_page,
    "docs/clients.md": clients_page,
    "docs/images/terminal.svg": lambda _: screenshots.terminal(),
    "docs/rules.md": rules_page,
    "examples/ci/github-pull-request.yml": workflow,
}


def main(arguments: list[str]) -> int:
    """Writes or, with --check, compares; 1 when something is not current."""
    if set(arguments) - {"--check"}:
        raise SystemExit((__doc__ or "").split("\n\n")[1].strip())
    stale = 0
    for path, make in MADE.items():
        file = ROOT / path
        current = file.read_text("utf-8") if file.exists() else ""
        wanted = make(current)
        if wanted == current:
            continue
        if "--check" in arguments:
            stale = 1
            print(f"{path} is not current; run python scripts/generate.py")
            print("\n".join(list(difflib.unified_diff(current.split("\n"), wanted.split("\n"), "committed", "made now", lineterm="", n=1))[:20]))
        else:
            file.write_bytes(wanted.encode("utf-8"))
            print(f"wrote {path}")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
