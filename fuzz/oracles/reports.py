"""What each kind of report may hold, from its own format's documents: schemas and real parsers, none of the product."""

from __future__ import annotations

import json
import re
import unicodedata
import urllib.parse
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import html5lib
import jsonschema
from markdown_it import MarkdownIt

from fuzz.oracles import runner
from fuzz.target import agree, wrong

HOME = "https://github.com/mcp-audit-gate/mcp-audit-gate"
HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
SCHEMAS = Path(__file__).parents[2] / "mcp_audit_gate" / "schemas"
REPORT = jsonschema.Draft202012Validator(json.loads((SCHEMAS / "report.schema.json").read_text("utf-8")))


def check_lines(text: str, breaks: str = "\n") -> None:
    """No hidden character in any line, and no command for GitHub's runner."""
    odd = [char for char in text if char not in breaks and unicodedata.category(char) in HIDDEN]
    if odd:
        wrong("something hidden in a report", odd, text)
    if runner.commands(text):
        wrong("a workflow command in a report", runner.commands(text), text)


def check_text(text: str) -> None:
    """For a terminal: only the colours that the report puts there itself."""
    check_lines(re.sub(r"\x1b\[(?:0|1|34|1;3[1236])m", "", text))


def check_json(text: str) -> None:
    """The published schema."""
    check_lines(text)
    errors = [error.message for error in REPORT.iter_errors(json.loads(text))]
    if errors:
        wrong("the report's schema", errors)


# --- JUnit: Jenkins' junit-10.xsd, and what the counters mean ---------------------------------------------------------

JUNIT = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "time", "skipped", "file"}, {"testcase"}),
    "testcase": ({"name", "time", "classname"}, {"skipped", "error", "failure", "system-out"}),
    **{name: ({"type", "message"}, set[str]()) for name in ("failure", "error", "skipped")},
    "system-out": (set[str](), set[str]()),
}


def check_junit(text: str) -> None:
    """Elements and attributes that the schema knows, counters that are right, names that are there and differ."""
    check_lines(text)
    top = ElementTree.fromstring(text.encode())
    for element in top.iter():
        attributes, children = JUNIT[element.tag]
        if not set(element.attrib) <= attributes or not {child.tag for child in element} <= children:
            wrong("the schema of JUnit", element.tag, element.attrib, [child.tag for child in element])
        if element.tag == "testcase" and not (element.get("name") and element.get("classname") and len(element) <= 1):
            wrong("a case", element.attrib, len(element))
    for suite in (top, *top):
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            if suite.get(attribute) is not None:
                agree("a counter", suite.get(attribute), str(len(list(suite.iter(tag)))))
    names = [(case.get("classname"), case.get("name")) for case in top.iter("testcase")]
    suites = [suite.get("name") for suite in top]
    if len(set(names)) < len(names) or len(set(suites)) < len(suites):
        wrong("a name that stands twice", names, suites)


# --- SARIF: what of the schema (OASIS, 2.1.0) this program's files have -----------------------------------------------


def _object(required: str = "", **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": required.split(), "additionalProperties": False}


def _list(items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 1}
_URI = {"type": "string", "format": "uri-reference", "pattern": "^[A-Za-z0-9._~/%:#?&=@+-]+$"}
_MESSAGE = _object("text", text=_TEXT, id=_TEXT, arguments=_list(_TEXT), markdown=_TEXT)
_CONTENT = _object("text", text=_TEXT)
_REGION = _object("startLine", startLine=_COUNT, startColumn=_COUNT, endLine=_COUNT, endColumn=_COUNT, snippet=_CONTENT)
_ARTIFACT = _object("", uri=_URI, uriBaseId={"const": "%SRCROOT%"}, description=_MESSAGE)
_PHYSICAL = _object("artifactLocation", artifactLocation=_ARTIFACT, region=_REGION, contextRegion=_REGION)
_LOGICAL = _object("fullyQualifiedName kind", fullyQualifiedName=_TEXT, kind=_TEXT)
_LOCATION = _object("physicalLocation", id=_COUNT, physicalLocation=_PHYSICAL, logicalLocations=_list(_LOGICAL), message=_MESSAGE)
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_RESULT = _object(
    "message ruleId ruleIndex locations partialFingerprints",
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=_LEVEL,
    kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
    message=_MESSAGE,
    locations=_list(_LOCATION, minItems=1),
    relatedLocations=_list(_LOCATION, minItems=1),
    partialFingerprints={"type": "object", "additionalProperties": _TEXT},
)
_RULE = _object(
    "id",
    **dict.fromkeys(("id", "name"), _TEXT),
    **dict.fromkeys(("shortDescription", "fullDescription", "help"), _MESSAGE),
    helpUri=_URI,
    messageStrings={"type": "object", "additionalProperties": _MESSAGE},
    defaultConfiguration=_object("level", level=_LEVEL, enabled={"type": "boolean"}),
    properties={"type": "object"},
)
_TOOL = _object(
    "driver",
    driver=_object(
        "name rules",
        **dict.fromkeys(("name", "organization", "version", "semanticVersion"), _TEXT),
        informationUri=_URI,
        rules=_list(_RULE, uniqueItems=True),
    ),
)
_NOTE = _object("message", level=_LEVEL, message=_MESSAGE, locations=_list(_LOCATION))
_INVOCATION = _object(
    "executionSuccessful", executionSuccessful={"type": "boolean"}, exitCode={"type": "integer"}, toolExecutionNotifications=_list(_NOTE, minItems=1)
)
_RUN = _object(
    "tool results columnKind",
    tool=_TOOL,
    invocations=_list(_INVOCATION),
    automationDetails=_object("id", id=_TEXT),
    originalUriBaseIds={"type": "object", "additionalProperties": _ARTIFACT},
    versionControlProvenance=_list(
        _object("repositoryUri", repositoryUri=_URI, revisionId=_TEXT, branch=_TEXT, mappedTo=_ARTIFACT),
    ),
    columnKind={"const": "unicodeCodePoints"},
    results=_list(_RESULT),
)
SARIF = jsonschema.Draft202012Validator(
    {**_object("version runs", version={"const": "2.1.0"}, runs=_list(_RUN, minItems=1, maxItems=1), **{"$schema": _TEXT}), "$schema": ""}
)


def check_sarif(text: str) -> None:
    """The schema; indices, regions and addresses that fit together."""
    check_lines(text)
    log = json.loads(text)
    errors = [f"{error.json_path}: {error.message}"[:200] for error in SARIF.iter_errors(log)]
    if errors:
        wrong("the schema of SARIF", errors)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        agree("the rule of a result", rules[result["ruleIndex"]], result["ruleId"])
    for region in _found(log, "region", "contextRegion"):
        start, end = ((region[f"{side}Line"], region.get(f"{side}Column", 1)) for side in ("start", "end"))
        if start[0] > end[0] or ("startColumn" in region and start > end):
            wrong("a region that ends before it begins", region)
    for uri in _found(log, "uri"):
        if not urllib.parse.urljoin("file:///root/x", uri).startswith("file:///root/") or b".." in urllib.parse.unquote_to_bytes(uri).split(b"/"):
            wrong("an address outside the root", uri)
    for message in _found(log, "message"):
        if re.search(r"(?<!\\)\[(?:[^\]\\]|\\.)*\]\(", message["text"]):
            wrong("a link in a message", message)


def _found(value: Any, *names: str) -> list[Any]:
    """Every member of one of the names, however deep."""
    if isinstance(value, list):
        return [inner for item in value for inner in _found(item, *names)]
    if not isinstance(value, dict):
        return []
    return [inner for key, item in value.items() for inner in ([item] if key in names else []) + _found(item, *names)]


# --- GitHub, Markdown, HTML ------------------------------------------------------------------------------------------


def check_github(text: str) -> None:
    """At most ten commands of each of the three kinds, each with known properties."""
    found = runner.commands(text)
    for kind in ("error", "warning", "notice"):
        if sum(command.name == kind for command in found) > 10:
            wrong("more annotations than GitHub shows", kind, len(found))
    for command in found:
        if command.name not in ("error", "warning", "notice") or not set(command.properties) <= {
            "file",
            "line",
            "endLine",
            "col",
            "endColumn",
            "title",
        }:
            wrong("a command that was not meant", command)
    check_lines(re.sub(r"(?m)^::(?:error|warning|notice) ", "", text))


ELEMENTS = {
    "a": "class href", "article": "class", "b": "", "bdi": "", "body": "", "br": "", "caption": "", "circle": "cx cy r", "code": "",
    "dd": "", "del": "", "details": "", "div": "aria-label class role tabindex", "dl": "class", "dt": "", "figcaption": "", "figure": "",
    "footer": "", "h1": "class", "h2": "id", "h3": "", "head": "", "header": "", "html": "lang", "i": "", "ins": "", "li": "", "main": "",
    "mark": "", "meta": "charset content http-equiv name", "nav": "aria-label", "p": "class", "path": "class d stroke-dasharray",
    "pre": "", "rect": "class height rx width x y", "section": "aria-labelledby id", "span": "class", "strong": "", "style": "",
    "summary": "", "svg": "aria-hidden aria-label role viewBox", "table": "class", "tbody": "", "td": "class", "text": "class x y",
    "th": "class scope", "thead": "", "title": "", "tr": "", "ul": "class",
}  # fmt: skip


def check_page(text: str) -> None:
    """Elements and attributes that the page has with harmless names too; links to the project and within the page; ids that differ."""
    check_lines(text)
    root = html5lib.parse(text, namespaceHTMLElements=False)
    ids = []
    for item in root.iter():
        if not isinstance(item.tag, str):
            wrong("a comment in the page", text)
        name = item.tag.rpartition("}")[2]
        if name not in ELEMENTS or not {str(key) for key in item.attrib} <= set(ELEMENTS[name].split()):
            wrong("an element or attribute that was not meant", name, dict(item.attrib))
        href = item.get("href", HOME)
        if not (href.startswith((f"{HOME}/", "#")) or href == HOME):
            wrong("a link that leads elsewhere", href)
        ids += [item.get("id")] if item.get("id") else []
        for value in item.attrib.values():
            if re.search(r"(?i)javascript:|url\(|expression\(", value):
                wrong("an attribute that does something", name, value)
    if len(set(ids)) < len(ids):
        wrong("an id that stands twice", ids)


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OWN_HTML = re.compile(
    r"(?:</?details>|<summary>(?:Texts before and after|Reported, not blocking|Known before, not blocking|Waived) \(\d+\)</summary>)\n?"
)
BLOCKS = ("heading", "paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td")
KNOWN_BLOCKS = {f"{name}_{end}" for name in BLOCKS for end in ("open", "close")} | {"inline", "fence", "html_block"}
KNOWN_INLINE = {"text", "code_inline", "strong_open", "strong_close", "link_open", "link_close", "softbreak"}
CELL = re.compile(r"(?:\\[!-/:-@\[-`{-~]|[^|\\]|\\)+")  # as cmark-gfm splits a row
LINKED = re.compile(r"(?i)https?:|ftp:|www\.|mailto:|@\w|(?<!\w)#\d|\bGH-\d|\b[0-9a-f]{7,40}\b|<|javascript:")


def check_markdown(text: str) -> None:
    """Blocks that the summary has with harmless names too, links to the project alone, rows as wide as their heads."""
    check_lines(text)
    if len(text.encode()) > 1 << 20:
        wrong("a summary above 1 MiB", len(text))
    lines, width = text.split("\n"), 0
    for token in MARKDOWN.parse(text):
        if token.type not in KNOWN_BLOCKS or (token.type == "fence" and token.info not in ("mermaid", "diff")):
            wrong("a block that was not meant", token.type, token.content)
        if token.type == "html_block" and OWN_HTML.sub("", token.content).strip():
            wrong("HTML that was not meant", token.content)
        if token.type == "tr_open" and token.map:
            cells = len(CELL.findall(lines[token.map[0]].strip()[1:-1]))
            width = cells if lines[token.map[0] + 1].startswith("| ---") else width
            agree("the cells of a row", cells, width)
        for child in token.children or ():
            if child.type not in KNOWN_INLINE:
                wrong("something else than words, code and links", child.type, child.content, token.content)
            if child.type == "link_open" and not str(child.attrs["href"]).startswith(f"{HOME}/blob/main/docs/rules.md#"):
                wrong("a link that leads elsewhere", child.attrs)
            if child.type == "text" and LINKED.search(child.content):
                wrong("words that GitHub links", child.content)


CHECKS = {
    "text": check_text,
    "json": check_json,
    "junit": check_junit,
    "sarif": check_sarif,
    "github": check_github,
    "markdown": check_markdown,
    "html": check_page,
}
