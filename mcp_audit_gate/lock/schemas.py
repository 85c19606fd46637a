"""Two JSON Schemas in, out comes what the newer accepts compared with the older: same, widened, narrowed or other, and where and why.

The schemas come from servers: nothing in them is run, fetched or used to validate anything, and what is too large to be compared
in bounded time is said to be so.
"""

from __future__ import annotations

from mcp_audit_gate.lock.alternatives import KINDS, Branch, identity, is_nothing, item_of, spelled
from mcp_audit_gate.lock.describe import bound_words, called, condition_words, kind_words, shown, steps_words, value_words
from mcp_audit_gate.lock.keywords import Document, Node, TooLarge
from mcp_audit_gate.lock.normal import branches
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.lock.alternatives import All
    from mcp_audit_gate.model import Json, Pointer

SAME, WIDENED, NARROWED, OTHER = "same", "widened", "narrowed", "other"
TOO_LARGE = "too large to compare"
# Alternatives looked at for one pair of schemas, and those tried within one another.
MAX_STEPS, MAX_TRIALS = 4000, 20


class Difference(NamedTuple):
    """One way in which two schemas differ: widened, narrowed or other, where below each, and in words."""

    direction: str
    old: Pointer | None
    new: Pointer | None
    words: str


class Verdict(NamedTuple):
    """What a newer schema accepts compared with an older one. widened: everything that the older did. other: neither more nor less."""

    direction: str
    differences: tuple[Difference, ...] = ()


class _At(NamedTuple):
    """Where the walk is: the path through arguments as people write it, and the pointers into both schemas."""

    path: str
    old: Pointer
    new: Pointer

    def say(self, direction: str, words: str, *keywords: str) -> Difference:
        return Difference(direction, self.old, self.new, f"{self.path or 'the whole'}: {words}")


def compare(old: Json, new: Json, parameters: bool = True) -> Verdict:
    """The verdict on two schemas.

    With `parameters` the schemas describe arguments: a name that is not declared is no parameter even where any further name
    would be accepted, so that a new optional parameter is a widening. Without, they are taken as JSON Schema takes them.
    """
    try:
        table: dict[object, int] = {}
        if Document(old, 0, table).key(old) == Document(new, 0, table).key(new):
            return Verdict(SAME)
        first, second = (Node(root, (), Document(root, number, table)) for number, root in enumerate((old, new)))
        found = _found((first,), (second,), parameters)
    except TooLarge:
        found = (Difference(OTHER, (), (), TOO_LARGE),)
    return Verdict(direction_of(found), found)


def _found(old: All, new: All, parameters: bool) -> tuple[Difference, ...]:
    walk = _Walk(parameters)
    walk.waiting.append((old, new, _At("", (), ())))
    return tuple(dict.fromkeys(walk.compared()))


def direction_of(differences: Iterable[Difference]) -> str:
    """The direction of all differences together."""
    directions = {difference.direction for difference in differences}
    return SAME if not directions else directions.pop() if len(directions) == 1 else OTHER


class _Walk:
    """One comparison: the pairs of places that wait, those that were seen, and how many more may be looked at.

    Places are taken in order of their depth, so that a difference in a recursive schema is told where it is met first. A pair that
    is met again differs in nothing that is not told at its first place.
    """

    __slots__ = ("known", "left", "level", "parameters", "seen", "waiting")

    def __init__(self, parameters: bool) -> None:
        self.parameters, self.left, self.level = parameters, MAX_STEPS, 0
        self.waiting: list[tuple[All, All, _At]] = []
        self.seen: dict[tuple[frozenset[int], frozenset[int]], None] = {}
        self.known: dict[frozenset[tuple[int, int]], dict[str, list[Branch]]] = {}

    def compared(self) -> Iterator[Difference]:
        """The differences of all pairs that wait, and of those that come up."""
        while self.waiting:
            pairs, self.waiting = self.waiting, []
            for old, new, at in pairs:
                yield from self.schemas(old, new, at)

    def schemas(self, old: All, new: All, at: _At) -> Iterator[Difference]:
        pair = (frozenset(id(node.raw) for node in old), frozenset(id(node.raw) for node in new))
        if identity(old) == identity(new) or pair in self.seen:
            return
        self.seen[pair] = None
        at = _At(at.path, old[0].pointer if old else at.old, new[0].pointer if new else at.new)
        olds, news = self.by_kind(old), self.by_kind(new)
        words = kind_words(olds, news)
        if words:
            yield at.say(_side(news.keys() - olds.keys(), olds.keys() - news.keys()), words)
        for kind in KINDS:
            if kind in olds and kind in news:
                yield from self.alternatives(olds[kind], news[kind], at)

    def by_kind(self, schemas: All) -> dict[str, list[Branch]]:
        # One object may stand in both documents, and a reference in it then means two things.
        which = frozenset((node.document.number, id(node.raw)) for node in schemas)
        if which not in self.known:
            found = branches(schemas)
            self.spend(1 + len(found))
            self.known[which] = {kind: [branch for branch in found if branch.kind == kind] for kind in KINDS if any(b.kind == kind for b in found)}
        return self.known[which]

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooLarge

    def alternatives(self, olds: list[Branch], news: list[Branch], at: _At) -> Iterator[Difference]:
        """Alternatives for values of one kind: the newer ones are wider when each older one lies in one of them."""
        if len(olds) == len(news) == 1:
            yield from self.branch(olds[0], news[0], at)
            return
        before, after = ([spelled(branch) for branch in ones] for ones in (olds, news))
        came = [j for j, spelling in enumerate(after) if spelling not in before]
        went = [i for i, spelling in enumerate(before) if spelling not in after]
        pairs = dict.fromkeys([(i, j) for i in went for j in range(len(news))] + [(i, j) for i in range(len(olds)) for j in came])
        found = {(i, j): self.tried(olds[i], news[j], at) for i, j in pairs}
        directions = {pair: direction_of(differences) for pair, differences in found.items()}
        lost = [i for i in went if not any(directions[i, j] in (SAME, WIDENED) for j in range(len(news)))]
        gained = [j for j in came if not any(directions[i, j] in (SAME, NARROWED) for i in range(len(olds)))]
        if not lost and not gained:
            return
        direction = _side(gained, lost)
        alike = [pair for pair in found if directions[pair] == direction and pair[0] in (lost or [pair[0]]) and pair[1] in (gained or [pair[1]])]
        if len(lost) < 2 and len(gained) < 2 and alike:
            yield from found[alike[0]]
        else:
            yield at.say(direction, f"other alternatives for {olds[0].kind} values ({len(olds)} before, {len(news)} now)")

    def tried(self, old: Branch, new: Branch, at: _At) -> tuple[Difference, ...]:
        """The differences of two branches, leaving nothing behind in what was seen or waits."""
        count, waiting, self.waiting = len(self.seen), self.waiting, []
        self.level += 1
        self.spend(4)
        if self.level > MAX_TRIALS:
            raise TooLarge
        found = (*self.branch(old, new, at), *self.compared())
        self.level -= 1
        self.waiting = waiting
        while len(self.seen) > count:
            self.seen.popitem()
        return found

    def branch(self, old: Branch, new: Branch, at: _At) -> Iterator[Difference]:
        self.spend(1)
        for words in (value_words, bound_words, steps_words, condition_words):
            yield from (at.say(direction, text) for direction, text in words(old, new))
        if old.kind == "array":
            self.items(old, new, at)
        elif old.kind == "object":
            yield from self.members(old, new, at)

    def items(self, old: Branch, new: Branch, at: _At) -> None:
        for index in range(max(len(old.prefix), len(new.prefix))):
            self.waiting.append((item_of(old, index), item_of(new, index), at._replace(path=f"{at.path}[{index}]")))
        self.waiting.append((old.rest, new.rest, at._replace(path=f"{at.path}[]")))

    def members(self, old: Branch, new: Branch, at: _At) -> Iterator[Difference]:
        before, after = dict(old.members), dict(new.members)
        for direction, names, words in (
            (WIDENED, old.required - new.required, "became optional"),
            (NARROWED, new.required - old.required, "became required"),
        ):
            yield from (_member_at(at, name, before.get(name), after.get(name)).say(direction, words) for name in sorted(names))
        for name in sorted({*before, *after}):
            yield from self.member(name, old, new, before.get(name), after.get(name), at)
        yield from self.rest(old, new, at)

    def member(self, name: str, old: Branch, new: Branch, before: All | None, after: All | None, at: _At) -> Iterator[Difference]:
        """One declared name; before or after is None where it is not declared."""
        inside = at._replace(path=_path(at.path, name))
        if before is not None and after is not None:
            self.waiting.append((before, after, inside))
            return
        declared, other = (before, new) if before is not None else (after, old)
        assert declared is not None
        if self.parameters and not other.rest and not is_nothing(declared):
            side = Difference(NARROWED, declared[0].pointer, None, "") if before is not None else Difference(WIDENED, None, declared[0].pointer, "")
            words = "is no longer a parameter" if before is not None else f"is a new parameter ({self.kinds_of(declared)})"
            yield side._replace(words=f"{inside.path}: {words}")
        elif other.patterns and other.rest:
            yield inside.say(OTHER, "left to patternProperties on one side")
        else:
            self.waiting.append((old.rest if before is None else before, new.rest if after is None else after, inside))

    def kinds_of(self, schemas: All) -> str:
        """`string`, `number or null`, … in words."""
        kinds = called(self.by_kind(schemas))
        return "anything" if len(kinds) == len(KINDS) else " or ".join(kinds.values()) or "nothing"

    def rest(self, old: Branch, new: Branch, at: _At) -> Iterator[Difference]:
        """The members that are not declared: those with a pattern, and all others."""
        before, after = dict(old.patterns), dict(new.patterns)
        if before.keys() != after.keys() and (old.rest or new.rest):
            yield at.say(OTHER, "patternProperties changed")
            return
        for pattern in sorted({*before, *after}):
            self.waiting.append((before.get(pattern, ()), after.get(pattern, ()), at._replace(path=_path(at.path, f"/{pattern}/"))))
        if not old.rest and is_nothing(new.rest):
            yield at.say(NARROWED, "no longer accepts additional properties")
        elif not new.rest and is_nothing(old.rest):
            yield at.say(WIDENED, "accepts any additional property")
        else:
            self.waiting.append((old.rest, new.rest, at._replace(path=_path(at.path, "*"))))


def _member_at(at: _At, name: str, old: All | None, new: All | None) -> _At:
    return _At(_path(at.path, name), old[0].pointer if old else at.old, new[0].pointer if new else at.new)


def _side(more: object, less: object) -> str:
    return OTHER if more and less else WIDENED if more else NARROWED


def _path(path: str, name: str) -> str:
    return f"{path}.{shown(name)}" if path else shown(name)
