"""What the tools of `mcp-audit serve` answer: arguments in, plain data out, bounded in size, without secrets, nothing written.

Every path lies below the folder that the server was started in, all links followed.
"""

from __future__ import annotations

import json
import os

from mcp_audit_gate import gate
from mcp_audit_gate.errors import Unreadable, UsageError
from mcp_audit_gate.live.show import line_of
from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report import escape, words
from mcp_audit_gate.report.differences import worded
from mcp_audit_gate.report.masked import masked
from mcp_audit_gate.sources.clients import LOCKFILE, NAMED, POLICY_FILES
from mcp_audit_gate.sources.discover import MAX_CONFIG, WorkingTree, find_root, read_file, too_large
from mcp_audit_gate.sources.match import fold
from mcp_audit_gate.sources.tree import Found, Listing, pattern_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from mcp_audit_gate.gate import Connect
    from mcp_audit_gate.model import Finding, Json, Location, NotAssessed, Report, Server
    from mcp_audit_gate.report.differences import Difference, Differences

    Object = dict[str, Json]

ITEMS = 200  # of a list
MAX_BYTES = 64 * 1024
WORDS = 400


class Desk(NamedTuple):
    """What the answers need from outside.

    root: the real path of the start folder. home: the user's. today: the date, asked for each answer. explain: the page of a rule.
    compare: the changes from a revision to the working tree of a repository. connect: asks servers below a root; None when not allowed.
    """

    root: str
    home: str
    today: Callable[[], date]
    explain: Callable[[str], str]
    compare: Callable[[str, str], Differences]
    connect: Callable[[str], Connect] | None = None

    def scan(self, path: str = ".") -> Object:
        """The verdict on the configs below a path, from files alone."""
        return _verdict(self._report(path))

    def scan_live(self, path: str = ".") -> Object:
        """The same, with the pinned servers started and asked."""
        return _verdict(self._report(path, live=True))

    def list_servers(self, path: str = ".") -> Object:
        """The servers that the configs below a path declare."""
        report = self._report(path)
        return {"servers": [_server(server) for server in report.servers], "not_assessed": _gaps(report.not_assessed)}

    def findings_of_rule(self, rule: str, path: str = ".") -> Object:
        """What one rule finds below a path."""
        self.explain(rule)
        report = self._report(path)
        found = [_finding(finding) for finding in report.findings if finding.rule == rule]
        return {"rule": rule, "findings": list(found), "not_assessed": _gaps(report.not_assessed)}

    def explain_rule(self, rule: str) -> Object:
        """The page of a rule."""
        return {"rule": rule, "page": self.explain(rule)}

    def diff(self, revision: str = "HEAD", path: str = ".") -> Object:
        """What changed in the lockfile since a revision of the repository at a path."""
        root = self._root_of(self._inside(path))
        if root != self.root and not _keeps_below(self.root, root):
            raise UsageError("the .git of that repository leads out of the folder this server was started in", "start it there")
        found = self.compare(root, revision)
        changes: list[Json] = [_change(item) for item in found.items]
        return {"old": escape.name(found.old), "new": escape.name(found.new), "changes": changes}

    def check_config(self, text: str, path: str = ".mcp.json") -> Object:
        """The verdict on a config that is given as text, as if it were the file at the path; nothing is written."""
        full = self._inside(path, new=True)
        root = self._root_of(os.path.dirname(full))
        inside = os.path.relpath(full, root).replace(os.sep, "/")
        if fold(inside) in {fold(name) for name in (LOCKFILE, *POLICY_FILES)}:
            raise UsageError(f"{inside} is no config", "give the path of a client's config, such as .mcp.json")
        tree = _Overlay(root, inside, text.encode("utf-8", "surrogatepass"))
        return _verdict(masked(gate.scan(tree, (full,), gate.Settings(self.today(), whole=False))))

    def _report(self, path: str, live: bool = False) -> Report:
        full = self._inside(path)
        if full == os.path.dirname(full) or _below(full, self.home):
            raise UsageError("this folder is too wide to scan", "give the path of a project below it")
        root = self._root_of(full)
        connect = self.connect(root) if live and self.connect else None
        return masked(gate.scan(WorkingTree(root), (full,), gate.Settings(self.today(), whole=full == root), connect))

    def _root_of(self, full: str) -> str:
        """The git root above a path, but nothing above the start folder."""
        root = find_root((full,))
        return root if _below(self.root, root) else self.root

    def _inside(self, path: str, new: bool = False) -> str:
        """The real path of what a client named. Raises UsageError for one outside the start folder, and for one that is not there."""
        if not path or any(ord(char) < 32 for char in path):
            raise UsageError("that is no path", "give one below the start folder, or leave it out")
        full = os.path.realpath(os.path.join(self.root, path))
        if not _below(self.root, full):
            raise UsageError("that path lies outside the folder this server was started in", "give one below it, or leave it out")
        if not new and not os.path.exists(full):
            raise UsageError(f"no such file or folder: {escape.name(path)}", "paths are relative to the folder this server was started in")
        return full


class _Overlay(WorkingTree):
    """The working tree with one file as it is given; that file alone is judged."""

    def __init__(self, root: str, path: str, data: bytes) -> None:
        super().__init__(root)
        self._path = path
        self._data = data

    def list(self, paths: Iterable[str]) -> Listing:
        """The file."""
        pattern = pattern_of(self, self._path)
        return Listing((Found(self._path, pattern.row if pattern else NAMED, True),), ())

    def read(self, path: str, limit: int = MAX_CONFIG) -> bytes:
        """The bytes given, or those of another file. Raises Unreadable."""
        if path != self._path:
            return super().read(path, limit)
        if len(self._data) > limit:
            raise too_large(limit)
        return self._data


def _below(root: str, path: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _keeps_below(start: str, root: str) -> bool:
    """True for a repository whose history lies below the start folder: its git folder, what it shares with a worktree, and all links in them."""
    folder = os.path.realpath(os.path.join(root, ".git"))
    if os.path.isfile(folder):
        folder = _named(root, folder, "gitdir: ")
    for place in (folder, _named(folder, os.path.join(folder, "commondir"))):
        if not _below(start, place) or os.path.lexists(os.path.join(place, "objects", "info", "alternates")):
            return False
        items = (os.path.join(at, name) for at, folders, names in os.walk(place) for name in (*folders, *names))
        if not all(_below(start, os.path.realpath(item)) for item in items if os.path.islink(item)):
            return False
    return True


def _named(folder: str, file: str, mark: str = "") -> str:
    """The real path that a file of git names, as git reads it; the folder when there is no such file, "" for one that cannot be read."""
    if not os.path.lexists(file):
        return folder
    try:
        text = read_file(os.path.realpath(file), 4096).decode("utf-8", "surrogateescape")
        return os.path.realpath(os.path.join(folder, text.removeprefix(mark).rstrip("\r\n")))
    except (Unreadable, ValueError):
        return ""


def _verdict(report: Report) -> Object:
    counts: Object = dict(words.tally(report.findings))
    return {
        "result": report.verdict.result,
        "reasons": [escape.message(reason) for reason in report.verdict.reasons],
        "counts": counts,
        "servers": len(report.servers),
        "files": len(report.inputs),
        "policy": escape.name(report.mode.policy),
        "findings": [_finding(finding) for finding in report.findings],
        "not_assessed": _gaps(report.not_assessed),
    }


def _finding(finding: Finding) -> Object:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "status": finding.status,
        "server": None if finding.server is None else escape.name(finding.server),
        "subject": escape.name(finding.subject),
        **_place(finding.location),
        "message": escape.message(words.message(finding), WORDS),
        "fix": escape.message(finding.remediation, WORDS),
        "fingerprint": finding.fingerprint,
    }


def _place(location: Location) -> Object:
    return {"path": escape.name(location.path), "line": location.start_line, "column": location.start_column}


def _gaps(gaps: Iterable[NotAssessed]) -> list[Json]:
    return [
        {
            "what": gap.what,
            "path": None if gap.path is None else escape.name(gap.path),
            "server": None if gap.server is None else escape.name(gap.server),
            "reason": escape.message(gap.reason, WORDS),
            "hint": escape.message(gap.hint or "", WORDS),
        }
        for gap in gaps
    ]


def _server(server: Server) -> Object:
    capabilities: list[Json] = list(words.capabilities(server))
    return {
        "name": escape.name(server.entry.name),
        "client": server.entry.client,
        **_place(server.location),
        "transport": server.entry.launch.transport,
        "launch": line_of(server.launch),
        "pinned": server.pinned,
        "disabled": server.entry.disabled,
        "capabilities": capabilities,
        "risk": server.risk.score,
    }


def _change(item: Difference) -> Object:
    change = item.change
    return {
        "class": change.kind,
        "severity": item.severity,
        "server": escape.name(masked_name(change.server)),
        "subject": escape.name(masked_name(change.subject)),
        **_place(item.location),
        "message": escape.message(masked_name(item.message), WORDS),
        "words": escape.message(masked_name(worded(change)), WORDS),
    }


def fitted(data: Object) -> Object:
    """The data with its lists cut until it fits the limits; `omitted` says how many items were left out."""
    lists = {key: value for key, value in data.items() if isinstance(value, list)}
    kept = {key: min(len(value), ITEMS) for key, value in lists.items()}
    while True:
        shown: Object = {**data, **{key: value[: kept[key]] for key, value in lists.items()}}
        longest = max(kept, key=lambda key: kept[key], default="")
        if not longest or kept[longest] == 0 or len(json.dumps(shown).encode()) <= MAX_BYTES:
            return {**shown, "omitted": sum(len(value) - kept[key] for key, value in lists.items())}
        kept[longest] //= 2
