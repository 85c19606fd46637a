"""How a local server listens: on which interfaces, and whether it asks who is there. Entries in, hits out; part of family transport."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.sources import flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Entry, Launch, Pointer

NAME_LIMIT = 80


def title(entry: Entry) -> str:
    """How messages call an entry: `Server "name"`, or the setting whose command it is."""
    if entry.kind == "server":
        return f'Server "{visible(entry.name, NAME_LIMIT)}"'
    return f"The command of {visible('.'.join(str(step) for step in entry.pointer), NAME_LIMIT)}"


WILDCARD_BIND = RuleInfo(
    id="wildcard-bind",
    family="transport",
    severity="medium",
    title="A local server listens on all network interfaces",
    why="Everyone on the same network, and every container on the machine, can then reach the server, and most MCP servers ask nobody who they are.",
    looks_at="Flags and variables that say where to listen (`--host`, `HOST`, `FASTMCP_HOST`, …), published ports of containers, and servers whose "
    "HTTP mode is known to listen everywhere. What listens inside a container without a published port is left out, and so are servers on stdio.",
    fix="Listen on 127.0.0.1 (`--host 127.0.0.1`, `-p 127.0.0.1:3000:3000`).",
    references=("CWE-668", "CWE-1188", "CoSAI T8", "CVE-2026-49257", "CVE-2026-48989", "CVE-2026-45805"),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "--http", "--host", "0.0.0.0", "--port", "3000"]}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "--http", "--host", "127.0.0.1", "--port", "3000"]}}}\n',
    ),
)


def wildcard_bind(entry: Entry) -> Iterator[Hit]:
    """Addresses to listen at, published ports and open servers that mean every interface."""
    for launch in entry.launches:
        for at, text in _wide(launch, entry.value.get("type") in ("stdio", "local")):
            message = f"{title(entry)} listens on every network interface ({visible(text, NAME_LIMIT)})."
            yield Hit(entry.place(at), message, text)


# One of these stands in every spelling of "everywhere", and in every server of the shipped list.
_WIDE_MARKS = ("0.0.0.0", "::", "*", "+", "\n:", "=:", "-:", "\n0\n", "=0\n", "server-everything", "supergateway")  # noqa: S104 - compared, not bound


def _wide(launch: Launch, declared_stdio: bool) -> Iterator[tuple[Pointer, str]]:
    """Where a launch says that it listens everywhere, and in which words."""
    text = flags.blob(launch) if launch.words else ""
    marked = any(mark in text for mark in _WIDE_MARKS)
    if marked or launch.runner == "docker run":
        from mcp_audit_gate.rules import ports

        yield from ports.wide(launch, declared_stdio, marked)


AUTH_DISABLED = RuleInfo(
    id="auth-disabled",
    family="transport",
    severity="high",
    title="Authentication or the origin check of a local HTTP server is off",
    why="Any web page the user opens, and anyone on the network, can then drive the server with the user's rights.",
    looks_at="Flags and variables that switch authentication or the check of a browser's origin off, in entries that open a port, and those of "
    "MCP Inspector anywhere. A variable that names another service (`REDIS_AUTH_ENABLED`) is left out, and so are servers on stdio.",
    fix="Remove it.",
    references=("CWE-306", "CWE-942", "OWASP MCP07", "SAFE-T1005", "CVE-2025-49596", "CVE-2026-33010"),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "--port", "3000", "--no-auth"]}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "--port", "3000"]}}}\n',
    ),
)


# One of these stands in the name of every switch.
_AUTH_MARKS = ("auth", "origin", "cors", "rebinding", "anonymous", "host_check", "host-check", "_hosts", "-hosts")


def auth_disabled(entry: Entry) -> Iterator[Hit]:
    """Switches for authentication and origin checks of servers that can be reached over HTTP."""
    for launch in entry.launches:
        text = flags.blob(launch)
        if not any(mark in text for mark in _AUTH_MARKS):
            continue
        from mcp_audit_gate.rules import ports

        found = list(ports.without_auth(launch))
        reached = bool(found) and ports.opens(launch) and "stdio" not in ports.modes(launch)
        for at, name, always in found:
            if always or reached:
                fact = "takes requests from any web page" if _about_origin(name) else "does not ask who is there"
                yield Hit(entry.place(at), f"{title(entry)} {fact} ({visible(name, NAME_LIMIT)}).", name)


def _about_origin(name: str) -> bool:
    lower = name.lower()
    return any(word in lower for word in ("origin", "cors", "host", "rebinding"))


RULES: tuple[Rule, ...] = (Rule(WILDCARD_BIND, wildcard_bind, alike=True), Rule(AUTH_DISABLED, auth_disabled, alike=True))
