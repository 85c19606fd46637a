"""policy.plain against policy.syntax: what the short way reads, the library reads alike, spans included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.errors import PolicyError
from mcp_audit_gate.policy import edit, load, plain, syntax

from .test_edit import FILES, ITEM
from .test_form import BAD, CONTRACT, GOOD, ONLY_THE_LOADER, SYNTAX
from .test_load import BASE, TODAY, TOP

USUAL = {
    "the contract's example": CONTRACT,
    "layers": BASE,
    "more layers": TOP,
    **{name: load.preset_text(name).decode("utf-8") for name in load.PRESETS},
    "a waiver written by waive": edit.add("p", edit.NEW, {**ITEM, "reason": "größer", "fingerprint": "f" * 32}, TODAY).decode("utf-8"),
    "dashes below the key": "version: 1\nwaivers:\n- rule: a\n  reason: 'b'  # c\n- rule: c\nexclude:\n- \"d/**\"\n",
    "far dashes": "a:\n  -   b: 1\n      c:\n        - 2\n        - x y, z\n  - [1, {d: e}]\n",
    "odd blanks": "\n\n# a\n  a:   b   \n\n  c :\n".replace("  c :\n", "") + "  d: [ ]\n  e: { }  # f\n",
    "words": "a: off\nb: -1.5\nc: 1e3\nd: 2027-01-31\ne: https://x.example/#y\nf: a#b\ng: ./x\nh: 5 # z\ni: -1\nj: true\nk: 007\n",
}


def same(text):
    """Whether the short way read it; what it read must be what the library reads."""
    root = plain.read(text)
    if root is None:
        return False
    assert root == syntax.whole("p", text)
    return True


@pytest.mark.parametrize("text", USUAL.values(), ids=USUAL)
def test_the_usual_forms_need_no_library(text):
    assert same(text)


DOCUMENTS = [*GOOD.values(), *(text for text, *_ in (*BAD.values(), *ONLY_THE_LOADER.values(), *SYNTAX.values()) if isinstance(text, str))]


@pytest.mark.parametrize("text", [*DOCUMENTS, *(text for pair in FILES.values() for text in pair)])
def test_all_documents_of_the_other_tests(text):
    same(text)


@pytest.mark.parametrize(
    "text", [text for text, *_ in SYNTAX.values() if isinstance(text, str)], ids=[n for n, (t, *_) in SYNTAX.items() if isinstance(t, str)]
)
def test_what_is_refused_is_never_read_the_short_way(text):
    assert plain.read(text) is None


UNUSUAL = (
    *(
        "a: b\n c\n",
        "a:\n b\n",
        "a: |\n b\n",
        "a: >\n b\n",
        "a:\n",
        "a: ~b: c\n",
        "a: b: c\n",
        "a: b:\n",
        "? a\n: b\n",
        "a: &b c\n",
        "a: *b\n",
        "a: !c d\n",
    ),
    *(
        "a: 'it''s'\n",
        'a: "b\\n"\n',
        "a: [b\n]\n",
        "a: {b}\n",
        "a: {b: }\n",
        "a: [b c]\n",
        "a: [b:c]\n",
        "a: [b#c]\n",
        "a: [,]\n",
        "a: [b,,c]\n",
        "a: 'b'c\n",
    ),
    *(
        "a: 'b'#c\n",
        "a: [b] c\n",
        "a: b\na: c\n",
        "{a: b, a: c}\n",
        "true: a\n",
        "null: a\n",
        "1: a\n",
        "<<: {a: b}\n",
        "a: b\n  c: d\n",
        "  a: b\nc: d\n",
    ),
    *(
        "a:\n    - b\n  - c\n",
        "- - a\n",
        "-\n",
        "- a\n b: c\n",
        "a: b\n- c\n",
        "a:\tb\n",
        "\ta: b\n",
        "a: b\r\n",
        "a: b\x85c: d\n",
        "a: b\u2028c\n",
        "a: \ufeffb\n",
    ),
    *(
        "%YAML 1.2\n---\na: b\n",
        "---\na: b\n",
        "a: b\n...\n",
        "a: b\n---\n",
        "a: -\n",
        "a: - b\n",
        "a: ?\n",
        "a: @b\n",
        "a: `b`\n",
        "a: %b\n",
        "a: #b\n",
        "",
        "#\n",
        "a\n",
    ),
    *(
        "a: " + "[" * 50 + "]" * 50,
        "a: [" * 50,
        "- a: " * 50 + "b",
        "a: 'b\nc'\n",
        "a: [b, # c\n",
        '"a": {"b":c}\n',
        "a: {b: c:d}\n",
        "a: {b:c}\n",
        "'': a\n",
    ),
)


@pytest.mark.parametrize("text", UNUSUAL)
def test_everything_else_is_left_to_the_library(text):
    assert plain.read(text) is None


PIECES = st.sampled_from(
    [
        *"ab01 \n:#-[]{},'\"&*!|>%@~?.\t\r\\",
        "\n  ",
        "\n- ",
        "\n  - ",
        ": ",
        " #",
        "- ",
        "a: ",
        "\n    ",
        ", ",
        "off",
        "-1",
        "1.5",
        "ä",
        "\x85",
        "  b: c\n",
        "---",
        "x:y",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_text(text):
    try:
        same(text)
    except PolicyError as error:
        raise AssertionError(f"{text!r} is read, and the library says: {error}") from error


@given(st.sampled_from(list(USUAL.values())), st.integers(0, 2000), st.integers(0, 3), PIECES)
def test_a_usual_document_with_a_change(text, place, length, piece):
    place = place % (len(text) + 1)
    changed = text[:place] + piece + text[place + length :]
    try:
        same(changed)
    except PolicyError as error:
        raise AssertionError(f"{changed!r} is read, and the library says: {error}") from error


def test_hostile_text_takes_no_time():
    for text in (
        "a: " * 30_000,
        "[" * 100_000,
        "- " * 50_000,
        "a:\n" * 30_000,
        " " * 100_000 + "a",
        '"' * 100_000,
        "a: '" + "b" * 100_000,
        "{a: " * 20_000,
    ):
        assert plain.read(text) is None
