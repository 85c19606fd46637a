"""What a client might read and no shape reaches: servers under unknown keys, inherited members, keys in another case."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.clients import SHARING
from mcp_audit_gate.sources.fields import ADDRESSES, PROGRAMS
from mcp_audit_gate.sources.walk import Site, members

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Json, Pointer
    from mcp_audit_gate.sources.clients import Row

MAX_DEPTH = 4
_IGNORED = frozenset(("inputs", "hooks", "statusLine"))
# Crush is written in Go, whose JSON reader takes keys in any case.
_ANY_CASE = frozenset(("mcp", "command", "args", "url", "env", "headers", "type", "disabled", "permissions", "allowed_tools"))


class Stray(NamedTuple):
    """A place that was not judged, and what to do about it."""

    site: Site
    reason: str
    hint: str


def strays(root: Site, text: str, row: Row, name: str, read: set[Pointer]) -> Iterator[Stray]:
    """Everything of the kinds above in one document; `read` holds the pointers of what was read, and of all above it."""
    if "__proto__" in text or "\\u" in text:
        yield from _inherited(root, 0)
    if row.client == "crush":
        yield from _other_case(root, 0)
    if "mcp" in name.lower() and not row.free:
        yield from _unknown(root, read, 0)


def is_foreign(row: Row, value: Json) -> bool:
    """True for a root that is no map and need not be one: another program's file of the same name, with nothing in it that looks like a server."""
    if row.free or row.client not in SHARING or not isinstance(value, list):
        return row.free
    telling = {*PROGRAMS, *ADDRESSES, "mcp", "mcpServers", "servers"}
    return not any(isinstance(item, dict) and telling & item.keys() for item in value)


def _inherited(site: Site, depth: int) -> Iterator[Stray]:
    """Members under `__proto__`, which JavaScript clients see as if they stood one level higher."""
    if isinstance(site.value, dict) and depth < MAX_DEPTH:
        for key, inner, _ in members(site):
            if key == "__proto__" and isinstance(inner.value, dict):
                yield Stray(inner, "members under `__proto__`, which some clients take for the object's own", "move them into the object")
            yield from _inherited(inner, depth + 1)


def _other_case(site: Site, depth: int) -> Iterator[Stray]:
    if isinstance(site.value, dict) and depth < MAX_DEPTH:
        for key, inner, _ in members(site):
            if key.lower() in _ANY_CASE and key != key.lower() and depth != 1:
                yield Stray(inner, f"the client reads this key as {key.lower()!r}", "write it in lower case")
            yield from _other_case(inner, depth + 1)


def _unknown(site: Site, read: set[Pointer], depth: int) -> Iterator[Stray]:
    """Maps and lists that hold servers where no client is known to look."""
    if not isinstance(site.value, dict) or depth >= MAX_DEPTH:
        return
    for key, inner, _ in members(site):
        if key.startswith(("_", "//", "$")) or key in _IGNORED or (inner.pointer in read and depth >= 1):
            continue
        if inner.pointer not in read and _holds_servers(inner.value):
            yield Stray(inner, "servers under a key that no client of this file is known to read", "move them under mcpServers, or delete them")
        elif inner.pointer not in read:
            yield from _unknown(inner, read, depth + 1)


def _holds_servers(value: Json) -> bool:
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return any(
        isinstance(item, dict) and any(isinstance(item.get(key), (str, list)) and item[key] for key in (*PROGRAMS, *ADDRESSES)) for item in items
    )
