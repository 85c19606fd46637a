"""The connector that the gate is given: matches of entries and pins in, what each server showed out. Starts nothing without consent."""

from __future__ import annotations

from mcp_audit_gate.live.compare import repeats_secret, unstable
from mcp_audit_gate.lock.lockfile import LISTS, observed, subject
from mcp_audit_gate.lock.match import key
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import NotAssessed, Note, Observed, Surface
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_audit_gate.live.connect import Progress
    from mcp_audit_gate.live.consent import Consent
    from mcp_audit_gate.live.observation import Observation, Options
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Entry, Json

# Which rule reports what a server did besides being listed; what is not here is worth no line.
_KINDS = {
    "duplicate-key": "duplicate-key",
    "duplicate-name": "live-incomplete",
    "two-answers": "live-incomplete",
    "asked": "unexpected-message",
    "stray-answer": "unexpected-message",
}
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
                targets = [made if uses_files(server.item) else made._replace(cwd=folder) for server, made in zip(servers, targets)]
            seen = observe(targets, self.options._replace(plain=again), self.progress(servers) if self.progress else None)
        passed = tuple(filter(None, map(self.options.environ.get, self.options.pass_env)))
        return [_observed(server, one, (*made.secrets, *passed)) for server, one, made in zip(servers, seen, targets)]


def distinct(matches: Sequence[Match]) -> list[Server]:
    """The servers of the entries that a client would start, each launch once."""
    found: dict[tuple[str, str], list[Match]] = {}
    for item in matches:
        if not item.entry.disabled and not item.entry.sample:
            found.setdefault(key(item.entry.name, item.launch), []).append(item)
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
    pin = None if one.surface is None else observed(name, launch, one.surface)
    partial = None if one.partial is None or repeats_secret(one.partial, secrets) else observed(name, launch, one.partial)
    return Observed(server.entries, pin, partial, gaps, notes)


def steadied(server: Server, first: Observed, second: Observed | None) -> Observed:
    """What a server showed, told which parts two starts show differently; those keep their old record where there is one.

    Otherwise they would be written anew, or told as changes, for ever.
    """
    if first.pin is None or second is None or second.pin is None:
        return first
    wavering = frozenset(unstable(first.pin.surface, second.pin.surface))
    notes = (Note("unstable-metadata", part, f"shows {visible(part, 80)} differently at every start") for part in sorted(wavering))
    old = server.item.pin
    pin = (
        first.pin
        if old is None or not wavering
        else observed(first.pin.name, dict(first.pin.launch), _kept(first.pin.surface, old.surface, wavering))
    )
    return first._replace(pin=pin, notes=(*first.notes, *notes))


def _kept(surface: Surface, old: Surface, wavering: frozenset[str]) -> Surface:
    """The surface with the old record of each part that wavers, where the old one has it."""
    lists: dict[str, tuple[dict[str, Json], ...]] = {}
    for member, field, _ in LISTS:
        known = {subject(member, item): item for item in getattr(old, field)}
        lists[field] = tuple(
            known.get(subject(member, item), item) if subject(member, item) in wavering else item for item in getattr(surface, field)
        )
    instructions = old.instructions if "instructions" in wavering else surface.instructions
    info = old.server_info if "serverInfo" in wavering else surface.server_info
    protocol = old.protocol_version if "protocolVersion" in wavering else surface.protocol_version
    return Surface(instructions, **lists, server_info=info, protocol_version=protocol)
