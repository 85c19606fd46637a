"""Whole scans of one hostile config: nothing fails, nothing unread passes, every place lies in the file, every report is sound."""

from __future__ import annotations

import os
import re
import tempfile
from datetime import date
from typing import TYPE_CHECKING, Any

from fuzz.oracles import jsonc
from fuzz.oracles.reports import CHECKS
from fuzz.target import Target, agree, vocabulary, wrong
from fuzz.targets.places import leaves, text_of, with_leaf
from mcp_audit_gate import gate
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.fix.edits import Part, edited, edits_of
from mcp_audit_gate.model import Place
from mcp_audit_gate.policy.load import built_in
from mcp_audit_gate.report import Look, write
from mcp_audit_gate.sources.discover import WorkingTree
from mcp_audit_gate.sources.parse import parse

if TYPE_CHECKING:
    from mcp_audit_gate.model import Location, Report

FILES = (".mcp.json", ".vscode/mcp.json", ".codex/config.toml", ".claude/settings.json", ".continue/mcpServers/x.yaml", ".github/agents/x.agent.md")
SETTINGS = gate.Settings(date(2026, 11, 22), policy=built_in())
FORMS = ("text", "json", "junit", "github", "markdown", "sarif", "html")
# Codes that say that something was found, or could not be read, or is not there; 0 says that all is well.
CODES = (0, 1, 3, 4)
_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")


def scanned(name: str, data: bytes) -> Report:
    """The report on a repository that holds this one file."""
    root = _FOLDER.name
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    try:
        return gate.scan(WorkingTree(root), (root,), SETTINGS)
    finally:
        os.unlink(path)


def check_scan(data: bytes) -> None:
    """A scan ends with one of the codes; what no reader can read is incomplete; servers of a readable file are seen."""
    kind, data = data[:1] or b"\0", data[1:]
    name = FILES[kind[0] % len(FILES)]
    report = scanned(name, data)
    if report.verdict.exit_code not in CODES:
        wrong("the exit code", report.verdict)
    text = text_of(data)
    if name == ".mcp.json":
        check_servers(report, text)
    for finding in report.findings:
        for place in (finding.location, *finding.related):
            check_location(place, text or data.decode("utf-8-sig", "replace"))
    form = FORMS[kind[0] // len(FILES) % len(FORMS)]
    CHECKS[form](write(form, report, Look()).decode())


def check_servers(report: Report, text: str | None) -> None:
    """Every server of a readable file is in the report, and an unreadable one is not assessed."""
    try:
        value: Any = None if text is None else jsonc.read(text).value
        known = text is not None
    except jsonc.NotJson:
        known = False
    if not known:
        if report.verdict.exit_code != 4 or not any(gap.path == ".mcp.json" for gap in report.not_assessed):
            wrong("an unreadable file passes", text, report.verdict)
        return
    servers = value.get("mcpServers") if isinstance(value, dict) else None
    for name, entry in servers.items() if isinstance(servers, dict) else ():
        starts = isinstance(entry, dict) and any(isinstance(entry.get(key), str) and entry[key].strip() for key in ("command", "url"))
        if starts and name not in {server.entry.name for server in report.servers}:
            wrong("a server that is not seen", name, entry, report.verdict)


def check_location(place: Location, text: str) -> None:
    """The place lies in the text, and ends behind its beginning."""
    lines = [*re.split(r"\r\n|\r|\n", text)]
    for line, column in ((place.start_line, place.start_column), (place.end_line, place.end_column)):
        if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
            wrong("a place outside the file", place, text)
    if (place.end_line, place.end_column) < (place.start_line, place.start_column):
        wrong("a place that ends before it begins", place)


def work_scan(data: bytes) -> None:
    """Scans."""
    scanned(FILES[(data[:1] or b"\0")[0] % len(FILES)], data[1:])


SYNTAXES = ("json", "toml", "yaml")


def check_edit(data: bytes) -> None:
    """A slice of a string written over in the file is exactly that slice of that string, or is left alone."""
    syntax = SYNTAXES[(data[:1] or b"\0")[0] % 3]
    start, end = sorted((data + b"\0\0\0")[1:3])
    data = data[3:]
    try:
        (document,) = parse("x", data, syntax)
    except (Unreadable, ValueError):
        return
    if syntax == "yaml" and re.search(r"[&*]|<<", document.text):
        return  # what an alias means too would change with it
    for at, leaf in list(leaves(document.value))[:6]:
        if not isinstance(leaf, str) or any(isinstance(step, str) and document.text.count(step) > 1 for step in at):
            continue
        first, last = min(start % 8, len(leaf)), min(end % 8, len(leaf))
        first, last = min(first, last), max(first, last)
        edits = edits_of(document, [Part(Place(document, at), leaf, first, last, "Xy")])
        made = None if edits is None else edited(document, edits)
        if made is None:
            continue
        try:
            (after,) = parse("x", made, syntax)
        except (Unreadable, ValueError):
            wrong("an edit that breaks the file", at, document.text, made)
        agree("the value after an edit", after.value, with_leaf(document.value, at, leaf[:first] + "Xy" + leaf[last:]))


WORDS = vocabulary(
    '{ } [ ] , : "" {"mcpServers":{"a":{ "command":"npx" "url":"http://x.test" "args":["-y","x"] "env":{"K":"v"} "headers": "type":"sse" '
    "[mcp_servers.a] command= \"npx\" mcpServers: mcp-servers: enableAllProjectMcpServers permissions allow hooks ${X} sh -c docker run --privileged",
    "\n", "\n  ", "- ", ": ", "---\n", "\r\n", "// c\n",
)  # fmt: skip
TARGETS = {"scan": Target(check_scan, work_scan, WORDS, 600), "edit": Target(check_edit, None, WORDS, 400)}
