"""Pins and a judge for the tests of drift: what is an order, an address or an ability is told by words that stand in the text."""

from __future__ import annotations

from typing import Any

from mcp_audit_gate.lock.lockfile import observed
from mcp_audit_gate.metadata.declared import Item, items
from mcp_audit_gate.model import Capability, Change, Pin, Surface

LAUNCH = {"transport": "stdio", "command": "npx", "args": ["-y", "@acme/files@1.4.2"], "package": "npm:@acme/files@1.4.2"}
S = {"type": "string"}


class Words:
    """Says ORDER brings an order; RUNS, WRITES, SENDS, READS and MAYBE are abilities."""

    calls = 0

    def introduced(self, before: str, after: str, item: Item, pin: Pin) -> tuple[str, ...]:
        assert pin.surface
        return ("an order to the model",) if "ORDER" in after and "ORDER" not in before else ()

    def capabilities(self, pin: Pin) -> tuple[Capability, ...]:
        Words.calls += 1
        words = {"RUNS": "shell_execution", "WRITES": "file_write", "SENDS": "exfiltration", "READS": "file_read", "MAYBE": "destructive"}
        return tuple(
            Capability(item.subject, able, "low" if word == "MAYBE" else "high", f"says {word}")
            for item in items(pin.surface)
            for word, able in words.items()
            if word in str(item.value)
        )


def tool(name: str = "read_file", description: str = "Reads a file.", properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties or {"path": S}}, **more}


def pin(*tools: dict[str, Any], name: str = "files", launch: dict[str, Any] = LAUNCH, resolved: str | None = None, **surface: Any) -> Pin:
    lists = {key: tuple(surface.pop(key, ())) for key in ("prompts", "resources", "resource_templates")}
    info = {"server_info": {"name": "files", "version": "1.0.0"}, "protocol_version": "2025-11-25", **surface}
    return observed(name, launch, Surface(tools=tools, **lists, **info), resolved)


def kinds(changes: tuple[Change, ...]) -> list[str]:
    return [change.kind for change in changes]
