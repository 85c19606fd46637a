"""How a local server listens: on which interfaces, and whether it asks who is there. Entries in, hits out; part of family transport."""

from __future__ import annotations

from mcp_audit_gate.metadata import addresses, switches
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.sources import flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Entry, Launch, Pointer

NAME_LIMIT = 80


def title(entry: Entry) -> str:
    """How messages call an entry: `Server "name"`, or the setting whose command it is."""
    if entry.kind == "server":
        return f'Server "{visible(entry.name, NAME_LIMIT)}"'
    return f"The command of {visible('.'.join(str(step) for step in entry.pointer), NAME_LIMIT)}"


WILDCARD_BIND = RuleInfo(
    id="wildcard-bind",
    family="transport",
    severity="medium",
    title="A local server listens on all network interfaces",
    why="Everyone on the same network, and every container on the machine, can then reach the server, and most MCP servers ask nobody who they are.",
    looks_at="Flags and variables that say where to listen (`--host`, `HOST`, `FASTMCP_HOST`, …), published ports of containers, and servers whose "
    "HTTP mode is known to listen everywhere. What listens inside a container without a published port is left out, and so are servers on stdio.",
    fix="Listen on 127.0.0.1 (`--host 127.0.0.1`, `-p 127.0.0.1:3000:3000`).",
    references=("CWE-668", "CWE-1188", "CoSAI T8", "CVE-2026-49257", "CVE-2026-48989", "CVE-2026-45805"),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "--http", "--host", "0.0.0.0", "--port", "3000"]}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "--http", "--host", "127.0.0.1", "--port", "3000"]}}}\n',
    ),
)


def wildcard_bind(entry: Entry) -> Iterator[Hit]:
    """Addresses to listen at, published ports and open servers that mean every interface."""
    for launch in entry.launches:
        for at, text in _wide(launch, entry.value.get("type") in ("stdio", "local")):
            message = f"{title(entry)} listens on every network interface ({visible(text, NAME_LIMIT)})."
            yield Hit(entry.place(at), message, text)


# One of these stands in every spelling of "everywhere", and in every server of the shipped list.
_WIDE_MARKS = ("0.0.0.0", "::", "*", "+", "\n:", "=:", "-:", "\n0\n", "=0\n", "server-everything", "supergateway")  # noqa: S104 - compared, not bound


def _wide(launch: Launch, declared_stdio: bool) -> Iterator[tuple[Pointer, str]]:
    """Where a launch says that it listens everywhere, and in which words."""
    if launch.runner == "docker run":
        yield from _published(launch)
        if not _shares_network(launch):
            return
    text = flags.blob(launch) if launch.words else ""
    if not any(mark in text for mark in _WIDE_MARKS) or _speaks_stdio(launch, declared_stdio):
        return
    table = switches.table("bind")
    for flag in flags.flags(launch):
        if flag.value and flag.name.lower() in table["flags"] and flag.name not in ("-H", "-h") and switches.everywhere(flag.value):
            yield flag.value_at, flag.name
    for variable in flags.variables(launch):
        name = variable.name.lower()
        if variable.value and (name in table["variables"] or name.endswith(table["endings"])) and switches.everywhere(variable.value):
            yield variable.at, variable.name
    yield from _open_mode(launch)


def _published(launch: Launch) -> Iterator[tuple[Pointer, str]]:
    """Ports of a container that are published without the address of one interface."""
    for option in launch.options:
        if option.name in ("-P", "--publish-all") and option.value in (None, "true"):
            yield option.at, option.name
        elif option.name in ("-p", "--publish") and option.value and _wide_port(option.value):
            yield option.value_at, f"{option.name} {option.value}"


def _wide_port(text: str) -> bool:
    """True for `3000:3000`, `3000`, `0.0.0.0:3000:3000`, `[::]:3000:3000`; False for a certain interface or a reference."""
    filled = addresses.fill(text)
    if filled.startswith("["):
        return filled.partition("]")[0] == "[::"
    host, _, rest = filled.partition(":") if filled.count(":") >= 2 else ("", "", filled)
    if addresses.HOLE in host:
        return False
    ports = rest.replace(":", "").replace("-", "").replace(addresses.HOLE, "0").partition("/")[0]
    return host in ("", "0.0.0.0", "*") and ports.isdigit() and rest != addresses.HOLE  # noqa: S104 - compared, not bound


def _shares_network(launch: Launch) -> bool:
    return any(option.name in ("--network", "--net") and option.value == "host" for option in launch.options)


def _open_mode(launch: Launch) -> Iterator[tuple[Pointer, str]]:
    """Servers of the shipped list, started in the mode that listens everywhere."""
    package = launch.package
    modes = switches.table("bind")["open"].get(f"{package.ecosystem}:{package.name}", ()) if package else ()
    found = next((word for word in launch.arguments if word.text.lower() in modes), None)
    if found and package:
        yield found.at, f"{package.name} {found.text}"


def _speaks_stdio(launch: Launch, declared: bool) -> bool:
    """True when the server is told to speak on stdio, or the entry says so and nothing tells of a port."""
    modes = list(_modes(launch))
    return "stdio" in modes or (declared and not _has_port(launch))


def _modes(launch: Launch) -> Iterator[str]:
    """The transports a launch names, in lower case."""
    table = switches.table("port")
    for flag in flags.flags(launch):
        if flag.value and flag.name.lower() in table["transport_flags"]:
            yield flag.value.lower()
    for variable in flags.variables(launch):
        if variable.value and variable.name.lower() in table["transport_variables"]:
            yield variable.value.lower()
    before = ""
    for word in launch.arguments:
        if before[:1] != "-" and (word.text.lower() in table["listening"] or word.text == "stdio"):
            yield word.text.lower()
        before = word.text
    if launch.program != "supergateway" and not (launch.package and launch.package.name == "supergateway"):
        yield from ("stdio" for word in launch.arguments if word.text == "--stdio")


def opens_port(launch: Launch) -> bool:
    """True when something in the launch says that the server listens at a port that others can reach."""
    if launch.runner == "docker run" and not _shares_network(launch):
        return any(option.name in ("-p", "--publish", "-P", "--publish-all") for option in launch.options)
    hosts = switches.table("bind")["flags"]
    own = any(flag.value and flag.name.lower() in hosts and _own_address(flag.value) for flag in flags.flags(launch))
    return own or _has_port(launch)


def _has_port(launch: Launch) -> bool:
    """True when a port, or a transport that needs one, is named, or the server always opens one."""
    table = switches.table("port")
    package = f"{launch.package.ecosystem}:{launch.package.name}" if launch.package else ""
    return (
        package in table["packages"]
        or any(flag.name.lower() in table["flags"] for flag in flags.flags(launch))
        or any(variable.value and variable.name.lower() in table["variables"] for variable in flags.variables(launch))
        or any(mode in table["listening"] for mode in _modes(launch))
    )


def _own_address(value: str) -> bool:
    """True for an address that only a server can mean: every interface, or loopback."""
    return switches.everywhere(value) or addresses.host_kind(value) == addresses.LOOPBACK


AUTH_DISABLED = RuleInfo(
    id="auth-disabled",
    family="transport",
    severity="high",
    title="Authentication or the origin check of a local HTTP server is off",
    why="Any web page the user opens, and anyone on the network, can then drive the server with the user's rights.",
    looks_at="Flags and variables that switch authentication or the check of a browser's origin off, in entries that open a port, and those of "
    "MCP Inspector anywhere. A variable that names another service (`REDIS_AUTH_ENABLED`) is left out, and so are servers on stdio.",
    fix="Remove it.",
    references=("CWE-306", "CWE-942", "OWASP MCP07", "SAFE-T1005", "CVE-2025-49596", "CVE-2026-33010"),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "--port", "3000", "--no-auth"]}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "--port", "3000"]}}}\n',
    ),
)


# One of these stands in the name of every switch.
_AUTH_MARKS = ("auth", "origin", "cors", "rebinding", "anonymous", "host_check", "host-check", "_hosts", "-hosts")


def auth_disabled(entry: Entry) -> Iterator[Hit]:
    """Switches for authentication and origin checks of servers that can be reached over HTTP."""
    for launch in entry.launches:
        text = flags.blob(launch)
        found = list(_without_auth(launch)) if any(mark in text for mark in _AUTH_MARKS) else []
        reached = bool(found) and opens_port(launch) and "stdio" not in _modes(launch)
        for at, name, always in found:
            if always or reached:
                fact = "takes requests from any web page" if _about_origin(name) else "does not ask who is there"
                yield Hit(entry.place(at), f"{title(entry)} {fact} ({visible(name, NAME_LIMIT)}).", name)


def _about_origin(name: str) -> bool:
    lower = name.lower()
    return any(word in lower for word in ("origin", "cors", "host", "rebinding"))


def _without_auth(launch: Launch) -> Iterator[tuple[Pointer, str, bool]]:
    """Place and text of each switch, and whether it means a server with a port whatever else stands there."""
    always = switches.table("auth")["always"]
    package = f"{launch.package.ecosystem}:{launch.package.name}" if launch.package else ""
    for variable in flags.variables(launch):
        if not variable.value:
            continue
        if variable.name.lower() in always and not switches.is_off(variable.value):
            yield variable.at, variable.name, True
        elif switches.auth_off(variable.name, variable.value, package):
            yield variable.at, variable.name, False
    for flag in flags.flags(launch):
        inline = flag.value_at == flag.at
        if flag.name.startswith("--") and switches.auth_off(flag.name, flag.value if inline else None, package):
            yield flag.at, flag.name, False
        elif flag.name.startswith("--") and flag.value and not inline and switches.auth_off(flag.name, flag.value, package):
            yield flag.value_at, flag.name, False


RULES: tuple[Rule, ...] = (Rule(WILDCARD_BIND, wildcard_bind, alike=True), Rule(AUTH_DISABLED, auth_disabled, alike=True))
