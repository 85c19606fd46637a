"""Families policy and lock, as far as the policy alone decides: servers against its limits, waivers against the run."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Place, Rule, RuleInfo
from mcp_audit_gate.policy import identity
from mcp_audit_gate.policy.policy import same_name
from mcp_audit_gate.rules import raised
from mcp_audit_gate.rules.fetched import field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcp_audit_gate.model import Launch, Pointer, Server
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.policy.waivers import Use
    from mcp_audit_gate.rules import Raised

_NAMED = "    server: staging\n"


def _waiver(named: str, day: str) -> tuple[str, str]:
    """A policy with one waiver, for examples."""
    item = f"  - rule: plain-http\n    path: .mcp.json\n{named}    reason: moves to TLS with OPS-112\n    expires: {day}\n"
    return "mcp-audit.yaml", f"version: 1\nwaivers:\n{item}"


SERVER_NOT_ALLOWED = RuleInfo(
    id="server-not-allowed",
    family="policy",
    severity="high",
    title="A server that the policy does not allow",
    why="The policy says which servers may be configured here. Only its owner can say that another one is right, on the branch that all trust.",
    looks_at="Each enabled server against `allow` and `deny`: its name, the packages and images it starts, the hosts it connects to, its transport. "
    "Packages and images are compared without version, hosts without port. Where packages or hosts are listed, a server whose code cannot be told "
    "from the config (a script, a path, a reference) must be named under `allow: servers`.",
    fix="Remove the server, or have it allowed in the policy.",
    references=("OWASP MCP09", "SAFE-T1004"),
    example_bad=("mcp-audit.yaml", '# .mcp.json starts @acme/docs-mcp\nversion: 1\nallow:\n  packages: ["npm:@modelcontextprotocol/*"]\n'),
    example_good=("mcp-audit.yaml", '# .mcp.json starts @acme/docs-mcp\nversion: 1\nallow:\n  packages: ["npm:@acme/docs-mcp"]\n'),
    precision="very-high",
)


def server_not_allowed(policy: Policy, server: Server) -> Iterator[Hit]:
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


DENIED_CAPABILITY = RuleInfo(
    id="denied-capability",
    family="policy",
    severity="high",
    title="A server can do what the policy denies",
    why="The policy says what no server may be able to do here, whoever asks for it.",
    looks_at="Each capability of an enabled server, from its launch, from what is known about its package, and from its pinned tools, against "
    "`deny: capabilities`. Guesses of low confidence are shown in the report and do not count.",
    fix="Remove the server, start it without that capability, or change the policy.",
    references=("CWE-269", "OWASP MCP02"),
    example_bad=("mcp-audit.yaml", "# .mcp.json has a server at https://mcp.example.com\nversion: 1\ndeny:\n  capabilities: [network]\n"),
    example_good=("mcp-audit.yaml", "# .mcp.json starts @acme/docs-mcp instead\nversion: 1\ndeny:\n  capabilities: [network]\n"),
)


def denied_capability(policy: Policy, server: Server) -> Iterator[Hit]:
    """One hit for each denied capability and what in the server has it."""
    denied = policy.deny.get("capabilities", ())
    seen: set[tuple[str, str]] = set()
    for item in server.capabilities if denied else ():
        if item.capability in denied and item.confidence != "low" and (item.subject, item.capability) not in seen:
            seen.add((item.subject, item.capability))
            about = f"{visible(item.subject, 80)} of " if item.subject else ""
            why = f"{item.confidence}: {visible(item.evidence, 200)}"
            message = f"{about}{_name(server)} has the capability {item.capability} ({why}), which the policy denies."
            value = f"{item.capability} {identity.of(server)}"
            yield Hit(server.entry.place(key=True), message[:1].upper() + message[1:], value, subject=item.subject)


RISK_OVER_LIMIT = RuleInfo(
    id="risk-over-limit",
    family="policy",
    severity="high",
    title="A server's risk is above the policy's limit",
    why="The owner of the policy set how much one server may be able to do. The score never outvotes a finding, nor a finding the score.",
    looks_at="The risk of each enabled server against `max-risk`, or against the limit under `servers` for that name. The message shows the sum.",
    fix="Take away what the message counts, or raise the limit for this server under `servers`.",
    references=("OWASP MCP02",),
    example_bad=("mcp-audit.yaml", "# .mcp.json has a server at https://mcp.example.com\nversion: 1\nmax-risk: 0.5\n"),
    example_good=("mcp-audit.yaml", "# .mcp.json starts @acme/docs-mcp instead\nversion: 1\nmax-risk: 0.5\n"),
)


def risk_over_limit(policy: Policy, server: Server) -> Iterator[Hit]:
    """One hit for a server above its limit."""
    limit = policy.limit(server.entry.name)
    if limit is not None and server.risk.score > limit:
        parts = " + ".join(f"{capability} {points:.2f}" for capability, _, points in server.risk.parts)
        message = f"{_title(server)} has a risk of {server.risk.score:.1f} ({parts}), and the policy's limit is {limit:g}."
        yield Hit(server.entry.place(key=True), message, f"{server.risk.score:.1f} {identity.of(server)}", subject="")


WAIVER_EXPIRED = RuleInfo(
    id="waiver-expired",
    family="policy",
    severity="low",
    title="A waiver has ended, and its finding counts again",
    why="The finding itself may block; this tells why it is back.",
    looks_at="Waivers whose last day (UTC) has passed, and whose finding is still there and not covered by another waiver.",
    fix="Mend what the waiver let through, or renew it with a reason.",
    references=("CWE-863",),
    example_bad=_waiver(_NAMED, "2026-01-31"),
    example_good=_waiver(_NAMED, "2027-01-31"),
    precision="very-high",
)


def waiver_expired(use: Use) -> Iterator[Hit]:
    """One hit for a waiver that would still cover a finding, had it not ended."""
    if use.expired and use.missed:
        waiver = use.waiver
        yield Hit(_below(waiver.place, "expires"), ended(waiver.rule, str(waiver.expires), use.missed), use.identity, subject="")


def ended(rule: str, day: str, missed: int) -> str:
    """What is said of a waiver that ended and would still cover some findings."""
    what = "finding counts" if missed == 1 else f"{missed} findings count"
    return f"The waiver for {rule} ended on {day}; its {what} again."


WAIVER_UNUSED = RuleInfo(
    id="waiver-unused",
    family="policy",
    severity="info",
    title="A waiver covers nothing",
    why="What it let through is gone, and the waiver would let the same thing in again.",
    looks_at="Waivers that match no finding of a run that looked at what they name.",
    fix="Delete the waiver.",
    references=(),
    example_bad=_waiver("    server: gone\n", "2027-01-31"),
    example_good=("mcp-audit.yaml", "version: 1\nwaivers: []\n"),
    precision="very-high",
)


def waiver_unused(use: Use) -> Iterator[Hit]:
    """One hit for a waiver that no finding needs."""
    if use.idle:
        yield Hit(_below(use.waiver.place, "rule"), f"The waiver for {use.waiver.rule} covers no finding.", use.identity, subject="")


WAIVER_TOO_BROAD = RuleInfo(
    id="waiver-too-broad",
    family="policy",
    severity="medium",
    title="A waiver covers more than what was looked at",
    why="It also hides what nobody has written yet: the next server in the file, or another text at the same place.",
    looks_at="Waivers without a fingerprint that name a file and nothing in it, or that are for a rule about the text of tools.",
    fix="Name the server or the subject, or write the waiver with mcp-audit waive FINGERPRINT.",
    references=("CWE-863",),
    example_bad=_waiver("", "2027-01-31"),
    example_good=_waiver(_NAMED, "2027-01-31"),
)


def waiver_too_broad(use: Use) -> Iterator[Hit]:
    """One hit for a waiver that names too little."""
    waiver = use.waiver
    if waiver.fingerprint is None and waiver.server is None and waiver.subject is None:
        message = f"The waiver for {waiver.rule} covers every finding of that rule in {visible(waiver.path or '', 80)}, also those to come."
        yield Hit(_below(waiver.place, "path"), message, use.identity, subject="")
    elif waiver.fingerprint is None and use.about_text:
        message = f"The waiver for {waiver.rule} has no fingerprint, so it covers whatever text comes to stand there."
        yield Hit(_below(waiver.place, "rule"), message, use.identity, subject="")


def _below(place: Place, key: str) -> Place:
    return Place(place.document, (*place.pointer, key))


def _name(server: Server) -> str:
    return f'server "{visible(server.entry.name, 80)}"'


def _title(server: Server) -> str:
    return f'Server "{visible(server.entry.name, 80)}"'


# Only who sees all findings can tell these.
EXPIRED = Rule(WAIVER_EXPIRED, waiver_expired, "waiver")
UNUSED = Rule(WAIVER_UNUSED, waiver_unused, "waiver")

# Scope "server": (policy, server); scope "waiver": what a waiver did in the run.
RULES: tuple[Rule, ...] = (
    Rule(SERVER_NOT_ALLOWED, server_not_allowed, "server"),
    Rule(DENIED_CAPABILITY, denied_capability, "server"),
    Rule(RISK_OVER_LIMIT, risk_over_limit, "server"),
    EXPIRED,
    UNUSED,
    Rule(WAIVER_TOO_BROAD, waiver_too_broad, "waiver"),
)


def of_servers(policy: Policy, servers: Iterable[Server]) -> Iterator[Raised]:
    """Every hit about a server; those that no client loads or starts are left out."""
    judged = [server for server in servers if not server.entry.disabled and not server.entry.sample]
    for rule in RULES:
        if rule.scope == "server":
            yield from (raised(rule, server.entry, hit) for server in judged for hit in rule.check(policy, server))


def of_waivers(uses: Iterable[Use]) -> Iterator[Raised]:
    """Every hit about a waiver."""
    for use in uses:
        yield from (raised(rule, None, hit) for rule in RULES if rule.scope == "waiver" for hit in rule.check(use))


def tolerated(policy: Policy, item: Raised) -> bool:
    """True for a registry that the policy allows, and for an approved server that it knows although no config declares it."""
    rule, listed = item.rule.info.id, policy.allow.get("registries", ())
    if rule == "approval-for-absent-server":
        return identity.matches((same_name(item.hit.value),), map(same_name, policy.allow.get("servers", ())))
    if not listed or rule != "registry-override":
        return False
    return identity.matches((identity.ascii_host(item.hit.value),), map(identity.registry_host, listed))
