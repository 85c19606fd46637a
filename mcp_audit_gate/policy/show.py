"""The policy in force as YAML, with a comment that says where each part comes from: layers in, text out."""

from __future__ import annotations

from mcp_audit_gate.model import Place
from mcp_audit_gate.policy.policy import same_name
from mcp_audit_gate.policy.scalars import scalar
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from mcp_audit_gate.policy.policy import Layer, Policy


class Leaf(NamedTuple):
    """A scalar and where it comes from."""

    value: Any
    source: str


def show(policy: Policy) -> str:
    """A policy file that says by itself what the given one says with all that it extends."""
    layers = policy.layers
    lines = [f"# The policy in force: {_comment(' > '.join(layer.source for layer in layers))}"]
    lines += _lines(_whole(layers), "")
    return "".join(line + "\n" for line in lines)


def _whole(layers: Sequence[Layer]) -> dict[str, Any]:
    """Mappings, lists and leaves in the order of the documentation."""
    tree: dict[str, Any] = {}
    for layer in layers:
        tree.update({key: Leaf(value, layer.source) for key, value in layer.value.items() if key in ("version", "fail-on", "max-risk")})
    tree["require"] = _leaves(layers, "require")
    tree["deny"] = _lists(layers, "deny", united=True)
    tree["allow"] = _lists(layers, "allow", united=False)
    tree["rules"] = _leaves(layers, "rules")
    tree["servers"] = _servers(layers)
    tree["exclude"] = _united((item, layer.source) for layer in layers for item in _part(layer, "exclude", []))
    tree["waivers"] = [item for layer in layers for item in _waivers(layer)]
    return {key: value for key, value in tree.items() if value not in ({}, [])}


def _part(layer: Layer, key: str, default: Any) -> Any:
    return layer.value.get(key, default)


def _leaves(layers: Sequence[Layer], key: str) -> dict[str, Leaf]:
    return {name: Leaf(value or _falsy(key), layer.source) for layer in layers for name, value in _part(layer, key, {}).items()}


def _falsy(key: str) -> Any:
    return "off" if key == "rules" else False


def _lists(layers: Sequence[Layer], key: str, united: bool) -> dict[str, list[Leaf]]:
    lists: dict[str, list[tuple[str, str]]] = {}
    for layer in layers:
        for name, items in _part(layer, key, {}).items():
            lists[name] = [*(lists.get(name, []) if united else []), *((item, layer.source) for item in items)]
    return {name: _united(items) for name, items in lists.items()}


def _united(items: Iterable[tuple[str, str]]) -> list[Leaf]:
    """Each item once, with the layer that named it first."""
    first: dict[str, str] = {}
    for item, source in items:
        first.setdefault(item, source)
    return [Leaf(item, source) for item, source in first.items()]


def _servers(layers: Sequence[Layer]) -> dict[str, dict[str, Any]]:
    names: dict[str, str] = {}
    servers: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for name, value in _part(layer, "servers", {}).items():
            server = servers.setdefault(names.setdefault(same_name(name), name), {})
            if "max-risk" in value:
                server["max-risk"] = Leaf(value["max-risk"], layer.source)
            if value.get("rules"):
                server.setdefault("rules", {}).update({rule: Leaf(level or "off", layer.source) for rule, level in value["rules"].items()})
    return {name: server for name, server in servers.items() if server}


def _waivers(layer: Layer) -> Iterator[dict[str, Leaf]]:
    for number, value in enumerate(_part(layer, "waivers", [])):
        assert layer.document is not None
        line = layer.document.locate(Place(layer.document, ("waivers", number))).start_line
        yield {key: Leaf(member, f"{layer.source}:{line}" if key == "rule" else "") for key, member in value.items()}


def _lines(tree: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in tree.items():
        name = f"{indent}{scalar(key)}:"
        if isinstance(value, Leaf):
            yield f"{name} {value.value if key == 'expires' else _leaf(value)}"
        elif isinstance(value, dict):
            yield name
            yield from _lines(value, f"{indent}  ")
        elif not value:
            yield f"{name} []"
        else:
            yield name
            for item in value:
                yield from _item(item, f"{indent}  ")


def _item(item: Leaf | Mapping[str, Leaf], indent: str) -> Iterator[str]:
    if isinstance(item, Leaf):
        yield f"{indent}- {_leaf(item)}"
        return
    for number, line in enumerate(_lines(item, "")):
        yield f"{indent}{'  ' if number else '- '}{line}"


def _leaf(leaf: Leaf) -> str:
    value = leaf.value
    text = ("true" if value else "false") if isinstance(value, bool) else scalar(value) if isinstance(value, str) else str(value)
    return f"{text}  # {_comment(leaf.source)}" if leaf.source else text


def _comment(text: str) -> str:
    return scalar(text).strip('"') if not text.isprintable() else text


def describe(policy: Policy) -> str:
    """One line about a valid policy: what it extends, its threshold, its waivers."""
    number = len(policy.waivers)
    base = " > ".join(layer.source for layer in policy.layers[:-1])
    extends = f", on top of {_comment(base)}" if base else ""
    return f"{_comment(policy.name)}: valid; fails on {policy.fail_on}{extends}; {number} waiver{'' if number == 1 else 's'}"
