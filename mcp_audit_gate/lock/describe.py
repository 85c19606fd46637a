"""How two alternatives of a schema differ, one keyword at a time: direction and words, untrusted text escaped and shortened."""

from __future__ import annotations

from mcp_audit_gate.lock.alternatives import KINDS, divides, is_whole
from mcp_audit_gate.lock.normal import SIZES
from mcp_audit_gate.metadata.credentials import mask
from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from mcp_audit_gate.lock.alternatives import Bound, Branch

    Told = tuple[str, str]

_BOUNDS = {"number": ("minimum", "maximum"), **SIZES}


def shown(name: str) -> str:
    """An untrusted name in a message."""
    return visible(mask(name), 40)


def called(kinds: Mapping[str, Sequence[Branch]]) -> dict[str, str]:
    """The kinds as JSON Schema calls them: numbers that are all whole are integers."""
    return {
        kind: "integer" if kind == "number" and all(any(is_whole(step) for step in branch.steps) for branch in found) else kind
        for kind, found in kinds.items()
    }


def kind_words(old: Mapping[str, Sequence[Branch]], new: Mapping[str, Sequence[Branch]]) -> str:
    """What became of the kinds of value that are accepted; "" for nothing."""
    before, after = called(old), called(new)
    gained, lost = [name for kind, name in after.items() if kind not in old], [name for kind, name in before.items() if kind not in new]
    if not gained and not lost:
        return ""
    if len(new) == len(KINDS):
        return "accepts anything"
    whole = len(old) == len(KINDS)
    if gained and lost:
        return f"accepts {' or '.join(after.values())} instead of {'anything' if whole else ' or '.join(before.values())}"
    if gained:
        return f"accepts {' and '.join(gained)} too"
    return f"accepts only {' or '.join(after.values()) or 'nothing'}" if whole or not new else f"no longer accepts {' or '.join(lost)}"


def value_words(old: Branch, new: Branch) -> Iterator[Told]:
    """Listed values, of `enum` and `const`."""
    if old.values is None or new.values is None:
        if old.values is not None:
            yield "widened", f"any {old.kind} is accepted, not only listed values"
        elif new.values is not None:
            yield "narrowed", "only listed values are accepted"
        return
    for direction, words, values in (("widened", "gained", new.values - old.values), ("narrowed", "lost", old.values - new.values)):
        if values:
            yield direction, f"enum {words} {_listed(values)}"


def _listed(values: frozenset[Hashable]) -> str:
    if len(values) > 1:
        return f"{len(values)} values"
    value = next(iter(values))
    return f'"{shown(value)}"' if isinstance(value, str) else "1 value"


def bound_words(old: Branch, new: Branch) -> Iterator[Told]:
    """Limits of numbers and lengths."""
    for word, before, after, sign in zip(_BOUNDS.get(old.kind, ()), (old.low, old.high), (new.low, new.high), (1, -1)):
        if before == after:
            continue
        if before is None or after is None:
            yield ("narrowed", f"{word} {_limit(after)} added") if after else ("widened", f"{word} {_limit(before)} dropped")
        else:
            stricter = (sign * after[0], after[1]) > (sign * before[0], before[1])
            yield "narrowed" if stricter else "widened", f"{word} {_limit(after)} instead of {_limit(before)}"


def _limit(bound: Bound | None) -> str:
    assert bound is not None
    return visible(f"{bound[0]}{' (excluded)' if bound[1] else ''}", 40)


def steps_words(old: Branch, new: Branch) -> Iterator[Told]:
    """`multipleOf`, and `integer`, which is a multiple of 1."""
    if old.steps == new.steps:
        return
    looser = all(any(divides(step, other) for other in old.steps) for step in new.steps)
    stricter = all(any(divides(step, other) for other in new.steps) for step in old.steps)
    if old.steps == {1} and not new.steps:
        words = "accepts any number, not only integers"
    elif new.steps == {1} and not old.steps:
        words = "accepts only integers"
    else:
        words = "multipleOf changed"
    yield "widened" if looser else "narrowed" if stricter else "other", words


def condition_words(old: Branch, new: Branch) -> Iterator[Told]:
    """Conditions that are told apart only by equality: `pattern`, `format`, `not`, …"""
    gained, lost = new.conditions - old.conditions, old.conditions - new.conditions
    for word in sorted({str(condition[0]) for condition in gained | lost}):
        more, less = (any(condition[0] == word for condition in conditions) for conditions in (gained, lost))
        yield ("other", f"{word} changed") if more and less else ("narrowed", f"{word} added") if more else ("widened", f"{word} dropped")
