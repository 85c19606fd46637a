"""Events come out the same however the bytes are cut, and in linear time."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.live.events import Event, EventReader, TooLong

STREAM = (
    b": hello\r\n\r\nevent: endpoint\r\ndata: /x\r\n\r\ndata: one\ndata:two\nid: 7\n\nevent: empty\n\rdata: \xc3\xa9\r\r: bye\n\ndata: unfinished"
)
EVENTS = [Event("endpoint", b"/x"), Event("message", b"one\ntwo"), Event("message", b"\xc3\xa9")]


def cut(chunks: list[bytes], limit: int = 1000) -> list[Event]:
    reader = EventReader(limit)
    return [event for chunk in chunks for event in reader.feed(chunk)]


def test_a_stream_in_one_piece() -> None:
    assert cut([STREAM]) == EVENTS


@given(st.sets(st.integers(0, len(STREAM))))
def test_a_stream_in_any_pieces(places: set[int]) -> None:
    edges = [0, *sorted(places), len(STREAM)]
    assert cut([STREAM[start:end] for start, end in itertools.pairwise(edges)]) == EVENTS


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"A" * 2000],
        [b"A" * 400] * 3,
        [b"data: " + b"A" * 300 + b"\n"] * 4,
        [b"data: " + b"A" * 600 + b"\n", b"data: " + b"A" * 600],
        [b"data\n"] * 2000,
    ],
    ids=["one line", "a line in pieces", "an event of lines", "lines in pieces", "lines without data"],
)
def test_an_event_beyond_the_cap(chunks: list[bytes]) -> None:
    with pytest.raises(TooLong):
        cut(chunks)


def test_many_small_events_are_no_large_one() -> None:
    assert len(cut([b"data: " + b"A" * 300 + b"\n\n"] * 20)) == 20


def test_a_line_that_comes_byte_by_byte_costs_no_square() -> None:
    began = time.perf_counter()
    cut([b"A"] * 200_000, 1 << 20)
    assert time.perf_counter() - began < 3


def test_many_lines_of_data_in_small_pieces_cost_no_square() -> None:
    began = time.process_time()
    cut([b"data:1\n"] * 60_000, 1 << 20)
    assert time.process_time() - began < 3


def test_an_empty_piece_parts_no_line_end() -> None:
    assert cut([b"data: a\r", b"", b"\ndata: b\n\n"]) == [Event("message", b"a\nb")]
