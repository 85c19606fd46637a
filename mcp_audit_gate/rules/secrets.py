"""Credentials written in a config: entries, settings and the rest of their files in, hits that never show the value out."""

from __future__ import annotations

import functools
from bisect import bisect_left

from mcp_audit_gate.metadata.credentials import IN_URL, PROBABLE, formed, judge_all, mask, reference_form
from mcp_audit_gate.metadata.credentials import RULES as NARROWER_FIRST
from mcp_audit_gate.metadata.formats import LITERAL, WALLET, has_gate
from mcp_audit_gate.metadata.naming import telling
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Entry, Hit, Place, Rule, RuleInfo, Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_audit_gate.metadata.credentials import Credential
    from mcp_audit_gate.metadata.strings import Spanned, Text
    from mcp_audit_gate.model import Context, Json, Location, Pointer

    Span = tuple[tuple[int, int], tuple[int, int]]

NAME_LIMIT = 200

# The examples are put together from pieces, so that no secret scanner takes this file for a leak; the values never existed.
_JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiI5MDIxIn0." + "h2Vq8ZtW0xLmB4vHsYc7Np" + "Jd3FgTf6KaQe5UwXr1GzM"
_KEY = "9f3c81d27be04a65" + "c1d8e7034fb2a961"
_CHAIN = '{"mcpServers": {"chain": {"command": "npx", "args": ["-y", "@acme/chain-mcp@1.4.2"], "env": {"PRIVATE_KEY": "%s"}}}}\n'
_GOOD = (
    ".mcp.json",
    '{"mcpServers": {"tracker": {\n  "type": "http",\n  "url": "https://mcp.example.com/v1",\n'
    '  "headers": {"Authorization": "Bearer ${TRACKER_TOKEN}"}\n}}}\n',
)

LITERAL_SECRET = RuleInfo(
    id=LITERAL,
    family="secrets",
    severity="high",
    title="A credential in a vendor's own format is committed",
    why="Whoever reads the repository, and its history, can use it. 24,008 secrets stood in public MCP files in 2026, 2,117 of them still valid "
    "(GitGuardian). Whether this one is cannot be known offline.",
    looks_at="The whole text of a config: env, headers, URLs, arguments, defaults of inputs and of ${VAR:-default}, settings that have nothing to do "
    "with servers, comments. Formats are anchored, with length and, where it exists, checksum: GitHub, GitLab, Anthropic, OpenAI, AWS, Google, "
    "Slack, npm, PyPI, SendGrid, Stripe, Hugging Face, DigitalOcean, signed JWT, private keys. References, placeholders, sample and publishable "
    "keys are left out.",
    fix="Revoke it, then write a reference to a variable (${NAME}, ${env:NAME}, ${input:id}) in its place.",
    references=("CWE-798", "OWASP MCP01", "SAFE-T1206", "AML.T0083"),
    example_bad=(".mcp.json", _GOOD[1].replace("${TRACKER_TOKEN}", _JWT)),
    example_good=_GOOD,
)
PROBABLE_SECRET = RuleInfo(
    id=PROBABLE,
    family="secrets",
    severity="high",
    title="A random-looking literal stands where a credential belongs",
    why="Many services' keys have no format of their own. A telling name and a value that looks generated are two signs that this is one, and "
    "whoever reads the repository can use it.",
    looks_at="Values whose name has the word TOKEN, SECRET, PASSWORD, API_KEY, ACCESS_KEY, PRIVATE_KEY, CREDENTIAL or COOKIE, Authorization and "
    "X-API-Key headers, and flags such as --token and --api-key. The value must have 16 or more characters and an entropy of 3.0 bits (hexadecimal) "
    "or 3.5 bits (other) each. Paths, addresses, numbers, digests and dictionary words are left out, and of a file without servers all but the "
    "client's settings.",
    fix="Revoke it, then write a reference to a variable (${NAME}, ${env:NAME}, ${input:id}) in its place.",
    references=("CWE-798", "OWASP MCP01", "SAFE-T1206"),
    example_bad=(".mcp.json", _GOOD[1].replace("${TRACKER_TOKEN}", _KEY)),
    example_good=_GOOD,
)
CREDENTIAL_IN_URL = RuleInfo(
    id=IN_URL,
    family="secrets",
    severity="high",
    title="A URL or connection string holds a literal password or token",
    why="It is committed, and URLs are copied into logs, histories and process lists.",
    looks_at="Passwords before the host, and query values named token, access_token, api_key, apikey, key, sig or secret of eight or more "
    "characters, in URL fields, arguments and variables. References, placeholders and default pairs such as postgres:postgres on a local "
    "host are left out.",
    fix="Change it, then move it to a header or variable that holds a reference.",
    references=("CWE-598", "CWE-798", "OWASP MCP01"),
    example_bad=(".mcp.json", '{"mcpServers": {"tracker": {"type": "http", "url": "https://deploy:' + _KEY[:22] + '@mcp.example.com/v1"}}}\n'),
    example_good=_GOOD,
)
WALLET_KEY = RuleInfo(
    id=WALLET,
    family="secrets",
    severity="high",
    title="The key of a wallet is committed",
    why="Whoever reads the repository can take the funds at once, and nobody can call them back. Programs look for nothing else in public code.",
    looks_at="0x and 64 hexadecimal digits, or 12 to 24 words of the BIP-39 list, in every string of an entry or client setting, under a name "
    "such as PRIVATE_KEY, WALLET, SIGNER, MNEMONIC or SEED_PHRASE. Addresses, hashes, public keys, and the keys that Hardhat and Anvil print for "
    "everybody are left out.",
    fix="Move the funds to a new wallet, then write a reference to a variable (${NAME}, ${env:NAME}, ${input:id}) in its place.",
    references=("CWE-321",),
    example_bad=(".mcp.json", _CHAIN % ("0x" + _KEY + _KEY[::-1])),
    example_good=(".mcp.json", _CHAIN % "${CHAIN_PRIVATE_KEY}"),
)


class _Run:
    """A run's context as the key of a cache: the rules share one walk over all strings."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        self.context = context

    def __hash__(self) -> int:
        return id(self.context)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Run) and other.context is self.context


@functools.lru_cache(1)
def _faults(run: _Run) -> tuple[tuple[str, Hit], ...]:
    """Rule and hit for each string of the run that holds a credential."""
    subjects: tuple[Entry | Setting, ...] = (*run.context.entries, *run.context.settings)
    told = [(found[0].rule, _hit(about, one.at, found)) for about in subjects for one, found in _sorted(about.value, _name(about))]
    places: dict[str, list[Place]] = {}
    for _, hit in told:
        if isinstance(hit.place, Place):
            places.setdefault(hit.place.document.path, []).append(hit.place)
    return (*told, *_beside(run.context, places))


def _name(about: Entry | Setting) -> str | None:
    """What a setting's value stands under, when it is one string. In Codex's `env_key` the name of a variable belongs, but people write the key."""
    key = about.pointer[-1] if isinstance(about, Setting) and isinstance(about.value, str) and about.pointer else None
    return "token" if key == "env_key" else key if isinstance(key, str) else None


def _sorted(value: Json, name: str | None = None) -> Iterator[tuple[Text, list[Credential]]]:
    """The strings below a value that hold credentials, with these, that of the narrowest rule first."""
    for one, credentials in judge_all(value, name):
        yield one, sorted(credentials, key=lambda found: NARROWER_FIRST.index(found.rule))


def _beside(context: Context, told: dict[str, list[Place]]) -> Iterator[tuple[str, Hit]]:
    """The same for what stands in the files beside entries and settings: other values, keys, comments.

    A file without servers may be for anything (editor settings); there only a vendor's format is our business, and in a .env file nothing.
    """
    held: dict[str, set[Pointer]] = {}
    subjects: tuple[Entry | Setting, ...] = (*context.entries, *context.settings)
    for about in subjects:
        held.setdefault(about.document.path, set()).add(about.pointer)
    declaring = {entry.document.path for entry in context.entries}
    for document in context.documents:
        text, serves = document.text, document.path in declaring
        gated = has_gate(text)
        if (gated or (serves and (telling(text) or ("://" in text and "@" in text)))) and not document.path.rpartition("/")[2].startswith(".env"):
            known = sorted(_span(place.document.locate(place)) for place in told.get(document.path, ()))
            found = [*_values(document, held.get(document.path, set())), *(_texts(document) if gated else ())]
            yield from ((rule, hit) for rule, where, hit in found if (serves or rule == LITERAL) and _added(where, known))


def _values(document: Spanned, held: set[Pointer]) -> Iterator[tuple[str, Location, Hit]]:
    """Credentials in values that are part of no entry and no setting, with where they stand."""
    above = {pointer[:depth] for pointer in held for depth in range(len(pointer))}
    for at, value in _rest(document.value, (), held, above):
        for one, found in _sorted(value, next((step for step in at[-1:] if isinstance(step, str)), None)):
            place = Place(document, (*at, *one.at), (*(-1 for _ in at), *one.nth))
            message = f'The value "{_field(place.pointer)}" holds {_kinds(found)}.'
            hit = Hit(place, message, _joined(found), True, subject=_pointer(place.pointer), fix=_taken_out(found[0].rule))
            yield found[0].rule, document.locate(place), hit


def _rest(value: Json, at: Pointer, held: set[Pointer], above: set[Pointer]) -> Iterator[tuple[Pointer, Json]]:
    """The largest values that are part of nothing that is held."""
    if at in held:
        return
    if at not in above:
        yield at, value
        return
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield from _rest(inner, (*at, key), held, above)


def _texts(document: Spanned) -> Iterator[tuple[str, Location, Hit]]:
    """Vendors' formats anywhere in the text, comments and keys included; of Markdown in the front matter alone."""
    end = document.span(Place(document, ()))[1] if document.path.lower().endswith((".md", ".mdc")) else None
    for one in formed(document.text[:end]):
        where = document.stretch(one.start, one.end)
        yield one.rule, where, Hit(where, f"A comment or a key holds {_kinds([one])}.", one.value, True, fix=_taken_out(one.rule))


def _added(where: Location, known: list[Span]) -> bool:
    """True for a place that meets none of those that are known, in order; then it is one of them."""
    span = _span(where)
    at = bisect_left(known, span)
    apart = (at == 0 or known[at - 1][1] <= span[0]) and (at == len(known) or span[1] <= known[at][0])
    if apart:
        known.insert(at, span)
    return apart


def _span(where: Location) -> Span:
    return (where.start_line, where.start_column), (where.end_line, where.end_column)


def _taken_out(rule: str) -> str:
    return f"{'Move the funds to a new wallet' if rule == WALLET else 'Revoke it'}, then take it out of the file, or write a reference in its place."


def _hit(about: Entry | Setting, at: Pointer, found: list[Credential]) -> Hit:
    """One hit for a string, whatever number of credentials it holds."""
    kinds, value, fix = _kinds(found), _joined(found), _fix(about.client, found[0].rule)
    if isinstance(about, Entry):
        message = f'"{_field(at) or "command"}" of server "{_shown(about.name)}" holds {kinds}.'
        return Hit(about.place(at), message, value, True, subject=_pointer(at), fix=fix, server=about.name)
    message = f'The setting "{_shown(_join(about.name, _field(at)))}" holds {kinds}.'
    return Hit(about.place(at), message, value, True, subject=_pointer((*about.pointer, *at)), fix=fix)


def _join(name: str, field: str) -> str:
    return f"{name}.{field}" if field and not field.startswith("[") else f"{name}{field}"


def _kinds(found: list[Credential]) -> str:
    return " and ".join(dict.fromkeys(f"a literal {one.kind} ({one.length} characters)" for one in found))


def _joined(found: list[Credential]) -> str:
    return "\0".join(one.value for one in found)


def _fix(client: str, rule: str) -> str:
    form = reference_form(client)
    if rule == IN_URL:
        return f"Change it, then move it to a header or variable that holds a reference{f' ({form})' if form else ''}."
    first = "Move the funds to a new wallet" if rule == WALLET else "Revoke it"
    return f"{first}, then write a reference{f' ({form})' if form else ' to a variable'} in its place."


def _field(at: Pointer) -> str:
    """A pointer as people write it: args[1]."""
    return _shown("".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip("."))


def _shown(name: str) -> str:
    return visible(mask(name), NAME_LIMIT)


def _pointer(steps: Pointer) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _check(rule: str) -> Callable[[Context], Iterator[Hit]]:
    def check(context: Context) -> Iterator[Hit]:
        """Every string whose narrowest fault is this rule's; disabled entries and sample files, too."""
        return (hit for found, hit in _faults(_Run(context)) if found == rule)

    return check


RULES: tuple[Rule, ...] = tuple(
    Rule(info, _check(info.id), "context", True, True) for info in (LITERAL_SECRET, WALLET_KEY, PROBABLE_SECRET, CREDENTIAL_IN_URL)
)
