"""Names that two servers of one client share or that look alike: entries and pinned tools in, findings out."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.rules.surfaces import LOCK, NEEDS, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.model import Context, Entry, Pinned

TOOL_NAME_COLLISION = RuleInfo(
    id="tool-name-collision",
    family="identity",
    severity="low",
    title="Two servers of one client have tools of the same name",
    why="The model, or a person who approves, may take one for the other. Most clients put the server's name in front, "
    "so it is seldom more than confusion.",
    looks_at="Names of tools of the enabled servers of one config: the same, the same but for case and separators, or with look-alike letters. "
    "The same server declared twice and words of everyday such as `search` are left alone.",
    fix="Disable one of the two tools, or use the servers in different clients.",
    references=("SAFE-T1301", "CVE-2026-30856"),
    example_bad=(
        LOCK,
        '[{"name": "docs", "tools": [{"name": "find_page", "description": "Finds a page."}]},\n'
        ' {"name": "wiki", "tools": [{"name": "find_page", "description": "Finds a page of the wiki."}]}]\n',
    ),
    example_good=(
        LOCK,
        '[{"name": "docs", "tools": [{"name": "find_page", "description": "Finds a page."}]},\n'
        ' {"name": "wiki", "tools": [{"name": "find_article", "description": "Finds an article of the wiki."}]}]\n',
    ),
    needs=NEEDS,
)


def tool_name_collision(context: Context) -> Iterator[Hit]:
    """One hit for each tool whose name an earlier server of the same config already has, on the later one."""
    told: set[tuple[str, str, str]] = set()
    for servers in _configs(context).values():
        seen: dict[str, tuple[Pinned, Item]] = {}
        for pinned in servers:
            own: dict[str, tuple[Pinned, Item]] = {}
            for item in _tools(pinned):
                look = _look(item.name)
                other = seen.get(look)
                own.setdefault(look, (pinned, item))
                key = (pinned.pin.name, item.name, other[0].pin.name if other else "")
                if other and key not in told and other[0].pin.launch_digest != pinned.pin.launch_digest:
                    told.add(key)
                    yield _hit(pinned, item, *other)
            seen = {**own, **seen}


def _hit(pinned: Pinned, item: Item, first: Pinned, other: Item) -> Hit:
    how = "has the same name as" if item.name == other.name else "has a name that looks like"
    shown = f'Tool "{visible(item.name, 60)}" of server "{visible(pinned.pin.name, 60)}" {how} "{visible(other.name, 60)}"'
    related = (place(first, (*other.at, "name")), *(entry.place(key=True) for entry in pinned.entries))
    value = f"{first.pin.name}/{other.name}"
    return Hit(
        place(pinned, (*item.at, "name")),
        f'{shown} of server "{visible(first.pin.name, 60)}".',
        value,
        related=related,
        subject=item.subject,
        server=pinned.pin.name,
    )


def _configs(context: Context) -> dict[str, list[Pinned]]:
    """The servers of each config, in the order of names."""
    found: dict[str, list[Pinned]] = {}
    for pinned in sorted(context.pinned, key=lambda item: (item.pin.name, item.pin.launch_digest)):
        for path in dict.fromkeys(entry.document.path for entry in pinned.entries if not entry.disabled and not entry.sample):
            found.setdefault(path, []).append(pinned)
    return {path: some for path, some in sorted(found.items()) if len(some) > 1}


def _tools(pinned: Pinned) -> Iterator[Item]:
    from mcp_audit_gate.metadata.declared import items
    from mcp_audit_gate.metadata.grammar import everyday

    for item in items(pinned.pin.surface):
        if item.kind == "tool" and item.name and item.name.lower() not in everyday():
            yield item


def _look(name: str) -> str:
    """What a reader takes a name for: look-alike letters made ASCII, case and separators left out."""
    from mcp_audit_gate.metadata.normal import folded

    return "".join(char for char in folded(name).lower() if char.isalnum()) or name


CONFUSABLE_SERVER_NAMES = RuleInfo(
    id="confusable-server-names",
    family="identity",
    severity="low",
    title="Two servers have names that only differ in case or form",
    why="Whoever reads the list, or a log, takes one for the other.",
    looks_at="Names of enabled servers of one config that are declared differently, equal after compatibility normalisation and case folding.",
    fix="Rename one of the two.",
    references=("CWE-694",),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]},\n'
        '  "Docs": {"command": "npx", "args": ["-y", "@acme/wiki-mcp@2.0.1"]}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]},\n'
        '  "wiki": {"command": "npx", "args": ["-y", "@acme/wiki-mcp@2.0.1"]}}}\n',
    ),
    needs=("config",),
    precision="very-high",
)


def confusable_server_names(context: Context) -> Iterator[Hit]:
    """One hit for each server whose name an earlier one of the same config has in another form."""
    seen: dict[tuple[str, str], Entry] = {}
    for entry in context.entries:
        if entry.kind != "server" or entry.disabled or entry.sample or entry.again:
            continue
        key = (entry.document.path, _plain(entry.name))
        first = seen.setdefault(key, entry)
        if first.name != entry.name and first.value != entry.value:
            text = f'Server names "{visible(first.name, 60)}" and "{visible(entry.name, 60)}" differ in case or form only.'
            yield Hit(entry.place(key=True), text, first.name, related=(first.place(key=True),), subject="", server=entry.name)


def _plain(name: str) -> str:
    if name.isascii():
        return name.lower()
    from unicodedata import normalize

    return normalize("NFKC", name).casefold()


RULES: tuple[Rule, ...] = (
    Rule(TOOL_NAME_COLLISION, tool_name_collision, "context"),
    Rule(CONFUSABLE_SERVER_NAMES, confusable_server_names, "context"),
)
