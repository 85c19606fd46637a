"""The source line of a location, secrets masked, and where in it the value stands: Location in, Excerpt out."""

from __future__ import annotations

from bisect import bisect_left

from mcp_audit_gate.metadata.text import ELLIPSIS, visible
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report.kept import Kept, Line
from mcp_audit_gate.sources.document import Document, Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_audit_gate.model import Location, Locator

    Spans = tuple[tuple[int, int], ...]

MASK = "***"
_TAB = "    "
_CONTEXT = 12


class Excerpt(NamedTuple):
    """A line made printable, cut to a width, and the value in it: where it starts and how wide it is in terminal cells, and its text.

    at: the same start in characters.
    """

    text: str
    start: int
    width: int
    value: str
    at: int = 0


class Excerpts:
    """Excerpts of the files of one report; what is worked out about a file or a line is kept for the next finding there."""

    def __init__(self, documents: Mapping[str, Locator], hidden: Mapping[str, Spans] | None = None) -> None:
        """hidden: by path, spans that are not shown either, whatever stands there."""
        self._documents = documents
        self._hidden = hidden or {}
        self._secrets: dict[str, Spans] = {}
        self._lines: dict[str, Lines] = {}
        self._bounds: dict[tuple[str, int], tuple[int, int]] = {}

    def at(self, location: Location, width: int, secret: bool = False) -> Excerpt | None:
        """The first line of the location in at most `width` cells, or None when there is no text.

        With `secret` the value is masked even where it was not recognised as one.
        """
        document = self._documents.get(location.path)
        if document is None or location[1:3] == location[3:5]:
            return None
        first, last = self._line(document, location.start_line)
        start, end = _span(location, first, last)
        secrets = _between(self._spans(document), start - width, end + width)
        if secret and not _between(secrets, start, end):
            secrets = tuple(sorted((*secrets, _inside(document.text, start, end))))
        near, far = max(first, start - width), min(last, end + width)
        before = _printable(document.text, secrets, near, start)
        token = _printable(document.text, secrets, start, min(end, start + width))
        after = _printable(document.text, secrets, end, far)
        return _fit((before, near > first), (token, end > start + width), (after, far < last), width)

    def around(self, location: Location, width: int) -> tuple[int, int, str] | None:
        """The lines of the location with one before and one after: first, last, and the text of the first twelve."""
        document = self._documents.get(location.path)
        if document is None:
            return None
        first, last, numbers = self._numbers(document, location)
        shown = [self._whole(document, number, width) for number in numbers]
        return first, last, "\n".join(shown if len(shown) > last - first else (*shown, ELLIPSIS))

    def _numbers(self, document: Locator, location: Location) -> tuple[int, int, range]:
        """The first and the last line around a location, and those of them that are shown."""
        count, _ = self._split(document).position(len(document.text))
        first, last = max(location.start_line - 1, 1), max(min(location.end_line + 1, count), location.end_line)
        return first, last, range(first, min(last, count, first + _CONTEXT - 1) + 1)

    def keep(self, location: Location, secret: bool) -> tuple[int, Iterator[tuple[int, Line]]] | None:
        """How many lines the file has, and those that `at` and `around` show of the location, secrets overwritten; None without the file."""
        document = self._documents.get(location.path)
        if document is None:
            return None
        count, _ = self._split(document).position(len(document.text))
        return count, self._kept(document, location, secret)

    def _kept(self, document: Locator, location: Location, secret: bool) -> Iterator[tuple[int, Line]]:
        secrets = self._spans(document)
        first, last = self._line(document, location.start_line)
        start, end = _span(location, first, last)
        if secret and not _between(secrets, start, end):
            secrets = tuple(sorted((*secrets, _inside(document.text, start, end))))
        for number in self._numbers(document, location)[2]:
            first, last = self._line(document, number)
            text = document.text[first:last]
            hidden = tuple((max(low - first, 0), min(high, last) - first) for low, high in _between(secrets, first, last))
            for low, high in hidden:
                text = f"{text[:low]}{'*' * (high - low)}{text[high:]}"
            yield number, Line(text, hidden)

    def _whole(self, document: Locator, number: int, width: int) -> str:
        first, last = self._line(document, number)
        text = _printable(document.text, _between(self._spans(document), first, first + width), first, min(last, first + width))
        return text if last <= first + width and len(text) <= width else text[: width - 1] + ELLIPSIS

    def _split(self, document: Locator) -> Lines | Kept:
        if isinstance(document, Kept):
            return document
        if document.path not in self._lines:
            self._lines[document.path] = document.lines if isinstance(document, Document) else Lines(document.text)
        return self._lines[document.path]

    def _line(self, document: Locator, number: int) -> tuple[int, int]:
        key = (document.path, number)
        if key not in self._bounds:
            self._bounds[key] = self._split(document).line(number)
        return self._bounds[key]

    def _spans(self, document: Locator) -> Spans:
        if isinstance(document, Kept):
            return document.hidden
        if document.path not in self._secrets:
            from mcp_audit_gate.metadata.credentials import merged, secret_spans

            # What cannot be looked into is not shown at all.
            found = secret_spans(document) if isinstance(document, Document) else ((0, len(document.text)),)
            more = self._hidden.get(document.path)
            self._secrets[document.path] = merged((*found, *more)) if more else found
        return self._secrets[document.path]


def _span(location: Location, first: int, last: int) -> tuple[int, int]:
    """Where the location's first line holds it. first, last: the offsets of the line."""
    start = min(first + location.start_column - 1, last)
    return start, last if location.end_line > location.start_line else min(first + location.end_column - 1, last)


def _between(spans: Spans, low: int, high: int) -> Spans:
    """The spans that share a character with low to high."""
    index = bisect_left(spans, (low, low))
    if index and spans[index - 1][1] > low:
        index -= 1
    return spans[index : bisect_left(spans, (high, high), index)]


def _inside(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the quotes around it."""
    quotes = int(end - start > 1 and text[start] in "\"'" and text[end - 1] == text[start])
    return start + quotes, end - quotes


def _printable(text: str, secrets: Spans, low: int, high: int) -> str:
    """The text from low to high on one line, with the same mask for every secret, however long."""
    parts = []
    for start, end in secrets:
        if start < high and end > low:
            parts += [text[low : max(start, low)], MASK]
            low = min(end, high)
    return visible("".join((*parts, text[low:high])).replace("\t", _TAB))


def _fit(before: tuple[str, bool], token: tuple[str, bool], after: tuple[str, bool], width: int) -> Excerpt:
    """The three parts in `width` cells; each comes with whether the line goes on beyond it."""
    left, value, right = before[0], token[0], after[0]
    if any(cut for _, cut in (before, token, after)) or cells(left) + cells(value) + cells(right) > width:
        value = _head(*token, 2 * width // 3)
        room = width - cells(value)
        right = "" if value.endswith(ELLIPSIS) else _head(*after, max(room // 3, room - cells(left)))
        left = _tail(*before, room - cells(right))
    return Excerpt(left + value + right, cells(left), max(1, cells(value)), value, len(left))


def _head(text: str, cut: bool, limit: int) -> str:
    if cells(text) <= limit - cut:
        return text + ELLIPSIS * cut
    while text and cells(text) >= limit:
        text = text[: len(text) - max(1, (cells(text) - limit) // 2)]
    return text + ELLIPSIS if limit > 0 else ""


def _tail(text: str, cut: bool, limit: int) -> str:
    if cells(text) <= limit - cut:
        return ELLIPSIS * cut + text
    while text and cells(text) >= limit:
        text = text[max(1, (cells(text) - limit) // 2) :]
    return ELLIPSIS + text if limit > 0 else ""


def cells(text: str) -> int:
    """Columns the text takes on a terminal: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(0 if category(char) in ("Mn", "Me", "Cf") else 2 if east_asian_width(char) in "WF" else 1 for char in text)
