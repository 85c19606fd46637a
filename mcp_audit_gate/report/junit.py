"""JUnit XML, valid for Jenkins' junit-10 schema: a suite per config, a case per entry and rule family."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report import escape, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Finding, Report, RuleInfo
    from mcp_audit_gate.report import Look

_NOWHERE = "mcp-audit"


class _Case(NamedTuple):
    """A test case; kind is its element: failure, error, skipped, system-out, or "" for a plain pass."""

    classname: str
    name: str
    kind: str = ""
    type: str = ""
    message: str = ""
    body: tuple[str, ...] = ()


def write(report: Report, look: Look) -> bytes:
    """All cases, the passing ones too; a failure for what blocks, an error for what was not assessed, skipped for what is excused."""
    suites = _suites(report)
    names, cases = _Names(), _Names()
    parts = [_suite(names.once(path), path, suites[path], cases) for path in sorted(suites)]
    counted = _counts([case for path in suites for case in suites[path]], ("tests", "failures", "errors"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="mcp-audit"{counted} time="0.000">\n{"".join(parts)}</testsuites>\n'.encode()


def _suites(report: Report) -> dict[str, list[_Case]]:
    """The cases of every file that declares a server, has a finding or was not assessed."""
    families = {rule.id: rule.family for rule in report.rules}
    groups: dict[str, dict[tuple[str | None, str], list[Finding]]] = {item.path: {} for item in report.inputs if item.servers}
    ran = sorted({rule.family for rule in report.rules if _could_run(rule, report)})
    for server in report.servers:
        group = groups.setdefault(server.location.path, {})
        for family in ran:
            group.setdefault((server.entry.name, family), [])
    for finding in report.findings:
        group = groups.setdefault(finding.location.path, {})
        group.setdefault((finding.server, families.get(finding.rule, finding.rule)), []).append(finding)
    suites = {path: [case for key, findings in group.items() for case in _cases(path, *key, findings)] for path, group in groups.items()}
    for item in report.not_assessed:
        about = item.what if item.server is None else f"{item.what} of {item.server}"
        body = (f"{item.path or item.what}: {item.reason}", *([item.hint] if item.hint else ()))
        suites.setdefault(item.path or _NOWHERE, []).append(
            _Case(item.path or _NOWHERE, f"not assessed: {about}", "error", "not-assessed", item.reason, body)
        )
    return suites


def _could_run(rule: RuleInfo, report: Report) -> bool:
    """Whether there was the evidence the rule needs; a rule without it has not passed."""
    there = {"config": True, "lock": report.mode.lock is not None, "surface": report.mode.lock is not None or report.mode.connect}
    there["trusted-ref"] = report.mode.trusted_ref is not None
    return all(there.get(need, False) for need in rule.needs)


def _cases(path: str, server: str | None, family: str, findings: list[Finding]) -> Iterator[_Case]:
    """One case for the family, and one more for each finding that is excused."""
    classname = path if server is None else f"{path}: {server}"
    blocking = [finding for finding in findings if finding.status == "blocking"]
    reported = [finding for finding in findings if finding.status == "reported"]
    if blocking:
        first, more = blocking[0], len(blocking) - 1
        message = first.message + (f" (and {more} more)" if more else "")
        yield _Case(classname, family, "failure", first.rule, message, tuple(map(_line, (*blocking, *reported))))
    elif reported or not findings:
        yield _Case(classname, family, "system-out" if reported else "", body=tuple(map(_line, reported)))
    for finding in findings:
        if finding.status in ("waived", "baseline"):
            yield _Case(
                classname, f"{family}: {finding.rule} {finding.subject}".rstrip(), "skipped", finding.rule, words.excuse(finding), (_line(finding),)
            )


def _line(finding: Finding) -> str:
    """The place first: mikepenz/action-junit-report searches the body for ` PATH:LINE`."""
    place = finding.location
    return f"{place.path}:{place.start_line}:{place.start_column} {finding.rule}: {finding.message}"


class _Names:
    """Gives a number to what was there before: of two cases of one name GitLab counts the first only."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def once(self, *parts: str) -> str:
        """The last part, with a number where the same parts came before; names that differ only in what is cut or escaped too."""
        shown = [visible(part, 500) or "(no name)" for part in parts]
        name = shown[-1]
        while (key := "\0".join((*shown[:-1], name))) in self._seen:
            self._seen[key] += 1
            name = f"{shown[-1]} ({self._seen[key]})"
        self._seen[key] = 1
        return name


def _suite(name: str, path: str, cases: list[_Case], names: _Names) -> str:
    counted = _counts(cases, ("tests", "failures", "errors", "skipped"))
    file = "" if path == _NOWHERE else f' file="{escape.markup(path)}"'
    inside = "".join([_case(case, names) for case in cases])
    return f'  <testsuite name="{escape.markup(name)}"{file}{counted} time="0.000">\n{inside}  </testsuite>\n'


def _counts(cases: list[_Case], attributes: tuple[str, ...]) -> str:
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    numbers = {name: sum(case.kind == kinds[name] for case in cases) if name in kinds else len(cases) for name in attributes}
    return "".join(f' {name}="{number}"' for name, number in numbers.items())


def _case(case: _Case, names: _Names) -> str:
    classname = visible(case.classname, 500) or "(no name)"
    start = f'    <testcase classname="{escape.markup(classname)}" name="{escape.markup(names.once(classname, case.name))}" time="0.000"'
    if not case.kind:
        return f"{start}/>\n"
    attributes = "" if case.kind == "system-out" else f' type="{escape.markup(case.type)}" message="{escape.markup(escape.message(case.message))}"'
    body = "\n".join([f" {escape.unled(escape.markup(line))}" for line in case.body])
    return f"{start}>\n      <{case.kind}{attributes}>{body}</{case.kind}>\n    </testcase>\n"
