"""What a schema allows, as alternatives for each kind of value; alternatives joined by `and` and by `or`."""

from __future__ import annotations

import math

from mcp_audit_gate.lock.keywords import TooLarge
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from typing import TypeGuard

    from mcp_audit_gate.lock.keywords import Node

    All = tuple[Node, ...]  # a value must satisfy each of them; () is satisfied by anything
    Bound = tuple[int | float, bool]  # the limit, and whether the limit itself is excluded
    Named = tuple[tuple[str, All], ...]
    Condition = tuple[Hashable, ...]

KINDS = ("null", "boolean", "number", "string", "array", "object")
MAX_BRANCHES = 100


class Branch(NamedTuple):
    """One alternative for values of one kind.

    low, high: of the number, or of the length. steps: it is a multiple of each. conditions: further ones, each of which has to
    hold, comparable only for equality. rest: the other items of an array, the other members of an object.
    """

    kind: str
    values: frozenset[Hashable] | None = None
    low: Bound | None = None
    high: Bound | None = None
    steps: frozenset[int | float] = frozenset()
    conditions: frozenset[Condition] = frozenset()
    prefix: tuple[All, ...] = ()
    rest: All = ()
    members: Named = ()
    patterns: Named = ()
    required: frozenset[str] = frozenset()


ANYTHING = tuple(Branch(kind) for kind in KINDS)


def is_anything(schemas: All) -> bool:
    """True when the schemas, as written, allow every value."""
    return all(node.raw is True or (isinstance(node.raw, dict) and not node.raw) for node in schemas)


def is_nothing(schemas: All) -> bool:
    """True when one of the schemas is written as the one that allows no value."""
    return any(node.raw is False for node in schemas)


def identity(schemas: All) -> frozenset[int]:
    """The same for schemas that say the same, as far as their text tells."""
    return frozenset(node.document.key(node.raw) for node in schemas)


def spelled(branch: Branch) -> tuple[Hashable, ...]:
    """The same for branches that say the same, as far as the text of what stands in them tells."""
    named = (tuple((name, identity(schemas)) for name, schemas in pairs) for pairs in (branch.members, branch.patterns))
    return (*branch[:6], tuple(identity(schemas) for schemas in branch.prefix), identity(branch.rest), *named, branch.required)


def limited(branches: Iterable[Branch], condition: Condition) -> tuple[Branch, ...]:
    """The branches under one more condition."""
    return tuple(branch._replace(conditions=branch.conditions | {condition}) for branch in branches)


def tidy(branch: Branch) -> Iterator[Branch]:
    """The branch with limits in one spelling, those that listed values make superfluous left out; nothing when no value can satisfy it."""
    if branch.kind == "number":
        branch = _whole_limits(branch)
    if branch.values is not None:
        branch = _filtered(branch)
    if branch.values == frozenset() or (branch.low and branch.high and branch.low[0] > branch.high[0]):
        return
    yield branch


def _whole_limits(branch: Branch) -> Branch:
    """Integers have no excluded limits and no limits between them; of steps only those stay that others do not imply."""
    steps = frozenset(step for step in branch.steps if not any(step != other and divides(step, other) for other in branch.steps))
    low, high = branch.low, branch.high
    if any(is_whole(step) for step in steps):
        if low and math.isfinite(low[0]):
            low = (math.floor(low[0]) + 1 if low[1] else math.ceil(low[0]), False)
        if high and math.isfinite(high[0]):
            high = (math.ceil(high[0]) - 1 if high[1] else math.floor(high[0]), False)
    return branch._replace(low=low, high=high, steps=steps)


def is_whole(value: object) -> TypeGuard[int | float]:
    """True for 3 and 3.0."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def divides(step: int | float, other: int | float) -> bool:
    """True when every multiple of `other` is certainly one of `step`."""
    return step == other or (is_whole(step) and is_whole(other) and int(other) % int(step) == 0)


def _filtered(branch: Branch) -> Branch:
    """The listed values that keep the limits, and no limits."""
    assert branch.values is not None
    if branch.kind in ("null", "boolean"):
        return branch._replace(values=None if len(branch.values) == (1 if branch.kind == "null" else 2) else branch.values)
    if branch.kind not in ("string", "number"):
        return branch
    kept = frozenset(value for value in branch.values if _within(value, branch))
    return branch._replace(values=kept, low=None, high=None, steps=branch.steps - {1})


def _within(value: Hashable, branch: Branch) -> bool:
    size = len(value) if isinstance(value, str) else value
    assert isinstance(size, (int, float))
    if 1 in branch.steps and not is_whole(size):
        return False
    low, high = branch.low, branch.high
    return not (low and (size < low[0] or (low[1] and size == low[0]))) and not (high and (size > high[0] or (high[1] and size == high[0])))


def both(ones: Iterable[Branch], others: Iterable[Branch]) -> Iterator[Branch]:
    """The alternatives of values that satisfy one of each."""
    others = tuple(others)
    for one in ones:
        for other in others:
            if one.kind == other.kind:
                yield from tidy(_joined(one, other))


def _joined(one: Branch, other: Branch) -> Branch:
    values = one.values if other.values is None else other.values if one.values is None else one.values & other.values
    prefix, rest, members, patterns = _joined_parts(one, other)
    return Branch(
        one.kind,
        values,
        max((bound for bound in (one.low, other.low) if bound), default=None),
        min((bound for bound in (one.high, other.high) if bound), key=lambda bound: (bound[0], not bound[1]), default=None),
        one.steps | other.steps,
        one.conditions | other.conditions,
        prefix,
        rest,
        members,
        patterns,
        one.required | other.required,
    )


def _joined_parts(one: Branch, other: Branch) -> tuple[tuple[All, ...], All, Named, Named]:
    if (one.patterns or other.patterns) and (one.rest or other.rest) and _asks(one) and _asks(other):
        # Which members a pattern takes from the rest cannot be known without running it.
        raise TooLarge
    length = max(len(one.prefix), len(other.prefix))
    prefix = tuple(_and(item_of(one, index), item_of(other, index)) for index in range(length))
    first, second = dict(one.members), dict(other.members)
    members = tuple((name, _and(first.get(name, one.rest), second.get(name, other.rest))) for name in sorted({*first, *second}))
    first, second = dict(one.patterns), dict(other.patterns)
    patterns = tuple((name, _and(first.get(name, ()), second.get(name, ()))) for name in sorted({*first, *second}))
    return prefix, _and(one.rest, other.rest), members, patterns


def _asks(branch: Branch) -> bool:
    """True when the members of an object have to be more than there."""
    return bool(branch.members or branch.patterns or branch.rest)


def item_of(branch: Branch, index: int) -> All:
    """What the item of an array at an index has to satisfy."""
    return branch.prefix[index] if index < len(branch.prefix) else branch.rest


def _and(one: All, other: All) -> All:
    if not one or not other:
        return one or other
    known = identity(one)
    return (*one, *(node for node in other if node.document.key(node.raw) not in known))


def united(branches: Iterable[Branch]) -> tuple[Branch, ...]:
    """The alternatives in the order of KINDS, without repetitions; listed values in one. TooLarge when they are too many."""
    found: dict[str, list[Branch]] = {}
    for count, branch in enumerate(branches):
        if count > 10 * MAX_BRANCHES:
            raise TooLarge
        found.setdefault(branch.kind, []).append(branch)
    made = tuple(branch for kind in KINDS for branch in _of_kind(found.get(kind, [])))
    if len(made) > MAX_BRANCHES:
        raise TooLarge
    return made


def _of_kind(branches: list[Branch]) -> list[Branch]:
    if len(branches) < 2:
        return branches
    bare = Branch(branches[0].kind)
    if bare in branches:
        return [bare]
    listed = [branch for branch in branches if branch.values is not None and branch._replace(values=None) == bare]
    if len(listed) > 1:
        values = frozenset(value for branch in listed for value in branch.values or ())
        branches = [branch for branch in branches if branch not in listed] + list(tidy(bare._replace(values=values)))
    return list({spelled(branch): branch for branch in branches}.values())
