"""What each server says, read once for all rules: pinned surfaces in, the same with their texts, signals and capabilities at hand, out."""

from __future__ import annotations

from mcp_audit_gate.metadata import signals
from mcp_audit_gate.metadata.declared import items, text_of
from mcp_audit_gate.metadata.judgement import judge
from mcp_audit_gate.metadata.surface import of_surface
from mcp_audit_gate.metadata.texts import texts
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.metadata.judgement import Judgement
    from mcp_audit_gate.metadata.signals import Signal
    from mcp_audit_gate.metadata.texts import Mark, Text
    from mcp_audit_gate.model import Capability, Pinned, Surface


class Thing(NamedTuple):
    """One thing that a server declares, with its texts, the signals in them and what they add up to."""

    item: Item
    texts: tuple[Text, ...]
    marks: tuple[Mark, ...]
    signals: tuple[Signal, ...]
    judgement: Judgement


class Said:
    """A surface, read when it is first asked for. others: tools of other servers of the same client, in lower case, by server."""

    __slots__ = ("_capabilities", "_others", "_surface", "_things")

    def __init__(self, surface: Surface, others: Mapping[str, str]) -> None:
        self._surface = surface
        self._others = others
        self._things: tuple[Thing, ...] | None = None
        self._capabilities: tuple[Capability, ...] | None = None

    def things(self) -> tuple[Thing, ...]:
        """Everything that is declared; instructions and the server's card are two things with one subject."""
        if self._things is None:
            siblings = frozenset(text_of(tool.get("name")).lower() for tool in self._surface.tools)
            self._things = tuple(self._thing(item, siblings) for item in items(self._surface))
        return self._things

    def _thing(self, item: Item, siblings: frozenset[str]) -> Thing:
        found = texts(item)
        told = signals.of_item(item, found.texts, signals.names_of(item, siblings, self._others))
        return Thing(item, found.texts, found.marks, told, judge(told))

    def server_of(self, tool: str) -> str:
        """The other server of the same client that has a tool of a name."""
        return self._others.get(tool, "")

    def capabilities(self) -> tuple[Capability, ...]:
        """What the tools and resources can do."""
        if self._capabilities is None:
            self._capabilities = of_surface(self._surface)
        return self._capabilities


def read(pinned: Iterable[Pinned]) -> tuple[Pinned, ...]:
    """The pinned surfaces, each with what it says; servers that share a client know one another's tools by name."""
    pinned = tuple(pinned)
    neighbours: dict[tuple[str, str], dict[str, str]] = {}
    for item in pinned:
        for client in _clients(item):
            known = neighbours.setdefault(client, {})
            for tool in item.pin.surface.tools:
                known.setdefault(text_of(tool.get("name")).lower(), item.pin.name)
    return tuple(item._replace(said=Said(item.pin.surface, _others(item, neighbours))) for item in pinned)


def of(item: Pinned) -> Said:
    """What a pinned surface says; one that was not read with others stands alone."""
    return item.said or Said(item.pin.surface, {})


def _clients(item: Pinned) -> list[tuple[str, str]]:
    """Where the server is declared: the client and the folder of its config."""
    return list(dict.fromkeys((entry.client, entry.document.path.rpartition("/")[0]) for entry in item.entries if not entry.disabled))


def _others(item: Pinned, neighbours: dict[tuple[str, str], dict[str, str]]) -> Mapping[str, str]:
    """Its own tools may be among them; a name is looked up among those first."""
    known = [neighbours[client] for client in _clients(item)]
    return known[0] if len(known) == 1 else {name: server for names in reversed(known) for name, server in names.items()}
