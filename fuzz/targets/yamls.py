"""YAML and front matter: values against a second parser, and the places by writing something else there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fuzz.oracles import yamls as oracle
from fuzz.target import Target, agree, vocabulary, wrong
from fuzz.targets.places import check_leaves, check_offset, depth, leaves, text_of, work
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Place
from mcp_audit_gate.sources.parse import MAX_DEPTH, parse

if TYPE_CHECKING:
    from mcp_audit_gate.sources.document import Document


def check_yaml(data: bytes) -> None:
    """YAML: the values as a second parser has them, each scalar where it is written."""
    text = text_of(data)
    try:
        documents = parse("x.yaml", data, "yaml")
    except Unreadable as error:
        check_offset(error, text)
        return
    if text is None:
        wrong("what is no text was read", data)
    check_documents(documents, text)


def check_documents(documents: list[Document], text: str) -> None:
    """The same for what was read from a YAML text."""
    for document in documents:
        if depth(document.value) > MAX_DEPTH:
            wrong("too deep", text)
        agree("the text", document.text, text)
    expected = oracle.read(text)
    if expected is None:
        return  # the two parsers differ in what is valid YAML
    if len(documents) != len(expected):
        wrong("how many documents", len(documents), len(expected), text)
    for document, wanted in zip(documents, expected):
        if not oracle.fits(document.value, wanted):
            wrong("the value", document.value, wanted, text)
    if len(documents) == 1 and not re.search(r"[&*!?%<]|---|\.\.\.", text):
        check_leaves(documents[0], read_yaml)


def read_yaml(text: str) -> Any:
    """The value of a YAML text, by the product. Raises ValueError."""
    try:
        (document,) = parse("x.yaml", text.encode(), "yaml")
    except Unreadable as error:
        raise ValueError(error.reason) from error
    return document.value


_OPENING = re.compile(r"\s*---[^\S\r\n]*(?:\r\n|\r|\n)")


def check_markdown(data: bytes) -> None:
    """Front matter: what YAML between the hyphens says, at the same places; servers in it are never passed over in silence."""
    text = text_of(data)
    try:
        documents = parse("x.md", data, "markdown")
    except Unreadable as error:
        check_offset(error, text)
        return
    if text is None:
        wrong("what is no text was read", data)
    opening = _OPENING.match(text)
    inside = None
    if opening:
        lines = re.split(r"(\r\n|\r|\n)", text[opening.end() :])
        closing = next((number for number in range(0, len(lines), 2) if re.fullmatch(r"---[^\S\r\n]*", lines[number])), None)
        inside = None if closing is None else "".join(lines[:closing])
    if opening is None or inside is None:
        agree("no front matter", documents, [])
        return
    blank = " " * (opening.end() - 1) + "\n" + inside
    try:
        expected = parse("x.yaml", blank.encode(), "yaml")
    except Unreadable:
        agree("front matter that is no YAML", documents, [])
        check_silence(inside)
        return
    agree("the values", [item.value for item in documents], [item.value for item in expected])
    for one, other in zip(documents, expected):
        for at, _ in leaves(one.value):
            agree("the places", one.span(Place(one, at)), other.span(Place(other, at)))


def check_silence(text: str) -> None:
    """Front matter that the gate passes over must not declare servers to a more tolerant reader."""
    for known in (oracle.read(text), oracle.read(text.replace("\r\n", "\n").replace("\r", "\n"))):
        for value in known or ():
            keys = value if isinstance(value, dict) else ()
            if any(isinstance(key, str) and re.fullmatch("(?i)mcp[-_]?servers", key) for key in keys):
                wrong("front matter with servers was passed over", text)


WORDS = vocabulary("""# { } [ ] " ' '' &a *a ~ null yes off 1.5 0x1f 1:30 2020-01-01 é 😀 \\u00e9 !!str !t | >- |2-""")
LINES = (
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\r\n",
    " # ",
    ", ",
    "|\n ",
    ">-\n ",
    "<<: ",
    "? ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\t",
    "a: 1\n",
    "- a: 1\n  b: 2\n",
)
FRONT = ("mcpServers:", "mcp-servers: ", "\n---\n", "---\n", "\r---\r", "\x85", "\u2028", "\f")
TARGETS = {
    "yaml": Target(check_yaml, work("yaml"), (*WORDS, *LINES)),
    "markdown": Target(check_markdown, work("markdown"), (*WORDS, *LINES, *FRONT)),
}
