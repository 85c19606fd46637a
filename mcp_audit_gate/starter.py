"""The files that a repository starts with: what is there and what is wanted in, files to write out. Writes nothing itself."""

from __future__ import annotations

import os
import re

from mcp_audit_gate import HOME, __version__
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.policy.load import preset_text
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.clients import POLICY_FILES
from mcp_audit_gate.sources.discover import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

WORKFLOW, HOOKS = ".github/workflows/mcp-audit.yml", ".pre-commit-config.yaml"
UNKNOWN = "REPLACE-WITH-A-FULL-COMMIT-HASH"
_MOST = 256 * 1024  # where PyYAML has no C, it takes a second for 30 KB
_HEAD = b"""\
# What mcp-audit tolerates in this repository. What is left out here stays as it is in the preset `default`.
# `mcp-audit policy check` reads this file as strictly as a scan does, `mcp-audit policy show` prints what is in force.
"""
_REPOS = re.compile(r"^repos:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*?(?=([ \t]*)- )", re.M)


class Part(NamedTuple):
    """A file: its bytes, or None when it is left as it is; whether it is there already; what there is to say about it."""

    path: str
    data: bytes | None
    there: bool
    about: str


def parts(root: str, github: bool, hook: bool) -> tuple[Part, ...]:
    """The policy and, where they are asked for, the workflow and the hook. Nothing of what exists is replaced."""
    commit = installed_commit()
    wanted = [_policy(root)]
    if github:
        wanted.append(_new(root, WORKFLOW, _workflow(root, commit), "a workflow that judges pull requests and what is pushed"))
    if hook:
        wanted.append(_hook(root, commit))
    return tuple(wanted)


def next_steps(made: Iterable[Part]) -> list[str]:
    """What to do after the files are written."""
    paths = {part.path for part in made if part.data is not None}
    steps = ["see what a gate would say today: mcp-audit scan --skip-connect"]
    if paths & {WORKFLOW, HOOKS} and installed_commit() is None:
        files = " and ".join(sorted(paths & {WORKFLOW, HOOKS}))
        steps.append(f"write the full hash of the commit of mcp-audit-gate that you have looked at for {UNKNOWN} in {files}")
    if HOOKS in paths:
        steps.append("switch the hook on: pre-commit install")
    if paths:
        steps.append("commit the files")
    if WORKFLOW in paths:
        steps.append('make the check "MCP configs" required for the default branch')
    return steps


def installed_commit() -> str | None:
    """The commit that this copy was installed from, where the installer recorded one (PEP 610)."""
    import json
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        recorded = json.loads(distribution("mcp-audit-gate").read_text("direct_url.json") or "{}")
        commit = recorded.get("vcs_info", {}).get("commit_id", "")
    except (PackageNotFoundError, ValueError, AttributeError):
        return None
    return commit if isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit) else None


def _policy(root: str) -> Part:
    for path in POLICY_FILES:
        if os.path.lexists(os.path.join(root, path)):
            return Part(path, None, True, "there is a policy already")
    text = preset_text("default")
    return Part(POLICY_FILES[0], _HEAD + text[text.index(b"version: 1") :], False, "a policy that blocks at high, as the preset default does")


def _new(root: str, path: str, text: str, about: str) -> Part:
    if os.path.lexists(os.path.join(root, path)):
        return Part(path, None, True, "it is there already")
    return Part(path, text.encode(), False, about)


def _workflow(root: str, commit: str | None) -> str:
    with open(os.path.join(os.path.dirname(__file__), "data", "starter", "workflow.yml"), encoding="utf-8") as file:
        text = file.read()
    branch = _default_branch(root)
    return _pinned(text, commit).replace("branches: [main]", f"branches: [{branch}]")


def _pinned(text: str, commit: str | None) -> str:
    return text if commit is None else text.replace(UNKNOWN, f"{commit} # {__version__}")


def _default_branch(root: str) -> str:
    """The branch that the remote calls its own, as a clone records it; else master where that alone is there; main where nothing tells."""
    try:
        text = read_file(os.path.join(root, ".git", "refs", "remotes", "origin", "HEAD"), 1024).decode("ascii")
        found = re.fullmatch(r"ref: refs/remotes/origin/([A-Za-z0-9][A-Za-z0-9._/-]{0,99})\n?", text)
    except (Unreadable, ValueError):  # a pipe, too, which nobody may fill
        found = None
    if found:
        return found[1]
    has_main, has_master = (os.path.exists(os.path.join(root, ".git", "refs", "heads", name)) for name in ("main", "master"))
    return "master" if has_master and not has_main else "main"


def _hook(root: str, commit: str | None) -> Part:
    """The hook in a file of its own, or as one entry more in the one that exists, when that changes nothing else in it."""
    entry = ["repo: " + HOME, "rev: " + _pinned(UNKNOWN, commit), "hooks:", "  - id: mcp-audit"]
    file = os.path.join(root, HOOKS)
    if not os.path.lexists(file):
        return Part(HOOKS, ("repos:\n" + _item(entry, "  ")).encode(), False, "a hook that runs the gate before a commit")
    text = _plain(file)
    if text is not None and f"repo: {HOME}" in text:
        return Part(HOOKS, None, True, "the hook is in it already")
    added = None if text is None else _added(text, entry)
    if added is None:
        line = f"- {{repo: {HOME}, rev: {commit or UNKNOWN}, hooks: [{{id: mcp-audit}}]}}"
        return Part(HOOKS, None, True, f"nothing could be added for certain; add to `repos` by hand: {line}")
    return Part(HOOKS, added.encode(), True, "one entry more, a hook that runs the gate before a commit")


def _plain(file: str) -> str | None:
    """The text of a regular file of this folder, or None."""
    try:
        return None if os.path.islink(file) else read_file(file, _MOST).decode("utf-8")
    except (Unreadable, ValueError):
        return None


def _item(entry: list[str], indent: str) -> str:
    first, *others = entry
    return f"{indent}- {first}\n" + "".join(f"{indent}  {line}\n" for line in others)


def _added(text: str, entry: list[str]) -> str | None:
    """The text with the entry before the first of `repos`, or None where it cannot be put there for certain."""
    import yaml

    found = _REPOS.search(text)
    if not found:
        return None
    added = text[: found.end()] + _item(entry, found[1]) + text[found.end() :]
    try:
        before, after, new = _events(text), _events(added), _events(_item(entry, ""))
    except (yaml.YAMLError, RecursionError):
        return None
    at = _first_repository(before)
    return added if at and after == [*before[:at], *new[3:-3], *before[at:]] else None


def _events(text: str) -> list[tuple[str, ...]]:
    """What a YAML text says, in order. No value is made of it: aliases may stand for more than fits, and a date may be none."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    told = ("anchor", "tag", "implicit", "value")
    return [(type(event).__name__, *(str(getattr(event, name, "")) for name in told)) for event in yaml.parse(text, Loader=loader)]


def _first_repository(events: list[tuple[str, ...]]) -> int:
    """Where the first item of the list `repos` begins, 0 unless the document is one mapping that has one such list."""
    found, depth, nodes = [], 0, 0
    for number, (kind, *_, value) in enumerate(events):
        is_start, is_end = kind in ("MappingStartEvent", "SequenceStartEvent"), kind in ("MappingEndEvent", "SequenceEndEvent")
        if depth == 1 and not is_end:
            if nodes % 2 == 0 and value == "repos":
                found.append(number + 2)
            nodes += 1
        depth += is_start - is_end
    kinds = [kind for kind, *_ in events]
    is_one = kinds[2] == "MappingStartEvent" and kinds.count("DocumentStartEvent") == 1 and len(found) == 1
    return found[0] if is_one and kinds[found[0] - 1] == "SequenceStartEvent" else 0
