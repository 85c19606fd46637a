"""How much of the machine a server gets: whole disks and homes, credential stores, writing where reading was the default."""

from __future__ import annotations

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo, Word
from mcp_audit_gate.rules.paths import Path, handed, identity, table
from mcp_audit_gate.rules.wording import field, server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Entry, Json, Launch, Pointer

_OAUTH = '{"mcpServers": {"docs": {"type": "http", "url": "https://mcp.example.com/v1", "oauth": {"scopes": ["%s"]}}}}\n'
_FILES = "@modelcontextprotocol/server-filesystem@2026.8.31"


def _config(name: str, package: str, arguments: str = "", env: str = "") -> tuple[str, str]:
    """An example: one server started by npx."""
    words = f'"-y", "{package}"' + (f', "{arguments}"' if arguments else "")
    more = f', "env": {{{env}}}' if env else ""
    return ".mcp.json", f'{{\n  "mcpServers": {{\n    "{name}": {{"command": "npx", "args": [{words}]{more}}}\n  }}\n}}\n'


# Every switch of the data file holds one of these, so most launches need not read it.
FLAGS_SAY = "write"
VARIABLES_SAY = ("write", "read", "operation")
# `../` five times leaves every usual place of a checkout; less may end in a folder beside it.
_FAR_UP = 5


BROAD_PATH = RuleInfo(
    id="broad-path",
    family="scope",
    severity="high",
    title="The server gets a whole disk or a whole home",
    why="Every credential of the machine or its user lies somewhere inside, and one tool call can read it. No honest entry was seen that needs this.",
    looks_at="Allowed folders of file system servers (arguments, --root, --allowed-dir, MCP_FS_ROOTS, ALLOWED_DIRS) and the host side of -v and "
    "--mount: the root, a drive, /etc, /var, /root, all homes or one home, also when reached through `..`. Placeholders for a user's name are left "
    "alone.",
    fix="Name the folder the server needs, read-only where possible.",
    references=("CWE-732", "OWASP MCP02", "OWASP MCP10", "SAFE-T1105", "SAFE-T1303"),
    example_bad=_config("files", _FILES, "~"),
    example_good=_config("files", _FILES, "./docs"),
)


def broad_path(entry: Entry) -> Iterator[Hit]:
    """Every root and mount of the entry that is a whole disk, a system folder or a home."""
    for launch in entry.launches:
        for found in dict.fromkeys(handed(launch)):
            what = "" if found.kind == "file" else breadth(found.path)
            if what:
                verb = "mounts" if found.kind == "mount" else "may reach"
                message = f"{server(entry)} {verb} {what} of the machine that runs it ({field(found.at)})."
                yield Hit(entry.place(found.at), message, _spelled(found.path))


def breadth(path: Path) -> str:
    """What a path that is too broad stands for, in words; empty for others."""
    lists = table()["broad"]
    parts = tuple(part.lower() for part in path.parts)
    if path.root == "~":
        return "" if parts else "the whole home"
    if not path.root:
        return "" if parts or path.up < _FAR_UP else "everything above the repository"
    if path.root != "/" and not parts:
        return "a whole drive"
    if path.root == "/" and "/".join(parts) in lists["folders"]:
        return f"the whole folder /{'/'.join(path.parts)}" if parts else "the whole disk"
    if path.root == "/" and len(parts) == 2 and parts[0] == "mnt" and len(parts[1]) == 1:
        return "a whole drive"
    folder = "/".join("?" if at == 1 and parts[0] == "mnt" else part for at, part in enumerate(parts))
    if folder in lists["homes"]:
        return "all homes"
    parent, _, name = folder.rpartition("/")
    return "a whole home" if parent in lists["homes"] and name not in lists["no_homes"] and not _is_placeholder(path.parts[-1]) else ""


def _is_placeholder(name: str) -> bool:
    low = name.lower()
    return low.startswith("your") or low in table()["placeholders"] or any(char in name for char in "<>[]{}…") or set(low) == {"x"}


def _spelled(path: Path) -> str:
    return "/".join((path.root.rstrip("/"), *[".."] * path.up, *path.parts)).replace(addresses.HOLE, "*")


SENSITIVE_PATH = RuleInfo(
    id="sensitive-path",
    family="scope",
    severity="high",
    title="A credential store or key file is handed to the server",
    why="What lies there can leave with a single tool call, and it opens far more than the server is for.",
    looks_at="Allowed folders, host sides of mounts and file arguments, path segment by path segment: .ssh, .gnupg, .aws, .azure, .kube, gcloud, "
    ".docker/config.json, .netrc, .npmrc, .pypirc, .password-store, keychains, browser profiles, private keys, a real .env, /proc. Variables and "
    "flags by which a server finds its own credentials are left alone, and so is what a server of that service only reads.",
    fix="Pass the one credential the server needs, by reference.",
    references=("CWE-552", "SAFE-T1502", "AML.T0083"),
    example_bad=_config("files", _FILES, "~/.ssh"),
    example_good=_config("files", _FILES, "./docs"),
)


def sensitive_path(entry: Entry) -> Iterator[Hit]:
    """Every root, mount and file argument of the entry that is or lies in a credential store."""
    for launch in entry.launches:
        for found in dict.fromkeys(handed(launch)):
            segment, what = sensitivity(found.path)
            if what and not (found.readonly and found.kind != "root" and _own(launch, what)):
                message = f"{server(entry)} is given {what} ({segment} in {field(found.at)})."
                yield Hit(entry.place(found.at), message, segment)


def sensitivity(path: Path) -> tuple[str, str]:
    """The segments of a path that name a credential store, and what is in it; two empty texts for other paths."""
    lists = table()["sensitive"]
    parts = [part.lower() for part in path.parts]
    if path.root == "/" and parts[:1] == ["proc"]:
        return "/proc", "the environment of every process"
    if parts and parts[-1] in lists["last"]:
        return parts[-1], lists["last"][parts[-1]]
    for at in range(len(parts)):
        for length in (1, 2, 3):
            name = "/".join(parts[at : at + length])
            # A public key, and a file beside the store that only begins like it, is none.
            if name in lists["anywhere"] and not parts[-1].endswith(".pub"):
                return name, lists["anywhere"][name]
    return "", ""


def _own(launch: Launch, what: str) -> bool:
    """True when the server is one of the service that the credentials are for."""
    return not identity(launch).isdisjoint(table()["services"].get(what, ()))


WRITE_ENABLED = RuleInfo(
    id="write-enabled",
    family="scope",
    severity="low",
    title="Writing is switched on where the server would only read",
    why="The switch exists because reading is enough for most uses; with it, one mistaken or injected call changes data.",
    looks_at="Switches whose name says it: --allow-write, --read-write, READ_ONLY=false, ALLOW_DELETE_OPERATION=true and their kin. READ_ONLY=true "
    "never lowers anything: servers have ignored it (CVE-2025-59333, CVE-2026-46519).",
    fix="Drop the switch unless writing is what the server is for.",
    references=("CWE-269", "CVE-2025-59333", "CVE-2026-46519"),
    example_bad=_config("data", "@acme/data-mcp@1.4.2", env='"ALLOW_DELETE_OPERATION": "true"'),
    example_good=_config("data", "@acme/data-mcp@1.4.2", env='"ALLOW_DELETE_OPERATION": "false"'),
    precision="medium",
)


def write_enabled(entry: Entry) -> Iterator[Hit]:
    """Every switch of the entry that turns writing on."""
    for launch in entry.launches:
        for word, name in _switches(launch):
            yield Hit(entry.place(word.at), f"{server(entry)} may write: {visible(name, 80)} ({field(word.at)}).", name)


def _switches(launch: Launch) -> Iterator[tuple[Word, str]]:
    for word in launch.arguments:
        name, _, value = word.text.partition("=")
        if FLAGS_SAY in name and name in table()["write_flags"] and value.lower() not in ("false", "0", "no"):
            yield word, name
    for variable in launch.env:
        low, value = variable.name.lower(), (variable.value or "").lower()
        if any(part in low for part in VARIABLES_SAY) and _switches_on(low, value):
            yield Word(variable.value or "", variable.at), variable.name


def _switches_on(name: str, value: str) -> bool:
    if value in ("true", "1", "yes", "on"):
        return _named(name, table()["write_variables"])
    return value in ("false", "0", "no", "off") and _named(name, table()["readonly_variables"])


def _named(name: str, names: list[str]) -> bool:
    """True for one of the names, also behind the server's own (`MYSQL_READ_ONLY`)."""
    return any(name == known or name.endswith(f"_{known}") for known in names)


WILDCARD_OAUTH_SCOPE = RuleInfo(
    id="wildcard-oauth-scope",
    family="scope",
    severity="medium",
    title="A server asks for every right of the account",
    why="Whoever signs in grants at once what the server will never need, and whoever takes its token has all of it. A person still has to agree, "
    "and mostly does.",
    looks_at="OAuth scopes in an entry: `*`, `admin:*` and the like, `full_access`. Those of reading, and of one thing, are left out.",
    fix="Ask for the scopes that the server's tools need.",
    references=("CWE-250", "OWASP MCP02"),
    example_bad=(".mcp.json", _OAUTH % "admin:*"),
    example_good=(".mcp.json", _OAUTH % "docs:read"),
)


def wildcard_oauth_scope(entry: Entry) -> Iterator[Hit]:
    """Scopes without a limit, each text of them once."""
    for at, text in _scopes(entry.value, ()):
        wide = next((scope for scope in text.replace(",", " ").split() if _is_wildcard(scope)), None)
        if wide is not None:
            yield Hit(entry.place(at), f'{server(entry)} asks for the OAuth scope "{visible(wide, 80)}" ({field(at)}).', wide)


# Members of an entry that hold scopes, and those that may hold such a member.
_SCOPES = frozenset(("scope", "scopes", "oauthscopes", "defaultscopes"))
_GRANTS = frozenset(("oauth", "auth", "authentication", "authorization", "oauthclient", "oauth2", "obo"))
_READING = frozenset(("read", "readonly", "view", "list", "get"))


def _scopes(value: dict[str, Json], at: Pointer) -> Iterator[tuple[Pointer, str]]:
    for key, inner in value.items():
        low = key.replace("_", "").lower()
        if low in _GRANTS and isinstance(inner, dict) and len(at) < 3:
            yield from _scopes(inner, (*at, key))
        elif low in _SCOPES and isinstance(inner, str):
            yield (*at, key), inner
        elif low in _SCOPES and isinstance(inner, list):
            yield from (((*at, key, number), item) for number, item in enumerate(inner) if isinstance(item, str))


def _is_wildcard(scope: str) -> bool:
    low = scope.lower()
    if low.replace("_", "").replace("-", "").replace(".", "").replace(":", "") in ("fullaccess", "allaccess"):
        return True
    parts = low.rpartition("://")[2].replace("/", ":").replace(".", ":").split(":")
    return "*" in parts and _READING.isdisjoint(parts)


RULES: tuple[Rule, ...] = (
    Rule(WILDCARD_OAUTH_SCOPE, wildcard_oauth_scope, alike=True),
    Rule(BROAD_PATH, broad_path, alike=True),
    Rule(SENSITIVE_PATH, sensitive_path, alike=True),
    Rule(WRITE_ENABLED, write_enabled, alike=True),
)
