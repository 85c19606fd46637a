"""What drift asks of those who know words and abilities: the question, and metadata's answer."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.metadata.words import Names
    from mcp_audit_gate.model import Capability, Pin

    class Judge(Protocol):
        """What is known about words and abilities."""

        def introduced(self, before: str, after: str, item: Item, pin: Pin) -> tuple[str, ...]:
            """What a text newly brings compared with an earlier one ("" for none), in words; () for nothing.

            An order to the model; a URL, a path or another server's tool together with a directive; a hidden character. item: what
            the text belongs to. pin: its server.
            """
            ...

        def capabilities(self, pin: Pin) -> tuple[Capability, ...]:
            """What each thing that a server declares can do; their subjects are those of metadata.declared.items."""
            ...


class Known:
    """The Judge of a run: it knows the tools of all its servers, so that a text which names another server's tool is told."""

    __slots__ = ("_item", "_pin", "_tools")

    def __init__(self, pins: Iterable[Pin]) -> None:
        self._tools: dict[str, set[str]] = {}
        self._pin: tuple[Pin, frozenset[str], dict[str, str]] | None = None
        self._item: tuple[Item, Names] | None = None
        for pin in pins:
            self._tools.setdefault(pin.name, set()).update(_names(pin))

    def introduced(self, before: str, after: str, item: Item, pin: Pin) -> tuple[str, ...]:
        """What a text newly brings, by metadata.introduced."""
        from mcp_audit_gate.metadata.introduced import introduced

        return introduced(before, after, self._around(item, pin))

    def _around(self, item: Item, pin: Pin) -> Names:
        """What names mean in the texts of an item; they are asked for one item after the other, pin by pin."""
        if self._pin is None or self._pin[0] is not pin:
            siblings = frozenset(_names(pin))
            others = {name: server for server in sorted(self._tools) if server != pin.name for name in self._tools[server] - siblings}
            self._pin, self._item = (pin, siblings, others), None
        if self._item is None or self._item[0] is not item:
            from mcp_audit_gate.metadata.signals import names_of

            self._item = item, names_of(item, self._pin[1], self._pin[2])
        return self._item[1]

    def capabilities(self, pin: Pin) -> tuple[Capability, ...]:
        """What each thing can do, by metadata.surface."""
        from mcp_audit_gate.metadata.surface import of_surface

        return of_surface(pin.surface)


def _names(pin: Pin) -> Iterable[str]:
    return (str(tool["name"]).lower() for tool in pin.surface.tools if isinstance(tool.get("name"), str))
