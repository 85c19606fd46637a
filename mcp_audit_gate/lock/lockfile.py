"""The lockfile: bytes to pins with their places and what does not add up in it, and pins to bytes."""

from __future__ import annotations

import json
from json.decoder import JSONDecodeError

from mcp_audit_gate.errors import LockError, Unreadable
from mcp_audit_gate.lock.canonical import canonical, digest, digest_of_text
from mcp_audit_gate.model import Pin, Place, Surface
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import jsonc
from mcp_audit_gate.sources.clients import LOCKFILE
from mcp_audit_gate.sources.document import Document
from mcp_audit_gate.sources.parse import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn, Protocol

    from mcp_audit_gate.model import Json, Pointer

    class Files(Protocol):
        """The files of one root, by paths with `/`."""

        def read(self, path: str, limit: int = ...) -> bytes:
            """The bytes of a file. Raises Unreadable."""

        def names(self, folder: str) -> Iterable[str]:
            """What lies in a folder, "" for the root; nothing when there is none."""


VERSION = 1
MAX_BYTES = 64 * 1024 * 1024
MAX_FAULTS = 1000  # told one by one
MAX_DEPTH = 160  # a server's message may nest 128 levels; the record adds its own
# Member of a record, member of the surface, and the key its items are sorted by.
LISTS = (
    ("prompts", "prompts", "name"),
    ("resources", "resources", "uri"),
    ("resourceTemplates", "resource_templates", "uriTemplate"),
    ("tools", "tools", "name"),
)
_MEMBERS = frozenset(
    (
        "name",
        "launch",
        "launchDigest",
        "protocolVersion",
        "serverInfo",
        "instructions",
        "tools",
        "prompts",
        "resources",
        "resourceTemplates",
        "digest",
    )
)
_OPTIONAL = frozenset(("resolved",))
_AGAIN = "take the version of the trusted branch and run mcp-audit pin again"


class Fault(NamedTuple):
    """Something in the lockfile that does not add up: where, what, in whose record (None: the file), about which part of it."""

    place: Place
    message: str
    server: str | None = None
    subject: str = ""
    value: str = ""


class Lock(NamedTuple):
    """A lockfile as read. sound: for each pin, whether its record is as `pin` wrote it."""

    path: str
    document: Document
    pins: tuple[Pin, ...]
    faults: tuple[Fault, ...]
    sound: tuple[bool, ...]


def found(tree: Files, path: str = LOCKFILE) -> Lock | None:
    """The lockfile of a tree, or None when it has none. Raises LockError for one that cannot be read or is none."""
    folder, _, name = path.rpartition("/")
    try:
        if name not in tree.names(folder):
            return None
        return read(path, tree.read(path, MAX_BYTES))
    except Unreadable as error:
        raise LockError(f"{path}:1:1: the lockfile cannot be read: {error.reason}", error.hint) from error


def read(path: str, data: bytes) -> Lock:
    """The lockfile's pins, in its order. Raises LockError, with line and column, for what is no lockfile."""
    document, repeated = _document(path, data)
    value = document.value
    if not isinstance(value, dict):
        _refuse(document, 0, "not a lockfile: an object is expected")
    version = value.get("lockfileVersion")
    if version != VERSION or isinstance(version, bool):
        from mcp_audit_gate.metadata.credentials import mask

        place = Place(document, ("lockfileVersion",), key="lockfileVersion" in value)
        # Cut after it is masked: half a credential would not be known for one.
        shown = mask(json.dumps(version))[:40] if "lockfileVersion" in value else "missing"
        _refuse(
            document,
            place,
            f"lockfileVersion is {shown}, and this version reads {VERSION}",
            "use the version of mcp-audit that wrote it, or pin again",
        )
    servers = value.get("servers")
    if not isinstance(servers, list):
        _refuse(document, Place(document, ("servers",), key=True), "not a lockfile: `servers` is not a list")
    reader = _Reader(document, repeated)
    for number, record in enumerate(servers):
        reader.record(number, record)
    for key in sorted(value.keys() - {"lockfileVersion", "servers"}):
        reader.fault((key,), "the lockfile has a member that mcp-audit does not write", key=True)
    reader.order()
    return reader.result(path)


def _document(path: str, data: bytes) -> tuple[Document, bool]:
    """The text as true values, and whether a key stands twice in any object. Raises LockError."""
    try:
        text = decode(data)
    except Unreadable as error:
        raise LockError(f"{path}:1:1: not a lockfile: {error.reason}", error.hint) from error
    document = Document(path, data, text, None, lambda: jsonc.JsonIndex(text))
    try:
        jsonc.check_depth(text, MAX_DEPTH)
        hook = _Hook(_objects(text))
        document.value = json.loads(
            text,
            object_pairs_hook=hook.members,
            parse_int=jsonc.whole_number,
            parse_float=jsonc.fraction,
            parse_constant=jsonc.constant,
        )
    except JSONDecodeError as error:
        conflict = next((mark for mark in ("<<<<<<< ", "=======\n", ">>>>>>> ") if text.startswith(mark, error.pos)), None)
        what = "a merge conflict that was not resolved" if conflict else f"not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        _refuse(document, error.pos, what, "resolve it by taking one side and running mcp-audit pin" if conflict else _AGAIN)
    except Unreadable as error:
        _refuse(document, error.offset or 0, error.reason)
    except (ValueError, RecursionError) as error:
        _refuse(document, _malformed(text) if "$lines" in str(error) else jsonc.refused_number(text) or 0, str(error))
    return document, hook.repeated


def _objects(text: str) -> Callable[[list[tuple[str, Json]]], Json]:
    """What makes a value of the members of an object: `$lines` a text, where any stand in the file."""
    if '"$' not in text:
        return dict
    from mcp_audit_gate.lock.spelling import true_object

    return true_object


def _malformed(text: str) -> int:
    from mcp_audit_gate.lock.spelling import malformed_lines

    return malformed_lines(text)


class _Twice(dict[str, "Json"]):
    """An object in which a key stands twice."""


class _Hook:
    """Makes the objects of the file; one with a repeated key comes as _Twice, and `repeated` says that there is one."""

    def __init__(self, make: Callable[[list[tuple[str, Json]]], Json]) -> None:
        self._make = make
        self.repeated = False

    def members(self, pairs: list[tuple[str, Json]]) -> Json:
        """The true value of an object."""
        made = self._make(pairs)
        if isinstance(made, dict) and len(made) != len(pairs):
            self.repeated = True
            return _Twice(made)
        return made


def _refuse(document: Document, place: Place | int, what: str, hint: str = _AGAIN) -> NoReturn:
    if isinstance(place, int):
        line, column = document.lines.position(place)
    else:
        at = document.locate(place)
        line, column = at.start_line, at.start_column
    raise LockError(f"{document.path}:{line}:{column}: {what}", hint)


class _Reader:
    """Collects pins and faults, record by record."""

    def __init__(self, document: Document, repeated: bool) -> None:
        self._document = document
        self._repeated = repeated
        self._pins: list[Pin] = []
        self._faults: list[Fault] = []
        self._count = 0
        self._sound: list[bool] = []

    def fault(self, pointer: Pointer, message: str, server: str | None = None, subject: str = "", key: bool = False, value: str = "") -> None:
        """Notes what does not add up."""
        self._count += 1
        if self._count <= MAX_FAULTS:
            self._faults.append(Fault(Place(self._document, pointer, key=key), message, server, subject, value))

    def record(self, number: int, record: Json) -> None:
        """Reads one pin; a record that cannot be one is a fault, and no pin."""
        at: Pointer = ("servers", number)
        if not isinstance(record, dict) or not isinstance(record.get("name"), str) or not isinstance(record.get("launch"), dict):
            self.fault(at, "a record without a name or a launch")
            return
        before = self._count
        name = str(record["name"])
        for key in sorted(record.keys() - _MEMBERS - _OPTIONAL):
            self.fault((*at, key), "the record has a member that mcp-audit does not write", name, key=True, value=key)
        for key in sorted(_MEMBERS - record.keys()):
            self.fault(at, f"the record has no `{key}`", name, value=key)
        pin = self._pin(at, name, record)
        if self._repeated and _has_repeated(record):
            self.fault(at, "a key stands twice in the record, and readers differ in which one they take", name)
        self._pins.append(pin)
        self._sound.append(self._count == before)

    def _pin(self, at: Pointer, name: str, record: dict[str, Json]) -> Pin:
        texts: dict[str, str] = {}
        lists: dict[str, tuple[dict[str, Json], ...]] = {}
        for member, field, key in LISTS:
            items, texts[member] = self._items(at, name, member, key, record.get(member))
            lists[field] = items
        instructions, info, protocol = (record.get(key) for key in ("instructions", "serverInfo", "protocolVersion"))
        for key, wrong in (
            ("instructions", not isinstance(instructions, (str, type(None)))),
            ("serverInfo", not isinstance(info, (dict, type(None)))),
            ("protocolVersion", not isinstance(protocol, (str, type(None)))),
        ):
            if wrong:
                self.fault((*at, key), f"`{key}` is of the wrong type", name)
        surface = Surface(
            instructions if isinstance(instructions, str) else None,
            server_info=info if isinstance(info, dict) else None,
            protocol_version=protocol if isinstance(protocol, str) else None,
            **lists,
        )
        whole = digest_of_text(_whole(texts, canonical(instructions), canonical(info)))
        if record.get("digest") != whole:
            self.fault((*at, "digest"), "the record's digest is not that of its content", name, value=whole)
        launch = record["launch"]
        assert isinstance(launch, dict)
        launched = digest(launch)
        if record.get("launchDigest") != launched:
            self.fault((*at, "launchDigest"), "launchDigest is not that of the launch", name, value=launched)
        resolved = record.get("resolved")
        return Pin(name, launch, launched, surface, whole, resolved if isinstance(resolved, str) else None, self._document, at)

    def _items(self, at: Pointer, name: str, member: str, key: str, items: Json) -> tuple[tuple[dict[str, Json], ...], str]:
        """The definitions of one list, and the canonical form of the list."""
        if not isinstance(items, list):
            self.fault((*at, member), f"`{member}` is not a list", name)
            return (), "[]"
        found: list[dict[str, Json]] = []
        texts: list[str] = []
        last = ("", "")
        for number, item in enumerate(items):
            definition = item.get("definition") if isinstance(item, dict) else None
            if not isinstance(item, dict) or not isinstance(definition, dict):
                self.fault((*at, member, number), "an item without a definition", name)
                continue
            text = canonical(definition)
            order = (str(definition.get(key)), text)
            if digest_of_text(text) != item.get("digest"):
                self.fault(
                    (*at, member, number, "definition"), "the digest is not that of this definition", name, subject(member, definition), True, text
                )
            if item.keys() != {"definition", "digest"}:
                self.fault((*at, member, number), "the item has members that mcp-audit does not write", name, subject(member, definition))
            if order <= last:
                self.fault((*at, member, number), "the item stands twice or out of order", name, subject(member, definition))
            last = order
            found.append(definition)
            texts.append(text)
        return tuple(found), f"[{','.join(texts)}]"

    def order(self) -> None:
        """Notes records that stand twice or out of order."""
        for number, (before, pin) in enumerate(zip(self._pins, self._pins[1:]), 1):
            if (pin.name, pin.launch_digest) <= (before.name, before.launch_digest):
                self._sound[number] = False
                self.fault((*pin.pointer, "name"), "the record stands twice or out of order", pin.name)

    def result(self, path: str) -> Lock:
        """What was collected."""
        more = self._count - MAX_FAULTS
        if more > 0:
            at = Place(self._document, ("servers",), key=True)
            self._faults.append(Fault(at, f"beside the {MAX_FAULTS:,} things that are told, {more:,} more do not add up", value=str(more)))
        return Lock(path, self._document, tuple(self._pins), tuple(self._faults), tuple(self._sound))


def _has_repeated(value: Json) -> bool:
    pending: list[Json] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, _Twice):
            return True
        if isinstance(item, dict):
            pending += [inner for inner in item.values() if isinstance(inner, (dict, list))]
        elif isinstance(item, list):
            pending += [inner for inner in item if isinstance(inner, (dict, list))]
    return False


def subject(member: str, definition: dict[str, Json]) -> str:
    """`tool:NAME`, `prompt:NAME`, `resource:URI` or `template:URI` of a definition in one of a record's lists."""
    kind = {"tools": "tool", "prompts": "prompt", "resources": "resource", "resourceTemplates": "template"}[member]
    return f"{kind}:{definition.get(next(key for name, _, key in LISTS if name == member))}"


def _whole(texts: dict[str, str], instructions: str, info: str) -> str:
    """The canonical form of what a pin's digest covers."""
    members = {**texts, "instructions": instructions, "serverInfo": info}
    return f"{{{','.join(f'{canonical(key)}:{members[key]}' for key in sorted(members))}}}"


def in_order(surface: Surface) -> Surface:
    """The surface with each list as the lockfile has it: by name or URI, items that are equal in everything once."""
    kept = {field: _sorted(getattr(surface, field), key) for _, field, key in LISTS}
    return Surface(surface.instructions, **kept, server_info=surface.server_info, protocol_version=surface.protocol_version)


def _sorted(items: tuple[dict[str, Json], ...], key: str) -> tuple[dict[str, Json], ...]:
    keyed = {(str(item.get(key)), canonical(item)): item for item in items}
    return tuple(keyed[order] for order in sorted(keyed))


def surface_digest(surface: Surface) -> str:
    """The digest of a surface that is in order."""
    texts = {member: f"[{','.join(map(canonical, getattr(surface, field)))}]" for member, field, _ in LISTS}
    return digest_of_text(_whole(texts, canonical(surface.instructions), canonical(surface.server_info)))


def observed(name: str, launch: dict[str, Json], surface: Surface, resolved: str | None = None) -> Pin:
    """A pin of what a server just declared."""
    ordered = in_order(surface)
    return Pin(name, launch, digest(launch), ordered, surface_digest(ordered), resolved)


def write(pins: Iterable[Pin]) -> bytes:
    """The lockfile with these pins: the same bytes for the same pins, in whatever order they come."""
    from mcp_audit_gate.lock.spelling import render, written

    ordered = sorted(pins, key=lambda pin: (pin.name, pin.launch_digest))
    members: dict[str, Json] = {"lockfileVersion": VERSION, "servers": [written(_record(pin)) for pin in ordered]}
    return render(members).encode("utf-8")


def _record(pin: Pin) -> dict[str, Json]:
    surface = pin.surface
    record: dict[str, Json] = {
        "name": pin.name,
        "launch": dict(pin.launch),
        "launchDigest": pin.launch_digest,
        "protocolVersion": surface.protocol_version,
        "serverInfo": surface.server_info,
        "instructions": surface.instructions,
        "digest": pin.digest,
    }
    for member, field, _ in LISTS:
        record[member] = [{"definition": item, "digest": digest(item)} for item in getattr(surface, field)]
    if pin.resolved is not None:
        record["resolved"] = pin.resolved
    return record
