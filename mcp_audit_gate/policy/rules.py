"""Families policy and lock, as far as the policy alone decides: servers against its limits, waivers against the run."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Place, Rule, RuleInfo
from mcp_audit_gate.rules import raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.model import Server
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
    if policy.allow or policy.deny:
        from mcp_audit_gate.policy import limits

        yield from limits.not_allowed(policy, server)


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
    if denied:
        from mcp_audit_gate.policy import limits

        yield from limits.denied_capability(denied, server)


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
        from mcp_audit_gate.policy import limits

        yield limits.over(limit, server)


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
    rule = item.rule.info.id
    if not policy.allow or rule not in ("approval-for-absent-server", "registry-override"):
        return False
    from mcp_audit_gate.policy import limits

    return limits.lists_server(policy, item.hit.value) if rule == "approval-for-absent-server" else limits.lists_registry(policy, item.hit.value)
