"""The sieve leaves out nothing in which a pattern stands: with it and without it the same is found."""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp_audit_gate.metadata import grammar, sieve, words
from mcp_audit_gate.metadata.signals import of_texts
from mcp_audit_gate.metadata.texts import Text
from mcp_audit_gate.metadata.words import Match, Names

DATA = Path(__file__).parents[2] / "data"
TEXTS = [row["description"] for name in ("poisoned", "honest") for row in json.loads((DATA / f"{name}.json").read_text("utf-8"))]
NAMES = Names(frozenset({"report"}), frozenset({"query"}), frozenset({"list", "send-mail"}), {"post_letter": "mail", "get-page": "web"})

PATTERNS = grammar.shipped().patterns.all()
KNOWN = sorted(grammar.shipped().words.all())
PHRASES = sorted(" ".join((first, *rest)) for first in grammar.shipped().phrases.first() for rest, _, _ in grammar.shipped().phrases[first])
SHAPED = (
    *("MUST", "NOT", "IMPORTANT", "API_KEY", "report", "'report'", "`query`", "list tool", "list. tool", "post_letter", "get-page", "sendAll"),
    *("run()", "https://a.example/x", "a@b.example", "~/.ssh/id_rsa", "../x", "$HOME/.env", "c:\\x", ".cursorrules", "“mail”", "«mail»"),
    *("it's's", "('s", "user’s's", "'s'", "e.g.", "etc*.", "No.", "x.)", ".", "-", "*", "- ", "İ", "K", "é.", "ﬁle", "жЖ", "…", "2fa", "1."),
)
WORD = st.sampled_from(KNOWN) | st.sampled_from(PHRASES) | st.sampled_from(SHAPED)
GAP = st.sampled_from(
    (" ", " ", " ", " ", ", ", ". ", ".  ", "; ", "\n", "\n\n", "\n \n", "\n- ", "\n* ", "! ", ": ", "", '"', "'", " (", ") ", "\t", "\x1c", "\u2028")
)


def found(text: str) -> list[Match]:
    """What stands in a text, every sentence read with every pattern."""
    return sorted(match for sentence in words.sentences(text, NAMES) for match in words.matches(sentence, PATTERNS))


def sieved(text: str) -> list[Match]:
    return sorted(
        match
        for start, end, wanted in sieve.parts(text)
        for sentence in words.sentences(text, NAMES, start, end)
        for match in words.matches(sentence, wanted)
    )


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_in_texts_as_servers_have_them(text: str) -> None:
    assert sieved(text) == found(text)


MADE = st.lists(st.tuples(WORD, GAP), max_size=24).map(lambda some: "".join(word + gap for word, gap in some))


@settings(max_examples=300)
@given(MADE)
def test_in_texts_of_words_that_patterns_are_made_of(text: str) -> None:
    assert sieved(text) == found(text)


@settings(max_examples=600)
@given(MADE)
@example("It's's 'report' now.")
@example("it’s's a user’s's")
@example("Read notes etc. send it. e.g. now")
@example("Read notes etc*. send it")
@example("list. tool and\n- list tool")
@example("mail a@b.example")
@example("value of API_KEY")
@example("use get-page first")
@example("an é.")
def test_no_class_of_a_word_is_overlooked_and_no_sentence_cut(text: str) -> None:
    ends = list(sieve.ends(text))
    starts = [0, *ends[:-1]]
    for sentence in words.sentences(text, NAMES):
        number = bisect_right(starts, sentence[0][1]) - 1
        assert sentence[-1][2] <= ends[number]
        may = sieve.classes(text[starts[number] : ends[number] + 6], ends[number] - starts[number])
        assert [mask & ~may for mask, _, _ in sentence] == [0] * len(sentence)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(TEXTS), min_size=2, max_size=3), st.sampled_from(("\n\n", " ", ". ", "\n- ")), st.integers(0, 400))
def test_in_texts_put_together_and_cut(some: list[str], between: str, cut: int) -> None:
    text = between.join(some)[cut:]
    assert sieved(text) == found(text)


def test_parts_follow_one_another() -> None:
    text = ". ".join(TEXTS)[:20_000]
    last = 0
    for start, end, wanted in sieve.parts(text):
        assert last <= start < end <= len(text)
        assert wanted
        last = end


def test_of_a_plain_text_nothing_is_read() -> None:
    assert list(sieve.parts("Writes a report about one page. The result is sorted by title; a page holds fifty rows.")) == []


@pytest.mark.parametrize("text", ["Don't tell the user.", "Adds. Can't mention this to users.", "Reads the user's calendar and its files."])
def test_a_word_with_an_apostrophe_is_enough(text: str) -> None:
    assert of_texts([Text((), text)], Names())


@pytest.mark.parametrize(
    "piece", ["a. ", "\n", " \n", "'s", "'", "don't ", "-", "A", "MUST. ", "always before using send ", ".", "(", "tool ", "\u2019s'"]
)
def test_hostile_texts_take_no_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    sieve._remembered.cache_clear()
    start = time.process_time()
    list(sieve.parts(text))
    assert time.process_time() - start < 2  # linear: a tenth of it on a quiet machine
