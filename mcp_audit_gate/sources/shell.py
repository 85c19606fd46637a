"""A command string as a POSIX shell would split it: text in, words and operators out. Nothing is expanded or run."""

from __future__ import annotations

from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple


class Token(NamedTuple):
    """A word or an operator. text: quotes taken off; start, end: offsets in the string.

    inner: the commands of `$(…)`, backquotes, `<(…)` and `>(…)` in it, as written. quoted: some part stood in quotes.
    """

    text: str
    start: int
    end: int
    operator: bool = False
    inner: tuple[str, ...] = ()
    quoted: bool = False


_BLANK = lazy(r"(?:[ \t]|\\\r?\n)+")
_OPERATOR = lazy(r"[0-9]*>>?&[0-9-]+|&>>?|[0-9]*(?:<<<|<<-?|>>|>\||[<>]&?)|&&|\|\||\|&|;;|[;&|()\r\n]")
_PLAIN = lazy(r"[^ \t\r\n\\'\"`$;&|<>()]+")
_DOUBLE = lazy(r'[^"\\`$]+')


def split(text: str) -> tuple[Token, ...]:
    """Words and operators in order; a quote or bracket that never closes reaches to the end."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank:
            at = blank.end()
            continue
        if text[at] == "#":
            at = _line_end(text, at)
            continue
        process = text.startswith(("<(", ">("), at)
        operator = None if process else _OPERATOR.match(text, at)
        if operator and (operator.group()[0] not in "0123456789" or not tokens or tokens[-1].end < at or tokens[-1].operator):
            tokens.append(Token(operator.group(), at, operator.end(), True))
            at = operator.end()
        else:
            token = _word(text, at)
            tokens.append(token)
            at = token.end
    return tuple(tokens)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _word(text: str, start: int) -> Token:
    pieces: list[str] = []
    inner: list[str] = []
    quoted = False
    at = start
    while at < len(text):
        char = text[at]
        plain = _PLAIN.match(text, at)
        if plain:
            pieces.append(plain.group())
            at = plain.end()
        elif char == "'":
            quoted, end = True, _find(text, "'", at + 1)
            pieces.append(text[at + 1 : end])
            at = end + 1
        elif char == '"':
            quoted = True
            at = _double(text, at + 1, pieces, inner)
        elif char == "\\":
            pieces.append(text[at + 1 : at + 2].replace("\n", ""))
            at += 2
        elif char in "$`" or (char in "<>" and text[at + 1 : at + 2] == "("):
            at = _expansion(text, at, pieces, inner)
        else:
            break
    return Token("".join(pieces), start, min(at, len(text)), False, tuple(inner), quoted)


def _find(text: str, what: str, at: int) -> int:
    end = text.find(what, at)
    return len(text) if end < 0 else end


def _double(text: str, at: int, pieces: list[str], inner: list[str]) -> int:
    """Reads on inside double quotes; returns the offset behind the closing one."""
    while at < len(text) and text[at] != '"':
        plain = _DOUBLE.match(text, at)
        if plain:
            pieces.append(plain.group())
            at = plain.end()
        elif text[at] == "\\":
            follows = text[at + 1 : at + 2]
            pieces.append(follows if follows in '"\\$`' else "\\" + follows)
            at += 2
        else:
            at = _expansion(text, at, pieces, inner)
    return at + 1


def _expansion(text: str, at: int, pieces: list[str], inner: list[str]) -> int:
    """Takes `$(…)`, backquotes or `<(…)` as written into the word, and its command into `inner`."""
    if text[at] == "`":
        end = _find(text, "`", at + 1)
        inner.append(text[at + 1 : end])
    elif text.startswith("(", at + 1):
        end = _close(text, at + 2)
        if not text.startswith("((", at + 1):
            inner.append(text[at + 2 : end])
        else:
            _braced(text[at + 3 : end], 0, inner)
    elif text.startswith("{", at + 1):
        end = _braced(text, at + 2, inner)
    else:
        end = at
    end = min(end + 1, len(text))
    pieces.append(text[at:end])
    return end


_IN_BRACES = lazy(r"\}|\$\(\(?|`|\\")


def _braced(text: str, at: int, inner: list[str]) -> int:
    """Offset of the brace that closes `${`; the commands in between (`${x:-$(…)}`) go to `inner`."""
    while found := _IN_BRACES.search(text, at):
        char, at = found.group(), found.end()
        if char == "}":
            return at - 1
        if char == "\\":
            at += 1
        elif char in ("$(", "`"):
            end = _close(text, at) if char == "$(" else _find(text, "`", at)
            inner.append(text[at:end])
            at = end + 1
    return len(text)


_BRACKET = lazy(r"[()'\"\\]")


def _close(text: str, at: int) -> int:
    """Offset of the bracket that closes the one before `at`."""
    depth = 1
    while found := _BRACKET.search(text, at):
        char, at = found.group(), found.end()
        if char == "\\":
            at += 1
        elif char in "'\"":
            at = _find(text, char, at) + 1
        else:
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at - 1
    return len(text)


def commands(tokens: tuple[Token, ...]) -> tuple[tuple[tuple[Token, ...], str], ...]:
    """Simple commands, each with the operator that follows it ("" at the end); redirections stay with their command."""
    found: list[tuple[tuple[Token, ...], str]] = []
    words: list[Token] = []
    for token in tokens:
        if token.operator and token.text in ("&&", "||", ";", "|", "|&", "&", ";;", "(", ")", "\n", "\r"):
            if words:
                found.append((tuple(words), token.text))
            words = []
        else:
            words.append(token)
    if words:
        found.append((tuple(words), ""))
    return tuple(found)
