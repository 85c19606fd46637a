"""How messages name an entry and a place in it. Shared by the rules of all families."""

from __future__ import annotations

from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Entry, Pointer


def server(entry: Entry) -> str:
    """The name of an entry, at the beginning of a sentence."""
    if entry.kind == "command":
        return f"The command in {visible(masked_name(str(entry.pointer[0])) if entry.pointer else entry.document.path, 80)}"
    return f'Server "{visible(masked_name(entry.name), 80)}"'


def field(at: Pointer) -> str:
    """A pointer below the entry as people write it: args[1]."""
    return visible(masked_name("".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip(".")), 80) or "the entry"
