"""JSON with comments and trailing commas, by tokens and recursive descent (RFC 8259; comments as in microsoft/node-jsonc-parser)."""

from __future__ import annotations

import json
import math
import re

from fuzz.oracles.tree import Node

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+) | (?P<comment>//[^\n\r\u2028\u2029]*|/\*(?:(?!\*/).)*\*/)
    | (?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*") | (?P<mark>[\[\]{}:,])
    | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?) | (?P<word>true|false|null)""",
    re.X | re.S,
)
_WORDS = {"true": True, "false": False, "null": None}


class NotJson(Exception):  # noqa: N818
    """The text is none."""


class _Token:
    def __init__(self, kind: str, text: str, start: int) -> None:
        self.kind, self.text, self.start, self.end = kind, text, start, start + len(text)


def read(text: str, deepest: int = 64) -> Node:
    """The value with its spans. Raises NotJson, also for what we refuse: odd line ends of comments, huge numbers, deep nesting."""
    reader = _Reader(_without_trailing_commas(_tokens(text)), deepest)
    root = reader.value(0)
    if reader.at < len(reader.tokens):
        raise NotJson("more than one value")
    return root


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match or match.lastgroup is None:
            raise NotJson(f"a character that begins nothing at {at}")
        if match.lastgroup == "comment" and text[at + 1] == "/" and not re.match(r"\r?\n|\Z", text[match.end() :]):
            raise NotJson("a comment with an end that clients disagree on")
        if match.lastgroup not in ("blank", "comment"):
            found.append(_Token(match.lastgroup, match.group(), at))
        at = match.end()
    return found


def _without_trailing_commas(tokens: list[_Token]) -> list[_Token]:
    kept = []
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None]):
        trailing = (
            token.text == "," and before is not None and before.text not in ("{", "[", ",", ":") and after is not None and after.text in ("]", "}")
        )
        if not trailing:
            kept.append(token)
    return kept


class _Reader:
    def __init__(self, tokens: list[_Token], deepest: int) -> None:
        self.tokens = tokens
        self.at = 0
        self._deepest = deepest

    def _next(self, *texts: str) -> _Token:
        if self.at >= len(self.tokens) or (texts and self.tokens[self.at].text not in texts):
            raise NotJson("something else was expected")
        self.at += 1
        return self.tokens[self.at - 1]

    def value(self, depth: int) -> Node:
        token = self._next()
        if token.kind == "string":
            return Node(json.loads(token.text), token.start, token.end)
        if token.kind == "number":
            return Node(_number(token.text), token.start, token.end)
        if token.kind == "word":
            return Node(_WORDS[token.text], token.start, token.end)
        if token.text not in ("{", "["):
            raise NotJson("a value was expected")
        if depth >= self._deepest:
            raise NotJson("too deep")
        members, end = self._members(token.text == "{", depth)
        made = {key: inner.value for key, _, _, inner in members} if token.text == "{" else [inner.value for *_, inner in members]
        return Node(made, token.start, end, tuple(members))

    def _members(self, named: bool, depth: int) -> tuple[list[tuple[str | int, int, int, Node]], int]:
        members: list[tuple[str | int, int, int, Node]] = []
        close = "}" if named else "]"
        if self.at < len(self.tokens) and self.tokens[self.at].text == close:
            return members, self._next(close).end
        while True:
            if named:
                key = self._next()
                if key.kind != "string":
                    raise NotJson("a key was expected")
                self._next(":")
                members.append((json.loads(key.text), key.start, key.end, self.value(depth + 1)))
            else:
                inner = self.value(depth + 1)
                members.append((len(members), inner.start, inner.start, inner))
            if self._next(",", close).text == close:
                return members, self.tokens[self.at - 1].end


def _number(text: str) -> int | float:
    if len(text) > 1000 or math.isinf(float(text)):
        raise NotJson("a number that is too large")
    return float(text) if re.search("[.eE]", text) else int(text)
