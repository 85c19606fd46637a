"""Names that pass for others, and one name for different things. Entries in, hits out."""

from __future__ import annotations

from mcp_audit_gate.metadata import addresses, lookalikes
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules import identity, surfaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Context, Entry, Pinned, Place, Pointer

NAME_LIMIT = 80

LOOKALIKE_PACKAGE = RuleInfo(
    id="lookalike-package",
    family="identity",
    severity="high",
    title="A package name is one slip away from a well-known server",
    why="Whoever registers the slip runs code on every machine that copies it. Nineteen such npm packages were found in February 2026.",
    looks_at="npm, PyPI and image names, and npm scopes: one letter changed, added or left out, neighbours swapped, or 0/o, 1/l/i, rn/m exchanged, "
    "against the shipped list. Names on the list, packages in a listed scope, numbered families, plurals and short words are left out.",
    fix="Correct the name.",
    references=("CWE-1007", "OWASP MCP04", "OWASP MCP09", "SAFE-T1002", "SAFE-T1004"),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"files": {"command": "npx", "args": ["-y", "@modelcontextprotoco1/server-filesystem@2026.1.14", "./docs"]}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"files": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "./docs"]}}}\n',
    ),
)


def lookalike_package(entry: Entry) -> Iterator[Hit]:
    """Packages and images whose name is taken for a listed one."""
    for launch in entry.launches:
        package, image = launch.package, launch.image
        if package and not package.source and package.pin not in ("local", "reference"):
            taken = lookalikes.package_taken_for(package.ecosystem, package.name)
            if taken:
                yield _lookalike(entry, entry.place(package.at), package.name, taken)
        if image:
            taken = lookalikes.package_taken_for("oci", image.name)
            if taken:
                yield _lookalike(entry, entry.place(image.at), image.name, taken)


def _lookalike(entry: Entry, place: Place, name: str, taken: str) -> Hit:
    server = visible(entry.name, NAME_LIMIT)
    return Hit(place, f'Server "{server}" starts {visible(name, NAME_LIMIT)}, one slip away from {taken}.', name)


LOOKALIKE_HOST = RuleInfo(
    id="lookalike-host",
    family="identity",
    severity="high",
    title="A URL's host is one slip away from a vendor's",
    why="Prompts and tokens meant for the vendor go to whoever registered the slip.",
    looks_at="The domain of every URL field, and of the URL behind a proxy, against the shipped list of vendors' hosts. "
    "Only long names are compared, because short ones have honest neighbours.",
    fix="Correct the host.",
    references=("CWE-1007", "SAFE-T1004"),
    example_bad=(".mcp.json", '{"mcpServers": {"wiki": {"type": "http", "url": "https://mcp.notlon.com/mcp"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"wiki": {"type": "http", "url": "https://mcp.notion.com/mcp"}}}\n'),
)


def lookalike_host(entry: Entry) -> Iterator[Hit]:
    """URLs whose domain is taken for a listed one."""
    for launch in entry.launches:
        for word in launch.urls:
            found = addresses.read(word.text)
            taken = lookalikes.host_taken_for(found.host) if found and found.kind == addresses.PUBLIC and not found.number else ""
            if found and taken:
                message = f'Server "{visible(entry.name, NAME_LIMIT)}" is reached at {visible(found.host, NAME_LIMIT)}, one slip away from {taken}.'
                yield Hit(entry.place(word.at), message, found.host)


CONFUSABLE_NAME = RuleInfo(
    id="confusable-name",
    family="identity",
    severity="high",
    title="A name holds characters that look like others, or that are not seen",
    why="People approve what they read. Normalisation does not undo a Cyrillic letter, and a character that is not seen makes two names of one.",
    looks_at="Names of servers, their tools, packages, images, programs and hosts: another script's letters inside a word, names that read like "
    "another name in the repository or on the shipped list, hidden and control characters, punycode, a vendor's host in front of another domain. "
    "Names in one script, accents, emoji and spaces are left out.",
    fix="Write the name in plain ASCII.",
    references=("CWE-1007", "SAFE-T1004", "CVE-2026-46341"),
    example_bad=(".mcp.json", '{"mcpServers": {"tr\\u0430cker": {"type": "http", "url": "https://mcp.example.com/v1"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"tracker": {"type": "http", "url": "https://mcp.example.com/v1"}}}\n'),
)


class Named(NamedTuple):
    """A name, what it names, and where it stands. part: the list of well-known names it is compared with."""

    entry: Entry
    what: str
    text: str
    place: Place
    part: str


def confusable_name(context: Context) -> Iterator[Hit]:
    """Names that mislead by their letters, and hosts that mislead by their labels."""
    servers = {entry.name for entry in context.entries if entry.name.isascii()}
    for entry in context.entries:
        if entry.sample or entry.disabled:
            continue
        for named in _odd_names(entry):
            listed = lookalikes.known(named.part) if named.part else frozenset()
            fact = _fault(named.text, listed, servers if named.what == "name" else set())
            if fact:
                message = f'Server "{visible(entry.name, NAME_LIMIT)}": its {named.what} {fact}.'
                yield Hit(named.place, message, named.text, subject=_subject(entry, named.place), server=entry.name)
        yield from _misleading_hosts(entry)
    yield from _misleading_tools(context)


def _odd_names(entry: Entry) -> Iterator[Named]:
    """The names of an entry that are not plain printable ASCII."""
    if not _plain(entry.name) and entry.kind == "server":
        yield Named(entry, "name", entry.name, name_place(entry), "servers")
    for launch in entry.launches:
        package, image = launch.package, launch.image
        if package and not _plain(package.name):
            yield Named(
                entry, "package name", package.name, entry.place(package.at), package.ecosystem if package.ecosystem in ("npm", "pypi") else ""
            )
        if image and not _plain(image.name):
            yield Named(entry, "image name", image.name, entry.place(image.at), "oci")
        if launch.line and not _plain(launch.line[0].text):
            yield Named(entry, "program", launch.line[0].text, entry.place(launch.line[0].at), "")


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def name_place(entry: Entry) -> Place:
    """Where the name of an entry stands: its key, or its `name` in a list."""
    if entry.pointer and entry.pointer[-1] == entry.name:
        return entry.place(key=True)
    return entry.place(("name",)) if "name" in entry.value else entry.place()


def _subject(entry: Entry, place: Place) -> str:
    """The JSON pointer below the entry."""
    below = place.pointer[len(entry.pointer) :]
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in below)


def _fault(text: str, listed: frozenset[str], others: set[str]) -> str:
    """What is wrong with a name, or "" when nothing is. listed, others: well-known names, and those of the repository, that it must not read like."""
    hidden = lookalikes.hidden_letter(text)
    if hidden:
        return f"holds a character that is not seen, U+{ord(hidden):04X}"
    mixed = lookalikes.mixed_letter(text)
    if mixed:
        return f"mixes scripts: U+{ord(mixed):04X} only looks like {lookalikes.skeleton(mixed)}"
    if text.isascii():
        return ""
    reads = lookalikes.skeleton(text)
    return f"reads like {reads}, but is another" if reads != text.lower() and (reads in listed or reads in others) else ""


def _misleading_tools(context: Context) -> Iterator[Hit]:
    """Tools, on their names in the lockfile."""
    loaded = [pinned for pinned in context.pinned if not all(entry.sample or entry.disabled for entry in pinned.entries)]
    odd = [(pinned, number, name) for pinned in loaded for number, name in _tool_names(pinned) if not _plain(name)]
    plain = {name for pinned in loaded for _, name in _tool_names(pinned) if name.isascii()} if odd else set()
    for pinned, number, name in odd:
        fact = _fault(name, frozenset(), plain)
        if fact:
            message = f'Tool "{visible(name, NAME_LIMIT)}" of server "{visible(pinned.pin.name, NAME_LIMIT)}": its name {fact}.'
            place, entries = surfaces.place(pinned, ("tools", number, "definition", "name")), tuple(entry.place(key=True) for entry in pinned.entries)
            related = entries if pinned.pin.document else entries[1:]
            yield Hit(place, message, name, related=related, subject=f"tool:{name}", server=pinned.pin.name)


def _tool_names(pinned: Pinned) -> Iterator[tuple[int, str]]:
    for number, tool in enumerate(pinned.pin.surface.tools):
        name = tool.get("name")
        if isinstance(name, str):
            yield number, name


def _misleading_hosts(entry: Entry) -> Iterator[Hit]:
    for launch in entry.launches:
        for word in launch.urls:
            if word.text.isascii() and "xn--" not in word.text.lower() and word.text.count(".") < 3:
                continue
            found = addresses.read(word.text)
            fact = _host_fault(found) if found and found.kind == addresses.PUBLIC and not found.number else ""
            if found and fact:
                place, message = entry.place(word.at), f'Server "{visible(entry.name, NAME_LIMIT)}": its host {fact}.'
                yield Hit(place, message, found.host, subject=_subject(entry, place), server=entry.name)


def _host_fault(found: addresses.Address) -> str:
    host = lookalikes.decoded(found.host)
    mixed = lookalikes.mixed_letter(host)
    if mixed:
        return f"mixes scripts: U+{ord(mixed):04X} only looks like {lookalikes.skeleton(mixed)}"
    reads = lookalikes.skeleton(host)
    if reads != host and lookalikes.domain(reads) in {lookalikes.domain(known) for known in lookalikes.known("hosts")}:
        return f"reads like {reads}, but is another"
    front = lookalikes.host_in_front(found.host)
    return f"begins like {front}, but belongs to {visible(lookalikes.domain(found.host), NAME_LIMIT)}" if front else ""


SAME_NAME_DIFFERENT_LAUNCH = RuleInfo(
    id="same-name-different-launch",
    family="identity",
    severity="low",
    title="One server name starts different things in different clients",
    why="One of them was reviewed, and another may run.",
    looks_at="Entries of one name in two files of the same project folder, and in the blocks for single tools of a rulesync file: program, package "
    "or image without version, or URL host. Wrappers, versions, environment, spellings of one path, and a machine's own path against the relative "
    "one make no difference.",
    fix="Generate the files from one source, or use two names.",
    references=("CWE-436", "SAFE-T1008"),
    example_bad=(
        ".rulesync/mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}},\n'
        ' "cursor": {"mcpServers": {"docs": {"type": "http", "url": "https://docs.example.com/mcp"}}}}\n',
    ),
    example_good=(
        ".rulesync/mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}},\n'
        ' "cursor": {"mcpServers": {"docs": {"command": "cmd", "args": ["/c", "npx", "-y", "@acme/docs-mcp@1.4.2"]}}}}\n',
    ),
)


def same_name_different_launch(context: Context) -> Iterator[Hit]:
    """The first entry of each further launch of a name within a project folder."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in context.entries:
        if entry.kind == "server" and not (entry.sample or entry.disabled or entry.again) and entry.client not in _NO_CLIENT_FILES:
            groups.setdefault((identity.project(entry.document.path), entry.name), []).append(entry)
    for (_, name), entries in groups.items():
        if len(entries) > 1:
            yield from _differing(name, entries)


# Descriptions of a package, which no client of the repository reads.
_NO_CLIENT_FILES = frozenset(("mcpb", "mcp-registry", "docker-registry", "named"))


def _differing(name: str, entries: list[Entry]) -> Iterator[Hit]:
    seen: list[tuple[Entry, identity.Identity]] = []
    for entry in entries:
        mine = identity.of_launch(entry.launch)
        if mine is None or any(identity.same(mine, other) for _, other in seen):
            continue
        first = next(((other, theirs) for other, theirs in seen if _source(other) != _source(entry)), None)
        if first:
            here, there = visible(mine.text, NAME_LIMIT), visible(first[1].text, NAME_LIMIT)
            path, related = visible(first[0].document.path, NAME_LIMIT), (name_place(first[0]),)
            message = f'Server "{visible(name, NAME_LIMIT)}" starts {here} here, and {there} in {path}.'
            yield Hit(name_place(entry), message, mine.text, related=related, subject="", server=name)
        seen.append((entry, mine))


def _source(entry: Entry) -> tuple[str, Pointer]:
    """The file, and in a file that other clients' files are made from the block for one of them."""
    return entry.document.path, entry.pointer[:-1] if entry.client == "rulesync" else ()


RULES: tuple[Rule, ...] = (
    Rule(LOOKALIKE_PACKAGE, lookalike_package, alike=True),
    Rule(CONFUSABLE_NAME, confusable_name, "context"),
    Rule(SAME_NAME_DIFFERENT_LAUNCH, same_name_different_launch, "context"),
    Rule(LOOKALIKE_HOST, lookalike_host, alike=True),
)
