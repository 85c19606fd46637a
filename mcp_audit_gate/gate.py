"""The pipeline, one line per arrow: a tree and the options of a run in, a report out. Starts nothing and contacts nothing."""

from __future__ import annotations

from mcp_audit_gate import risk, rules
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.lock.match import match, pinned
from mcp_audit_gate.metadata.capabilities import of_server
from mcp_audit_gate.model import Context, Input, Location, Mode, NotAssessed, Place, Problem, Report, Rule, Server
from mcp_audit_gate.policy import load, waivers
from mcp_audit_gate.policy import rules as policy_rules
from mcp_audit_gate.policy.verdict import conclude, mark
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules import advisories
from mcp_audit_gate.sources.clients import LOCKFILE, MERGING, POINTING
from mcp_audit_gate.sources.document import Lines
from mcp_audit_gate.sources.entries import extract
from mcp_audit_gate.sources.parse import parse, whole
from mcp_audit_gate.sources.tree import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from typing import Protocol

    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Capability, Entry, Finding, Locator, RuleInfo, Setting
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.sources.tree import Listing

    class Tree(Protocol):
        """Lists configs and reads bytes within limits: the working tree, later a revision or the index. root: its place on disk."""

        root: str

        def list(self, paths: Iterable[str]) -> Listing:
            """The configs below the paths."""

        def pointed(self, source: str, target: str) -> Found | None:
            """The file that a config points to."""

        def read(self, path: str, limit: int = ...) -> bytes:
            """The bytes of a file. Raises Unreadable."""

        def names(self, folder: str) -> Iterable[str]:
            """What lies in a folder, "" for the root; nothing when there is none."""


class Settings(NamedTuple):
    """What a run was asked for, apart from the tree and the paths.

    clients: empty for all. policy: None for the one at the root of the tree. fail_on: None for the policy's. whole: the paths
    are the whole tree. lock: None for the one at the root of the tree. pin_check: an entry without a pin makes the run incomplete.
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


class Reading(NamedTuple):
    """Everything the sources gave."""

    inputs: tuple[Input, ...]
    context: Context
    documents: dict[str, Locator]
    not_assessed: tuple[NotAssessed, ...]


RULES: tuple[Rule, ...] = tuple(sorted((*rules.ALL, *policy_rules.RULES), key=lambda rule: rule.info.id))


def scan(tree: Tree, paths: Iterable[str], settings: Settings) -> Report:
    """Judges every config below the paths. Raises PolicyError when the policy is invalid, before anything is judged."""
    policy = settings.policy or load.found(tree, settings.today)
    fail_on = settings.fail_on or policy.fail_on
    reading = read(tree, paths, settings.clients, policy)
    lock = settings.lock or _lock(tree)
    matches = match(reading.context.entries, lock, tree, tree.root)
    context = reading.context._replace(
        lock=lock, lock_required=policy.lock, matches=matches, pinned=pinned(matches), whole=settings.whole and not settings.clients
    )
    reading = reading._replace(context=context, not_assessed=_in_order((*reading.not_assessed, *_unread(matches))))
    if settings.pin_check:
        reading = reading._replace(not_assessed=_in_order((*reading.not_assessed, *_unpinned(context))))
    if lock is not None:
        reading.documents[lock.path] = lock.document
    servers = tuple(map(_server, matches))
    findings = mark(_judge(reading, servers, policy, settings), fail_on)
    verdict = conclude(
        findings, reading.not_assessed, reading.inputs, fail_on=fail_on, allow_empty=settings.allow_empty, exit_zero=settings.exit_zero
    )
    if servers:
        verdict = verdict._replace(reasons=(*verdict.reasons, *advisories.aged(settings.today)))
    infos = tuple(rule.info for rule in RULES)
    severities = {info.id: _in_force(policy, info) for info in infos}
    shown = tuple(server for server in servers if not server.entry.again)
    documents = {**reading.documents, **{layer.source: layer.document for layer in policy.layers if layer.document}}
    mode = Mode(policy=policy.name, lock=lock.path if lock else None)
    return Report(mode, reading.inputs, shown, findings, reading.not_assessed, verdict, infos, severities, documents, settings.today)


def _judge(reading: Reading, servers: tuple[Server, ...], policy: Policy, settings: Settings) -> tuple[Finding, ...]:
    """The findings of all rules and of the policy, waivers applied, sorted."""
    hits = [item for item in rules.run(reading.context) if not policy_rules.tolerated(policy, item)]
    found = rules.findings((*hits, *policy_rules.of_servers(policy, servers)), policy.severity)
    if not policy.waivers:
        return found
    judged, counts = waivers.apply(found, policy.waivers, settings.today)
    used = waivers.uses(policy.waivers, counts, settings.today, _evidence(reading, policy, settings))
    told = rules.findings(policy_rules.of_waivers(used), policy.severity)
    return tuple(sorted((*(found if settings.ignore_waivers else judged), *told), key=rules.order))


def _evidence(reading: Reading, policy: Policy, settings: Settings) -> waivers.Evidence:
    """What the run could see, for those who ask whether a waiver is still needed."""
    return waivers.Evidence(
        settings.whole and not settings.clients,
        frozenset(item.path for item in reading.inputs if item.status == "parsed"),
        frozenset(item.path or "" for item in reading.not_assessed),
        frozenset(rule.info.id for rule in RULES if policy.severity(rule.info) != "off"),
        frozenset(rule.info.id for rule in RULES if rule.info.family == "metadata"),
    )


def _in_force(policy: Policy, info: RuleInfo) -> str:
    """The severity of a rule in this run; its own for one that is off, since a report needs one for each rule it declares."""
    level = policy.severity(info)
    return info.severity if level == "off" else level


def read(tree: Tree, paths: Iterable[str], clients: frozenset[str], policy: Policy) -> Reading:
    """Finds, reads and parses configs, and those they point to; what cannot be read is a problem and not assessed."""
    listing = tree.list(paths)
    reader = _Reader(tree, policy)
    wanted = [found for found in listing.found if not clients or clients & {found.row.client, *found.row.also}]
    # Files that point to others come first: what they point to is read as they say, not only as its own name says.
    pending = {found.path: found for found in sorted(wanted, key=lambda found: (found.row.client not in POINTING, found.path))}
    done: set[str] = set()
    while pending:
        path = next(iter(pending))
        done.add(path)
        pending.update({target.path: target for target in reader.file(pending.pop(path)) if target.path not in done})
    for lost in listing.not_assessed:
        reader.lost(lost)
    return reader.result()


def _in_order(gaps: Iterable[NotAssessed]) -> tuple[NotAssessed, ...]:
    return tuple(sorted(gaps, key=lambda item: (item.path or "", item.server or "", item.reason)))


class _Reader:
    """Collects inputs, entries, settings and problems, file by file."""

    def __init__(self, tree: Tree, policy: Policy) -> None:
        self._tree = tree
        self._policy = policy
        self._inputs: list[Input] = []
        self._entries: list[Entry] = []
        self._settings: list[Setting] = []
        self.problems: list[Problem] = []
        self._documents: dict[str, Locator] = {}
        self._not_assessed: list[NotAssessed] = []

    def file(self, found: Found) -> list[Found]:
        """Reads one file; returns the files it points to."""
        row, data = found.row, None
        excluded = not found.named and self._policy.excludes(found.path)
        if excluded and not row.free:
            return self._excluded(found)
        try:
            data = self._tree.read(found.path)
            documents = parse(found.path, data, row.syntax)
            extracted = extract(documents, row)
        except Unreadable as error:
            if excluded or (row.free and not found.named):
                return []
            self._unreadable(found, data, error)
            return []
        if row.free and not (extracted.entries or extracted.settings or extracted.problems or extracted.pointed):
            return []
        if excluded:
            return self._excluded(found)
        count = sum(entry.kind == "server" and not entry.again for entry in extracted.entries)
        self._inputs.append(Input(found.path, row.client, " ".join(extracted.shapes) or None, data, count, "parsed"))
        self._entries += extracted.entries
        self._settings += extracted.settings
        self._problems(extracted.problems)
        if documents:
            self._documents[found.path] = whole(documents)
        return [target for text, place in extracted.pointed for target in self._pointed(found, text, place)]

    def _excluded(self, found: Found) -> list[Found]:
        self._inputs.append(Input(found.path, found.row.client, None, None, 0, "excluded", f"excluded by {self._policy.name}"))
        return []

    def lost(self, item: NotAssessed) -> None:
        """What stands in a config's place and cannot be read, unless the policy leaves it out."""
        if item.path is not None and self._policy.excludes(item.path):
            self._inputs.append(Input(item.path, None, None, None, 0, "excluded", f"excluded by {self._policy.name}"))
            return
        self._not_assessed.append(item)
        self.problems.append(Problem("config-unreadable", Location(item.path or "."), item.reason, item.hint or ""))

    def _unreadable(self, found: Found, data: bytes | None, error: Unreadable) -> None:
        self._inputs.append(Input(found.path, found.row.client, None, data, 0, "unreadable", error.reason))
        self._not_assessed.append(NotAssessed("config", found.path, None, error.reason, error.hint))
        place = _place_in(found.path, data, error.offset)
        self.problems.append(Problem("config-unreadable", place, error.reason, error.hint))

    def _problems(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.problems.append(problem)
            if problem.kind == "config-unreadable" and isinstance(problem.place, Place):
                what = "config" if problem.server is None else "server"
                self._not_assessed.append(NotAssessed(what, problem.place.document.path, problem.server, problem.message, problem.hint))

    def _pointed(self, found: Found, text: str, place: Place) -> list[Found]:
        target = self._tree.pointed(found.path, text)
        if target is None:
            self._problems([Problem("config-unreadable", place, "the file it points to does not exist", "commit that file, or correct the path")])
            return []
        return [target]

    def result(self) -> Reading:
        """What was collected, in the order of paths."""
        return Reading(
            tuple(sorted(self._inputs, key=lambda item: item.path)),
            Context(_switched(self._entries), tuple(self._settings), tuple(self.problems)),
            self._documents,
            _in_order(self._not_assessed),
        )


def _switched(entries: list[Entry]) -> tuple[Entry, ...]:
    """The entries; one that its file switches off counts as on when another file of a merging client has a say about the same name."""
    files: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        if entry.client in MERGING:
            files.setdefault((entry.client, entry.name), set()).add(entry.document.path)
    shared = {key for key, paths in files.items() if len(paths) > 1}
    return tuple(entry._replace(disabled=False) if entry.disabled and (entry.client, entry.name) in shared else entry for entry in entries)


def _place_in(path: str, data: bytes | None, offset: int | None) -> Location:
    """The character at an offset of a text that could not be parsed; at its end, the last one that is not blank."""
    if data is None or offset is None:
        return Location(path)
    text = data.decode("utf-8-sig", "replace")
    lines = Lines(text)
    at = min(offset, len(text) - 1)
    while at > 0 and text[at].isspace():
        at -= 1
    return lines.location(path, at, at + 1) if text else Location(path)


def _server(item: Match) -> Server:
    entry, place = item.entry, item.entry.place(key=True)
    location = place.document.locate(place)
    capabilities, evidence = _capabilities(item)
    return Server(entry, location, item.launch, item.pin is not None, capabilities, risk.of(capabilities), evidence)


def _capabilities(item: Match) -> tuple[tuple[Capability, ...], tuple[str, ...]]:
    """What a server can do, and what that rests on: its pinned surface, else what is known about its launch."""
    surface = item.pin.surface if item.pin else None
    if surface and (surface.tools or surface.prompts or surface.resources or surface.resource_templates):
        from mcp_audit_gate.metadata.surface import of_surface

        count = len(surface.tools)
        return of_surface(surface), (f"{count} pinned tool{'' if count == 1 else 's'}",)
    known = of_server(item.entry.launches)
    return known.capabilities, known.evidence


def _lock(tree: Tree) -> Lock | None:
    """The lockfile at the root of the tree, if there is one."""
    if LOCKFILE not in tree.names(""):
        return None
    from mcp_audit_gate.lock import lockfile

    return lockfile.found(tree)


def _unread(matches: Iterable[Match]) -> Iterator[NotAssessed]:
    """Files of the repository that a pinned launch runs and that could not be read."""
    for item in matches:
        for path, reason in sorted(item.ran.unread.items()):
            yield NotAssessed("file", path, item.entry.name, reason, "make it a plain file of the repository, so that it can be pinned")


def _unpinned(context: Context) -> Iterator[NotAssessed]:
    """What --pin-check needs and does not find: the lockfile, or an entry's pin."""
    if context.lock is None:
        yield NotAssessed(
            "lockfile", LOCKFILE, None, "there is no lockfile, so no entry can be compared with its pin", "run mcp-audit pin and commit it"
        )
        return
    names = {pin.name for pin in context.lock.pins}
    for item in context.matches:
        if item.entry.name not in names and not item.entry.sample and not item.entry.disabled:
            path = item.entry.document.path
            yield NotAssessed("server", path, item.entry.name, "it has no pin, so there is nothing to compare it with", "run mcp-audit pin")
