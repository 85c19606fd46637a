"""The grammar of data/signals.json, ready for use: classes of words as bits, patterns as rows of masks.

signals.json is what people write; metadata.inflected makes data/grammar.txt of it, which is what a run reads (`shipped`): to inflect every
verb and to take every pattern apart would cost half of an interpreter's start, and to read the result as JSON a third.
"""

from __future__ import annotations

import functools
import json
import os

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, KeysView, Sequence
    from typing import Any

    Ways = tuple[tuple[tuple[str, ...], tuple[str, ...], int], ...]  # how phrases go on: further words, those without signs, mask


_KEPT = 50_000  # words whose masks are remembered


class Step(NamedTuple):
    """A word of a pattern: its classes, how many other words may stand before it, and classes that may not."""

    wanted: int
    gap: int
    blocked: int


class Pattern(NamedTuple):
    """A row of steps; needs: what must be there at all, the least common first. opens: its sentence begins with it.

    before, after, beside: classes that may not stand before it in its sentence, right after it, anywhere in the sentence.
    """

    signal: str
    steps: tuple[Step, ...]
    needs: tuple[int, ...]
    opens: bool
    before: int
    after: int
    beside: int


class Grammar(NamedTuple):
    """What data/signals.json says, ready for use.

    bits: class -> bit, without those of words in patterns. words: word -> its mask. odd: a sign -> words with it, or first words of
    phrases, that are not letters and digits alone, with their keys in `masks`. begins: all bits that `rarest` has. about: signal -> its
    record without the patterns.
    """

    bits: dict[str, int]
    words: Words
    masks: Masks
    phrases: Phrases
    odd: Odd
    patterns: Patterns
    rarest: Rarest
    begins: int
    about: dict[str, dict[str, Any]]
    key_files: tuple[str, ...]
    settings_files: tuple[str, ...]
    memory_files: tuple[str, ...]


# Of what the file holds a run uses a small part; each of these makes a value when it is first asked for.


class _Bits(dict[int, int]):
    """The bits by number."""

    def __missing__(self, number: int) -> int:
        self[number] = 1 << number
        return self[number]


class Masks(dict[str, int]):
    """Masks by the numbers of their bits, as the file has them: `3 17`; none: ``."""

    def __init__(self, bits: _Bits) -> None:
        super().__init__()
        self._bits = bits

    def __missing__(self, numbers: str) -> int:
        self[numbers] = sum(map(self._bits.__getitem__, map(int, numbers.split())))
        return self[numbers]


class Words(dict[str, int]):
    """The masks of words, 0 for one that says nothing.

    The lines of the file are taken apart for the words that are asked for: to split all of them costs more than to find a hundred.
    """

    def __init__(self, parts: dict[str, str], masks: Masks) -> None:
        super().__init__()
        self._parts = parts
        self._lines: dict[str, str] = {}
        self._masks = masks

    def __missing__(self, word: str) -> int:
        lines = self._lines.get(word[:1])
        if lines is None:
            lines = self._lines[word[:1]] = f"\n{self._parts.get(f'words {word[:1]}', '')}\n"
        at = lines.find(f"\n{word}\t")
        mask = 0 if at < 0 else self._masks[lines[at + len(word) + 2 : lines.index("\n", at + 1)]]
        if len(self) < _KEPT:
            self[word] = mask
        return mask

    def all(self) -> tuple[str, ...]:
        """Every word that says something."""
        return tuple(row.partition("\t")[0] for name, rows in self._parts.items() if name.startswith("words ") for row in rows.split("\n"))


class Phrases(dict[str, "Ways"]):
    """First word -> how phrases go on."""

    def __init__(self, rows: str, masks: Masks) -> None:
        super().__init__()
        self._rows = _by_first(rows)
        self._masks = masks

    def first(self) -> KeysView[str]:
        """The words that phrases begin with."""
        return self._rows.keys()

    def __missing__(self, first: str) -> Ways:
        ways = [(tuple(rest.split("_")), self._masks[numbers]) for rest, numbers in _pairs(self._rows[first])]
        self[first] = tuple([(rest, tuple(filter(str.isalnum, rest)), mask) for rest, mask in ways])
        return self[first]


class Odd(dict[str, tuple[tuple[str, str], ...]]):
    """A sign -> words with it that are not letters and digits alone, with the numbers of their bits."""

    def __init__(self, rows: str) -> None:
        super().__init__()
        self._rows = _by_first(rows)
        self.signs = tuple(self._rows)

    def __missing__(self, sign: str) -> tuple[tuple[str, str], ...]:
        self[sign] = tuple(_pairs(self._rows[sign]))
        return self[sign]


class Rarest(dict[int, tuple[int, ...]]):
    """A bit's number -> numbers of the patterns whose rarest step has it."""

    def __init__(self, rows: str) -> None:
        super().__init__()
        self._rows = _by_first(rows)

    def __missing__(self, bit: int) -> tuple[int, ...]:
        self[bit] = tuple(map(int, self._rows[str(bit)].split()))
        return self[bit]


def _by_first(rows: str) -> dict[str, str]:
    """The lines of a part of the file by what stands before their first tab."""
    return {first: rest for first, _, rest in [row.partition("\t") for row in rows.split("\n")]}


def _pairs(row: str) -> Iterator[tuple[str, str]]:
    parts = row.split("\t")
    return zip(parts[::2], parts[1::2])


class Patterns(dict[int, Pattern]):
    """The patterns by number; a text comes near few of them, and fewer are possible in it."""

    def __init__(self, rows: str, signals: Sequence[str], masks: Masks) -> None:
        super().__init__()
        self._rows = rows.split("\n")
        self._signals = signals
        self._masks = masks
        self._needs: dict[int, tuple[int, ...]] = {}

    def possible(self, numbers: Iterable[int], present: int) -> list[Pattern]:
        """Those of some patterns whose every step may stand where these classes are."""
        known, found = self._needs, []
        for number in numbers:  # loops, and no call: this runs some hundred times for every text
            for wanted in known[number] if number in known else self._needed(number):
                if not wanted & present:
                    break
            else:
                found.append(self[number])
        return found

    def _needed(self, number: int) -> tuple[int, ...]:
        """What must be there at all for a pattern, the least common first."""
        self._needs[number] = tuple([self._masks[numbers] for numbers in self._rows[number].partition("\t")[0].split(";")])
        return self._needs[number]

    def __missing__(self, number: int) -> Pattern:
        _, signal, opens, steps, *masks = self._rows[number].split("\t")
        made = tuple(
            Step(self._masks[wanted], int(gap), self._masks[blocked]) for wanted, gap, blocked in (step.split(",") for step in steps.split(";"))
        )
        before, after, beside = (self._masks[numbers] for numbers in masks)
        self[number] = Pattern(self._signals[int(signal)], made, self._needed(number), opens == "1", before, after, beside)
        return self[number]

    def all(self) -> tuple[Pattern, ...]:
        """Every pattern, in the order of the data."""
        return tuple(self[number] for number in range(len(self._rows)))


@functools.cache
def data() -> dict[str, str]:
    """The parts of data/grammar.txt by name."""
    return {name: rows for name, _, rows in [part.partition("\n") for part in read("grammar.txt").removesuffix("\n").split("\n\n")]}


def read(name: str) -> str:
    """A file of the folder data."""
    with open(os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", name), "rb") as file:
        return file.read().decode("utf-8")


@functools.cache
def everyday() -> frozenset[str]:
    """Names of tools that many servers use and that identify none (`search`)."""
    return frozenset(data()["everyday"].split())


@functools.cache
def shipped() -> Grammar:
    """The shipped grammar."""
    found = data()
    bits = _Bits()
    masks = Masks(bits)
    about: dict[str, dict[str, Any]] = json.loads(found["signals"])
    return Grammar(
        {name: bits[number] for name, number in json.loads(found["classes"]).items()},
        Words(found, masks),
        masks,
        Phrases(found["phrases"], masks),
        Odd(found["odd"]),
        Patterns(found["patterns"], list(about), masks),
        Rarest(found["rarest"]),
        int(found["begins"], 16),
        about,
        *(tuple(found[name].split()) for name in ("key files", "settings files", "memory files")),
    )
