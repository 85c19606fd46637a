"""The rule catalogue for people: one rule's page, and the list of all in text, JSON and Markdown."""

from __future__ import annotations

from mcp_audit_gate.errors import UsageError, suggestion
from mcp_audit_gate.gate import RULES
from mcp_audit_gate.rules.surfaces import examples

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import RuleInfo


def explain(rule_id: str) -> str:
    """The page of a rule as text. Raises UsageError with the nearest id for an unknown one."""
    known = {rule.info.id: rule.info for rule in RULES}
    if rule_id not in known:
        raise UsageError(f"there is no rule {rule_id!r}", f"mcp-audit rules lists them{suggestion(rule_id, tuple(known))}")
    return _page(known[rule_id])


def _page(info: RuleInfo) -> str:
    from textwrap import fill

    parts = [f"{info.id} ({info.severity}, family {info.family})", "", f"{info.title}.", ""]
    for heading, text in (("Why it matters", info.why), ("What is looked at", info.looks_at), ("Fix", info.fix)):
        parts += [heading, fill(text, 96, initial_indent="  ", subsequent_indent="  "), ""]
    for heading, (path, text) in zip(("Bad example", "Good example"), examples(info)):
        parts += [f"{heading}: {path}", *("  " + line for line in text.rstrip("\n").split("\n")), ""]
    parts.append("Needs: " + ", ".join(info.needs))
    parts.append("References: " + (", ".join(info.references) or "none"))
    return "\n".join(parts) + "\n"


def listing(form: str) -> str:
    """All rules as `text`, `json` or `markdown`."""
    infos = [rule.info for rule in RULES]
    if form == "json":
        import json

        return json.dumps([_members(info) for info in infos], indent=2, ensure_ascii=False) + "\n"
    if form == "markdown":
        return _markdown(infos)
    width = max(len(info.id) for info in infos)
    return "".join(f"{info.id:{width}}  {info.severity:8}  {info.title}\n" for info in infos)


def _members(info: RuleInfo) -> dict[str, object]:
    bad, good = ({"path": path, "text": text} for path, text in examples(info))
    return {
        "id": info.id,
        "family": info.family,
        "severity": info.severity,
        "title": info.title,
        "needs": list(info.needs),
        "why": info.why,
        "looks_at": info.looks_at,
        "fix": info.fix,
        "references": list(info.references),
        "bad": bad,
        "good": good,
    }


def _markdown(infos: list[RuleInfo]) -> str:
    lines = [
        "# Rules",
        "",
        "Made from the code by `mcp-audit rules -o markdown`; do not edit.",
        "",
        "| rule | severity | family | what it finds |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| [`{info.id}`](#{info.id}) | {info.severity} | {info.family} | {info.title} |" for info in infos]
    for info in infos:
        lines += [
            "",
            f"## {info.id}",
            "",
            f"**{info.severity}** · family {info.family} · needs {', '.join(info.needs)}",
            "",
            f"{info.title}.",
            "",
            f"**Why.** {info.why}",
            "",
        ]
        lines += [f"**Looks at.** {info.looks_at}", "", f"**Fix.** {info.fix}", ""]
        for heading, (path, text) in zip(("Bad", "Good"), examples(info)):
            lines += [f"{heading}, `{path}`:", "", "```" + path.rpartition(".")[2], *text.rstrip("\n").split("\n"), "```", ""]
        lines.append("References: " + (", ".join(info.references) or "none"))
    return "\n".join(lines) + "\n"
