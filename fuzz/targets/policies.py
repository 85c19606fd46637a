"""The policy: the quick reader, the library and a second parser say the same; what is accepted is what the published schema accepts."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from fuzz.oracles.yamls import Scalar, read
from fuzz.target import Target, agree, vocabulary, wrong
from fuzz.targets.places import leaves, text_of
from mcp_audit_gate.errors import PolicyError, Unreadable
from mcp_audit_gate.model import Place
from mcp_audit_gate.policy import load, plain, scalars, syntax
from mcp_audit_gate.sources.document import Node

PATH = "mcp-audit.yaml"
TODAY = date(2026, 11, 22)
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "mcp_audit_gate" / "schemas" / "policy.schema.json").read_text("utf-8"))
)


class Files:
    """A repository that holds the policy alone."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, path: str, limit: int = 0) -> bytes:
        """The policy, whatever its name."""
        if path != PATH:
            raise Unreadable("there is no such file", "name one that is there")
        return self._data

    def names(self, folder: str) -> tuple[str, ...]:
        """The policy at the root."""
        return () if folder else (PATH,)


def check_policy(data: bytes) -> None:
    """A policy as the second parser and the schema have it; or a refusal with its place in the file and, mostly, what to do."""
    text = text_of(data)
    try:
        policy = load.found(Files(data), TODAY)
    except PolicyError as error:
        check_refusal(str(error), data.decode("utf-8-sig", "replace"))
        return
    assert text is not None
    value = dict(policy.layers[-1].value)
    check_value(value, text)
    errors = [error.message for error in SCHEMA.iter_errors(value)]
    if errors:
        wrong("a policy that the schema refuses", text, errors)
    document = policy.layers[-1].document
    assert document is not None
    for at, leaf in list(leaves(value))[:8]:
        start, end = document.span(Place(document, at))
        shown = document.text[start:end]
        if not re.match(r"[\"'|>]", shown) and isinstance(leaf, str) and shown.split() != leaf.split() and "#" not in shown:
            wrong("the place of a value", at, shown, leaf)


def check_refusal(told: str, text: str) -> None:
    """`PATH:LINE:COLUMN: …` in one line, the place in the file."""
    found = re.match(rf"{re.escape(PATH)}:(\d+):(\d+): ", told)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not found or "\n" in told:
        wrong("a refusal without a place", told)
    line, column = int(found[1]), int(found[2])
    if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
        wrong("a place outside the file", told, text)


def check_value(value: Any, text: str) -> None:
    """The value is the second parser's, scalars read as in YAML 1.2."""
    documents = read(text)
    if documents is None:
        return
    (wanted,) = documents
    if not fits(value, wanted):
        wrong("the value of a policy", value, wanted, text)


def fits(value: Any, wanted: Any) -> bool:
    """True when the value is what was read; without quotes true, false, null and numbers mean themselves (YAML 1.2, 10.3)."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and value.keys() == wanted.keys() and all(fits(value[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(fits, value, wanted))
    return any(type(value) is type(meaning) and value == meaning for meaning in meanings(wanted))


def meanings(scalar: Scalar) -> tuple[Any, ...]:
    """What a scalar may mean: numbers of odd spellings also their text."""
    text = scalar.text
    if not scalar.plain:
        return (text,)
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return (text.lower() == "true",)
    if text in ("", "~", "null", "Null", "NULL"):
        return (None,)
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return (int(text),)
    return (float(text), text) if re.fullmatch(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?", text) else (text,)


def spans(node: Node) -> tuple[Any, ...]:
    """A node as plain values."""
    inner = None if node.members is None else tuple((key, start, end, spans(child)) for key, start, end, child in node.members)
    return node.start, node.end, node.value, inner


def check_plain(data: bytes) -> None:
    """The quick reader says what the library says, places included, or leaves the text to it."""
    text = text_of(data)
    node = None if text is None else plain.read(text)
    if node is None or text is None:
        return
    try:
        whole = syntax.whole(PATH, text)
    except PolicyError as error:
        wrong("the library refuses what the quick reader took", text, str(error))
    agree("the two readers", spans(node), spans(whole))


def check_scalar(data: bytes) -> None:
    """A text written as YAML is that text to two parsers, as a value, a key, and in brackets."""
    text = data.decode("utf-8", "replace")
    for flow in (False, True):
        made = scalars.scalar(text, flow)
        for source, path in ((f"[{made}, x]", (0,)), (f"{{k: {made}}}", ("k",))) if flow else ((f"k: {made}\n", ("k",)), (f"- {made}\n", (0,))):
            for loader in (yaml.SafeLoader, yaml.CSafeLoader):
                agree("a text as YAML", yaml.load(source, loader)[path[0]], text)


def work(data: bytes) -> None:
    """Loads."""
    try:
        load.found(Files(data), TODAY)
    except PolicyError:
        return


WORDS = vocabulary(
    "version: 1 fail-on: high critical max-risk: 7.5 require: {lock: true} deny: allow: {capabilities: [shell_execution]} hosts: servers: "
    "rules: exclude: waivers: reason: expires: 2027-01-31 owner: path: server: fingerprint: extends: strict off & * ! | > "
    '"x" \'x\' {} [] ~ <<: unpinned-package: "**" \\ "a\\tb"',
    ": ", "\n", "\n  ", "\n- ", "\n  - ", " # c", "\r\n", "---\n", "\t",
)  # fmt: skip
TARGETS = {
    "policy": Target(check_policy, work, WORDS, 800),
    "policy-plain": Target(check_plain, None, WORDS),
    "yaml-scalar": Target(
        check_scalar, None, vocabulary("yes no ~ null 1 1.0 0x1 - : # & * ! | > ' \" % @ ` { } [ ] , ? <<", ": ", " #", "\n", "\t", "\x85")
    ),
}
