"""A fuzz target: bytes in, nothing out, Wrong raised when the product and its oracle disagree; and the guard on time."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

# An input may take this long; more is more than linear work, or a constant that a hostile file can use.
SECONDS_A_BYTE = 0.050 / 10_000
PUMPED = 20_000


class Wrong(AssertionError):  # noqa: N818
    """The product did not do what the oracle says."""


class Slow(AssertionError):  # noqa: N818
    """An input took more time than its length allows."""


class Target(NamedTuple):
    """check: compares the product with an oracle, raises when they differ. work: the product alone, to be timed; None: nothing to time.

    words: what the syntax is made of, for the fuzzer's dictionary. longest: of inputs, in bytes.
    """

    check: Callable[[bytes], None]
    work: Callable[[bytes], object] | None = None
    words: tuple[str, ...] = ()
    longest: int = 512


def vocabulary(words: str, *more: str) -> tuple[str, ...]:
    """The words of a syntax: those in a text with spaces between them, and those that hold spaces themselves."""
    return (*words.split(), *more)


def wrong(what: str, *values: object) -> NoReturn:
    """Raises Wrong with the values that tell what happened."""
    raise Wrong(f"{what}: {' | '.join(repr(value)[:300] for value in values)}")


def agree(what: str, got: object, wanted: object) -> None:
    """Raises Wrong unless both are equal, types included."""
    if not same(got, wanted):
        wrong(what, got, wanted)


def same(one: object, other: object) -> bool:
    """Equality of JSON values in which 1, 1.0 and True differ, and an object is a dict of whatever class."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)


def pumped(data: bytes) -> bytes:
    """The input with a piece of it repeated until it is long: where a fuzzer's short inputs would show no square."""
    number = zlib.crc32(data)
    if not data:
        return data
    start = number % len(data)
    end = start + 1 + (number >> 8) % min(16, len(data) - start)
    return data[:start] + data[start:end] * (PUMPED // (end - start)) + data[end:]


def check_time(target: Target, data: bytes, factor: float) -> None:
    """Raises Slow when the product takes more than `factor` times what the lengths of the input and its pumped form allow."""
    if target.work is None:
        return
    for text in (data, pumped(data)):
        allowed = max(len(text), 10_000) * SECONDS_A_BYTE * factor
        # The first run may load modules; twice slow is slow.
        if _seconds(target.work, text) > allowed and (took := _seconds(target.work, text)) > allowed:
            raise Slow(f"{took * 1000:.0f} ms for {len(text)} bytes: {text[:100]!r}")


def _seconds(work: Callable[[bytes], object], data: bytes) -> float:
    start = time.process_time()
    work(data)
    return time.process_time() - start
