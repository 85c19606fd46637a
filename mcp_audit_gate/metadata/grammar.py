"""The grammar in which data/signals.json is written, made ready: classes of words as bits, patterns as rows of masks."""

from __future__ import annotations

import functools
import json
import os

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# Classes made of a word's shape and of what is known about names, not of a list.
SHAPES = ("TOOL", "STRANGER", "OTHERS", "SIBLING", "FIELD", "QUOTED", "URL", "MAIL", "PATH", "KEYFILE", "SETTINGS", "SECRETNAME", "OWN", "MUST_UPPER")


class Step(NamedTuple):
    """A word of a pattern: its classes, how many other words may stand before it, and classes that may not."""

    wanted: int
    gap: int
    blocked: int


class Pattern(NamedTuple):
    """A row of steps, and classes that may not stand before it in its sentence; needs: what must be there at all."""

    signal: str
    steps: tuple[Step, ...]
    needs: tuple[int, ...]
    rarest: int
    forbidden: int


class Grammar(NamedTuple):
    """What data/signals.json says, ready for use.

    bits: class -> bit. words: word -> mask. phrases: first word -> (further words, mask). hints: word -> mask of all that may begin
    with it. about: signal -> its record without the patterns.
    """

    bits: dict[str, int]
    words: dict[str, int]
    phrases: dict[str, tuple[tuple[tuple[str, ...], int], ...]]
    hints: dict[str, int]
    shapes: int
    patterns: tuple[Pattern, ...]
    about: dict[str, dict[str, Any]]
    key_files: tuple[str, ...]
    settings_files: tuple[str, ...]


@functools.cache
def data() -> dict[str, Any]:
    """data/signals.json."""
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "signals.json")
    with open(path, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


@functools.cache
def everyday() -> frozenset[str]:
    """Names of tools that many servers use and that identify none (`search`)."""
    return frozenset(data()["everyday"].split())


@functools.cache
def shipped() -> Grammar:
    """The shipped grammar."""
    return _Builder(data()).built()


class _Builder:
    """Makes a Grammar of the data: gives each class, and each list of literal words in a pattern, a bit."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._bits: dict[str, int] = {}
        self._words: dict[str, int] = {}
        self._phrases: dict[str, dict[tuple[str, ...], int]] = {}
        self._sizes: dict[int, int] = {}
        # About how many words a class has; many have a shape.
        self._counts = {name: text.count(" ") + 1 for name, text in data["words"].items()} | dict.fromkeys(SHAPES, 1000)
        for name, text in data["verbs"].items():
            self._counts[name] = self._counts.get(name, 0) + 4 * text.count(" ") + 4
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

    def built(self) -> Grammar:
        """The grammar; reading the patterns adds the words that stand in them."""
        patterns = tuple(self._pattern(signal["name"], text) for signal in self._data["signals"] for text in signal["patterns"])
        about = {signal["name"]: {key: value for key, value in signal.items() if key != "patterns"} for signal in self._data["signals"]}
        phrases = {first: tuple(sorted(rest.items(), key=lambda item: -len(item[0]))) for first, rest in self._phrases.items()}
        hints = dict(self._words)
        for first, rest in phrases.items():
            for _, mask in rest:
                hints[first] = hints.get(first, 0) | mask
        shapes = sum(self._bits[name] for name in SHAPES)
        return Grammar(
            self._bits,
            self._words,
            phrases,
            hints,
            shapes,
            patterns,
            about,
            *(tuple(self._data[name].split()) for name in ("key files", "settings files")),
        )

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
        gap = forbidden = 0
        for part in text.split(" "):
            if part[0] == "-":
                forbidden = self._mask((part[1:],))
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
            self._sizes[wanted] = sum([self._counts.get(choice, 1) for choice in choices])
            steps.append(Step(wanted, gap, blocked))
            gap = int(number)
        needs = sorted({step.wanted for step in steps}, key=self._sizes.__getitem__)
        return Pattern(signal, tuple(steps), tuple(needs), needs[0], forbidden)

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
