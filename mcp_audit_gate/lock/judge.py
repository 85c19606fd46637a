"""What drift asks of those who know words and abilities; metadata answers, the gate joins the two."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from mcp_audit_gate.metadata.declared import Item
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
