"""Signals: the texts of one thing that a server declares in, what in them gives orders or hides, with places and words, out."""

from __future__ import annotations

import functools
import json
import re
from bisect import bisect_right

from mcp_audit_gate.metadata import grammar, languages, payees, sieve, words
from mcp_audit_gate.metadata.declared import parameters
from mcp_audit_gate.metadata.normal import folded, origins
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcp_audit_gate.metadata.carriers import Carried
    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.metadata.texts import Text
    from mcp_audit_gate.metadata.words import Names
    from mcp_audit_gate.model import Json, Pointer

_QUOTE = 120
_NODES = 2000  # of a schema that are looked at for names
# Signals that values and names hold honestly: examples of requests, file names, addresses.
_ANYWHERE = frozenset(("secret-ask", "foreign-address", "destruction", "attack-words", "traversal", "order-hint", "threat", "shell-text"))
_OWN = 4  # steps to the description of a thing itself: list, number, definition, description

_EXAMPLE = lazy(
    r"(?:\be\.g\.,?|\bfor (?:example|instance)[,:]?|\bsuch as) "
    r"(?:\"[^\"\n/~@]{1,160}\"|'[^'\n/~@]{1,160}'|`[^`\n/~@]{1,160}`|<[A-Za-z]{1,20}>)"
)


# A tag that is spoken of: quoted, or called a tag.
_MENTION = lazy(r"[\"'`”’]|\s{0,2}(?:(?:and|or)\s{1,2}[`\"']?<|(?:style |like )?(?:tags?|markers?|blocks?|elements?|delimiters?)\b)")
_INSTANCE = lazy(
    r"(?i)\b(?:e\.g\.|for (?:example|instance)|such as)[^.\n]*$"
    r"|\b(?:never|not|refuses? to|blocks?|rejects?) (?:run|runs|use|execute|pass|allow)?[ `\"']{0,3}$"
)
_FIRST = lazy(r"\s{0,9}(?:[^.\n]|\.(?=\S)){1,400}")  # a text's first sentence
_STEM = 4  # letters by which words of one subject are known (mail, mails, mailbox)
_LEAD = 60  # characters before a command in which it may be called an example
_FILLING, _ASKING = "parameter-fill", ("private-source", "talk-source")  # a parameter that asks for foreign things is filled with them
_CITED = "attack-words"  # what a specimen of a hostile text is: the text speaks of attacks
_ESCAPES = (
    ("&lt;", "   <"),
    ("&gt;", ">   "),
    ("&quot;", "'     "),
    ("&#39;", "'    "),
    ("&#x27;", "'     "),
    ("&apos;", "'     "),
    ("&nbsp;", " " * 6),
)


class Signal(NamedTuple):
    """Something in a text that is no description: its name, the group it counts in, the words, and where they stand.

    at, key, offset: the text and the character of it, for what was decoded the start of its carrier. carrier: how it was hidden, or "".
    names: identifiers in it that are tools of this server or of others.
    """

    name: str
    group: str
    quote: str
    at: Pointer
    key: bool = False
    offset: int = 0
    carrier: str = ""
    names: tuple[str, ...] = ()


def names_of(item: Item, siblings: frozenset[str], others: Mapping[str, str]) -> Names:
    """What names mean in an item's text; siblings: its server's tools in lower case, others: tools of other servers."""
    own = frozenset((item.name.lower(),)) if item.name else frozenset()
    wanted = {name.lower() for name in parameters(item.definition)}
    for member in ("inputSchema", "outputSchema"):
        wanted.update(_inner(item.definition.get(member)))
    return words.Names(own, frozenset(wanted.difference(others)), siblings - own, others)


def _inner(schema: Json) -> Iterator[str]:
    """Names of properties anywhere in a schema, and the words that its values are limited to, in lower case."""
    todo, looked = [schema], 0
    while todo and looked < _NODES:
        node = todo.pop()
        looked += 1
        if isinstance(node, dict):
            properties, allowed = node.get("properties"), node.get("enum")
            if isinstance(properties, dict):
                yield from (str(name).lower() for name in properties)
            if isinstance(allowed, list):
                yield from (word.lower() for word in allowed if isinstance(word, str))
            todo += [value for value in node.values() if isinstance(value, (dict, list))]
        elif isinstance(node, list):
            todo += [value for value in node if isinstance(value, (dict, list))]


def of_item(item: Item, found: Sequence[Text], names: Names) -> tuple[Signal, ...]:
    """The signals in the texts of an item, in their order and each once a text, and in the names of its parameters."""
    return (*of_texts(found, names), *_collecting(item))


def _collecting(item: Item) -> Iterator[Signal]:
    """Parameters that ask for what the model knows, not for what the tool needs."""
    if item.kind != "tool":
        return
    for name, value in parameters(item.definition).items():
        free = not isinstance(value, dict) or ("enum" not in value and value.get("type", "string") in ("string", "object", "array"))
        if free and name.lower().replace("-", "_") in _collectors():
            at = (*item.at, "inputSchema", "properties", name)
            yield Signal("collecting-parameter", _group("collecting-parameter"), visible(name, _QUOTE), at, True)


def of_texts(found: Sequence[Text], names: Names) -> tuple[Signal, ...]:
    """The signals in some texts. They are read as one, a paragraph each, so that what is cheap is done once."""
    if not found:
        return ()
    joined = "\n\n".join([text.text for text in found])
    hits = sorted((*_english(joined, names, _opening(found)), *languages.told(joined, names)), key=lambda hit: hit[1])
    hidden = _hidden(found) if sieve.may_carry(joined) else ()
    if not hits and not hidden:
        return ()
    from mcp_audit_gate.metadata.carriers import NAME, READ_ANYWAY

    signals: dict[tuple[str, int, str], Signal] = {}
    starts = _starts(found)
    for name, start, _, said in hits:
        if _is_own_subject(name, said, found, names):
            continue
        number = bisect_right(starts, start) - 1
        text = found[number]
        known = _others(said, names) if names.others else ()
        signals.setdefault((name, number, ""), Signal(name, _group(name), _quote(said), text.at, text.key, start - starts[number], "", known))
        if name in _ASKING and "properties" in text.at:
            signals.setdefault((_FILLING, number, ""), Signal(_FILLING, _group(_FILLING), _quote(said), text.at, text.key, start - starts[number]))
        if text.unread and name not in _ANYWHERE:
            told = "carrier" if text.key else "misplaced"
            signals.setdefault((told, number, ""), Signal(told, _group(told), _quote(text.text), text.at, text.key, 0, NAME if text.key else ""))
    for number, item in hidden:
        text = found[number]
        place = (text.at, text.key, item.start)
        signals.setdefault(("carrier", number, item.kind), Signal("carrier", _group("carrier"), _quote(item.text), *place, item.kind))
        if item.text and item.kind not in READ_ANYWAY:
            for name, start, end in _hits(folded(item.text), names, -1):
                signals.setdefault((name, number, item.kind), Signal(name, _group(name), _quote(item.text[start:end]), *place, item.kind))
    return tuple(signals.values())


def _hidden(found: Sequence[Text]) -> tuple[tuple[int, Carried], ...]:
    """What the texts carry, each with the number of its text."""
    from mcp_audit_gate.metadata.carriers import carried

    return tuple((number, item) for number, text in enumerate(found) for item in carried(text.text))


def _is_own_subject(name: str, said: str, found: Sequence[Text], names: Names) -> bool:
    """True for a signal of foreign things (its record names their classes) where the text is about these: a calendar's tool may read it.

    kin: one of these is as good as another, a tool for messages may ask for the conversation.
    """
    rules = grammar.shipped()
    about = rules.about[name]
    if "foreign" not in about:
        return False
    wanted = sum(rules.bits[name] for name in about["foreign"].split())
    first = next((text.text for text in found if text.at[-1:] == ("description",) and len(text.at) == _OWN), found[0].text)
    opening = _FIRST.match(first)
    subject = _named(" ".join(names.own)) + _named(opening[0] if opening else "")
    if about.get("kin") and any(words.listed(word) & wanted for word in subject):
        return True
    known = {word[:_STEM] for word in (*subject, *_named(" ".join(names.siblings)))}
    return any(word[:_STEM] in known for word in words.WORD.findall(said.lower()) if words.listed(word) & wanted)


def _named(text: str) -> list[str]:
    """The words of a text, those of names taken apart."""
    return words.WORD.findall(text.lower().replace("_", " ").replace("-", " "))


def _english(joined: str, names: Names, opening: int) -> Iterator[tuple[str, int, int, str]]:
    """(signal, start, end, words) of what stands in the texts when they are folded; the places are those of the texts as they are."""
    plain = folded(_unescaped(joined) if "&" in joined else joined)
    came: list[int] = []
    for name, start, end in _hits(_without_examples(plain), names, opening):
        if plain.isascii() and joined.isascii() and len(plain) == len(joined):
            yield name, start, end, plain[start:end]
        else:
            came = came or origins(joined)
            yield name, came[start], came[end], plain[start:end]


def _others(text: str, names: Names) -> tuple[str, ...]:
    """The tools of other servers that some words name, those with a name of their own and not a word of everyday (`search`)."""
    found = dict.fromkeys(words.WORD.findall(text.lower()))
    skipped = grammar.everyday()
    return tuple(word for word in found if word in names.others and word not in names.siblings and word not in names.own and word not in skipped)


def _without_examples(text: str) -> str:
    """The text with its quoted examples blanked, unless one names a place or file: what a server quotes is no order."""
    for mark in ("e.g", "example", "such as", "instance"):
        if mark in text:
            return _EXAMPLE.sub(lambda found: " " * len(found[0]), text)
    return text


def _unescaped(text: str) -> str:
    """The text with what HTML writes for its own signs replaced by those, at equal length."""
    for escape, sign in _ESCAPES:
        text = text.replace(escape, sign)
    return text


def _starts(found: Sequence[Text]) -> list[int]:
    starts, at = [], 0
    for text in found:
        starts.append(at)
        at += len(text.text) + 2
    return starts


def _quote(text: str) -> str:
    return " ".join(text[: 2 * _QUOTE].split())[:_QUOTE]


def _group(name: str) -> str:
    return str(grammar.shipped().about[name]["group"])


def _opening(found: Sequence[Text]) -> int:
    """Where a thing's own description begins in the texts when folded, -1 when it has none."""
    for number, text in enumerate(found):
        if text.at[-1:] == ("description",) and len(text.at) == _OWN:
            before = "".join([folded(other.text) + "\n\n" for other in found[:number]])
            return len(before) + len(text.text) - len(text.text.lstrip())
    return -1


def _hits(text: str, names: Names, opening: int) -> Iterator[tuple[str, int, int]]:
    """(signal, start, end) of all patterns and expressions; opening: where the sentence stands that says what the thing is."""
    for start, end, wanted in sieve.parts(text):
        for sentence in words.sentences(text, names, start, end):
            for match in words.matches(sentence, wanted, sentence[0][1] == opening):
                yield _or_cited(match.signal, text, match.start, match.end), match.start, match.end
    for start, end in payees.told(text):
        yield "payment", start, end
    low = text.lower()
    for signal, when, pattern in expressions():
        for mark in when:
            if mark in low:
                for found in pattern.finditer(text):
                    if not _is_mentioned(signal, text, found.start(), found.end()):
                        yield _or_cited(signal, text, found.start(), found.end()), found.start(), found.end()
                break


def _or_cited(signal: str, text: str, start: int, end: int) -> str:
    """The signal, or another for words that a text quotes as what it warns of."""
    from mcp_audit_gate.metadata.specimens import is_specimen

    return _CITED if is_specimen(text, start, end) else signal


def _is_mentioned(signal: str, text: str, start: int, end: int) -> bool:
    """True for a tag that is spoken of, and for a command line that is an example."""
    if signal == "frame":
        return bool(_MENTION.match(text, end))
    return signal == "shell-text" and bool(_INSTANCE.search(text[max(0, start - _LEAD) : start]))


@functools.cache
def expressions() -> tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]:
    """(signal, marks of which one must stand in the text, pattern): what is no sentence."""
    return tuple((record["signal"], tuple(record["when"]), lazy(record["pattern"])) for record in json.loads(grammar.data()["expressions"]))


@functools.cache
def _collectors() -> frozenset[str]:
    return frozenset(grammar.data()["collecting"].split())
