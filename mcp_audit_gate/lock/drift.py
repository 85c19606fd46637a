"""An older and a newer pin of a server in, every change between them out, by class: the one classifier of diff, scan and pin.

Nothing is read, run or judged here beyond the two pins; what a text says and what a tool can do is for the Judge to tell.
"""

from __future__ import annotations

from mcp_audit_gate.lock import launches
from mcp_audit_gate.lock.abilities import gained
from mcp_audit_gate.lock.items import Pair, changed, fingerprint, introduced, same, title
from mcp_audit_gate.lock.pairs import Paired, paired
from mcp_audit_gate.lock.wording import meaning, plain
from mcp_audit_gate.metadata.declared import INSTRUCTIONS, Item, items
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Change, Drift

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from mcp_audit_gate.lock.judge import Judge
    from mcp_audit_gate.model import Json, Pin, Pointer, Surface


_ADDED = {"tool": "tool-added", "prompt": "prompt-changed", "resource": "resource-changed", "template": "resource-changed"}
_REMOVED = {**_ADDED, "tool": "tool-removed"}


def paired_changes(old: Iterable[Pin], new: Iterable[Pin], judge: Judge) -> tuple[Drift, ...]:
    """Every change between two lockfiles, each with the two pins it lies between, in the order of the newer, what was removed last.

    Pins of one name belong together by launch, then by identity, then in their order; a pin whose launch has another name in the
    newer file was renamed.
    """
    olds, news = tuple(old), tuple(new)
    found = _pins(olds, news)
    changes = [
        Drift(change, olds[first], news[second])
        for first, second in found.both
        for change in _renamed_pin(olds[first], news[second]) + compare(olds[first], news[second], judge)
    ]
    for number in found.added:
        pin = news[number]
        change = Change("server-added", pin.name, "", None, (), None, _launched(pin), f"it is new: {_shown_launch(pin)}")
        changes.append(Drift(change, None, pin))
    for number in found.removed:
        pin = olds[number]
        change = Change("server-removed", pin.name, "", (), None, _launched(pin), None, f"it is gone: {_shown_launch(pin)}")
        changes.append(Drift(change, pin, None))
    return tuple(changes)


def _pins(olds: Sequence[Pin], news: Sequence[Pin]) -> Paired:
    same_launch = paired(olds, news, lambda pin: (pin.name, pin.launch_digest))
    if not same_launch.removed or not same_launch.added:
        return same_launch
    return paired(
        olds,
        news,
        lambda pin: (pin.name, pin.launch_digest),
        lambda pin: (pin.name, launches.identity(pin.launch)),
        lambda pin: pin.name,
        lambda pin: pin.launch_digest,
    )


def _renamed_pin(old: Pin, new: Pin) -> tuple[Change, ...]:
    if old.name == new.name:
        return ()
    return (Change("server-removed", old.name, "", (), (), old.name, new.name, f'it is now called "{visible(new.name, 60)}"'),)


def _launched(pin: Pin) -> Json:
    return dict(pin.launch)


def _shown_launch(pin: Pin) -> str:
    return visible(", ".join(launches.identity(pin.launch)), 100)


def compare(old: Pin, new: Pin, judge: Judge) -> tuple[Change, ...]:
    """Every change between two pins of one server: launch, protocol, then what it declares."""
    started = tuple(_launch(old, new))
    changes = [*started, *_protocol(old, new)]
    if old.digest != new.digest or not new.digest:
        versioned = any(change.kind in ("version-changed", "launch-changed") for change in started)
        changes += [*_server_info(old, new, judge, versioned), *_instructions(old, new, judge), *_lists(old, new, judge)]
    return tuple(changes)


def _launch(old: Pin, new: Pin) -> Iterator[Change]:
    """What is started or reached. Arguments that were pinned with the rest are reviewed where they are written."""
    found = None if old.launch_digest == new.launch_digest else launches.difference(old.launch, new.launch)
    if found is not None and found.kind == launches.IDENTITY:
        yield Change("launch-changed", new.name, "", ("launch",), ("launch",), dict(old.launch), dict(new.launch), f"it {found.words}")
    elif found is not None and launches.version(old.launch) != launches.version(new.launch):
        before, after = launches.version(old.launch), launches.version(new.launch)
        words = f"its version is {visible(after, 60) or 'not given'} instead of {visible(before, 60) or 'none given'}"
        yield Change("version-changed", new.name, "", ("launch",), ("launch",), before, after, words)
    elif old.resolved and new.resolved and old.resolved != new.resolved:
        words = f"its version is {visible(new.resolved, 60)} instead of {visible(old.resolved, 60)}"
        yield Change("version-changed", new.name, "", ("resolved",), ("resolved",), old.resolved, new.resolved, words)
    if found is None or found.kind != launches.IDENTITY:
        yield from _files(old, new)


def _files(old: Pin, new: Pin) -> Iterator[Change]:
    """Files of the repository that the launch runs."""
    before, after = (files if isinstance(files, dict) else {} for files in (old.launch.get("files"), new.launch.get("files")))
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            at = ("launch", "files", path)
            words = "changed" if path in before and path in after else "is run too" if path in after else "is no longer run"
            sides = _place(at, path in before), _place(at, path in after), before.get(path), after.get(path)
            yield Change("repo-script-changed", new.name, path, *sides, f"{visible(path, 80)} {words}")


def _place(at: Pointer, there: bool) -> Pointer | None:
    return at if there else None


def _protocol(old: Pin, new: Pin) -> Iterator[Change]:
    before, after = old.surface.protocol_version, new.surface.protocol_version
    if before and after and before != after:
        at = ("protocolVersion",)
        yield Change("protocol-changed", new.name, "", at, at, before, after, f"it speaks {visible(after, 20)} instead of {visible(before, 20)}")


def _server_info(old: Pin, new: Pin, judge: Judge, versioned: bool) -> Iterator[Change]:
    """The server's own card: who it says it is, its version (told once, with that of the launch), and further texts."""
    before, after = old.surface.server_info or {}, new.surface.server_info or {}
    if same(before, after):
        return
    card = [Item("serverInfo", INSTRUCTIONS, "", ("serverInfo",), value) for value in (before, after)]
    told = tuple(introduced(card[0], card[1], new, judge))
    yield from told
    spoken = {change.new[1] for change in told if change.new and len(change.new) > 1}
    for member in sorted({*before, *after} - spoken):
        one, other = before.get(member), after.get(member)
        if same(one, other) or (isinstance(one, str) and meaning(one) == meaning(other)) or (member == "version" and versioned):
            continue
        kind = {"name": "server-identity-changed", "version": "version-changed"}.get(member, "description-changed")
        sides = _place(("serverInfo", member), member in before), _place(("serverInfo", member), member in after), one, other
        words = f"it says its {visible(member, 40)} is {_quoted(other)} instead of {_quoted(one)}"
        yield Change(kind, new.name, "serverInfo", *sides, words)


def _quoted(value: Json) -> str:
    return f'"{visible(value, 60)}"' if isinstance(value, str) else "not given" if value is None else "something else"


def _instructions(old: Pin, new: Pin, judge: Judge) -> Iterator[Change]:
    before, after = old.surface.instructions, new.surface.instructions
    if plain(before or "") == plain(after or ""):
        return
    one, other = (Item(INSTRUCTIONS, INSTRUCTIONS, "", ("instructions",), text or "") for text in (before, after))
    told = tuple(introduced(one, other, new, judge))
    yield from told
    if not told:
        words = "were reworded" if before and after else "are new" if after else "are gone"
        sides = _place(("instructions",), before is not None), _place(("instructions",), after is not None), before, after
        yield Change("instructions-changed", new.name, "instructions", *sides, f"the instructions {words}")


def _lists(old: Pin, new: Pin, judge: Judge) -> Iterator[Change]:
    """Tools, prompts, resources and templates."""
    before, after = (_by_kind(pin.surface) for pin in (old, new))
    touched: list[tuple[Item | None, Item]] = []
    for kind in _ADDED:
        found = _paired(before[kind], after[kind])
        pairs = [(before[kind][first], after[kind][second]) for first, second in found.both]
        for one, other in pairs:
            changes = tuple(changed(Pair(one, other, new, judge)))
            yield from changes
            if changes:
                touched.append((one, other))
        yield from _removed_and_added(
            [before[kind][number] for number in found.removed], [after[kind][number] for number in found.added], new, judge, touched
        )
    yield from gained(old, new, touched, judge)


def _by_kind(surface: Surface) -> dict[str, list[Item]]:
    kinds: dict[str, list[Item]] = {kind: [] for kind in _ADDED}
    for item in items(surface):
        if item.kind in kinds:
            kinds[item.kind].append(item)
    return kinds


def _paired(old: list[Item], new: list[Item]) -> Paired:
    if len({item.name for item in old}) == len(old) and len({item.name for item in new}) == len(new):
        return paired(old, new, lambda item: item.name)
    return paired(old, new, lambda item: (item.name, fingerprint(item.value)), lambda item: item.name)


def _removed_and_added(removed: list[Item], added: list[Item], pin: Pin, judge: Judge, touched: list[tuple[Item | None, Item]]) -> Iterator[Change]:
    """What is only in one list; a thing that has all but its name of another was renamed, which is told once."""
    renamed = paired(removed, added, _nameless)
    for first, second in renamed.both:
        one, other = removed[first], added[second]
        words = f'{title(other)} is "{visible(one.name, 60)}" under another name'
        yield Change(_ADDED[other.kind], pin.name, other.subject, one.at, other.at, one.value, other.value, words)
        # A name may be a sentence too.
        yield from introduced(one, other, pin, judge)
    for item in (added[number] for number in renamed.added):
        yield Change(_ADDED[item.kind], pin.name, item.subject, None, item.at, None, item.value, f"{title(item)} is new")
        yield from introduced(None, item, pin, judge)
        touched.append((None, item))
    for item in (removed[number] for number in renamed.removed):
        yield Change(_REMOVED[item.kind], pin.name, item.subject, item.at, None, item.value, None, f"{title(item)} is gone")


def _nameless(item: Item) -> Hashable:
    return fingerprint({member: value for member, value in item.definition.items() if member not in ("name", "uri", "uriTemplate")})
