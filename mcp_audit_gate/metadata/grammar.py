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
    from collections.abc import Iterable, KeysView, Sequence
    from typing import Any

    Ways = tuple[tuple[tuple[str, ...], tuple[str, ...], int], ...]  # how phrases go on: further words, those without signs, mask

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
_SHAPED = dict.fromkeys(SHAPES, 100) | dict.fromkeys(("TOOL", "STRANGER", "OTHERS", "SIBLING", "FIELD", "SELF", "SECRETNAME"), 600)


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

    bits: class -> bit, without those of words in patterns. words: word -> number of its mask. phrases: first word -> (further
    words, mask). odd: a sign -> words with it, or first words of phrases, that are not letters and digits alone, and their masks' numbers.
    rarest: bit's number -> numbers of the patterns whose rarest step has it; begins: all these bits. about: signal -> its record
    without the patterns.
    """

    bits: dict[str, int]
    words: dict[str, int]
    masks: Masks
    phrases: Phrases
    odd: dict[str, Sequence[tuple[str, int]]]
    patterns: Patterns
    rarest: dict[str, Sequence[int]]
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


class Masks(dict[int, int]):
    """The masks of words by number, 0 for none."""

    def __init__(self, rows: Sequence[str], bits: _Bits) -> None:
        super().__init__()
        self._rows = rows
        self._bits = bits

    def __missing__(self, number: int) -> int:
        self[number] = _mask(map(int, self._rows[number].split()), self._bits)
        return self[number]


class Phrases(dict[str, "Ways"]):
    """First word -> how phrases go on."""

    def __init__(self, rows: dict[str, list[tuple[str, int]]], masks: Masks) -> None:
        super().__init__()
        self._rows = rows
        self._masks = masks

    def first(self) -> KeysView[str]:
        """The words that phrases begin with."""
        return self._rows.keys()

    def __missing__(self, first: str) -> Ways:
        ways = [(tuple(rest.split("_")), self._masks[number]) for rest, number in self._rows[first]]
        self[first] = tuple([(rest, tuple(filter(str.isalnum, rest)), mask) for rest, mask in ways])
        return self[first]


class Patterns(dict[int, Pattern]):
    """The patterns by number; a text comes near few of them, and fewer are possible in it."""

    def __init__(self, rows: Sequence[tuple[str, str]], signals: Sequence[str], bits: _Bits) -> None:
        super().__init__()
        self._rows = rows
        self._signals = signals
        self._bits = bits
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
        self._needs[number] = tuple([_mask(numbers, self._bits) for numbers in json.loads(self._rows[number][0])])
        return self._needs[number]

    def __missing__(self, number: int) -> Pattern:
        signal, opens, steps, *masks = json.loads(self._rows[number][1])
        made = tuple(Step(_mask(wanted, self._bits), gap, _mask(blocked, self._bits)) for wanted, gap, blocked in steps)
        before, after, beside = (_mask(numbers, self._bits) for numbers in masks)
        self[number] = Pattern(self._signals[signal], made, self._needed(number), bool(opens), before, after, beside)
        return self[number]

    def all(self) -> tuple[Pattern, ...]:
        """Every pattern, in the order of the data."""
        return tuple(self[number] for number in range(len(self._rows)))


def packed(pattern: Pattern, signals: Sequence[str]) -> tuple[str, str]:
    """A pattern as data/grammar.json has it: JSON of what it needs, and of the rest; masks as the numbers of their bits."""
    steps = [[_numbers(step.wanted), step.gap, _numbers(step.blocked)] for step in pattern.steps]
    rest = [signals.index(pattern.signal), int(pattern.opens), steps, *map(_numbers, (pattern.before, pattern.after, pattern.beside))]
    return _compact([*map(_numbers, pattern.needs)]), _compact(rest)


def _compact(value: list[Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _numbers(mask: int) -> list[int]:
    return [number for number in range(mask.bit_length()) if mask >> number & 1]


def _mask(numbers: Iterable[int], bits: _Bits) -> int:
    return sum(map(bits.__getitem__, numbers))


@functools.cache
def data() -> dict[str, Any]:
    """data/grammar.json."""
    return _load("grammar.json")


def _load(name: str) -> dict[str, Any]:
    with open(os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", name), "rb") as file:
        found: dict[str, Any] = json.loads(file.read().decode("utf-8"))
    return found


@functools.cache
def everyday() -> frozenset[str]:
    """Names of tools that many servers use and that identify none (`search`)."""
    return frozenset(data()["everyday"].split())


@functools.cache
def shipped() -> Grammar:
    """The shipped grammar."""
    found = data()
    bits = _Bits()
    masks = Masks(found["masks"], bits)
    return Grammar(
        {name: bits[number] for name, number in found["classes"].items()},
        found["words"],
        masks,
        Phrases(found["phrases"], masks),
        found["odd"],
        Patterns(found["patterns"], list(found["signals"]), bits),
        found["rarest"],
        int(found["begins"], 16),
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
        numbers = sorted(map(_numbers, {0, *self._words.values(), *(mask for ways in self._phrases.values() for mask in ways.values())}))
        number = {sum(1 << bit for bit in bits): at for at, bits in enumerate(numbers)}
        phrases = {first: sorted(("_".join(rest), number[mask]) for rest, mask in ways.items()) for first, ways in sorted(self._phrases.items())}
        rarest: dict[int, list[int]] = {}
        for at, pattern in enumerate(patterns):
            for bit in _numbers(pattern.needs[0]):
                rarest.setdefault(bit, []).append(at)
        names = [signal["name"] for signal in signals]
        return {
            **{name: self._data[name] for name in ("key files", "settings files", "memory files", "collecting", "everyday", "latin", "expressions")},
            "signals": {signal["name"]: {key: value for key, value in signal.items() if key != "patterns"} for signal in signals},
            "classes": {name: number for number, name in enumerate(self._bits) if name[0] != "="},
            "masks": [" ".join(map(str, bits)) for bits in numbers],
            "words": {word: number[self._words[word]] for word in sorted(self._words)},
            "phrases": phrases,
            "odd": self._odd(number),
            "patterns": [packed(pattern, names) for pattern in patterns],
            "rarest": {str(bit): rarest[bit] for bit in sorted(rarest)},
            "begins": f"{sum(1 << bit for bit in rarest):x}",
        }

    def _odd(self, number: dict[int, int]) -> dict[str, list[tuple[str, int]]]:
        """A sign -> the words with it, and the first words of phrases, that are not letters and digits alone."""
        found: dict[str, list[tuple[str, int]]] = {}
        words = [*self._words.items(), *((first, mask) for first, ways in self._phrases.items() for mask in ways.values())]
        for word, mask in sorted(words):
            if not word.isalnum():
                found.setdefault(next(char for char in word if not char.isalnum()), []).append((word, number[mask]))
        return dict(sorted(found.items()))

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
        return Pattern(signal, tuple(steps), tuple(needs), opens, *kept.values())

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
