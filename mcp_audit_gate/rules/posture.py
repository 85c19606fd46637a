"""What the servers of one client add up to: pinned surfaces in, chains by which data leaves or commands come in, out."""

from __future__ import annotations

from itertools import product

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.rules.surfaces import LOCK, NEEDS, example, named, place, things

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.model import Context, Entry, Pinned

    Link = tuple[str, Pinned, Item]

_MANY = 40  # servers of one config that are looked at for the shortest chain, for each leg


def _tools(*names: tuple[str, str, str]) -> Callable[[], tuple[str, str]]:
    """An excerpt with one server and some tools: name, description, parameter; written when somebody reads it."""

    def written() -> tuple[str, str]:
        import json

        tools = [
            {"name": name, "description": text, "inputSchema": {"type": "object", "properties": {parameter: {"type": "string"}}}}
            for name, text, parameter in names
        ]
        return LOCK, json.dumps({"name": "docs", "tools": tools}, indent=2) + "\n"

    return written


_READ = ("read_file", "Reads a file from the disk.", "path")
_MAIL = ("send_email", "Sends an email.", "to")

LETHAL_TRIFECTA = RuleInfo(
    id="lethal-trifecta",
    family="flow",
    severity="info",
    title="One client reads private data and outside content, and can send",
    why="Text from outside can tell the model to read what is private and send it away. Each tool is honest; published thefts ran along such chains.",
    looks_at="The pinned tools of the enabled servers of each config: one that reads private data, one that reads content of others, one that sends. "
    "What only weak signs tell is not counted. The shortest chain is told, once for each config.",
    fix="Split the servers over two clients, or drop one of the three. It is a posture, not a fault: the policy may raise it.",
    references=("OWASP MCP06", "OWASP MCP10", "ASI01", "AML.T0086"),
    example_bad=_tools(_READ, ("read_emails", "Reads emails from the Gmail inbox.", "folder"), _MAIL),
    example_good=_tools(_READ),
    needs=NEEDS,
    precision="medium",
)


def lethal_trifecta(context: Context) -> Iterator[Hit]:
    """One hit for each config whose servers have the three legs together."""
    from mcp_audit_gate.metadata.legs import OUT, OUTSIDE, PRIVATE

    yield from _chains(context, (PRIVATE, OUTSIDE, OUT))


OUTSIDE_CONTENT_TO_EXECUTION = RuleInfo(
    id="outside-content-to-execution",
    family="flow",
    severity="info",
    title="One client reads outside content and runs commands",
    why="Text from outside can tell the model what to run.",
    looks_at="The pinned tools of the enabled servers of each config: one that reads content of others, one that runs commands or program text.",
    fix="Split the servers over two clients, or run the executing one in a sandbox.",
    references=("ASI05", "OWASP MCP05"),
    example_bad=_tools(("list_issues", "Lists the issues of a GitHub repository.", "repo"), ("run_script", "Runs a shell script.", "script")),
    example_good=_tools(("list_issues", "Lists the issues of a GitHub repository.", "repo")),
    needs=NEEDS,
    precision="medium",
)


def outside_content_to_execution(context: Context) -> Iterator[Hit]:
    """One hit for each config with both legs."""
    from mcp_audit_gate.metadata.legs import EXECUTE, OUTSIDE

    yield from _chains(context, (OUTSIDE, EXECUTE))


def _chains(context: Context, wanted: tuple[str, ...]) -> Iterator[Hit]:
    """For each config the shortest chain of the legs: fewest servers, then the order of the config."""
    from mcp_audit_gate.metadata import legs, said

    configs: dict[str, list[tuple[Entry, Pinned]]] = {}
    for item in context.pinned:
        for entry in item.entries:
            if not entry.disabled and not entry.sample:
                configs.setdefault(entry.document.path, []).append((entry, item))
    known = {id(item): legs.of(said.of(item)).tools for item in context.pinned} if configs else {}
    for _, servers in sorted(configs.items()):
        choices = [[(leg, item, known[id(item)][leg]) for _, item in servers if leg in known[id(item)]][:_MANY] for leg in wanted]
        if all(choices):
            chain = _shortest(choices)
            first = next(entry for entry, item in servers if item is chain[0][1])
            yield _told(first, chain)


def _shortest(choices: list[list[Link]]) -> tuple[Link, ...]:
    """One server with all legs when there is one, else two, else the first of each."""
    together = set.intersection(*({id(item) for _, item, _ in some} for some in choices))
    if together:
        return tuple(next(link for link in some if id(link[1]) in together and id(link[1]) == _first(choices[0], together)) for some in choices)
    # At most 40 x 40 pairs: all legs but one from one server, the rest from another.
    best = min(product(*(some[:8] for some in choices)), key=lambda chain: len({id(item) for _, item, _ in chain}))
    return tuple(best)


def _first(some: Iterable[Link], wanted: set[int]) -> int:
    return next(id(item) for _, item, _ in some if id(item) in wanted)


def _told(entry: Entry, chain: tuple[Link, ...]) -> Hit:
    parts = [f'{named(item)} of server "{visible(pinned.pin.name, 60)}" {leg}' for leg, pinned, item in chain]
    related = tuple(place(pinned, (*item.at, "name")) for _, pinned, item in chain)
    count = len({id(pinned) for _, pinned, _ in chain})
    text = f"{'One server' if count == 1 else f'{count} servers'} of one client: {', '.join(parts)}."
    value = " ".join(f"{pinned.pin.name}/{item.name}" for _, pinned, item in chain)
    return Hit(entry.place(key=True), text, value, related=related, subject="", server=entry.name)


OPEN_FETCH_TOOL = RuleInfo(
    id="open-fetch-tool",
    family="flow",
    severity="info",
    title="A tool fetches from any address",
    why="It reaches internal services and carries data out in the address. Many fetch tools are meant so.",
    looks_at="Parameters for an address or host that take any text, of tools that reach the network.",
    fix="Restrict the hosts in the server's settings or on the network.",
    references=("CWE-918",),
    example_bad=example("Fetches a web page.", "fetch_page", {"properties": {"url": {"type": "string"}}}),
    example_good=example("Fetches a web page.", "fetch_page", {"properties": {"url": {"enum": ["https://a.example/x"]}}}),
    needs=NEEDS,
    precision="medium",
)


def open_fetch_tool(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each tool that reaches any address it is given."""
    from mcp_audit_gate.metadata import said
    from mcp_audit_gate.metadata.legs import open_parameter

    sure = {item.subject for item in said.of(pinned).capabilities() if item.capability == "network" and item.confidence != "low"}
    for thing in things(pinned):
        name = open_parameter(thing.item) if thing.item.kind == "tool" and thing.item.subject in sure else ""
        if name:
            text = f'{named(thing.item)} takes any address in "{visible(name, 40)}".'
            yield Hit(place(pinned, (*thing.item.at, "inputSchema", "properties", name), key=True), text, subject=thing.item.subject)


RULES: tuple[Rule, ...] = (
    Rule(LETHAL_TRIFECTA, lethal_trifecta, "context"),
    Rule(OUTSIDE_CONTENT_TO_EXECUTION, outside_content_to_execution, "context"),
    Rule(OPEN_FETCH_TOOL, open_fetch_tool, "surface"),
)
