"""Hints against names: what a tool's annotations claim and its name and schema contradict. Words in data/abilities.json."""

from __future__ import annotations

from mcp_audit_gate.metadata.declared import parameters, text_of
from mcp_audit_gate.metadata.surface import base, name_words, table
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.metadata.declared import Item


class Lie(NamedTuple):
    """A hint, the verb of the name that it contradicts, and what confirms the verb: a parameter or a word of the description."""

    hint: str
    verb: str
    sign: str


def contradicted(item: Item) -> Lie | None:
    """The hint that two signs speak against; None when there is no hint, or not enough against it."""
    hints = item.definition.get("annotations")
    if item.kind != "tool" or not isinstance(hints, dict):
        return None
    harmless = "readOnlyHint" if hints.get("readOnlyHint") is True else "destructiveHint" if hints.get("destructiveHint") is False else ""
    if not harmless:
        return None
    kind = "changing" if harmless == "readOnlyHint" else "destroying"
    words = table()["hints"]
    name = name_words(item.name)
    verb = next((word for word in name[:2] if base(word, words[kind])), "")
    if not verb or not words["harmless"].isdisjoint(name) or (name[0] != verb and base(name[0], words["leading"])):
        return None
    sign = _sign(item, kind, base(verb, words[kind]))
    return Lie(harmless, verb, sign) if sign else None


def _sign(item: Item, kind: str, verb: str) -> str:
    """A verb of the kind at the head of the description, or (for changes) a parameter that takes what is written, sent or run."""
    words = table()["hints"]
    described = text_of(item.definition.get("description")).lower()
    runs = verb in ("exec", "execute", "run")
    # What runs a query may be unable to change anything. Of a tool that writes or deletes the words are as good as the hint.
    if runs and any(word in described[:300] for word in ("read-only", "read only", "readonly")):
        return ""
    spoken = next((word.strip(".,:") for word in described.split()[:3] if base(word.strip(".,:"), words[kind])), "")
    if spoken:
        return spoken
    wanted = words["running"] if runs else words["confirming"]
    found = next((name for name in parameters(item.definition) if name.lower() in wanted), "")
    return found if kind == "changing" else ""
