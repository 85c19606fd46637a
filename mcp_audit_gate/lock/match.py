"""Which pin serves which entry: the same name and the same written launch."""

from __future__ import annotations

from mcp_audit_gate.lock.canonical import canonical, digest
from mcp_audit_gate.lock.files import Ran, ran
from mcp_audit_gate.lock.written import written_launch
from mcp_audit_gate.model import Pinned
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_audit_gate.lock.files import Tree
    from mcp_audit_gate.lock.launches import Difference
    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.model import Entry, Json, Pin, Pointer

# What a config does not write: the gate works it out.
_DERIVED = frozenset(("package", "files"))
ALIKE = 32  # pins of one name that an entry without its own is compared with


class Match(NamedTuple):
    """An entry with its pin.

    launch: the entry's launch as the lockfile writes it. pin: the one of the same name and launch; exact: to the letter, else
    but for spelling (`./`, `-y`). others: pins of the same name that no entry has. sound: the pin's record is as `pin` wrote
    it. ran: the files of the repository that the launch runs, as they are now.
    """

    entry: Entry
    launch: dict[str, Json]
    pin: Pin | None
    others: tuple[Pin, ...] = ()
    sound: bool = True
    ran: Ran = Ran({}, {})
    exact: bool = True

    @property
    def is_pinned(self) -> bool:
        """True when exactly this launch is pinned: a sound record, and the repository's files as they were."""
        return self.pin is not None and self.exact and self.sound and not self.ran.unread and not self.changed_files

    @property
    def is_unrecorded(self) -> bool:
        """True when no pin is there for it to be compared with: none of its name, or only such as other entries have."""
        return self.pin is None and not self.others

    @property
    def whole_launch(self) -> dict[str, Json]:
        """The launch with the digests of the repository's files, as a pin has it."""
        return {**self.launch, "files": dict(self.ran.files)} if self.ran.files else self.launch

    @property
    def launch_digest(self) -> str:
        """The digest that a pin of this launch has now."""
        return digest(self.whole_launch)

    @property
    def changed_files(self) -> tuple[str, ...]:
        """The pinned files that are gone or differ, and those that are new, in order."""
        before = files_of(self.pin.launch) if self.pin else self.ran.files
        return tuple(sorted(path for path in before.keys() | self.ran.files.keys() if before.get(path) != self.ran.files.get(path)))


def files_of(launch: Mapping[str, Json]) -> dict[str, Json]:
    """The launch's `files`, or nothing."""
    files = launch.get("files")
    return files if isinstance(files, dict) else {}


def key(name: str, launch: Mapping[str, Json]) -> tuple[str, str]:
    """What an entry and its pin have in common: the name, and what the config writes."""
    return name, canonical({field: value for field, value in launch.items() if field not in _DERIVED})


def pinned(matches: Iterable[Match]) -> tuple[Pinned, ...]:
    """Each pin that serves an entry, once, with all the entries it serves."""
    served: dict[Pointer, tuple[Pin, list[Entry]]] = {}
    for item in matches:
        if item.pin is not None:
            served.setdefault(item.pin.pointer, (item.pin, []))[1].append(item.entry)
    return tuple(Pinned(pin, tuple(entries)) for pin, entries in served.values())


def match(entries: Iterable[Entry], lock: Lock | None, tree: Tree, root: str | None = None, look: bool = False) -> tuple[Match, ...]:
    """Every entry that is a server, with its pin. Files are only looked at for entries that have one, or with `look`."""
    servers = [(entry, written_launch(entry, tree.names_only)) for entry in entries if entry.kind == "server"]
    if lock is None:
        return tuple(Match(entry, launch, None, ran=_ran(entry, tree, root, look)) for entry, launch in servers)
    known: dict[tuple[str, str], tuple[Pin, bool]] = {}
    for pin, sound in zip(lock.pins, lock.sound):
        wanted = key(pin.name, pin.launch)
        # Two records that only files or packages tell apart: `pin` writes no such thing.
        known[wanted] = (pin, sound and wanted not in known)
    keys = [key(entry.name, launch) for entry, launch in servers]
    taken = set(keys)
    named: dict[str, list[Pin]] = {}
    spare: dict[str, list[Pin]] = {}
    for pin in lock.pins:
        _add(named, pin)
        if key(pin.name, pin.launch) not in taken:
            _add(spare, pin)
    alikes: dict[tuple[str, str], Pin | None] = {}
    found = []
    for (entry, launch), wanted in zip(servers, keys):
        others = tuple(spare.get(entry.name, ()))
        if wanted not in known and wanted not in alikes:
            from mcp_audit_gate.lock.launches import difference

            alikes[wanted] = next((pin for pin in named.get(entry.name, ()) if difference(pin.launch, launch) is None), None)
        alike = alikes.get(wanted)
        if alike is not None:
            found.append(
                Match(
                    entry, launch, alike, others, known[key(alike.name, alike.launch)][1], ran(entry.launch, tree, root, entry.document.path), False
                )
            )
            continue
        if wanted not in known:
            found.append(Match(entry, launch, None, others, ran=_ran(entry, tree, root, look)))
            continue
        pin, sound = known[wanted]
        found.append(Match(entry, launch, pin, others, sound, ran(entry.launch, tree, root, entry.document.path)))
    return tuple(found)


def _add(pins: dict[str, list[Pin]], pin: Pin) -> None:
    """Notes a pin under its name, unless so many are there that comparing each with every entry would take minutes."""
    here = pins.setdefault(pin.name, [])
    if len(here) < ALIKE:
        here.append(pin)


class Near(NamedTuple):
    """A pin of the same name for another launch: how the entry's launch differs from it, and where below the entry."""

    pin: Pin
    difference: Difference
    at: Pointer
    is_other_version: bool = False


def nearest(item: Match) -> Near | None:
    """For an entry without a pin the pin of its name that no other entry has: one that differs in its version alone, else the first."""
    if item.pin is not None or not item.others:
        return None
    from mcp_audit_gate.lock.launches import IDENTITY, OTHER, VERSION, difference

    found = [(pin, difference(pin.launch, item.launch)) for pin in item.others]
    ranked = sorted(((pin, how) for pin, how in found if how), key=lambda pair: (VERSION, OTHER, IDENTITY).index(pair[1].kind))
    return Near(*ranked[0], _at(item, ranked[0][0].launch), ranked[0][1].kind == VERSION) if ranked else None


def _at(item: Match, old: Mapping[str, Json]) -> Pointer:
    """The first word, variable or address of the entry that the older launch does not have; () when it only lacks something."""
    launch = item.entry.launch
    before = [old.get("command"), *_listed(old.get("args"))] if "command" in old else []
    after = [item.launch.get("command"), *_listed(item.launch.get("args"))] if launch.words else []
    for number, word in enumerate(launch.words):
        if number >= len(before) or number >= len(after) or before[number] != after[number]:
            return word.at
    if item.launch.get("url") != old.get("url"):
        return next((word.at for word in launch.urls if word.at and word.at[0] != "args"), ())
    if item.launch.get("cwd") != old.get("cwd") and launch.cwd:
        return launch.cwd.at
    for member, variables in (("env", launch.env), ("headers", launch.headers)):
        one, other = old.get(member), item.launch.get(member)
        known, now = (value if isinstance(value, dict) else {} for value in (one, other))
        for variable in variables:
            if not variable.quoted and known.get(variable.name, ...) != now.get(variable.name, ...):
                return variable.at
    return ()


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _ran(entry: Entry, tree: Tree, root: str | None, look: bool) -> Ran:
    return ran(entry.launch, tree, root, entry.document.path) if look else Ran({}, {})
