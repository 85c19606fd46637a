"""How a server is reached and how it listens: clear text, certificates, metadata services, open ports. Entries in, hits out."""

from __future__ import annotations

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo, Word
from mcp_audit_gate.rules import listening
from mcp_audit_gate.rules.listening import NAME_LIMIT, title
from mcp_audit_gate.sources import flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Entry, Launch, Pointer

# Schemes without encryption: of servers, and of places packages come from.
CLEAR = ("http", "ws")
CLEAR_SOURCES = (*CLEAR, "git+http", "git", "git+git", "hg+http", "svn", "svn+http", "bzr+http", "ftp")


def _clear(url: str, schemes: tuple[str, ...], kind: str) -> addresses.Address | None:
    """The address, when the URL has one of the schemes and leads to that kind of host."""
    if url[:6].lower() == "https:":
        return None
    found = addresses.read(url)
    return found if found and found.scheme in schemes and _kind(found) == kind else None


def _kind(found: addresses.Address) -> str:
    """The kind of host, with those public names that by their owners' design lead to this machine or into a private network."""
    if found.kind != addresses.PUBLIC or found.number:
        return found.kind
    parts = found.host.split(".")
    from mcp_audit_gate.metadata import switches

    ends = {".".join(parts[start:]) for start in range(max(len(parts) - 3, 0), len(parts))}
    return next((kind for kind in (addresses.LOOPBACK, addresses.INTERNAL) if ends & switches.table("names")[kind]), found.kind)


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
    message = f"{title(entry)} {does} {visible(found.host, NAME_LIMIT)} over {found.scheme}, without encryption{more}."
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


PLAIN_HTTP_INTERNAL = RuleInfo(
    id="plain-http-internal",
    family="transport",
    severity="low",
    title="A server inside the own network is reached over http without encryption",
    why="The network in between is the owner's, but everyone on it can read the requests and the credentials in them.",
    looks_at="The same fields as plain-http, for hosts without a dot, names such as `.local` and `.internal`, and private addresses. "
    "Names that mean this machine (localhost, host.docker.internal) are left out.",
    fix="Use https inside too.",
    references=("CWE-319",),
    example_bad=(".mcp.json", '{"mcpServers": {"builds": {"type": "http", "url": "http://jenkins:8080/mcp"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"builds": {"type": "http", "url": "https://jenkins:8443/mcp"}}}\n'),
)

_THIS_MACHINE = frozenset(("host.docker.internal", "gateway.docker.internal", "host.containers.internal", "host.lima.internal", "host.orb.internal"))


def plain_http_internal(entry: Entry) -> Iterator[Hit]:
    """Clear-text URLs of internal hosts."""
    for launch in entry.launches:
        for word, schemes in (*((word, CLEAR) for word in launch.urls), *((word, CLEAR_SOURCES) for word in _sources(launch))):
            found = _clear(word.text, schemes, addresses.INTERNAL)
            if found and found.host not in _THIS_MACHINE:
                yield _plain_hit(entry, word, found, "uses")


RAW_IP_URL = RuleInfo(
    id="raw-ip-url",
    family="transport",
    severity="medium",
    title="A server is reached at a public address without a name",
    why="A bare address says nothing about who runs the server, changes hands without notice, and seldom has a certificate to speak of.",
    looks_at="The host of every URL field, and of the URL behind a proxy, in any spelling. Loopback and internal addresses are left out; "
    "over http it is plain-http.",
    fix="Use the server's name.",
    references=("CWE-350",),
    example_bad=(".mcp.json", '{"mcpServers": {"tracker": {"type": "http", "url": "https://203.0.113.9/mcp"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"tracker": {"type": "http", "url": "https://mcp.example.com/mcp"}}}\n'),
)


def raw_ip_url(entry: Entry) -> Iterator[Hit]:
    """https URLs whose host is a public address."""
    for launch in entry.launches:
        for word in launch.urls:
            found = addresses.read(word.text) if _may_be_number(word.text) else None
            if found and found.number and found.kind == addresses.PUBLIC and found.scheme not in CLEAR:
                yield Hit(entry.place(word.at), f"{title(entry)} is reached at {visible(found.host, NAME_LIMIT)}, a bare public address.", found.host)


def _may_be_number(url: str) -> bool:
    """False for most hosts that are a name: cheap."""
    start = url.find("//") + 2
    return "@" in url or not ("a" <= url[start : start + 1].lower() <= "z")


LEGACY_SSE = RuleInfo(
    id="legacy-sse",
    family="transport",
    severity="info",
    title="A server uses the old HTTP+SSE transport",
    why="HTTP+SSE was replaced by streamable HTTP in protocol version 2025-03-26 and is removed from clients and servers in time.",
    looks_at="A declared type of `sse`, and URLs whose path ends in `/sse` when no other type is declared.",
    fix="Move to the server's streamable HTTP address.",
    references=("SEP-2596",),
    example_bad=(".mcp.json", '{"mcpServers": {"tracker": {"type": "sse", "url": "https://mcp.example.com/v1"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"tracker": {"type": "http", "url": "https://mcp.example.com/v1"}}}\n'),
)


def legacy_sse(entry: Entry) -> Iterator[Hit]:
    """Entries of type sse, and addresses that end in /sse."""
    for launch in entry.launches:
        for word in launch.urls:
            kind = next((key for key in ("type", "transport", "transportType") if isinstance(entry.value.get(key), str)), None)
            if kind and word.at[0] != "args":
                if launch.transport == "sse":
                    yield Hit(entry.place((kind,)), f"{title(entry)} uses the old HTTP+SSE transport.", "sse")
                    break
            elif word.text.partition("?")[0].rstrip("/").endswith("/sse"):
                yield Hit(entry.place(word.at), f"{title(entry)} uses the old HTTP+SSE transport.", "sse")


TLS_VERIFICATION_OFF = RuleInfo(
    id="tls-verification-off",
    family="transport",
    severity="high",
    title="Certificates are not checked",
    why="Without the check https is as weak as http: whoever sits on the way can pose as the server, read the credentials and answer in its place.",
    looks_at="Variables, flags and options that switch the check off for the process, for one service or for one host, and database addresses "
    "with sslmode=disable. What concerns only loopback or internal hosts is left out, unless the switch is for the whole process.",
    fix="Keep the check on and add the authority's certificate (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE).",
    references=("CWE-295", "OWASP MCP07"),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "env": {"NODE_TLS_REJECT_UNAUTHORIZED": "0"}}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "env": {"NODE_EXTRA_CA_CERTS": "./certs/ca.pem"}}}}\n',
    ),
)


# One of these stands in every switch; curl and wget have short ones.
_TLS_MARKS = (
    "ssl",
    "tls",
    "cert",
    "verif",
    "insecure",
    "trusted",
    "nauthorized",
    "https_",
    "_https",
    "https-",
    "-https",
    "ignorehttps",
    "curl",
    "wget",
)


_PLAIN_KEYS = frozenset(("command", "args", "env", "headers", "url", "type", "tools", "description", "alwaysAllow", "autoApprove"))


def tls_verification_off(entry: Entry) -> Iterator[Hit]:
    """Variables, flags, keys and database addresses by which certificates are not checked."""
    marked = [launch for launch in entry.launches if any(mark in flags.blob(launch) for mark in _TLS_MARKS)]
    if marked or not entry.value.keys() <= _PLAIN_KEYS:
        from mcp_audit_gate.rules import certificates

        found = (*(item for launch in marked for item in certificates.in_launch(launch)), *certificates.in_keys(entry.value, _PLAIN_KEYS))
        yield from (Hit(entry.place(at), f"{title(entry)}: {fact}.", value) for at, fact, value in found)


METADATA_ADDRESS = RuleInfo(
    id="metadata-address",
    family="transport",
    severity="high",
    title="An entry reaches a cloud metadata service",
    why="The metadata service of a cloud machine hands out the machine's credentials to whoever asks from inside. No MCP server lives there.",
    looks_at="URLs, headers, arguments and literal variables, for the addresses and names of the known services in any spelling: decimal, octal, "
    "hexadecimal, short forms, IPv4-mapped IPv6. Variables and flags that deny, block or exclude are left out.",
    fix="Remove it.",
    references=("CWE-918", "OWASP MCP10", "CVE-2026-42449", "CVE-2026-49857"),
    example_bad=(".mcp.json", '{"mcpServers": {"box": {"type": "http", "url": "http://169.254.169.254/latest/meta-data/"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"box": {"type": "http", "url": "https://mcp.example.com/v1"}}}\n'),
    precision="very-high",
)


def metadata_address(entry: Entry) -> Iterator[Hit]:
    """Addresses of metadata services, wherever the entry names one."""
    for launch in entry.launches:
        urls = "\n".join([word.text for word in launch.urls])
        headers = "\n".join([variable.value or "" for variable in launch.headers])
        if not addresses.may_name_metadata(f"{flags.blob(launch)}{urls}\n{headers}") and "%" not in urls:
            continue
        seen: set[Pointer] = set()
        for word in launch.urls:
            found = addresses.read(word.text)
            if found and found.kind == addresses.METADATA:
                seen.add(word.at)
                yield _metadata_hit(entry, word.at, found)
        for at, text in flags.texts(launch):
            inside = next((inside for inside in addresses.in_text(text) if inside.kind == addresses.METADATA), None)
            if inside and at not in seen:
                yield _metadata_hit(entry, at, inside)


def _metadata_hit(entry: Entry, at: Pointer, found: addresses.Address) -> Hit:
    return Hit(entry.place(at), f"{title(entry)} names {found.host}, the metadata service of a cloud machine.", found.host)


RULES: tuple[Rule, ...] = (
    *listening.RULES,
    Rule(PLAIN_HTTP, plain_http, alike=True),
    Rule(PLAIN_HTTP_INTERNAL, plain_http_internal, alike=True),
    Rule(RAW_IP_URL, raw_ip_url, alike=True),
    Rule(LEGACY_SSE, legacy_sse, alike=True),
    Rule(TLS_VERIFICATION_OFF, tls_verification_off, alike=True),
    Rule(METADATA_ADDRESS, metadata_address, alike=True),
)
