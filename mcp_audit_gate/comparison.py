"""`mcp-audit diff`: two names of lockfiles or revisions in, the classified changes between them out."""

from __future__ import annotations

import os

from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.lock import lockfile
from mcp_audit_gate.lock.drift import paired_changes
from mcp_audit_gate.lock.judge import Known
from mcp_audit_gate.model import RANK, Location
from mcp_audit_gate.policy import load
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report.differences import Difference, Differences
from mcp_audit_gate.rules import changes
from mcp_audit_gate.sources.clients import LOCKFILE
from mcp_audit_gate.sources.discover import WorkingTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date

    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.model import Drift, Hit, Pin, Rule
    from mcp_audit_gate.policy.policy import Policy


class Side(NamedTuple):
    """One side of a comparison: how it is called, and its lockfile, None when it has none."""

    name: str
    lock: Lock | None

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Its pins, none when it has no lockfile."""
        return self.lock.pins if self.lock else ()


def side(named: str | None, tree: WorkingTree, path: str) -> Side:
    """The lockfile that a revision or a file has; None names the working tree. Raises UsageError, LockError.

    path: the lockfile's path below the root, for revisions and the working tree.
    """
    if named is None:
        return Side("the working tree", lockfile.found(tree, path))
    is_file = os.path.lexists(named)
    if is_file and (os.sep in named or "/" in named):
        return _file(named)
    commit = _commit(named, tree.root)
    if is_file and commit is not None:
        raise UsageError(f"{named} is both a revision and a file", f"write ./{named} for the file, or refs/heads/{named} for a branch")
    if is_file:
        return _file(named)
    if commit is None and (named.startswith(("/", "./", "../")) or named.endswith(".json")):
        raise UsageError(f"{named}: there is no such file", "name a lockfile or a revision")
    return _revision(named, tree.root, path)


def since(root: str, named: str, today: date) -> Differences:
    """The changes from a revision to the working tree of the repository at a root, by its own policy. Raises GateError."""
    tree = WorkingTree(root)
    new = Side("the working tree", lockfile.found(tree, LOCKFILE))
    return compared(_revision(named, tree.root, LOCKFILE), new, load.found(tree, today))


def _file(named: str) -> Side:
    if os.path.isdir(named):
        raise UsageError(f"{named} is a folder", "name a lockfile or a revision")
    full = os.path.realpath(named)
    lock = lockfile.found(WorkingTree(os.path.dirname(full)), os.path.basename(full))
    if lock is None:
        raise UsageError(f"{named}: there is no such file", "name a lockfile or a revision")
    return Side(named, lock._replace(path=named))


def _commit(named: str, root: str) -> str | None:
    """The commit that a name stands for, None when it stands for none."""
    from mcp_audit_gate.sources.git import Git

    try:
        return Git(root, "diff").commit(named)
    except UsageError:
        return None


def _revision(named: str, root: str, path: str) -> Side:
    from mcp_audit_gate.sources import revision
    from mcp_audit_gate.sources.git import Git

    git = Git(root, "diff")
    return Side(named, lockfile.found(revision.at(root, git, git.commit(named)), path))


def compared(old: Side, new: Side, policy: Policy) -> Differences:
    """The changes that the policy does not switch off, the gravest first. Raises UsageError when neither side has a lockfile."""
    if old.lock is None and new.lock is None:
        raise UsageError(f"neither {old.name} nor {new.name} has a lockfile", "write one with mcp-audit pin")
    found = paired_changes(old.pins, new.pins, Known((*old.pins, *new.pins)))
    told = [_difference(item, rule, hit, policy) for item in found for rule, hit in changes.hits((item,))]
    kept = [item for item in told if item.severity != "off"]
    return Differences(old.name, new.name, tuple(sorted(kept, key=lambda item: -RANK[item.severity])))


def _difference(item: Drift, rule: Rule, hit: Hit, policy: Policy) -> Difference:
    related = tuple(place.document.locate(place) for place in hit.related)
    location = hit.place if isinstance(hit.place, Location) else hit.place.document.locate(hit.place)
    return Difference(item.change, policy.severity(rule.info, item.change.server), hit.message, location, related)
