"""Findings as cards of a page: findings of one report in, markup out."""

from __future__ import annotations

from mcp_audit_gate import HOME
from mcp_audit_gate.report import escape, words
from mcp_audit_gate.report.excerpt import Excerpts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.model import Finding, Location, Report

_WIDTH = 240


class Cards:
    """The cards of one page; why a rule matters is told with its first finding."""

    def __init__(self, report: Report) -> None:
        self._excerpts = Excerpts(report.documents)
        self._rules = {rule.id: rule for rule in report.rules}
        self._told: set[str] = set()

    def all(self, findings: Iterable[Finding]) -> Iterator[str]:
        """A card for each finding."""
        for finding in findings:
            yield from self._card(finding)

    def _card(self, finding: Finding) -> Iterator[str]:
        text = escape.markup
        yield f'<article class="finding {finding.severity}">'
        rule = f'<a href="{HOME}/blob/main/docs/rules.md#{text(finding.rule)}"><code>{text(finding.rule)}</code></a>'
        server = "" if finding.server is None else f"<span>server <bdi>{text(finding.server) or '(no name)'}</bdi></span>"
        yield f'<p class="labels"><span class="badge {finding.severity}">{finding.severity}</span>{rule}{server}</p>'
        yield f"<h3>{text(finding.message)}</h3>"
        yield from self._source(finding)
        if finding.status in ("waived", "baseline"):
            yield f"<p>{text(words.sentence(words.excuse(finding)))}</p>"
        elif finding.remediation:
            yield f"<p><strong>Fix:</strong> {text(finding.remediation)}</p>"
        for location in finding.related:
            yield f'<p class="small">See also <code>{place(location)}</code></p>'
        yield from self._why(finding)
        yield f'<p class="small">Fingerprint <code>{text(finding.fingerprint)}</code></p>'
        yield "</article>"

    def _source(self, finding: Finding) -> Iterator[str]:
        """The place, and the line there with the value marked."""
        text = escape.markup
        yield f'<p class="where"><code>{place(finding.location)}</code></p>'
        rule = self._rules.get(finding.rule)
        excerpt = self._excerpts.at(finding.location, _WIDTH, rule is not None and rule.family == "secrets")
        if excerpt is None:
            return
        end = excerpt.at + len(excerpt.value)
        value = f"<mark>{text(excerpt.value)}</mark>" if excerpt.value else ""
        line = f"{text(excerpt.text[: excerpt.at])}{value}{text(excerpt.text[end:])}"
        yield f"<pre><span><i>{finding.location.start_line}</i>{line}</span></pre>"

    def _why(self, finding: Finding) -> Iterator[str]:
        rule = self._rules.get(finding.rule)
        if rule is None or finding.rule in self._told:
            return
        self._told.add(finding.rule)
        yield f"<details><summary>Why {escape.markup(finding.rule)} matters</summary><p>{escape.markup(rule.why)}</p></details>"


def place(location: Location) -> str:
    """Path, line and column as markup."""
    return f"<bdi>{escape.markup(location.path)}:{location.start_line}:{location.start_column}</bdi>"
