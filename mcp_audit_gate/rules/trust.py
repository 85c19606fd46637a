"""What a repository approves in advance or turns off in the clients that open it. Settings and entries in, hits out."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Rule

RULES: tuple[Rule, ...] = ()
