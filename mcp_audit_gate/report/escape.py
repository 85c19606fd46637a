"""One function for each place where text from a scanned file comes out; each takes the raw text."""

from __future__ import annotations

import re

from mcp_audit_gate.metadata.text import ELLIPSIS, visible

NAME_LIMIT = 200
MESSAGE_LIMIT = 1000


def terminal(text: str, limit: int | None = None) -> str:
    """Text for a line of a terminal or a build log: nothing in it moves the cursor, and `##[`, which GitHub obeys anywhere, is broken up."""
    return unmarked(visible(text, limit))


def unmarked(text: str) -> str:
    """The text without GitHub's older command mark `##[`."""
    return text.replace("##[", "#\\x23[") if "##[" in text else text


def line(text: str) -> str:
    """A whole output line that a runner does not take for a workflow command; it trims the line first."""
    text = unmarked(text)
    if "::" not in text or not text.lstrip().startswith("::"):
        return text
    return text.replace("::", ":\\x3a", 1)


def name(text: str) -> str:
    """A name for a terminal, shortened to 200 characters."""
    return terminal(text, NAME_LIMIT)


def message(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Prose for a terminal: long words, which are names, shortened to 200 characters and the whole to `limit`."""
    if len(text) > NAME_LIMIT:
        words = text[: 8 * limit].split(" ")
        text = " ".join(word if len(word) <= NAME_LIMIT else word[: NAME_LIMIT - 1] + ELLIPSIS for word in words)
    return terminal(text, limit)


def uri(path: str) -> str:
    """A path as SARIF's relative URI: percent-encoded UTF-8, `/` between segments, never leading out of the root.

    A backslash, which Windows takes for a separator even when it is percent-encoded, becomes the fullwidth letter; `..` loses its meaning.
    """
    from urllib.parse import quote

    segments = [segment for segment in path.replace("\\", "\uff3c").split("/") if segment not in ("", ".")]
    return "/".join(quote(_bytes("_" if segment == ".." else segment), safe="") for segment in segments) or "_"


def _bytes(text: str) -> bytes:
    """UTF-8; a byte of a file name that is no UTF-8 is itself again, any other lone surrogate an escape."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return visible(text).replace("\\", "\uff3c").encode()


def sarif_message(text: str) -> str:
    """Text for SARIF's message.text: at most 1 kB, no embedded link, one full stop at its end."""
    shown = message(text).replace("](", "] (")
    if len(shown.encode()) > MESSAGE_LIMIT:
        shown = shown.encode()[: MESSAGE_LIMIT - 3].decode("utf-8", "ignore") + ELLIPSIS
    return shown if shown.endswith(".") else f"{shown}."


def command_data(text: str) -> str:
    """Prose behind the last `::` of a workflow command."""
    return message(text).replace("%", "%25")


def command_property(text: str) -> str:
    """A property of a workflow command, line breaks and all; for a path see `command_path`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")


def command_path(path: str) -> str | None:
    """A path as a property that the runner reads back exactly, or None where that cannot be written safely."""
    rest = path.replace("\r", "").replace("\n", "")
    return command_property(path) if visible(rest) == rest and "##[" not in path else None


def code(text: str, limit: int = NAME_LIMIT) -> str:
    """A Markdown code span for a table cell or a line of prose: no links, mentions or HTML in it, and no end but its own."""
    shown = terminal(text, limit) or '""'
    if "|" in shown:  # in a table a pipe ends the cell, in code too, unless an odd number of backslashes stands before it
        shown = re.sub(r"\\*\|", lambda found: "\\" * (2 * len(found[0]) - 1) + "|", shown)
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", shown)), default=0))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(text: str) -> str:
    """A message as Markdown: plain words as they are, each that could mean something to a renderer in a code span."""
    # Not a web address, which GitHub links, nor an issue (`GH-1`) or a commit.
    part = "(?![0-9A-Fa-f]{7})[A-Za-z0-9]{1,24}"
    plain = re.compile(rf"""["'(]{{0,2}}(?!www\.|[Gg][Hh]-){part}(?:[-.']{part}){{0,4}}[,.;:]?["')]{{0,2}}[,.;:]?""")
    words = [word for word in message(text).split(" ") if word]
    first = words[:1] if words and re.fullmatch(r"\d+[.)]", words[0]) else []  # would begin a list
    return " ".join([*map(_span, first), *(word if plain.fullmatch(word) else _span(word) for word in words[len(first) :])])


def _span(text: str) -> str:
    """A code span with quotes, brackets and punctuation around the text left outside."""
    core = text.lstrip("\"'(")
    inner = core.rstrip(",.;:").rstrip("\"')")
    if not inner:
        return code(text, MESSAGE_LIMIT)
    return text[: len(text) - len(core)] + code(inner, MESSAGE_LIMIT) + core[len(inner) :]


def mermaid(text: str) -> str:
    """The inside of a quoted Mermaid label; whatever is no letter, digit or plain mark is a character code."""
    return "".join(char if char.isalnum() or char in " -_./,()" else f"#{ord(char)};" for char in visible(text, 60))


def markup(text: str) -> str:
    """Text or a quoted attribute of HTML or XML."""
    shown = visible(text)
    if "&" in shown or "<" in shown or ">" in shown or '"' in shown or "'" in shown:
        shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace("'", "&#39;")
    return shown.replace("##[", "#&#35;[")


def unled(markup: str) -> str:
    """A line of markup with its first colon as a reference when a runner would read `::` there."""
    return markup.replace(":", "&#58;", 1) if markup.lstrip().startswith("::") else markup
