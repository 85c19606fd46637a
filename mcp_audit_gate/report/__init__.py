"""Who is told, and how: a Report in, bytes out."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Report
    from mcp_audit_gate.report.provenance import Provenance

# One module a format, imported when it is asked for; each has `write(report, look) -> bytes`.
WRITERS = {name: f"mcp_audit_gate.report.{name}" for name in ("text", "json", "sarif", "junit", "github", "markdown", "html")}
FORMATS = tuple(WRITERS)


class Look(NamedTuple):
    """How a report is to look; nothing here changes the verdict.

    width: columns of the terminal, 0 when unknown. verbosity: -1 quiet, 0, 1. min_severity: what text and Markdown show.
    category, provenance: SARIF's automationDetails.id and versionControlProvenance.
    """

    width: int = 100
    colour: bool = False
    verbosity: int = 0
    min_severity: str = "info"
    category: str | None = None
    provenance: Provenance | None = None


def write(name: str, report: Report, look: Look) -> bytes:
    """The report in one of FORMATS: UTF-8, LF, a final newline; the same bytes for the same report."""
    from mcp_audit_gate.report.masked import masked

    data: bytes = __import__(WRITERS[name], fromlist=["write"]).write(masked(report), look)
    return data
