"""Rights a launch takes beyond those of the person who starts it, and protections it switches off."""

from __future__ import annotations

import re

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Launch, Option, Rule, RuleInfo, Word
from mcp_audit_gate.rules.starts import launches, lists, words
from mcp_audit_gate.rules.wording import field, server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Entry, Pointer

_IMAGE = "ghcr.io/acme/box-mcp@sha256:5b0bcabd1ed22e9fb1310cf6c2dec7cdef19f0ad69efa1f392e94a4333501270"


def _box(*flags: str) -> tuple[str, str]:
    """An example: a container with these flags."""
    words = ", ".join(f'"{word}"' for word in (*flags, _IMAGE))
    return ".mcp.json", f'{{"mcpServers": {{"box": {{"command": "docker", "args": [{words}]}}}}}}\n'


PRIVILEGED_LAUNCH = RuleInfo(
    id="privileged-launch",
    family="launch",
    severity="high",
    title="The launch has more rights than its user, or is a container without walls",
    why="It turns any fault of the server, and any instruction slipped to the model, into control of the host. The protocol's own security "
    "guidance names sudo in a launch as a warning sign.",
    looks_at="sudo, doas, su, pkexec, runas and gsudo as the program; docker, podman and nerdctl run or create with --privileged, a far-reaching "
    "--cap-add, an unconfined --security-opt, a namespace of the host or a disk device; a mount of the runtime's socket; DOCKER_HOST on another "
    "machine.",
    fix="Drop the flag, or give the one capability that is needed.",
    references=("CWE-250", "SAFE-T1303", "CoSAI T8", "CoSAI T9"),
    example_bad=_box("run", "-i", "--rm", "--privileged"),
    example_good=_box("run", "-i", "--rm"),
)


def privileged_launch(entry: Entry) -> Iterator[Hit]:
    """Elevated programs, containers without walls, runtimes of other machines."""
    for launch in launches(entry):
        for word in launch.wrappers:
            if word.text in words("elevators"):
                yield _elevated(entry, word.text, word.at)
        if launch.program in words("elevators"):
            yield _elevated(entry, launch.program, launch.line[0].at)
        if launch.runner == "docker run":
            for at, what in _open_walls(launch):
                message = f"{server(entry)} starts a container with {visible(what, 80)} ({field(at)}), which opens the host to it."
                yield Hit(entry.place(at), message, what)
        for at, host in _remote_runtimes(launch):
            yield Hit(entry.place(at), f"{server(entry)} uses the container runtime of another machine, {visible(host, 80)} ({field(at)}).", host)


def _elevated(entry: Entry, program: str, at: Pointer) -> Hit:
    return Hit(entry.place(at), f"{server(entry)} is started with raised rights by {visible(program, 80)} ({field(at)}).", program)


def _open_walls(launch: Launch) -> Iterator[tuple[Pointer, str]]:
    """The flags that take a container's walls down, with the place of the value at fault."""
    for option in launch.options:
        what = _open_wall(option)
        if what:
            yield (option.value_at if option.value is not None else option.at), what
    # A cluster such as `-itv` hides the flag, and its value then stands where the image should.
    if launch.image is not None and _mounts_socket(launch.image.text):
        yield launch.image.at, launch.image.text


def _open_wall(option: Option) -> str:
    data = lists()["containers"]
    name, value = option.name, option.value or ""
    if name == "--privileged":
        return "" if value.lower() in ("false", "0") else name
    if name == "--cap-add":
        raised = {part.strip().upper().removeprefix("CAP_") for part in value.split(",")}
        return f"{name} {value}" if raised & set(data["capabilities"]) else ""
    if name == "--security-opt":
        low = value.lower().replace(":", "=")
        return f"{name} {value}" if low.endswith("=unconfined") or low == "label=disable" else ""
    if name in data["namespaces"]:
        return f"{name} {value}" if value == "host" else ""
    if name == "--device":
        return f"{name} {value}" if re.fullmatch(rf"/dev(?:/(?:{data['devices']})(?:/\S*)?)?/?", value.partition(":")[0]) else ""
    return f"{name} {value}" if name in ("-v", "--volume", "--mount") and _mounts_socket(value) else ""


def _mounts_socket(value: str) -> bool:
    """True when a mount's source is the socket of a container runtime."""
    low = value.lower().replace("\\", "/")
    named = re.search(r"(?:^|,)(?:source|src)=([^,]*)", low)
    source = named[1] if named else low.partition(":")[0] if not low.startswith("//") else low.split(":")[0]
    return source.rstrip("/").rpartition("/")[2] in lists()["containers"]["sockets"]


def _remote_runtimes(launch: Launch) -> Iterator[tuple[Pointer, str]]:
    """Addresses of container runtimes on other machines, in DOCKER_HOST and its kin or in -H."""
    hosts = ("DOCKER_HOST", "CONTAINER_HOST")
    found = [(variable.value, variable.at) for variable in launch.env if variable.name.upper() in hosts and variable.value]
    if launch.program in ("docker", "podman", "nerdctl"):
        found += [(option.value, option.value_at) for option in launch.options if option.name in ("-H", "--host", "--url") and option.value]
    for value, at in found:
        address = addresses.read(value) if value.lower().startswith(("tcp://", "http://", "https://")) else None
        if address and address.kind not in (addresses.LOOPBACK, addresses.REFERENCE) and _elsewhere(address):
            yield at, address.host


def _elsewhere(address: addresses.Address) -> bool:
    """False for a name of the same compose network, and for this machine as a container sees it."""
    return address.number or ("." in address.host and address.host != "host.docker.internal")


DANGEROUS_FLAG = RuleInfo(
    id="dangerous-flag",
    family="launch",
    severity="high",
    title="A flag switches off a protection of the program it is given to",
    why="The flag's own name says so: nobody is asked any more, a sandbox is gone, or a debugger listens to the network. Whoever talks to the "
    "server, or slips text to the model, then acts without a limit.",
    looks_at="Whole flags, by program: --dangerously-*, --yolo, --allow-all-tools, approval modes that never ask, Deno's -A or --allow-run "
    "without a list, a browser's --no-sandbox (not in a container) and --disable-web-security, debuggers on other than loopback, flags by which a "
    "browser runs another program.",
    fix="Drop the flag, or name exactly what is allowed.",
    references=("CWE-693", "CWE-250", "SAFE-T1111", "GHSA-wpqr-6v78-jr5g"),
    example_bad=(".mcp.json", '{"mcpServers": {"agent": {"command": "claude", "args": ["mcp", "serve", "--dangerously-skip-permissions"]}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"agent": {"command": "claude", "args": ["mcp", "serve"]}}}\n'),
)


def dangerous_flag(entry: Entry) -> Iterator[Hit]:
    """Flags of the list, matched whole, each word once."""
    seen: set[tuple[Pointer, str]] = set()
    for launch in launches(entry):
        contained = launch.runner == "docker run" or entry.client == "devcontainer"
        for word, flag, does in _flags(launch):
            if (word.at, flag) in seen or (contained and flag in lists()["flags"]["contained"]):
                continue
            seen.add((word.at, flag))
            message = f"{server(entry)} is started with {visible(flag, 80)}, which {does} ({field(word.at)})."
            yield Hit(entry.place(word.at), message, word.text if word.text.startswith("-") else flag)


def _flags(launch: Launch) -> Iterator[tuple[Word, str, str]]:
    """The words at fault, the flag, and what it does."""
    rest = launch.line[1:]
    own = _deno(launch) if launch.program == "deno" else _codex(launch) if launch.program == "codex" else ()
    yield from own
    for number, word in enumerate(rest):
        if not word.text.startswith("-"):
            continue
        following = rest[number + 1] if number + 1 < len(rest) else None
        found = _judge(word, following, launch.program)
        if found is None and "=-" in word.text:
            # `--browser-arg=--no-sandbox`: the value is a flag for the program behind.
            found = _judge(Word(word.text.partition("=")[2], word.at), None, launch.program)
        if found is not None and not (number and _denies(rest[number - 1].text)):
            yield found


def _judge(word: Word, following: Word | None, program: str) -> tuple[Word, str, str] | None:
    """What a flag does, when it is one of the list: the word at fault, the flag as messages name it, its effect."""
    name, equals, value = word.text.partition("=")
    if equals and value.lower() in ("false", "0", "no", "off"):
        return None
    data = lists()["flags"]
    low = name.lower()
    does = (
        data["any"].get(low)
        or data["own"].get(program, {}).get(low)
        or ("switches a protection off" if low.startswith(("--dangerously-", "--allow-dangerously-")) else "")
    )
    if does:
        return word, name, does
    given = Word(value, word.at) if equals else following
    if given is None:
        return None
    if low in data["values"] and given.text.lower() in data["values"][low]:
        return given, f"{name} {given.text}", data["values"][low][given.text.lower()]
    return _listens(word, name, given, bool(equals))


def _listens(word: Word, name: str, given: Word, joined: bool) -> tuple[Word, str, str] | None:
    """A debugger's flag with another address than loopback; only Chromium's takes the next word."""
    if name not in lists()["flags"]["listening"] or not (joined or name == "--remote-debugging-address"):
        return None
    host = addresses.split_port(given.text)[0] if not given.text.isdigit() else ""
    open_to = host in ("0.0.0.0", "::", "*") or addresses.host_kind(host) in (addresses.PUBLIC, addresses.INTERNAL)  # noqa: S104 - compared, not bound
    return (given if not joined else word, name, "opens a debugger to the network") if open_to else None


def _denies(flag: str) -> bool:
    """True for a flag whose value is a list of what is forbidden."""
    return flag.startswith("-") and re.search(r"block|deny|exclude|forbid|disallow", flag, re.I) is not None


def _deno(launch: Launch) -> Iterator[tuple[Word, str, str]]:
    """Deno's own permissions, before the script."""
    flags = lists()["flags"]["deno"]
    for option in launch.options:
        name = "-A" if re.fullmatch(r"-[a-zA-Z]*A[a-zA-Z]*", option.name) else option.name
        if name in flags and not (name == "--allow-run" and option.value):
            yield Word(option.name, option.at), name, flags[name]


def _codex(launch: Launch) -> Iterator[tuple[Word, str, str]]:
    """Settings that `codex -c key=value` overrides, and its short flags."""
    for flag, value in zip(launch.line, launch.line[1:]):
        key, _, text = value.text.partition("=")
        setting = f"{key.strip()}={text.strip().strip(chr(34) + chr(39))}"
        if flag.text in ("-c", "--config") and setting in ("approval_policy=never", "sandbox_mode=danger-full-access"):
            yield value, setting, "approves every action" if "never" in setting else "switches the sandbox off"
        elif (flag.text, value.text) in (("-s", "danger-full-access"), ("-a", "never")):
            yield value, f"{flag.text} {value.text}", "approves every action" if flag.text == "-a" else "switches the sandbox off"


HOST_NETWORK = RuleInfo(
    id="host-network",
    family="launch",
    severity="medium",
    title="A container shares the network of the host",
    why="The server then reaches every service that listens on this machine's loopback only: databases, development servers, other MCP servers.",
    looks_at="--network host and --net=host of docker, podman and nerdctl run or create. Other networks, none and --add-host are left alone.",
    fix="Publish the one port that is needed, or name a network.",
    references=("CWE-668", "CoSAI T8"),
    example_bad=_box("run", "-i", "--rm", "--network", "host"),
    example_good=_box("run", "-i", "--rm", "--network=none"),
)


def host_network(entry: Entry) -> Iterator[Hit]:
    """Containers in the network of the host."""
    for launch in launches(entry):
        for option in launch.options:
            if launch.runner == "docker run" and option.name in ("--network", "--net") and option.value == "host":
                message = f"{server(entry)} starts a container in the network of the host ({field(option.value_at)})."
                yield Hit(entry.place(option.value_at), message, "host")


RULES: tuple[Rule, ...] = (
    Rule(PRIVILEGED_LAUNCH, privileged_launch, alike=True),
    Rule(DANGEROUS_FLAG, dangerous_flag, alike=True),
    Rule(HOST_NETWORK, host_network, alike=True),
)
