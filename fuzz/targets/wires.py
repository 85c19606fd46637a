"""What servers and git send: messages, event streams, listings; against second readers, in whatever chunks it comes."""

from __future__ import annotations

import json
import os
from typing import Any

from fuzz.draw import Draw
from fuzz.oracles import jsonc
from fuzz.oracles.tree import Node
from fuzz.target import Target, agree, vocabulary, wrong
from mcp_audit_gate.live.events import EventReader, TooLong
from mcp_audit_gate.live.strict import NESTING, Repeated, Unfit, read
from mcp_audit_gate.sources.git import Git, Object

LIMIT = 40


def repeats(node: Node, at: tuple[str | int, ...] = ()) -> list[Repeated]:
    """Every repeated key below a value, in the objects that stay when the last of equal keys counts."""
    if isinstance(node.value, list):
        return [one for number, _, _, inner in node.members for one in repeats(inner, (*at, number))]
    values: dict[str, list[Node]] = {}
    for key, _, _, inner in node.members:
        values.setdefault(str(key), []).append(inner)
    found = [Repeated(at, key, tuple(each.value for each in many)) for key, many in values.items() if len(many) > 1]
    return [*found, *(one for key, many in values.items() for one in repeats(many[-1], (*at, key)))]


def check_message(data: bytes) -> None:
    """A message is what a strict reader says, repeated keys named with their places; else it is refused with a reason."""
    try:
        text = data.decode("utf-8")
        expected = jsonc.read(text, NESTING)
        json.loads(text)  # comments are none of a message's
    except (UnicodeDecodeError, jsonc.NotJson, ValueError, RecursionError):
        expected = None
    try:
        message = read(data)
    except Unfit as error:
        if not error.reason or "\n" in error.reason:
            wrong("a refusal", error.reason)
        # The oracle lets numbers of up to 1 000 characters pass, the product up to 4 300; half pairs only the oracle.
        if expected is not None and b"\\u" not in data:
            wrong("a good message was refused", data, error.reason)
        return
    if expected is None:
        wrong("what is no message was taken", data, message.value)
    agree("the value", message.value, expected.value)
    wanted = sorted(repeats(expected), key=lambda one: ([str(step) for step in one.at], one.key))
    agree("the repeated keys", message.repeated, tuple(wanted))


def events(data: bytes) -> list[tuple[str, bytes]]:
    """The events of a whole stream (WHATWG HTML, 9.2.6), those without data left out."""
    found = []
    name, lines = b"", list[bytes]()
    for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]:
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if not line:
            if any(lines) or len(lines) > 1:
                found.append((name.decode("utf-8", "replace") or "message", b"\n".join(lines)))
            name, lines = b"", []
        elif field == b"data":
            lines.append(value)
        elif field == b"event":
            name = value
    return found


def check_events(data: bytes) -> None:
    """The events are the same in whatever chunks they come, and nothing above the cap is kept."""
    draw = Draw(data)
    cuts = [draw.number(32) for _ in range(8)]
    stream = data[8:]
    wanted = events(stream)
    reader, got = EventReader(LIMIT), []
    at = number = 0
    try:
        while at < len(stream):
            got += reader.feed(b"")
            size = 1 + cuts[number % 8]
            got += reader.feed(stream[at : at + size])
            at, number = at + size, number + 1
            held = sum(map(len, reader._data)) + len(reader._data) + sum(map(len, reader._rest))
            if held > LIMIT + 64:
                wrong("more is kept than the cap allows", held)
    except TooLong:
        agree("the events before the cap", [tuple(event) for event in got], wanted[: len(got)])
        if len(stream) <= LIMIT:
            wrong("a cap without cause", stream)
        return
    agree("the events", [tuple(event) for event in got], wanted)


def work_events(data: bytes) -> None:
    """Feeds the stream in small chunks."""
    reader = EventReader(1 << 24)
    for at in range(0, len(data), 16):
        reader.feed(data[at : at + 16])


class Replayed(Git):
    """A git that answers with what it was made with."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers
        self._what_for = "--staged"

    def _need(self, command: str, *arguments: str, given: str = "") -> bytes:
        return self._answers[command]


KINDS = {"100644": "file", "100755": "file", "120000": "link", "160000": "submodule"}


def check_git(data: bytes) -> None:
    """Listings and contents as git writes them come back as they were, whatever stands in names and files."""
    draw = Draw(data)
    rows = [
        (draw.choice(tuple(KINDS)), f"{number:040x}", (draw.take(1 + draw.number(9)).replace(b"\0", b"/") or b"x"), draw.take(draw.number(40)))
        for number in range(draw.number(5))
    ]
    tree = b"".join(f"{mode} blob {name}\t".encode() + path + b"\0" for mode, name, path, _ in rows)
    index = b"".join(f"{mode} {name} 0\t".encode() + path + b"\0" for mode, name, path, _ in rows)
    batch = b"".join(f"{name} blob {len(content)}\n".encode() + content + b"\n" for _, name, _, content in rows)
    git = Replayed({"ls-tree": tree, "ls-files": index, "cat-file": batch})
    wanted: list[Any] = [Object(os.fsdecode(path), KINDS[mode], name) for mode, name, path, _ in rows]
    agree("the files of a commit", list(git.files("x")), wanted)
    agree("the files of the index", list(git.staged()), wanted)
    agree("the contents", git.contents(name for _, name, _, _ in rows), {name: content for _, name, _, content in rows})
    git = Replayed({"cat-file": b"".join(f"{name} blob {len(content)}\n".encode() for _, name, _, content in rows)})
    agree("the sizes", git.sizes(name for _, name, _, _ in rows), {name: len(content) for _, name, _, content in rows})


def work_message(data: bytes) -> None:
    """Reads."""
    try:
        read(data)
    except Unfit:
        return


MESSAGE = vocabulary('{ } [ ] , : "" {"jsonrpc":"2.0","id":1,"result":{}} {"a":1,"a":2} 1e400 NaN null \\ud800 \\u0000 1.5 -0', "\n", " ", "\ufeff")
EVENTS = vocabulary("data: event: id: retry: : data event", "\n", "\r", "\r\n", "\n\n", "data: x\n\n", "event: y\n", "\ufeff", "data:\n")
TARGETS = {
    "message": Target(check_message, work_message, MESSAGE),
    "events": Target(check_events, work_events, EVENTS, 1000),
    "git": Target(check_git),
}
