"""The connector that the gate is given: matches of entries and pins in, what each server showed out. Starts nothing without consent."""

from __future__ import annotations

from mcp_audit_gate.lock.lockfile import observed
from mcp_audit_gate.lock.match import key
from mcp_audit_gate.model import NotAssessed, Note, Observed
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_audit_gate.live.connect import Progress
    from mcp_audit_gate.live.consent import Consent
    from mcp_audit_gate.live.observation import Observation, Options
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Entry

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
    """What a run may start, and how."""

    consent: Consent
    options: Options
    root: str
    progress: Callable[[Sequence[Server]], Progress] | None = None

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

    def listed(self, servers: Sequence[Server]) -> list[Observed]:
        """What these servers showed, consent given."""
        from mcp_audit_gate.live.resolve import target

        if not servers:
            return []
        from mcp_audit_gate.live.connect import observe

        targets = [target(server.item, self.root, self.options.environ) for server in servers]
        seen = observe(targets, self.options, self.progress(servers) if self.progress else None)
        return [_observed(server, one, secrets.secrets) for server, one, secrets in zip(servers, seen, targets)]


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
    from mcp_audit_gate.live.compare import repeats_secret

    name, launch = server.item.entry.name, server.item.whole_launch
    gaps = tuple(_gap(server, "server", f"{failure.step}: {failure.reason}", failure.hint) for failure in one.failures)
    notes = tuple(Note(_KINDS[note.kind], note.subject, note.message) for note in one.notes if note.kind in _KINDS)
    if one.surface is not None and repeats_secret(one.surface, secrets):
        return Observed(server.entries, None, gaps=(_gap(server, "server", _REPEATED, _REPEATED_HINT),), notes=notes)
    pin = None if one.surface is None else observed(name, launch, one.surface)
    partial = None if one.partial is None or repeats_secret(one.partial, secrets) else observed(name, launch, one.partial)
    return Observed(server.entries, pin, partial, gaps, notes)
