"""What rules about declared texts share: the things a surface declares, their names in messages, their places, examples for the rule pages."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.metadata.said import Thing
    from mcp_audit_gate.model import Pinned, Place, Pointer, RuleInfo

LOCK = "mcp-audit.lock.json"
NEEDS = ("lock", "live")
_TITLES = {"tool": "Tool", "prompt": "Prompt", "resource": "Resource", "template": "Resource template"}


def example(description: str, name: str = "report", schema: dict[str, object] | None = None, **more: object) -> Callable[[], tuple[str, str]]:
    """An excerpt of a lockfile with one tool, as an example of a rule; written when somebody reads it."""

    def written() -> tuple[str, str]:
        import json

        tool = {"name": name, "description": description, "inputSchema": {"type": "object", **(schema or {})}, **more}
        return LOCK, json.dumps({"name": "docs", "tools": [tool]}, indent=2) + "\n"

    return written


def examples(info: RuleInfo) -> tuple[tuple[str, str], tuple[str, str]]:
    """The bad and the good example of a rule, each as (path, text of the file)."""
    bad, good = (each() if callable(each) else each for each in (info.example_bad, info.example_good))
    return bad, good


def things(pinned: Pinned) -> tuple[Thing, ...]:
    """Everything that a server declares, read."""
    from mcp_audit_gate.metadata import said

    return said.of(pinned).things()


def named(item: Item) -> str:
    """What a thing is called in a message."""
    return f'{_TITLES[item.kind]} "{visible(item.name, 80)}"' if item.kind in _TITLES else "The server's own text"


def place(pinned: Pinned, at: Pointer, offset: int = 0, key: bool = False) -> Place:
    """Where a text lies: in the lockfile, or on the server's entry."""
    from mcp_audit_gate.lock.places import of_text

    return of_text(pinned, at, offset, key)


def digest(*texts: str) -> str:
    """What a waiver is bound to: the words."""
    from hashlib import sha256

    return sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
