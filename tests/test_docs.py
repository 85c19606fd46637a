"""The documentation: links lead somewhere, the commands and options it names exist, its policies are valid, its examples are what they say."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from mcp_audit_gate import options
from mcp_audit_gate.policy import form, syntax

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")])
CI = sorted((ROOT / "examples" / "ci").iterdir())
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
COMMAND = re.compile(r"(?:^|`|bin/|\$ )mcp-audit(?:\"|) ([a-z]+)((?: [^`\n|·]*)?)", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """GitHub's anchors of the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for found in LINK.finditer(re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)):
        target = found[1] or found[2]
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


def known_options(command: str) -> set[str]:
    """The options of a command, from its help."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, pytest.raises(SystemExit):
        options.parse([command, "--help"])
    return set(re.findall(r"--[a-z-]+", printed.getvalue()))


@pytest.mark.parametrize("page", [*PAGES, *CI, ROOT / "action.yml"], ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    for command, words in COMMAND.findall(page.read_text("utf-8")):
        unknown = set(re.findall(r"(?<=\s)--[a-z][a-z-]+", words)) - known_options(command)
        assert not unknown, f"{page.name}: mcp-audit {command} has no {unknown}"


def test_a_misspelt_option_would_be_found() -> None:
    assert "--skip-connect" in known_options("scan")
    assert "--skip-conect" not in known_options("scan")


def test_the_policies_in_the_documentation_are_valid() -> None:
    blocks = [
        block for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL) if block.startswith("version: 1")
    ]
    assert blocks
    for block in blocks:
        form.check(syntax.read("policy.yaml", block.encode()), date(2026, 11, 22))


@pytest.mark.parametrize("file", [path for path in CI if path.suffix == ".yml"], ids=lambda path: path.name)
def test_every_ready_workflow_is_yaml_and_names_the_commit_to_fill_in(file: Path) -> None:
    text = file.read_text("utf-8")
    assert isinstance(yaml.safe_load(text), dict)
    assert "REPLACE-WITH-A-FULL-COMMIT-HASH" in text


@pytest.mark.parametrize("file", [path for path in CI if path.name.startswith("github-")], ids=lambda path: path.name)
def test_the_workflows_of_github_give_away_nothing(file: Path) -> None:
    text = file.read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in workflow[True]
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            ours = step.get("uses", "").startswith("mcp-audit-gate/")
            assert "uses" not in step or ours or re.search(r"@[0-9a-f]{40}$", step["uses"])
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False


def test_the_inputs_that_the_workflows_give_exist() -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
    for file in CI:
        if file.name.startswith("github-"):
            for job in yaml.safe_load(file.read_text("utf-8"))["jobs"].values():
                for step in job["steps"]:
                    if step.get("uses", "").startswith("mcp-audit-gate/"):
                        assert set(step["with"]) <= set(inputs)


def test_the_schemas_of_the_ready_workflows() -> None:
    def check(*words: str) -> None:
        done = subprocess.run([sys.executable, "-m", "check_jsonschema", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    check("--builtin-schema", "vendor.github-workflows", *(str(file) for file in CI if file.name.startswith("github-")))
    check("--builtin-schema", "vendor.github-actions", "action.yml")
    check("--builtin-schema", "vendor.gitlab-ci", *(str(file) for file in CI if file.name.startswith("gitlab-")))
    check("--regex-variant", "python", "--builtin-schema", "vendor.azure-pipelines", "examples/ci/azure-pipelines.yml")
