"""What the tools, prompts and resources of a server can do, as far as their declarations tell: a Surface in, capabilities with evidence out.

Read are names in verb position, parameters, schema formats, hints and the first sentence of a description. A hint may add a capability,
never take one away; what two fields agree on is sure, what stands in one is a guess. Words in data/abilities.json.
"""

from __future__ import annotations

import functools
import json
import os

from mcp_audit_gate.metadata.declared import items, parameters, text_of
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Capability
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.model import Json, Surface

ORDER = ("file_read", "file_write", "network", "shell_execution", "destructive", "exfiltration")
_LEVELS = ("low", "medium", "high", "declared")
_NAME_PARTS = lazy(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SPOKEN = lazy(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*")
_FIRST = lazy(r"[.!?](?=\s)|\n\s*\n|\n\s*(?:Args|Parameters|Returns|Example|Use |Note)")
# `create, retrieve, update, and delete`: a list of verbs that ends in, or holds, a destroying one.
_LISTED = lazy(
    r"\b(?:creat|updat|retriev|read|list|stop|start|edit|modify)[a-z]*,? (?:(?:and|or) )?(delet(?:e|es|ing)|destroy(?:s|ing)?|drop(?:s|ping)?)\b"
)
_LISTABLE = ("delet", "destroy", "drop")
_READ = 400
_JOINING = frozenset(("and", "or", "to", "can", "then"))
_CHANGING = frozenset(("write", "read", "delete"))


class _Sign(NamedTuple):
    """One reason for a capability. field: where it stands. weight: 2 for a sign that nearly settles it, 1 for a hint of it."""

    capability: str
    field: str
    words: str
    weight: int = 1


@functools.cache
def table() -> dict[str, Any]:
    """The shipped words, its lists as sets."""
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "abilities.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    parts = ("verbs", "nouns", "parameters", "hints", "legs")
    kinds: dict[str, tuple[str, ...]] = {}
    for kind, text in data["verbs"].items():
        for verb in text.split():
            kinds[verb] = (*kinds.get(verb, ()), kind)
    return {part: {name: frozenset(text.split()) for name, text in data[part].items()} for part in parts} | {
        "remote": frozenset(data["remote"].split()),
        "kinds": kinds,
    }


class _Read(NamedTuple):
    """A tool taken apart: words of its name without the server's prefix, of the first sentence, and its parameters in lower case.

    verbs, told: for each kind of verb the word of the name, and of the first sentence.
    """

    item: Item
    name: tuple[str, ...]
    prefix: tuple[str, ...]
    spoken: tuple[str, ...]
    more: frozenset[str]
    more_text: str
    parameters: dict[str, Json]
    verbs: dict[str, str]
    told: dict[str, str]


def of_surface(surface: Surface) -> tuple[Capability, ...]:
    """The capabilities of everything that is declared, each subject's in a fixed order; one a subject and capability."""
    found: list[Capability] = []
    read = _tools(surface)
    remote = _is_remote(read)
    tools = {id(one.item.value): one for one in read}
    for item in items(surface):
        if item.kind == "tool":
            found += _settled(item.subject, _signs(tools[id(item.value)], remote))
        elif item.kind in ("resource", "template"):
            found += _settled(item.subject, _of_resource(item))
    return tuple(found)


def _tools(surface: Surface) -> list[_Read]:
    split = [(item, name_words(item.name)) for item in items(surface) if item.kind == "tool"]
    prefix = _prefix([name for _, name in split])
    read = []
    data = table()["nouns"]["data"]
    for item, name in split:
        has = len(name) > 1 and name[:1] == prefix[:1] and prefix
        text = text_of(item.definition.get("description"))[:_READ]
        first = _first_sentence(text)
        wanted = {key.lower().replace("-", "_"): value for key, value in parameters(item.definition).items()}
        own, low = name[1:] if has else name, text.lower()
        spoken = tuple(_SPOKEN.findall(first.lower()))
        more = frozenset(_SPOKEN.findall(low))
        told = _told(spoken, not data.isdisjoint(spoken))
        read.append(_Read(item, own, prefix if has else (), spoken, more, low, wanted, _verbs(own), told))
    return read


def _first_sentence(text: str) -> str:
    """A description up to the end of its first sentence, or to what follows it on lines of its own."""
    if text.isprintable():  # without an expression: the only blank is the space
        return text[: min((at for at in map(text.find, (". ", "! ", "? ")) if at >= 0), default=len(text))]
    cut = _FIRST.search(text)
    return text[: cut.start()] if cut else text


def name_words(name: str) -> tuple[str, ...]:
    """The words of an identifier in lower case (`readTextFile`, `read_text_file`)."""
    plain = name[:200].replace("_", " ").replace("-", " ")
    words = plain.split(" ")
    # Without an expression, as most are written.
    if plain.islower() and plain.isascii() and all(word.isalpha() or word.isdigit() or not word for word in words):
        return tuple(filter(None, words))
    return tuple(part.lower() for part in _NAME_PARTS.findall(name[:200]))


def _prefix(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The first word that most names of a server begin with (`obsidian_`), unless it is a verb."""
    first: dict[str, int] = {}
    for name in names:
        if len(name) > 1:
            first[name[0]] = first.get(name[0], 0) + 1
    word = max(first, key=lambda key: first[key], default="")
    known = not word or word in table()["kinds"]
    return (word,) if not known and len(names) > 2 and first[word] * 2 > len(names) else ()


@functools.lru_cache(16384)
def base(word: str, words: frozenset[str]) -> str:
    """The base form of a word when it is in the list (`lists`, `deleting`, `copied`), else ""."""
    return next((form for form in _bases(word) if form in words), "")


def _bases(word: str) -> Iterator[str]:
    """What a word may be a form of, the word itself first."""
    yield word
    for ending, instead in (("s", ""), ("es", ""), ("ies", "y"), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"), ("ied", "y")):
        if word.endswith(ending):
            yield word[: -len(ending)] + instead
    if word.endswith("ing") and word[-5:-4] == word[-4:-3]:
        yield word[:-4]


@functools.lru_cache(8192)
def _kinds(word: str) -> tuple[str, ...]:
    """The kinds of verbs that a word is a form of; servers use the same words over and over."""
    verbs = table()["kinds"]
    return tuple(dict.fromkeys(kind for form in _bases(word) for kind in verbs.get(form, ())))


def _verbs(name: Sequence[str]) -> dict[str, str]:
    """For each kind the verb of it that stands in verb position of a name: first, else, when no verb is first, last or second."""
    first = _kinds(name[0]) if name else ()
    found = dict.fromkeys(first, name[0]) if first else {}
    if len(name) > 1 and not first:
        for word in (name[-1], name[1]):
            for kind in _kinds(word):
                found.setdefault(kind, word)
    return found


def _told(spoken: Sequence[str], has_data: bool) -> dict[str, str]:
    """For each kind the first verb of it at the head of a description, or after its commas and conjunctions (`create, update, and delete`)."""
    found: dict[str, str] = {}
    before = ""
    for number, word in enumerate(spoken[:30]):
        if not has_data and word.startswith("drop"):
            continue
        kinds = _kinds(word)
        if kinds and (number < 2 or before in _JOINING or (number < 14 and not _CHANGING.isdisjoint(_kinds(before)))):
            for kind in kinds:
                found.setdefault(kind, word)
        before = word
    return found


def _first(words: Iterable[str], known: frozenset[str]) -> str:
    # A loop and not next(): this runs some dozen times for every tool.
    for word in words:
        if word in known:
            return word
    return ""


def _parameter(tool: _Read, kind: str) -> str:
    return _first(tool.parameters, table()["parameters"][kind])


def _noun(tool: _Read, kind: str) -> str:
    return _first(tool.name, table()["nouns"][kind])


def _spoken_noun(tool: _Read, kind: str) -> str:
    return _first(tool.spoken, table()["nouns"][kind])


def _remote_word(tool: _Read) -> str:
    words = table()["remote"]
    return _first(tool.prefix, words) or _first(tool.name, words) or _first(tool.spoken, words)


def _is_remote(tools: Sequence[_Read]) -> bool:
    """True for a server most of whose tools speak of a service on the network and not of files of the machine."""
    words = table()["remote"]
    far = sum(bool(_remote_word(tool) or _parameter(tool, "remote") or not words.isdisjoint(tool.more)) for tool in tools)
    near = sum(bool(_noun(tool, "local") or _parameter(tool, "path")) for tool in tools)
    return bool(tools) and far * 2 >= len(tools) and near * 3 <= len(tools)


def _signs(tool: _Read, remote: bool) -> Iterator[_Sign]:
    yield from _hints(tool)
    yield from _network(tool, remote)
    far = remote or bool(_remote_word(tool))
    yield from _files(tool, far)
    yield from _runs(tool, far)
    yield from _destroys(tool)
    yield from _sends(tool, far)


def _hints(tool: _Read) -> Iterator[_Sign]:
    hints = tool.item.definition.get("annotations")
    if not isinstance(hints, dict):
        return
    if hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True:
        changing = any(tool.verbs.get(kind, "") or tool.told.get(kind, "") for kind in ("delete", "write"))
        yield _Sign("destructive", "annotations", "destructiveHint", 3 if changing else 0)
    if hints.get("openWorldHint") is True:
        yield _Sign("network", "annotations", "openWorldHint", 3)


def _network(tool: _Read, remote: bool) -> Iterator[_Sign]:
    word = _remote_word(tool)
    local = _parameter(tool, "path") or _noun(tool, "local")
    if word:
        named = word in tool.name or word in tool.prefix
        yield _Sign("network", "name" if named else "description", word, 1 if local and not named else 2)
    mail = _noun(tool, "mail") or _spoken_noun(tool, "mail")
    if mail:
        yield _Sign("network", "name" if mail in tool.name else "description", mail, 2 if mail in tool.name and mail in tool.spoken else 1)
    name = _parameter(tool, "url")
    if name:
        yield _Sign("network", "inputSchema", name, 1 if local else 2)
    name = _parameter(tool, "remote")
    if name:
        yield _Sign("network", "inputSchema", name, 1)
    if remote and not local:
        yield _Sign("network", "server", "its other tools speak of a service on the network", 1)


def _files(tool: _Read, far: bool) -> Iterator[_Sign]:
    """Files of the machine: a verb with a file as its object. With a service on the network only what a path in the schema says."""
    path, noun, spoken = _parameter(tool, "path"), _noun(tool, "file"), _spoken_noun(tool, "file")
    if (far and not path) or ("directory" in tool.name and not {"current", "working", "cwd"}.isdisjoint((*tool.name, *tool.spoken))):
        return
    for capability, kind in (("file_read", "read"), ("file_write", "write")):
        verb = tool.verbs.get(kind, "")
        said = tool.told.get(kind, "")
        if verb and (path or noun):
            yield _Sign(capability, "name", f"{verb} {noun}".strip(), 2 if path and noun else 1)
        if path and (verb or said):
            yield _Sign(capability, "inputSchema", path, 1)
        if said and spoken:
            near = not far and spoken in table()["nouns"]["local"]
            yield _Sign(capability, "description", f"{said} {spoken}", 2 if near else 1)


def _runs(tool: _Read, far: bool) -> Iterator[_Sign]:
    verb = tool.verbs.get("run", "")
    said, noun, spoken = tool.told.get("run", ""), _noun(tool, "shell"), _spoken_noun(tool, "shell")
    command, code = _parameter(tool, "command"), _parameter(tool, "code")
    if command:
        yield _Sign("shell_execution", "inputSchema", command, 2 if verb or said or noun else 1)
    if code and (verb or said):
        yield _Sign("shell_execution", "inputSchema", code, 1)
    if verb and noun and not far:
        yield _Sign("shell_execution", "name", f"{verb} {noun}", 2)
    if said and spoken and not far:
        yield _Sign("shell_execution", "description", f"{said} {spoken}", 1)


def _destroys(tool: _Read) -> Iterator[_Sign]:
    verb = tool.verbs.get("delete", "")
    said = tool.told.get("destroy", "")
    if verb and base(verb, table()["verbs"]["destroy"]):
        yield _Sign("destructive", "name", verb, 2)
    elif verb and (_noun(tool, "data") or said):
        yield _Sign("destructive", "name", verb, 2 if tool.told.get("delete", "") and _noun(tool, "data") else 1)
    if said:
        yield _Sign("destructive", "description", said, 1)
    listed = _LISTED.search(tool.more_text) if any(word in tool.more_text for word in _LISTABLE) else None
    if listed:
        yield _Sign("destructive", "description", listed.group(1), 2 if tool.name[:1] in (("manage",), ("crud",)) else 1)
    for word in ("irreversible", "permanently", "destructive"):
        if word in tool.more:
            yield _Sign("destructive", "description", word, 1)


def _sends(tool: _Read, far: bool) -> Iterator[_Sign]:
    verb = tool.verbs.get("send", "")
    said = tool.told.get("send", "")
    to, content = _parameter(tool, "recipient"), _parameter(tool, "content")
    message = _noun(tool, "message") or _spoken_noun(tool, "message")
    if verb and (content or message or not tool.parameters):
        yield _Sign("exfiltration", "name", verb, 2 if content or to else 1)
    if verb in ("push", "publish", "upload") and far:
        yield _Sign("exfiltration", "name", verb, 2)
    if to and content and (verb or said):
        yield _Sign("exfiltration", "inputSchema", f"{to} {content}", 2)
    if said and message:
        yield _Sign("exfiltration", "description", f"{said} {message}", 1)


def _of_resource(item: Item) -> Iterator[_Sign]:
    """A resource is read by its address; its scheme tells from where."""
    scheme = item.name.partition(":")[0].lower()
    if scheme == "file":
        yield _Sign("file_read", "uri", "file:", 3)
    elif scheme in ("http", "https", "ftp", "s3", "gs"):
        yield _Sign("network", "uri", f"{scheme}:", 3)


def _settled(subject: str, signs: Iterator[_Sign]) -> Iterator[Capability]:
    """The signs of one subject as capabilities: the weights of a capability's fields added up give the confidence."""
    by: dict[str, list[_Sign]] = {}
    for sign in signs:
        by.setdefault(sign.capability, []).append(sign)
    for capability in ORDER:
        some = by.get(capability)
        if some:
            weight = max(3 if sign.weight == 3 else 0 for sign in some) or min(2, sum(sign.weight for sign in some) - 1)
            told = "; ".join(dict.fromkeys(f"{sign.field}: {visible(sign.words, 60)}" for sign in some))
            yield Capability(subject, capability, _LEVELS[max(0, weight)], told)
