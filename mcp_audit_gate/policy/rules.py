"""What a policy finds by itself: servers over its limits, and waivers that have ended, cover nothing or cover too much."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Rule

RULES: tuple[Rule, ...] = ()
