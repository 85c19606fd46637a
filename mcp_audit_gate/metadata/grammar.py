"""The grammar of data/signals.json, ready for use: classes of words as bits, patterns as rows of masks.

signals.json is what people write; scripts/generate.py makes data/grammar.json of it (`made`), which is what a run reads (`shipped`):
to inflect every verb and to take every pattern apart would cost half of an interpreter's start.
"""

from __future__ import annotations

import functools
import json
import os

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

# Classes made of a word's shape and of what is known about names, not of a list.
SHAPES = (
    "TOOL",
    "STRANGER",
    "OTHERS",
    "SIBLING",
    "FIELD",
    "QUOTED",
    "URL",
    "MAIL",
    "PATH",
    "KEYFILE",
    "SETTINGS",
    "MEMORYFILE",
    "SECRETNAME",
    "OWN",
    "MUST_UPPER",
)


# In how many of a thousand sentences of honest tools a word may have such a shape, about.
_SHAPED = dict.fromkeys(SHAPES, 100) | dict.fromkeys(("TOOL", "STRANGER", "OTHERS", "SIBLING", "FIELD"), 600)


class Step(NamedTuple):
    """A word of a pattern: its classes, how many other words may stand before it, and classes that may not."""

    wanted: int
    gap: int
    blocked: int


class Pattern(NamedTuple):
    """A row of steps; needs: what must be there at all, rarest: the least common of it. opens: its sentence begins with it.

    before, after, beside: classes that may not stand before it in its sentence, right after it, anywhere in the sentence.
    """

    signal: str
    steps: tuple[Step, ...]
    needs: tuple[int, ...]
    rarest: int
    opens: bool
    before: int
    after: int
    beside: int


class Grammar(NamedTuple):
    """What data/signals.json says, ready for use.

    bits: class -> bit, without those of words in patterns. words: word -> number of its mask. phrases: first word -> (further
    words, mask).
    rarest: bit -> numbers of the patterns whose rarest step has it. about: signal -> its record without the patterns.
    """

    bits: dict[str, int]
    words: dict[str, int]
    masks: Masks
    phrases: dict[str, tuple[tuple[tuple[str, ...], int], ...]]
    patterns: Patterns
    rarest: dict[int, tuple[int, ...]]
    about: dict[str, dict[str, Any]]
    key_files: tuple[str, ...]
    settings_files: tuple[str, ...]
    memory_files: tuple[str, ...]


class Masks(dict[int, int]):
    """The masks of words by number, 0 for none; each is made when it is first asked for."""

    def __init__(self, rows: Sequence[str], bits: Sequence[int]) -> None:
        super().__init__()
        self._rows = rows
        self._bits = bits

    def __missing__(self, number: int) -> int:
        self[number] = _mask(map(int, self._rows[number].split()), self._bits)
        return self[number]


class Patterns(dict[int, Pattern]):
    """The patterns by number. Each is unpacked when it is first asked for: a text comes near few of them."""

    def __init__(self, rows: Sequence[str], signals: Sequence[str], bits: Sequence[int]) -> None:
        super().__init__()
        self._rows = rows
        self._signals = signals
        self._bits = bits

    def __missing__(self, number: int) -> Pattern:
        self[number] = _unpacked(self._rows[number], self._signals, self._bits)
        return self[number]

    def all(self) -> tuple[Pattern, ...]:
        """Every pattern, in the order of the data."""
        return tuple(self[number] for number in range(len(self._rows)))


def packed(pattern: Pattern, signals: Sequence[str]) -> str:
    """A pattern as data/grammar.json has it: JSON, masks as lists of the numbers of their bits, the signal by its number."""
    steps = [[_numbers(step.wanted), step.gap, _numbers(step.blocked)] for step in pattern.steps]
    masks = (*pattern.needs, pattern.rarest, pattern.before, pattern.after, pattern.beside)
    return json.dumps([signals.index(pattern.signal), int(pattern.opens), steps, *map(_numbers, masks)], separators=(",", ":"))


def _unpacked(row: str, signals: Sequence[str], bits: Sequence[int]) -> Pattern:
    signal, opens, steps, *masks = json.loads(row)
    *needs, rarest, before, after, beside = (_mask(numbers, bits) for numbers in masks)
    steps = tuple(Step(_mask(wanted, bits), gap, _mask(blocked, bits)) for wanted, gap, blocked in steps)
    return Pattern(signals[signal], steps, tuple(needs), rarest, bool(opens), before, after, beside)


def _numbers(mask: int) -> list[int]:
    return [number for number in range(mask.bit_length()) if mask >> number & 1]


def _mask(numbers: Iterable[int], bits: Sequence[int]) -> int:
    return sum(map(bits.__getitem__, numbers))


@functools.cache
def data() -> dict[str, Any]:
    """data/grammar.json."""
    return _load("grammar.json")


def _load(name: str) -> dict[str, Any]:
    with open(os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", name), encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


@functools.cache
def everyday() -> frozenset[str]:
    """Names of tools that many servers use and that identify none (`search`)."""
    return frozenset(data()["everyday"].split())


@functools.cache
def shipped() -> Grammar:
    """The shipped grammar."""
    found = data()
    bits = [1 << number for number in range(found["bits"])]
    phrases: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for numbers, text in found["phrases"]:
        mask = _mask(numbers, bits)
        for phrase in text.split():
            first, *rest = phrase.split("_")
            phrases.setdefault(first, []).append((tuple(rest), mask))
    return Grammar(
        {name: bits[number] for name, number in found["classes"].items()},
        found["words"],
        Masks(found["masks"], bits),
        {first: tuple(ways) for first, ways in phrases.items()},
        Patterns(found["patterns"], list(found["signals"]), bits),
        {bits[int(number)]: tuple(some) for number, some in found["rarest"].items()},
        found["signals"],
        *(tuple(found[name].split()) for name in ("key files", "settings files", "memory files")),
    )


def made() -> dict[str, Any]:
    """What data/grammar.json is to say, made of data/signals.json."""
    return _Builder(_load("signals.json")).made()


class _Builder:
    """Reads signals.json: gives each class, and each list of literal words in a pattern, a bit."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._bits: dict[str, int] = {}
        self._words: dict[str, int] = {}
        self._phrases: dict[str, dict[tuple[str, ...], int]] = {}
        self._sizes: dict[int, int] = {}
        # In how many of a thousand sentences of honest tools a word of a class stands, about: what is not common stands in one.
        self._common = {word: int(count) for word, _, count in (pair.partition("=") for pair in data["common"].split())}
        self._counts = {name: self._count(text.split()) for name, text in data["words"].items()} | _SHAPED
        for name, text in data["verbs"].items():
            self._counts[name] = self._counts.get(name, 0) + self._count(form for word in text.split() for form in forms(word))
        for name in SHAPES:
            self._bit(name)
        for name, text in data["verbs"].items():
            for word in text.split():
                for form in forms(word):
                    self._add(form, self._bit(name))
                self._add(third(word), self._bit("THIRD"))
        for form in data["not verbs"].split():
            del self._words[form]
        for pair in data["irregular"].split():
            form, _, verb = pair.partition("=")
            self._add(form, self._words.get(verb, 0))
        for name, text in data["words"].items():
            for word in text.split():
                self._add(word, self._bit(name))

    def made(self) -> dict[str, Any]:
        """What data/grammar.json is to say; reading the patterns adds the words that stand in them."""
        signals = self._data["signals"]
        patterns = [self._pattern(signal["name"], text) for signal in signals for text in signal["patterns"]]
        phrases = {"_".join((first, *rest)): mask for first, ways in self._phrases.items() for rest, mask in ways.items()}
        groups = _grouped(self._words)
        rarest: dict[int, list[int]] = {}
        for at, pattern in enumerate(patterns):
            for number in _numbers(pattern.rarest):
                rarest.setdefault(number, []).append(at)
        names = [signal["name"] for signal in signals]
        return {
            **{name: self._data[name] for name in ("key files", "settings files", "memory files", "collecting", "everyday", "latin", "expressions")},
            "signals": {signal["name"]: {key: value for key, value in signal.items() if key != "patterns"} for signal in signals},
            "bits": len(self._bits),
            "classes": {name: number for number, name in enumerate(self._bits) if name[0] != "="},
            "masks": ["", *(" ".join(map(str, numbers)) for numbers, _ in groups)],
            "words": {word: number for number, (_, text) in enumerate(groups, 1) for word in text.split()},
            "phrases": _grouped(phrases),
            "patterns": [packed(pattern, names) for pattern in patterns],
            "rarest": {str(number): rarest[number] for number in sorted(rarest)},
        }

    def _count(self, words: Iterable[str]) -> int:
        return sum(self._common.get(word, 1) for word in words)

    def _bit(self, name: str) -> int:
        return self._bits.setdefault(name, 1 << len(self._bits))

    def _add(self, word: str, bit: int) -> None:
        if "_" not in word:
            self._words[word] = self._words.get(word, 0) | bit
            return
        first, *rest = word.split("_")
        known = self._phrases.setdefault(first, {})
        known[tuple(rest)] = known.get(tuple(rest), 0) | bit

    def _pattern(self, signal: str, text: str) -> Pattern:
        steps: list[Step] = []
        gap = 0
        kept = {"-": 0, ">": 0, "~": 0}
        parts = text.split(" ")
        opens = parts[0] == "^"
        for part in parts[opens:]:
            if part[0] in ">~" or (part[0] == "-" and not steps):
                kept[part[0]] |= self._mask(part[1:].split("|"))
                continue
            name, dot, number = part.rpartition(".")
            if not (dot and number.isdigit()):
                name, number = part, "1"
            choices = name.split("|")
            blocked = 0
            if "!" in name:
                blocked = self._mask([choice.partition("!")[2] for choice in choices if "!" in choice])
                choices = [choice.partition("!")[0] for choice in choices]
            wanted = self._mask(choices)
            self._sizes[wanted] = sum([self._counts.get(choice, self._common.get(choice, 1)) for choice in choices])
            steps.append(Step(wanted, gap, blocked))
            gap = int(number)
        needs = sorted({step.wanted for step in steps}, key=self._sizes.__getitem__)
        return Pattern(signal, tuple(steps), tuple(needs), needs[0], opens, *kept.values())

    def _mask(self, names: Sequence[str]) -> int:
        """The bits of classes (in capitals), and one for the words among the names."""
        mask = 0
        words = [name for name in names if not name.isupper()]
        if len(words) < len(names):
            for name in names:
                if name.isupper():
                    mask |= self._bits[name]
        if words:
            bit = self._bit("=" + "|".join(words))
            mask |= bit
            for word in words:
                self._add(word, bit)
        return mask


def _grouped(words: dict[str, int]) -> list[tuple[list[int], str]]:
    """(numbers of bits, the words that have these) for each mask, in the order of the numbers."""
    groups: dict[int, list[str]] = {}
    for word in sorted(words):
        groups.setdefault(words[word], []).append(word)
    return sorted((_numbers(mask), " ".join(some)) for mask, some in groups.items())


def third(verb: str) -> str:
    """A regular verb's third person (`copy`: copies)."""
    if verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x")) else "s")


def forms(verb: str) -> set[str]:
    """A regular verb's forms (`copy`: copies, copied, copying)."""
    found = {verb}
    if verb.endswith("e"):
        found |= {verb + "s", verb + "d", verb[:-1] + "ing"}
    elif verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        found |= {third(verb), verb[:-1] + "ied", verb + "ing"}
    else:
        stem = verb + verb[-1] if len(verb) < 5 and verb[-1] in "bdgmnpt" and verb[-2] in "aeiou" and verb[-3:-2] not in tuple("aeiou") else verb
        found |= {third(verb), stem + "ed", stem + "ing"}
    return found
