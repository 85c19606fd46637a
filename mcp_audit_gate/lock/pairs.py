"""Which thing of an older list is which of a newer one."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


class Paired(NamedTuple):
    """Numbers in both lists: of things that belong together, of those only in the older, of those only in the newer."""

    both: tuple[tuple[int, int], ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]


def paired(old: Sequence[T], new: Sequence[T], *keys: Callable[[T], Hashable]) -> Paired:
    """Pairs by the first key, what is left by the next, and so on; several of one key in their order."""
    both: list[tuple[int, int]] = []
    olds, news = list(range(len(old))), list(range(len(new)))
    for key in keys:
        if not olds or not news:
            break
        waiting: dict[Hashable, list[int]] = {}
        for number in reversed(olds):
            waiting.setdefault(key(old[number]), []).append(number)
        left = []
        for number in news:
            match = waiting.get(key(new[number]))
            if match:
                both.append((match.pop(), number))
            else:
                left.append(number)
        news, olds = left, sorted(number for numbers in waiting.values() for number in numbers)
    return Paired(tuple(sorted(both, key=lambda pair: pair[1])), tuple(olds), tuple(news))
