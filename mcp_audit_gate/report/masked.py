"""The report as it may be shown: names, messages and waivers that repeat a credential are masked before any format is written."""

from __future__ import annotations

from mcp_audit_gate.metadata.credentials import mask, masked_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Drift, Finding, Json, NotAssessed, Report, Server
    from mcp_audit_gate.part import Shard


def masked(report: Report) -> Report:
    """The report with `<secret>` for each credential that someone wrote where a name or a reason belongs."""
    return report._replace(
        servers=tuple(map(_server, report.servers)),
        findings=tuple(map(_finding, report.findings)),
        not_assessed=tuple(map(_gap, report.not_assessed)),
        changes=tuple(map(_drift, report.changes)),
        verdict=report.verdict._replace(reasons=tuple(map(masked_name, report.verdict.reasons))),
        shard=report.shard and _shard(report.shard),
    )


def _shard(shard: Shard) -> Shard:
    waivers = (item._replace(unused=_finding(item.unused), ended=_finding(item.ended)) for item in shard.waivers)
    return shard._replace(told=tuple(map(masked_name, shard.told)), waivers=tuple(waivers), elsewhere=tuple(map(_gap, shard.elsewhere)))


def _server(server: Server) -> Server:
    name = masked_name(server.entry.name)
    if name != server.entry.name:
        server = server._replace(entry=server.entry._replace(name=name))
    capabilities = tuple(item._replace(subject=masked_name(item.subject), evidence=masked_name(item.evidence)) for item in server.capabilities)
    return server if capabilities == server.capabilities else server._replace(capabilities=capabilities)


def _finding(finding: Finding) -> Finding:
    """The finding; its path stays, since it names the place."""
    waiver = finding.waiver and {key: mask(value) if isinstance(value, str) and key != "path" else value for key, value in finding.waiver.items()}
    message, server, subject = masked_name(finding.message), _named(finding.server), masked_name(finding.subject)
    if (message, server, subject, waiver) == (finding.message, finding.server, finding.subject, finding.waiver):
        return finding
    return finding._replace(message=message, server=server, subject=subject, waiver=waiver)


def _drift(drift: Drift) -> Drift:
    change = drift.change
    masked = change._replace(
        server=masked_name(change.server),
        subject=masked_name(change.subject),
        message=masked_name(change.message),
        before=_value(change.before),
        after=_value(change.after),
    )
    return drift._replace(change=masked)


def _value(value: Json) -> Json:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    return {mask(key): _value(item) for key, item in value.items()} if isinstance(value, dict) else value


def _gap(item: NotAssessed) -> NotAssessed:
    return item._replace(server=_named(item.server), reason=masked_name(item.reason))


def _named(name: str | None) -> str | None:
    return None if name is None else masked_name(name)
