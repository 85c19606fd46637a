"""Ports that a launch opens: a launch in; where it says that it listens everywhere, asks nobody who is there, or opens a port at all, out."""

from __future__ import annotations

from mcp_audit_gate.metadata import addresses, switches
from mcp_audit_gate.sources import flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Launch, Pointer


def wide(launch: Launch, declared_stdio: bool, marked: bool) -> Iterator[tuple[Pointer, str]]:
    """Where a launch says that it listens everywhere, and in which words. marked: one of them may mean everywhere."""
    if launch.runner == "docker run":
        yield from _published(launch)
        if not _shares_network(launch):
            return
    if not marked or _speaks_stdio(launch, declared_stdio):
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
    return "stdio" in modes(launch) or (declared and not _has_port(launch))


def modes(launch: Launch) -> Iterator[str]:
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


def opens(launch: Launch) -> bool:
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
        or any(mode in table["listening"] for mode in modes(launch))
    )


def _own_address(value: str) -> bool:
    """True for an address that only a server can mean: every interface, or loopback."""
    return switches.everywhere(value) or addresses.host_kind(value) == addresses.LOOPBACK


def without_auth(launch: Launch) -> Iterator[tuple[Pointer, str, bool]]:
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
