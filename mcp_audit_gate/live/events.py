"""Server-sent events: chunks of bytes in, whole events out, in linear time and with a cap on the size of one."""

from __future__ import annotations

import re

from mcp_audit_gate.record import NamedTuple

_ENDS = re.compile(rb"\r\n|\n|\r")


class Event(NamedTuple):
    """The name of an event, `message` when it has none, and its data."""

    name: str
    data: bytes


class TooLong(Exception):  # noqa: N818 - a state of the stream
    """One event is beyond the cap."""


class EventReader:
    """Takes chunks as they come. Format: WHATWG HTML, "Server-sent events", seen 2026-11-22."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest: list[bytes] = []
        self._pending = 0  # bytes of the line that has not ended
        self._held = 0  # bytes of the event that has not ended, its line ends included
        self._return = False
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that end in this chunk; raises TooLong."""
        if not chunk:
            return []
        if self._return and chunk.startswith(b"\n"):  # the other half of a line's end
            chunk = chunk[1:]
        self._return = chunk.endswith(b"\r")
        first, *others = _ENDS.split(chunk)
        self._rest.append(first)
        self._pending += len(first)
        events = []
        if others:
            for line in (b"".join(self._rest), *others[:-1]):
                events += self._line(line)
            self._rest = [others[-1]]
            self._pending = len(others[-1])
        if self._pending + self._held > self._limit:
            raise TooLong
        return events

    def _line(self, line: bytes) -> list[Event]:
        if not line:
            event = Event(self._name or "message", b"\n".join(self._data))
            self._name, self._data, self._held = "", [], 0
            return [event] if event.data else []
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._held += len(value) + 1
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return []
