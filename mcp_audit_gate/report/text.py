"""The report for a person at a terminal: findings with their source line, servers, what was not assessed, the verdict."""

from __future__ import annotations

from mcp_audit_gate.model import RANK, SEVERITIES
from mcp_audit_gate.report import escape, words
from mcp_audit_gate.report.excerpt import Excerpts, cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Finding, Location, NotAssessed, Report, Server
    from mcp_audit_gate.report import Look

_SGR = {"error": "1;31", "warning": "1;33", "note": "1;36", "waived": "1;36", "good": "1;32", "bold": "1", "place": "34"}
_RESULTS = {"passed": "good", "empty": "warning"}
_INDENT = "    "
_COLUMN = 24  # names of servers are lined up to here


def write(report: Report, look: Look) -> bytes:
    """The report as lines for a terminal of `look.width` columns."""
    page = _Page(report, look)
    parts = (page.findings(), page.servers(), page.not_assessed(), page.verdict())
    return "".join([f"{escape.line(line)}\n" for part in parts for line in part]).encode()


class _Page:
    """What one run of the writer shows, how wide and in which colours."""

    def __init__(self, report: Report, look: Look) -> None:
        self._report = report
        self._look = look
        self._width = max(40, look.width or 100)
        self._families = {rule.id: rule.family for rule in report.rules}
        self._excerpts = Excerpts(report.documents)
        self._told: set[tuple[str, str]] = set()

    def findings(self) -> Iterator[str]:
        """Every finding at or above the level asked for, with -q only what blocks; then how many are below the level."""
        least, hidden = RANK[self._look.min_severity], 0
        for finding in self._report.findings:
            if self._look.verbosity < 0 and finding.status != "blocking":
                continue
            if RANK[finding.severity] < least:
                hidden += 1
            else:
                yield from self._finding(finding)
        if hidden:
            yield from self._prose("", f"{words.number(hidden, 'finding')} below {SEVERITIES[least]} not shown; the verdict counts all of them.")
            yield ""

    def _finding(self, finding: Finding) -> Iterator[str]:
        word = "waived" if finding.status == "waived" else words.LEVELS[finding.severity]
        yield from self._prose(f"{word}[{finding.rule}]: ", escape.message(words.message(finding)), word)
        yield f"  {self._paint('-->', 'place')} {_place(finding.location)}"
        if self._look.verbosity >= 0:
            if finding.status != "waived":
                yield from self._source(finding)
            yield from self._advice(finding)
            yield ""

    def _source(self, finding: Finding) -> Iterator[str]:
        number = str(finding.location.start_line)
        secret = self._families.get(finding.rule) == "secrets"
        excerpt = self._excerpts.at(finding.location, self._width - len(number) - 4, secret)
        if excerpt is None:
            return
        carets = self._paint("^" * excerpt.width, words.LEVELS[finding.severity])
        yield f" {self._paint(f'{number} |', 'place')} {excerpt.text}"
        yield f" {self._paint(' ' * len(number) + ' |', 'place')} {' ' * excerpt.start}{carets}"

    def _advice(self, finding: Finding) -> Iterator[str]:
        """What else belongs to the finding; advice that was given before is not repeated unless -v asks for it."""
        for location in finding.related:
            yield f"  = see {_place(location)}"
        if finding.status in ("waived", "baseline"):
            yield from self._prose("  = ", escape.message(words.excuse(finding)))
            return
        if self._look.verbosity > 0:
            yield f"  = {finding.severity}, {finding.status}, {escape.terminal(finding.fingerprint)}"
        if finding.remediation and self._new(finding.rule, finding.remediation):
            yield from self._prose("  = fix: ", escape.message(finding.remediation))
        if self._new(finding.rule, ""):
            yield f"  = mcp-audit explain {finding.rule}"

    def _new(self, rule: str, advice: str) -> bool:
        if self._look.verbosity <= 0 and (rule, advice) in self._told:
            return False
        self._told.add((rule, advice))
        return True

    def servers(self) -> Iterator[str]:
        """A line per server: risk, name, capabilities, place."""
        if self._look.verbosity < 0 or not self._report.servers:
            return
        yield self._paint("Servers, with risk from 0.0 to 10.0", "bold")
        names = [cells(escape.name(server.entry.name)) for server in self._report.servers]
        column = max((size for size in names if size <= _COLUMN), default=0)
        for server, size in zip(self._report.servers, names):
            yield from self._server(server, " " * max(0, column - size))
        yield ""

    def _server(self, server: Server, blank: str) -> Iterator[str]:
        about = ", ".join(words.capabilities(server)) or "no capability known"
        line = f"{about}; {escape.terminal(server.location.path)}:{server.location.start_line}"
        yield from self._prose(f"  {server.risk.score:4.1f}  {escape.name(server.entry.name)}{blank}  ", line)
        if self._look.verbosity > 0:
            for part in (*words.risk_parts(server.risk), f"rests on: {', '.join(server.evidence) or 'nothing'}"):
                yield from self._prose(f"{_INDENT}    ", escape.message(part))

    def not_assessed(self) -> Iterator[str]:
        """What could not be read, started or finished, with the reason and what to try."""
        if not self._report.not_assessed:
            return
        yield self._paint("Not assessed", "bold")
        for item in self._report.not_assessed:
            yield from self._gap(item)
        yield ""

    def _gap(self, item: NotAssessed) -> Iterator[str]:
        server = f" server {escape.name(item.server)}" if item.server is not None else ""
        yield f"  {escape.terminal(item.path) if item.path is not None else escape.name(item.what)}{server}"
        about = f"{item.what}: {item.reason}" if item.path is not None else item.reason
        yield from self._prose(_INDENT, escape.message(about))
        if item.hint:
            yield from self._prose(f"{_INDENT}= ", escape.message(item.hint))

    def verdict(self) -> Iterator[str]:
        """What the run was about, then the verdict, last because a terminal shows the end."""
        report = self._report
        if self._look.verbosity >= 0:
            for excluded in (item for item in report.inputs if item.status == "excluded"):
                yield f"excluded by the policy: {escape.terminal(excluded.path)}"
            yield from self._prose("", escape.message(words.scope(report)))
        kind = _RESULTS.get(report.verdict.result, "error")
        yield from self._prose(f"{report.verdict.result}: ", words.counts(report), kind)
        for reason in report.verdict.reasons:
            yield from self._prose("  ", escape.message(reason))
        if self._look.verbosity >= 0 and (command := words.waiving(report)):
            told = "" if self._look.verbosity else "; -v shows fingerprints"
            yield from self._prose("  = ", f"to let one through until a day: {command}{told}")

    def _prose(self, prefix: str, text: str, colour: str = "") -> Iterator[str]:
        for number, line in enumerate(_wrap(prefix, text, self._width)):
            label = len(prefix.rstrip(": ")) if colour and not number else 0
            yield (self._paint(line[:label], colour) + line[label:]) if label else line

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{_SGR[colour]}m{text}\x1b[0m" if self._look.colour else text


def _place(location: Location) -> str:
    return f"{escape.terminal(location.path)}:{location.start_line}:{location.start_column}"


def _wrap(prefix: str, text: str, width: int) -> Iterator[str]:
    """The text in lines of at most `width` cells, where its words allow; the first begins with `prefix`."""
    line, used, fresh = prefix, cells(prefix), not prefix.strip()
    glue = ""
    for word in text.split(" "):
        size = cells(word)
        if not fresh and used + len(glue) + size > width:
            yield line.rstrip()
            line, used, glue = _INDENT, len(_INDENT), ""
        line, used, fresh = f"{line}{glue}{word}", used + len(glue) + size, False
        glue = " "
    yield line.rstrip()
