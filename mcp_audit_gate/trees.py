"""What the options of a scan read: paths, revisions and files in; the job out: tree, policy, trusted revision, baseline.

Git, and what starts it, is loaded only when a revision or the index is asked for.
"""

from __future__ import annotations

import os

from mcp_audit_gate.errors import Unreadable, UsageError, suggestion
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.discover import WorkingTree, find_root, relative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from datetime import date

    from mcp_audit_gate.change import Trusted
    from mcp_audit_gate.gate import Settings
    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.model import Finding
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.reading import Tree
    from mcp_audit_gate.sources.revision import Snapshot


class Job(NamedTuple):
    """What a scan judges, and how."""

    tree: WorkingTree | Snapshot
    paths: tuple[str, ...]
    settings: Settings


def job(chosen: Namespace, clients: frozenset[str], today: date) -> Job:
    """What the options of a scan ask for. Raises GateError."""
    from mcp_audit_gate import gate

    paths = tuple(chosen.paths) or (".",)
    root = find_root(paths)
    tree, rev = judged(root, chosen), trusted(root, chosen)
    named = None
    if chosen.policy is not None:
        named = policy(chosen.policy, rev.tree if rev else tree, today, "--policy ", tree if rev else None)
    whole = any(os.path.realpath(path) == tree.root for path in paths)
    own_lock = None if chosen.lock is None else _trusted_lock(chosen.lock, tree, rev) if rev else lock(chosen.lock, tree)
    settings = gate.Settings(
        today, clients, named, chosen.fail_on, chosen.allow_empty, chosen.exit_zero, chosen.ignore_waivers, whole, own_lock, chosen.pin_check
    )
    settings = settings._replace(trusted=rev, new_only=chosen.new_only, baseline=baseline(chosen, rev), shard=chosen.shard)
    return Job(tree, paths, settings)


def judged(root: str, chosen: Namespace) -> WorkingTree | Snapshot:
    """The tree to judge: the working tree, or with --staged the index. Raises UsageError."""
    if chosen.staged:
        from mcp_audit_gate.sources import revision

        return revision.staged(root)
    return WorkingTree(root)


def trusted(root: str, chosen: Namespace) -> Trusted | None:
    """The revision that --trusted-ref names, and which file of it is the policy. Raises UsageError."""
    if chosen.trusted_ref is None:
        return None
    from mcp_audit_gate.change import Trusted
    from mcp_audit_gate.policy import load
    from mcp_audit_gate.sources import revision

    tree, base = revision.trusted(root, chosen.trusted_ref)
    path = None if chosen.policy is None or chosen.policy in load.PRESETS else inside(chosen.policy, tree)
    differing = frozenset() if chosen.skip_connect else revision.differing(root, chosen.trusted_ref)
    rev = Trusted(chosen.trusted_ref, tree, base, path, own_policy=chosen.policy is not None and path is None, differing=differing)
    if chosen.lock is None:
        return rev
    lock_path = inside(chosen.lock, tree)
    return rev._replace(own_lock=lock(chosen.lock, tree)) if lock_path is None else rev._replace(lock_path=lock_path)


def lock(named: str, tree: Tree) -> Lock:
    """The lockfile that --lock names, of the tree or elsewhere. Raises UsageError when there is none, LockError when it is none."""
    from mcp_audit_gate.lock import lockfile

    path = inside(named, tree)
    if path is None:
        elsewhere = WorkingTree(os.path.dirname(os.path.abspath(named)))
        found = lockfile.found(elsewhere, os.path.basename(named))
    else:
        found = lockfile.found(tree, path)
    if found is None:
        raise _no_lock(named)
    return found._replace(path=path or relative(tree.root, os.path.abspath(named)))


def _trusted_lock(named: str, tree: Tree, rev: Trusted) -> Lock | None:
    """The lockfile that --lock names outside the repository; None for one that the revision, or at least the change, has. Raises UsageError."""
    from mcp_audit_gate.change import has

    if rev.own_lock is None and not has(rev.tree, rev.lock_path) and not has(tree, rev.lock_path):
        raise _no_lock(named)
    return rev.own_lock


def _no_lock(named: str) -> UsageError:
    from mcp_audit_gate.sources.clients import LOCKFILE

    if os.path.isdir(named):
        return UsageError(f"--lock {named}: a folder is no lockfile", f"name a file, for example {LOCKFILE}")
    return UsageError(f"--lock {named}: there is no such file", "write it with mcp-audit pin --lock, or leave the option out")


def policy(named: str | None, tree: Tree, today: date, option: str, no_say: Tree | None = None) -> Policy:
    """The policy that an option names: a preset, a file of the tree, or a file elsewhere, which then is judged by its own root; else the tree's own.

    no_say: the tree that is judged by another. A file that it alone has is no policy yet, and the preset `default` stands in for it.
    """
    from mcp_audit_gate.policy import load

    if named is None:
        return load.found(tree, today)
    if named in load.PRESETS:
        return load.preset(named, today)
    from mcp_audit_gate.change import has

    path = inside(named, tree)
    if path is not None and no_say is not None and not has(tree, path) and has(no_say, path):
        return load.built_in()
    if not os.path.lexists(named) and (path is None or not has(tree, path)):
        presets = f"presets are {' '.join(load.PRESETS)}{suggestion(named, load.PRESETS)}"
        raise UsageError(f"{option}{named}: there is no such file or preset", presets)
    if path is not None:
        return load.load(tree, path, today)
    elsewhere = WorkingTree(find_root((named,)))
    return load.load(elsewhere, relative(elsewhere.root, os.path.realpath(named)), today, relative(tree.root, os.path.realpath(named)))


def baseline(chosen: Namespace, rev: Trusted | None) -> frozenset[str]:
    """The fingerprints of the report that --baseline names; a report of the repository is read from the trusted revision. Raises GateError."""
    if chosen.baseline is None:
        if chosen.new_only and rev is None:
            raise UsageError("--new-only: there is nothing to compare with", "add --trusted-ref REV or --baseline REPORT.json")
        return frozenset()
    if not chosen.new_only:
        raise UsageError("--baseline does nothing without --new-only", "add --new-only")
    from mcp_audit_gate.policy import baseline

    path = inside(chosen.baseline, rev.tree) if rev else None
    try:
        if rev and path is not None:
            return baseline.fingerprints(chosen.baseline, rev.tree.read(path, baseline.MAX_BYTES))
        files = WorkingTree(find_root((chosen.baseline,)))
        return baseline.fingerprints(chosen.baseline, files.read(relative(files.root, os.path.realpath(chosen.baseline)), baseline.MAX_BYTES))
    except Unreadable as error:
        where = f" of {rev.ref}" if rev and path is not None else ""
        raise UsageError(
            f"--baseline {chosen.baseline}{where} cannot be read: {error.reason}", "write one with mcp-audit scan -o json=FILE"
        ) from error


def reported(named: str) -> tuple[Finding, ...]:
    """The findings of the report that --report names. Raises GateError."""
    from mcp_audit_gate.policy import baseline

    files = WorkingTree(find_root((named,)))
    try:
        data = files.read(relative(files.root, os.path.realpath(named)), baseline.MAX_BYTES)
    except Unreadable as error:
        raise UsageError(f"--report {named} cannot be read: {error.reason}", "write one with mcp-audit scan -o json=FILE") from error
    return baseline.findings(named, data)


def inside(named: str, tree: Tree) -> str | None:
    """The path of a file as seen from the root of a tree, or None for one that lies elsewhere."""
    full = os.path.abspath(named)
    folder, name = os.path.split(full)
    if not isinstance(tree, WorkingTree):
        # What is read is what git has under the name: a change could make the folder a link to other files, or out of the repository.
        above = [folder]
        while os.path.dirname(above[-1]) != above[-1]:
            above.append(os.path.dirname(above[-1]))
        root = next((one for one in reversed(above) if os.path.realpath(one) == tree.root), None)
        if root is not None:
            return relative(root, full)
    path = relative(tree.root, os.path.join(os.path.realpath(folder), name)) or "."
    return None if path.startswith("../") else path
