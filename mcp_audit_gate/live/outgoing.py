"""What a model is sent about tools: what servers declare in; name, description and parameter names without secrets, in bounded batches, out."""

from __future__ import annotations

import json

from mcp_audit_gate.metadata.credentials import mask
from mcp_audit_gate.metadata.declared import Item, items, text_of
from mcp_audit_gate.metadata.text import escaped
from mcp_audit_gate.model import Pinned
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcp_audit_gate.model import Context, Json

DESCRIPTION = 16_000  # characters of a description that are sent
NAME = 200  # characters of a name
PARAMETERS = 200  # names of a tool
BATCH_TOOLS = 20
BATCH_CHARACTERS = 40_000
# Members of a schema that are schemas or lists of them, and those whose values are.
_SCHEMAS = ("items", "prefixItems", "additionalProperties", "anyOf", "oneOf", "allOf", "not", "if", "then", "else")
_MAPS = ("$defs", "definitions", "patternProperties", "dependentSchemas", "properties")


class Tool(NamedTuple):
    """A tool as it is sent, and where it comes from. cut: what of it was left out, "" for nothing."""

    about: Pinned
    item: Item
    name: str
    description: str
    parameters: tuple[str, ...]
    cut: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is sent of it."""
        return self.name, self.description, *self.parameters


def tools(context: Context) -> Iterator[tuple[Tool, ...]]:
    """The tools of each server that a client would start: as pinned, then those that it just listed with another text."""
    served: dict[int, set[tuple[str, ...]]] = {}
    for about in context.pinned:
        if not _is_used(about):
            continue
        known = tuple(_tools(about))
        yield known
        for entry in about.entries:
            served.setdefault(id(entry), set()).update(tool.texts for tool in known)
    for seen in context.observed:
        pin = seen.pin or seen.partial
        if pin is not None and _is_used(about := Pinned(pin, seen.entries)):
            yield tuple(tool for tool in _tools(about) if tool.texts not in served.get(id(seen.entries[0]), ()))


def batches(found: Iterable[Tool]) -> Iterator[tuple[Tool, ...]]:
    """The tools of one server in portions for one request each; no request mixes servers, so no text can speak for another server's tools."""
    batch: list[Tool] = []
    length = 0
    for tool in found:
        more = sum(map(len, tool.texts))
        if batch and (len(batch) == BATCH_TOOLS or length + more > BATCH_CHARACTERS):
            yield tuple(batch)
            batch, length = [], 0
        batch.append(tool)
        length += more
    if batch:
        yield tuple(batch)


def written(batch: Iterable[Tool], name: Callable[[Tool], str], tag: str) -> str:
    """The batch as data: JSON between tags that nothing in it can close, with what a reader cannot see as escapes."""
    told: list[Json] = [{"id": name(tool), "name": tool.name, "description": tool.description, "parameters": list(tool.parameters)} for tool in batch]
    text = escaped(json.dumps({"tools": told}, ensure_ascii=False)).replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<{tag}>\n{text}\n</{tag}>"


def _is_used(about: Pinned) -> bool:
    return any(not entry.sample and not entry.disabled for entry in about.entries)


def _tools(about: Pinned) -> Iterator[Tool]:
    for item in items(about.pin.surface):
        if item.kind == "tool":
            yield _tool(about, item)


def _tool(about: Pinned, item: Item) -> Tool:
    """The tool without secrets and within bounds. Masking looks further than the cut, so that no half of a secret is left."""
    description = text_of(item.definition.get("description"))
    names = _names(item.definition.get("inputSchema"))
    long = [
        word
        for word, is_cut in (
            (f"its description after {DESCRIPTION} characters", len(description) > DESCRIPTION),
            (f"its parameters after {PARAMETERS}", len(names) > PARAMETERS),
            (f"its names after {NAME} characters", any(len(name) > NAME for name in (item.name, *names[:PARAMETERS]))),
        )
        if is_cut
    ]
    shown = tuple(_bounded(name, NAME) for name in names[:PARAMETERS])
    return Tool(about, item, _bounded(item.name, NAME), _bounded(description, DESCRIPTION), shown, " and ".join(long))


def _bounded(text: str, limit: int) -> str:
    return mask(text[: 2 * limit])[:limit]


def _names(schema: Json) -> list[str]:
    """The names of all parameters, those of objects inside others too, once each; a few more than are sent at most."""
    found: dict[str, None] = {}
    pending: list[Json] = [schema]
    while pending and len(found) <= PARAMETERS:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(reversed(value))
        elif isinstance(value, dict):
            properties = value.get("properties")
            found.update(dict.fromkeys(properties) if isinstance(properties, dict) else {})
            maps = [value.get(key) for key in _MAPS]
            pending.extend(value[key] for key in _SCHEMAS if key in value)
            pending.extend(inner for members in maps if isinstance(members, dict) for inner in reversed(members.values()))
    return list(found)
