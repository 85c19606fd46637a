"""How messages name an entry, a place in it, and what it fetches. Shared by the rules of all families."""

from __future__ import annotations

import itertools

from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Image, Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Entry, Launch, Pointer


def server(entry: Entry) -> str:
    """The name of an entry, at the beginning of a sentence."""
    if entry.kind == "command":
        return f"The command in {visible(masked_name(str(entry.pointer[0])) if entry.pointer else entry.document.path, 80)}"
    return f'Server "{visible(masked_name(entry.name), 80)}"'


def field(at: Pointer) -> str:
    """A pointer below the entry as people write it: args[1]."""
    return visible(masked_name("".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip(".")), 80) or "the entry"


def shown(launch: Launch, what: Package | Image) -> str:
    """The package or image as messages show it: never an address, and nothing that may be a credential."""
    return named(what, hides(launch, what))


def named(what: Package | Image, hidden: bool) -> str:
    """The same for those who know already whether the name may be a credential."""
    text = _name(what)
    return "code" if not text or hidden else f'"{visible(text, 80)}"'


def _name(what: Package | Image) -> str:
    """What a package or image goes by: as written, or its name when that is an address."""
    if isinstance(what, Package) and (what.source or "://" in what.text):
        name = what.name.partition("?")[0].partition("#")[0]
        return "" if "://" in name else name
    return what.text


def hides(launch: Launch, what: Package | Image) -> bool:
    """True when the name holds a credential, by its form or because a flag before it says so (`npx --token … pkg`)."""
    from mcp_audit_gate.metadata.credentials import is_secret_name, judge

    before = next((flag.text for flag, word in itertools.pairwise(launch.line) if word.text == what.text), "")
    return bool(judge(_name(what))) or (before.startswith("-") and is_secret_name(before))
