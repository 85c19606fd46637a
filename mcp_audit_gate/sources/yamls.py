"""YAML: text in, values with the spans of every key and value out.

Built from libyaml's events, so that depth, aliases and repeated keys are under our own limits. Unknown tags are taken for what
they stand before, as frameworks with tags of their own write them.
"""

from __future__ import annotations

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.sources.document import Node
from mcp_audit_gate.sources.jsonc import Repeated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mcp_audit_gate.model import Json

MAX_DOCUMENTS = 1000  # each is looked at in the text of the whole file
MAX_NODES = 200_000  # after aliases are written out: an alias bomb ends here
_HINT = "correct the YAML at this place"


class YamlIndex:
    """Spans of one YAML document; a node is a Node."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._known: dict[int, dict[str | int, list[tuple[int, int, Node]]]] = {}

    def root(self) -> Node:
        """The node of the whole document."""
        return self._root

    def span(self, node: Node) -> tuple[int, int]:
        """First offset and end of a value."""
        return node.start, node.end

    def members(self, node: Node) -> dict[str | int, list[tuple[int, int, Node]]]:
        """Key or index -> every (key start, key end, value node) with it, in order."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = {}
            for key, start, end, value in node.members or ():
                known.setdefault(key, []).append((start, end, value))
        return known


def read(text: str, max_depth: int, offset: int = 0) -> list[Node]:
    """One node per document of the text; every span is moved by `offset`. Raises Unreadable."""
    import yaml

    odd = _ODD_BREAK.search(text)
    if odd:
        raise Unreadable("a line break that YAML readers disagree on", "use plain line breaks", odd.start() + offset)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reader = _Reader(text, max_depth, offset)
    try:
        return reader.documents(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(str(error.problem or error.context or "cannot be parsed").split())
        raise Unreadable(f"not valid YAML: {reason}", _HINT, mark.index + offset if mark else None) from error
    except yaml.reader.ReaderError as error:
        raise Unreadable(f"not valid YAML: {error.reason}", _HINT) from error


_ODD_BREAK = lazy("\r(?!\n)|[\x85\u2028\u2029]")


class _Reader:
    """Turns events into nodes, counting depth and size."""

    def __init__(self, text: str, max_depth: int, offset: int) -> None:
        self._text = text
        self._max_depth = max_depth
        self._offset = offset
        self._budget = MAX_NODES
        self._anchors: dict[str, Node | None] = {}  # None: the node is not read to its end
        self._sizes: dict[str, int] = {}

    def documents(self, events: Iterator[Any]) -> list[Node]:
        roots: list[Node] = []
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                self._anchors.clear()
            elif kind.endswith(("ScalarEvent", "SequenceStartEvent", "MappingStartEvent", "AliasEvent")):
                if len(roots) == MAX_DOCUMENTS:
                    raise Unreadable(
                        f"more than {MAX_DOCUMENTS} documents in one file", "split the file; no client needs as many", self._start(event)
                    )
                roots.append(self._node(event, events, 1))
        return roots

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        kind = type(event).__name__
        before = self._budget
        if kind == "AliasEvent":
            return self._alias(event)
        self._spend(1, event)
        if event.anchor:
            self._anchors[event.anchor] = None
        if kind == "ScalarEvent":
            node = Node(*self._span(event, event), _scalar(event))
        elif depth > self._max_depth:
            raise Unreadable(f"nested deeper than {self._max_depth} levels", "remove the nesting; no client needs it", self._start(event))
        elif kind == "SequenceStartEvent":
            node = self._sequence(event, events, depth)
        else:
            node = self._mapping(event, events, depth)
        if event.anchor and self._anchors[event.anchor] is None:  # else an anchor within took the name, and keeps it
            self._anchors[event.anchor] = node
            self._sizes[event.anchor] = before - self._budget
        return node

    def _spend(self, count: int, event: Any) -> None:
        self._budget -= count
        if self._budget < 0:
            raise Unreadable(f"more than {MAX_NODES} values once aliases are written out", "remove the aliases", self._start(event))

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise Unreadable("not valid YAML: an alias without an anchor", _HINT, self._start(event))
        self._spend(self._sizes[event.anchor], event)
        return node

    def _sequence(self, first: Any, events: Iterator[Any], depth: int) -> Node:
        members: list[tuple[str | int, int, int, Node]] = []
        event = next(events)
        while type(event).__name__ != "SequenceEndEvent":
            node = self._node(event, events, depth + 1)
            members.append((len(members), node.start, node.start, node))
            event = next(events)
        return Node(*self._extent(first, event, members), [node.value for *_, node in members], tuple(members))

    def _mapping(self, first: Any, events: Iterator[Any], depth: int) -> Node:
        members: list[tuple[str | int, int, int, Node]] = []
        merged: list[Node] = []
        event = next(events)
        while type(event).__name__ != "MappingEndEvent":
            start, end = self._span(event, event)
            merges = type(event).__name__ == "ScalarEvent" and event.value == "<<" and (event.implicit[0] or str(event.tag).endswith(":merge"))
            key = self._node(event, events, depth + 1).value
            value = self._node(next(events), events, depth + 1)
            if merges:
                merged += [node for *_, node in value.members or ()] if isinstance(value.value, list) else [value]
            else:
                members.append((key if isinstance(key, str) else _name(key), start, end, value))
            event = next(events)
        written = list(members)
        own = {key for key, *_ in members}
        for source in merged:
            if not isinstance(source.value, dict):
                raise Unreadable("not valid YAML: a merge key needs a mapping", _HINT, source.start)
            members += [member for member in source.members or () if member[0] not in own]
            own |= {key for key, *_ in source.members or ()}
        pairs = [(str(key), node.value) for key, _, _, node in members]
        value_of = dict(pairs)
        return Node(*self._extent(first, event, written), value_of if len(value_of) == len(pairs) else Repeated(pairs), tuple(members))

    def _start(self, event: Any) -> int:
        return int(event.start_mark.index) + self._offset

    def _extent(self, first: Any, last: Any, members: list[tuple[str | int, int, int, Node]]) -> tuple[int, int]:
        """The span of a container; one in block style ends with its last member, not where the next token begins."""
        if first.flow_style or not members:
            return self._span(first, last)
        return self._start(first), max(members[-1][2], members[-1][3].end)

    def _span(self, first: Any, last: Any) -> tuple[int, int]:
        start, end = first.start_mark.index, last.end_mark.index
        end = start + len(self._text[start:end].rstrip(" \t\r\n")) if end - start > 1 else end
        return start + self._offset, max(end, start) + self._offset


_INT = lazy(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = lazy(r"[-+]?[0-9]{1,30}\.[0-9]{0,30}([eE][-+][0-9]{1,2})?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


def _scalar(event: Any) -> Json:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _name(key: Json) -> str:
    """A key that is no string, as clients in other languages spell it."""
    return {None: "null", True: "true", False: "false"}[key] if key is None or isinstance(key, bool) else str(key)
