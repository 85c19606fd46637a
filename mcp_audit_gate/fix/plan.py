"""Which findings of a scan can be mended safely, and by which edits: a report in; the same with fixes, and the files to write, out.

A plan is tried before it is offered: the edited tree is read and judged, in memory. A fix that brings a finding that was not there, or does
not take its own away, is left out.
"""

from __future__ import annotations

import os

from mcp_audit_gate import gate
from mcp_audit_gate.fix.edits import edited, edits_of, expected, is_only
from mcp_audit_gate.fix.pins import Move, is_in_order, moved
from mcp_audit_gate.fix.variables import Names, secrets
from mcp_audit_gate.fix.versions import versions
from mcp_audit_gate.lock import lockfile
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Fix, Replacement
from mcp_audit_gate.policy import load
from mcp_audit_gate.reading import read
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.discover import MAX_CONFIG, WorkingTree
from mcp_audit_gate.sources.document import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcp_audit_gate.fix.edits import Edit, Part, Path, Reshaped
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Context, Entry, Finding, Json, Location, Locator, Place, Report
    from mcp_audit_gate.reading import Tree

    Fault = tuple[str, str, str]

SECRETS = ("literal-secret", "wallet-key", "probable-secret", "credential-in-url")
PACKAGES = ("unpinned-package", "floating-image-tag", "image-without-digest")
_ADVISED = ("known-malicious", "known-vulnerable", "advisory-to-review")  # a version with one of these is none to stay at
_ROUNDS = 10
_UNASKED = 5000  # findings


class Rewritten(NamedTuple):
    """A config that a plan changes, and the changes as offsets in its text. hidden: spans of the text before that must not be shown."""

    path: str
    before: Document
    after: Document
    edits: tuple[Edit, ...]
    hidden: tuple[tuple[int, int], ...]


class Plan(NamedTuple):
    """What can be mended. report: with the fixes of its findings. entries: all of the tree, as they will be.

    moves: the records of the lockfile that move along with the launches of their servers.
    """

    report: Report
    files: tuple[Rewritten, ...] = ()
    moves: tuple[Move, ...] = ()
    lock: lockfile.Lock | None = None
    entries: tuple[Entry, ...] = ()


class _Mend(NamedTuple):
    """One finding, and the changes that may take it away.

    versioned: the lockfile's `resolved` gave them. regains: a record that the entry has again then.
    """

    finding: Finding
    entry: Entry
    place: Place
    parts: tuple[Part, ...]
    words: str
    versioned: bool = False
    regains: bool = False
    shape: Reshaped | None = None


class _Edited(WorkingTree):
    """The working tree with some files as they would be."""

    def __init__(self, root: str, files: dict[str, bytes]) -> None:
        super().__init__(root)
        self._files = files

    def read(self, path: str, limit: int = MAX_CONFIG) -> bytes:
        """The bytes of a file, as they would be. Raises Unreadable."""
        return self._files[path] if path in self._files else super().read(path, limit)


class _Draft(NamedTuple):
    """A file as it would be. changed: what its strings are to read then."""

    document: Document
    edits: tuple[Edit, ...]
    data: bytes
    changed: Mapping[Path, Json]
    shapes: tuple[Reshaped, ...]
    hidden: tuple[tuple[int, int], ...]


class _Trial(NamedTuple):
    files: tuple[Rewritten, ...]
    moves: tuple[Move, ...]
    entries: tuple[Entry, ...]


def plan(tree: Tree, paths: Sequence[str], settings: gate.Settings, report: Report, context: Context) -> Plan:
    """What can be mended; nothing for a tree that is not the working tree, or that a revision judges."""
    if type(tree) is not WorkingTree or settings.trusted:
        return Plan(report)
    mends = list(_mends(report, context))
    pinned = {id(item.entry): item for item in context.matches if item.pin is not None}
    movable = context.lock is not None and not context.lock.path.startswith("../") and is_in_order(context.lock)
    mends = [mend for mend in mends if id(mend.entry) not in pinned or (movable and pinned[id(mend.entry)].exact)]
    for _ in range(_ROUNDS):
        if not mends:
            break
        mends, trial = _tried(_Run(tree, tuple(paths), settings, report, context), mends, pinned)
        if trial is not None:
            before = {file.path: file.before for file in trial.files}
            fixes = {mend.finding.fingerprint: _fix(mend, before[mend.entry.document.path]) for mend in mends}
            return Plan(report._replace(fixes=fixes), trial.files, trial.moves, context.lock, trial.entries)
    return Plan(report)


def unasked(tree: Tree, paths: Sequence[str], settings: gate.Settings, report: Report, context: Context) -> Plan:
    """The same for a report that fixes are an extra to; trying them takes a second scan, so that a huge one gets none."""
    return Plan(report) if len(report.findings) > _UNASKED else plan(tree, paths, settings, report, context)


def of_part(tree: Tree, paths: Sequence[str], settings: gate.Settings, report: Report, context: Context) -> Plan:
    """The fixes of a part's findings: those that the whole run has, since edits are tried together."""
    if not any(_mends(report, context)):
        return Plan(report)
    settings = settings._replace(shard=None)
    whole, everything = gate.judged(tree, paths, settings)
    fixes = unasked(tree, paths, settings, whole, everything).report.fixes
    return Plan(report._replace(fixes={one.fingerprint: fixes[one.fingerprint] for one in report.findings if one.fingerprint in fixes}))


class _Run(NamedTuple):
    tree: WorkingTree
    paths: tuple[str, ...]
    settings: gate.Settings
    report: Report
    context: Context


def _mends(report: Report, context: Context) -> Iterator[_Mend]:
    """Every finding that is open and for which an edit is known."""
    found = {(finding.rule, finding.location): finding for finding in report.findings if finding.status != "waived"}
    rules = {rule for rule, _ in found}
    if not rules.isdisjoint(SECRETS):
        for secret in secrets(context.entries, Names(context.entries)):
            finding = _found(found, SECRETS, secret.place)
            if finding:
                names = " and ".join(dict.fromkeys(secret.names))
                words = f"read {names} from the environment instead; revoke the old value"
                yield _Mend(finding, secret.entry, secret.place, secret.parts, words, shape=secret.shape)
    if context.lock is not None and not rules.isdisjoint(PACKAGES):
        for item in versions(context.matches):
            finding = _found(found, PACKAGES, item.part.place)
            if finding:
                words = f"write what the lockfile has on record, {visible(item.version, 80)}"
                yield _Mend(finding, item.match.entry, item.part.place, (item.part,), words, item.match.pin is not None, item.match.pin is None)


def _found(found: dict[tuple[str, Location], Finding], rules: Iterable[str], place: Place) -> Finding | None:
    location = place.document.locate(place)
    return next((found[rule, location] for rule in rules if (rule, location) in found), None)


def _tried(run: _Run, mends: list[_Mend], pinned: dict[int, Match]) -> tuple[list[_Mend], _Trial | None]:
    """The mends that are left, and the trial when all of them passed."""
    drafts, broken = _drafts(mends)
    broken |= _torn(run.tree.root, drafts)
    if broken:
        return _without(mends, broken), None
    new = {path: draft.data for path, draft in drafts.items()}
    settings = run.settings
    report, context = gate.judged(_Edited(run.tree.root, new), run.paths, settings)
    spoilt = {path for path, draft in drafts.items() if not _is_good(draft, report.documents.get(path))}
    if spoilt:
        return _without(mends, spoilt), None
    moves, entries = _moves(mends, pinned, context.entries), context.entries
    lock = run.context.lock
    if moves and lock is not None:
        if not settings.whole or settings.clients:
            policy = settings.policy or load.found(run.tree, settings.today)
            entries = read(_Edited(run.tree.root, new), (run.tree.root,), frozenset(), policy).context.entries
        tree = _Edited(run.tree.root, {**new, lock.path: lockfile.write(moved(lock.pins, moves, entries))})
        report, _ = gate.judged(tree, run.paths, settings._replace(lock=lockfile.found(tree, lock.path) if settings.lock else None))
    kept = _unblamed(run.report, report, mends)
    if len(kept) < len(mends):
        return kept, None
    files = tuple(
        Rewritten(path, draft.document, after, draft.edits, draft.hidden) for path, draft in drafts.items() if (after := _document(report, path))
    )
    return mends, _Trial(files, moves, entries)


def _without(mends: list[_Mend], paths: set[str]) -> list[_Mend]:
    return [mend for mend in mends if mend.entry.document.path not in paths]


def _drafts(mends: Iterable[_Mend]) -> tuple[dict[str, _Draft], set[str]]:
    """Each file with all its edits, and the files in which one of them has no exact place."""
    by_path: dict[str, list[_Mend]] = {}
    for mend in mends:
        by_path.setdefault(mend.entry.document.path, []).append(mend)
    drafts, broken = {}, set()
    for path in sorted(by_path):
        document = by_path[path][0].entry.document
        assert isinstance(document, Document), "entries are read from documents"
        edits = _edits(document, by_path[path])
        data = None if edits is None else edited(document, edits)
        if edits is None or data is None:
            broken.add(path)
        else:
            changed = expected(document, (part for mend in by_path[path] for part in mend.parts))
            shapes = tuple(mend.shape for mend in by_path[path] if mend.shape)
            drafts[path] = _Draft(document, edits, data, changed, shapes, tuple(_hidden(document, by_path[path])))
    return drafts, broken


def _hidden(document: Document, mends: Iterable[_Mend]) -> Iterator[tuple[int, int]]:
    """What must not be shown of the file as it was: the slices of strings that go, or the strings."""
    for mend in mends:
        if mend.shape:
            yield document.span(mend.place)
        elif mend.finding.rule in SECRETS:
            yield from ((edit.start, edit.end) for edit in edits_of(document, mend.parts) or ())


def _edits(document: Document, mends: Iterable[_Mend]) -> tuple[Edit, ...] | None:
    """The edits of some mends in one document, each once; None when a string of them has no exact place."""
    mends = tuple(mends)
    found = edits_of(document, (part for mend in mends for part in mend.parts))
    if found is None:
        return None
    return tuple(sorted({*found, *(edit for mend in mends if mend.shape for edit in mend.shape.edits)}))


def _torn(root: str, drafts: dict[str, _Draft]) -> set[str]:
    """The paths that lead to one file and want it different: a link whose clients write references in another way."""
    files: dict[str, set[str]] = {}
    for path in drafts:
        files.setdefault(os.path.realpath(os.path.join(root, *path.split("/"))), set()).add(path)
    return {path for paths in files.values() for path in paths if len({drafts[one].data for one in paths}) > 1}


def _is_good(draft: _Draft, after: Locator | None) -> bool:
    """True when the edited file says what it said, but for the strings that were to change."""
    return isinstance(after, Document) and after.data == draft.data and is_only(draft.document.value, after.value, draft.changed, draft.shapes)


def _document(report: Report, path: str) -> Document | None:
    found = report.documents.get(path)
    return found if isinstance(found, Document) else None


def _moves(mends: Iterable[_Mend], pinned: dict[int, Match], entries: Iterable[Entry]) -> tuple[Move, ...]:
    """The records of the servers whose launches change."""
    after = {(entry.document.path, entry.pointer, entry.nth, entry.again): entry for entry in entries}
    found: dict[int, Move] = {}
    for mend in mends:
        one, item = mend.entry, pinned.get(id(mend.entry))
        new = after.get((one.document.path, one.pointer, one.nth, one.again))
        if item is not None and item.pin is not None and new is not None:
            versioned = mend.versioned or (id(one) in found and found[id(one)].versioned)
            found[id(one)] = Move(item.pin, new, versioned)
    return tuple(found.values())


def _unblamed(before: Report, after: Report, mends: list[_Mend]) -> list[_Mend]:
    """The mends after which nothing is there that was not there before, their own findings are gone, and no version is a bad one."""
    known = {_fault(finding) for finding in before.findings}
    wanted = {_fault(mend.finding) for mend in mends}
    wrong = [finding for finding in after.findings if _fault(finding) not in known or _fault(finding) in wanted]
    if set(after.not_assessed) - set(before.not_assessed):
        return []
    blamed = _blamed(wrong, mends)
    advised = {(finding.location.path, finding.server) for finding in after.findings if finding.rule in _ADVISED}
    blamed |= {id(mend) for mend in mends if mend.finding.rule in PACKAGES and (mend.entry.document.path, mend.entry.name) in advised}
    return [mend for mend in mends if id(mend) not in blamed]


def _fault(finding: Finding) -> Fault:
    """What makes it the same finding: its message may quote what was edited."""
    return finding.rule, finding.severity, finding.fingerprint


def _blamed(wrong: Iterable[Finding], mends: list[_Mend]) -> set[int]:
    """The mends, by their id, of the server that a finding is about in its file, else of that name, else of its file, else all.

    A finding outside the config comes from a record that counts again.
    """
    regained = [mend for mend in mends if mend.regains]
    homes = {mend.finding.location.path for mend in regained}
    groups: dict[tuple[str | None, ...], list[_Mend]] = {(): mends}
    for mend in mends:
        path, name = mend.entry.document.path, mend.entry.name
        for group in ((path, name), (None, name), (path, None)):
            groups.setdefault(group, []).append(mend)
    elsewhere, chosen = set(), set()
    for finding in wrong:
        path, server = finding.location.path, finding.server
        if homes and homes != {path}:
            elsewhere.add(path)
        else:
            chosen.add(next(group for group in ((path, server), (None, server), (path, None), ()) if group in groups))
    found = {id(mend) for mend in regained if len(elsewhere) > (mend.finding.location.path in elsewhere)}
    return found | {id(mend) for group in chosen for mend in groups[group]}


def _fix(mend: _Mend, document: Document) -> Fix:
    """What a report carries of a mend."""
    edits = _edits(document, (mend,)) or ()
    return Fix(mend.words, tuple(Replacement(document.lines.location(document.path, edit.start, edit.end), edit.text) for edit in edits))
