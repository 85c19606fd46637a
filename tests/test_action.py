"""The action's steps, run on this machine: its verdict, what it uploads and when, and inputs that try to be more than data."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from composite import Run, Runner, Step

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
GOOD = {".mcp.json": json.dumps({"mcpServers": {"docs": {"type": "http", "url": "https://mcp.example.com/mcp"}}})}
BAD = {".mcp.json": json.dumps({"mcpServers": {"docs": {"type": "http", "url": "http://mcp.acme-tools.com/mcp"}}})}
BROKEN = {".mcp.json": '{"mcpServers": {'}
COMMAND = re.compile(r"^[ \t]*::([a-z-]+)(?: (.*?))?::(.*)$", re.MULTILINE)

pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("bash") or not shutil.which("git"), reason="needs bash and git")

Event = Mapping[str, Any]


def git(folder: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    names = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *names, *words], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, files: Mapping[str, str], message: str) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def push(base: str, head: str) -> Event:
    return {"event_name": "push", "ref": "refs/heads/main", "event": {"repository": {"default_branch": "main"}}}


def branch_push(base: str, head: str) -> Event:
    return {**push(base, head), "ref": "refs/heads/change"}


def pull_request(base: str, head: str, repository: str | None = "o/r", name: str = "pull_request", author: str = "someone") -> Event:
    repo = None if repository is None else {"full_name": repository}
    about = {"base": {"sha": base}, "head": {"sha": head, "repo": repo}, "user": {"login": author}}
    return {"event_name": name, "ref": "refs/pull/7/merge", "event": {"pull_request": about, "repository": {"default_branch": "main"}}}


def fork(base: str, head: str) -> Event:
    return pull_request(base, head, "stranger/r")


def deleted_fork(base: str, head: str) -> Event:
    return pull_request(base, head, None)


def target(base: str, head: str) -> Event:
    return pull_request(base, head, name="pull_request_target")


def merge_group(base: str, head: str) -> Event:
    return {"event_name": "merge_group", "event": {"merge_group": {"base_sha": base}, "repository": {"default_branch": "main"}}}


def dependabot(base: str, head: str) -> Event:
    return {**pull_request(base, head), "actor": "dependabot[bot]"}


def dependabot_again(base: str, head: str) -> Event:
    return {**pull_request(base, head), "triggering_actor": "dependabot[bot]"}


def schedule(base: str, head: str) -> Event:
    return {"event_name": "schedule", "ref": "refs/heads/main", "event": {}}


class Place:
    """A repository whose base is `main` and whose change is checked out, and runs of the action in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.runs = folder, folder / "checkout", 0
        self.root.mkdir()
        git(self.root, "init", "-q", "-b", "main")

    def act(
        self,
        files: Mapping[str, str] = GOOD,
        event: Callable[[str, str], Event] = push,
        base: Mapping[str, str] = GOOD,
        inputs: Mapping[str, str] | None = None,
        failing: tuple[str, ...] = (),
    ) -> Run:
        first = commit(self.root, base, "base")
        git(self.root, "update-ref", "refs/remotes/origin/main", first)
        head = commit(self.root, files, "change")
        return self.run(event(first, head), inputs or {}, failing)

    def run(self, event: Event, inputs: Mapping[str, str], failing: tuple[str, ...] = ()) -> Run:
        self.runs += 1
        temporary = self.folder / f"temporary-{self.runs}"
        temporary.mkdir()
        github = {"actor": "someone", "triggering_actor": "someone", **event}
        stand_ins = {"install": {"python": sys.executable}}
        return Runner(ACTION, self.root, temporary, github, self.env(temporary), stand_ins, failing).run(inputs)

    def env(self, temporary: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(temporary),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(self.root),
            "RUNNER_TEMP": str(temporary),
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def upload(run: Run) -> Step:
    return run.step("Upload to code scanning")


def commands(text: str) -> list[tuple[str, str, str]]:
    return COMMAND.findall(text)


def notices(run: Run) -> list[str]:
    return [text for kind, _, text in commands(run.log) if kind == "notice"]


def ended(run: Run) -> tuple[str, str, str]:
    return run.outcome, run.outputs["exit-code"], run.outputs["verdict"]


# --- verdicts ---------------------------------------------------------------------------------------------------------


def test_a_clean_tree_passes_and_leaves_the_checkout_as_it_was(place: Place) -> None:
    run = place.act()
    assert ended(run) == ("success", "0", "passed")
    for name in ("sarif-file", "junit-file", "json-file"):
        assert Path(run.outputs[name]).stat().st_size
    assert run.summary.startswith("# MCP audit: passed")
    assert upload(run).outcome == "success"
    assert upload(run).given["sarif_file"] == run.outputs["sarif-file"]
    assert upload(run).given["checkout_path"] == str(place.root.resolve())
    assert git(place.root, "status", "--porcelain", "--ignored") == ""


def test_a_finding_is_shown_and_uploaded_before_the_gate_fails(place: Place) -> None:
    run = place.act(BAD)
    assert ended(run) == ("failure", "1", "failed")
    assert "plain-http" in run.summary
    assert [text for kind, place_, text in commands(run.step("Annotations").output) if kind == "error" and "file=.mcp.json" in place_]
    assert upload(run).outcome == "success"
    assert [step.name for step in run.steps if step.outcome == "failure"] == ["Gate"] == [run.steps[-1].name]


def test_an_incomplete_run_fails_and_uploads_nothing(place: Place) -> None:
    run = place.act(BROKEN)
    assert ended(run) == ("failure", "4", "incomplete")
    assert upload(run).outcome == "skipped"
    assert "incomplete" in notices(run)[0]


def test_nothing_to_scan_is_its_own_answer(place: Place) -> None:
    assert ended(place.act({"a.txt": ""}, base={"b.txt": ""})) == ("failure", "3", "empty")
    assert ended(place.run(push("", ""), {"allow-empty": "true"}))[:2] == ("success", "0")


@pytest.mark.parametrize(
    "inputs", [{"policy": "no-such-file"}, {"paths": "no-such-folder"}, {"fail-on": "often"}, {"new-only": "perhaps"}, {"extra-args": "'"}]
)
def test_wrong_use_says_why_in_log_summary_and_annotation(place: Place, inputs: dict[str, str]) -> None:
    run = place.act(inputs=inputs)
    assert ended(run) == ("failure", "2", "error")
    assert run.outputs["sarif-file"] == ""
    (told,) = [text for kind, _, text in commands(run.log) if kind == "error"]
    assert any(word in told for word in ("no-such", "often", "perhaps", "quotation"))
    assert run.summary.startswith("# MCP audit: error")


def test_a_failed_upload_neither_fails_nor_hides_the_gate(place: Place) -> None:
    assert ended(place.act(failing=("upload",))) == ("success", "0", "passed")
    run = place.act(BAD, failing=("upload",))
    assert ended(run) == ("failure", "1", "failed")
    assert [kind for kind, _, _ in commands(run.step("Say that the upload failed").output)] == ["warning"]


def test_a_scan_that_leaves_no_exit_code_is_a_failure() -> None:
    command = [sys.executable, "-I", str(ROOT / ".github/action/judge.py"), "gate"]
    assert [subprocess.run(command, env={"EXIT_CODE": code}, capture_output=True, check=False).returncode for code in ("", "x", "0", "3")] == [
        5,
        5,
        0,
        3,
    ]


# --- who may upload and connect -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (fork, "fork"),
        (deleted_fork, "fork"),
        (dependabot, "Dependabot"),
        (dependabot_again, "Dependabot"),
        (merge_group, "merge queue"),
        (target, "default branch"),
    ],
)
def test_who_may_not_upload_is_judged_all_the_same(place: Place, event: Callable[[str, str], Event], why: str) -> None:
    run = place.act(BAD, event)
    assert ended(run) == ("failure", "1", "failed")
    assert upload(run).outcome == "skipped"
    (notice,) = notices(run)
    assert why in notice


def test_an_own_pull_request_uploads_unless_told_not_to(place: Place) -> None:
    assert upload(place.act(BAD, pull_request)).outcome == "success"
    run = place.act(BAD, pull_request, inputs={"upload-sarif": "false"})
    assert upload(run).outcome == "skipped"
    assert not notices(run)


@pytest.mark.parametrize("event", [fork, deleted_fork, target, merge_group, lambda base, head: {"event_name": "workflow_run"}])
def test_a11_connecting_is_refused_where_a_stranger_may_have_written_the_code(place: Place, event: Callable[[str, str], Event]) -> None:
    run = place.act(event=event, inputs={"skip-connect": "false"})
    assert ended(run) == ("failure", "2", "error")
    assert "refused" in run.log
    assert "skip-connect" in run.summary


# --- the trusted revision -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [pull_request, fork, merge_group, branch_push])
def test_the_policy_of_a_change_does_not_judge_it(place: Place, event: Callable[[str, str], Event]) -> None:
    run = place.act({**BAD, ".github/mcp-audit.yaml": "version: 1\nfail-on: never\n"}, event)
    assert ended(run) == ("failure", "1", "failed")
    assert "policy-weakened" in run.summary


@pytest.mark.parametrize("event", [push, schedule])
def test_the_default_branch_is_judged_by_its_own_policy(place: Place, event: Callable[[str, str], Event]) -> None:
    run = place.act({**BAD, ".github/mcp-audit.yaml": "version: 1\nfail-on: never\n"}, event)
    assert ended(run) == ("success", "0", "passed")


def test_a_revision_can_be_named(place: Place) -> None:
    run = place.act({**BAD, ".github/mcp-audit.yaml": "version: 1\nfail-on: never\n"}, pull_request, inputs={"trusted-ref": "HEAD"})
    assert ended(run) == ("success", "0", "passed")
    run = place.act(inputs={"trusted-ref": "no-such-revision"})
    assert ended(run) == ("failure", "2", "error")


def test_only_new_findings_block_where_that_is_asked_for(place: Place) -> None:
    assert ended(place.act(BAD, pull_request, inputs={"new-only": "true"}))[1] == "1"
    assert ended(place.act(BAD, pull_request, base=BAD, inputs={"new-only": "true"}))[1] == "0"


# --- inputs and names are data ------------------------------------------------------------------------------------------

SHELL = "\"; touch injected; $(touch injected) `touch injected` '; touch injected #"


@pytest.mark.parametrize("name", ["paths", "policy", "lock", "trusted-ref", "fail-on", "category", "extra-args", "skip-connect", "working-directory"])
def test_inputs_are_not_run(place: Place, name: str) -> None:
    values = [SHELL, "x\ntouch injected", ". && touch injected", "x\n::error::pwn", "\x1b[31m"]
    for value in (*values, *(["--output=json=injected", "-o\njson=injected"] if name != "extra-args" else [])):
        run = place.act(BAD, inputs={name: value})
        assert run.outcome == "failure"
        assert "pwn" not in {text for _, _, text in commands(run.log)}
    assert not list(place.folder.rglob("injected"))


def test_extra_options_reach_the_scan_as_words(place: Place) -> None:
    run = place.act(BAD, inputs={"extra-args": "--fail-on 'never' --min-severity=high", "category": "slice b"})
    assert ended(run) == ("success", "0", "passed")
    sarif = json.loads(Path(run.outputs["sarif-file"]).read_text("utf-8"))
    assert sarif["runs"][0]["automationDetails"]["id"] == "slice b/"
    assert upload(run).given["category"] == "slice b"


def test_names_in_the_tree_give_no_commands_and_no_outputs(place: Place) -> None:
    server = "x\n::set-output name=exit-code::0\nexit-code=0\n##[error]pwn"
    tree = {"a\n::error::pwn/.mcp.json": json.dumps({"mcpServers": {server: {"type": "http", "url": "http://mcp.acme-tools.com/x"}}})}
    run = place.act(tree)
    assert ended(run) == ("failure", "1", "failed")
    assert {kind for kind, _, _ in commands(run.log)} <= {"error", "warning", "notice"}
    assert not [text for _, _, text in commands(run.log) if text == "pwn"]
    assert "##[" not in run.log


def test_paths_are_lines_and_the_folder_is_chosen(place: Place) -> None:
    tree = {f"{folder}/.mcp.json": text for folder, text in (("a b", BAD[".mcp.json"]), ("c", GOOD[".mcp.json"]), ("-d", GOOD[".mcp.json"]))}
    assert ended(place.act(tree, base=tree, inputs={"paths": "c\n\n  -d\n"}))[1] == "0"
    assert ended(place.run(push("", ""), {"paths": "c\na b"}))[1] == "1"
    assert ended(place.run(push("", ""), {"working-directory": "c"}))[1] == "0"
    assert ended(place.run(push("", ""), {"working-directory": "a b"}))[1] == "1"


def test_modules_of_the_checkout_are_not_imported(place: Place) -> None:
    trap = "open('injected', 'w').close()\nraise SystemExit(0)\n"
    run = place.act({**BAD, "mcp_audit_gate.py": trap, "yaml.py": trap, "sitecustomize.py": trap, "json.py": trap, "run.py": trap})
    assert ended(run) == ("failure", "1", "failed")
    assert not (place.root / "injected").exists()


# --- the installation ---------------------------------------------------------------------------------------------------


def install(place: Place, path: str) -> tuple[int, str]:
    output = place.folder / "output"
    output.touch()
    env = {**place.env(place.folder), "PATH": path, "SKIP_CONNECT": "true", "GITHUB_OUTPUT": str(output)}
    bash = shutil.which("bash") or "bash"
    done = subprocess.run([bash, str(ROOT / ".github/action/install.sh")], env=env, cwd=place.root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def tool(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    (folder / name).chmod(0o755)


def test_a_missing_python_is_named(place: Place) -> None:
    code, out = install(place, str(place.folder / "nothing"))
    assert code == 1
    assert "::error" in out
    assert "actions/setup-python" in out


def test_an_old_python_is_passed_over(place: Place) -> None:
    tool(place.folder / "bin", "python3", "#!/bin/sh\nexit 1\n")
    code, out = install(place, str(place.folder / "bin"))
    assert (code, "no Python 3.10 or later" in out) == (1, True)


def test_a_python_without_venv_is_named(place: Place) -> None:
    folder = place.folder / "bin"
    mktemp = shutil.which("mktemp")
    tool(folder, "mktemp", f'#!/bin/sh\nexec {mktemp} "$@"\n')
    tool(folder, "python3", '#!/bin/sh\ncase "$3" in venv) exit 1;; esac\nexit 0\n')
    code, out = install(place, str(folder))
    assert (code, "cannot make a virtual environment" in out) == (1, True)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-connect.txt"])
def test_every_requirement_is_one_version_with_hashes(name: str) -> None:
    text = (ROOT / ".github/action" / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"[a-z0-9-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}", line) for line in lines)
    names = {line.split("==")[0] for line in lines}
    assert names >= {"pyyaml", "jsonschema", "sarif-om", "tomli", "hatchling"}
    assert ("mcp" in names) == (name == "requirements-connect.txt")


# --- the file -----------------------------------------------------------------------------------------------------------


def test_no_script_holds_an_expression_and_every_action_is_pinned() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert "uses" not in step or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
    assert all(isinstance(about["default"], str) for about in ACTION["inputs"].values())
    assert all(about["description"] for about in (*ACTION["inputs"].values(), *ACTION["outputs"].values()))


def test_every_input_is_used() -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    assert all(f"inputs.{name} " in text for name in ACTION["inputs"])
