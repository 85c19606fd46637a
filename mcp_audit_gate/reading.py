"""What a tree configures: every config found, read and parsed, and what could not be."""

from __future__ import annotations

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Context, Input, Location, NotAssessed, Place, Problem
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.clients import MERGING, POINTING
from mcp_audit_gate.sources.document import Lines
from mcp_audit_gate.sources.entries import extract
from mcp_audit_gate.sources.parse import parse, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from mcp_audit_gate.model import Entry, Setting
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.sources.document import Document
    from mcp_audit_gate.sources.tree import Found, Listing

    class Tree(Protocol):
        """Lists configs and reads bytes within limits: the working tree, later a revision or the index. root: its place on disk.

        names_only: its lockfile keeps no value of a variable or header.
        """

        root: str
        names_only: bool

        def list(self, paths: Iterable[str]) -> Listing:
            """The configs below the paths."""

        def pointed(self, source: str, target: str) -> Found | None:
            """The file that a config points to."""

        def read(self, path: str, limit: int = ...) -> bytes:
            """The bytes of a file. Raises Unreadable."""

        def names(self, folder: str) -> Iterable[str]:
            """What lies in a folder, "" for the root; nothing when there is none."""


class Reading(NamedTuple):
    """Everything the sources gave."""

    inputs: tuple[Input, ...]
    context: Context
    documents: dict[str, Document]
    not_assessed: tuple[NotAssessed, ...]


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


def in_order(gaps: Iterable[NotAssessed]) -> tuple[NotAssessed, ...]:
    """What was not assessed, in the order of reports."""
    return tuple(sorted(gaps, key=lambda item: (item.path or "", item.server or "", item.reason, item.what, item.hint or "")))


class _Reader:
    """Collects inputs, entries, settings and problems, file by file."""

    def __init__(self, tree: Tree, policy: Policy) -> None:
        self._tree = tree
        self._policy = policy
        self._inputs: list[Input] = []
        self._entries: list[Entry] = []
        self._settings: list[Setting] = []
        self.problems: list[Problem] = []
        self._documents: dict[str, Document] = {}
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
            Context(_switched(self._entries), tuple(self._settings), tuple(self.problems), documents=tuple(self._documents.values())),
            self._documents,
            in_order(self._not_assessed),
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
