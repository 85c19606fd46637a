"""Certificates that are not checked: a launch, or the value of an entry, in; the switches that say so, with what to say of them, out."""

from __future__ import annotations

import re

from mcp_audit_gate.metadata import addresses, switches
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Variable
from mcp_audit_gate.rules.listening import NAME_LIMIT
from mcp_audit_gate.sources import flags, shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Json, Launch, Pointer

    # Where below the entry, what to say, and the words at fault.
    Fact = tuple[Pointer, str, str]


def in_launch(launch: Launch) -> Iterator[Fact]:
    """Variables, flags, database addresses and programs by which a launch leaves certificates unchecked."""
    for switch, scope in _switches(launch):
        if scope != switches.SERVICE or not (_only_near(launch) or _service_is_near(launch, switch)):
            yield switch.at, _off(switch.name), switch.name
    for at, value in flags.texts(launch):
        host = switches.database_without_tls(value) if "=" in value else None
        if host:
            yield at, f"the database address of {visible(host, NAME_LIMIT)} leaves certificates unchecked", host
    yield from _programs(launch)


def in_keys(value: Json, plain: frozenset[str]) -> Iterator[Fact]:
    """Keys of an entry that say it, at any depth; plain: those that are not looked into."""
    return ((at, _off(name), name) for name, at in _keys(value, (), plain))


def _off(name: str) -> str:
    return f"{visible(name, NAME_LIMIT)} switches the check of certificates off"


def _switches(launch: Launch) -> Iterator[tuple[Variable, str]]:
    """Variables and flags that switch the check off, with what they switch it off for."""
    for variable in flags.variables(launch):
        scope = switches.tls_variable(variable.name, variable.value) if variable.value else ""
        if scope:
            yield variable, scope
    for flag in flags.flags(launch):
        scope = switches.tls_flag(flag.name, flag.value)
        whole = flag.name.lower() in switches.table("tls")["flags"]
        if scope and not (whole and flag.at == flag.value_at and switches.kept_on(flag.name, flag.value)):
            yield Variable(flag.name, None, flag.at if whole else flag.value_at), scope


def _only_near(launch: Launch) -> bool:
    """True when the launch names hosts, and all of them are on this machine or inside."""
    kinds = {found.kind for _, text in flags.texts(launch) if "://" in text for found in addresses.in_text(text) if found.scheme}
    return bool(kinds) and kinds <= {addresses.LOOPBACK, addresses.INTERNAL}


def _service_is_near(launch: Launch, switch: Variable) -> bool:
    """True when the hosts and URLs in variables of the same service (`X_HOST` beside `X_VERIFY_SSL`) are all on this machine or inside."""
    service = switches.service(switch.name)
    values = [(one.name, addresses.fill(one.value)) for one in flags.variables(launch) if one.value and switches.service(one.name) == service]
    hosts = [value for name, value in values if "://" not in value and switches.names_host(name)] if service else []
    kinds = {addresses.host_kind(host) for value in hosts for host in value.replace(",", " ").split()}
    kinds |= {found.kind for _, value in values if "://" in value for found in addresses.in_text(value) if found.scheme}
    return bool(hosts) and kinds <= {addresses.LOOPBACK, addresses.INTERNAL}


_CURL_K = r"-[fsSLivIgGnNaBjJlpqRV0-9#]*k[A-Za-z]*"


def _programs(launch: Launch) -> Iterator[Fact]:
    """`curl -k`, as the program itself or as a command of a script."""
    if launch.program == "curl":
        for word in launch.arguments:
            if re.fullmatch(_CURL_K, word.text):
                yield word.at, f"{word.text} switches the check of certificates off", word.text
    script = launch.shell
    if script is None or not ("curl" in script.text or "wget" in script.text):
        return
    for words, _ in shell.commands(shell.split(script.text)):
        texts = [word.text for word in words]
        curl = texts[0].rpartition("/")[2] == "curl" and any(re.fullmatch(_CURL_K, text) or text == "--insecure" for text in texts)
        if curl or (texts[0].rpartition("/")[2] == "wget" and "--no-check-certificate" in texts):
            yield script.at, f"{visible(texts[0], NAME_LIMIT)} is called without checking certificates", texts[0]
            return


def _keys(value: Json, at: Pointer, plain: frozenset[str]) -> Iterator[tuple[str, Pointer]]:
    """Keys of the entry that say it, at any depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in plain:
                continue
            if isinstance(item, (dict, list)):
                yield from _keys(item, (*at, key), plain)
            elif switches.tls_key(key, item):
                yield key, (*at, key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _keys(item, (*at, number), plain)
