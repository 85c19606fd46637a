"""Family input: what could not be understood, and what two clients would read differently. What was not read is never clean."""

from __future__ import annotations

from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Context, Entry, Hit, Place, Rule, RuleInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG_UNREADABLE = RuleInfo(
    id="config-unreadable",
    family="input",
    severity="high",
    title="A config, or a server in it, could not be understood",
    why=(
        "What cannot be read cannot be judged, and a client may still read it: a truncated file, another encoding or an odd shape is the cheapest "
        "place to hide a server. The run is incomplete (exit code 4) until it can be read, and this cannot be waived."
    ),
    looks_at="Syntax, encoding, size, depth and number of entries of every config; links, pipes and unreadable files; the shape of each server.",
    fix="Correct the place named.",
    references=("CWE-754", "CWE-693"),
    example_bad=(".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": "-y @acme/docs-mcp@1.4.2"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}}\n'),
    precision="very-high",
)
DUPLICATE_KEY = RuleInfo(
    id="duplicate-key",
    family="input",
    severity="high",
    title="A key stands twice in one object",
    why="Most parsers keep the last of two equal keys, some the first, and a reviewer reads the one above: the same file says different things.",
    looks_at="Objects that hold servers, launches or approvals, in JSON and YAML, after escapes are undone. All values are judged. "
    "In TOML it is a syntax error.",
    fix="Delete all but one.",
    references=("CWE-436",),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {\n  "docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]},\n'
        '  "docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.3"]}\n}}\n',
    ),
    example_good=(".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.3"]}}}\n'),
    precision="very-high",
)
TWO_SERVER_MAPS = RuleInfo(
    id="two-server-maps",
    family="input",
    severity="medium",
    title="One file holds two maps of servers that differ",
    why="Clients read different keys of the same path, so the servers that were reviewed need not be those that a colleague's client starts.",
    looks_at="The keys `mcpServers` and `servers` at the top of one JSON file, when both hold servers and they are not the same.",
    fix="Keep the map that the clients in use read.",
    references=("CWE-436",),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}},\n'
        ' "servers": {"wiki": {"command": "npx", "args": ["-y", "@acme/wiki-mcp@2.0.1"]}}}\n',
    ),
    example_good=(".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}, "servers": {}}\n'),
)


def config_unreadable(context: Context) -> Iterator[Hit]:
    """One hit for each problem of reading."""
    for problem in context.problems:
        if problem.kind == "config-unreadable":
            server = (
                f'Server "{visible(masked_name(problem.server), 80)}" was not judged'
                if problem.server is not None
                else "The file, or a part of it, was not judged"
            )
            yield Hit(
                problem.place,
                f"{server}: {visible(problem.message)}.",
                problem.message,
                fix=f"{problem.hint[:1].upper()}{problem.hint[1:]}.",
                server=problem.server,
            )


def duplicate_key(context: Context) -> Iterator[Hit]:
    """One hit for each repeated key, at its last occurrence, the others related."""
    for problem in context.problems:
        if problem.kind == "duplicate-key":
            assert isinstance(problem.place, Place)
            key = str(problem.place.pointer[-1])
            message = f'The key "{visible(masked_name(key), 80)}" {problem.message}.'
            yield Hit(problem.place, message, visible(key, 80), related=problem.related, server=problem.server)
    for seen in context.observed:
        entry = seen.entries[0]
        for note in seen.notes:
            if note.kind == "duplicate-key":
                message = f'In what server "{visible(masked_name(entry.name), 80)}" sent, {note.message}.'
                yield Hit(entry.place(key=True), message, note.message, subject=note.subject, server=entry.name)


def two_server_maps(context: Context) -> Iterator[Hit]:
    """One hit for a file whose `mcpServers` and `servers` both hold servers and differ."""
    maps: dict[int, dict[str, list[Entry]]] = {}
    for entry in context.entries:
        if entry.kind == "server" and len(entry.pointer) == 2 and entry.pointer[0] in ("mcpServers", "servers"):
            maps.setdefault(id(entry.document), {}).setdefault(str(entry.pointer[0]), []).append(entry)
    for found in maps.values():
        if len(found) == 2 and not _same(found["mcpServers"], found["servers"]):
            document = found["servers"][0].document
            first, second = (Place(document, (key,), (), True) for key in ("mcpServers", "servers"))
            names = ", ".join(f'"{visible(masked_name(name), 40)}"' for name in sorted({entry.name for entry in found["servers"]})[:3])
            yield Hit(
                second, f'"servers" ({names}) stands beside another map, "mcpServers"; each client reads only one of them.', "", related=(first,)
            )


def _same(one: list[Entry], other: list[Entry]) -> bool:
    return {entry.name: entry.value for entry in one} == {entry.name: entry.value for entry in other}


RULES = (
    Rule(CONFIG_UNREADABLE, config_unreadable, "context", True, True),
    Rule(DUPLICATE_KEY, duplicate_key, "context", True, True),
    Rule(TWO_SERVER_MAPS, two_server_maps, "context"),
)
