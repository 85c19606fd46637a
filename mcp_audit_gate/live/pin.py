"""`mcp-audit pin`: shows what will be started, asks, lists the servers twice, shows what changed, and writes the lockfile."""

from __future__ import annotations

from mcp_audit_gate.errors import BLOCKED, EMPTY, INCOMPLETE, PASSED, Unreadable
from mcp_audit_gate.live.attach import Connection, distinct, steadied
from mcp_audit_gate.live.show import command_line, outcome
from mcp_audit_gate.lock.drift import compare
from mcp_audit_gate.lock.judge import Known
from mcp_audit_gate.lock.lockfile import found, write
from mcp_audit_gate.lock.match import key, match
from mcp_audit_gate.lock.update import Exchanged, alone, exchange, replaced, unix
from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import RANK
from mcp_audit_gate.reading import read
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report.differences import worded
from mcp_audit_gate.rules.drift import rule_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mcp_audit_gate.live.attach import Server
    from mcp_audit_gate.live.consent import Consent
    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Observed, Pin
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.reading import Reading
    from mcp_audit_gate.sources.discover import WorkingTree


_RESTORE = "Compare it with what was committed, restore it (git checkout), and pin again"


class Request(NamedTuple):
    """What is to be pinned.

    lock: the file's path below the root; file: its path on disk. check: write nothing, say whether something would change.
    """

    tree: WorkingTree
    paths: tuple[str, ...]
    policy: Policy
    clients: frozenset[str]
    lock: str
    file: str
    connection: Connection
    check: bool = False
    prune: bool = False


class Talk(NamedTuple):
    """The person at the terminal. ask: a question to its answer; None when there is no terminal."""

    say: Callable[[str], None]
    ask: Callable[[str], bool] | None = None


PATIENCE_S = 600.0  # another run may have slow servers


def run(request: Request, talk: Talk) -> int:
    """Pins the servers below the paths; returns the exit code. Raises GateError.

    The lockfile is held from its reading to its writing: another run waits, so what changes it meanwhile is a server.
    """
    if request.check:
        return _run(request, talk)
    with alone(request.file, PATIENCE_S, lambda: talk.say("another mcp-audit pin is running here; this one waits until it is done")):
        return _run(request, talk)


def _run(request: Request, talk: Talk) -> int:
    lock = found(request.tree, request.lock)
    reading = read(request.tree, request.paths, request.clients, request.policy)
    matches = _matches(reading, lock, request.tree)
    whole = read(request.tree, (request.tree.root,), frozenset(), request.policy)
    used = {key(item.entry.name, item.launch) for item in (*matches, *_matches(whole, lock, request.tree))}
    if lock and (reading.not_assessed or whole.not_assessed):  # what could not be read may use any of them
        used |= {key(pin.name, pin.launch) for pin in lock.pins}
        if request.prune:
            talk.say("nothing is pruned, as not every config could be read: what is missing there may have a pin")
    servers = distinct(matches)
    if not servers:
        talk.say("no MCP server to pin was found")
    shown, pins = _listed(request, talk, servers)
    judge = Known([*(lock.pins if lock else ()), *(pin for pin in pins if pin is not None)])
    for server, one, pin in zip(servers, shown, pins):
        for line in (*outcome(server, one, pin), *_changes(server, pin, judge, request.policy)):
            talk.say(line)
    touched = tuple(_touched(request, reading))
    for path in touched:
        talk.say(f"{visible(path)} changed while the servers ran; nothing is pinned. Compare it with what was committed, then pin again")
    if touched:
        return INCOMPLETE
    gaps = (*reading.not_assessed, *(gap for one in shown for gap in one.gaps))
    fresh = tuple(pin for pin in pins if pin is not None)
    after = replaced(lock.pins if lock else (), fresh, used, request.prune)
    if fresh and (forged := _forged(lock, after)):
        talk.say(
            f"{visible(request.lock)}: the record of {forged} is not as pin wrote it, and would be made to look so; nothing is pinned. {_RESTORE}"
        )
        return INCOMPLETE
    try:
        changed = _write(request, lock, bool(fresh), write(after), talk)
    except Exchanged:
        talk.say(f"{visible(request.lock)} changed while the servers ran; nothing is pinned. {_RESTORE}")
        return INCOMPLETE
    except OSError as error:
        talk.say(f"cannot write {visible(request.lock)}: {error.strerror}; check that its folder exists and is writable")
        return INCOMPLETE
    for gap in reading.not_assessed:
        talk.say(f"not read: {visible(gap.path or '')}: {gap.reason}" + (f"; {gap.hint}" if gap.hint else ""))
    if gaps:
        return INCOMPLETE
    return BLOCKED if request.check and changed else PASSED if reading.inputs else EMPTY


def _touched(request: Request, reading: Reading) -> Iterator[str]:
    """Configs and policies that are no longer what was read before servers were started: one of them may have written there."""
    policies = [(layer.source, layer.document.data) for layer in request.policy.layers if layer.document and not layer.source.startswith("../")]
    for path, data in (*((item.path, item.data) for item in reading.inputs), *policies):
        try:
            now = None if data is None else request.tree.read(path)
        except Unreadable:
            now = b""
        if now != data:
            yield path


def _changes(server: Server, pin: Pin | None, judge: Known, policy: Policy) -> Iterator[str]:
    """What changed since the last pin, by class, the gravest first."""
    old = server.item.pin or next(iter(server.item.others), None)
    if pin is None or old is None:
        return
    found = [(policy.severity(rule_of(change.kind).info, pin.name), change) for change in compare(old, pin, judge)]
    for severity, change in sorted((item for item in found if item[0] != "off"), key=lambda item: -RANK[item[0]]):
        yield f"  {severity} {change.kind}: {masked_name(change.message)}"
        shown = worded(change)
        if shown:
            yield f"    {shown}"


def _matches(reading: Reading, lock: Lock | None, tree: WorkingTree) -> tuple[Match, ...]:
    return match(reading.context.entries, lock, tree, tree.root, look=True)


def _listed(request: Request, talk: Talk, servers: Sequence[Server]) -> tuple[tuple[Observed, ...], list[Pin | None]]:
    """What each server showed, and the pin that becomes of it; each is started twice, since what differs from start to start is no change."""
    connection = request.connection._replace(consent=_consent(request.connection, servers, talk))
    refusals = [connection.consent.refusal(server.item) for server in servers]
    started = [server for server, refusal in zip(servers, refusals) if refusal is None]
    for line in _announced(started):
        talk.say(line)
    shown = connection.connect([server.item for server in servers])
    again = [server for server, one in zip(servers, shown) if one.pin is not None]
    second = dict(zip(map(id, again), connection.listed(again, again=True)))
    told = tuple(steadied(server, one, second.get(id(server))) for server, one in zip(servers, shown))
    return told, [_pin(server, one) for server, one in zip(servers, told)]


def _consent(connection: Connection, servers: Sequence[Server], talk: Talk) -> Consent:
    """The consent of this run, widened by what a person at the terminal says to launches that are not pinned."""
    consent = connection.consent
    wanted = [server for server in servers if (refusal := consent.refusal(server.item)) is not None and not refusal.reference]
    if not wanted or talk.ask is None:
        return consent
    talk.say("not pinned yet; each of these runs with your rights, or gets what its config sends:")
    for server in wanted:
        talk.say(f"  {visible(masked_name(server.item.entry.name), 80)}: {command_line(server.item)}")
    agreed = talk.ask(f"start {'it' if len(wanted) == 1 else 'them'}?")
    return consent._replace(everything=consent.everything or agreed, declined=not agreed)


def _announced(servers: Sequence[Server]) -> list[str]:
    if not servers:
        return []
    lines = [f"starting {len(servers)} server{'' if len(servers) == 1 else 's'}, twice each:"]
    return [*lines, *(f"  {visible(masked_name(server.item.entry.name), 80)}: {command_line(server.item)}" for server in servers)]


def _pin(server: Server, seen: Observed) -> Pin | None:
    """The new pin. Which release it is of the old one says, too, as long as it declares the same and nothing tells of another."""
    pin, old = seen.pin, server.item.pin
    if pin is None or old is None or pin.resolved is not None or pin.digest != old.digest:
        return pin
    return pin._replace(resolved=old.resolved)


def _forged(lock: Lock | None, after: Sequence[Pin]) -> str:
    """The name of a record that does not add up and would be written with new digests, although its server was not pinned; "" for none."""
    kept = {id(pin) for pin in after}
    doubtful = (pin for pin, sound in zip(lock.pins, lock.sound) if not sound) if lock else ()
    return next((visible(masked_name(pin.name), 80) for pin in doubtful if id(pin) in kept), "")


def _write(request: Request, lock: Lock | None, is_new: bool, after: bytes, talk: Talk) -> bool:
    """Writes the lockfile, unless only asked whether it would change; True when it does."""
    name = visible(request.lock)
    before = lock.document.data if lock else None
    if request.check:
        changed = after != (unix(before) if before is not None else None) and bool(is_new or lock)
        talk.say(f"{name} {'would change' if changed else 'is up to date'}")
        return changed
    if not is_new and not (request.prune and lock):
        talk.say(f"{name} was not {'changed' if lock else 'written'}: nothing was pinned")
        return False
    changed = exchange(request.file, before, after)
    talk.say(f"{name} {'written' if changed else 'is up to date'}")
    return changed
