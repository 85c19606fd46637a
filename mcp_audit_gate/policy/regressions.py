"""What a change makes worse about servers that keep their name and stay what they were. A comparison in, hits out.

What compares is imported where it is needed: every run has these rules, and most compare nothing.
"""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Place, Rule, RuleInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_audit_gate.model import Entry, Variable
    from mcp_audit_gate.policy.compared import Comparison

_DOCS = '{"mcpServers": {"docs": {"type": "http", "url": "https://mcp.example.com/v1"%s}}}\n'

AUTH_WEAKENED = RuleInfo(
    id="auth-weakened",
    family="drift",
    severity="high",
    title="A server lost its protection under the name it had",
    why="People approved a server that was asked for with a credential, over an encrypted and checked connection. The name is the same, so nobody "
    "is asked again, and whoever answers in its place is believed.",
    looks_at="Servers that are what they were where the change began: a credential header or OAuth settings that are gone with nothing in their "
    "place, https that became http, certificates that are no longer checked. A header that was renamed, another kind of authentication and http "
    "on this machine are left out; another host or package is launch-changed.",
    fix="Restore it. A client that now finds OAuth by itself wants a waiver that says so.",
    references=("CWE-306", "SAFE-T1407"),
    example_bad=(".mcp.json", _DOCS % ""),
    example_good=(".mcp.json", _DOCS % ', "headers": {"Authorization": "Bearer ${DOCS_TOKEN}"}'),
    needs=("trusted-ref",),
)


def auth_weakened(comparison: Comparison) -> Iterator[Hit]:
    """Credentials, encryption and checks that every entry of the name had, and this one has not."""
    from mcp_audit_gate.policy import compared

    here = {(entry.document.path, entry.name) for entry in comparison.after.context.entries}
    for entry, named in compared.kept(comparison):
        if any(one.value == entry.value for one in named):
            continue
        whose = compared.whose(entry)
        # One that stands in another file as before lost nothing: this one is new beside it.
        moved = (one for one in named if one.document.path == entry.document.path or (one.document.path, one.name) not in here)
        was = [one for one in moved if compared.whose(one) == whose]
        if was:
            ref = visible(comparison.ref, 80)
            yield from _credential_gone(entry, was, ref)
            yield from _encryption_gone(entry, was, ref)
            yield from _check_gone(entry, was, ref)


def _title(entry: Entry) -> str:
    from mcp_audit_gate.rules.wording import server

    return server(entry)


def _credential_gone(entry: Entry, was: Sequence[Entry], ref: str) -> Iterator[Hit]:
    """Nothing that authenticates is left. A header that came instead and may hold the credential counts as a new name for it."""
    before = [_credentials(one) for one in was]
    if not all(before) or _credentials(entry):
        return
    old = {header.name.lower() for one in was for header in _headers(one)}
    values = {header.value for one in was for header in _headers(one)}
    if any(header.name.lower() not in old and (header.value in values or _refers(header)) for header in _headers(entry)):
        return
    lost = before[0][0]
    message = f"{_title(entry)} has no {visible(lost, 60)} any more, which it has in {ref}, and nothing in its place."
    yield Hit(entry.place(key=True), message, lost.lower(), subject="", server=entry.name)


# Members of an entry that say how a client authenticates.
_MEMBERS = (
    *("oauth", "auth", "authentication", "oauthClient", "oauthClientId", "oauth_client_id", "oauthScopes", "authProviderType", "requiresOAuth"),
    *("bearer_token_env_var", "bearerTokenEnvVar", "env_http_headers", "headersHelper", "headers_helper", "apiKey", "obo"),
)


def _credentials(entry: Entry) -> list[str]:
    """What an entry authenticates with, by the names of its headers and members."""
    found = [header.name for header in _headers(entry) if (header.value is None or header.value.strip()) and _carries(header)]
    return [*found, *(member for member in _MEMBERS if entry.value.get(member) not in (None, False, "", "none", [], {}))]


def _carries(header: Variable) -> bool:
    from mcp_audit_gate.metadata.credentials import is_secret_name

    return is_secret_name(header.name) or (header.value or "").lower().startswith(("bearer ", "basic "))


def _headers(entry: Entry) -> Iterator[Variable]:
    """The headers of an entry, also those that a proxy is given (`--header "Authorization: …"`)."""
    from mcp_audit_gate.model import Variable

    for launch in entry.launches:
        yield from launch.headers
        for flag, value in zip(launch.words, launch.words[1:]):
            if launch.urls and flag.text in ("--header", "--headers", "-H"):
                name, _, text = value.text.partition(":")
                yield Variable(name, text, value.at)


def _refers(header: Variable) -> bool:
    """True when a reference stands in the value."""
    from mcp_audit_gate.metadata.credentials import without_references

    return header.value is not None and without_references(header.value) != header.value


def _encryption_gone(entry: Entry, was: Sequence[Entry], ref: str) -> Iterator[Hit]:
    """Addresses without encryption, where all that the entry had were encrypted."""
    from mcp_audit_gate.metadata import addresses

    before = [found for one in was for launch in one.launches for word in launch.urls if (found := addresses.read(word.text))]
    if not before or any(found.scheme not in ("https", "wss") for found in before):
        return
    for launch in entry.launches:
        for word in launch.urls:
            found = addresses.read(word.text)
            if found and found.scheme in ("http", "ws") and found.kind != addresses.LOOPBACK:
                message = f"{_title(entry)} is reached over {found.scheme}, without encryption, and in {ref} over {before[0].scheme}."
                yield Hit(entry.place(word.at), message, f"{found.scheme}://{found.host}", server=entry.name, subject=_pointer(word.at))


def _check_gone(entry: Entry, was: Sequence[Entry], ref: str) -> Iterator[Hit]:
    """Switches by which certificates are not checked, that no entry of the name had."""
    from mcp_audit_gate.rules import transport

    before = {hit.value for one in was for hit in transport.tls_verification_off(one)}
    for hit in transport.tls_verification_off(entry):
        if hit.value not in before:
            message = f"{hit.message.removesuffix('.')}, and not in {ref}."
            at = hit.place.pointer[len(entry.pointer) :] if isinstance(hit.place, Place) else ()
            yield hit._replace(message=message, server=entry.name, subject=_pointer(at))


def _pointer(at: Sequence[str | int]) -> str:
    from mcp_audit_gate.rules import json_pointer

    return json_pointer(at)


# Scope "change": the whole comparison.
RULES: tuple[Rule, ...] = (Rule(AUTH_WEAKENED, auth_weakened, "change"),)
