"""Whether an item of a list has the shape that the protocol gives it: the members that rules and clients read, by type."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_audit_gate.model import Json

    Members = Mapping[str, tuple[tuple[type, ...], bool]]

# Member: its types, and whether it must be there. Specifications 2024-11-05 to 2026-07-28, seen 2026-11-22; what they do not name is free.
_TEXT, _OBJECT, _LIST, _FLAG, _NUMBER = (str,), (dict,), (list,), (bool,), (int, float)
_SHARED = {
    "title": (_TEXT, False),
    "description": (_TEXT, False),
    "icons": (_LIST, False),
    "_meta": (_OBJECT, False),
    "annotations": (_OBJECT, False),
}
_MEMBERS: Mapping[str, Members] = {
    "tools": {"name": (_TEXT, True), "inputSchema": (_OBJECT, True), "outputSchema": (_OBJECT, False), "execution": (_OBJECT, False), **_SHARED},
    "prompts": {"name": (_TEXT, True), "arguments": (_LIST, False), **_SHARED},
    "resources": {"uri": (_TEXT, True), "name": (_TEXT, False), "mimeType": (_TEXT, False), "size": (_NUMBER, False), **_SHARED},
    "resourceTemplates": {"uriTemplate": (_TEXT, True), "name": (_TEXT, False), "mimeType": (_TEXT, False), **_SHARED},
}
_HINTS = {"title": (_TEXT, False), **dict.fromkeys(("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"), (_FLAG, False))}
_ARGUMENT = {"name": (_TEXT, True), "title": (_TEXT, False), "description": (_TEXT, False), "required": (_FLAG, False)}
_WORDS = {_TEXT: "text", _OBJECT: "an object", _LIST: "a list", _FLAG: "true or false", _NUMBER: "a number"}


def wrong_shape(key: str, item: Json) -> str:
    """What is wrong with an item of the list `key`, "" when nothing is. A member that may be absent may be null as well."""
    if not isinstance(item, dict):
        return "it is no object"
    found = _wrong(_MEMBERS[key], item)
    hints = item.get("annotations")
    if not found and key == "tools" and isinstance(hints, dict):
        found = _wrong(_HINTS, hints, "annotations.")
    arguments = item.get("arguments") if key == "prompts" else None
    for number, argument in enumerate(arguments if isinstance(arguments, list) and not found else ()):
        found = found or (_wrong(_ARGUMENT, argument, f"arguments.{number}.") if isinstance(argument, dict) else f"arguments.{number} is no object")
    return found


def _wrong(members: Members, value: dict[str, Json], below: str = "") -> str:
    for name, (types, needed) in members.items():
        given = value.get(name)
        if given is None:
            if needed:
                return f"{below}{name} is {'null' if name in value else 'missing'}"
        elif not isinstance(given, types) or (isinstance(given, bool) and types is not _FLAG):
            return f"{below}{name} is not {_WORDS[types]}"
    return ""
