"""One self-contained page for people and archives: no script, nothing loaded, everything readable as text."""

from __future__ import annotations

from mcp_audit_gate import HOME, __version__
from mcp_audit_gate.report import escape, words
from mcp_audit_gate.report.excerpt import Excerpts
from mcp_audit_gate.report.flow import picture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.model import Finding, Location, NotAssessed, Report, Server
    from mcp_audit_gate.report import Look

_STYLE = """
:root {
  color-scheme: light dark; --text: #1c2024; --page: #ffffff; --soft: #f1f3f5; --line: #c9ced4;
  --bad: #b3261e; --warn: #8a5300; --good: #1b6e3c; --note: #2457a6
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e8ea; --page: #15181b; --soft: #22272b; --line: #444b52; --bad: #ff8a80; --warn: #f0b35a; --good: #7bd69b; --note: #8ab8ff }
}
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page) }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
caption { text-align: left; font-weight: 600; padding: .25rem 0 }
th, td { border: 1px solid var(--line); padding: .35rem .5rem; text-align: left; vertical-align: top }
td { overflow-wrap: anywhere; min-width: 6.5rem }
td:last-child { width: 100%; max-width: 0; min-width: 22rem }
thead th { background: var(--soft) }
code, pre { font: .875rem/1.4 ui-monospace, monospace }
pre { margin: .35rem 0; padding: .5rem; background: var(--soft); overflow-x: auto; white-space: pre }
a { color: var(--note) }
@media (max-width: 48rem) {
  table, tbody, tr, tbody th, td { display: block }
  thead { display: none }
  td:last-child { width: auto; max-width: none; min-width: 0 }
}
svg { max-width: 100%; height: auto; font: .8rem system-ui, sans-serif; fill: var(--text); stroke: none }
svg line { stroke: var(--line); stroke-width: 1.5 }
svg rect { fill: var(--soft); stroke: var(--line) }
.error, .failed, .incomplete { color: var(--bad); font-weight: 600 }
.warning, .empty { color: var(--warn); font-weight: 600 }
.note { color: var(--note); font-weight: 600 }
.passed { color: var(--good); font-weight: 600 }
"""


def write(report: Report, look: Look) -> bytes:
    """The page; colours follow the reader's system, and a content security policy forbids all but its own style."""
    parts = [*_head(), *_verdict(report), *_findings(report), *_servers(report), *_gaps(report.not_assessed), *_inputs(report)]
    return "".join([f"{line}\n" for line in (*parts, "</main>", "</body>", "</html>")]).encode()


def _head() -> Iterator[str]:
    from base64 import b64encode
    from hashlib import sha256

    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield "<title>MCP audit report</title>"
    yield f"<style>{_STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield "<main>"


def _verdict(report: Report) -> Iterator[str]:
    text = escape.markup
    yield f'<h1>MCP audit: <span class="{text(report.verdict.result)}">{text(report.verdict.result)}</span></h1>'
    yield f"<p>{text(words.counts(report))}; {text(words.scope(report))}.</p>"
    if report.verdict.reasons:
        yield "<ul>"
        yield from (f"<li>{text(reason)}</li>" for reason in report.verdict.reasons)
        yield "</ul>"


def _findings(report: Report) -> Iterator[str]:
    if not report.findings:
        return
    excerpts = Excerpts(report.documents)
    families = {rule.id: rule.family for rule in report.rules}
    rows = (_finding(finding, excerpts, families.get(finding.rule) == "secrets") for finding in words.worst(report.findings))
    yield from _table("Findings", ("Status", "Severity", "Rule", "Server", "What is wrong, and where"), rows)


def _finding(finding: Finding, excerpts: Excerpts, secret: bool) -> Iterator[str]:
    text = escape.markup
    yield text(finding.status)
    yield f'<span class="{words.LEVELS[finding.severity]}">{text(finding.severity)}</span>'
    yield f'<a href="{HOME}/blob/main/docs/rules.md#{text(finding.rule)}">{text(finding.rule)}</a>'
    yield "" if finding.server is None else text(finding.server)
    about = [f"{text(finding.message)}<br><code>{_place(finding.location)}</code>"]
    excerpt = excerpts.at(finding.location, 160, secret)
    if excerpt is not None:
        about.append(f"<pre>{text(excerpt.text)}\n{' ' * excerpt.start}{'^' * excerpt.width}</pre>")
    about += [f"<br>see <code>{_place(location)}</code>" for location in finding.related]
    if finding.remediation:
        about.append(f"<br>Fix: {text(finding.remediation)}")
    if finding.status in ("waived", "baseline"):
        about.append(f"<br>{text(words.excuse(finding))}")
    yield "".join(about)


def _servers(report: Report) -> Iterator[str]:
    """The map of servers and capabilities, and the same as a picture."""
    if not report.servers:
        return
    yield from _table("Servers and what they can do", ("Server", "Place", "Risk", *words.CAPABILITIES), map(_server, report.servers))
    yield from picture(report.servers)


def _server(server: Server) -> Iterator[str]:
    text = escape.markup
    best = words.best(server)
    yield text(server.entry.name)
    yield f"<code>{_place(server.location)}</code>"
    parts = "".join(f"<br>{text(part)}" for part in words.risk_parts(server.risk))
    yield f"{server.risk.score:.1f}{parts}"
    yield from (best.get(capability, "") for capability in words.CAPABILITIES)


def _gaps(items: Iterable[NotAssessed]) -> Iterator[str]:
    rows = [(item.what, item.path or "", item.server or "", item.reason, item.hint or "") for item in items]
    if rows:
        yield from _table("Not assessed", ("What", "Place", "Server", "Reason", "What to try"), (map(escape.markup, row) for row in rows))


def _inputs(report: Report) -> Iterator[str]:
    rows = [(item.path, item.client or "", str(item.servers), item.status, item.reason or "") for item in report.inputs]
    if rows:
        yield from _table("Files", ("File", "Client", "Servers", "Status", "Reason"), (map(escape.markup, row) for row in rows))
    yield f'<p>Written by <a href="{HOME}">mcp-audit-gate</a> {escape.markup(__version__)}.</p>'


def _place(location: Location) -> str:
    return f"{escape.markup(location.path)}:{location.start_line}:{location.start_column}"


def _table(caption: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table of cells that are markup already; the first of each row is its heading."""
    yield "<table>"
    yield f"<caption>{caption}</caption>"
    heading = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    yield f"<thead><tr>{heading}</tr></thead>"
    yield "<tbody>"
    for row in rows:
        first, *others = row
        data = "".join(f"<td>{cell}</td>" for cell in others)
        yield f'<tr><th scope="row">{first}</th>{data}</tr>'
    yield "</tbody>"
    yield "</table>"
