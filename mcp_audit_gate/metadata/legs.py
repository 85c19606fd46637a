"""The legs on which data leaves: tools that read what is private, that read from outside, that send; what a server says in, tools out."""

from __future__ import annotations

from mcp_audit_gate.metadata.declared import parameters
from mcp_audit_gate.metadata.surface import base, name_words, table
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.metadata.said import Said

PRIVATE, OUTSIDE, OUT, EXECUTE = "reads private data", "reads content from outside", "sends data out", "runs commands"
_SURE = frozenset(("medium", "high", "declared"))
_READING = ("read", "get", "list", "search", "fetch", "query", "find", "view", "open", "load", "retrieve", "browse", "scrape", "crawl", "select")


class Legs(NamedTuple):
    """The first tool of a server for each leg that it has, by leg."""

    tools: dict[str, Item]


def of(said: Said) -> Legs:
    """The legs that a server has; what only weak signs tell is not counted."""
    can: dict[str, set[str]] = {}
    for item in said.capabilities():
        if item.confidence in _SURE:
            can.setdefault(item.subject, set()).add(item.capability)
    found: dict[str, Item] = {}
    for thing in said.things():
        if thing.item.kind == "tool":
            for leg in _legs(thing.item, can.get(thing.item.subject, set())):
                found.setdefault(leg, thing.item)
    return Legs(found)


def open_parameter(item: Item) -> str:
    """A parameter that takes any address or host: free text without a list, a pattern or a constant; "" when there is none."""
    words = table()["parameters"]["url"]
    for name, value in parameters(item.definition).items():
        free = not isinstance(value, dict) or not {"enum", "const", "pattern"} & set(value)
        if free and name.lower().replace("-", "_") in words:
            return name
    return ""


def _legs(item: Item, can: set[str]) -> Iterator[str]:
    words = name_words(item.name)
    reads = any(base(word, frozenset(_READING)) for word in words[:3])
    lists = table()["legs"]
    if "file_read" in can or (reads and not lists["private"].isdisjoint(words)):
        yield PRIVATE
    fetches = "network" in can and bool(open_parameter(item))
    if (reads and fetches) or (reads and "network" in can and not lists["outside"].isdisjoint(words)):
        yield OUTSIDE
    if "exfiltration" in can or fetches:
        yield OUT
    if "shell_execution" in can:
        yield EXECUTE
