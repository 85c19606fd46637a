"""One function for each place where text from a scanned file comes out; each takes the raw text."""

from __future__ import annotations

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
