"""Servers that are exchanged under a name that the repository approves in advance. Part of family trust.

Exchanges are found by comparing: with the lockfile, and with a trusted revision. The rule has no check of its own.
"""

from __future__ import annotations

from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.rules import approvals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.model import Context, Drift, Json, Place

PREAPPROVED_CHANGED_SERVER = RuleInfo(
    id="preapproved-changed-server",
    family="trust",
    severity="critical",
    title="A server that the repository approves by name now starts something else",
    why="The client starts the new program without asking anybody: the published attack on approvals by name, complete in one change.",
    looks_at="Servers whose package, image, host or program is not the one that is pinned, or that the trusted revision has, and whose name is "
    "approved in advance: `enabledMcpjsonServers`, enable-all, `trust`, `alwaysAllow`, `autoApprove`, `mcp__name` in `permissions.allow`.",
    fix="Restore the launch, or give the new server a name of its own, so that people are asked.",
    references=("CWE-345", "SAFE-T1201", "SAFE-T1403", "CVE-2025-54136"),
    example_bad=(".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@zcme/docs-mcp@1.4.2"]}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}}\n'),
    needs=("lock", "trusted-ref"),
    precision="very-high",
)


class Approved:
    """Which names a repository approves in advance, and where; worked out when first asked."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._places: dict[str, list[Place]] | None = None

    def named(self, name: str) -> bool:
        """True when a setting approves a server of that name, one by one."""
        return name != approvals.ALL and any(
            item.entry is None and approvals.plain(item.server) == approvals.plain(name) for item in approvals.by_name(self._context)
        )

    def places(self, name: str) -> tuple[Place, ...]:
        """Every approval of a server of that name, those of all servers included."""
        if self._places is None:
            self._places = {}
            for approval in approvals.by_name(self._context):
                server = approval.server if approval.server == approvals.ALL else approvals.plain(approval.server)
                self._places.setdefault(server, []).append(approval.place)
        return tuple(dict.fromkeys((*self._places.get(approvals.plain(name), ()), *self._places.get(approvals.ALL, ()))))


def over(context: Context, told: Iterable[tuple[Drift, Rule, Hit]]) -> Iterator[tuple[Rule, Hit]]:
    """The hits of drift; where a server is exchanged and its name is approved, this rule's in its place."""
    approved = Approved(context)
    for drift, rule, hit in told:
        where = approved.places(drift.change.server) if drift.change.kind == "launch-changed" and _exchanged(drift) else ()
        yield (RULE, approve(hit, where)) if where else (rule, hit)


def approve(hit: Hit, where: tuple[Place, ...]) -> Hit:
    """What is said of an exchange when the name is approved there."""
    message = f"{hit.message.removesuffix('.')}; the name is approved in advance, so nobody is asked."
    return hit._replace(message=message, related=(*where, *hit.related), fix="")


def _exchanged(drift: Drift) -> bool:
    """True when something else is started or reached, not the same with other arguments."""
    return _identity(drift.change.before) != _identity(drift.change.after)


def _identity(launch: Json) -> tuple[str, ...]:
    from mcp_audit_gate.lock import launches

    return launches.identity(launch) if isinstance(launch, dict) else ()


def _none(context: Context) -> tuple[Hit, ...]:
    """Nothing: exchanges are found by comparing, and come through `over`."""
    return ()


RULE = Rule(PREAPPROVED_CHANGED_SERVER, _none, "context")
RULES: tuple[Rule, ...] = (RULE,)
