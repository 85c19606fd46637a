"""What a tool, or a server as a whole, can do that it could not: two pins and the things that differ in, changes out."""

from __future__ import annotations

from mcp_audit_gate.lock.items import title
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.lock.judge import Judge
    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.model import Json, Pin, Pointer

    Abilities = dict[str, dict[str, str]]  # subject -> capability -> evidence
    Touched = list[tuple[Item | None, Item]]

# Write, execute, destroy or send: what the review of a reader did not approve.
_CAN = {"file_write": "write", "shell_execution": "run programs", "destructive": "destroy", "exfiltration": "send data away"}
# A tool is read together with the others of its server; of a very long list these are enough.
_AROUND = 200


def gained(old: Pin, new: Pin, touched: Touched, judge: Judge) -> Iterator[Change]:
    """A change for each thing that gained a capability; for an added one only when the server had nothing with it.

    touched: the things that differ, before (None for an added one) and after.
    """
    if not touched:
        return
    before = _abilities(_around(old, {one.name for one, _ in touched if one}), judge)
    after = _abilities(_around(new, {other.name for _, other in touched}), judge)
    server: set[str] | None = None
    for one, other in touched:
        can = after.get(other.subject, {})
        more = [capability for capability in _CAN if capability in can and (one is None or capability not in before.get(one.subject, {}))]
        if more and one is None:
            if server is None:
                server = {capability for abilities in _abilities(old, judge).values() for capability in abilities}
            more = [capability for capability in more if capability not in server]
            server |= set(more)
        if more:
            yield _change(new.name, one, other, more, before, can)


def _change(server: str, one: Item | None, other: Item, more: list[str], before: Abilities, can: dict[str, str]) -> Change:
    why = "; ".join(can[capability] for capability in more)
    words = f"{title(other)} can now {' and '.join(_CAN[capability] for capability in more)} ({visible(why, 120)})"
    sides: tuple[Pointer | None, Pointer, Json, Json] = (None, other.at, None, _listed(can))
    if one is None:
        words += ", which nothing of this server could"
    else:
        sides = (one.at, other.at, _listed(before.get(one.subject, {})), _listed(can))
    return Change("capability-gained", server, other.subject, *sides, words)


def _listed(names: Iterable[str]) -> Json:
    return [*sorted(names)]


def _around(pin: Pin, names: set[str]) -> Pin:
    """The pin with the tools of those names, and the first of all others."""
    tools = pin.surface.tools
    kept = tuple(tool for number, tool in enumerate(tools) if number < _AROUND or tool.get("name") in names)
    return pin._replace(surface=pin.surface._replace(tools=kept))


def _abilities(pin: Pin, judge: Judge) -> Abilities:
    """What each thing can do, without weak signs, and without hints: a server may say of itself what it likes."""
    surface = pin.surface
    bare = tuple({member: value for member, value in tool.items() if member != "annotations"} for tool in surface.tools)
    found: Abilities = {}
    for item in judge.capabilities(pin._replace(surface=surface._replace(tools=bare))):
        if item.confidence != "low":
            found.setdefault(item.subject, {})[item.capability] = item.evidence
    return found
