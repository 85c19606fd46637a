"""Lines of a file that is not at hand, as a part's report carries them (`--shard`): numbered lines in, what an excerpt is made from out."""

from __future__ import annotations

from mcp_audit_gate.model import Location
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_audit_gate.model import Place


class Line(NamedTuple):
    """A line with asterisks for its secrets, and where these stand, in characters."""

    text: str
    hidden: tuple[tuple[int, int], ...] = ()


class Kept:
    """As much of a Document as excerpts ask for. count: how many lines the file has."""

    def __init__(self, path: str, count: int, lines: Mapping[int, Line]) -> None:
        self.path = path
        self.data = b""
        self.count = count
        self.kept = dict(sorted(lines.items()))
        self._starts: dict[int, int] = {}
        hidden: list[tuple[int, int]] = []
        at = 0
        for number, line in self.kept.items():
            self._starts[number] = at
            hidden += [(at + start, at + end) for start, end in line.hidden]
            at += len(line.text) + 1
        self.text = "\n".join([line.text for line in self.kept.values()])
        self.hidden = tuple(hidden)

    def line(self, number: int) -> tuple[int, int]:
        """First offset and end of a line in the text; an empty span for one that was not kept."""
        start = self._starts.get(number, 0)
        return start, start + len(self.kept[number].text) if number in self.kept else start

    def position(self, offset: int) -> tuple[int, int]:
        """The last line of the file, which is all that is asked of its end."""
        return self.count, 1

    def locate(self, place: Place) -> Location:
        """The file: nothing is known of its values."""
        return Location(self.path)
