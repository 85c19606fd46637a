"""The action's scan: inputs and event from the environment in; one scan, its reports, step outputs and what the log says out.

Ends with 0 whatever the verdict: the action's last step, the gate, ends with the recorded exit code.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mcp_audit_gate.errors import INTERNAL, USAGE
from mcp_audit_gate.report import escape
from mcp_audit_gate.report.describe import fenced
from mcp_audit_gate.sources.discover import find_root

REPORTS = {"json": "json", "sarif": "sarif", "junit": "xml", "github": "txt", "markdown": "md"}
ANNOUNCED = ("sarif", "junit", "json")
COMPLETE = (0, 1, 3)
CONNECTING = ("push", "schedule", "workflow_dispatch")
MEANING = {
    0: "passed",
    1: "the policy says no; the findings are above, in the summary and in the files that are named as outputs",
    2: "wrong use or an invalid policy: nothing was judged",
    3: "no MCP config found; where that is expected, set allow-empty to true",
    4: "incomplete: something could not be checked; the summary names it",
    5: "internal error",
}


class Refused(Exception):  # noqa: N818 - the run ends here, with exit code 2
    """What is asked for cannot be done, or must not be."""


class Done(NamedTuple):
    """How the scan ended, the word for it, and what went to standard error."""

    code: int
    verdict: str
    said: str = ""


def main(env: Mapping[str, str]) -> int:
    """Runs the scan and records everything that later steps need."""
    folder = Path(tempfile.mkdtemp(prefix="mcp-audit-", dir=env["RUNNER_TEMP"]))
    try:
        paths = given_paths(env)
        done = scan([*arguments(env), *(f"--output={name}={folder / file_name(name)}" for name in REPORTS), *paths], folder)
    except Refused as error:
        paths, done = [], Done(USAGE, "error", f"mcp-audit: {error}")
    tell(done, folder)
    why_not = no_upload(env, done.code, (folder / file_name("sarif")).is_file())
    if why_not and flag(env, "UPLOAD_SARIF", asked=False):
        print(f"::notice title=mcp-audit::The SARIF file is not uploaded: {escape.command_data(why_not)}.")
    outputs = {"exit-code": str(done.code), "verdict": done.verdict, "upload": str(not why_not).lower(), "folder": str(folder)}
    outputs["root"] = find_root(tuple(paths) or (".",))
    outputs |= {f"{name}-file": str(folder / file_name(name)) for name in ANNOUNCED if (folder / file_name(name)).is_file()}
    record(env, outputs)
    return 0


def file_name(form: str) -> str:
    """What a report is called."""
    return f"mcp-audit.{REPORTS[form]}"


def given_paths(env: Mapping[str, str]) -> list[str]:
    """The input `paths`, one a line; one that begins with a dash is still a path."""
    lines = [line.strip() for line in env["INPUT_PATHS"].splitlines() if line.strip()]
    return [f"./{line}" if line.startswith("-") else line for line in lines]


def arguments(env: Mapping[str, str]) -> list[str]:
    """The options of the scan. Raises Refused."""
    words = ["scan", "--color=always", "--output=text"]
    if flag(env, "SKIP_CONNECT"):
        words.append("--skip-connect")
    else:
        may_connect(env)
    words += [f"--{name}" for name in ("new-only", "allow-empty") if flag(env, key(name))]
    words.append(f"--trusted-ref={trusted_ref(env)}")
    words += [f"--{name}={env[f'INPUT_{key(name)}']}" for name in ("policy", "lock", "fail-on", "category") if env[f"INPUT_{key(name)}"]]
    try:
        return [*words, *shlex.split(env["INPUT_EXTRA_ARGS"])]
    except ValueError as error:
        raise Refused(f"the input extra-args cannot be read: {error}") from error


def key(name: str) -> str:
    """An input's name in the environment."""
    return name.upper().replace("-", "_")


def flag(env: Mapping[str, str], name: str, asked: bool = True) -> bool:
    """A switch, written true or false; with `asked` False anything else counts as off. Raises Refused."""
    value = env[f"INPUT_{name}"].strip().lower()
    if value not in ("true", "false") and asked:
        raise Refused(f"the input {name.lower().replace('_', '-')} must be true or false, not {value!r}")
    return value == "true"


def own_branch(env: Mapping[str, str]) -> bool:
    """True when a pull request comes from a branch of the repository itself; a fork that was deleted has no name."""
    return bool(env["HEAD_REPOSITORY"]) and env["HEAD_REPOSITORY"].lower() == env["GITHUB_REPOSITORY"].lower()


def may_connect(env: Mapping[str, str]) -> None:
    """Servers are started only where the code that describes them is the repository's own. Raises Refused."""
    event = env["EVENT"]
    if event in CONNECTING or (event == "pull_request" and own_branch(env)):
        return
    about = f"a {event} event" if event != "pull_request" else "a pull request from a fork"
    raise Refused(f"connecting to servers is refused for {about}, whose author may be a stranger; set skip-connect to true")


def trusted_ref(env: Mapping[str, str]) -> str:
    """The revision that policy, waivers and lockfile come from: as asked for, else the base of the change, else the default branch."""
    asked = env["INPUT_TRUSTED_REF"].strip() or env["BASE_SHA"]
    if asked:
        return asked
    branch = env["DEFAULT_BRANCH"]
    if not branch or env["EVENT"] == "schedule" or env["REF"] == f"refs/heads/{branch}":
        return "HEAD"
    return f"refs/remotes/origin/{branch}"


def no_upload(env: Mapping[str, str], code: int, written: bool) -> str:
    """Why the SARIF file must not be uploaded, or nothing."""
    event = env["EVENT"]
    if not flag(env, "UPLOAD_SARIF", asked=False):
        return "upload-sarif is not true"
    if code not in COMPLETE or not written:
        return "the run is incomplete, and a partial file would close alerts that are still open"
    if "dependabot[bot]" in (env["ACTOR"], env["TRIGGERING_ACTOR"], env["AUTHOR"]):
        return "GitHub gives runs of Dependabot no permission to upload"
    if event == "merge_group":
        return "GitHub gives merge queues no permission to upload"
    if event in ("pull_request_target", "workflow_run"):
        return f"GitHub would file what is found under the default branch on a {event} event"
    if event.startswith("pull_request") and not own_branch(env):
        return "GitHub gives pull requests from forks no permission to upload"
    return ""


def scan(words: list[str], folder: Path) -> Done:
    """Runs the scan; its text report goes to the log."""
    command = [sys.executable, "-I", "-m", "mcp_audit_gate", *words]
    sys.stdout.flush()
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    said = run.stderr.decode("utf-8", "replace")
    if run.returncode == USAGE:
        return Done(USAGE, "error", said)
    try:
        verdict = json.loads((folder / file_name("json")).read_bytes())["verdict"]
    except (OSError, ValueError, KeyError):
        return Done(run.returncode if run.returncode in (4, INTERNAL) else INTERNAL, "error", said)
    if run.returncode not in MEANING:
        return Done(INTERNAL, "error", said)
    return Done(run.returncode, verdict["result"] if run.returncode == verdict["exit_code"] else "incomplete", said)


def tell(done: Done, folder: Path) -> None:
    """Puts what the scan said into the log and, where there is no report, into the summary and an annotation."""
    lines = [line for line in done.said.splitlines() if line.strip()]
    for line in lines:
        print(escape.line(escape.terminal(line)))
    summary, annotations = folder / file_name("markdown"), folder / file_name("github")
    about = lines[-1] if lines else MEANING[done.code]
    if not summary.is_file():
        parts = (f"# MCP audit: {done.verdict}", fenced(escape.terminal(about), ""), f"Exit code {done.code}: {MEANING[done.code]}.")
        summary.write_text("\n\n".join(parts) + "\n", "utf-8")
    if not annotations.is_file() or done.code == 3:
        with annotations.open("a", encoding="utf-8", newline="\n") as file:
            file.write(f"::error title=mcp-audit::{escape.command_data(about)}\n")


def record(env: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Writes step outputs, each between delimiters that nobody can foresee."""
    with open(env["GITHUB_OUTPUT"], "a", encoding="utf-8", newline="\n") as file:
        file.writelines(_blocks(outputs))


def _blocks(outputs: Mapping[str, str]) -> Iterator[str]:
    for name, value in outputs.items():
        mark = f"mcp-audit-{secrets.token_hex(16)}"
        yield f"{name}<<{mark}\n{value}\n{mark}\n"


def gate(env: Mapping[str, str]) -> int:
    """The exit code of the scan, with what it means; a missing one is a failure."""
    code = int(env["EXIT_CODE"]) if env.get("EXIT_CODE", "").isdigit() else INTERNAL
    print(f"mcp-audit: exit code {code}, {MEANING.get(code, MEANING[INTERNAL])}")
    return code


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    sys.exit({"scan": main, "gate": gate}[sys.argv[1]](os.environ))
