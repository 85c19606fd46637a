"""`--user`: the report of a scan and this user's own configs in, one report on both out. Of the latter key names are shown, never values."""

from __future__ import annotations

import os
import sys

from mcp_audit_gate import gate, rules, trees
from mcp_audit_gate.errors import LockError, UsageError
from mcp_audit_gate.lock import lockfile
from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.policy import load
from mcp_audit_gate.policy.verdict import conclude
from mcp_audit_gate.reading import in_order
from mcp_audit_gate.sources.homes import folders
from mcp_audit_gate.sources.user import UserTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from mcp_audit_gate.gate import Connect, Settings
    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.model import Entry, NotAssessed, Report
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.reading import Tree

_SHORTEST = 4  # a shorter value is a word like "1" or "on", which stands in many messages


def added(report: Report, settings: Settings, root: str, judge: Tree, connect: Callable[[str], Connect] | None) -> Report:
    """The report with this user's own configs, which the same policy judges.

    root: the folder that the report's paths are relative to. judge: the tree whose policy counts. connect: asks servers below a folder.
    """
    policy = settings.policy or load.found(judge, settings.today)
    home = tree(os.path.realpath(os.path.join(root, item.path)) for item in report.inputs)
    own = judged(home, settings._replace(policy=policy), connect(home.root) if connect else None)
    return together(report, own, settings, settings.fail_on or policy.fail_on)


def pinned(chosen: argparse.Namespace, today: date) -> tuple[UserTree, Policy]:
    """What `pin --user` pins, and the policy that says what to leave out; the folder of the lockfile is made. Raises UsageError."""
    if chosen.paths or chosen.lock:
        raise UsageError("pin --user has a lockfile of its own, so it takes neither PATH nor --lock", "pin the repository in a run of its own")
    home = tree()
    policy = load.built_in() if chosen.policy is None else trees.policy(chosen.policy, home, today, "--policy ")
    _own_lock(home)
    if home.files:
        _make_folder(os.path.dirname(home.lock_file))
    return home, policy


def _make_folder(folder: str) -> None:
    """Makes the folder of the lockfile, for its user alone. Raises UsageError."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}", "make room for it, or set XDG_STATE_HOME") from error


def _own_lock(home: UserTree) -> Lock | None:
    """The user's lockfile. Raises LockError."""
    try:
        return lockfile.found(home, home.lock)
    except LockError as error:  # no branch has another version of it
        raise LockError(error.message, "remove it, and run mcp-audit pin --user") from error


def tree(without: Iterable[str] = ()) -> UserTree:
    """The configs of the user who runs this. without: real paths that are judged already."""
    return UserTree(folders(os.environ, sys.platform), os.environ, frozenset(without))


def judged(home: UserTree, settings: Settings, connect: Connect | None) -> Report:
    """The report on the user's configs, by the policy of the run and the user's own lockfile."""
    settings = settings._replace(whole=False, trusted=None, lock=_own_lock(home))
    report = gate.scan(home, (home.root,), settings, connect)
    hidden = {value: name for server in report.servers for name, value in _values(server.entry)}
    findings = tuple(item._replace(message=_without(item.message, hidden), remediation=_own(item.remediation)) for item in report.findings)
    gaps = tuple(_missing(item, home.lock)._replace(reason=_without(item.reason, hidden)) for item in report.not_assessed)
    return report._replace(findings=findings, not_assessed=gaps, documents={})


_COMMITTED = (
    (", and commit the lockfile", ""),
    (" and commit the lockfile", ""),
    (" and commit it", ""),
    ("Take the lockfile of the trusted branch", "Remove the lockfile"),
    ("mcp-audit pin", "mcp-audit pin --user"),
)


def _missing(gap: NotAssessed, lock: str) -> NotAssessed:
    """A gap of a user's own configs: their lockfile, and the command that writes it."""
    hint = "run mcp-audit pin --user" if gap.what == "lockfile" else _own(gap.hint or "")
    return gap._replace(path=lock if gap.what == "lockfile" else gap.path, hint=hint or None)


def _own(advice: str) -> str:
    """Advice for a lockfile that is in no repository."""
    for committed, own in _COMMITTED:
        advice = advice.replace(committed, own)
    return advice


def _values(entry: Entry) -> Iterable[tuple[str, str]]:
    """Each name with what stands for its value in a message: all of it, or the host that it names."""
    for variable in (*entry.launch.env, *entry.launch.headers):
        value = variable.value or ""
        for text in (value, *(address.host for address in addresses.in_text(value))):
            if len(text) >= _SHORTEST:
                yield variable.name, text


def _without(text: str, hidden: Mapping[str, str]) -> str:
    for value in sorted(hidden, key=len, reverse=True):
        text = text.replace(value, f"<{hidden[value]}>")
    return text


def together(report: Report, own: Report, settings: Settings, fail_on: str) -> Report:
    """One report and one verdict on both."""
    inputs = tuple(sorted((*report.inputs, *own.inputs), key=lambda item: item.path))
    findings = tuple(sorted((*report.findings, *own.findings), key=rules.order))
    gaps = in_order((*report.not_assessed, *own.not_assessed))

    def concluded(one: Report) -> tuple[str, ...]:
        return conclude(
            one.findings, one.not_assessed, one.inputs, fail_on=fail_on, allow_empty=settings.allow_empty, exit_zero=settings.exit_zero
        ).reasons

    more = dict.fromkeys(reason for one in (report, own) for reason in one.verdict.reasons if reason not in concluded(one))
    verdict = conclude(findings, gaps, inputs, fail_on=fail_on, allow_empty=settings.allow_empty, exit_zero=settings.exit_zero)
    return report._replace(
        mode=report.mode._replace(lock=report.mode.lock or own.mode.lock),
        inputs=inputs,
        servers=(*report.servers, *own.servers),
        findings=findings,
        not_assessed=gaps,
        verdict=verdict._replace(reasons=(*verdict.reasons, *more)),
        changes=(*report.changes, *own.changes),
        # A folder of the repository may be called `~`; its lines are none of the user's.
        documents={path: document for path, document in report.documents.items() if not path.startswith("~/")},
    )
