"""What a change does to servers: the configs before it and after it in, hits about added and exchanged servers out."""

from __future__ import annotations

from mcp_audit_gate.lock import launches
from mcp_audit_gate.lock.canonical import canonical
from mcp_audit_gate.lock.match import key
from mcp_audit_gate.lock.written import written_launch
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit
from mcp_audit_gate.policy import identity
from mcp_audit_gate.policy.policy import same_name
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules import drift, preapproved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.change import Asked
    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.model import Context, Entry, Launch, Pointer, Rule
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.reading import Reading, Tree


class Side(NamedTuple):
    """A tree before or after the change: its files, its configs, its policy and its lockfile, None when it has none."""

    files: Tree
    reading: Reading
    policy: Policy
    lock: Lock | None = None

    @property
    def context(self) -> Context:
        """What the configs declare."""
        return self.reading.context

    @property
    def pins(self) -> frozenset[tuple[str, str]]:
        """The names and launches that the lockfile records, as lock.match compares them."""
        return frozenset(key(pin.name, pin.launch) for pin in self.lock.pins) if self.lock else frozenset()


class Comparison(NamedTuple):
    """The tree where the change began, the tree that is judged, and the revision that is trusted.

    asked: tells which paths and clients this run is about. lock_path: where the lockfile is looked for.
    """

    ref: str
    before: Side
    after: Side
    trusted: Side
    asked: Asked
    lock_path: str


_BY_ID = {rule.info.id: rule for rule in drift.RULES}


def servers(comparison: Comparison) -> Iterator[tuple[Rule, Hit]]:
    """One hit for each server that is new, exchanged under its name, or of another version than before."""
    approved = preapproved.Approved(comparison.after.context)
    for entry in _added(comparison):
        message = f"{_title(entry)} is not in {visible(comparison.ref, 80)}, and comes with this change."
        yield _BY_ID["server-added"], Hit(entry.place(key=True), message, _value(entry), subject="", server=entry.name)
    for entry, was in kept(comparison):
        if whose(entry) not in {whose(one) for one in was}:
            hit = _exchange(entry, was[0], comparison.ref)
            where = approved.places(entry.name)
            yield (preapproved.RULE, preapproved.approve(hit, where)) if where else (_BY_ID["launch-changed"], hit)
    if comparison.after.lock is None:  # else the pins say it
        for hit, _, _ in versions(comparison):
            yield _BY_ID["version-changed"], hit


def versions(comparison: Comparison) -> Iterator[tuple[Hit, Entry, tuple[Entry, ...]]]:
    """One hit for each server of another version than before, with its entry and those that it was."""
    for entry, was in kept(comparison):
        if whose(entry) in {whose(one) for one in was}:
            before, after = {launches.version(written_launch(one)) for one in was}, launches.version(written_launch(entry))
            if after not in before:
                words = f"its version is {visible(after, 60) or 'not given'} instead of {visible(min(before), 60) or 'none given'}"
                hit = Hit(entry.place(_at(entry.launch, was[0])), f"{_title(entry)}: {words}.", _value(entry), subject="", server=entry.name)
                yield hit, entry, was


def _added(comparison: Comparison) -> Iterator[Entry]:
    """Servers that are new by name and by launch; the first configs of a repository are none."""
    known = tuple(_servers(comparison.before.context))
    names, starts = {same_name(entry.name) for entry in known}, {_value(entry) for entry in known}
    if comparison.before.reading.inputs:
        yield from (entry for entry in _judged(comparison) if same_name(entry.name) not in names and _value(entry) not in starts)


def kept(comparison: Comparison) -> Iterator[tuple[Entry, tuple[Entry, ...]]]:
    """Servers whose name was there before, with those of that name: in its own file, or, where that had none, in any."""
    known: dict[str, list[Entry]] = {}
    for entry in _servers(comparison.before.context):
        known.setdefault(same_name(entry.name), []).append(entry)
    for entry in _judged(comparison):
        same = known.get(same_name(entry.name))
        if same:
            yield entry, tuple(was for was in same if was.document.path == entry.document.path) or tuple(same)


def _value(entry: Entry) -> str:
    return canonical(written_launch(entry))


def _exchange(entry: Entry, was: Entry, ref: str) -> Hit:
    message = f"{_title(entry)} is not the one that {visible(ref, 80)} has: it {_shown(entry)}, and {_shown(was, True)}."
    return Hit(entry.place(_at(entry.launch, was)), message, _value(entry), subject="", server=entry.name)


def _servers(context: Context) -> Iterator[Entry]:
    return (entry for entry in context.entries if entry.kind == "server" and not entry.sample)


def _judged(comparison: Comparison) -> Iterator[Entry]:
    return (entry for entry in _servers(comparison.after.context) if not entry.disabled and comparison.asked(entry.document.path, entry.client))


def whose(entry: Entry) -> tuple[str, ...]:
    """Whose code or service an entry is, as lock.launches tells it; of a runner that it cannot tell, all its words."""
    launch, written = entry.launch, written_launch(entry)
    found = launches.identity(written)
    if len(found) == 1 and launch.runner and not (launch.packages or launch.image or launch.urls):
        found = (*found, *(word.text for word in launch.line))
    helpers = (word.text for other in entry.launches[1:] for word in other.line)
    return (*found, *((f"in {written.get('cwd')}",) if launch.script and launch.cwd else ()), *helpers)


def _at(launch: Launch, was: Entry) -> Pointer:
    """What says in the entry that it is another: an address that is new, the package or image, else the program."""
    hosts = {part.names for before in was.launches for part in identity.hosts(before)}
    address = next((part.at for part in identity.hosts(launch) if part.names not in hosts), None)
    named = launch.package or launch.image or launch.script or launch.code
    return address or (named.at if named else launch.words[0].at if launch.words else ())


def _shown(entry: Entry, before: bool = False) -> str:
    """What an entry starts or reaches, in words, secrets masked."""
    launch = written_launch(entry)
    words: Iterable[str] = (str(launch.get("command", "")), *map(str, launch.get("args") or ()))  # type: ignore[arg-type]
    text = visible(" ".join(words).strip() or str(launch.get("url", "")), 120)
    verb = "starts" if launch.get("command") else "reaches"
    return f'{"that one" if before else "now"} {verb} "{text}"'


def _title(entry: Entry) -> str:
    return f'Server "{visible(entry.name, 80)}"'
