"""What is there against what was agreed: entries, pins and this run's connections in, changes with their places out."""

from __future__ import annotations

from mcp_audit_gate.lock.canonical import canonical
from mcp_audit_gate.lock.match import files_of, key, nearest
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Change, Drift, Pinned, Surface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Entry, Observed, Pin, Place


def launches(matches: Iterable[Match]) -> Iterator[Drift]:
    """Each entry whose launch is not the one that is recorded, and each script of the repository that changed, with its place."""
    told: set[tuple[int, str]] = set()
    for item in matches:
        entry = item.entry
        if entry.disabled or entry.sample:
            continue
        found = nearest(item)
        if found is not None and found.difference.kind != "version":
            message = f"{found.difference.words}, and its pin is for the other"
            change = Change("launch-changed", entry.name, "", ("launch",), (), dict(found.pin.launch), item.launch, message)
            yield Drift(change, found.pin, None, (entry,), entry.place(found.at, key=not found.at))
        for path in item.changed_files:
            assert item.pin is not None
            if (id(item.pin), path) not in told:
                told.add((id(item.pin), path))
                yield _script(item, item.pin, path)


def _script(item: Match, pin: Pin, path: str) -> Drift:
    before, after = files_of(pin.launch).get(path), item.ran.files.get(path)
    how = "is not as it was pinned" if before and after else "is run too, and was not pinned" if after else "was pinned and is not there"
    at = ("launch", "files", path) if before else ("launch",)
    change = Change("repo-script-changed", item.entry.name, path, at, None, before, after, f"{visible(path, 80)} {how}")
    return Drift(change, pin, None, (item.entry,), _script_place(item.entry))


def _script_place(entry: Entry) -> Place:
    step = entry.launch.script.at if entry.launch.script is not None else ()
    return entry.place(step, key=not step)


def scripts(matches: Iterable[Match], before: Iterable[Match]) -> Iterator[Drift]:
    """Each script of the repository that differs where the change began, of servers without a record and with the launch that they had then.

    before: the matches of that tree. In both what is run has been looked at.
    """
    known: dict[tuple[str, str], dict[str, str]] = {}
    for item in before:
        known.setdefault(key(item.entry.name, item.launch), {}).update(item.ran.files)  # in files of two clients, or of two plugins
    for item in matches:
        was = {} if item.pin or item.entry.disabled or item.entry.sample else known.get(key(item.entry.name, item.launch), {})
        for path, now in item.ran.files.items():
            if was.get(path, now) != now:
                change = Change(
                    "repo-script-changed", item.entry.name, path, None, None, was[path], now, f"{visible(path, 80)} changed, and no pin holds it"
                )
                yield Drift(change, None, None, (item.entry,), _script_place(item.entry))


def live(matches: Sequence[Match], observed: Iterable[Observed]) -> Iterator[Drift]:
    """How what servers declare now differs from their pins."""
    pins = {id(item.entry): item.pin for item in matches if item.pin}
    differing = [(pins.get(id(seen.entries[0])), seen) for seen in observed if seen.pin]
    differing = [(old, seen) for old, seen in differing if old and seen.pin and _differ(old, seen.pin)]
    if not differing:
        return
    from mcp_audit_gate.lock.drift import compare
    from mcp_audit_gate.lock.judge import Known

    judge = Known([*pins.values(), *(seen.pin for seen in observed if seen.pin)])
    for old, seen in differing:
        assert old is not None
        assert seen.pin is not None
        # Its launch is the pinned one; what its files are now is told by `launches`.
        for change in compare(old, seen.pin._replace(launch=old.launch, launch_digest=old.launch_digest), judge):
            yield Drift(change, old, None, seen.entries)


def newly_shown(matches: Sequence[Match], observed: Iterable[Observed]) -> Iterator[Pinned]:
    """The tools of this run that no pin has, by the server that showed them: new ones, and those that differ from their record."""
    pins = {id(item.entry): item.pin for item in matches if item.pin}
    for seen in observed:
        old = pins.get(id(seen.entries[0]))
        if seen.pin is None or old is None or seen.pin.digest == old.digest:
            continue
        known = {canonical(tool) for tool in old.surface.tools}
        tools = tuple(tool for tool in seen.pin.surface.tools if canonical(tool) not in known)
        if tools:
            yield Pinned(seen.pin._replace(surface=Surface(tools=tools)), seen.entries)


def _differ(old: Pin, new: Pin) -> bool:
    """True when a server declares something else, or runs another release where both are known."""
    is_other = bool(old.resolved and new.resolved) and old.resolved != new.resolved
    return is_other or (old.digest, old.surface.protocol_version) != (new.digest, new.surface.protocol_version)
