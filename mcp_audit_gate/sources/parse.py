"""Bytes of a config to Documents, whatever the syntax: JSON and JSONC, TOML, YAML, Markdown front matter, .env, crushrc."""

from __future__ import annotations

import re

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.sources import jsonc
from mcp_audit_gate.sources.document import Document, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_audit_gate.sources.shell import Token

MAX_DEPTH = 64
BOM = b"\xef\xbb\xbf"
_LFS = b"version https://git-lfs.github.com/spec/"


def decode(data: bytes) -> str:
    """The text of a file, a byte order mark taken off. Raises Unreadable when it is not UTF-8."""
    if data.startswith(_LFS):
        raise Unreadable("a Git LFS pointer, not the file itself", "check the file out (git lfs pull), or commit it without LFS")
    marked = data.startswith(BOM)
    try:
        return (data[len(BOM) :] if marked else data).decode()
    except UnicodeDecodeError as error:
        at = error.start + len(BOM) * marked
        kind = "UTF-16," if data[:2] in (b"\xff\xfe", b"\xfe\xff") else f"byte {data[at]:#04x} at offset {at} is"
        raise Unreadable(f"{kind} not UTF-8", "save the file as UTF-8") from error


def parse(path: str, data: bytes, syntax: str) -> list[Document]:
    """The documents of a file: one, or as many as a YAML file holds. Raises Unreadable."""
    text = decode(data)
    return _READERS[syntax or _syntax(path, text)](path, data, text)


def _syntax(path: str, text: str) -> str:
    """The syntax of a file that no row names: by its ending, else by its first character."""
    ending = path.lower().rpartition(".")[2]
    known = {"json": "json", "jsonc": "json", "toml": "toml", "yaml": "yaml", "yml": "yaml", "md": "markdown", "mdc": "markdown", "json5": "json"}
    return known.get(ending) or ("json" if text.lstrip()[:1] in ("{", "[", "") else "yaml")


def _json(path: str, data: bytes, text: str) -> list[Document]:
    value, strict, lenient = jsonc.read(text, MAX_DEPTH)
    return [Document(path, data, text, value, lambda: jsonc.JsonIndex(strict), lenient)]


def _json_or_empty(path: str, data: bytes, text: str) -> list[Document]:
    """JSON of a program that takes a file without any value for one without settings; nothing in it has a place."""
    if jsonc.is_blank(text):
        return [Document(path, data, text, {}, lambda: jsonc.JsonIndex(""))]
    return _json(path, data, text)


def _toml(path: str, data: bytes, text: str) -> list[Document]:
    from mcp_audit_gate.sources import tomls

    value = tomls.read(text, MAX_DEPTH)
    return [Document(path, data, text, value, lambda: tomls.TomlIndex(text))]


def _yaml(path: str, data: bytes, text: str, start: int = 0, end: int | None = None) -> list[Document]:
    from mcp_audit_gate.sources import yamls

    return [_tree(path, data, text, node) for node in yamls.read(text[start:end], MAX_DEPTH, start)]


def _tree(path: str, data: bytes, text: str, node: Node) -> Document:
    from mcp_audit_gate.sources import yamls

    return Document(path, data, text, node.value, lambda: yamls.YamlIndex(node))


_FRONT_MATTER = lazy(r"\s*---[^\S\r\n]*(?:\r\n|\r|\n)")
# gray-matter takes a language behind the hyphens, and runs what follows when that is JavaScript (README "Optionally specify a language").
_FRONT_LANGUAGE = lazy(r"\s*---[^\S\r\n]*([A-Za-z]\w{0,20})[^\S\r\n]*(?:\r\n|\r|\n)")
_FRONT_END = lazy(r"^---[^\S\n]*$", re.M)
# A key may stand after any character that YAML takes for a line break, in braces, after a tag or anchor, or spelled with escapes.
_SERVER_KEY = lazy(
    r"[\n\r\x85\u2028\u2029{,?][ \t]*(?:[&!][^\s,{?]{0,99}[ \t]{1,9})?([\"']?mcp[-_]?servers[\"']?\s{0,99}:|\"[^\"\n]{0,99}\\[xuU])", re.I
)


def _markdown(path: str, data: bytes, text: str) -> list[Document]:
    """The front matter, if there is one. Odd YAML without a key for servers declares none: descriptions are often prose with colons."""
    opening = _FRONT_MATTER.match(text)
    if not opening:
        language = _FRONT_LANGUAGE.match(text)
        if language and (language[1].lower() in ("js", "javascript") or _SERVER_KEY.search(text, language.end() - 1)):
            raise Unreadable("front matter that names its language, as only some clients read it", "write three hyphens alone", language.start(1))
        return []
    closing = _FRONT_END.search(text.replace("\r\n", " \n").replace("\r", "\n"), opening.end())
    if not closing:
        named = _SERVER_KEY.search(text, opening.end() - 1)
        if named:
            raise Unreadable("the front matter is not closed", "close it with a line of three hyphens", named.start(1))
        return []
    end = closing.start()
    try:
        return _yaml(path, data, text, opening.end(), end)
    except Unreadable as error:
        if not _SERVER_KEY.search(text, opening.end() - 1, end):
            return []
        error.offset = None if error.offset is None else min(error.offset, end - 1)
        raise


# As dotenv for Node.js reads it (lib/main.js 17, seen 2026-11-22), which takes the most: a colon for the sign, the sign or a quote on a later line.
# Behind U+2028 and U+2029 it begins anew only sometimes; here always, at the price of a value that holds one.
_VARIABLE = lazy(
    r"(?:^|(?<=[\r\u2028\u2029]))(?:[^\S\r\n\u2028\u2029]|\ufeff)*(?:export[^\S\r\n]+)?([A-Za-z_][A-Za-z0-9_]*)(?:\s*=|[^\S\r\n]*:(?=\s))"
    r"(?:\s*(?=[\"'`])|[^\S\r\n]*)((?:\"[^\"\r\n]*\"|'[^'\r\n]*'|`[^`\r\n]*`)?[^\r\n\u2028\u2029]*)",
    re.M,
)


def _dotenv(path: str, data: bytes, text: str) -> list[Document]:
    members = []
    for found in _VARIABLE.finditer(text):
        written = found[2]
        if written[:1] in ("'", '"', "`"):
            value, closing, _ = written[1:].partition(written[0])
            written = f"{written[0]}{value}{closing}"
        else:
            value = written = re.split(r"(?:^|\s)#", written, maxsplit=1)[0].rstrip()
        node = Node(found.start(2), found.start(2) + len(written), value)
        members.append((found[1], found.start(1), found.end(1), node))
    return [_tree(path, data, text, Node(0, len(text), {str(key): node.value for key, _, _, node in members}, tuple(members)))]


def _crushrc(path: str, data: bytes, text: str) -> list[Document]:
    """`mcp add NAME --command … --args … --env K V`; the rest of the script is not understood, and no server can be read from it."""
    from mcp_audit_gate.sources import shell

    members: list[tuple[str | int, int, int, Node]] = []
    for words, _ in shell.commands(shell.split(text)):
        plain = [word for word in words if not word.operator]
        texts = [word.text for word in plain]
        start = next((at for at in range(len(texts) - 2) if texts[at : at + 2] == ["mcp", "add"]), None)
        if start is None:
            continue
        plain = plain[start:]
        name, rest = plain[2], plain[3:]
        parts = _crush_flags(rest)
        value = {str(key): node.value for key, _, _, node in parts}
        members.append((name.text, name.start, name.end, Node(plain[0].start, plain[-1].end, value, tuple(parts))))
    servers = Node(0, len(text), {str(key): node.value for key, _, _, node in members}, tuple(members))
    return [_tree(path, data, text, Node(0, len(text), {"mcp": servers.value}, (("mcp", 0, 0, servers),)))]


def _crush_flags(words: list[Token]) -> list[tuple[str | int, int, int, Node]]:
    """`--command`, `--args`, `--url`, … of one `mcp add`, as the members of an entry."""
    lists: dict[str, list[Token]] = {}
    pairs: dict[str, list[tuple[Token, Token]]] = {}
    at = 0
    single: list[tuple[str | int, int, int, Node]] = []
    while at < len(words):
        word = words[at]
        flag = word.text.removeprefix("--")
        at += 1
        if flag in ("env", "header") and at + 1 < len(words):
            pairs.setdefault(flag + "s" * (flag == "header"), []).append((words[at], words[at + 1]))
            at += 2
        elif flag in ("args", "arg") or not word.text.startswith("--"):
            taken = [word] if not word.text.startswith("--") else []
            while at < len(words) and not (words[at].text.startswith("--") and not words[at].quoted):
                taken.append(words[at])
                at += 1
            if taken:
                lists.setdefault("args", []).extend(taken)
        elif at < len(words):
            single.append((flag, word.start, word.end, Node(words[at].start, words[at].end, words[at].text)))
            at += 1
    for key, tokens in lists.items():
        items = tuple((number, item.start, item.start, Node(item.start, item.end, item.text)) for number, item in enumerate(tokens))
        single.append((key, tokens[0].start, tokens[0].start, Node(tokens[0].start, tokens[-1].end, [item.text for item in tokens], items)))
    for key, couples in pairs.items():
        inner = tuple((name.text, name.start, name.end, Node(value.start, value.end, value.text)) for name, value in couples)
        single.append(
            (
                key,
                couples[0][0].start,
                couples[0][0].start,
                Node(couples[0][0].start, couples[-1][1].end, {str(k): n.value for k, _, _, n in inner}, inner),
            )
        )
    return single


_READERS: dict[str, Callable[[str, bytes, str], list[Document]]] = {
    "json": _json,
    "json or empty": _json_or_empty,
    "toml": _toml,
    "yaml": _yaml,
    "markdown": _markdown,
    "dotenv": _dotenv,
    "crushrc": _crushrc,
}


def whole(documents: list[Document]) -> Document:
    """One document for a file that holds several: a list of their values, for those who look at the file as a whole."""
    first = documents[0]
    if len(documents) == 1:
        return first
    roots = [document.index.root() for document in documents]
    members = tuple((number, node.start, node.start, node) for number, node in enumerate(roots))
    return _tree(first.path, first.data, first.text, Node(roots[0].start, roots[-1].end, [node.value for node in roots], members))
