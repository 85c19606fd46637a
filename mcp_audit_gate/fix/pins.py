"""The lockfile after a fix: the record of a server whose launch is written anew moves along with it, as far as it was in order."""

from __future__ import annotations

from mcp_audit_gate.lock.canonical import digest
from mcp_audit_gate.lock.lockfile import write
from mcp_audit_gate.lock.match import files_of, key
from mcp_audit_gate.lock.update import unix
from mcp_audit_gate.lock.written import written_launch
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.model import Entry, Json, Pin


class Move(NamedTuple):
    """A record, and the entry that it is to fit. versioned: the entry now names the version that `resolved` stood for."""

    pin: Pin
    entry: Entry
    versioned: bool

    @property
    def after(self) -> Pin:
        """The record for the entry's launch; what it knows of files and of the surface stays."""
        files = files_of(self.pin.launch)
        launch: dict[str, Json] = {**written_launch(self.entry), **({"files": files} if files else {})}
        resolved = None if self.versioned else self.pin.resolved
        return self.pin._replace(launch=launch, launch_digest=digest(launch), resolved=resolved)


def is_in_order(lock: Lock) -> bool:
    """True when the lockfile is what `pin` would write, so that writing it anew changes nothing else."""
    return all(lock.sound) and write(lock.pins) == unix(lock.document.data)


def moved(pins: Iterable[Pin], moves: Iterable[Move], entries: Iterable[Entry]) -> tuple[Pin, ...]:
    """The records after the moves. One that other entries still have stays, too; entries: all of the tree, as they are then."""
    used = {key(entry.name, written_launch(entry)) for entry in entries if entry.kind == "server"}
    moves = tuple(moves)
    left = {key(move.pin.name, move.pin.launch) for move in moves} - used
    kept = {own: pin for pin in pins if (own := key(pin.name, pin.launch)) not in left}
    for move in moves:
        kept.setdefault(key(move.after.name, move.after.launch), move.after)
    return tuple(kept.values())
