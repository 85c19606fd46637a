"""The Judge of drift: what metadata knows about words and abilities, with the names of all servers of the run around a text."""

from __future__ import annotations

from mcp_audit_gate.metadata.introduced import introduced
from mcp_audit_gate.metadata.signals import names_of
from mcp_audit_gate.metadata.surface import of_surface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.model import Capability, Pin


class Judging:
    """Answers with the tools of the other pins as other servers' tools."""

    def __init__(self, pins: Iterable[Pin]) -> None:
        self._tools = {pin.name: tool_names(pin) for pin in pins}

    def introduced(self, before: str, after: str, item: Item, pin: Pin) -> tuple[str, ...]:
        """What a text newly brings compared with an earlier one, in words."""
        others = {tool: server for server, tools in self._tools.items() if server != pin.name for tool in tools}
        return introduced(before, after, names_of(item, tool_names(pin), others))

    def capabilities(self, pin: Pin) -> tuple[Capability, ...]:
        """What each thing that a server declares can do."""
        return of_surface(pin.surface)


def tool_names(pin: Pin) -> frozenset[str]:
    """The names of a server's tools, in lower case."""
    return frozenset(str(tool.get("name")).lower() for tool in pin.surface.tools)
