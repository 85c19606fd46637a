"""An entry of a config to the target of a connection: its written launch with references filled in from the environment."""

from __future__ import annotations

import os

from mcp_audit_gate.live.observation import Failure, Target
from mcp_audit_gate.live.references import References
from mcp_audit_gate.live.release import floating
from mcp_audit_gate.metadata.credentials import mask, masked_args, masked_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Entry, Json, Variable

_TYPE_KEYS = ("type", "transport", "transportType", "transport_type")


def target(item: Match, root: str, environ: Mapping[str, str]) -> Target:
    """The target of an entry. One whose references cannot be filled in has a `failure` and is not started.

    root: the folder of the repository, where servers start unless their entry names another.
    """
    entry = item.entry
    launch, references = entry.launch, References(entry.client, environ, root, entry.document.path)
    words = [references.fill(word.text) for word in launch.words]
    url = next((word.text for word in launch.urls if word.at and word.at[0] != "args"), "")
    env = _filled(launch.env, references) | _named(entry, ("env_vars", "env_keys"), references)
    headers = _filled(launch.headers, references) | _header_names(entry, references)
    cwd = os.path.join(root, os.path.expanduser(references.fill(launch.cwd.text))) if launch.cwd else root
    transport = "" if launch.transport == "http" and not _is_typed(entry.value) else launch.transport
    made = Target(
        entry.name,
        transport,
        words[0] if words else "",
        tuple(words[1:]),
        env,
        references.fill(url),
        headers,
        cwd,
        item.pin.surface.protocol_version if item.pin else None,
        package=floating(launch),
    )
    return made._replace(secrets=tuple(sorted({*_secrets(entry, url), *_worth(references.secrets)})), failure=_failure(made, references))


def _failure(made: Target, references: References) -> Failure | None:
    problem = references.problem()
    if problem:
        return Failure("start", *problem)
    if made.transport == "stdio" and not made.command:
        return Failure("start", "the entry names no program that could be started", "write its command")
    if made.transport in ("", "http", "sse") and not made.url:
        return Failure("start", "the entry names neither a program nor an address", "write its command or its url")
    return None


def _filled(variables: Sequence[Variable], references: References) -> dict[str, str]:
    """Names to values; a name without a text (`-e TOKEN`, `env: [TOKEN]`) takes the variable of that name, if there is one."""
    found = {}
    for variable in variables:
        if variable.quoted:  # part of the command line, where it stays
            continue
        value = references.fill(variable.value) if variable.value is not None else _same(variable.name, references)
        if value is not None:
            found[variable.name] = value
    return found


def _same(name: str, references: References) -> str | None:
    value = references.variable(name)
    references.missing.discard(name)
    return value


def _named(entry: Entry, keys: Sequence[str], references: References) -> dict[str, str]:
    """Variables that the entry hands on by their names alone (Codex, Goose)."""
    found = {}
    for key in keys:
        names = entry.value.get(key)
        for name in names if isinstance(names, list) else ():
            value = _same(name, references) if isinstance(name, str) else None
            if isinstance(name, str) and value is not None:
                found[name] = value
    return found


def _header_names(entry: Entry, references: References) -> dict[str, str]:
    """Headers whose values the entry gives by the names of variables (Codex, Kimi)."""
    found = {}
    named = entry.value.get("env_http_headers")
    for header, name in named.items() if isinstance(named, dict) else ():
        value = references.variable(name) if isinstance(name, str) else None
        if value is not None:
            found[header] = value
    for key in ("bearer_token_env_var", "bearerTokenEnvVar"):
        name = entry.value.get(key)
        value = references.variable(name) if isinstance(name, str) else None
        if value is not None:
            found["Authorization"] = f"Bearer {value}"
    return found


def _is_typed(value: Mapping[str, Json]) -> bool:
    """True when the entry says how its address is to be asked."""
    inner = [value.get(key) for key in ("transport", "remote")]
    layers = [value, *(layer for layer in inner if isinstance(layer, dict))]
    return any(isinstance(layer.get(key), str) for layer in layers for key in _TYPE_KEYS)


def _secrets(entry: Entry, url: str) -> Iterator[str]:
    """The literal credentials of an entry."""
    words = [word.text for word in entry.launch.words]
    pairs = [*zip(words, masked_args(words)), (url, mask(url))]
    pairs += [(one.value, masked_value(one.name, one.value)) for one in (*entry.launch.env, *entry.launch.headers) if one.value]
    for text, masked in pairs:
        if text != masked:
            yield from _hidden(text, masked)


def _hidden(text: str, masked: str) -> Iterator[str]:
    """The parts of a text that its masked form lacks; the whole when they cannot be told apart."""
    at = 0
    for number, kept in enumerate(masked.split("<secret>")):
        found = text.find(kept, at) if kept else (len(text) if number else 0)
        if found < 0:
            yield text
            return
        if found > at:
            yield text[at:found]
        at = found + len(kept)


def _worth(values: set[str]) -> Iterator[str]:
    """Of the values that came from variables those that may be secrets: not a path, nor an address without a credential."""
    for value in values:
        if "://" in value and mask(value) == value:
            continue
        if not value.startswith(("/", "~/", "./", "../")) and value[1:3] not in (":\\", ":/"):
            yield value
