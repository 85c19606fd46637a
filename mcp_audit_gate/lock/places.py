"""Where a text that a server declares lies: in the lockfile, on its line, or on the server's entry when nothing is pinned."""

from __future__ import annotations

from mcp_audit_gate.lock.spelling import place_steps
from mcp_audit_gate.model import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Json, Pin, Pinned, Pointer, Surface

_FIELDS = {"prompts": "prompts", "resources": "resources", "resourceTemplates": "resource_templates", "tools": "tools"}


def of_text(pinned: Pinned, at: Pointer, offset: int = 0, key: bool = False) -> Place:
    """The place of a text or key; `at` leads to it from the pin through true values, offset is a character of the text.

    `at` begins with `instructions`, `serverInfo`, or a list, a number and `definition` (`tools`, 3, `definition`, `description`).
    """
    if pinned.pin.document is None:
        return pinned.entries[0].place(key=True)
    return in_lock(pinned.pin, at, None if key else offset, key)


def in_lock(pin: Pin, at: Pointer, offset: int | None = None, key: bool = False) -> Place:
    """The same for a pin that was read from a lockfile; without an offset the value as a whole."""
    assert pin.document is not None
    head, rest = at[:3], at[3:]
    if at[:1] and at[0] in _FIELDS and len(at) > 2:
        steps = (*head, *place_steps(declared_at(pin.surface, head), rest, offset))
    else:
        steps = (*at[:1], *place_steps(declared_at(pin.surface, at[:1]), at[1:], offset))
    return Place(pin.document, (*pin.pointer, *steps), key=key)


def declared_at(surface: Surface, at: Pointer) -> Json:
    """The true value that `at` leads to below a pin; None where there is none."""
    first = at[0] if at else ""
    value: Json
    if first in _FIELDS and len(at) > 2 and isinstance(at[1], int):
        listed = getattr(surface, _FIELDS[str(first)])
        value = listed[at[1]] if at[1] < len(listed) else None
        at = at[3:]
    else:
        value = {"instructions": surface.instructions, "serverInfo": surface.server_info, "protocolVersion": surface.protocol_version}.get(str(first))
        at = at[1:]
    return value_at(value, at)


def value_at(value: Json, at: Pointer) -> Json:
    """The value at a place; None where there is none."""
    for step in at:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
