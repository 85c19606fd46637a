"""One server's object, in any client's spelling, to the fields of a launch and what is wrong with them."""

from __future__ import annotations

import functools

from mcp_audit_gate.model import Launch, Variable, Word
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import specs
from mcp_audit_gate.sources.launch import Fields, command_string, understand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Json, Pointer

PROGRAMS = ("command", "cmd")
ADDRESSES = ("url", "serverUrl", "httpUrl", "uri", "tcp", "server_url", "baseUrl", "endpoint")
KINDS = ("type", "transport", "transportType", "transport_type")
_TRANSPORTS = {
    "stdio": "stdio", "local": "stdio", "http": "http", "https": "http", "streamable-http": "http", "streamablehttp": "http",
    "streamable_http": "http", "remote": "http", "sse": "sse", "ws": "ws", "websocket": "ws",
}  # fmt: skip
_REGISTRY_RUNNERS = {"npm": ("npx", "@"), "pypi": ("uvx", "=="), "nuget": ("dnx", "@"), "oci": ("docker", ":")}


class Fault(NamedTuple):
    """A part of an entry that cannot be understood, and where below the entry it stands."""

    at: Pointer
    reason: str
    hint: str


class Understood(NamedTuple):
    """The launches of an entry and what could not be understood of it."""

    launches: tuple[Launch, ...]
    faults: tuple[Fault, ...]


def could_start(value: dict[str, Json]) -> bool:
    """True for an object that names a program or an address."""
    if any(value.get(key) not in (None, "", [], {}) for key in (*PROGRAMS, *ADDRESSES, "image")):
        return True
    inner = value.get("transport")
    server = value.get("server")
    return (
        (isinstance(inner, dict) and could_start(inner))
        or (isinstance(server, str) and "://" in server)
        or "registryType" in value
        or "registry_type" in value
        or (value.get("type") == "inline_python" and isinstance(value.get("code"), str))
    )


_SWITCHES = frozenset((
    "enabled", "disabled", "alwaysAllow", "autoApprove", "disabledTools", "enabledTools", "tools", "timeout", "name", "type", "description", "trust",
))  # fmt: skip


def needs_no_program(value: dict[str, Json], disabled: bool, client: str = "") -> bool:
    """True for entries that by their client's format start nothing themselves: bare switches, extension servers, empty disabled ones.

    disabled: switched off in a way that the client honours.
    """
    keys = set(value) - {"$typeName"}
    if disabled or (keys <= _SWITCHES and keys & {"enabled", "disabled"}):
        return True
    if client == "zed":
        return "settings" in value or value.get("source") == "extension"
    return client == "goose" and value.get("type") in ("builtin", "platform", "frontend", "inline_python")


class _Value:
    """An entry's object as the key of a cache; two are equal when they read the same, members in the same order."""

    __slots__ = ("text", "value")

    def __init__(self, value: dict[str, Json]) -> None:
        self.value = value
        self.text = repr(value)

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Value) and other.text == self.text


def understand_entry(value: dict[str, Json], expands: bool) -> Understood:
    """The launches of one entry: its own first, then its helpers, and `$(…)` where the client runs it on loading."""
    return _understood(_Value(value), expands)


@functools.lru_cache(maxsize=1024)
def _understood(entry: _Value, expands: bool) -> Understood:
    """Cached, as many configs of a large repository hold the same entry."""
    value = entry.value
    reader = _Reader(value)
    launches = [_hashed(launch, value) for fields in reader.fields() for launch in understand(fields)]
    for key in ("headersHelper", "headers_helper"):
        helper = value.get(key)
        if isinstance(helper, str) and helper.strip():
            launches.append(command_string(Word(helper, (key,))))
    if expands:
        launches += [command_string(Word(inner, at)) for at, text in strings(value) if "$(" in text or "`" in text for inner in _substituted(text)]
    return Understood(tuple(launches), tuple(reader.faults))


def _substituted(text: str) -> Iterator[str]:
    """The commands that a shell puts into a text."""
    from mcp_audit_gate.sources import shell

    return (inner for token in shell.split(text) for inner in token.inner)


def _hashed(launch: Launch, value: dict[str, Json]) -> Launch:
    """The launch, its bundle pinned where the entry (server.json) comes with the hash of the file."""
    bundled = launch.package is not None and launch.package.ecosystem == "mcpb" and launch.package.at == ("identifier",)
    if not bundled or not isinstance(value.get("fileSha256"), str):
        return launch
    return launch._replace(packages=tuple(package._replace(pin="exact") for package in launch.packages))


def strings(value: Json, at: Pointer = ()) -> Iterator[tuple[Pointer, str]]:
    """Every string below a value, with its pointer."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from strings(item, (*at, number))


def bundle(url: str, at: Pointer) -> Launch:
    """The launch of a server that a manifest names by the address of its bundle."""
    return Launch("stdio", packages=(specs.bundle(url, at),))


class _Reader:
    """Collects the fields of one entry; what it cannot read goes to `faults`."""

    def __init__(self, value: dict[str, Json]) -> None:
        self.faults: list[Fault] = []
        self._layers: list[tuple[Pointer, dict[str, Json]]] = [((), value)]
        for key in ("transport", "remote"):
            inner = value.get(key)
            if isinstance(inner, dict):
                self._layers.insert(0, ((key,), inner))

    def fields(self) -> tuple[Fields, ...]:
        """Command line, addresses, variables and transport; then the further command lines that another client would take from the entry."""
        lines = list(self._lines())
        words = lines[0] if lines else ()
        urls = tuple(self._urls())
        env, cwd = tuple(self._variables()), self._cwd()
        main = Fields(words, urls, env, tuple(self._headers()), cwd, self._transport(words, urls))
        return (main, *(Fields(line, (), env, (), cwd, "stdio") for line in lines[1:]))

    def _lines(self) -> Iterator[tuple[Word, ...]]:
        """Every command line of the entry, the one of its own `command` first."""
        found = False
        for base, value in reversed(self._layers):
            # First, as a client that reads a program does not know the members of the registry.
            for key in PROGRAMS:
                if value.get(key) not in (None, ""):
                    found = True
                    yield self._command(value[key], (*base, key), value, base)
            registry = value.get("registryType") or value.get("registry_type")
            if isinstance(registry, str) and not found:
                found = True
                yield self._registry(registry.lower(), value, base)
            if not base and value.get("type") == "inline_python" and isinstance(value.get("code"), str):
                found = True
                yield (Word("python", ("type",)), Word("-c", ("type",)), Word(str(value["code"]), ("code",)))
        image = self._layers[-1][1].get("image")
        if isinstance(image, str) and image and not found:
            yield self._image(image)

    def _image(self, image: str) -> tuple[Word, ...]:
        """The command line of a server of Docker's registry: its folders of the machine, its image, what the image is started with."""
        run = self._layers[-1][1].get("run")
        options = run if isinstance(run, dict) else {}
        at = ("image",)
        mounts = [word for volume in self._list(options.get("volumes"), ("run", "volumes")) for word in (volume._replace(text="-v"), volume)]
        return (Word("docker", at), Word("run", at), *mounts, Word(image, at), *self._list(options.get("command"), ("run", "command")))

    def _command(self, command: Json, at: Pointer, value: dict[str, Json], base: Pointer) -> tuple[Word, ...]:
        if isinstance(command, str):
            return (Word(command, at), *self._list(value.get("args"), (*base, "args")))
        if isinstance(command, list):
            return (*self._list(command, at), *self._list(value.get("args"), (*base, "args")))
        if isinstance(command, dict) and isinstance(command.get("path"), str):
            return (Word(str(command["path"]), (*at, "path")), *self._list(command.get("args"), (*at, "args")))
        self.faults.append(Fault(at, "the command is neither text nor a list of texts", 'write "command": "program", "args": ["…"]'))
        return ()

    def _list(self, value: Json, at: Pointer) -> list[Word]:
        """A list of texts as words; numbers and booleans as clients would spell them."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.faults.append(Fault(at, "the arguments are not a list", 'write them as a list of texts, ["-y", "package@1.2.3"]'))
            return []
        words = []
        for number, item in enumerate(value):
            if isinstance(item, (dict, list)) or item is None:
                self.faults.append(Fault((*at, number), "an argument is not text", "write every argument as text"))
            else:
                words.append(Word(_text(item), (*at, number)))
        return words

    def _registry(self, registry: str, value: dict[str, Json], base: Pointer) -> tuple[Word, ...]:
        """A package of the MCP registry's server.json, as the runner that its kind implies."""
        runner, between = _REGISTRY_RUNNERS.get(registry, ("", "@"))
        identifier, version = value.get("identifier") or value.get("name"), value.get("version")
        if not isinstance(identifier, str):
            self.faults.append(Fault(base, "a package without an identifier", "name the package"))
            return ()
        at = (*base, "identifier" if "identifier" in value else "name")
        if not runner:
            return (Word(identifier, at),)
        pinned = isinstance(version, str) and version and (registry != "oci" or ":" not in identifier.rpartition("/")[2])
        package = Word(f"{identifier}{between}{version}" if pinned else identifier, at)
        before, behind = (self._registry_arguments(value, base, kind) for kind in ("runtime", "package"))
        runs = runner == "docker" and not (before and before[0].text == "run")
        return (Word(runner, at), *((Word("run", at),) if runs else ()), *before, package, *behind)

    def _registry_arguments(self, value: dict[str, Json], base: Pointer, kind: str) -> list[Word]:
        """The arguments that a package of the registry gives to its runner or to its program: flags with their values, and texts by their place."""
        words: list[Word] = []
        for key in (f"{kind}Arguments", f"{kind}_arguments"):
            items = value.get(key)
            for number, item in enumerate(items) if isinstance(items, list) else ():
                if isinstance(item, dict):
                    parts = ("name", "value") if item.get("type") == "named" else ("value",)
                    words += [Word(_text(text), (*base, key, number, part)) for part in parts if isinstance(text := item.get(part), str) and text]
        return words

    def _urls(self) -> Iterator[Word]:
        for base, value in self._layers:
            for key in (*ADDRESSES, "server"):
                text = value.get(key)
                if isinstance(text, str) and text and (key != "server" or "://" in text):
                    yield Word(text, (*base, key))
                elif text not in (None, "") and key not in ("server", "endpoint"):
                    self.faults.append(Fault((*base, key), "the address is not text", 'write "url": "https://…"'))

    def _variables(self) -> Iterator[Variable]:
        for base, value in self._layers:
            for key in ("env", "envs", "environment", "environmentVariables", "environment_variables"):
                yield from self._pairs(value.get(key), (*base, key))
            for key in PROGRAMS:
                command = value.get(key)
                if isinstance(command, dict):
                    yield from self._pairs(command.get("env"), (*base, key, "env"))

    def _headers(self) -> Iterator[Variable]:
        for base, value in self._layers:
            for key in ("headers", "http_headers", "oauth_headers"):
                yield from self._pairs(value.get(key), (*base, key))
            options = value.get("requestOptions")
            if isinstance(options, dict):
                yield from self._pairs(options.get("headers"), (*base, "requestOptions", "headers"))

    def _pairs(self, value: Json, at: Pointer) -> Iterator[Variable]:
        """A map of names to texts, a list of `NAME=text`, or a list of objects with name and value."""
        if isinstance(value, dict):
            for name, item in value.items():
                yield Variable(name, None if isinstance(item, (dict, list)) or item is None else _text(item), (*at, name))
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, str):
                    name, equals, text = item.partition("=")
                    yield Variable(name, text if equals else None, (*at, number))
                elif isinstance(item, dict) and isinstance(item.get("name"), str):
                    given = item.get("value")
                    yield Variable(
                        str(item["name"]), given if isinstance(given, str) else None, (*at, number, "value" if "value" in item else "name")
                    )
                else:
                    self.faults.append(Fault((*at, number), "neither NAME=value nor an object with a name", "write a map of names to texts"))
        elif value not in (None, ""):
            self.faults.append(Fault(at, "neither a map nor a list", "write a map of names to texts"))

    def _cwd(self) -> Word | None:
        for base, value in self._layers:
            for key in ("cwd", "working_directory", "workingDirectory"):
                text = value.get(key)
                if isinstance(text, str) and text:
                    return Word(text, (*base, key))
        return None

    def _transport(self, words: tuple[Word, ...], urls: tuple[Word, ...]) -> str:
        for _, value in self._layers:
            for key in KINDS:
                text = value.get(key)
                if isinstance(text, str) and text.lower() in _TRANSPORTS:
                    return _TRANSPORTS[text.lower()]
        if words:
            return "stdio"
        if urls:
            return "ws" if urls[0].text.lower().startswith(("ws://", "wss://")) else "http"
        return ""


def _text(value: str | int | float | bool) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
