"""Definitions of tools that mislead or carry what does not belong in a schema: what servers declare in, findings out."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.rules.surfaces import LOCK, NEEDS, digest, example, named, place, things

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.metadata.said import Thing
    from mcp_audit_gate.metadata.texts import Mark
    from mcp_audit_gate.model import Json, Pinned, Pointer

_LONG, _WORDS, _NAME_WORDS = 120, 15, 8
_MAX_TEXT, _MAX_SCHEMA, _MAX_TOOLS = 4096, 65536, 200


_PLAIN = example("Writes a report.", schema={"properties": {"project": {"type": "string", "description": "Its id"}}})

ANNOTATION_LIE = RuleInfo(
    id="annotation-lie",
    family="metadata",
    severity="high",
    title="A hint says harmless, name and schema say otherwise",
    why="Clients skip the question to the user for tools that call themselves read-only. The protocol calls hints untrusted for that reason.",
    looks_at="readOnlyHint true or destructiveHint false, against a changing verb in verb position of the name that the description or a "
    "parameter confirms. "
    "Previews, dry runs, lists of deleted things and tools that run something and describe a read-only mode are left alone.",
    fix="Have the hint corrected by the server's authors. The gate itself never lowers a risk for a hint.",
    references=("CWE-451", "SAFE-T1406", "OWASP MCP03"),
    example_bad=(
        LOCK,
        '{"name": "docs", "tools": [{"name": "delete_page", "description": "Deletes a page.", "inputSchema": {"type": "object"},'
        ' "annotations": {"readOnlyHint": true}}]}\n',
    ),
    example_good=(
        LOCK,
        '{"name": "docs", "tools": [{"name": "list_deleted_pages", "description": "Lists deleted pages.", "inputSchema": {"type": "object"},'
        ' "annotations": {"readOnlyHint": true}}]}\n',
    ),
    needs=NEEDS,
)


def annotation_lie(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each tool whose hint is contradicted by two signs."""
    from mcp_audit_gate.metadata.hints import contradicted

    for thing in things(pinned):
        lie = contradicted(thing.item)
        if lie:
            at = (*thing.item.at, "annotations", lie.hint)
            shown = "true" if lie.hint == "readOnlyHint" else "false"
            text = f'{named(thing.item)} says {lie.hint} {shown}, but its name says "{visible(lie.verb, 40)}" and so does "{visible(lie.sign, 40)}".'
            yield Hit(place(pinned, at), text, f"{lie.hint} {lie.verb} {lie.sign}", subject=thing.item.subject)


PROSE_IN_SCHEMA = RuleInfo(
    id="prose-in-schema",
    family="metadata",
    severity="medium",
    title="Sentences stand where people do not read",
    why="Reviewers read descriptions; the model reads the whole schema. Prose in a default, an enum, a title or a property's name is meant "
    "for the model.",
    looks_at="More than 120 characters of words in const, enum, default, examples, title, pattern, $comment, annotations, _meta or keys "
    "that begin with x-, and names of properties that are sentences. Descriptions, program text, lists of ids and data are left alone.",
    fix="Have it moved to the description, where it is read and judged, or dropped.",
    references=("SAFE-T1501", "OWASP MCP03"),
    example_bad=example(
        "Writes a report.",
        schema={
            "$comment": "This report is made for those who come later and want to know what was decided, by whom it was decided, "
            "and what else was thought of at that time"
        },
    ),
    example_good=_PLAIN,
    needs=NEEDS,
    precision="medium",
)


def prose_in_schema(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each thing with prose in such a place."""
    for thing in things(pinned):
        for text in thing.texts:
            if text.unread and (_is_sentence_name(text.text) if text.key else _is_prose(text.text)):
                where = (
                    "the name of a member" if text.key else visible(str(next((step for step in reversed(text.at) if isinstance(step, str)), "")), 40)
                )
                at = place(pinned, text.at, key=text.key)
                text_shown = f'{named(thing.item)} has sentences in {where} ("{visible(text.text, 60)}").'
                yield Hit(at, text_shown, digest(text.text), subject=thing.item.subject)
                break


def _is_sentence_name(text: str) -> bool:
    return text.count(" ") + 1 >= _NAME_WORDS


def _is_prose(text: str) -> bool:
    """True for text that is nearly all words, as program text, JSON and lists of ids are not."""
    if len(text) <= _LONG or text.count(" ") < _WORDS:
        return False
    letters = sum(char.isalpha() or char == " " for char in text)
    return letters * 100 >= len(text) * 85


EXTERNAL_SCHEMA_REFERENCE = RuleInfo(
    id="external-schema-reference",
    family="metadata",
    severity="medium",
    title="A schema points to another document",
    why="A reader that follows it fetches an address or reads a file for the server. The gate never follows one.",
    looks_at="$ref and $dynamicRef to an address, a file or another document; $schema that is no draft of JSON Schema; references that only "
    "lead to themselves.",
    fix="Have the other document written into the schema.",
    references=("CWE-918", "CVE-2026-39885"),
    example_bad=example("Writes a report.", schema={"properties": {"project": {"$ref": "https://schemas.example.net/project.json"}}}),
    example_good=example("Writes a report.", schema={"properties": {"project": {"$ref": "#/$defs/id"}}, "$defs": {"id": {"type": "string"}}}),
    needs=NEEDS,
    precision="very-high",
)
_DRAFTS = ("http://json-schema.org/", "https://json-schema.org/")


def external_schema_reference(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each thing with a reference that leaves its schema or leads nowhere."""
    for thing in things(pinned):
        for mark in thing.marks:
            fault = _reference_fault(thing, mark)
            if fault:
                text = f'{named(thing.item)} has a {mark.name} that {fault} ("{visible(str(mark.value), 80)}").'
                yield Hit(place(pinned, mark.at), text, str(mark.value), subject=thing.item.subject)
                break


def _reference_fault(thing: Thing, mark: Mark) -> str:
    if not isinstance(mark.value, str):
        return ""
    if mark.name == "$schema":
        return "" if mark.value.startswith(_DRAFTS) else "is no draft of JSON Schema"
    if mark.name not in ("$ref", "$dynamicRef"):
        return ""
    if not mark.value.startswith("#"):
        return "points to another document"
    return "only leads to itself" if _turns(thing.item.definition, mark) else ""


def _turns(definition: dict[str, Json], mark: Mark) -> bool:
    """True for a chain of references within a schema that comes back without anything on the way."""
    schema: Json = definition.get(str(mark.at[3])) if len(mark.at) > 3 else None
    seen: set[str] = set()
    target: Json = mark.value
    while isinstance(target, str) and target.startswith("#"):
        if target in seen:
            return True
        seen.add(target)
        node = schema
        for step in target[1:].split("/")[1:]:
            node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        target = node.get("$ref") if isinstance(node, dict) and set(node) <= {"$ref", "title", "description"} else None
    return False


OVERSIZED_METADATA = RuleInfo(
    id="oversized-metadata",
    family="metadata",
    severity="low",
    title="A server declares more than anyone reads",
    why="Every text goes into the model's context, and what is too long to be read by people hides well.",
    looks_at="Descriptions of more than 4 kB, schemas of more than 64 kB, servers with more than 200 tools.",
    fix="Ask the server's authors to trim it, or enable fewer tools.",
    references=("CWE-770",),
    example_bad=example("Writes a report. " + "It has many parts. " * 220),
    example_good=_PLAIN,
    needs=NEEDS,
    precision="very-high",
)


def oversized_metadata(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each thing that is too long, and one for a server with too many tools."""
    import json

    count = len(pinned.pin.surface.tools)
    for thing in things(pinned):
        if count > _MAX_TOOLS and thing.item.at[:2] == ("tools", _MAX_TOOLS):
            text = f"{named(thing.item)} comes after {_MAX_TOOLS} others: the server declares {count} tools."
            yield Hit(place(pinned, (*thing.item.at, "name")), text, "tools", subject=thing.item.subject)
        long = max((text for text in thing.texts if not text.key), key=lambda text: len(text.text), default=None)
        if long is not None and len(long.text) > _MAX_TEXT:
            text = f"{named(thing.item)} has a text of {len(long.text)} characters, more than {_MAX_TEXT}."
            yield Hit(place(pinned, long.at), text, subject=thing.item.subject)
        elif len(thing.texts) > 200:
            schema = thing.item.definition.get("inputSchema")
            if len(json.dumps(schema)) > _MAX_SCHEMA:
                text = f"{named(thing.item)} has a schema of more than {_MAX_SCHEMA} characters."
                yield Hit(place(pinned, (*thing.item.at, "inputSchema")), text, subject=thing.item.subject)


SLOW_PATTERN = RuleInfo(
    id="slow-pattern",
    family="metadata",
    severity="low",
    title="A pattern takes exponential time",
    why="Whoever checks an argument against it can be kept busy for minutes by a few letters.",
    looks_at="Repetition of a group that repeats without bound itself, in `pattern`; nothing is run. A maxLength beside it is enough.",
    fix="Have the pattern simplified.",
    references=("CWE-1333",),
    example_bad=example("Writes a report.", schema={"properties": {"id": {"type": "string", "pattern": "^(a+)+$"}}}),
    example_good=example("Writes a report.", schema={"properties": {"id": {"type": "string", "pattern": "^[a-z]+-[0-9]+$"}}}),
    needs=NEEDS,
    precision="medium",
)


def slow_pattern(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each thing with a pattern of nested repetition."""
    for thing in things(pinned):
        for mark in thing.marks:
            if mark.name == "pattern" and isinstance(mark.value, str) and _is_slow(mark.value, thing.item.definition, mark.at[3:-1]):
                text = f'{named(thing.item)} has a pattern of nested repetition ("{visible(mark.value, 60)}").'
                yield Hit(place(pinned, mark.at), text, mark.value, subject=thing.item.subject)
                break


def _is_slow(pattern: str, definition: Json, at: Pointer) -> bool:
    from mcp_audit_gate.metadata.repetition import is_nested

    return is_nested(pattern) and not _is_bounded(definition, at)


def _is_bounded(definition: Json, at: Pointer) -> bool:
    """True when a maxLength stands beside the pattern."""
    for step in at:
        if isinstance(definition, dict) and isinstance(step, str):
            definition = definition.get(step)
        elif isinstance(definition, list) and isinstance(step, int):
            definition = definition[step]
    return isinstance(definition, dict) and "maxLength" in definition


CODE_EXECUTION_TOOL = RuleInfo(
    id="code-execution-tool",
    family="metadata",
    severity="info",
    title="A tool runs commands or program text",
    why="Often the purpose of the server; but whatever steers the model then runs on the machine.",
    looks_at="Tools that run what a parameter holds, by name, parameters and description. The policy's `deny: {capabilities: "
    "[shell_execution]}` makes it a fault.",
    fix="Run the server in a sandbox, or deny the capability.",
    references=("CWE-94", "OWASP MCP05"),
    example_bad=(
        LOCK,
        '{"name": "docs", "tools": [{"name": "run_command", "description": "Runs a shell command.",'
        ' "inputSchema": {"type": "object", "properties": {"command": {"type": "string"}}}}]}\n',
    ),
    example_good=_PLAIN,
    needs=NEEDS,
    precision="medium",
)


def code_execution_tool(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each tool that surely runs what it is given."""
    from mcp_audit_gate.metadata import said

    places = {thing.item.subject: thing for thing in things(pinned)}
    for item in said.of(pinned).capabilities():
        if item.capability == "shell_execution" and item.confidence in ("declared", "high"):
            thing = places[item.subject]
            text = f"{named(thing.item)} runs commands or program text ({item.evidence})."
            yield Hit(place(pinned, (*thing.item.at, "name")), text, subject=item.subject)


RULES: tuple[Rule, ...] = (
    Rule(ANNOTATION_LIE, annotation_lie, "surface"),
    Rule(PROSE_IN_SCHEMA, prose_in_schema, "surface"),
    Rule(EXTERNAL_SCHEMA_REFERENCE, external_schema_reference, "surface"),
    Rule(OVERSIZED_METADATA, oversized_metadata, "surface"),
    Rule(SLOW_PATTERN, slow_pattern, "surface"),
    Rule(CODE_EXECUTION_TOOL, code_execution_tool, "surface"),
)
