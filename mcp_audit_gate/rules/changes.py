"""Changes as hits of the family drift, at their places: in the newer lockfile, else on the old text in the lockfile, else on the entry."""

from __future__ import annotations

from mcp_audit_gate.model import Place
from mcp_audit_gate.rules import drift

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_audit_gate.model import Change, Drift, Hit, Json, Pin, Pointer, Rule


def hits(found: Sequence[Drift]) -> Iterator[tuple[Rule, Hit]]:
    """Each change with its rule; entries and the older side are related places."""
    return ((rule, hit) for _, rule, hit in told(found))


def told(found: Sequence[Drift]) -> Iterator[tuple[Drift, Rule, Hit]]:
    """The same, beside the change."""
    places = {id(item.change): _places(item) for item in found}
    hits = drift.hits((item.change for item in found), lambda change: places[id(change)])
    return ((item, rule, hit) for item, (rule, hit) in zip(found, hits, strict=True))


def _places(item: Drift) -> tuple[Place, tuple[Place, ...]]:
    change = item.change
    older = _side(item.old, change.old, change.subject)
    newer = _side(item.new, change.new, change.subject, _offset(change))
    entries = tuple(entry.place(key=True) for entry in item.entries)
    place = item.place or newer or older or entries[0]
    related = tuple(other for other in (*([older] if older and older is not place else []), *entries) if other != place)
    return place, related


def _side(pin: Pin | None, at: Pointer | None, subject: str, offset: int | None = None) -> Place | None:
    """Where one side of a change stands in its lockfile; what that side lacks, where it names the thing. None for a side without a lockfile."""
    return None if pin is None or pin.document is None else _in_lock(pin, at or _of_subject(pin, subject), offset)


# The member by which things of a kind are told apart.
_NAMED_BY = {"tool": "name", "prompt": "name", "resource": "uri", "template": "uriTemplate"}


def _of_subject(pin: Pin, subject: str) -> Pointer | None:
    """Where a tool, prompt, resource or template is named in a pin; None when the pin has none of that name."""
    from mcp_audit_gate.metadata.declared import items

    member = _NAMED_BY.get(subject.partition(":")[0])
    at = next((item.at for item in items(pin.surface) if item.subject == subject), None) if member else None
    return (*at, member) if at and member else None


def _in_lock(pin: Pin, at: Pointer | None, offset: int | None = None) -> Place:
    """The place of a change in a lockfile; of the record's name when that side lacks it."""
    if not at:
        assert pin.document is not None
        return Place(pin.document, (*pin.pointer, "name"))
    if at[0] in ("launch", "resolved", "protocolVersion"):
        assert pin.document is not None
        return Place(pin.document, (*pin.pointer, *at))
    from mcp_audit_gate.lock.places import in_lock

    return in_lock(pin, at, offset)


def _offset(change: Change) -> int | None:
    """Where two texts begin to differ; None when either side is no text."""
    before, after = change.before, change.after
    if not isinstance(after, str):
        return None
    return _common(before, after)


def _common(before: Json, after: str) -> int:
    if not isinstance(before, str):
        return 0
    length = min(len(before), len(after))
    low = next((number for number in range(length) if before[number] != after[number]), length)
    return min(low, max(0, len(after) - 1))
