"""How a server is reached and how it listens: clear text, certificates, metadata services, open ports. Entries in, hits out."""

from __future__ import annotations

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Entry, Launch, Pointer

NAME_LIMIT = 80

# Schemes without encryption: of servers, and of places packages come from.
CLEAR = ("http", "ws")
CLEAR_SOURCES = (*CLEAR, "git+http", "git", "git+git", "hg+http", "svn", "svn+http", "bzr+http", "ftp")


def _server(entry: Entry) -> str:
    return f'Server "{visible(entry.name, NAME_LIMIT)}"'


def _clear(url: str, schemes: tuple[str, ...], kind: str) -> addresses.Address | None:
    """The address, when the URL has one of the schemes and leads to that kind of host."""
    if url[:6].lower() == "https:":
        return None
    found = addresses.read(url)
    return found if found and found.scheme in schemes and found.kind == kind else None


PLAIN_HTTP = RuleInfo(
    id="plain-http",
    family="transport",
    severity="high",
    title="A server or a package source is reached over http without encryption",
    why="Prompts, results and credentials cross a network in clear, and whoever sits on the way can read and change them. "
    "A package fetched over http can be replaced before it arrives.",
    looks_at="Every URL field of an entry, the URL behind a proxy such as mcp-remote, and where packages come from (git, tarball, index). "
    "Loopback and internal hosts and hosts that are references are left out, and so are URLs in a server's own environment.",
    fix="Use https.",
    references=("CWE-319", "OWASP MCP07", "CoSAI T7", "CVE-2026-31951"),
    example_bad=(".mcp.json", '{"mcpServers": {"tracker": {"type": "http", "url": "http://mcp.example.com/v1"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"tracker": {"type": "http", "url": "https://mcp.example.com/v1"}}}\n'),
)


def plain_http(entry: Entry) -> Iterator[Hit]:
    """Clear-text URLs of public hosts, in URL fields, behind proxies and as package sources."""
    for launch in entry.launches:
        for word in launch.urls:
            found = _clear(word.text, CLEAR, addresses.PUBLIC)
            if found:
                sends = "; a credential header goes along" if _sends_credential(launch) else ""
                yield _plain_hit(entry, word, found, "is reached at", sends)
        for word in _sources(launch):
            found = _clear(word.text, CLEAR_SOURCES, addresses.PUBLIC)
            if found:
                yield _plain_hit(entry, word, found, "fetches packages from")


def _plain_hit(entry: Entry, word: Word, found: addresses.Address, does: str, more: str = "") -> Hit:
    message = f"{_server(entry)} {does} {visible(found.host, NAME_LIMIT)} over {found.scheme}, without encryption{more}."
    return Hit(entry.place(word.at), message, f"{found.scheme}://{found.host}:{found.port}")


_INDEX_FLAGS = frozenset(
    ("--registry", "--index-url", "-i", "--extra-index-url", "--default-index", "--index", "--find-links", "-f", "--source", "--add-source")
)
_INDEX_VARIABLES = frozenset(
    (
        "npm_config_registry",
        "yarn_npm_registry_server",
        "bun_config_registry",
        "pip_index_url",
        "pip_extra_index_url",
        "pip_find_links",
        "uv_index_url",
        "uv_extra_index_url",
        "uv_default_index",
        "uv_index",
        "uv_find_links",
        "goproxy",
    )
)


def _sources(launch: Launch) -> Iterator[Word]:
    """Where packages come from: the package's own address, index flags of the runner, index variables."""
    if launch.package and launch.package.source:
        yield Word(launch.package.source, launch.package.at)
    for option in launch.options:
        if option.value and option.name in _INDEX_FLAGS and launch.runner != "docker run":
            yield from _index_urls(option.value, option.value_at)
    for variable in launch.env:
        if variable.value and variable.name.lower() in _INDEX_VARIABLES:
            yield from _index_urls(variable.value, variable.at)


def _index_urls(value: str, at: Pointer) -> Iterator[Word]:
    """The URLs of one index setting: several may stand there, each perhaps as `name=URL` (uv)."""
    for part in value.split():
        name, equals, url = part.partition("=")
        yield Word(url if equals and "://" not in name else part, at)


_CREDENTIAL_HEADERS = ("authorization", "cookie", "api-key", "apikey", "token", "secret")


def _sends_credential(launch: Launch) -> bool:
    """True when a header that carries a credential goes along, by its name; also `--header "Authorization: …"` of a proxy."""
    names = [variable.name for variable in launch.headers]
    for flag, value in zip(launch.arguments, launch.arguments[1:]):
        if flag.text in ("--header", "-H"):
            names.append(value.text.partition(":")[0])
    return any(part in name.lower() for name in names for part in _CREDENTIAL_HEADERS)


RULES: tuple[Rule, ...] = (Rule(PLAIN_HTTP, plain_http),)
