"""The pipeline, one line per arrow: a tree and the options of a run in, a report out. Starts nothing and contacts nothing."""

from __future__ import annotations

from mcp_audit_gate import risk, rules
from mcp_audit_gate.errors import LockError
from mcp_audit_gate.lock import compared
from mcp_audit_gate.lock.match import match, pinned
from mcp_audit_gate.model import Context, Mode, NotAssessed, Pinned, Report, Rule, Server
from mcp_audit_gate.policy import change_rules, load
from mcp_audit_gate.policy import rules as policy_rules
from mcp_audit_gate.policy.verdict import conclude, mark
from mcp_audit_gate.reading import in_order, read
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules import advisories
from mcp_audit_gate.sources.clients import LOCKFILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from typing import Protocol

    from mcp_audit_gate.change import Trusted
    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Analysis, Drift, Finding, Locator, Observed, RuleInfo
    from mcp_audit_gate.part import Owed, Part
    from mcp_audit_gate.policy.compared import Comparison
    from mcp_audit_gate.policy.policy import Layer, Policy
    from mcp_audit_gate.policy.waivers import Evidence
    from mcp_audit_gate.reading import Reading, Tree
    from mcp_audit_gate.rules import Raised

    class Connect(Protocol):
        """Asks servers what they declare; live.attach.Connection is the one implementation."""

        def __call__(self, matches: Sequence[Match]) -> tuple[Observed, ...]:
            """What each server showed, every launch once."""

    class Analyse(Protocol):
        """Asks a model about what the servers declare; live.llm.Analyst is the one implementation."""

        def __call__(self, context: Context) -> Analysis:
            """What the model suspects, and what it gave no answer for."""


class Settings(NamedTuple):
    """What a run was asked for, apart from the tree and the paths.

    clients: empty for all. policy: None for the one at the root of the tree. fail_on: None for the policy's. whole: the paths
    are the whole tree. lock: None for the one at the root of the tree. pin_check: an entry without a pin makes the run incomplete.
    trusted: None when the tree judges itself. new_only: what was there before does not block. baseline: its fingerprints, when a
    report names them. shard: number and count of parts; None for the whole.
    """

    today: date
    clients: frozenset[str] = frozenset()
    policy: Policy | None = None
    fail_on: str | None = None
    allow_empty: bool = False
    exit_zero: bool = False
    ignore_waivers: bool = False
    whole: bool = True
    lock: Lock | None = None
    pin_check: bool = False
    trusted: Trusted | None = None
    new_only: bool = False
    baseline: frozenset[str] = frozenset()
    shard: tuple[int, int] | None = None


RULES: tuple[Rule, ...] = tuple(sorted((*rules.ALL, *policy_rules.RULES, *change_rules.RULES), key=lambda rule: rule.info.id))


def scan(tree: Tree, paths: Iterable[str], settings: Settings, connect: Connect | None = None, analyse: Analyse | None = None) -> Report:
    """Judges every config below the paths; connect asks the servers what they declare, None judges files only. analyse asks a model.

    Raises PolicyError or LockError when the policy or the lockfile is invalid, before anything is judged.
    """
    return judged(tree, paths, settings, connect, analyse)[0]


def judged(
    tree: Tree, paths: Iterable[str], settings: Settings, connect: Connect | None = None, analyse: Analyse | None = None
) -> tuple[Report, Context]:
    """The report of a scan, and what the rules were given."""
    ground = _ground(tree, tuple(paths), settings)
    part = _part(settings, ground.matches)
    observed = connect(_asked(part, ground.matches, ground.allowed)) if connect else ()
    context, asked = _context(ground, observed, part, settings)
    context = context._replace(analysis=analyse(_own(context)) if analyse else None)
    ground = ground._replace(
        reading=ground.reading._replace(context=context, not_assessed=_gaps(ground.reading, context, settings.pin_check)),
        told=(
            *_measured_by(ground),
            *((*_unseen(context), *advisories.aged(settings.today)) if ground.matches else ()),
        ),
    )
    servers = tuple(risk.servers(context))
    found, owed = _judge(ground.reading, servers, ground.policy, settings, ground.measured)
    report = _report(ground, servers, mark(found, ground.fail_on), settings, connect is not None)
    if part is None:
        return report, context
    from mcp_audit_gate import shards

    run = shards.common(settings, ground.reading, ground.policy, ground.lock, ground.measured)
    told_of = shards.Told(run, asked, tuple(sorted(_ran(ground.policy, context, settings.trusted))), ground.told, owed)
    return shards.own(report, context, part, told_of, tree.root), context


def _measured_by(ground: _Ground) -> Iterator[str]:
    if ground.measured:
        from mcp_audit_gate.policy import trusted

        yield from trusted.told(ground.measured, ground.matches)


class _Ground(NamedTuple):
    """What a run judges, and by what.

    matches: each entry with its pin. allowed: the same by the lockfile that may let servers start. measured, moved: what was compared
    with the trusted revision, and how the pins differ. told: what people are to know besides the findings.
    """

    reading: Reading
    policy: Policy
    fail_on: str
    lock: Lock | None
    matches: tuple[Match, ...]
    allowed: tuple[Match, ...]
    measured: Comparison | None = None
    moved: tuple[Drift, ...] = ()
    told: tuple[str, ...] = ()


def _ground(tree: Tree, paths: tuple[str, ...], settings: Settings) -> _Ground:
    """Policy, configs and lockfile, read and compared with the trusted revision. Raises PolicyError or LockError."""
    rev = settings.trusted
    policy = settings.policy or load.found(rev.tree if rev else tree, settings.today)
    fail_on = settings.fail_on or policy.fail_on
    reading = read(tree, paths, settings.clients, policy)
    lock = settings.lock or (_either_lock(tree, rev) if rev else _lock(tree))
    matches = match(reading.context.entries, lock, tree, tree.root)
    if rev is None:
        return _Ground(reading, policy, fail_on, lock, matches, matches)
    from mcp_audit_gate import change
    from mcp_audit_gate.policy import trusted

    asked, is_whole = change.Asked(tree.root, paths, settings.clients), _is_whole(settings)
    measured = change.compare(tree, reading if is_whole else None, asked, policy, rev, settings.today)
    moved = (*change.pins(measured, matches, is_whole), *change.unpinned_scripts(measured, matches, tree))
    allowed = match(reading.context.entries, measured.trusted.lock, tree, tree.root)
    return _Ground(reading, trusted.tightened(policy, change.unreviewed(allowed)), fail_on, lock, matches, allowed, measured, moved)


def _is_whole(settings: Settings) -> bool:
    return settings.whole and not settings.clients


def _context(ground: _Ground, observed: tuple[Observed, ...], part: Part | None, settings: Settings) -> tuple[Context, range]:
    """What the rules are given, and which of its changes the servers that were asked showed."""
    launched, live = tuple(compared.launches(ground.matches)), tuple(compared.live(ground.matches, observed))
    context = ground.reading.context._replace(
        lock=ground.lock,
        lock_required=ground.policy.lock,
        matches=ground.matches,
        observed=observed,
        changes=(*launched, *live, *ground.moved),
        pinned=_read((*pinned(ground.matches), *_unrecorded(observed, ground.matches))),
        whole=_is_whole(settings),
        newly_shown=tuple(compared.newly_shown(ground.matches, observed)),
        part=part,
    )
    return context, range(len(launched), len(launched) + len(live))


def _report(ground: _Ground, servers: tuple[Server, ...], findings: tuple[Finding, ...], settings: Settings, connected: bool) -> Report:
    reading, policy, lock, measured, rev = ground.reading, ground.policy, ground.lock, ground.measured, settings.trusted
    verdict = conclude(
        findings, reading.not_assessed, reading.inputs, fail_on=ground.fail_on, allow_empty=settings.allow_empty, exit_zero=settings.exit_zero
    )
    verdict = verdict._replace(reasons=(*verdict.reasons, *ground.told))
    infos = tuple(rule.info for rule in RULES)
    severities = {info.id: _in_force(policy, info) for info in infos}
    shown = tuple(server for server in servers if not server.entry.again)
    documents = _documents(reading, lock, (*policy.layers, *(measured.after.policy.layers if measured else ())))
    mode = Mode(connected, policy.name, lock.path if lock else None, rev.ref if rev else None)
    return Report(mode, reading.inputs, shown, findings, reading.not_assessed, verdict, infos, severities, documents, reading.context.changes)


def _documents(reading: Reading, lock: Lock | None, layers: Iterable[Layer]) -> dict[str, Locator]:
    """The files that findings may lie in, by path."""
    judges = {layer.source: layer.document for layer in layers if layer.document}
    return {**reading.documents, **({lock.path: lock.document} if lock else {}), **judges}


def _gaps(reading: Reading, context: Context, pin_check: bool) -> tuple[NotAssessed, ...]:
    """What this run, or its part, could not assess."""
    asked = (gap for seen in context.observed for gap in seen.gaps)
    said = context.analysis.gaps if context.analysis else ()
    gaps = in_order((*reading.not_assessed, *_unread(context.matches), *(_unpinned(context) if pin_check else ()), *asked, *said))
    part = context.part
    return gaps if part is None else tuple(gap for gap in gaps if part.has(gap.server, gap.path))


def _part(settings: Settings, matches: Sequence[Match]) -> Part | None:
    """What this run tells, when it is one of several."""
    if settings.shard is None:
        return None
    from mcp_audit_gate import shards

    return shards.part(*settings.shard, matches)


def _asked(part: Part | None, matches: Sequence[Match], allowed: Sequence[Match]) -> Sequence[Match]:
    """The servers that are asked: a part leaves others to the others, but for those without a pin, which it could not know otherwise."""
    if part is None:
        return allowed
    return [start for item, start in zip(matches, allowed) if item.pin is None or part.has(item.entry.name, item.entry.document.path)]


def _own(context: Context) -> Context:
    """The context with the surfaces of the part alone."""
    part = context.part
    return context if part is None else context._replace(pinned=tuple(item for item in context.pinned if part.has(item.pin.name, None)))


def _judge(
    reading: Reading, servers: tuple[Server, ...], policy: Policy, settings: Settings, measured: Comparison | None
) -> tuple[tuple[Finding, ...], tuple[Owed, ...]]:
    """The findings of all rules and of the policy, waivers and the baseline applied, sorted; for a part also what it knows of each waiver."""
    part = reading.context.part
    owed: tuple[Owed, ...] = ()
    vouched = {id(item.entry) for item in reading.context.matches if item.is_pinned}
    changed: Iterable[Raised] = ()
    if measured:
        from mcp_audit_gate.policy import trusted

        vouched = {id(item.entry) for item in reading.context.matches if item.is_pinned and trusted.has_pin(measured, item)}
        changed = trusted.hits(measured, reading.context.changes)
    hits = [item for item in rules.run(reading.context) if not (policy_rules.tolerated(policy, item) or _settled(item, vouched))]
    found = rules.findings((*hits, *policy_rules.of_servers(policy, servers), *changed), policy.severity)
    if part:
        from mcp_audit_gate import shards

        found = shards.told(part, found, {rule.info.id: rule.scope for rule in RULES})
    present = _present(policy, settings)
    if policy.waivers:
        from mcp_audit_gate.policy import waivers

        judged, counts = waivers.apply(found, policy.waivers, settings.today, None if measured is None else frozenset(present))
        used = tuple(waivers.uses(policy.waivers, counts, settings.today, _evidence(reading, policy, settings)))
        used = tuple(trusted.kept(used, measured)) if measured else used
        spoken = tuple(policy_rules.of_waivers(used))
        if part:
            owed, spoken = shards.owed(used, policy), shards.certain(part, spoken)
        found = tuple(sorted((*(found if settings.ignore_waivers else judged), *rules.findings(spoken, policy.severity)), key=rules.order))
    if not settings.new_only:
        return found, owed
    from mcp_audit_gate.policy import waivers

    return waivers.known(found, settings.baseline | {name for name, status in present.items() if status != "waived"}), owed


def _present(policy: Policy, settings: Settings) -> dict[str, str]:
    """The fingerprints of what the trusted revision has, with their status; nothing when neither a waiver nor the baseline asks for them."""
    rev = settings.trusted
    if rev is None or not (settings.new_only or any(waiver.fingerprint is None for waiver in policy.waivers)):
        return {}
    from mcp_audit_gate import change

    report = scan(rev.tree, (rev.tree.root,), Settings(settings.today, policy=policy, lock=change.lock_of(rev.tree, rev)))
    return {finding.fingerprint: finding.status for finding in report.findings}


def _settled(item: Raised, pinned: set[int]) -> bool:
    """True for a place of this machine that was reviewed when its launch was pinned to the letter."""
    return item.rule.info.id == "temp-dir-program" and id(item.about) in pinned


def _evidence(reading: Reading, policy: Policy, settings: Settings) -> Evidence:
    """What the run could see, for those who ask whether a waiver is still needed."""
    from mcp_audit_gate.policy.waivers import Evidence

    return Evidence(
        _is_whole(settings),
        frozenset(item.path for item in reading.inputs if item.status == "parsed"),
        frozenset(item.path or "" for item in reading.not_assessed),
        _ran(policy, reading.context, settings.trusted),
        frozenset(rule.info.id for rule in RULES if rule.info.family == "metadata"),
    )


def _ran(policy: Policy, context: Context, rev: Trusted | None) -> frozenset[str]:
    """The rules that are on and had what they look at."""
    return frozenset(rule.info.id for rule in RULES if policy.severity(rule.info) != "off" and _could_run(rule.info, context, rev))


def _unseen(context: Context) -> Iterator[str]:
    """What the verdict rests on less than it may seem: without lockfile and connection nobody looked at what servers declare."""
    if context.lock is None and not context.observed:
        yield "no lockfile, so what the servers declare was not judged"


def _could_run(info: RuleInfo, context: Context, rev: Trusted | None) -> bool:
    """True when the run had what the rule looks at: configs always, the rest when it was asked for."""
    had = {"config": True, "lock": context.lock, "live": context.observed, "trusted-ref": rev, "llm": context.analysis is not None}
    return any(had.get(need) for need in info.needs)


def _in_force(policy: Policy, info: RuleInfo) -> str:
    """The severity of a rule in this run; its own for one that is off, since a report needs one for each rule it declares."""
    level = policy.severity(info)
    return info.severity if level == "off" else level


def _either_lock(tree: Tree, rev: Trusted) -> Lock | None:
    """The lockfile of the tree that is judged, or, where it has none, that of the trusted revision."""
    from mcp_audit_gate.change import lock_of

    return lock_of(tree, rev) or lock_of(rev.tree, rev)


def _lock(tree: Tree) -> Lock | None:
    """The lockfile at the root of the tree, if there is one. Raises LockError, also for a name that is nearly right."""
    names = tree.names("")
    if LOCKFILE not in names:
        near = next((name for name in names if _letters(name) in ("mcpauditlock", "mcpauditlockjson", "mcpauditgatelockjson")), None)
        if near is None:
            return None
        raise LockError(f"{near}: a lockfile is not read from a file of this name", f"did you mean {LOCKFILE}? Rename it, or remove it")
    from mcp_audit_gate.lock import lockfile

    return lockfile.found(tree)


def _letters(name: str) -> str:
    return name.lower().translate({ord(char): None for char in ".-_ "}) if name[:4].lower() in ("mcp-", "mcp_", "mcp.", "mcpa", ".mcp") else ""


def _read(known: tuple[Pinned, ...]) -> tuple[Pinned, ...]:
    """The surfaces, ready to be asked what they say; a run without any pays for none of it."""
    if not known:
        return ()
    from mcp_audit_gate.metadata import said

    return said.read(known)


def _unrecorded(observed: Iterable[Observed], matches: Iterable[Match]) -> Iterator[Pinned]:
    """Surfaces of this run that no pin has: their text lies on the entry."""
    recorded = {id(item.entry) for item in matches if item.pin}
    for seen in observed:
        pin = seen.pin or seen.partial
        if pin is not None and id(seen.entries[0]) not in recorded:
            yield Pinned(pin, seen.entries)
        if seen.other is not None:
            yield Pinned(seen.other, seen.entries)


def _unread(matches: Iterable[Match]) -> Iterator[NotAssessed]:
    """Files of the repository that a pinned launch runs and that could not be read."""
    for item in matches:
        for path, reason in sorted(item.ran.unread.items()):
            yield NotAssessed("file", path, item.entry.name, reason, "make it a plain file of the repository, so that it can be pinned")


def _unpinned(context: Context) -> Iterator[NotAssessed]:
    """What --pin-check needs and does not find: the lockfile, or an entry's pin."""
    wanting = [item for item in context.matches if item.is_unrecorded and not item.entry.sample and not item.entry.disabled]
    if context.lock is None and wanting:
        yield NotAssessed(
            "lockfile", LOCKFILE, None, "there is no lockfile, so no entry can be compared with its pin", "run mcp-audit pin and commit it"
        )
        return
    for item in wanting:
        path = item.entry.document.path
        yield NotAssessed("server", path, item.entry.name, "it has no pin, so there is nothing to compare it with", "run mcp-audit pin")
