"""What a run is measured against: the trusted revision and the tree that is judged in, a Comparison of both with where the change began out."""

from __future__ import annotations

import os

from mcp_audit_gate.errors import LockError, PolicyError, Unreadable
from mcp_audit_gate.model import Place
from mcp_audit_gate.policy import compared, load
from mcp_audit_gate.policy.compared import Comparison, Side
from mcp_audit_gate.reading import read
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.clients import LOCKFILE, POLICY_FILES
from mcp_audit_gate.sources.discover import relative
from mcp_audit_gate.sources.match import Folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Drift, Entry, Pin, Pointer
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.reading import Reading, Tree


class Trusted(NamedTuple):
    """The revision that is trusted.

    ref: as it was named. tree: its files. base: those where the change began. policy_path: the file of the repository that an option
    names as the policy, None for the usual places. own_policy: an option names a preset, or a file elsewhere: the repository's
    policies do not count. lock_path: where the lockfile lies. own_lock: the one that an option names and that lies elsewhere.
    differing: the files that are not the same in HEAD, or on the disk, and here.
    """

    ref: str
    tree: Tree
    base: Tree
    policy_path: str | None = None
    own_policy: bool = False
    lock_path: str = LOCKFILE
    own_lock: Lock | None = None
    differing: frozenset[str] = frozenset()


def altered(trusted: Trusted) -> str:
    """The first file that HEAD or the disk has not as the trusted revision and that is no config, lockfile or policy; "" when there is none."""
    governed = {trusted.lock_path, trusted.policy_path, *POLICY_FILES}
    return next((path for path in sorted(trusted.differing - governed) if not _is_config(path)), "")


def _is_config(path: str) -> bool:
    *folders, name = path.split("/")
    return bool(Folder(tuple(folders)).patterns(name))


def policy_of(files: Tree, trusted: Trusted, today: date) -> Policy:
    """The policy that a tree has; the preset `default` when it has none. Raises PolicyError."""
    if trusted.own_policy:
        return load.built_in()
    if trusted.policy_path is None:
        return load.found(files, today)
    return load.load(files, trusted.policy_path, today) if has(files, trusted.policy_path) else load.built_in()


def lock_of(files: Tree, trusted: Trusted) -> Lock | None:
    """The lockfile that a tree has. Raises LockError."""
    if trusted.own_lock is not None or not has(files, trusted.lock_path):
        return trusted.own_lock
    from mcp_audit_gate.lock import lockfile

    return lockfile.found(files, trusted.lock_path)


def has(files: Tree, path: str) -> bool:
    """True when a file of that path lies in a tree."""
    folder, _, name = path.rpartition("/")
    try:
        return name in files.names(folder)
    except Unreadable:
        return False


def compare(tree: Tree, reading: Reading | None, asked: Asked, policy: Policy, trusted: Trusted, today: date) -> Comparison:
    """Everything that rules about a change look at. reading: the tree's own, when it is that of the whole tree. asked: as Comparison has it.

    Raises PolicyError or LockError when the change leaves a policy or a lockfile that cannot be read.
    """
    whole = reading or read(tree, (tree.root,), frozenset(), policy)
    after = _side(tree, whole, policy_of(tree, trusted, today), trusted)
    before = _before(policy, trusted, today)
    # REV itself is asked for files, pins and waivers; what its configs say matters only when the change began there.
    rev = Side(trusted.tree, before.reading, policy, lock_of(trusted.tree, trusted))
    return Comparison(trusted.ref, before, after, rev, asked, trusted.lock_path)


def _before(policy: Policy, trusted: Trusted, today: date) -> Side:
    """The tree where the change began. What cannot be read of it is as it is in the trusted revision."""
    reading = read(trusted.base, (trusted.base.root,), frozenset(), policy)
    try:
        was = policy_of(trusted.base, trusted, today)
    except PolicyError:
        was = policy_of(trusted.tree, trusted, today)
    try:
        return _side(trusted.base, reading, was, trusted)
    except LockError:
        return Side(trusted.base, reading, was, lock_of(trusted.tree, trusted))


def _side(files: Tree, reading: Reading, policy: Policy, trusted: Trusted) -> Side:
    return Side(files, reading, policy, lock_of(files, trusted))


class Asked:
    """True for the paths that a run is about: below the folders it was given, and of the clients it was asked for."""

    def __init__(self, root: str, paths: Iterable[str], clients: frozenset[str]) -> None:
        self._folders = tuple(relative(root, os.path.realpath(path)) for path in paths)
        self._clients = clients

    def __call__(self, path: str, client: str | None = None) -> bool:
        """Whether a config of that path and client belongs to the run."""
        known = not self._clients or client is None or client in self._clients
        return known and any(not folder or path == folder or path.startswith(f"{folder}/") for folder in self._folders)


def pins(comparison: Comparison, matches: Sequence[Match], whole: bool) -> Iterator[Drift]:
    """What the change does to the lockfile, against the pins of the trusted revision. whole: the run is about the whole tree.

    Only servers that the change touched: what others pinned since it began is theirs. What the configs say better is left out.
    """
    before, after, trusted = (side.lock.pins if side.lock else () for side in (comparison.before, comparison.after, comparison.trusted))
    touched = _touched(before, after)
    if comparison.after.lock is None or not touched:
        return
    from mcp_audit_gate.lock.drift import paired_changes
    from mcp_audit_gate.lock.judge import Known

    served: dict[Pointer, list[Entry]] = {}
    for item in matches:
        if item.pin is not None:
            served.setdefault(item.pin.pointer, []).append(item.entry)
    names = {item.entry.name for item in matches}
    told = {(rule.info.id, hit.server) for rule, hit in compared.servers(comparison)}
    said = {server for rule, server in told if rule != "server-added"}
    for found in paired_changes(trusted, after, Known((*trusted, *after))):
        kind, server = found.change.kind, found.change.server
        known = ("server-added", server) in told if kind == "server-added" else kind == "launch-changed" and server in said
        if server in touched and not known and (whole or server in names):
            # The older lockfile is not in the tree that is judged, so no line of it can be named.
            old = found.old and found.old._replace(document=None)
            entries = tuple(served.get(found.new.pointer, ())) if found.new else ()
            yield found._replace(old=old, entries=entries, place=None if found.new else Place(comparison.after.lock.document, ("servers",), key=True))


def unpinned_scripts(comparison: Comparison, matches: Sequence[Match], tree: Tree) -> Iterator[Drift]:
    """What the change does to scripts of the repository that servers run and no pin holds."""
    from mcp_audit_gate.lock.compared import scripts
    from mcp_audit_gate.lock.match import match

    bare = (item.entry for item in matches if item.pin is None)
    now = [item for item in match(bare, None, tree, tree.root, look=True) if item.ran.files]
    if now:
        names, before = {item.entry.name for item in now}, comparison.before
        entries = (entry for entry in before.context.entries if entry.name in names)
        yield from scripts(now, match(entries, None, before.files, before.files.root, look=True))


def _touched(before: Iterable[Pin], after: Iterable[Pin]) -> frozenset[str]:
    """The names whose records are not the same on both sides."""
    one, other = ({(pin.name, pin.launch_digest, pin.digest, pin.resolved, pin.surface.protocol_version) for pin in pins} for pins in (before, after))
    return frozenset(name for name, *_ in one ^ other)


def unreviewed(matches: Iterable[Match]) -> frozenset[str]:
    """The names of the servers of which some launch is not pinned. matches: with the pins of the trusted revision."""
    return frozenset(item.entry.name for item in matches if not item.is_pinned)
