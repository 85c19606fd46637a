"""The grammar as scripts/generate.py writes it: data/signals.json in, the text of data/grammar.txt out. No run of the gate loads this."""

from __future__ import annotations

import json

from mcp_audit_gate.metadata.grammar import Pattern, Step, read

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
_SHAPED = dict.fromkeys(SHAPES, 100) | dict.fromkeys(("TOOL", "STRANGER", "OTHERS", "SIBLING", "FIELD", "SELF", "SECRETNAME", "OWN"), 600)


def made() -> str:
    """What data/grammar.txt is to say, made of data/signals.json: parts with an empty line between them, a name and rows each."""
    return "\n\n".join(f"{name}\n{rows}" for name, rows in _Builder(json.loads(read("signals.json"))).made().items()) + "\n"


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

    def made(self) -> dict[str, str]:
        """The parts of data/grammar.txt; reading the patterns adds the words that stand in them."""
        signals = self._data["signals"]
        patterns = [self._pattern(signal["name"], text) for signal in signals for text in signal["patterns"]]
        rarest: dict[int, list[int]] = {}
        for at, pattern in enumerate(patterns):
            for bit in _numbers(pattern.needs[0]):
                rarest.setdefault(bit, []).append(at)
        names = [signal["name"] for signal in signals]
        return {
            **{name: self._data[name] for name in ("key files", "settings files", "memory files", "collecting", "everyday", "latin")},
            "expressions": _listed(self._data["expressions"]),
            "signals": _compact({signal["name"]: {key: value for key, value in signal.items() if key != "patterns"} for signal in signals}),
            "classes": _compact({name: number for number, name in enumerate(self._bits) if name[0] != "="}),
            **self._by_letter(),
            "phrases": "\n".join(
                "\t".join((first, *(part for rest, mask in sorted(ways.items()) for part in ("_".join(rest), _row(mask)))))
                for first, ways in sorted(self._phrases.items())
            ),
            "odd": "\n".join("\t".join((sign, *parts)) for sign, parts in self._odd().items()),
            "patterns": "\n".join(_packed(pattern, names) for pattern in patterns),
            "rarest": "\n".join(f"{bit}\t{' '.join(map(str, rarest[bit]))}" for bit in sorted(rarest)),
            "begins": f"{sum(1 << bit for bit in rarest):x}",
        }

    def _by_letter(self) -> dict[str, str]:
        """The words with the numbers of their bits, a part for each first character."""
        found: dict[str, list[str]] = {}
        for word in sorted(self._words):
            found.setdefault(f"words {word[0]}", []).append(f"{word}\t{_row(self._words[word])}")
        return {name: "\n".join(rows) for name, rows in found.items()}

    def _odd(self) -> dict[str, list[str]]:
        """A sign -> the words with it, and the first words of phrases, that are not letters and digits alone, each with its bits' numbers."""
        found: dict[str, list[str]] = {}
        words = [*self._words.items(), *((first, mask) for first, ways in self._phrases.items() for mask in ways.values())]
        for word, mask in sorted(words):
            if not word.isalnum():
                found.setdefault(next(char for char in word if not char.isalnum()), []).extend((word, _row(mask)))
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


def _packed(pattern: Pattern, signals: Sequence[str]) -> str:
    """A pattern as the file has it: what it needs, its signal's number, whether it opens, steps, and what may not stand around it."""
    steps = ";".join(f"{_row(step.wanted)},{step.gap},{_row(step.blocked)}" for step in pattern.steps)
    around = map(_row, (pattern.before, pattern.after, pattern.beside))
    return "\t".join((";".join(map(_row, pattern.needs)), str(signals.index(pattern.signal)), str(int(pattern.opens)), steps, *around))


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _row(mask: int) -> str:
    return " ".join(map(str, _numbers(mask)))


def _listed(values: Iterable[object]) -> str:
    return "[\n" + ",\n".join(map(_compact, values)) + "\n]"


def _numbers(mask: int) -> list[int]:
    return [number for number in range(mask.bit_length()) if mask >> number & 1]
