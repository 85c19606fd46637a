"""The connector that the gate is given: matches of entries and pins in, what each server showed out. Starts nothing without consent."""

from __future__ import annotations

import os

from mcp_audit_gate.live.compare import repeats_secret, unstable
from mcp_audit_gate.lock.lockfile import LISTS, observed, subject
from mcp_audit_gate.lock.match import key
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import NotAssessed, Note, Observed, Surface
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.discover import relative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_audit_gate.live.connect import Progress
    from mcp_audit_gate.live.consent import Consent
    from mcp_audit_gate.live.observation import Observation, Options, Target
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Entry, Json, Pin

# Which rule reports what a server did besides being listed; what is not here is worth no line.
_KINDS = {
    "duplicate-key": "duplicate-key",
    "duplicate-name": "live-incomplete",
    "two-answers": "live-incomplete",
    "asked": "unexpected-message",
    "stray-answer": "unexpected-message",
}
# Changes that a part keeps although another start does not show them.
_GRAVE = frozenset(("instruction-introduced", "capability-gained"))
_REPEATED = "it declares a text that holds a secret it was given, so it cannot be recorded"
_REPEATED_HINT = "find out why the server shows it; a lockfile must not hold secrets"


class Server(NamedTuple):
    """The entries of one name and launch: one process, or one address, serves them all."""

    item: Match
    entries: tuple[Entry, ...]


class Connection(NamedTuple):
    """What a run may start, and how. apart: servers that need nothing of the repository start in an empty folder."""

    consent: Consent
    options: Options
    root: str
    progress: Callable[[Sequence[Server]], Progress] | None = None
    apart: bool = False

    def connect(self, matches: Sequence[Match]) -> tuple[Observed, ...]:
        """What the servers of these entries showed; one that may not be started, or could not be listed, is a gap."""
        servers = distinct(matches)
        refused = [(server, self.consent.refusal(server.item)) for server in servers]
        shown = {
            id(server): Observed(server.entries, None, gaps=(_gap(server, "launch", refusal.reason, refusal.hint),))
            for server, refusal in refused
            if refusal is not None
        }
        allowed = [server for server, refusal in refused if refusal is None]
        shown.update(zip(map(id, allowed), self.listed(allowed)))
        return tuple(shown[id(server)] for server in servers)

    def compared(self, matches: Sequence[Match]) -> tuple[Observed, ...]:
        """The same; a server that differs from its pin is listed once more, and what differs from start to start is no change."""
        servers = distinct(matches)
        shown = self.connect(matches)
        doubtful = [server for server, one in zip(servers, shown) if one.pin and server.item.pin and one.pin.digest != server.item.pin.digest]
        again = dict(zip(map(id, doubtful), self.listed(doubtful, again=True)))
        return tuple(steadied(server, one, again.get(id(server))) for server, one in zip(servers, shown))

    def listed(self, servers: Sequence[Server], again: bool = False) -> list[Observed]:
        """What these servers showed, consent given. again: a second time, and without saying that a gate asks."""
        from mcp_audit_gate.live.resolve import target

        if not servers:
            return []
        from contextlib import nullcontext
        from tempfile import TemporaryDirectory

        from mcp_audit_gate.live.connect import observe
        from mcp_audit_gate.live.consent import uses_files

        targets = [target(server.item, self.root, self.options.environ) for server in servers]
        with TemporaryDirectory() if self.apart else nullcontext() as folder:
            if folder is not None:
                targets = [made if uses_files(server.item) else self._outside(made._replace(cwd=folder)) for server, made in zip(servers, targets)]
            seen = observe(targets, self.options._replace(plain=again), self.progress(servers) if self.progress else None)
        passed = tuple(filter(None, map(self.options.environ.get, self.options.pass_env)))
        return [_observed(server, one, (*made.secrets, *passed)) for server, one, made in zip(servers, seen, targets)]

    def _outside(self, made: Target) -> Target:
        """The target; where files of the repository are not as trusted, PATH leads to none of them."""
        if not self.consent.altered:
            return made
        path = made.env.get("PATH", self.options.environ.get("PATH", ""))
        folders = (folder for folder in path.split(os.pathsep) if os.path.isabs(folder))
        kept = os.pathsep.join(folder for folder in folders if relative(os.path.realpath(self.root), os.path.realpath(folder)).split("/")[0] == "..")
        return made._replace(env={**made.env, "PATH": kept})


def distinct(matches: Sequence[Match]) -> list[Server]:
    """The servers of the entries that a client would start, each launch once."""
    found: dict[object, list[Match]] = {}
    for item in matches:
        if not item.entry.disabled and not item.entry.sample:
            # Of plugins with equal entries each runs its own script.
            found.setdefault((key(item.entry.name, item.launch), *sorted(item.ran.files)), []).append(item)
    return [Server(items[0], tuple(item.entry for item in items)) for items in found.values()]


def _gap(server: Server, what: str, reason: str, hint: str) -> NotAssessed:
    entry = server.entries[0]
    return NotAssessed(what, entry.document.path, entry.name, reason, hint or None)


def _observed(server: Server, one: Observation, secrets: Sequence[str]) -> Observed:
    name, launch = server.item.entry.name, server.item.whole_launch
    gaps = tuple(_gap(server, "server", f"{failure.step}: {failure.reason}", failure.hint) for failure in one.failures)
    notes = tuple(Note(_KINDS[note.kind], note.subject, note.message) for note in one.notes if note.kind in _KINDS)
    if one.surface is not None and repeats_secret(one.surface, secrets):
        return Observed(server.entries, None, gaps=(_gap(server, "server", _REPEATED, _REPEATED_HINT),), notes=notes)
    pin = None if one.surface is None else observed(name, launch, one.surface, one.version)
    partial = None if one.partial is None or repeats_secret(one.partial, secrets) else observed(name, launch, one.partial)
    other = None if one.other is None or repeats_secret(one.other, secrets) else observed(name, launch, one.other)
    return Observed(server.entries, pin, partial, gaps, notes, other)


def steadied(server: Server, first: Observed, second: Observed | None) -> Observed:
    """What a server showed, told which parts two starts show differently; those keep their old record where there is one.

    Otherwise they would be written anew, or told as changes, for ever. A part that in one of the starts gives the model an order, or
    can do what it could not, is taken from that start: wavering hides nothing.
    """
    if first.pin is None or second is None or second.pin is None:
        return first
    wavering = frozenset(unstable(first.pin.surface, second.pin.surface))
    if not wavering:
        return first
    old = server.item.pin
    pin = first.pin if old is None else _with(first.pin, old, wavering)
    grave: frozenset[str] = frozenset()
    for start in (first.pin, second.pin):
        found = _grave(pin, start) & wavering
        pin, grave = _with(pin, start, found), grave | found
    notes = (Note("unstable-metadata", part, _wavers(part, part in grave)) for part in sorted(wavering))
    return first._replace(pin=pin, notes=(*first.notes, *notes))


def _wavers(part: str, grave: bool) -> str:
    more = ", and once with an order to the model or a new ability, which is what counts" if grave else ""
    return f"shows {visible(part, 80)} differently at every start{more}"


def _grave(kept: Pin, start: Pin) -> frozenset[str]:
    """The parts that a start shows with something that the kept ones do not have and that must not be missed."""
    from mcp_audit_gate.lock.drift import compare
    from mcp_audit_gate.lock.judge import Known

    return frozenset(change.subject for change in compare(kept, start, Known((kept, start))) if change.kind in _GRAVE)


def _with(pin: Pin, other: Pin, parts: frozenset[str]) -> Pin:
    """The pin with these parts as the other one has them, where it has them."""
    if not parts:
        return pin
    one, two = pin.surface, other.surface
    lists: dict[str, tuple[dict[str, Json], ...]] = {}
    for member, field, _ in LISTS:
        taken = [item for item in getattr(two, field) if subject(member, item) in parts]
        named = {subject(member, item) for item in taken}
        lists[field] = (*(item for item in getattr(one, field) if subject(member, item) not in named), *taken)
    instructions = two.instructions if "instructions" in parts else one.instructions
    info = two.server_info if "serverInfo" in parts else one.server_info
    protocol = two.protocol_version if "protocolVersion" in parts else one.protocol_version
    return observed(pin.name, dict(pin.launch), Surface(instructions, **lists, server_info=info, protocol_version=protocol), pin.resolved)
