"""A server against the limits that a policy sets: a policy and a server in, hits out. Loaded when a policy sets one."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit
from mcp_audit_gate.policy import identity
from mcp_audit_gate.policy.policy import same_name
from mcp_audit_gate.rules.wording import field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcp_audit_gate.model import Launch, Pointer, Server
    from mcp_audit_gate.policy.policy import Policy


def not_allowed(policy: Policy, server: Server) -> Iterator[Hit]:
    """Every part of a server that `deny` names, or that a list under `allow` leaves out."""
    if policy.deny:
        yield from _denied(policy, server)
    if policy.allow:
        yield from _left_out(policy, server)


def _left_out(policy: Policy, server: Server) -> Iterator[Hit]:
    named = _named(policy, server)
    if named is False:
        message = f"{_title(server)} is not among the servers that the policy allows."
        yield Hit(server.entry.place(key=True), message, identity.of(server), subject="")
    for key, parts, verb in (("packages", identity.packages, "starts"), ("hosts", identity.hosts, "connects to")):
        globs = _globs(policy.allow, key)
        for part in (part for launch in server.entry.launches for part in parts(launch)) if globs is not None else ():
            if part.names and not identity.matches(part.names, globs or ()):
                message = f"{_title(server)} {verb} {part.shown} ({field(part.at)}), which the policy does not allow ({key})."
                yield Hit(server.entry.place(part.at), message, part.names[0])
    if named is None and {"packages", "hosts"} & set(policy.allow) and not _told(server):
        what = "cannot be told from the config, and the policy lets such a server pass only by its name (allow: servers)"
        message = f"What {_name(server)} starts or connects to {what}."
        yield Hit(server.entry.place(key=True), message, identity.of(server), subject="")


def _named(policy: Policy, server: Server) -> bool | None:
    """Whether `allow: servers` names the server; None without such a list."""
    globs = policy.allow.get("servers")
    return None if globs is None else identity.matches((same_name(server.entry.name),), map(same_name, globs))


def _told(server: Server) -> bool:
    """True when the config says whose code runs, or whose service is called, in every launch that makes up the server."""
    entry = server.entry
    if any(not part.names for launch in entry.launches for part in (*identity.packages(launch), *identity.hosts(launch))):
        return False
    # What a remote entry starts besides (a helper for headers) is judged by what it fetches alone.
    return all(_has_identity(launch) for launch in (entry.launches[:1] if entry.launch.urls and not entry.launch.words else entry.launches))


def _has_identity(launch: Launch) -> bool:
    plain = launch.shell is None and launch.code is None
    return plain and (any(identity.packages(launch)) or any(identity.hosts(launch)))


def _globs(lists: Mapping[str, tuple[str, ...]], key: str) -> tuple[str, ...] | None:
    """A list of the policy in the spelling of what it is compared with; None when there is none."""
    globs = lists.get(key)
    if globs is None:
        return None
    return tuple(map(identity.package_glob if key == "packages" else identity.ascii_host, globs))


def _denied(policy: Policy, server: Server) -> Iterator[Hit]:
    entry = server.entry
    globs = _globs(policy.deny, "hosts") or ()
    for launch in entry.launches:
        for word in launch.urls if globs else ():
            host, _ = identity.host_of(word)
            glob = next((glob for glob in globs if identity.matches((host,), (glob,))), None)
            if glob:
                what = f'connects to "{visible(host, 80)}" ({field(word.at)})'
                yield Hit(entry.place(word.at), f"{_title(server)} {what}, which the policy denies ({visible(glob, 80)}).", host)
    if entry.launch.transport in policy.deny.get("transports", ()):
        at: Pointer = next(((key,) for key in ("type", "transport", "transportType") if isinstance(entry.value.get(key), str)), ())
        message = f"{_title(server)} uses the transport {entry.launch.transport}, which the policy denies."
        yield Hit(entry.place(at, key=not at), message, entry.launch.transport)


def denied_capability(denied: Sequence[str], server: Server) -> Iterator[Hit]:
    """One hit for each denied capability and what in the server has it."""
    seen: set[tuple[str, str]] = set()
    for item in server.capabilities:
        if item.capability in denied and item.confidence != "low" and (item.subject, item.capability) not in seen:
            seen.add((item.subject, item.capability))
            about = f"{visible(item.subject, 80)} of " if item.subject else ""
            why = f"{item.confidence}: {visible(item.evidence, 200)}"
            message = f"{about}{_name(server)} has the capability {item.capability} ({why}), which the policy denies."
            value = f"{item.capability} {identity.of(server)}"
            yield Hit(server.entry.place(key=True), message[:1].upper() + message[1:], value, subject=item.subject)


def over(limit: float, server: Server) -> Hit:
    """What is said of a server above its limit."""
    parts = " + ".join(f"{capability} {points:.2f}" for capability, _, points in server.risk.parts)
    message = f"{_title(server)} has a risk of {server.risk.score:.1f} ({parts}), and the policy's limit is {limit:g}."
    return Hit(server.entry.place(key=True), message, f"{server.risk.score:.1f} {identity.of(server)}", subject="")


def lists_server(policy: Policy, name: str) -> bool:
    """True for the name of a server that `allow` lists."""
    return identity.matches((same_name(name),), map(same_name, policy.allow.get("servers", ())))


def lists_registry(policy: Policy, host: str) -> bool:
    """True for the host of a registry that `allow` lists."""
    return identity.matches((identity.ascii_host(host),), map(identity.registry_host, policy.allow.get("registries", ())))


def _name(server: Server) -> str:
    return f'server "{visible(server.entry.name, 80)}"'


def _title(server: Server) -> str:
    return f'Server "{visible(server.entry.name, 80)}"'
