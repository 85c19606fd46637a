"""One self-contained page for people and archives: no script, nothing loaded, everything readable as text."""

from __future__ import annotations

import os

from mcp_audit_gate import HOME, __version__
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report import changed, escape, words
from mcp_audit_gate.report.cards import Cards, place
from mcp_audit_gate.report.flow import picture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mcp_audit_gate.model import Capability, Report, Server
    from mcp_audit_gate.report import Look

SHOWN = 5000
_EVIDENCE = 200
_SIGNS = {
    "passed": '<circle cx="12" cy="12" r="9.5"/><path d="m7.5 12.5 3 3 6-6.5"/>',
    "failed": '<circle cx="12" cy="12" r="9.5"/><path d="m8.5 8.5 7 7m0-7-7 7"/>',
}
_SIGN = '<path d="M12 3 2.5 20h19L12 3z"/><path d="M12 10v4.5m0 2.8v.1"/>'
_HEADINGS = {"blocking": "What blocks", "reported": "Reported, not blocking", "baseline": "Known before", "waived": "Waived"}


class _Section(NamedTuple):
    """A part of the page that the contents list: its anchor, its heading and what is in it."""

    anchor: str
    title: str
    lines: Iterable[str]


def write(report: Report, look: Look) -> bytes:
    """The page; colours follow the reader's system, and a content security policy forbids all but its own style."""
    sections = tuple(_sections(report))
    parts = [*_head(report), *_top(report, sections), "<main>"]
    for section in sections:
        heading = f'<h2 id="{section.anchor}-heading">{section.title}</h2>'
        parts += [f'<section id="{section.anchor}" aria-labelledby="{section.anchor}-heading">', heading, *section.lines, "</section>"]
    about = f'<footer><p>Written by <a href="{HOME}">mcp-audit-gate</a> {escape.markup(__version__)}.</p></footer>'
    return "".join([f"{line}\n" for line in (*parts, "</main>", about, "</body>", "</html>")]).encode()


def _sections(report: Report) -> Iterator[_Section]:
    if report.not_assessed:
        yield _Section("not-assessed", f"Not assessed ({len(report.not_assessed)})", _gaps(report))
    cards = Cards(report)
    changes = [_Section("changes", f"What changed ({len(report.changes)})", changed.page(report))] if report.changes else []
    left = SHOWN
    for status, title in _HEADINGS.items():
        findings = [finding for finding in words.worst(report.findings) if finding.status == status]
        if findings:
            shown = findings[: max(left, 0)]
            left -= len(shown)
            yield _Section(status, f"{title} ({len(findings)})", (*cards.all(shown), *_left_out(len(shown), len(findings), "finding")))
        if status == "blocking":
            yield from changes
    if report.servers:
        yield _Section("servers", "Servers and what they can do", _servers(report.servers))
        yield _Section("flows", "Where it leads", picture(report.servers))
    if report.inputs:
        yield _Section("files", f"Files ({len(report.inputs)})", _inputs(report))


def _left_out(shown: int, count: int, noun: str) -> Iterator[str]:
    if shown < count:
        yield f"<p>{words.number(count - shown, f'more {noun}')} left out here; the JSON report has all {count}.</p>"


def _head(report: Report) -> Iterator[str]:
    from base64 import b64encode
    from hashlib import sha256

    with open(os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "report.css"), encoding="utf-8") as file:
        style = file.read()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>MCP audit: {escape.markup(report.verdict.result)}</title>"
    yield f"<style>{style}</style>"
    yield "</head>"
    yield "<body>"


def _top(report: Report, sections: Sequence[_Section]) -> Iterator[str]:
    """The verdict, why, what to do, the numbers, and the contents."""
    text, result = escape.markup, report.verdict.result
    if sections:
        yield f'<a class="skip" href="#{sections[0].anchor}">Skip to the report</a>'
    yield "<header>"
    yield '<p class="product">mcp-audit-gate</p>'
    sign = f'<svg viewBox="0 0 24 24" aria-hidden="true">{_SIGNS.get(result, _SIGN)}</svg>'
    yield f'<h1 class="{text(result)}">{sign}<span>MCP audit: {text(result)}</span></h1>'
    yield f'<p class="lead">{text(words.sentence(words.counts(report)))}</p>'
    if report.verdict.reasons:
        yield '<ul class="reasons">'
        yield from (f"<li>{text(reason)}</li>" for reason in report.verdict.reasons)
        yield "</ul>"
    if advice := words.advice(report):
        told = " ".join(f"{text(said)} <code>{text(command)}</code>" if command else text(said) for said, command in advice)
        yield f'<p class="todo"><strong>What to do.</strong> {told}</p>'
    yield from _tiles(report)
    yield f'<p class="scope">{text(words.sentence(words.scope(report)))}</p>'
    yield "</header>"
    if sections:
        yield '<nav aria-label="Contents"><ul>'
        yield from (f'<li><a href="#{section.anchor}">{section.title}</a></li>' for section in sections)
        yield "</ul></nav>"


def _tiles(report: Report) -> Iterator[str]:
    counted = words.tally(report.findings)
    tiles = [(name, str(counted[name])) for name in ("blocking", "reported")]
    tiles += [(name, str(counted[status])) for status, name in (("waived", "waived"), ("baseline", "known before")) if counted[status]]
    tiles.append(("not assessed", str(len(report.not_assessed))))
    if report.servers:
        tiles.append(("highest risk of 10", f"{max(server.risk.score for server in report.servers):.1f}"))
    yield '<dl class="tiles">'
    yield from (f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    yield "</dl>"


def _gaps(report: Report) -> Iterator[str]:
    rows = []
    for item in report.not_assessed:
        about = f"{escape.markup(words.sentence(item.reason))}" + (f"<br>To do: {escape.markup(item.hint)}" if item.hint else "")
        where = "" if item.path is None else f"<code><bdi>{escape.markup(item.path)}</bdi></code>"
        rows.append((escape.markup(item.what), where, _name(item.server), about))
    yield from _table("What could not be read, started or finished", ("What", "Place", "Server", "Reason"), rows)


def _servers(servers: Sequence[Server]) -> Iterator[str]:
    """The map of servers and capabilities, with the evidence for each below."""
    heads = ("Server", "Risk", *(name.replace("_", " ") for name in words.CAPABILITIES))
    caption = "Each server, its risk from 0.0 to 10.0 and how sure it is that it can do each thing"
    yield from _table(caption, heads, map(_server, servers), "map", lambda column: "cap" if column > 1 else "risk" if column == 1 else "")
    known = [server for server in servers if server.capabilities]
    if known:
        yield "<h3>What that rests on</h3>"
    for server in known:
        yield from _evidence(server)


def _server(server: Server) -> Iterator[str]:
    text, score = escape.markup, server.risk.score
    best = words.best(server)
    pinned = "pinned" if server.pinned else "not pinned"
    yield f'{_name(server.entry.name)}<div class="small"><code>{place(server.location)}</code><br>{pinned}</div>'
    filled = f'<rect class="full" width="{score * 10:.0f}" height="8" rx="4"/>'
    bar = f'<svg viewBox="0 0 100 8" aria-hidden="true"><rect width="100" height="8" rx="4"/>{filled}</svg>'
    parts = "".join(f"<li>{text(part)}</li>" for part in words.risk_parts(server.risk))
    sum_ = f"<details><summary>the sum</summary><ul>{parts}</ul></details>" if parts else ""
    yield f"<b>{score:.1f}</b>{bar}{sum_}"
    yield from (best.get(capability, "") for capability in words.CAPABILITIES)


def _evidence(server: Server) -> Iterator[str]:
    text = escape.markup

    def row(item: Capability) -> tuple[str, ...]:
        return f"<bdi>{text(item.subject or 'launch')}</bdi>", text(item.capability.replace("_", " ")), text(item.confidence), text(item.evidence)

    yield f"<details><summary>{_name(server.entry.name)}</summary>"
    yield f"<p>Rests on: {text(', '.join(server.evidence) or 'nothing')}.</p>"
    yield from _table("What says so", ("Subject", "Capability", "Confidence", "Evidence"), map(row, server.capabilities[:_EVIDENCE]))
    yield from _left_out(min(len(server.capabilities), _EVIDENCE), len(server.capabilities), "line")
    yield "</details>"


def _inputs(report: Report) -> Iterator[str]:
    rows = [
        (
            f"<code><bdi>{escape.markup(item.path)}</bdi></code>",
            *map(escape.markup, (item.client or "", str(item.servers), item.status, item.reason or "")),
        )
        for item in report.inputs
    ]
    yield from _table("The files that were looked at", ("File", "Client", "Servers", "Status", "Reason"), rows)


def _name(name: str | None) -> str:
    return "" if name is None else f"<bdi>{escape.markup(name) or '(no name)'}</bdi>"


def _table(
    caption: str, head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "", of: Callable[[int], str] = lambda column: ""
) -> Iterator[str]:
    """A table of cells that are markup already; the first of each row is its heading. A cell that says a confidence has it as its class."""
    label = escape.markup(caption)
    yield f'<div class="wide" role="group" aria-label="{label}" tabindex="0">'
    yield f'<table class="{kind}">' if kind else "<table>"
    yield f"<caption>{label}</caption>"
    heading = "".join(f'<th scope="col"{_class(of(column))}>{cell}</th>' for column, cell in enumerate(head))
    yield f"<thead><tr>{heading}</tr></thead>"
    yield "<tbody>"
    for row in rows:
        first, *others = row
        data = "".join(f"<td{_class(_cell(of(column), cell))}>{cell}</td>" for column, cell in enumerate(others, 1))
        yield f'<tr><th scope="row">{first}</th>{data}</tr>'
    yield "</tbody>"
    yield "</table>"
    yield "</div>"


def _cell(kind: str, cell: str) -> str:
    return f"{kind} {cell}" if kind == "cap" and cell else kind


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
