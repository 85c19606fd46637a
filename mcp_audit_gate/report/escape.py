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
        return visible(text).encode()


def sarif_message(text: str) -> str:
    """Text for SARIF's message.text: at most 1 kB, no embedded link, one full stop at its end."""
    shown = message(text).replace("](", "] (")
    if len(shown.encode()) > MESSAGE_LIMIT:
        shown = shown.encode()[: MESSAGE_LIMIT - 3].decode("utf-8", "ignore") + ELLIPSIS
    return shown if shown.endswith(".") else f"{shown}."
