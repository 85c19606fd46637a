"""One JSON message from a server: bytes in; its value, its repeated keys, or a reason to refuse it out.

Stricter than the client library, which takes the last of two equal keys unseen, NaN for a number, and gives up without a word on deep values.
"""

from __future__ import annotations

import json

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mcp_audit_gate.model import Json, Pointer

NESTING = 128
READINGS = 4  # of a message with repeated keys, the usual one among them
DIGITS = 4300  # as many as Python reads without work that grows with their square


class Unfit(ValueError):  # noqa: N818 - a state of the message
    """Why a message is refused. `parsed`: it was JSON, only not fit to be judged."""

    def __init__(self, reason: str, parsed: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.parsed = parsed


class Repeated(NamedTuple):
    """A key that stands more than once in an object: where the object stands, and all values in their order."""

    at: Pointer
    key: str
    values: tuple[Json, ...]


class Message(NamedTuple):
    """The value of a message, its repeated keys, and what it is to a client that takes another value of such a key than the last."""

    value: Json
    repeated: tuple[Repeated, ...]
    others: tuple[Json, ...] = ()


def size(data: bytes) -> int:
    """An upper bound of the number of values in a message, told before memory is spent on them."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") + 1


def read(data: bytes) -> Message:
    """The message in one line or body; raises Unfit."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unfit(f"not UTF-8 (byte {error.start})", parsed=False) from None
    reader = _Reader()
    try:
        value = reader.decode(text)
    except RecursionError:
        raise Unfit(f"nested deeper than {NESTING} levels") from None
    except json.JSONDecodeError as error:
        raise Unfit(f"not JSON (at character {error.pos:,})", parsed=False) from None
    if _deeper(value, NESTING):
        raise Unfit(f"nested deeper than {NESTING} levels")
    if b"\\u" in data and not _encodable(value):
        raise Unfit("no proper Unicode: it holds half of a surrogate pair")
    return Message(value, _placed(value, reader.repeated), _others(value, reader.repeated)) if reader.repeated else Message(value, ())


class _Reader:
    """A json decoder that remembers objects with repeated keys and refuses what is no JSON number."""

    def __init__(self) -> None:
        self.repeated: list[tuple[dict[str, Json], list[tuple[str, Json]]]] = []
        decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=_constant, parse_float=_float, parse_int=_int)
        self.decode = decoder.decode

    def _object(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        value = dict(pairs)
        if len(value) != len(pairs):
            self.repeated.append((value, pairs))
        return value


def _constant(text: str) -> Any:
    raise Unfit(f"not JSON: it holds {text}")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Unfit("not JSON: it holds a number too large to be one")
    return value


def _int(text: str) -> int:
    if len(text) > DIGITS:
        raise Unfit(f"not to be read exactly: it holds a number of more than {DIGITS:,} digits")
    if len(text) > 308:  # beyond it the canonical form has no number
        _float(text)
    return int(text)


def _deeper(value: Json, limit: int) -> bool:
    level: list[Json] = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
    return bool(level)


def _encodable(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _placed(value: Json, found: list[tuple[dict[str, Json], list[tuple[str, Json]]]]) -> tuple[Repeated, ...]:
    """Where the objects with repeated keys stand; those that only an overwritten value held are told by the values of that key."""
    wanted = {id(item): pairs for item, pairs in found}
    placed = []
    pending: list[tuple[Pointer, Json]] = [((), value)]
    while pending:
        at, item = pending.pop()
        if isinstance(item, dict):
            pending += [((*at, key), child) for key, child in item.items() if isinstance(child, (dict, list))]
            if id(item) in wanted:
                placed += _repeats(at, wanted[id(item)])
        elif isinstance(item, list):
            pending += [((*at, number), child) for number, child in enumerate(item) if isinstance(child, (dict, list))]
    return tuple(sorted(placed, key=lambda one: ([str(step) for step in one.at], one.key)))


def _others(value: Json, found: list[tuple[dict[str, Json], list[tuple[str, Json]]]]) -> tuple[Json, ...]:
    """The readings with the first value of each repeated key, with the second, and so on."""
    keys = {id(item): _values(pairs) for item, pairs in found}
    most = max(len(values) for many in keys.values() for values in many.values())
    return tuple(_reading(value, keys, number) for number in range(min(most, READINGS) - 1))


def _reading(value: Json, keys: dict[int, dict[str, list[Json]]], number: int) -> Json:
    if isinstance(value, list):
        return [_reading(item, keys, number) for item in value]
    if not isinstance(value, dict):
        return value
    chosen = {key: values[min(number, len(values) - 1)] for key, values in keys[id(value)].items()} if id(value) in keys else value
    return {key: _reading(item, keys, number) for key, item in chosen.items()}


def _values(pairs: list[tuple[str, Json]]) -> dict[str, list[Json]]:
    values: dict[str, list[Json]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return values


def _repeats(at: Pointer, pairs: list[tuple[str, Json]]) -> list[Repeated]:
    return [Repeated(at, key, tuple(many)) for key, many in _values(pairs).items() if len(many) > 1]
