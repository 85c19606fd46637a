"""Questions about surfaces just observed: what differs between two starts, and whether one repeats a secret."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_audit_gate.model import Json, Surface

SHORTEST_SECRET = 8
_LISTS = (
    ("tools", "tool", "name"),
    ("prompts", "prompt", "name"),
    ("resources", "resource", "uri"),
    ("resource_templates", "template", "uriTemplate"),
)


def unstable(first: Surface, second: Surface) -> tuple[str, ...]:
    """The parts that two starts of one server show differently: `tool:NAME`, `resource:URI`, …, `instructions`, `serverInfo`, `protocolVersion`."""
    found = []
    for field, kind, name in _LISTS:
        one, other = _by_name(getattr(first, field), name), _by_name(getattr(second, field), name)
        found += [f"{kind}:{key}" for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
    parts = (("instructions", "instructions"), ("server_info", "serverInfo"), ("protocol_version", "protocolVersion"))
    found += [shown for field, shown in parts if _text(getattr(first, field)) != _text(getattr(second, field))]
    return tuple(found)


def repeats_secret(surface: Surface, secrets: Iterable[str]) -> bool:
    """True when a value of at least eight characters that was handed to the server stands in anything it declares."""
    wanted = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
    return bool(wanted) and any(secret in text for text in _strings(surface) for secret in wanted)


def _by_name(items: Iterable[dict[str, Json]], name: str) -> dict[str, list[str]]:
    """The items of each name as texts, in an order of their own."""
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(str(item[name]), []).append(_text(item))
    return {key: sorted(texts) for key, texts in found.items()}


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _strings(surface: Surface) -> Iterable[str]:
    """Every key and every string of a surface."""
    pending: list[object] = list(surface)
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending += [*value, *value.values()]
        elif isinstance(value, (list, tuple)):
            pending += value
