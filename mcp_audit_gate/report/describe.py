"""A rule as SARIF declares it: RuleInfo in, reportingDescriptor out."""

from __future__ import annotations

import re

from mcp_audit_gate import HOME
from mcp_audit_gate.report.words import LEVELS
from mcp_audit_gate.rules.surfaces import examples

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from mcp_audit_gate.model import RuleInfo

# GitHub shows above 9.0 as critical, from 7.0 as high, from 4.0 as medium, above 0 as low; info has no band.
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
_LONGEST = 1024
_TAGS = 10


def descriptor(om: ModuleType, rule: RuleInfo, severity: str) -> Any:
    """The rule with the severity in force in this run."""
    severity = severity if severity in LEVELS else rule.severity
    properties: dict[str, Any] = {"tags": tags(rule), "precision": rule.precision}
    if severity in SCORES:
        properties["security-severity"] = SCORES[severity]
    return om.ReportingDescriptor(
        id=rule.id,
        name="".join(part.capitalize() for part in rule.id.split("-")),
        short_description=om.MultiformatMessageString(text=_sentence(rule.title)),
        full_description=om.MultiformatMessageString(text=_sentence(rule.why)),
        help=om.MultiformatMessageString(text=_text(rule), markdown=_markdown(rule)),
        help_uri=f"{HOME}/blob/main/docs/rules.md#{rule.id}",
        message_strings={"default": om.MultiformatMessageString(text=f"{_braces(rule.title.rstrip('.'))}: '{{0}}'.")},
        default_configuration=om.ReportingConfiguration(level=LEVELS[severity]),
        properties=properties,
    )


def tags(rule: RuleInfo) -> list[str]:
    """At most ten different tags: what GitHub filters by."""
    weaknesses = [f"external/cwe/cwe-{int(found):03}" for reference in rule.references for found in re.findall(r"CWE-(\d+)", reference)]
    return list(dict.fromkeys(("security", "mcp", rule.family, *weaknesses)))[:_TAGS]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    text = text if text.endswith(".") else f"{text}."
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}…."


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _text(rule: RuleInfo) -> str:
    parts = (rule.why, f"Looked at: {rule.looks_at}", f"Fix: {rule.fix}", f"References: {', '.join(rule.references)}." if rule.references else "")
    return "\n".join(part for part in parts if part)


def _markdown(rule: RuleInfo) -> str:
    parts = [rule.why, f"**Looked at:** {rule.looks_at}", f"**Fix:** {rule.fix}"]
    for label, (path, text) in zip(("Bad", "Good"), examples(rule)):
        if text:
            parts += [f"**{label}** (`{path}`):", fenced(text, path)]
    if rule.references:
        parts.append("**References:** " + ", ".join(f"<{item}>" if item.startswith("https://") else item for item in rule.references))
    return "\n\n".join(parts) + "\n"


def fenced(text: str, path: str) -> str:
    """A block of code, its fence longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    language = {"json": "json", "jsonc": "json", "toml": "toml", "yaml": "yaml", "yml": "yaml", "md": "markdown", "diff": "diff"}.get(
        path.rsplit(".", 1)[-1], ""
    )
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
