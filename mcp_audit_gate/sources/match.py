"""Which row of the client table a path belongs to: folder and file name in, rows out.

Names are compared case-folded and in NFC, as file systems that do not tell them apart would.
"""

from __future__ import annotations

import functools

from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.clients import ROWS, Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def fold(name: str) -> str:
    """A name as it is compared."""
    if name.isascii():
        return name.lower()
    from unicodedata import normalize

    return normalize("NFC", normalize("NFC", name).casefold())


class Pattern(NamedTuple):
    """One glob of a row, folded: the folders it names and the glob of the file name."""

    row: Row
    folders: tuple[str, ...]
    name: str


class _Tables(NamedTuple):
    exact: dict[str, tuple[Pattern, ...]]
    anywhere: tuple[Pattern, ...]
    below: dict[str, tuple[Pattern, ...]]
    endings: tuple[str, ...]


@functools.cache
def _tables() -> _Tables:
    """Patterns by exact file name, globs for any folder and by their first folder; how globs end."""
    exact: dict[str, list[Pattern]] = {}
    anywhere: list[Pattern] = []
    below: dict[str, list[Pattern]] = {}
    for pattern in patterns():
        if "*" not in pattern.name:
            exact.setdefault(pattern.name, []).append(pattern)
        elif pattern.folders:
            below.setdefault(pattern.folders[0], []).append(pattern)
        else:
            anywhere.append(pattern)
    endings = {pattern.name.rpartition("*")[2] for pattern in patterns() if "*" in pattern.name}
    return _Tables(_frozen(exact), tuple(anywhere), _frozen(below), tuple(endings))


def _frozen(table: dict[str, list[Pattern]]) -> dict[str, tuple[Pattern, ...]]:
    return {key: tuple(value) for key, value in table.items()}


@functools.cache
def patterns() -> tuple[Pattern, ...]:
    """Every glob of the table, folded."""
    return tuple(Pattern(row, tuple(map(fold, parts[:-1])), fold(parts[-1])) for row in ROWS for path in row.paths for parts in (path.split("/"),))


def leads_to_config(parts: tuple[str, ...]) -> int:
    """How many of a folder's last parts stand in a client's own path (`.cursor` 1, `.kiro/settings` 2), whatever the case; 0: none."""
    if not any(part.startswith(".") for part in parts):
        return 0
    folded = tuple(map(fold, parts))
    heads = (pattern.folders[:length] for pattern in patterns() for length in range(1, len(pattern.folders) + 1))
    return max((len(head) for head in heads if head[0].startswith(".") and head[-1] != "**" and _ends_with(folded, head)), default=0)


class Folder:
    """A folder being listed: its folded parts, and the globs that can match in it."""

    __slots__ = ("_endings", "_exact", "_globs", "parts")

    def __init__(self, parts: tuple[str, ...]) -> None:
        tables = _tables()
        self.parts = tuple(map(fold, parts))
        self._exact = tables.exact
        self._endings = tables.endings
        near = [pattern for part in dict.fromkeys(self.parts) if part in tables.below for pattern in tables.below[part]]
        self._globs = (*tables.anywhere, *(pattern for pattern in near if _ends_with(self.parts, pattern.folders)))

    def patterns(self, name: str) -> tuple[Pattern, ...]:
        """Every pattern that the file of that name in this folder matches."""
        folded = fold(name)
        found = [pattern for pattern in self._exact.get(folded, ()) if not pattern.folders or _ends_with(self.parts, pattern.folders)]
        if folded.endswith(self._endings):
            found += [pattern for pattern in self._globs if fits(folded, pattern.name)]
        return tuple(found)


def best(found: Iterable[Pattern]) -> Pattern | None:
    """The pattern that decides when several match: one that is no free name, then the one with most folders."""
    return max(found, key=lambda pattern: (not pattern.row.free, len(pattern.folders), "*" not in pattern.name), default=None)


def _ends_with(parts: tuple[str, ...], globs: tuple[str, ...]) -> bool:
    """True when the last folders fit the globs; `**` is any number of folders."""
    if not globs:
        return True
    if globs[-1] == "**":
        return any(_ends_with(parts[:end], globs[:-1]) for end in range(len(parts), -1, -1))
    return bool(parts) and fits(parts[-1], globs[-1]) and _ends_with(parts[:-1], globs[:-1])


def fits(name: str, glob: str) -> bool:
    """True when a folded name fits a glob with `*` in it."""
    if "*" not in glob:
        return name == glob
    first, *middle, last = glob.split("*")
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
