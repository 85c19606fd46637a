"""The YAML of a policy, read strictly: bytes in, a Document with a plain value out.

Scalars are read as in YAML 1.2 (`off` and `no` are words, `2027-01-31` is text). Whatever makes a file mean something else than it
shows is refused: anchors, aliases, tags, merge keys, repeated keys, several documents.
"""

from __future__ import annotations

from mcp_audit_gate.errors import PolicyError, Unreadable
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.policy import plain
from mcp_audit_gate.sources.document import Document, Lines, Node
from mcp_audit_gate.sources.parse import BOM, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from mcp_audit_gate.model import Json
    from mcp_audit_gate.sources.yamls import YamlIndex

MAX_DEPTH = 16


def read(path: str, data: bytes) -> Document:
    """The one document of a policy file; its value is plain JSON. Raises PolicyError with the place."""
    try:
        text = decode(data)
    except Unreadable as error:
        raise PolicyError(f"{path}:{_bad_byte(data, error)}: {error.reason}", error.hint) from error
    root = plain.read(text) or whole(path, text)
    return Document(path, data, text, root.value, lambda: _index(root))


def _index(root: Node) -> YamlIndex:
    from mcp_audit_gate.sources.yamls import YamlIndex

    return YamlIndex(root)


def whole(path: str, text: str) -> Node:
    """The root of the one document, by the library. Raises PolicyError."""
    return _Reader(path, text).document()


def _bad_byte(data: bytes, error: Unreadable) -> str:
    cause = error.__cause__
    if not isinstance(cause, UnicodeDecodeError) or b"\0" in data[:64]:
        return "1:1"
    before = data.removeprefix(BOM)[: cause.start].decode("utf-8", "replace")
    line, column = Lines(before).position(len(before))
    return f"{line}:{column}"


class _Reader:
    """Turns the events of one document into nodes, and refuses everything that a policy need not have."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text

    def document(self) -> Node:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            return self._only(yaml.parse(self._text, Loader=loader))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            reason = " ".join(str(error.problem or error.context or "cannot be parsed").split())
            self._refuse(mark.index if mark else 0, f"not valid YAML: {reason}", "correct the YAML at this place", error)
        except yaml.reader.ReaderError as error:
            char = error.character if isinstance(error.character, str) else chr(error.character)
            self._refuse(max(self._text.find(char), 0), f"not valid YAML: {error.reason}", "remove the character", error)

    def _only(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent" and root is not None:
                self._refuse(event.start_mark.index, "a second document", "a policy is one document; remove everything from this line on")
            if kind.endswith(("ScalarEvent", "SequenceStartEvent", "MappingStartEvent", "AliasEvent")):
                root = self._node(event, events, 1)
        if root is None or root.value is None:
            self._refuse(0, "the policy is empty", "write at least `version: 1`")
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        kind = type(event).__name__
        start = event.start_mark.index
        if kind == "AliasEvent" or event.anchor:
            self._refuse(start, "anchors and aliases are not allowed in a policy", "write the value out")
        if event.tag is not None:
            self._refuse(start, f"the tag {visible(event.tag, 80)} is not allowed in a policy", "remove it; write text in quotes")
        if kind == "ScalarEvent":
            return Node(start, self._end(start, event), _scalar(event))
        if depth > MAX_DEPTH:
            self._refuse(start, f"nested deeper than {MAX_DEPTH} levels", "no part of a policy is that deep")
        return self._sequence(event, events, depth) if kind == "SequenceStartEvent" else self._mapping(event, events, depth)

    def _sequence(self, first: Any, events: Iterator[Any], depth: int) -> Node:
        members: list[tuple[str | int, int, int, Node]] = []
        while type(event := next(events)).__name__ != "SequenceEndEvent":
            node = self._node(event, events, depth + 1)
            members.append((len(members), node.start, node.start, node))
        return Node(*self._extent(first, event, members), [node.value for *_, node in members], tuple(members))

    def _mapping(self, first: Any, events: Iterator[Any], depth: int) -> Node:
        members: dict[str | int, tuple[str | int, int, int, Node]] = {}
        while type(event := next(events)).__name__ != "MappingEndEvent":
            key = self._node(event, events, depth + 1)
            self._check_key(key, event, members)
            name = str(key.value)
            members[name] = (name, key.start, key.end, self._node(next(events), events, depth + 1))
        value: Json = {str(name): node.value for name, _, _, node in members.values()}
        return Node(*self._extent(first, event, list(members.values())), value, tuple(members.values()))

    def _check_key(self, key: Node, event: Any, members: dict[str | int, tuple[str | int, int, int, Node]]) -> None:
        if not isinstance(key.value, str):
            self._refuse(key.start, "a key must be text", "write it in quotes" if key.members is None else "write one word and a colon")
        if key.value == "<<" and event.implicit[0]:
            self._refuse(key.start, "merge keys (<<) are not allowed in a policy", "write the values out, or use `extends`")
        if key.value in members:
            line, column = Lines(self._text).position(members[key.value][1])
            self._refuse(key.start, f'the key "{visible(key.value, 80)}" stands here and at {line}:{column}', "remove one of the two")

    def _extent(self, first: Any, last: Any, members: list[tuple[str | int, int, int, Node]]) -> tuple[int, int]:
        """The span of a container; one in block style ends with its last member, not where the next token begins."""
        start = first.start_mark.index
        if first.flow_style or not members:
            return start, self._end(start, last)
        return start, max(members[-1][2], members[-1][3].end)

    def _end(self, start: int, event: Any) -> int:
        end: int = event.end_mark.index
        return max(start, start + len(self._text[start:end].rstrip()) if end - start > 1 else end)

    def _refuse(self, offset: int, what: str, hint: str, cause: Exception | None = None) -> NoReturn:
        line, column = Lines(self._text).position(offset)
        raise PolicyError(f"{self._path}:{line}:{column}: {what}", hint) from cause


def _scalar(event: Any) -> Json:
    text: str = event.value
    return plain.resolve(text) if event.implicit[0] else text
