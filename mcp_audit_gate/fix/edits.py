"""Changes of values into changes of a text: what is not changed stays byte for byte, and what comes out says what it should, or is not used."""

from __future__ import annotations

from mcp_audit_gate.fix.tokens import token
from mcp_audit_gate.model import Place
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_audit_gate.model import Json
    from mcp_audit_gate.sources.document import Document

    Path = tuple[tuple[str | int, int], ...]


class Part(NamedTuple):
    """A slice of the string at a place, and what takes its place there."""

    place: Place
    value: str
    start: int
    end: int
    text: str


class Edit(NamedTuple):
    """A span of a document's text, and what takes its place there."""

    start: int
    end: int
    text: str


def edits_of(document: Document, parts: Iterable[Part]) -> tuple[Edit, ...] | None:
    """The changes of the text for changes of strings, in order; None when one of the strings has no exact place."""
    found = set()
    for part in parts:
        written = token(document, part.place, part.value)
        if written is None:
            return None
        found.add(Edit(*written.span(part.start, part.end), part.text))
    return tuple(sorted(found))


def edited(document: Document, edits: Sequence[Edit]) -> bytes | None:
    """The bytes of the file with the edits made; None when two of them meet."""
    text, pieces, done = document.text, [], 0
    for edit in edits:
        if edit.start < done:
            return None
        pieces += [text[done : edit.start], edit.text]
        done = edit.end
    mark = document.data[: len(document.data) - len(text.encode())]
    return mark + "".join((*pieces, text[done:])).encode()


def expected(document: Document, parts: Iterable[Part]) -> dict[Path, str]:
    """What the strings that are changed read afterwards, by their paths."""
    slices: dict[Path, set[tuple[int, int, str]]] = {}
    before: dict[Path, str] = {}
    for part in parts:
        path = path_of(document, part.place)
        slices.setdefault(path, set()).add((part.start, part.end, part.text))
        before[path] = part.value
    after = {}
    for path, text in before.items():
        for start, end, new in sorted(slices[path], reverse=True):
            text = text[:start] + new + text[end:]
        after[path] = text
    return after


def path_of(document: Document, place: Place) -> Path:
    """The steps to a place, each with which of equal keys it takes."""
    node, path = document.index.root(), []
    for depth, step in enumerate(place.pointer):
        chosen = document.index.members(node)[step]
        nth = place.nth[min(depth, len(place.nth) - 1)] if place.nth else -1
        number = len(chosen) - 1 if nth < 0 else min(nth, len(chosen) - 1)
        path.append((step, number))
        node = chosen[number][2]
    return tuple(path)


class Reshaped(NamedTuple):
    """Changes of a document beyond strings.

    lists: what a list is afterwards. removed: members that go. added: new members, by the path of their object.
    """

    edits: tuple[Edit, ...] = ()
    lists: Mapping[Path, Json] = {}
    removed: frozenset[Path] = frozenset()
    added: Mapping[Path, Mapping[str, Json]] = {}


def is_only(old: Json, new: Json, changed: Mapping[Path, Json], shapes: Sequence[Reshaped] = ()) -> bool:
    """True when two values differ in nothing but what was to be changed, and that reads as it should."""
    whole = dict(changed)
    removed: set[Path] = set()
    added: dict[Path, Mapping[str, Json]] = {}
    for shape in shapes:
        whole.update(shape.lists)
        removed |= shape.removed
        added.update(shape.added)
    return _plain(old, whole, removed, added) == _plain(new, {}, set(), {})


def _plain(value: Json, changed: Mapping[Path, Json], removed: set[Path], added: Mapping[Path, Mapping[str, Json]], path: Path = ()) -> object:
    """The value as it is to be, in a form in which only what counts differs: repeated keys do, the order of others does not."""
    if path in changed:
        return _plain(changed[path], {}, set(), {})
    if isinstance(value, dict):
        kept = {key: _plain(item, changed, removed, added, (*path, key)) for key, item in _pairs(value) if (*path, key) not in removed}
        kept.update({(key, 0): _plain(item, {}, set(), {}) for key, item in added.get(path, {}).items()})
        return kept
    if isinstance(value, list):
        return [_plain(item, changed, removed, added, (*path, (number, 0))) for number, item in enumerate(value)]
    return type(value), value


def _pairs(value: dict[str, Json]) -> list[tuple[tuple[str, int], Json]]:
    """The members in order, repeated keys numbered."""
    seen: dict[str, int] = {}
    found = []
    for key, item in getattr(value, "pairs", None) or value.items():
        seen[key] = seen.get(key, -1) + 1
        found.append(((key, seen[key]), item))
    return found
