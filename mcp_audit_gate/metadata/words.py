"""Text as a row of words with classes, and rows of classes found in it: the grammar in which data/signals.json is written.

A word's classes are bits of a number, so that a sentence is a list of numbers and a pattern a row of masks. Matching takes one pass
over a sentence for each pattern whose classes all occur in it; nothing backtracks.
"""

from __future__ import annotations

from mcp_audit_gate.metadata.grammar import shipped
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcp_audit_gate.metadata.grammar import Grammar, Pattern

if TYPE_CHECKING:
    # The classes of a word, and where it begins and ends.
    Token = tuple[int, int, int]

WORD = lazy(r"[a-z][a-z0-9._/-]*[a-z0-9]|[a-z]")
_TOKEN = lazy(r"[^\s\"'`“”‘’«»<>()\[\]{},;!?|…]+(?:['’](?:s|t|re|ll|ve|d)\b)?")
_EDGES = ".:*_#=-–—"
_QUOTES = "\"'`“‘«"
SHORT_STOPS = frozenset(("e.g", "i.e", "etc", "vs", "no", "approx", "cf"))
_CLOSING = "\"'`”’»"
_STOPS = frozenset("!?")
TELLING = (" = ", " - ", " – ", " must ", " should ")  # after a parameter's name: what it takes
_OPENING = 4  # words that tell what a sentence is about
UPPER = frozenset(("MUST", "ALWAYS", "NEVER", "SHALL", "REQUIRED", "MANDATORY", "CRITICAL", "DO", "NOT", "IMPORTANT", "FIRST"))


class Match(NamedTuple):
    """Where a pattern was found."""

    signal: str
    start: int
    end: int


class Names(NamedTuple):
    """What identifiers in a text may mean: the thing itself, its parameters, its server's other tools, and tools of other servers by name."""

    own: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    siblings: frozenset[str] = frozenset()
    others: Mapping[str, str] = {}


def _all_in(masks: Sequence[int], present: int) -> bool:
    # A loop and not all(): this runs some hundred times for every text.
    for mask in masks:  # noqa: SIM110
        if not mask & present:
            return False
    return True


def sentences(text: str, names: Names, begin: int = 0, until: int | None = None) -> Iterator[list[Token]]:
    """The text's sentences as words with classes. A wrapped line goes on; an empty line, a list mark or a label begins a new one.

    begin and until: a part of the text that begins and ends where sentences do.
    """
    known, wanted = shipped().words, names.parameters
    tokens: list[Token] = []
    words: list[str] = []
    stop, last = False, 0
    for found in _TOKEN.finditer(text, begin, len(text) if until is None else until):
        start, end = found.span()
        raw = found[0]
        if tokens and (stop or ((start - last > 1 or text[last] == "\n") and _breaks(text, last, start, raw))):
            yield _joined(tokens, words)
            tokens, words = [], []
        last = end
        if raw.islower() and raw.isalpha() and text[start - 1] not in _QUOTES:
            word = low = raw
            mask = known[low]
            if (mask == 0 and text.startswith((" tool", "()"), end)) or (low in wanted and text.startswith(TELLING, end)):
                mask = _mask(word, low, text, start, end, names)
        else:
            word = raw.lstrip(_EDGES[1:]).rstrip(_EDGES)
            low = word.lower()
            mask = _mask(word, low, text, start, end, names) if word else 0
        # The question mark of an address (`/close?ref=`) ends no sentence.
        stop = (raw[-1] == "." and low not in SHORT_STOPS) or (text[end : end + 1] in _STOPS and not text[end + 1 : end + 2].isalnum())
        if word:
            tokens.append((mask, start, end))
            words.append(low)
    if tokens:
        yield _joined(tokens, words)


def listed(word: str) -> int:
    """The classes of a word by the lists alone, those of phrases that begin with it included."""
    rules = shipped()
    mask = rules.words[word]
    for _, _, more in rules.phrases[word] if word in rules.phrases.first() else ():
        mask |= more
    return mask


def _breaks(text: str, last: int, start: int, raw: str) -> bool:
    """True when a new sentence begins after the end of a line."""
    lines = text.count("\n", last, start)
    return lines > 1 or (lines == 1 and (raw in ("-", "*", "•", "+", "#", "##", "###") or raw[-1] == ":" or raw.rstrip(".)").isdigit()))


def _joined(tokens: list[Token], words: list[str]) -> list[Token]:
    """The same words; the first of a known phrase has the phrase's classes, too."""
    phrases = shipped().phrases
    begun = phrases.first() & set(words)
    for number, word in enumerate(words) if begun else ():
        if word not in begun:
            continue
        for rest, _, mask in phrases[word]:
            if tuple(words[number + 1 : number + 1 + len(rest)]) == rest:
                tokens[number] = (tokens[number][0] | mask, *tokens[number][1:])
    return tokens


def _mask(word: str, low: str, text: str, start: int, end: int, names: Names) -> int:
    """The classes of a word: those of the lists, and those of its shape."""
    rules = shipped()
    mask = rules.words[low]
    quoted = start > 0 and text[start - 1] in _QUOTES
    if not quoted and low in names.parameters and (text[end - 1] == ":" or text.startswith(TELLING, end)):
        return mask | rules.bits["OWN"]
    if not quoted and word.isalpha():
        if word in UPPER:
            mask |= rules.bits["MUST_UPPER"]
        elif not (word.islower() or word.isupper() or word.istitle()):
            known = low in names.siblings or low in names.others
            mask |= _identifier(low, names, rules) if known else rules.bits["FIELD"] if word[0].islower() and low not in names.parameters else 0
        elif text.startswith(" tool", end) and (low in names.siblings or low in names.others):
            mask |= _identifier(low, names, rules)
        return mask
    if text[start] in "-_":
        return mask
    if quoted:
        if low in names.parameters:
            return rules.bits["OWN"]
        mask |= rules.bits["QUOTED"]
        if text[end : end + 1] in _CLOSING and not _is_example(text, start, end) and low.replace("-", "").replace("_", "").replace(".", "").isalnum():
            mask |= _name(word, low, text, end, names, rules)
    if "/" in low or "." in low or "~" in low or "\\" in low or "@" in low:
        mask |= _address(low, rules)
    elif word.isupper() and "_" in word and word.endswith(("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS")):
        mask |= rules.bits["SECRETNAME"]
    elif not quoted and ("_" in low or ("-" in low and (low in names.siblings or low in names.others)) or text[end : end + 2] == "()"):
        example = (
            text[end : end + 2] in (" =", "='", '="')
            or (text[end : end + 1] == "(" and text[end + 1 : end + 2] != ")")
            or word.isupper()
            or text[end - 1] == "="
        )
        mask |= 0 if example else _identifier(low, names, rules)
    return mask


def _is_example(text: str, start: int, end: int) -> bool:
    """True for a name or value of a JSON text (`"query": "words"`) and for an argument in program text (`list(kind='a-b')`)."""
    before = text[max(0, start - 3) : start - 1].strip()
    return before[-1:] == "=" or text[end + 1 : end + 2] == ":" or before == ":" or (before[-1:] == "(" and before[:1].isalnum())


def _name(word: str, low: str, text: str, end: int, names: Names, rules: Grammar) -> int:
    """A single quoted word: a tool when it is known as one, looks like one or is called one; any may be a field."""
    if low in names.own:
        return rules.bits["SELF"]
    known = low in names.siblings or low in names.others
    compound = "_" in low or "-" in low or not (word.islower() or word.isupper() or word.istitle() or word.isdigit())
    called = text[end + 1 : end + 6].lower().startswith((" tool", " func", "()"))
    numbered = low.rpartition("-")[2].isdigit()
    return (_identifier(low, names, rules) if known or called or (compound and not numbered and "." not in low) else 0) | rules.bits["FIELD"]


def _identifier(low: str, names: Names, rules: Grammar) -> int:
    low = low.removesuffix("()")
    if low in names.own:
        return rules.bits["SELF"]
    if low in names.parameters or not any(letter.isalpha() for letter in low):
        return 0
    where = "SIBLING" if low in names.siblings else "OTHERS" if low in names.others else "STRANGER"
    return rules.bits["TOOL"] | rules.bits["FIELD"] | rules.bits[where] | (rules.bits["STRANGER"] if where == "OTHERS" else 0)


def _address(low: str, rules: Grammar) -> int:
    """What a word with a slash, a dot or an at sign is: an address, a file, a name."""
    mask = 0
    if "://" in low or low.startswith("www."):
        mask = rules.bits["URL"]
    elif "@" in low and "." in low.rpartition("@")[2] and not low.startswith("@"):
        mask = rules.bits["MAIL"]
    elif low.startswith(("/", "~/", "../", "./", "$home", "c:\\", "%userprofile%", "\\\\")) and len(low) > 3:
        mask = rules.bits["PATH"]
    if any(part in low for part in rules.key_files):
        mask |= rules.bits["KEYFILE"]
    elif low.endswith(rules.settings_files):
        mask |= rules.bits["SETTINGS"]
    if low.rstrip("/").endswith(rules.memory_files):
        mask |= rules.bits["MEMORYFILE"]
    if low.endswith("()"):
        mask |= rules.bits["TOOL"]
    return mask


def matches(sentence: list[Token], patterns: Iterable[Pattern], opening: bool = False) -> Iterator[Match]:
    """The patterns that stand in a sentence, each once, at its first place; opening: the sentence is the first of a description."""
    present = 0
    for mask, _, _ in sentence:
        present |= mask
    for pattern in patterns:
        if _all_in(pattern.needs, present) and not pattern.beside & present:
            found = _find(sentence, pattern)
            if (
                found
                and not _is_cited(sentence, found[0])
                and not (found[0] == 0 and _is_function(sentence, pattern, opening))
                and not (pattern.before and any(mask & pattern.before for mask, _, _ in sentence[: found[0]]))
            ):
                yield Match(pattern.signal, sentence[found[0]][1], sentence[found[1]][2])


def _is_function(sentence: list[Token], pattern: Pattern, opening: bool) -> bool:
    """True for what the tool itself does, and no order: a sentence that opens in the third person (`Saves the conversation.`), and the
    first of a description in any form (`Save the conversation.`)."""
    rules = shipped()
    about = rules.about[pattern.signal]
    if opening and (about.get("function") or about.get("opening")):
        return True
    return bool(about.get("function")) and bool(sentence[0][0] & rules.bits["THIRD"])


def _is_cited(sentence: list[Token], number: int) -> bool:
    """True for words in a sentence that opens by detecting such words; one that also says what must be done is an order."""
    bits = shipped().bits
    if not any(mask & bits["DETECT"] for mask, _, _ in sentence[: min(number, _OPENING)]):
        return False
    cited = bits["QUOTED"] & sentence[number][0] or any(mask & bits["CITED"] for mask, _, _ in sentence[: number + 1])
    return bool(cited) and not any(mask & (bits["STRONG"] | bits["BEFORE"]) for mask, _, _ in sentence)


def _find(sentence: list[Token], pattern: Pattern) -> tuple[int, int] | None:
    """The first and the last word of the first row of words that satisfies a pattern; one pass, for each step the latest start is kept."""
    steps, nowhere = pattern.steps, (-1, -1)
    reached = [nowhere] * len(steps)
    final = len(steps) - 1
    for number, (mask, _, _) in enumerate(sentence):
        if not mask:
            continue
        for at in range(final, -1, -1):
            wanted, gap, blocked = steps[at]
            if mask & wanted:
                if at == 0:
                    if number and pattern.opens:
                        continue
                    reached[0] = (number, number)
                else:
                    began, before = reached[at - 1]
                    if before < 0 or number - before - 1 > gap:
                        continue
                    reached[at] = (began, number)
                if at == final and not (pattern.after and pattern.after & _mask_at(sentence, number + 1)):
                    return reached[at]
            elif mask & blocked:
                reached[at - 1] = nowhere
    return None


def _mask_at(sentence: list[Token], number: int) -> int:
    return sentence[number][0] if number < len(sentence) else 0
