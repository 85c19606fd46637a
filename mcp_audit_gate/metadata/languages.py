"""The signals in other languages than English: a text in, (signal, start, end) of sentences that hold an attack's ideas, out.

Word order differs between languages, so a pattern (data/languages.json) is a set of classes that must all stand in one sentence.
"""

from __future__ import annotations

import functools
import json
import os

from mcp_audit_gate.metadata.grammar import data
from mcp_audit_gate.metadata.normal import unmarked, unmarked_origins
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.metadata.words import Names

_SENTENCE = lazy(r"[^\s。！？!?.;；][^。！？!?\n.;；]*(?:[.;](?=\S)[^。！？!?\n.;；]*)*")
_PARTING = {code: " " for code in range(128) if not chr(code).isalnum()} | dict.fromkeys(map(ord, "«»“”„‘’「」『』（），、：…–—·。"), " ")
_SHAPES = {
    "KEYFILE": lazy(
        r"\.(?:ssh|aws|gnupg|kube|env|netrc|npmrc|pypirc)\b|id_(?:rsa|ed25519)|credentials|\.config/|\.pem\b|/etc/(?:passwd|shadow)|wallet|mcp\.json"
    ),
    "MEMORYFILE": lazy(
        r"(?:agents|claude|gemini|copilot-instructions|memory)\.md\b|\.(?:windsurf|cursor|cline)rules|\.cursor/rules|\.(?:bash|zsh)rc\b"
    ),
    "MAIL": lazy(r"[\w.+-]{1,64}@[\w-]{1,64}\.\w"),
    "URL": lazy(r"(?:https?|ftp|wss?)://"),
    "ACCOUNT": lazy(r"\d(?:[ -]?\d){13,29}|[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){3,7}|0x[0-9a-f]{40}|\bt[1-9a-hj-np-z]{33}\b"),
    "FIELD": lazy(r"[`‘“\"][a-z][a-z0-9_]{1,40}[`’”\"]"),
}
_OTHER_LETTERS = lazy("[\u0400-\u04ff\u0600-\u06ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NAME = lazy(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
# Words of one of these languages that a text in it holds before it holds an order.
_LEAST = 2


class _Lexicon(NamedTuple):
    """words: spelling -> classes. patterns: signal, classes that must stand in a sentence, and classes that may not."""

    words: tuple[tuple[str, frozenset[str]], ...]
    patterns: tuple[tuple[str, frozenset[str], frozenset[str]], ...]


def told(text: str, names: Names) -> Iterator[tuple[str, int, int, str]]:
    """(signal, start, end, words) of the sentences of a text that hold a pattern."""
    plain = unmarked(text)
    padded = f" {plain.translate(_PARTING)} "
    if (text.isascii() or not _OTHER_LETTERS.search(text)) and len(_latin().intersection(padded.split())) < _LEAST:
        return
    known = [(word, classes) for word, classes in _lexicon().words if word in padded]
    if len(known) < 2:
        return
    came: list[int] = []
    for found in _SENTENCE.finditer(plain):
        for signal in _signals(found[0], known, names):
            came = came or unmarked_origins(text)
            start, end = came[found.start()], came[found.end()]
            yield signal, start, end, text[start:end]


def _signals(sentence: str, known: list[tuple[str, frozenset[str]]], names: Names) -> Iterator[str]:
    padded = f" {sentence.translate(_PARTING)} "
    present: set[str] = set()
    for word, classes in known:
        if word in padded:
            present |= classes
    if len(present) < 2:
        return
    present |= {name for name, shape in _SHAPES.items() if shape.search(sentence)}
    own = names.own | names.parameters | names.siblings
    if any(name not in own for name in _NAME.findall(sentence)):
        present.add("STRANGER")
    for signal, wanted, blocked in _lexicon().patterns:
        if wanted <= present and not blocked & present:
            yield signal


@functools.cache
def _latin() -> frozenset[str]:
    """Small words of the languages in Latin letters, so that most texts need no lexicon."""
    return frozenset(data()["latin"].split())


@functools.cache
def _lexicon() -> _Lexicon:
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "languages.json")
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    words: dict[str, set[str]] = {}
    for name, spellings in found["words"].items():
        for word in spellings.split():
            words.setdefault(unmarked(word).replace("_", " "), set()).add(name)
    patterns = []
    for signal, classes in found["patterns"]:
        names = classes.split()
        patterns.append((signal, frozenset(name for name in names if name[0] != "!"), frozenset(name[1:] for name in names if name[0] == "!")))
    return _Lexicon(tuple((word, frozenset(classes)) for word, classes in words.items()), tuple(patterns))
