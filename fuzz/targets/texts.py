"""Untrusted text made safe: every escape function against a real reader of where its output goes; and text folded for matching."""

from __future__ import annotations

import json
import re
import unicodedata
import urllib.parse
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import html5lib
from markdown_it import MarkdownIt

from fuzz.draw import Draw
from fuzz.oracles import runner
from fuzz.target import Target, agree, wrong
from mcp_audit_gate.metadata.normal import folded, is_unseen, origins
from mcp_audit_gate.metadata.text import quoted, visible
from mcp_audit_gate.report import escape

if TYPE_CHECKING:
    from collections.abc import Callable

# Controls, marks of direction and other formats, line and paragraph separators, half pairs, private use.
HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
HARMLESS = {"text", "code_inline"}
BLOCKS = {f"{kind}_{end}" for kind in ("paragraph", "list_item", "bullet_list") for end in ("open", "close")}
COMMONMARK = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def drawn_text(data: bytes) -> str:
    """A text: the bytes as they are, or pieces of hostile ones."""
    if data[:1] and data[0] < 96:
        draw = Draw(data[1:])
        return "".join(draw.many(draw.text, 12))
    return data[1:].decode("utf-8", "surrogateescape")


def check_shown(text: str, shown: str) -> None:
    """What is shown hides nothing, moves nothing and is one line."""
    odd = [char for char in shown if unicodedata.category(char) in HIDDEN]
    if odd:
        wrong("something hidden is shown", text, shown, odd)
    if len(shown.splitlines()) > 1:
        wrong("more than one line", text, shown)


def check_visible(data: bytes) -> None:
    """Text for people and text in JSON: nothing hidden, nothing lost, short where that is asked for."""
    text = drawn_text(data)
    shown = visible(text)
    check_shown(text, shown)
    agree("visible text shown again", visible(shown), shown)
    literal = quoted(text)
    check_shown(text, literal)
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")  # two escapes side by side are one character
    agree("a JSON string read back", json.loads(literal), joined)
    for limit in (1, 5, 60):
        short = visible(text, limit)
        if len(short) > limit or (len(shown) <= limit and short != shown) or not shown.startswith(short[:-1]):
            wrong("the text cut", limit, short, shown)
    for name, made in (("terminal", escape.terminal(text)), ("name", escape.name(text)), ("message", escape.message(text))):
        check_shown(text, made)
        if "##[" in made or len(made) > {"terminal": 10**9, "name": 200 + 3 * 67, "message": 1000 + 3 * 340}[name]:
            wrong(f"a {name}", text, made)
        if runner.commands(escape.line(made)):
            wrong(f"a line of a {name} is a command", text, escape.line(made))


def check_folded(data: bytes) -> None:
    """Text for matching: folded again it is the same; each character has an origin; a part in plain letters stays where it was."""
    text = drawn_text(data)
    plain = folded(text)
    agree("folded again", folded(plain), plain)
    starts = origins(text)
    if len(starts) != len(plain) + 1 or starts != sorted(starts) or starts[-1] != len(text) or starts[0] < 0:
        wrong("the origins", text, plain, starts)
    unseen = [char for char in plain if ord(char) > 0x7F and is_unseen(ord(char))]
    if unseen:
        wrong("something unseen is left", text, unseen)
    if "ignore this" not in folded(f"{text} ignore this "):
        wrong("plain words are gone behind a text", text)
    for number, char in enumerate(plain):
        if char.isascii() and char.isalnum() and text[starts[number]].isascii() and text[starts[number]] != char:
            wrong("a plain character came from another one", text, number, char)


def check_uri(data: bytes) -> None:
    """A path as a URI: relative, of plain characters, in the root, and the path again where it is an ordinary one."""
    path = drawn_text(data)
    made = escape.uri(path)
    parts = urllib.parse.urlsplit(made)
    if parts.scheme or parts.netloc or parts.query or parts.fragment or made.startswith("/") or not re.fullmatch(r"[A-Za-z0-9._~/%-]+", made):
        wrong("no relative path", path, made)
    segments = urllib.parse.unquote_to_bytes(made).replace(b"\\", b"/").split(b"/")
    if b".." in segments or b"" in segments:
        wrong("a path out of the root", path, made)
    resolved = urllib.parse.urljoin("file:///root/x", made)
    if not resolved.startswith("file:///root/"):
        wrong("a path out of the root", path, resolved)
    plain = path.encode("utf-8", "replace").decode() == path and "\\" not in path and all(part not in ("", ".", "..") for part in path.split("/"))
    if plain:
        agree("the path read back", urllib.parse.unquote(made), path)


def check_commands(data: bytes) -> None:
    """GitHub's workflow commands: the runner reads exactly the one that was meant, with the path and the message."""
    draw = Draw(data)
    path, text = "".join(draw.many(draw.text, 4)) or "x", "".join(draw.many(draw.text, 6))
    place = escape.command_path(path)
    properties = f"file={place},title=x" if place is not None else "title=x"
    log = escape.unmarked(f"::error {properties}::{escape.command_data(text)}")
    found = runner.commands(log)
    if len(found) != 1 or found[0].name != "error" or set(found[0].properties) > {"file", "title"} or found[0].properties["title"] != "x":
        wrong("the commands in a line", path, text, log, found)
    if place is not None:
        agree("the path that the runner reads", found[0].properties["file"], path)
    elif visible(path) == path and "##[" not in path:
        wrong("a path that could be written", path)
    check_shown(text, found[0].data)
    agree("the message that the runner reads", escape.unmarked(found[0].data), escape.message(text))


def check_markdown(data: bytes) -> None:
    """Code spans, prose and table cells: a Markdown parser finds plain text and code, GitHub nothing to link."""
    text = drawn_text(data)
    for shown in (escape.code(text), escape.prose(text), escape.prose(f'server "{text}" has (x), {text}: "{text}".')):
        check_shown(text, shown)
        for source in (f"x {shown} y", f"- {shown}", f"**x** {shown}"):
            check_inline(text, source)
        check_cell(text, shown)
    spans = [token for token in inline(f"x {escape.code(text)} y") if token.type == "code_inline"]
    if len(spans) != 1:
        wrong("not one code span", text, escape.code(text))
    made = escape.mermaid(text)
    if not re.fullmatch(r"(?:\w| |[-_./,()]|#\d+;|[^\W])*", made) or '"' in made or any(char in made for char in "<>[]{}|`\\'&%\n;" if char != ";"):
        wrong("a Mermaid label", text, made)


def inline(source: str) -> list[Any]:
    """The inline tokens of a source that must be one block."""
    return [child for token in COMMONMARK.parse(source) if token.type == "inline" for child in token.children or ()]


def check_inline(text: str, source: str) -> None:
    """Nothing but words and code; no word outside code that GitHub would make a link or a mention of."""
    blocks = {token.type for token in COMMONMARK.parse(source)} - {"inline"}
    kinds = {token.type for token in inline(source)}
    if kinds - HARMLESS - {"strong_open", "strong_close"} or blocks - BLOCKS:
        wrong("something else than words and code", text, source, kinds, blocks)
    words = " ".join(token.content for token in inline(source) if token.type == "text")
    linked = re.search(r"(?i)https?:|ftp:|www\.|mailto:|@\w|(?<!\w)#\d|\bGH-\d|\b[0-9a-f]{7,40}\b|<|javascript:", words)
    if linked:
        wrong("GitHub would make something of it", text, source, linked.group())


def check_cell(text: str, shown: str) -> None:
    """In a table the text is one cell."""
    table = COMMONMARK.parse(f"| a | b |\n| --- | --- |\n| {shown} | end |\n")
    cells = [token.content for token in table if token.type == "inline"]
    if len(cells) != 4 or cells[-1] != "end":
        wrong("a cell of a table", text, shown, cells)


def check_markup(data: bytes) -> None:
    """HTML and XML: real parsers find the text, in the element and the attribute where it was put, and no markup."""
    text = drawn_text(data)
    safe = escape.markup(text)
    if "##[" in safe:
        wrong("a command mark", safe)
    whole = f'<div title="{safe}"><b>{safe}</b></div>'
    root = ElementTree.fromstring(whole)  # what it parses was made here
    body = html5lib.parse(whole, namespaceHTMLElements=False).find("body")
    wanted = visible(text)
    for name, div in (("XML", root), ("HTML", body.find("div"))):
        shape = [(item.tag, sorted(item.attrib)) for item in div.iter()]
        if shape != [("div", ["title"]), ("b", [])]:
            wrong(f"the elements in {name}", text, whole, shape)
        agree(f"the attribute in {name}", div.attrib["title"], wanted)
        agree(f"the text in {name}", (div.findtext("b") or ""), wanted)
    lead = escape.unled(safe)
    if runner.commands(lead):
        wrong("a line of markup is a command", text, lead)
    agree("a line of markup", html5lib.parseFragment(f"<b>{lead}</b>", namespaceHTMLElements=False)[0].text or "", wanted)


def check_sarif_message(data: bytes) -> None:
    """A message of SARIF: short, a sentence, nothing hidden, no embedded link (SARIF 2.1.0, 3.11.6)."""
    text = drawn_text(data)
    made = escape.sarif_message(text)
    check_shown(text, made)
    if len(made.encode()) > 1001 or not made.endswith(".") or re.search(r"(?<!\\)\[(?:[^\]\\]|\\.)*\]\(", made):
        wrong("a message", text, made)


def worker(*functions: Callable[[str], object]) -> Callable[[bytes], object]:
    """Runs the functions on the bytes as a text."""

    def run(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        for function in functions:
            function(text)

    return run


TARGETS = {
    "visible": Target(check_visible, worker(visible, quoted, escape.message, escape.terminal)),
    "folded": Target(check_folded, worker(folded, origins)),
    "uri": Target(check_uri, worker(escape.uri)),
    "commands": Target(check_commands, worker(escape.command_data, escape.command_property)),
    "prose": Target(check_markdown, worker(escape.code, escape.prose, escape.mermaid)),
    "markup": Target(check_markup, worker(escape.markup, escape.unled)),
    "sarif-message": Target(check_sarif_message, worker(escape.sarif_message)),
}
