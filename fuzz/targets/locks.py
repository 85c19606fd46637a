"""Canonical form and lockfile: against another implementation of RFC 8785, there and back, and every change of a byte is told."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import rfc8785

from fuzz.draw import Draw
from fuzz.target import Target, agree, vocabulary, wrong
from mcp_audit_gate.errors import LockError
from mcp_audit_gate.lock.canonical import canonical
from mcp_audit_gate.lock.lockfile import LISTS, Lock, observed, read, write
from mcp_audit_gate.lock.places import of_text
from mcp_audit_gate.model import Pin, Pinned, Surface

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "mcp-audit.lock.json"
LARGEST = 2**53 - 1


def for_oracle(value: Any) -> Any:
    """The value with whole numbers beyond the oracle's as the doubles that they are to RFC 8785."""
    if isinstance(value, dict):
        return {key: for_oracle(item) for key, item in value.items()}
    if isinstance(value, list):
        return [for_oracle(item) for item in value]
    return float(value) if isinstance(value, int) and abs(value) > LARGEST else value


def check_canonical(data: bytes) -> None:
    """The form equals the oracle's, and reads back as a value of the same form."""
    draw = Draw(data)
    value = draw.json(draw.utf8)
    form = canonical(value)
    agree("the canonical form", form.encode(), rfc8785.dumps(for_oracle(value)))
    agree("the form of what the form says", canonical(json.loads(form)), form)


def drawn_pin(draw: Draw) -> Pin:
    """A pin as observing a server makes it, its texts without half pairs (a server's message that holds one is refused)."""

    def item() -> dict[str, Any]:
        known = {"name": draw.utf8(), "uri": draw.utf8(), "uriTemplate": draw.utf8()}
        return {**draw.object(draw.utf8, 3), **known, "description": draw.utf8()}

    lists = {field: tuple(draw.many(item, 2)) for _, field, _ in LISTS}
    instructions = draw.utf8() if draw.flag() else None
    info = draw.object(draw.utf8, 2) if draw.flag() else None
    surface = Surface(instructions, server_info=info, protocol_version=draw.utf8() if draw.flag() else None, **lists)
    return observed(draw.utf8(), draw.object(draw.utf8, 2), surface, draw.utf8() if draw.flag() else None)


def told(pin: Pin) -> tuple[Any, ...]:
    """What of a pin stands in the file."""
    return pin.name, pin.launch, pin.launch_digest, pin.surface, pin.digest, pin.resolved


def check_lock(data: bytes) -> None:
    """What is written reads back whole, in any order, in lines that hide nothing; a change of one character is told."""
    draw = Draw(data)
    pins = {(pin.name, pin.launch_digest): pin for pin in draw.many(lambda: drawn_pin(draw), 3)}
    written = write(pins.values())
    agree("the bytes in another order", write(reversed(list(pins.values()))), written)
    hidden = [char for char in written.decode() if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")]
    if hidden:
        wrong("something that nobody sees", hidden)
    lock = read(PATH, written)
    if lock.faults or not all(lock.sound):
        wrong("faults in what was just written", lock.faults, written)
    agree("the pins", list(map(told, lock.pins)), [told(pins[key]) for key in sorted(pins)])
    agree("the bytes written again", write(lock.pins), written)
    for pin in lock.pins:
        check_places(pin)
    if pins:
        check_tampering(lock, written, draw)


def check_places(pin: Pin) -> None:
    """Each text of a definition stands in the file where its place says, line by line."""
    for member, field, _ in LISTS:
        for number, item in enumerate(getattr(pin.surface, field)):
            text = item["description"]
            for offset in range(0, len(text) + 1, 7):
                place = of_text(Pinned(pin, ()), (member, number, "definition", "description"), offset)
                start, end = place.document.span(place)  # type: ignore[attr-defined]
                line = text[text.rfind("\n", 0, offset) + 1 :].partition("\n")[0]
                agree("the line of a text", json.loads(place.document.text[start:end]), line)


def check_tampering(lock: Lock, written: bytes, draw: Draw) -> None:
    """Another character somewhere is no lockfile any more, or a fault, or changes nothing but what no digest covers."""
    text = written.decode()
    at = draw.number(65536) % len(text)
    edited = (text[:at] + draw.choice(("", "0", "x", '"', " ", "\\n", ",", "1.0", "\\u0000")) + text[at + 1 :]).encode()
    try:
        now = read(PATH, edited)
    except LockError:
        return
    if now.faults:
        return
    # A digest covers numbers as RFC 8785 has them, which are doubles.
    before, after = (
        json.loads(
            json.dumps([(pin.launch, pin.launch_digest, pin.surface._replace(protocol_version=None), pin.digest) for pin in each.pins]),
            parse_int=float,
        )
        for each in (lock, now)
    )
    agree("the pins of a changed file without faults", after, before)


def check_lock_bytes(data: bytes) -> None:
    """Any bytes: no lockfile, with line and column; or pins whose soundness is that of what would be written."""
    try:
        lock = read(PATH, data)
    except LockError as error:
        place = str(error).split(":")
        if place[0] != PATH or not place[1].isdigit() or not place[2].isdigit() or not error.hint:
            wrong("a refusal without place and hint", str(error), data)
        lines = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if not 1 <= int(place[1]) <= len(lines) or not 1 <= int(place[2]) <= len(lines[int(place[1]) - 1]) + 2:
            wrong("a place outside the file", str(error), data)
        return
    for pin in lock.pins:
        list(texts(pin.surface))
    if not lock.faults:
        try:
            again = read(PATH, write(lock.pins)).pins
            agree("a file without faults means what would be written", [told(pin) for pin in again], [told(pin) for pin in lock.pins])
        except UnicodeEncodeError:
            return  # half of a pair, which pin refuses


def texts(surface: Surface) -> Iterator[str]:
    """The canonical forms of all definitions."""
    yield from (canonical(item) for _, field, _ in LISTS for item in getattr(surface, field))


def work_lock_bytes(data: bytes) -> None:
    """Reads."""
    try:
        read(PATH, data)
    except LockError:
        return


RECORD = '{"digest":"","instructions":null,"launch":{},"launchDigest":"","name":"a","prompts":[],"protocolVersion":null,"resourceTemplates":[]'
RECORD += ',"resources":[],"serverInfo":null,"tools":[]}'
WORDS = vocabulary('{ } [ ] , : "" "$lines" "$$lines" {"$lines":["a","b"]} <<<<<<< ======= >>>>>>> null 1 1.0 1e400 NaN \\ud800', "\n", "\r", RECORD)
TARGETS = {
    "canonical": Target(check_canonical),
    "lock": Target(check_lock),
    "lock-bytes": Target(check_lock_bytes, work_lock_bytes, WORDS, 2000),
}
