"""An honest server written with the official library, on any of its three transports: `stdio`, `streamable-http PORT`, `sse PORT`."""

from __future__ import annotations

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("official", instructions="Ask.")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.prompt()
def greet(name: str) -> str:
    """Greets."""
    return f"Hello {name}"


@server.resource("note://{number}")
def note(number: str) -> str:
    """A note."""
    return number


if __name__ == "__main__":
    more = {"port": int(sys.argv[2])} if len(sys.argv) > 2 else {}
    server.run(transport=sys.argv[1], **more)
