"""Secrets in Codex's config, which fills in no references: variables and headers are named in members of their own, and the literal goes.

`env.KEY` becomes a name in `env_vars`, `http_headers.Authorization` becomes `bearer_token_env_var`, other headers `env_http_headers`
(openai/codex, config/src/mcp_types.rs, seen 2026-11-22).
"""

from __future__ import annotations

import json

from mcp_audit_gate.fix.edits import Edit, Reshaped
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.document import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_audit_gate.model import Entry, Json, Pointer
    from mcp_audit_gate.sources.tomls import Table

_BEARER = "Bearer "


class Literal(NamedTuple):
    """A secret in an entry: where its string stands, the string, the part of it that is secret, and the variable to read it from."""

    at: Pointer
    text: str
    start: int
    end: int
    name: str


def is_known(one: Literal) -> bool:
    """True for a secret that one of the members for names can take the place of."""
    if len(one.at) != 2 or one.end != len(one.text):
        return False
    if one.at[0] == "env":
        return one.start == 0 and one.name == one.at[1]
    return one.at[0] == "http_headers" and (one.start == 0 or (str(one.at[1]).lower() == "authorization" and one.text[: one.start] == _BEARER))


def reshaped(entry: Entry, literals: Iterable[Literal]) -> Reshaped | None:
    """The changes that take the secrets out of an entry; None when it is laid out in a way that is not known."""
    document = entry.document
    if not isinstance(document, Document):
        return None
    places = _Places(document, entry.pointer)
    forwarded: list[str] = []
    headers: dict[str, str] = {}
    bearer = ""
    for one in literals:
        if one.at[0] == "env":
            forwarded.append(one.name)
        elif one.start and not bearer and "bearer_token_env_var" not in entry.value:
            bearer = one.name
        elif one.start:
            return None
        else:
            headers[str(one.at[1])] = one.name
    if (headers and "env_http_headers" in entry.value) or not places.remove(one.at for one in literals):
        return None
    new: dict[str, Json] = {"bearer_token_env_var": bearer} if bearer else {}
    new |= {"env_http_headers": dict(headers)} if headers else {}
    known = entry.value.get("env_vars", [])
    if not isinstance(known, list):
        return None
    missing = [name for name in forwarded if name not in known]
    if missing and "env_vars" in entry.value:
        places.append("env_vars", missing)
    elif missing:
        new["env_vars"] = [*missing]
    lists = {places.path("env_vars"): [*known, *missing]} if missing and "env_vars" in entry.value else {}
    if new and not places.add(new):
        return None
    return Reshaped(tuple(sorted(places.edits)), lists, frozenset(places.removed), {places.path(): new} if new else {})


class _Places:
    """Collects the edits of one entry of a TOML document."""

    def __init__(self, document: Document, pointer: Pointer) -> None:
        self._text = document.text
        self._pointer = pointer
        self._members = document.index.members
        node = document.index.root()
        for step in pointer:
            node = self._members(node)[step][-1][2]
        self._entry: Table = node
        self.edits: set[Edit] = set()
        self.removed: set[tuple[tuple[str | int, int], ...]] = set()

    def path(self, *steps: str | int) -> tuple[tuple[str | int, int], ...]:
        """The path of something below the entry."""
        return tuple((step, 0) for step in (*self._pointer, *steps))

    def remove(self, places: Iterable[Pointer]) -> bool:
        """Takes pairs out of their tables; False for a layout that is not known."""
        groups: dict[str | int, list[str | int]] = {}
        for table, key in places:
            groups.setdefault(table, []).append(key)
            self.removed.add(self.path(table, key))
        return all(self._take(table, keys) for table, keys in groups.items())

    def _take(self, table: str | int, keys: list[str | int]) -> bool:
        node: Table = self._members(self._entry)[table][-1][2]
        if self._text[node.start] == "{":
            return self._take_inline(node, keys)
        for key in keys:
            start, _, value = self._members(node)[key][-1]
            first = self._line_start(start)
            if self._text[first:start].strip(" \t"):
                return False
            after = value.end + len(self._text[value.end :]) - len(self._text[value.end :].lstrip(" \t"))
            if self._text.startswith("#", after):
                self.edits.add(Edit(start, after, ""))
                continue
            rest = next((mark for mark in ("\r\n", "\n") if self._text.startswith(mark, after)), "")
            self.edits.add(Edit(first, after + len(rest), ""))
        return True

    def _take_inline(self, node: Table, keys: list[str | int]) -> bool:
        """Pairs out of `{ a = "b", c = "d" }`, each with one comma."""
        pairs = sorted((start, value.end, key) for key, ((start, _, value),) in self._members(node).items())
        kept = [pair for pair in pairs if pair[2] not in keys]
        if not kept:
            self.edits.add(Edit(node.start + 1, node.end - 1, ""))
            return True
        for number, (start, end, key) in enumerate(pairs):
            if key not in keys:
                continue
            if any(other in kept for other in pairs[:number]):
                self.edits.add(Edit(pairs[number - 1][1], end, ""))
            else:
                self.edits.add(Edit(start, pairs[number + 1][0], ""))
        return True

    def append(self, key: str, names: list[str]) -> None:
        """Names at the end of a list of the entry."""
        node: Table = self._members(self._entry)[key][-1][2]
        items = [value for ((_, _, value),) in self._members(node).values()]
        written = ", ".join(map(json.dumps, names))
        at = items[-1].end if items else node.start + 1
        self.edits.add(Edit(at, at, f", {written}" if items else written))

    def add(self, members: dict[str, Json]) -> bool:
        """New members behind the program or address of the entry; False for a layout that is not known."""
        pairs = [f"{key} = {_toml(value)}" for key, value in members.items()]
        known = self._members(self._entry)
        anchor = next((known[key][-1] for key in ("command", "url") if key in known), None)
        if anchor is None:
            return False
        start, _, value = anchor
        if self._text[self._entry.start] == "{":
            self.edits.add(Edit(value.end, value.end, "".join(f", {pair}" for pair in pairs)))
            return True
        first = self._line_start(start)
        indent = self._text[first:start]
        if indent.strip(" \t"):
            return False
        at = self._text.find("\n", value.end)
        at = len(self._text) if at < 0 else at - (self._text[at - 1] == "\r")
        line_end = "\r\n" if "\r\n" in self._text else "\n"
        self.edits.add(Edit(at, at, "".join(f"{line_end}{indent}{pair}" for pair in pairs)))
        return True

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1


def _toml(value: Json) -> str:
    """A name, a list of names or a table of names in TOML; names of variables need no escapes, keys are quoted like JSON's."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {json.dumps(name)}' for key, name in value.items())} }}"
    return json.dumps(value)
