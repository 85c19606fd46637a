"""The way through a parsed value: pointers with `*` to values, every one of repeated keys, and the readings of an object with them."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.jsonc import Repeated
from mcp_audit_gate.sources.match import fits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Json, Pointer


class Site(NamedTuple):
    """A value in a document, with the way to it."""

    value: Json
    pointer: Pointer
    nth: tuple[int, ...]


def pad(site: Site) -> tuple[int, ...]:
    """The choices among equal keys, one for each step of the pointer."""
    missing = len(site.pointer) - len(site.nth)
    return (*site.nth, *(site.nth[-1:] or (-1,)) * missing)


def members(site: Site) -> Iterator[tuple[str, Site, bool]]:
    """Name, site, and whether it is the last of that name, for every pair of an object, repeated ones too."""
    assert isinstance(site.value, dict)
    if not isinstance(site.value, Repeated):
        for key, item in site.value.items():
            yield key, Site(item, (*site.pointer, key), site.nth and (*pad(site), -1)), True
        return
    total: dict[str, int] = {}
    for key, _ in site.value.pairs:
        total[key] = total.get(key, 0) + 1
    seen: dict[str, int] = {}
    for key, item in site.value.pairs:
        number = seen.get(key, 0)
        seen[key] = number + 1
        yield key, Site(item, (*site.pointer, key), (*pad(site), number)), number + 1 == total[key]


def sites(site: Site, parts: tuple[str, ...]) -> Iterator[Site]:
    """Every value that a pointer with `*` leads to; of repeated keys, each."""
    if not parts:
        yield site
    elif isinstance(site.value, dict):
        part = parts[0]
        if "*" in part or isinstance(site.value, Repeated):
            for key, inner, _ in members(site):
                if key == part or ("*" in part and fits(key, part)):
                    yield from sites(inner, parts[1:])
        elif part in site.value:
            yield from sites(Site(site.value[part], (*site.pointer, part), site.nth and (*pad(site), -1)), parts[1:])
    elif isinstance(site.value, list) and parts[0] == "*":
        for number, item in enumerate(site.value):
            yield from sites(Site(item, (*site.pointer, number), site.nth and (*pad(site), -1)), parts[1:])


def times(value: Json) -> int:
    """How often the most repeated key inside a value stands there."""
    if isinstance(value, dict):
        most = 1
        if isinstance(value, Repeated):
            counts: dict[str, int] = {}
            for key, _ in value.pairs:
                counts[key] = counts.get(key, 0) + 1
            most = max(counts.values())
        items: Iterator[Json] = (item for _, item in value.pairs) if isinstance(value, Repeated) else iter(value.values())
        return max([most, *(times(item) for item in items if isinstance(item, (dict, list)))])
    if isinstance(value, list):
        return max([1, *(times(item) for item in value if isinstance(item, (dict, list)))])
    return 1


def reading(value: Json, number: int) -> Json:
    """The value with one of each set of repeated keys: the one of that number, or the last of fewer; -1: the last."""
    if isinstance(value, Repeated):
        chosen: dict[str, list[Json]] = {}
        for key, item in value.pairs:
            chosen.setdefault(key, []).append(item)
        return {key: reading(items[min(number, len(items) - 1)], number) for key, items in chosen.items()}
    if isinstance(value, dict):
        return {key: reading(item, number) if isinstance(item, (dict, list)) else item for key, item in value.items()}
    if isinstance(value, list):
        return [reading(item, number) if isinstance(item, (dict, list)) else item for item in value]
    return value


def repeated(site: Site) -> Iterator[tuple[Site, str, int]]:
    """Every object with a repeated key in a document: the object, the key, how often."""
    if isinstance(site.value, Repeated):
        counts: dict[str, int] = {}
        for key, _ in site.value.pairs:
            counts[key] = counts.get(key, 0) + 1
        yield from ((site, key, count) for key, count in counts.items() if count > 1)
    if isinstance(site.value, dict):
        for _, inner, _ in members(site):
            if isinstance(inner.value, (dict, list)):
                yield from repeated(inner)
    elif isinstance(site.value, list):
        for number, item in enumerate(site.value):
            if isinstance(item, (dict, list)):
                yield from repeated(Site(item, (*site.pointer, number), site.nth and (*pad(site), -1)))


def cut(value: Json, limit: int) -> Json:
    """The value with every string cut to that many characters."""
    if isinstance(value, str):
        return value[:limit]
    if isinstance(value, dict):
        return {key: cut(item, limit) for key, item in value.items()}
    return [cut(item, limit) for item in value] if isinstance(value, list) else value
