"""Whole reports about hostile names, paths and texts: each format is what its own readers expect, and nothing in it is active."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fuzz.draw import Draw
from fuzz.oracles.reports import CHECKS
from fuzz.target import Target, agree
from mcp_audit_gate.model import (
    RANK,
    Capability,
    Change,
    Drift,
    Entry,
    Finding,
    Input,
    Launch,
    Location,
    Mode,
    NotAssessed,
    Report,
    Risk,
    RuleInfo,
    Server,
    Verdict,
)
from mcp_audit_gate.report import Look, write
from mcp_audit_gate.sources.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable

_KNOWN = (
    ("plain-http", "transport", "high"),
    ("literal-secret", "secrets", "critical"),
    ("description-changed", "drift", "low"),
    ("some-note", "flow", "info"),
)
_LOOKS_LIKE = (".mcp.json", '{"bad": "```"}\n')
RULES = tuple(
    RuleInfo(name, family, severity, f"The fault {name}", "Why.", "What.", "Mend it.", ("CWE-319",), _LOOKS_LIKE, _LOOKS_LIKE)
    for name, family, severity in _KNOWN
)
STATUSES = ("blocking", "reported", "waived", "baseline")
CAPABILITIES = ("shell_execution", "network", "file_write", "exfiltration")


def drawn_report(draw: Draw) -> Report:
    """A report in which every text from outside is hostile; what the program itself says (rules, severities, levels) is not."""
    paths = [draw.text() or "x" for _ in range(2 + draw.number(2))]
    documents = {path: document(draw, path) for path in paths[1:]}

    def place() -> Location:
        path = draw.choice(paths)
        if path in documents:
            known = documents[path]
            start = draw.number(len(known.text) + 1)
            return known.lines.location(path, start, min(len(known.text), start + draw.number(40)))
        line, column = 1 + draw.number(9), 1 + draw.number(300)
        return Location(path, line, column, line + draw.number(2), column + draw.number(9))

    def finding() -> Finding:
        rule = draw.choice(RULES)
        status = draw.choice(STATUSES)
        waiver = {"rule": rule.id, "reason": draw.text(), "owner": draw.text(), "expires": "2027-01-31"} if status == "waived" else None
        related = tuple(draw.many(place, 1))
        about = draw.text() if draw.flag() else None, draw.choice(("", "/args/1", "tool:")) + draw.text()
        prints = f"{draw.number(65536):04x}" * 4
        return Finding(rule.id, draw.choice(tuple(RANK)), draw.text() or "x", *about, place(), related, prints, draw.text(), status, waiver)

    def server() -> Server:
        entry = Entry(SimpleNamespace(path=draw.choice(paths)), "x", draw.text(), "server", {}, (), (), (Launch(transport="stdio"),))
        able = tuple(Capability(draw.text(), kind, "low", draw.text()) for kind in draw.many(lambda: draw.choice(CAPABILITIES), 2))
        return Server(entry, place(), draw.object(), draw.flag(), able, Risk(1.5, (("network", "low", 1.5),)), tuple(draw.many(draw.text, 1)))

    def gap() -> NotAssessed:
        return NotAssessed(
            draw.text() or "x", draw.choice((None, *paths)), draw.choice((None, draw.text())), draw.text() or "x", draw.choice((None, draw.text()))
        )

    def change() -> Drift:
        before, after = [draw.choice((None, draw.text(), "\n".join(draw.many(draw.text, 6)), draw.json())) for _ in range(2)]
        return Drift(Change("description-changed", draw.text(), draw.text(), (), (), before, after, draw.text() or "x"), None, None)

    findings = sorted(draw.many(finding, 4), key=lambda one: -RANK[one.severity])
    return Report(
        Mode(draw.flag(), draw.text() or "x", draw.choice((None, draw.text())), draw.choice((None, draw.text()))),
        tuple(
            Input(
                path, draw.choice((None, "x")), draw.text(), documents[path].data, 1, draw.choice(("parsed", "excluded", "unreadable")), draw.text()
            )
            for path in documents
        ),
        tuple(draw.many(server, 2)),
        tuple(findings),
        tuple(draw.many(gap, 2)),
        Verdict(draw.choice(("passed", "failed", "incomplete", "empty")), draw.choice((0, 1, 3, 4)), tuple(draw.many(draw.text, 2))),
        RULES,
        {rule.id: rule.severity for rule in RULES},
        documents,
        tuple(draw.many(change, 1)),
    )


def document(draw: Draw, path: str) -> Document:
    """A config with hostile lines; nothing in it is known to be a secret."""
    text = draw.choice(("\n", "\r\n", "")).join(draw.many(draw.utf8, 6))
    value: dict[str, Any] = {}
    return Document(path, text.encode(), text, value, lambda: _Nothing())


class _Nothing:
    """An index without members."""

    def root(self) -> int:
        return 0

    def span(self, node: int) -> tuple[int, int]:
        return 0, 0

    def members(self, node: int) -> dict[str | int, list[tuple[int, int, int]]]:
        return {}


def checker(form: str) -> Callable[[bytes], None]:
    """Writes a drawn report in one format and looks at it with that format's oracle."""

    def check(data: bytes) -> None:
        draw = Draw(data)
        look = Look(draw.choice((100, 40, 0)), draw.flag(), draw.choice((0, 1, -1)))
        report = drawn_report(draw)
        written = write(form, report, look)
        CHECKS[form](written.decode("utf-8"))
        if not written.endswith(b"\n"):
            agree("the last character", written[-1:], b"\n")
        agree("the bytes of the same report", write(form, report, look), written)

    return check


TARGETS = {f"report-{form}": Target(checker(form), None, (), 400) for form in CHECKS}
