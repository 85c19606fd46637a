"""A plan onto the disk: every file as the plan found it, or none is touched; each is replaced in one step, without a copy of what was in it."""

from __future__ import annotations

import os

from mcp_audit_gate.atomic import put
from mcp_audit_gate.errors import FixError, LockError, Unreadable
from mcp_audit_gate.fix.pins import moved
from mcp_audit_gate.lock.lockfile import write
from mcp_audit_gate.lock.update import Exchanged, rewrite
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.sources.discover import MAX_CONFIG, read_file
from mcp_audit_gate.sources.match import fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.fix.plan import Plan, Rewritten
    from mcp_audit_gate.model import Pin


def save(plan: Plan, root: str) -> None:
    """Writes what the plan says. Raises FixError when a file is not as it was, lies elsewhere or cannot be written; then it was not touched."""
    targets = {_target(file, root): file for file in plan.files}
    for target, file in targets.items():
        _put(file, target)
    if plan.moves and plan.lock is not None:
        _move(plan, os.path.join(root, *plan.lock.path.split("/")))


def _target(file: Rewritten, root: str) -> str:
    """The real path of a file, which is below the root and as it was."""
    target = os.path.realpath(os.path.join(root, *file.path.split("/")))
    inside = os.path.relpath(target, root).split(os.sep)
    if inside[0] == os.pardir or ".git" in map(fold, inside) or os.path.isabs(os.path.join(*inside)):
        raise _refused(file.path, "it lies outside the repository's files")
    if not os.access(os.path.dirname(target), os.W_OK) or not os.access(target, os.W_OK):
        raise _refused(file.path, "it may not be written")
    _check(file, target)
    return target


def _check(file: Rewritten, target: str) -> None:
    try:
        data = read_file(target, MAX_CONFIG)
    except Unreadable as error:
        raise _refused(file.path, error.reason) from error
    if data != file.before.data:
        raise _refused(file.path, "it changed since it was read")


def _put(file: Rewritten, target: str) -> None:
    try:
        put(target, file.after.data, last=lambda: _check(file, target))
    except OSError as error:
        raise _refused(file.path, os.strerror(error.errno or 0)) from error


def _move(plan: Plan, file: str) -> None:
    assert plan.lock is not None
    before = write(plan.lock.pins)

    def change(pins: tuple[Pin, ...]) -> tuple[Pin, ...]:
        if write(pins) != before:
            raise _refused(plan.lock.path if plan.lock else "", "it changed since it was read")
        return moved(pins, plan.moves, plan.entries)

    try:
        rewrite(file, change)
    except (OSError, LockError, Exchanged) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "it is no lockfile any more"
        raise _refused(plan.lock.path, why) from error


def _refused(path: str, why: str) -> FixError:
    return FixError(f"{visible(path)} was not changed: {why}", "run scan --fix again, and look at what it shows")
