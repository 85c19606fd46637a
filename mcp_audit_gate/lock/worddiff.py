"""A text before and after in, which words stayed, went and came out; for reports, in bounded time."""

from __future__ import annotations

from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT, GONE, CAME = "=", "-", "+"
_WORDS = lazy(r"\s+|\w+|[^\w\s]")
# Words of both texts that are compared one by one; beyond that the middle of the texts is told as a whole.
MAX_WORDS = 1500


def worddiff(before: str, after: str) -> list[tuple[str, str]]:
    """Pieces of text with KEPT, GONE or CAME, in order: those kept or gone make up `before`, those kept or come `after`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle = old[start : len(old) - end], new[start : len(new) - end]
    parts = [(KEPT, old[:start]), *_middle(*middle), (KEPT, old[len(old) - end :])]
    # Neither the first nor the last word of the middle is kept, so no two neighbours are of one kind.
    return [(op, "".join(words)) for op, words in parts if words]


def _common(old: list[str], new: list[str]) -> int:
    return next((number for number, (one, other) in enumerate(zip(old, new)) if one != other), min(len(old), len(new)))


def _middle(old: list[str], new: list[str]) -> Iterator[tuple[str, list[str]]]:
    if not old or not new or len(old) + len(new) > MAX_WORDS:
        yield GONE, old
        yield CAME, new
        return
    from difflib import SequenceMatcher

    for op, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            yield KEPT, old[first:last]
        else:
            yield GONE, old[first:last]
            yield CAME, new[start:end]
