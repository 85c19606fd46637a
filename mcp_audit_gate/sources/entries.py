"""Documents of a config to entries and settings: every shape that is known for the path is read, and what matched is said."""

from __future__ import annotations

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Entry, Place, Problem, Setting, Word
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.fields import ADDRESSES, KINDS, PROGRAMS, bundle, could_start, needs_no_program, strings, understand_entry
from mcp_audit_gate.sources.launch import Fields, command_string, understand
from mcp_audit_gate.sources.stray import is_foreign, strays
from mcp_audit_gate.sources.walk import Site, cut, members, pad, reading, repeated, sites, times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Json, Launch, Pointer
    from mcp_audit_gate.sources.clients import Row
    from mcp_audit_gate.sources.document import Document

MAX_ENTRIES = 10_000
MAX_REPEATS = 16
MAX_TEXT = 65_536  # characters of one string of an entry; more is no command line, and analysing it would take its time
_TOO_MANY = (f"more than {MAX_ENTRIES} entries", "split the file; no client needs as many servers")
_MAP_HINT = 'write servers as a map, {"mcpServers": {"name": {"command": "…"}}}'
_START_HINT = "name a program (command) or an address (url), or delete the entry"
_CONTAINERS = frozenset(
    (
        "mcpServers",
        "mcp_servers",
        "mcp-servers",
        "servers",
        "context_servers",
        "inputs",
        "mcp",
        "amp.mcpServers",
        "mcp.servers",
        "projects",
        "plugins",
    )
)
# What a manifest says about itself, often with a `url`.
_ABOUT = frozenset(("author", "repository", "bugs", "homepage", "funding", "license", "maintainer", "organization", "owner", "publisher", "vendor"))
_COMMAND_SETTINGS = frozenset(("apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "otelHeadersHelper"))


class Extract(NamedTuple):
    """What a file holds. pointed: paths of other files it names as configs. shapes: the pointers that matched."""

    entries: tuple[Entry, ...]
    settings: tuple[Setting, ...]
    problems: tuple[Problem, ...]
    pointed: tuple[tuple[str, Place], ...]
    shapes: tuple[str, ...]


def extract(documents: list[Document], row: Row) -> Extract:
    """Entries and settings of a file. Raises Unreadable above the limit of entries."""
    readers = [_Reader(document, row) for document in documents]
    for reader in readers:
        reader.run()
    count = sum(len(reader.entries) for reader in readers)
    if count > MAX_ENTRIES:
        raise Unreadable(*_TOO_MANY)
    return Extract(
        tuple(entry for reader in readers for entry in reader.entries),
        tuple(setting for reader in readers for setting in reader.settings),
        tuple(problem for reader in readers for problem in reader.problems),
        tuple(target for reader in readers for target in reader.pointed),
        tuple(dict.fromkeys(shape for reader in readers for shape in reader.shapes)),
    )


def is_sample(path: str, row: Row) -> bool:
    """True for a file that by its name is a sample, and that no client reads by a glob."""
    name = path.rpartition("/")[2].lower()
    by_glob = any("*" in pattern.rpartition("/")[2] and "/" in pattern for pattern in row.paths)
    return not by_glob and any(f".{word}." in name or name.endswith(f".{word}") for word in ("example", "sample", "template"))


class _Reader:
    """Reads one document by the shapes of its row."""

    def __init__(self, document: Document, row: Row) -> None:
        self._document = document
        self._row = row
        self._sample = is_sample(document.path, row)
        self._repeated = times(document.value) > 1
        self.entries: list[Entry] = []
        self.settings: list[Setting] = []
        self.problems: list[Problem] = []
        self.pointed: list[tuple[str, Place]] = []
        self.shapes: list[str] = []

    def run(self) -> None:
        """Reads settings, then each shape, then repeated keys."""
        root = Site(self._document.value, (), ())
        self._unwrapped_root(root)
        for pattern in self._row.settings:
            self._settings(root, pattern)
        for shape in self._row.shapes:
            before = len(self.entries), len(self.problems), len(self.pointed)
            parts = tuple(part for part in shape.split("/") if part)
            seen = [self._shape(site, parts) for site in sites(root, parts[:-1])]
            if any(seen) or before != (len(self.entries), len(self.problems), len(self.pointed)):
                self.shapes.append(shape)
        if self._row.syntax == "crushrc":
            self._command(root, command_string(Word(self._document.text, ())))
        if self._repeated:
            self._repeats(root)
        self._strays(root)

    def _unwrapped_root(self, root: Site) -> None:
        value = self._document.value
        if value is not None and not isinstance(value, dict) and not is_foreign(self._row, value) and self._row.syntax != "markdown":
            self._problem(root, "the file holds no map of keys", _MAP_HINT)

    def _strays(self, root: Site) -> None:
        """What no shape reaches and a client might read all the same."""
        pointers = {entry.pointer for entry in self.entries} | {setting.pointer for setting in self.settings}
        pointers |= {place.pointer for _, place in self.pointed}
        pointers |= {problem.place.pointer for problem in self.problems if isinstance(problem.place, Place)}
        read = {pointer[:length] for pointer in pointers for length in range(1, len(pointer) + 1)}
        read |= {tuple(part for part in shape.split("/") if part)[:-1] for shape in self._row.shapes}
        for stray in strays(root, self._document.text, self._row, self._document.path.rpartition("/")[2], read):
            self._problem(stray.site, stray.reason, stray.hint)

    def _shape(self, site: Site, parts: tuple[str, ...]) -> bool:
        """Reads what one shape names below `site`; true when its container is there."""
        if not parts:
            return self._whole(site)
        if parts == ("*",):
            self._flat(site)
            return False
        containers = list(sites(site, parts[-1:])) if parts[-1] != "*" else [site]
        if parts[-1] != "*":
            for found in containers:
                self._single(found, str(found.pointer[-1]))
            return bool(containers)
        self._container(site)
        return True

    def _container(self, site: Site) -> None:
        """A map or list of servers, the path of a file that holds one, or something unknown."""
        if isinstance(site.value, dict):
            found = list(members(site))
            if self._row.free and not any(isinstance(inner.value, dict) and could_start(inner.value) for _, inner, _ in found):
                return  # a map of something else under a common key
            for name, inner, last in found:
                if not self._holds_another_shape(inner):
                    self._member(inner, name, again=not last)
        elif isinstance(site.value, list):
            shared = self._row.client == "mcp-registry" or (self._row.client == "named" and site.pointer[-1] in ("plugins", "packages", "remotes"))
            if shared and not any(isinstance(item, dict) and could_start(item) for item in site.value):
                return  # a form of the first drafts (`registry_name`), or a list of something else
            for number, item in enumerate(site.value):
                self._item(Site(item, (*site.pointer, number), (*pad(site), -1)), number)
        elif isinstance(site.value, str) and site.value.strip():
            self._target(site, site.value)
        elif site.value is not None:
            self._problem(site, "servers in an unknown shape", _MAP_HINT)

    def _holds_another_shape(self, site: Site) -> bool:
        """True for a member that is itself the container of another shape of the row (`/mcp/servers/*` below `/mcp/*`)."""
        shape = "/" + "/".join(map(str, site.pointer)) + "/*"
        return shape in self._row.shapes and isinstance(site.value, dict) and not could_start(site.value)

    def _target(self, site: Site, text: str) -> None:
        """A path of another config, or the address of a bundle."""
        if "://" in text:
            name = text.partition("?")[0].partition("#")[0].rpartition("/")[2]
            self._add(site, name, {}, (bundle(text, ()),), False, False)
        else:
            self._point(site, text)

    def _point(self, site: Site, text: str) -> None:
        """Notes a path of another config; in a marketplace it is relative to the plugin's own folder."""
        text = text.replace("${CLAUDE_PLUGIN_ROOT}/", "./")
        value = self._document.value
        plugins = value.get("plugins") if isinstance(value, dict) else None
        if isinstance(plugins, list) and site.pointer[0] == "plugins" and isinstance(site.pointer[1], int):
            plugin = plugins[site.pointer[1]]
            source = plugin.get("source") if isinstance(plugin, dict) else None
            text = f"{source}/{text}" if isinstance(source, str) and "://" not in source else text
        self.pointed.append((text, self._place(site)))

    def _item(self, site: Site, number: int) -> None:
        """An item of a list: an entry with a name, `name: entry`, an address, a path, or the name of a server declared elsewhere."""
        value = site.value
        if isinstance(value, str):
            self._text_item(site, value, number)
            return
        if isinstance(value, dict):
            if self._uses(site, value):
                return
            inner = next(iter(value.values())) if len(value) == 1 else None
            if isinstance(inner, dict) and not could_start(value):
                for name, member, last in members(site):
                    self._member(member, name, again=not last)
                return
            name = next((str(value[key]) for key in ("name", "id", "identifier") if isinstance(value.get(key), str)), str(number))
            self._member(site, name, again=False)
        else:
            self._problem(site, "an entry that is no object", _MAP_HINT)

    def _text_item(self, site: Site, text: str, number: int) -> None:
        """An address, a path, or in an agent file the name of a server declared elsewhere."""
        plugin = self._row.client.endswith("-plugin")
        if "://" in text and not plugin:
            launches = self._as_its_client({}, site, understand(Fields(urls=(Word(text, ()),), transport="http")))
            self._add(site, str(number), {"url": text}, launches, False, False)
        elif plugin or text.startswith(("./", "../", "${CLAUDE_PLUGIN_ROOT}/")) or text.lower().endswith(".json"):
            self._target(site, text)
        elif self._row.syntax != "markdown" and not self._row.free:
            self._problem(site, "an entry that is no object", _MAP_HINT)

    def _as_its_client(self, value: dict[str, Json], site: Site, launches: tuple[Launch, ...]) -> tuple[Launch, ...]:
        """The launches of an entry, its own by the older SSE where its client takes a bare address for that."""
        sse = self._row.client == "cline" or "sse_servers" in site.pointer
        if not sse or not launches or launches[0].transport != "http" or any(key in value for key in KINDS):
            return launches
        return (launches[0]._replace(transport="sse"), *launches[1:])

    def _uses(self, site: Site, value: dict[str, Json]) -> bool:
        """Takes a block of Continue's hub (`uses: owner/name`), which Continue fetches with its launch, or the path of one in the tree."""
        uses = value.get("uses")
        if self._row.client != "continue" or not isinstance(uses, str) or not uses.strip() or could_start(value):
            return False
        if uses.startswith("file://"):
            self._point(Site(uses, (*site.pointer, "uses"), (*pad(site), -1)), uses.removeprefix("file://"))
        else:
            self._entry(site, uses, False, False)
        return True

    def _member(self, site: Site, name: str, again: bool) -> None:
        """A member of a server map: an entry, a comment, or not understood."""
        value = site.value
        commented = name.startswith(("_", "//", "$"))
        if not isinstance(value, dict):
            if not commented:
                self._problem(site, "an entry that is no object", _MAP_HINT, name)
            return
        disabled = self._disabled(value)
        if not could_start(value):
            if commented or self._not_a_server(value):
                return
            if not (needs_no_program(value, disabled, self._row.client) or self._row.completed):
                self._problem(site, "an entry without program or address", _START_HINT, name)
                return
        self._entry(site, name, disabled, again)

    def _not_a_server(self, value: dict[str, Json]) -> bool:
        return self._row.client in ("goose", "named") and value.get("type") in ("builtin", "platform", "frontend", "inline_python")

    def _disabled(self, value: dict[str, Json]) -> bool:
        return ("disabled" in self._row.off and value.get("disabled") is True) or ("enabled" in self._row.off and value.get("enabled") is False)

    def _entry(self, site: Site, name: str, disabled: bool, again: bool) -> None:
        """One entry; with repeated keys inside, once per reading, of which the last counts."""
        assert isinstance(site.value, dict)
        count = times(site.value) if self._repeated else 1
        if count > MAX_REPEATS:
            self._problem(site, f"a key that stands more than {MAX_REPEATS} times", "delete the repetitions", name)
        for number in (*range(min(count, MAX_REPEATS) - 1), -1):
            inner = site if number < 0 else site._replace(nth=(*pad(site), number))
            value = self._bounded(inner, reading(site.value, number) if self._repeated else site.value, name)
            assert isinstance(value, dict)
            understood = understand_entry(value, self._row.expands)
            for fault in understood.faults:
                place = self._place(inner)
                self._report(place._replace(pointer=(*place.pointer, *fault.at)), fault.reason, fault.hint, name)
            self._add(inner, name, value, self._as_its_client(value, inner, understood.launches), disabled, again or number >= 0)

    def _bounded(self, site: Site, value: Json, name: str | None) -> Json:
        """The value with strings over the limit cut, each of them a problem."""
        if len(self._document.text) <= MAX_TEXT:
            return value
        place = self._place(site)
        for at, text in strings(value):
            if len(text) > MAX_TEXT:
                reason = f"a text of {len(text)} characters; only the first {MAX_TEXT} were judged"
                self._report(place._replace(pointer=(*place.pointer, *at)), reason, "move it into a file of the repository", name)
        return cut(value, MAX_TEXT)

    def _add(self, site: Site, name: str, value: dict[str, Json], launches: tuple[Launch, ...], disabled: bool, again: bool) -> None:
        self._count()
        self.entries.append(
            Entry(self._document, self._row.client, name, "server", value, site.pointer, site.nth, launches, disabled, self._sample, again)
        )

    def _single(self, site: Site, name: str) -> None:
        """A shape that names one entry: an object, or a whole command line."""
        value = self._document.value
        title = value.get("name") if isinstance(value, dict) else None
        if isinstance(site.value, str) and site.value.strip():
            self._add(site, name, {"command": site.value}, understand(Fields((Word(site.value, ()),), transport="stdio")), False, False)
        elif isinstance(site.value, dict):
            if could_start(site.value):
                self._entry(_own(site), title if isinstance(title, str) else name, False, False)
            elif name == "mcp_config":
                self._problem(site, "an entry without program or address", _START_HINT, name)

    def _whole(self, site: Site) -> bool:
        """The file itself is one server, when it could start."""
        if not isinstance(site.value, dict) or any(key in site.value for key in _CONTAINERS):
            return False
        remote = site.value.get("remote")
        if could_start(site.value) or (isinstance(remote, dict) and could_start(remote)):
            name = site.value.get("name")
            self._entry(site, name if isinstance(name, str) else self._document.path.rpartition("/")[2].partition(".")[0], False, False)
            return True
        return False

    def _flat(self, site: Site) -> None:
        """Servers at the top of the file, without a container."""
        if isinstance(site.value, dict):
            wrapped = self._row.free or not _CONTAINERS.isdisjoint(site.value)
            for name, inner, last in members(site):
                value = inner.value
                if not isinstance(value, dict) or not could_start(value) or (name in _CONTAINERS and not _is_launch(value)):
                    continue
                if name not in _ABOUT or not _is_about(value, wrapped):
                    self._entry(inner, name, self._disabled(value), again=not last)

    def _settings(self, root: Site, pattern: str) -> None:
        outer, _, inner = pattern.rpartition("//")
        skip = len([part for part in outer.split("/") if part])
        parts = tuple(part for part in f"{outer}/{inner}".split("/") if part)
        for site in sites(root, parts):
            name = ".".join(str(step) for step in site.pointer[skip:])
            value = self._bounded(site, reading(site.value, -1), None)
            setting = Setting(self._document, self._row.client, name, value, site.pointer, site.nth, self._sample)
            self.settings.append(setting)
            self._commands(setting)
            if setting.name == "mcp.mcpConfigPath" and isinstance(setting.value, str):
                self.pointed.append((setting.value, self._place(site)))

    def _commands(self, setting: Setting) -> None:
        """Commands that the client runs because of a setting are judged like launches."""
        found: list[tuple[Pointer, Launch]] = []
        if setting.name in _COMMAND_SETTINGS and isinstance(setting.value, str):
            found.append(((), command_string(Word(setting.value, ()))))
        elif setting.name == "notify" and isinstance(setting.value, list):
            words = tuple(Word(str(item), (number,)) for number, item in enumerate(setting.value))
            found.append(((), understand(Fields(words, transport="stdio"))[0]))
        elif setting.name in ("hooks", "statusLine"):
            found += [((), command_string(Word(text, at))) for at, text in strings(setting.value) if at and at[-1] == "command"]
        for _, launch in found:
            self._command(Site(None, setting.pointer, setting.nth), launch)

    def _command(self, site: Site, launch: Launch) -> None:
        self.entries.append(Entry(self._document, self._row.client, "", "command", {}, site.pointer, site.nth, (launch,), False, self._sample, False))

    def _repeats(self, root: Site) -> None:
        """Keys that stand more than once on the way to an entry or setting, or inside one."""
        names: dict[Pointer, str | None] = {setting.pointer: None for setting in self.settings}
        names |= {entry.pointer: entry.name if entry.kind == "server" else None for entry in self.entries}
        above = {pointer[:length] for pointer in names for length in range(len(pointer) + 1)}
        for site, key, count in repeated(root):
            pointer = (*site.pointer, key)
            inside = next((pointer[:length] for length in range(len(pointer) + 1) if pointer[:length] in names), None)
            if key.startswith(("_", "//")) or (inside is None and pointer not in above):
                continue
            places = [Place(self._document, pointer, (*pad(site), number), True) for number in range(min(count, MAX_REPEATS))]
            message = f"stands {count} times in one object; clients disagree on which one counts"
            server = None if inside is None else names[inside]
            self.problems.append(Problem("duplicate-key", places[-1], message, "delete all but one", server, tuple(places[:-1])))

    def _place(self, site: Site) -> Place:
        return Place(self._document, site.pointer, site.nth)

    def _problem(self, site: Site, reason: str, hint: str, server: str | None = None) -> None:
        self._report(self._place(site), reason, hint, server)

    def _report(self, place: Place, reason: str, hint: str, server: str | None) -> None:
        self._count()
        self.problems.append(Problem("config-unreadable", place, reason, hint, server))

    def _count(self) -> None:
        """Refuses the file as soon as it holds more than any client needs, readable or not."""
        if len(self.entries) + len(self.problems) >= MAX_ENTRIES:
            raise Unreadable(*_TOO_MANY)


def _own(site: Site) -> Site:
    """The site without its launches on other systems, which are entries of their own."""
    if not isinstance(site.value, dict) or "platform_overrides" not in site.value or times(site.value) > 1:
        return site
    return site._replace(value={key: item for key, item in site.value.items() if key != "platform_overrides"})


def _is_about(value: dict[str, Json], wrapped: bool) -> bool:
    """True for an object with an address that says whose the file is, and that no client of the file takes for a server."""
    kind = value.get("type")
    told = set(value) <= {"url", "type", "name", "email", "directory"} and kind in (None, "git", "hg", "svn")
    return told and (wrapped or kind is not None)


def _is_launch(value: dict[str, Json]) -> bool:
    """True for an object whose program or address is written out, not a map that has a server of such a name."""
    return any(isinstance(value.get(key), (str, list)) for key in (*PROGRAMS, *ADDRESSES))
