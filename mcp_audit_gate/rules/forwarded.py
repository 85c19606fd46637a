"""What goes along to a server that it has no use for. Entries in, hits out."""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.rules.wording import field, server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mcp_audit_gate.model import Entry, Launch, Pointer

ENVIRONMENT_FORWARDED = RuleInfo(
    id="environment-forwarded",
    family="secrets",
    severity="medium",
    title="A server gets the whole environment of whoever starts it",
    why="Every token in the shell, of clouds, registries and other servers, is there for this one to read, and nobody can tell from the file "
    "which go along.",
    looks_at="`inheritEnv` and its spellings, `*` in a list of variables to hand on, `--pass-environment` of mcp-proxy and `--env-host` of podman. "
    "Variables that are named one by one are left out.",
    fix="Name the variables that the server needs.",
    references=("CWE-526", "SAFE-T1503"),
    example_bad=(".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "inheritEnv": true}}}\n'),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "env": {"DOCS_TOKEN": "${DOCS_TOKEN}"}}}}\n',
    ),
)
_ALL = frozenset(("inheritenv", "inheritenvironment", "inheritallenv", "passenv", "passenvironment", "forwardenv", "forwardenvironment"))
_LISTS = ("env", "envs", "environment", "env_vars", "envVars", "env_keys", "pass_env", "passEnv")
_FLAGS = frozenset(("--pass-environment", "--env-host", "--env-host=true"))


def environment_forwarded(entry: Entry) -> Iterator[Hit]:
    """Switches, wildcards and flags that hand on every variable."""
    for at in _wholes(entry):
        yield Hit(entry.place(at), f"{server(entry)} gets the whole environment ({field(at)}).", str(at[0]))


def _wholes(entry: Entry) -> Iterator[Pointer]:
    for key, value in entry.value.items():
        switched = (value is True or value in ("all", "*")) and key.replace("_", "").replace("-", "").lower() in _ALL
        if switched or (key in _LISTS and value == "*"):
            yield (key,)
        elif key in _LISTS and isinstance(value, list):
            yield from ((key, number) for number, item in enumerate(value) if item == "*")
        elif key in _LISTS and isinstance(value, dict) and "*" in value:
            yield (key, "*")
    for launch in entry.launches:
        yield from (word.at for word in launch.words if word.text in _FLAGS)


_REMOTE = '{"mcpServers": {"docs": {"type": "http", "url": "https://mcp.example.com/v1", "headers": {"Authorization": "Bearer ${%s}"}}}}\n'

TOKEN_TO_THIRD_PARTY = RuleInfo(
    id="token-to-third-party",
    family="transport",
    severity="medium",
    title="A provider's token is sent to a server of somebody else",
    why="Whoever runs the server can act as the user at the provider, with all that the token allows, and nothing there tells the two apart.",
    looks_at="Headers and addresses with a reference to a variable that is named after a provider (GITHUB_TOKEN, OPENAI_API_KEY), to a public host "
    "outside the provider's domains. Generic names (API_KEY), a provider's software on a host of one's own (gitlab.acme.com), and tokens for an "
    "MCP server (NOTION_MCP_TOKEN) are left out.",
    fix="Use a token that the server itself issues, or name the variable after the server when it is one.",
    references=("CWE-441", "CWE-522"),
    example_bad=(".mcp.json", _REMOTE % "GITHUB_TOKEN"),
    example_good=(".mcp.json", _REMOTE % "DOCS_TOKEN"),
    precision="medium",
)


def token_to_third_party(entry: Entry) -> Iterator[Hit]:
    """Headers and addresses that carry one provider's credential to another's host."""
    for launch in entry.launches:
        texts = (*_headers(entry, launch), *((word.at, _referred(word.text)) for word in launch.urls)) if launch.urls else ()
        for at, name in ((at, name) for at, text in texts for name in _providers(text)):
            host = stranger(name, launch)
            if host:
                message = f"{server(entry)} sends {visible(name, 80)} ({field(at)}) to {visible(host, 80)}, which is not the provider's."
                yield Hit(entry.place(at), message, f"{name} {host}")


def stranger(name: str, launch: Launch) -> str:
    """The public host that a launch reaches, outside the domains of the provider that a variable is named after; "" for none."""
    hosts = (_public(word.text) for word in launch.urls) if _is_providers(name) else ()
    return next((host for host in hosts if host and not _is_of(host, name)), "")


def _headers(entry: Entry, launch: Launch) -> Iterator[tuple[Pointer, str]]:
    """The texts of headers, those that a proxy is given included; Codex and Kimi name a variable instead."""
    yield from ((header.at, header.value) for header in launch.headers if header.value and any(mark in header.value for mark in "$%{"))
    for flag, word in zip(launch.words, launch.words[1:]):
        if flag.text in ("--header", "--headers", "-H") and "$" in word.text:
            yield word.at, word.text
    for key in ("bearer_token_env_var", "bearerTokenEnvVar"):
        if isinstance(entry.value.get(key), str):
            yield (key,), f"${{{entry.value[key]}}}"
    named = entry.value.get("env_http_headers")
    yield from ((("env_http_headers", name), f"${{{text}}}") for name, text in (named.items() if isinstance(named, dict) else ()))


def _referred(url: str) -> str:
    """The references of an address alone: a parameter's own name says nothing of the value."""
    from mcp_audit_gate.metadata.placeholders import blank

    return "".join(char if mark == "\0" else " " for char, mark in zip(url, blank(url)))


def _providers(text: str) -> Iterator[str]:
    """The variables in a text with references that are named after a provider."""
    from mcp_audit_gate.metadata.credentials import without_references

    if without_references(text) == text:
        return
    yield from filter(_is_providers, re.findall(r"[A-Za-z][A-Za-z0-9_-]{2,80}", text[:4096]))


def _is_providers(name: str) -> bool:
    words = name.upper().replace("-", "_").split("_")
    return len(words) > 1 and words[-1] in _CREDENTIALS and "MCP" not in words and words[0] in _table()["domains"]


_CREDENTIALS = frozenset(("TOKEN", "KEY", "APIKEY", "PAT", "SECRET", "PASSWORD", "CREDENTIAL", "CREDENTIALS"))


def _public(url: str) -> str:
    """The public host of an address, "" for another and for one that a reference decides."""
    from mcp_audit_gate.metadata import addresses
    from mcp_audit_gate.sources.specs import has_reference

    found = addresses.read(url)
    return "" if found is None or found.kind != addresses.PUBLIC or has_reference(found.host) else found.host


def _is_of(host: str, name: str) -> bool:
    """True for a host of the provider, or one's own that runs the provider's software."""
    table, word = _table(), name.upper().replace("-", "_").partition("_")[0]
    parts = host.lower().split(".")
    ends = {".".join(parts[start:]) for start in range(len(parts))}
    return not ends.isdisjoint(table["domains"][word]) or (word in table["own"] and ("github" if word == "GH" else word.lower()) in parts[:-2])


@functools.cache
def _table() -> dict[str, Any]:
    """The tables of data/providers.json."""
    import json
    import os

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "providers.json")
    with open(path, encoding="utf-8") as file:
        table: dict[str, Any] = json.load(file)
    return table


RULES: tuple[Rule, ...] = (
    Rule(ENVIRONMENT_FORWARDED, environment_forwarded, alike=True),
    Rule(TOKEN_TO_THIRD_PARTY, token_to_third_party, alike=True),
)
