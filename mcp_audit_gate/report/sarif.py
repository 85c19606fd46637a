"""SARIF 2.1.0 for code scanning, through the classes of sarif-om."""

from __future__ import annotations

from mcp_audit_gate import HOME, __version__
from mcp_audit_gate.report import describe, escape
from mcp_audit_gate.report.excerpt import Excerpts
from mcp_audit_gate.report.json import encode
from mcp_audit_gate.report.linehash import of_findings
from mcp_audit_gate.report.words import LEVELS, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType
    from typing import Any

    from mcp_audit_gate.model import Finding, Location, NotAssessed, Report
    from mcp_audit_gate.report import Look
    from mcp_audit_gate.report.json import Value

LIMIT = 5000
_WIDTH = 240
_BASE = "%SRCROOT%"
_NO_PLACE = (1, 1, 1, 1)
_UNSHOWN = "(not shown)"
_UNSAID = ("contents", "language", "newlineSequences")


def write(report: Report, look: Look) -> bytes:
    """A run with every rule, and a result for each finding that is not waived, at most 5000."""
    import sarif_om as om

    log = _plain(_Run(om, report, look).log(), {})
    return encode(dict(sorted(log.items())) if isinstance(log, dict) else log)


def _plain(value: Any, plans: dict[type, dict[str, str]]) -> Value:
    """The objects as JSON values. Unlike jschema_to_python.to_json it keeps `level: warning` and `kind: fail`, the schema's defaults."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item, plans) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, plans) for key, item in value.items()}
    kind = type(value)
    if kind not in plans:
        plans[kind] = {field.name: field.metadata["schema_property_name"] for field in kind.__attrs_attrs__}
    names = plans[kind]
    said = ((names[name], item) for name, item in vars(value).items() if item is not None and item != -1)
    return {name: _plain(item, plans) for name, item in said if name not in _UNSAID}


class _Run:
    """One run of the writer."""

    def __init__(self, om: ModuleType, report: Report, look: Look) -> None:
        self._om = om
        self._report = report
        self._look = look
        self._excerpts = Excerpts(report.documents)
        self._families = {rule.id: rule.family for rule in report.rules}
        self._index = {rule.id: index for index, rule in enumerate(report.rules)}
        self._open = [finding for finding in report.findings if finding.status != "waived"]
        self._hashes = self._line_hashes(self._open[:LIMIT])

    def log(self) -> Any:
        """The whole file."""
        om, look = self._om, self._look
        run = om.Run(
            tool=self._tool(),
            invocations=[self._invocation()],
            automation_details=None if look.category is None else om.RunAutomationDetails(id=f"{look.category.rstrip('/')}/"),
            original_uri_base_ids={_BASE: om.ArtifactLocation(description=om.Message(text="The root of the checkout."))},
            version_control_provenance=self._provenance(),
            column_kind="unicodeCodePoints",
            results=[self._result(finding) for finding in self._open[:LIMIT]],
            properties=self._embedded(),
        )
        return om.SarifLog(version="2.1.0", schema_uri="https://json.schemastore.org/sarif-2.1.0.json", runs=[run])

    def _embedded(self) -> Any:
        """A part's whole report, so that `merge` needs nothing else."""
        if self._report.shard is None:
            return None
        from mcp_audit_gate.report.json import document
        from mcp_audit_gate.report.shard import EMBEDDED

        return {EMBEDDED: document(self._report)}

    def _tool(self) -> Any:
        driver = self._om.ToolComponent(
            name="mcp-audit-gate",
            organization="mcp-audit-gate",
            version=__version__,
            semantic_version=__version__,
            information_uri=HOME,
            rules=[describe.descriptor(self._om, rule, self._report.severities.get(rule.id, rule.severity)) for rule in self._report.rules],
        )
        return self._om.Tool(driver=driver)

    def _invocation(self) -> Any:
        notes = [self._gap(item) for item in self._report.not_assessed]
        if len(self._open) > LIMIT:
            text = f"{number(len(self._open), 'finding')}, of which the {LIMIT} most severe are in this file; the JSON report has all."
            notes.append(self._om.Notification(level="warning", message=self._om.Message(text=text)))
        return self._om.Invocation(
            execution_successful=not self._report.not_assessed,
            exit_code=self._report.verdict.exit_code,
            tool_execution_notifications=notes or None,
        )

    def _gap(self, item: NotAssessed) -> Any:
        about = f" of server '{item.server}'" if item.server is not None else ""
        text = escape.sarif_message(f"Not assessed: {item.what}{about}: {item.reason}")
        place = (
            None
            if item.path is None
            else [self._om.Location(physical_location=self._om.PhysicalLocation(artifact_location=self._artifact(item.path)))]
        )
        return self._om.Notification(level="error", message=self._om.Message(text=text), locations=place)

    def _provenance(self) -> Any:
        known = self._look.provenance
        if known is None:
            return None
        at = self._om.ArtifactLocation(uri_base_id=_BASE)
        return [
            self._om.VersionControlDetails(
                repository_uri=known.repository, revision_id=known.revision, branch=known.branch and escape.terminal(known.branch), mapped_to=at
            )
        ]

    def _result(self, finding: Finding) -> Any:
        om = self._om
        text = escape.sarif_message(finding.message)
        related = [self._related(number, location) for number, location in enumerate(finding.related, 1)]
        return om.Result(
            rule_id=finding.rule,
            rule_index=self._index[finding.rule],
            level=LEVELS[finding.severity],
            message=om.Message(text=text, id="default", arguments=[text.rstrip(".") or text]),
            locations=[om.Location(physical_location=self._place(finding), logical_locations=self._logical(finding))],
            related_locations=related or None,
            partial_fingerprints=self._fingerprints(finding),
            fixes=self._fixes(finding),
        )

    def _fixes(self, finding: Finding) -> Any:
        """The edits that take the finding away: what goes is named by its region alone, since it may be a secret."""
        om, fix = self._om, self._report.fixes.get(finding.fingerprint)
        if fix is None:
            return None
        edits = [
            om.Replacement(deleted_region=self._region(edit.location, ""), inserted_content=om.ArtifactContent(text=edit.text) if edit.text else None)
            for edit in fix.edits
        ]
        change = om.ArtifactChange(artifact_location=self._artifact(finding.location.path), replacements=edits)
        return [om.Fix(description=om.Message(text=escape.sarif_message(f"{fix.words[:1].upper()}{fix.words[1:]}.")), artifact_changes=[change])]

    def _place(self, finding: Finding) -> Any:
        location = finding.location
        excerpt = self._excerpts.at(location, _WIDTH, self._families.get(finding.rule) == "secrets")
        snippet = _UNSHOWN if excerpt is None else excerpt.value or _UNSHOWN
        return self._om.PhysicalLocation(
            artifact_location=self._artifact(location.path),
            region=self._region(location, snippet),
            context_region=self._context(location),
        )

    def _related(self, number: int, location: Location) -> Any:
        place = self._om.PhysicalLocation(artifact_location=self._artifact(location.path), region=self._region(location, ""))
        return self._om.Location(id=number, physical_location=place, message=self._om.Message(text="Belongs to it."))

    def _artifact(self, path: str) -> Any:
        return self._om.ArtifactLocation(uri=escape.uri(path), uri_base_id=_BASE)

    def _region(self, location: Location, snippet: str) -> Any:
        return self._om.Region(
            start_line=location.start_line,
            start_column=location.start_column,
            end_line=location.end_line,
            end_column=location.end_column,
            snippet=self._om.ArtifactContent(text=snippet) if snippet else None,
        )

    def _context(self, location: Location) -> Any:
        """The lines around the place, which Microsoft's validator wants even where there is no text to show."""
        first, last, text = self._excerpts.around(location, _WIDTH) or (location.start_line, location.end_line, _UNSHOWN)
        return self._om.Region(start_line=first, end_line=last, snippet=self._om.ArtifactContent(text=text or _UNSHOWN))

    def _logical(self, finding: Finding) -> Any:
        if finding.server is None:
            return None
        name = escape.terminal(f"{finding.server}{finding.subject}", 400) or "(no name)"
        return [self._om.LogicalLocation(fully_qualified_name=name, kind="member")]

    def _fingerprints(self, finding: Finding) -> dict[str, str]:
        prints = {"mcpAuditGate/v1": finding.fingerprint}
        line = self._hashes.get(finding.location.path, {}).get(finding.location.start_line)
        if line is not None and finding.location[1:] != _NO_PLACE:
            prints["primaryLocationLineHash"] = line
        return prints

    def _line_hashes(self, findings: Sequence[Finding]) -> Mapping[str, Mapping[int, str]]:
        known = self._report.hashes
        return of_findings(self._report, findings) if known is None else known
