"""What a variable, flag or key says about a protection: a name and a value in, what it switches off out. Tables in data/transport.json."""

from __future__ import annotations

import functools
import json
import os
import re

from mcp_audit_gate.metadata import addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FALSE = frozenset(("false", "0", "no", "off", "none", "disable", "disabled", "never"))
_TRUE = frozenset(("true", "1", "yes", "on", "enable", "enabled", "always"))
PROCESS, SERVICE, HOST = "process", "service", "host"


@functools.cache
def table(part: str) -> dict[str, Any]:
    """One part of the shipped table; its lists as sets."""
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "transport.json")
    with open(path, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)[part]
    return {key: value if isinstance(value, dict) else tuple(value) if key == "endings" else frozenset(value) for key, value in found.items()}


def is_on(value: str) -> bool:
    """True for `true`, `1`, `yes`, … in any case."""
    return value.strip().lower() in _TRUE


def is_off(value: str) -> bool:
    """True for `false`, `0`, `no`, … in any case."""
    return value.strip().lower() in _FALSE


def tls_variable(name: str, value: str) -> str:
    """Whose certificates a variable leaves unchecked: those of the process, of one service, of one host, or "" for nobody's."""
    rules, lower, value = table("tls"), name.lower(), addresses.fill(value)
    switch = rules["process"].get(lower)
    if switch is not None:
        return PROCESS if value.lower() in switch or ("*" in switch and value and not is_off(value)) else ""
    if lower in rules["hosts"]:
        return HOST if _names_public_host(value) else ""
    return SERVICE if value.lower() in rules["service"].get(lower, ()) or _tls_words(lower.replace("-", "_").split("_"), value) else ""


def tls_flag(name: str, value: str | None) -> str:
    """The same for a flag. The value may be the next word, which counts only where the flag takes one."""
    rules, lower = table("tls"), name.lower()
    if lower in rules["flags"]:
        return SERVICE
    if lower in rules["off_flags"]:
        return SERVICE if value is not None and is_off(addresses.fill(value)) else ""
    return HOST if lower in rules["host_flags"] and value and _names_public_host(value) else ""


def kept_on(name: str, value: str | None) -> bool:
    """True when a flag such as `--insecure` is itself switched off (`--insecure=false`); a browser's flags hold whatever their value."""
    return value is not None and addresses.fill(value).lower() in ("false", "0") and name.lower() not in table("tls")["valueless"]


def service(name: str) -> str:
    """The service that a variable is about, by its first word (`PROXMOX_VERIFY_SSL`); "" when that says nothing."""
    rules, (first, _, rest) = table("tls"), name.lower().partition("_")
    common = table("auth")["prefixes"] | rules["crypto"] | rules["check"] | rules["negate"] | {"insecure"}
    return first if rest and first not in common else ""


def names_host(name: str) -> bool:
    """True for a variable whose value is a host (`PROXMOX_HOST`)."""
    return name.lower().rpartition("_")[2] in table("tls")["host_words"]


def tls_key(name: str, value: object) -> bool:
    """True for a key of an entry such as `verify: false`, `rejectUnauthorized: false`, `tlsSkipVerify: true`."""
    if not isinstance(value, (bool, str)):
        return False
    text = str(value)
    words = [word.lower() for word in _key_words().findall(name)]
    return (words == ["verify"] and is_off(text)) or (words == ["insecure"] and is_on(text)) or _tls_words(words, text)


@functools.cache
def _key_words() -> re.Pattern[str]:
    return re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _tls_words(words: list[str], value: str) -> bool:
    """`SSL_VERIFY=false`, `TLS_SKIP_VERIFY=true`, `JIRA_INSECURE_SSL=1`: a word for certificates, a word for the check, and its opposite."""
    rules, found = table("tls"), frozenset(words)
    if found & rules["measure"] or not (found & rules["crypto"] or found >= {"insecure", "verify"}):
        return False
    checks, negated = found & rules["check"], found & rules["negate"]
    if "insecure" in found or (negated and (checks or "errors" in found)):
        return is_on(value)
    return bool(checks) and is_off(value)


def _names_public_host(value: str) -> bool:
    """True when one of the hosts or URLs in the value is public, or all are meant."""
    return "*" in value or any(found.kind == addresses.PUBLIC for found in addresses.in_text(value))


def database_without_tls(text: str) -> str | None:
    """The public host of a database address that leaves certificates unchecked (`?sslmode=disable`); None when there is none."""
    lower = text.lower()
    if not any(name in lower for name in table("tls")["database"]):
        return None
    for name, value in _pairs().findall(lower):
        if value in table("tls")["database"].get(name, ()):
            return _public_database(text)
    return None


@functools.cache
def _pairs() -> re.Pattern[str]:
    return re.compile(r"([a-z_-]{1,40})=([a-z]{1,20})")


def _public_database(text: str) -> str | None:
    url = re.search(r"\b[a-z][a-z0-9+.]{1,30}://", text, re.I)
    if url:
        found = addresses.read(text[url.start() :])
        return found.host if found and found.kind == addresses.PUBLIC else None
    named = re.search(r"(?:\b|_)(?:host|hostaddr|server|data source|address|addr)\s{0,9}=\s{0,9}(?:tcp:)?([^;,\s\"']{1,300})", text, re.I)
    host = named[1] if named else ""
    return host if addresses.host_kind(host) == addresses.PUBLIC else None


_EVERYWHERE = frozenset(("0.0.0.0", "::", "*", "+", "0"))  # noqa: S104 - compared, not bound


def everywhere(value: str) -> bool:
    """True for an address to listen at that means every interface: `0.0.0.0`, `::`, `*`, `:8080`, `http://+:5000`."""
    for part in addresses.fill(value).split(";"):
        host, port = addresses.split_port(part.rpartition("://")[2].rstrip("/"))
        if host in _EVERYWHERE or (not host and port.isdigit()):
            return True
    return False


def auth_off(name: str, value: str | None, package: str = "") -> bool:
    """True when a variable or flag switches authentication, or the check of a browser's origin, off for the server itself.

    The name may begin with words for the server (`MCP_`, `SERVER_`), with no others: `REDIS_AUTH_ENABLED` is about another service.
    """
    rules = table("auth")
    core = _core(name.lstrip("-").lower().replace("-", "_"), rules["prefixes"])
    if core in rules["other_meaning"].get(package, ()):
        return False
    text = "" if value is None else addresses.fill(value)
    if core in rules["on"]:
        return value is None or is_on(text)
    return (core in rules["off"] and is_off(text)) or (core in rules["star"] and text.strip("[]\"' ") == "*")


def _core(name: str, prefixes: frozenset[str]) -> str:
    """The name without the leading words that only say `of this server`."""
    words = name.split("_")
    while len(words) > 1 and (words[0] in prefixes or (len(words) > 2 and words[1] == "mcp")):
        words.pop(0)
    return "_".join(words)
