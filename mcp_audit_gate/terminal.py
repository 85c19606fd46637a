"""How reports are to look: options, environment and terminal in, a Look out."""

from __future__ import annotations

import os
import sys

from mcp_audit_gate.report import Look

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def look(chosen: argparse.Namespace, outputs: Sequence[tuple[str, str | None]], root: str) -> Look:
    """How the reports are to look; SARIF also says where the tree comes from."""
    shown = ("text", None) in outputs  # a file gets the same bytes wherever the command runs
    tty = shown and sys.stdout.isatty()
    colour = chosen.color == "always" or (chosen.color == "auto" and shown and _is_colourful(tty))
    width = _width() if tty or (shown and os.environ.get("COLUMNS")) else 100
    origin = None
    if any(name == "sarif" for name, _ in outputs):
        from mcp_audit_gate.report.provenance import provenance

        origin = provenance(root)
    return Look(width, colour, 1 if chosen.verbose else -1 if chosen.quiet else 0, chosen.min_severity, chosen.category, origin)


def _is_colourful(tty: bool) -> bool:
    """What NO_COLOR, FORCE_COLOR and the terminal say, in this order (no-color.org, force-color.org)."""
    told = os.environ.get
    return not told("NO_COLOR") and (told("FORCE_COLOR", "0") not in ("", "0") or (tty and told("TERM") != "dumb"))


def _width() -> int:
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and len(given) < 6 and int(given):
        return max(40, int(given))
    try:
        return max(40, os.get_terminal_size(1).columns)
    except OSError:
        return 100
