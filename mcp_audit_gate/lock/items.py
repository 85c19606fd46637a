"""One thing that a server declares, before and after: its changes by class, each with its place and both sides."""

from __future__ import annotations

import itertools

from mcp_audit_gate.lock import schemas
from mcp_audit_gate.lock.canonical import canonical
from mcp_audit_gate.lock.describe import shown
from mcp_audit_gate.lock.keywords import frozen, subschemas
from mcp_audit_gate.lock.places import value_at
from mcp_audit_gate.lock.wording import Leaf, leaves, meaning, notes, plain, strings
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Change
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from mcp_audit_gate.lock.judge import Judge
    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.model import Json, Pin, Pointer

    Reworded = list[tuple[Leaf | None, Leaf | None]]

# What a hint means when it is absent: Model Context Protocol 2025-11-25, ToolAnnotations.
HINTS = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True}
_SCHEMAS = ("inputSchema", "outputSchema")
_CLASSES = {"tool": "description-changed", "prompt": "prompt-changed", "resource": "resource-changed", "template": "resource-changed"}
_TOLD = 3


class Pair(NamedTuple):
    """A thing before and after. pin: the newer pin, for the names around it."""

    old: Item
    new: Item
    pin: Pin
    judge: Judge

    def change(self, kind: str, old: Pointer | None, new: Pointer | None, message: str) -> Change:
        """A change at places below the things, with the values there."""
        return Change(
            kind,
            self.pin.name,
            self.new.subject,
            None if old is None else (*self.old.at, *old),
            None if new is None else (*self.new.at, *new),
            None if old is None else value_at(self.old.value, old),
            None if new is None else value_at(self.new.value, new),
            f"{title(self.new)} {message}",
        )


def title(item: Item) -> str:
    """`tool "read_file"`."""
    kind = "resource template" if item.kind == "template" else item.kind
    return f'{kind} "{visible(item.name, 60)}"' if item.name else kind


def same(one: Json, other: Json) -> bool:
    """True when two values have the same canonical form."""
    try:
        # 1 equals true in Python; for most values their text settles it at once.
        return one == other and (repr(one) == repr(other) or canonical(one) == canonical(other))
    except RecursionError:
        return fingerprint(one) == fingerprint(other)
    except ValueError:  # a number that JSON does not have
        return False


def fingerprint(value: Json) -> Hashable:
    """The canonical form of a value, or a stand-in for it when it is nested too deeply."""
    try:
        return canonical(value)
    except (RecursionError, ValueError):
        return frozenset((leaf.at, frozen(leaf.value)) for leaf in leaves(value))


def introduced(old: Item | None, new: Item, pin: Pin, judge: Judge) -> Iterator[Change]:
    """One change for each text of the newer thing that brings an order, or hides something, that the older text in its place did not.

    The text may be the name of a member: then `after` is the last step of `new`.
    """
    start = () if old is None else old.at
    before = {} if old is None else {at[len(start) :]: text for at, text, name in strings(old.value, start) if not name}
    known = set() if old is None else {plain(text) for _, text, _ in strings(old.value)}
    for at, text, name in strings(new.value, new.at):
        spoken = plain(text)
        if spoken in known:
            continue
        known.add(spoken)
        place = at[len(new.at) :]
        earlier = "" if name else before.get(place, "")
        found = judge.introduced(earlier, text, new, pin)
        if found:
            words = f"{_spoken(new, place, name)} newly {'bring' if new.at == ('instructions',) else 'brings'} {'; '.join(found[:_TOLD])}"
            yield Change("instruction-introduced", pin.name, new.subject, (*start, *place) if earlier else None, at, earlier or None, text, words)


def _spoken(item: Item, place: Pointer, name: bool) -> str:
    """Which text of a thing it is, in words."""
    if item.kind == "instructions":
        return "the instructions" if item.at == ("instructions",) else f"its own {_named(place)}"
    return f"{title(item)}: {'the name' if name else 'its'} {_named(place)}"


def changed(pair: Pair) -> Iterator[Change]:
    """Every change of one thing."""
    if same(pair.old.value, pair.new.value):
        return
    told = tuple(introduced(pair.old, pair.new, pair.pin, pair.judge))
    yield from told
    spoken = {change.new[len(pair.new.at) :] for change in told if change.new is not None}
    reworded: Reworded = []
    if pair.new.kind == "tool":
        for member in _SCHEMAS:
            before, after = pair.old.definition.get(member), pair.new.definition.get(member)
            if same(before, after):
                continue
            verdict = schemas.compare(_schema(before, member), _schema(after, member), member == "inputSchema")
            yield from _schema_change(pair, member, verdict)
            reworded += _noted(before, after, member, verdict.direction == schemas.SAME)
        yield from _flipped(pair)
    reworded = _unlike(list(_others(pair.old)), list(_others(pair.new))) + reworded
    yield from _reworded(pair, [item for item in reworded if not (item[1] and item[1].at in spoken)])


def _schema(value: Json, member: str) -> Json:
    """What a tool without a schema declares: any value."""
    return True if value is None and member == "outputSchema" else value


def _schema_change(pair: Pair, member: str, verdict: schemas.Verdict) -> Iterator[Change]:
    if verdict.direction == schemas.SAME:
        return
    narrowed = verdict.direction == schemas.NARROWED
    # Of a schema that accepts both more and less, what it accepts more is what matters.
    ordered = sorted(verdict.differences, key=lambda difference: difference.direction == schemas.NARROWED)
    if member == "outputSchema":
        kind, words = "output-schema-changed", "returns another shape"
    elif verdict.direction == schemas.OTHER:
        kind, words = "schema-widened", "accepts other input"
    else:
        kind, words = ("schema-narrowed", "accepts less") if narrowed else ("schema-widened", "accepts more")
    first = ordered[0]
    # An absent output schema is compared as one that allows anything; it has no place.
    old, new = (
        None if at is None or value_at(item.value, (member,)) is None else (member, *at)
        for at, item in ((first.old, pair.old), (first.new, pair.new))
    )
    yield pair.change(kind, old, new, f"{words}: {_several([difference.words for difference in ordered], '; ')}")


def _several(words: Sequence[str], between: str = ", ") -> str:
    more = len(words) - _TOLD
    return between.join(words[:_TOLD]) + (f"{between}and {more} more" if more > 0 else "")


def _flipped(pair: Pair) -> Iterator[Change]:
    before, after = (_hints(item) for item in (pair.old, pair.new))
    for hint, default in HINTS.items():
        old, new = (hints.get(hint, default) for hints in (before, after))
        if not same(old, new):
            places = tuple(("annotations", hint) if hint in hints else None for hints in (before, after))
            yield pair.change("annotation-flipped", places[0], places[1], f"now says {hint} {_word(new)} instead of {_word(old)}")


def _word(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else visible(str(value), 20)


def _hints(item: Item) -> dict[str, Json]:
    hints = item.definition.get("annotations")
    return hints if isinstance(hints, dict) else {}


def _others(item: Item) -> Iterator[Leaf]:
    """The leaves of a definition that no other class speaks of; the arguments of a prompt by their names."""
    for member, value in item.definition.items():
        if item.kind == "tool" and (member in ("name", *_SCHEMAS) or (member == "annotations" and value == {})):
            continue
        for leaf in leaves(value, (member,)):
            if item.kind == "tool" and len(leaf.at) == 2 and member == "annotations" and leaf.at[1] in HINTS:
                continue
            if item.kind == "prompt" and member == "arguments":
                if leaf.at[2:] == ("required",) and leaf.value is False:
                    continue
                name = value_at(value, leaf.at[1:2])
                yield leaf._replace(moved=("arguments", str(name.get("name") if isinstance(name, dict) else leaf.at[1:2]), *leaf.at[2:]))
            else:
                yield leaf


def _unlike(old: list[Leaf], new: list[Leaf]) -> Reworded:
    """Leaves that differ, by their place, or where they have one by the place that stays."""
    before, after = ({leaf.moved or leaf.at: leaf for leaf in side} for side in (old, new))
    both = [(before[key], leaf) for key, leaf in after.items() if key in before and meaning(before[key].value) != meaning(leaf.value)]
    came = [(None, leaf) for key, leaf in after.items() if key not in before]
    gone = [(leaf, None) for key, leaf in before.items() if key not in after]
    return [*both, *came, *gone]


def _noted(old: Json, new: Json, member: str, same_schema: bool) -> Reworded:
    """Texts of a schema that differ. What only moved with its schema, or came and went with a part of it, is no change of text."""
    before, after = ({leaf.at: leaf for leaf in notes(schema, (member,))} for schema in (old, new))
    found: Reworded = [(before[at], leaf) for at, leaf in after.items() if at in before and meaning(before[at].value) != meaning(leaf.value)]
    found += [(None, leaf) for leaf in _only(after, before, old, member, same_schema)]
    found += [(leaf, None) for leaf in _only(before, after, new, member, same_schema)]
    return found


def _only(ones: dict[Pointer, Leaf], others: dict[Pointer, Leaf], other: Json, member: str, same_schema: bool) -> Iterator[Leaf]:
    """The texts of one schema that the other has nowhere, where the schema they stand in is in both or both schemas mean the same."""
    single = [leaf for at, leaf in ones.items() if at not in others]
    if not single:
        return
    elsewhere = {(leaf.moved, meaning(leaf.value)) for leaf in others.values()}
    places = {at for at, _ in subschemas(other, (member,))}
    for leaf in single:
        holder = leaf.at[: len(leaf.at) - len(leaf.moved or ())]
        if (leaf.moved, meaning(leaf.value)) not in elsewhere and (same_schema or holder in places):
            yield leaf


def _reworded(pair: Pair, reworded: Reworded) -> Iterator[Change]:
    """One change for all texts and other members of a thing that differ."""
    if not reworded:
        return
    first = reworded[0]
    names = [_named((leaf.moved if pair.new.kind == "prompt" else None) or leaf.at) for old, new in reworded for leaf in (new or old,) if leaf]
    change = pair.change(
        _CLASSES.get(pair.new.kind, "description-changed"),
        None if first[0] is None else first[0].at,
        None if first[1] is None else first[1].at,
        f"differs in {_several(list(dict.fromkeys(names)))}",
    )
    if len(reworded) > 1:
        before, after = ({"/".join(map(str, leaf.at)): leaf.value for leaf in side if leaf} for side in zip(*reworded))
        change = change._replace(before=before, after=after)
    yield change


def _named(at: Pointer) -> str:
    """`description`, `description of path`, `x-hidden.a`: a place as people say it."""
    if at[:1] and at[0] in _SCHEMAS:
        names = [str(step) for before, step in itertools.pairwise(at) if before in ("properties", "$defs", "definitions", "patternProperties")]
        last = shown(str(at[-1])) if not isinstance(at[-1], int) else shown(str(at[-2]))
        return f"{last} of {shown('.'.join(names))}" if names and names[-1] != at[-1] else last
    return shown(".".join(map(str, at)))
