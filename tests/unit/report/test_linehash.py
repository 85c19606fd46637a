from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.report.linehash import line_hashes

END = "c129715d7a2bc9a3:1"


def every(data):
    found = line_hashes(data, range(1, 1000))
    return [found[number] for number in sorted(found)]


def plainly(text):
    """The algorithm of codeql-action's src/fingerprints.ts, unit by unit and without shortcuts."""
    raw = text.encode("utf-16-le")
    kept, starts, fresh, after_cr = [], [], True, False
    for place in range(0, len(raw), 2):
        unit = raw[place] | raw[place + 1] << 8
        if unit in (9, 32) or (after_cr and unit == 10):
            after_cr = False
            continue
        after_cr = unit == 13
        unit = 10 if unit == 13 else unit
        if fresh:
            starts.append(len(kept))
        fresh = unit == 10
        kept.append(unit)
    if fresh:
        starts.append(len(kept))
    kept += [65535] + [0] * 100
    seen, hashes = {}, []
    for start in starts:
        value = 0
        for unit in kept[start : start + 100]:
            value = (value * 37 + unit) % 2**64
        seen[value] = seen.get(value, 0) + 1
        hashes.append(f"{value:x}:{seen[value]}")
    return hashes


# Published with codeql-action, src/fingerprints.test.ts.
@pytest.mark.parametrize(
    ("text", "hashes"),
    [
        pytest.param("", [END], id="empty"),
        pytest.param(" a\nb\n  \t\tc\n d", ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"], id="blanks"),
        pytest.param(
            "x = 2\nx = 1\nprint(x)\nx = 3\nprint(x)\nx = 4\nprint(x)\n",
            [
                "e54938cc54b302f1:1",
                "bb609acbe9138d60:1",
                "1131fd5871777f34:1",
                "5c482a0f8b35ea28:1",
                "54517377da7028d2:1",
                "2c644846cb18d53e:1",
                "f1b89f20de0d133:1",
                END,
            ],
            id="program",
        ),
        pytest.param("Lorem ipsum dolor sit amet.\n" * 6, None, id="equal lines"),
    ],
)
def test_published_vectors(text, hashes):
    assert every(text.encode()) == (plainly(text) if hashes is None else hashes)


def test_equal_lines_are_counted():
    hashes = every(b"Lorem ipsum dolor sit amet.\n" * 10)
    assert hashes[:6] == [f"a7f2ff13bc495cf2:{number}" for number in range(1, 7)]
    assert hashes[-1] == END


lines = st.lists(
    st.one_of(st.sampled_from(["\n", "\r", "\r\n", " ", "\t", "\ufeff", "\u2028", "😀", "é", "a" * 99, "b" * 101]), st.text("abAf", max_size=5)),
    max_size=60,
)


@given(lines.map("".join))
def test_it_agrees_with_the_plain_reading(text):
    assert every(text.encode()) == plainly(text)


def test_different_windows_with_one_hash_are_counted_as_one():
    text = "bA" + "x" * 98 + "\n" + "af" + "x" * 98 + "\n"
    assert every(text.encode()) == plainly(text)
    assert [line[-2:] for line in every(text.encode())][:2] == [":1", ":2"]


def test_only_lines_asked_for_and_there_are_given():
    assert set(line_hashes(b"a\nb\nc", [2, 9])) == {2}
    assert line_hashes(b"a", []) == {}


def test_a_byte_order_mark_is_part_of_the_text():
    assert line_hashes(b"\xef\xbb\xbfa", [1]) == {1: plainly("\ufeffa")[0]}


def test_short_lines_in_a_large_file_take_linear_time():
    data = "".join(f"{number:x}\n" for number in range(100_000)).encode()
    start = time.process_time()
    line_hashes(data, [100_000])
    assert time.process_time() - start < 2
