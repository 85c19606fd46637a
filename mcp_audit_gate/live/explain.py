"""What a server wrote before it failed, made fit to be shown, and the act that most likely helps."""

from __future__ import annotations

import re

from mcp_audit_gate.metadata.credentials import mask
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_audit_gate.live.observation import Options, Target

SHOWN = 200
# Shorter values are words like "info" or "1", which hiding would only make a message hard to read.
HIDDEN, HIDDEN_SECRET = 6, 4
_ADVICE = (
    (
        ("unknownissuer", "certificate", "cert_", "self-signed", "self signed", "unable_to_verify", "unable_to_get_issuer"),
        "if a private certificate authority is in use, hand it over: --pass-env SSL_CERT_FILE --pass-env NODE_EXTRA_CA_CERTS",
    ),
    (
        (
            "enotfound", "eai_again", "econnrefused", "etimedout", "getaddrinfo", "name or service not known", "failed to fetch", "fetch failed",
            "network is unreachable", "could not resolve", "failed to establish a new connection", "client error (connect)", "dns error",
        ),
        "the package registry or another address cannot be reached: check the network, hand proxy settings over with --pass-env",
    ),
    (
        ("e404", "404 not found", "no matching version", "no solution found", "not found in the package registry"),
        "check the package's name and version",
    ),
    (("cannot find module", "module_not_found", "modulenotfounderror", "no module named"), "its installation is incomplete; install it again"),
    (
        ("token", "api_key", "api key", "apikey", "secret", "credential", "unauthorized", "environment variable"),
        "set what it asks for in the entry's env",
    ),
)  # fmt: skip


# Lines that end the output of a failed program and say nothing: stack frames, the runtime's version, where a log lies, braces.
_EMPTY = lazy(
    r"at |Node\.js v|npm (?:error|ERR!|notice)(?: A complete log| *$)|(?:code|errno|syscall|requireStack|path|port|address): |[{}\[\]()^,;\s]*$"
)
TAIL = 12


def telling(words: str) -> str:
    """The last line of a server's standard error that says something, else its last line, else ""."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return next((line for line in reversed(lines[-4 * TAIL :]) if not _EMPTY.match(line[:200])), lines[-1] if lines else "")


def advice(words: str) -> str:
    """What to try, judging by the last words of a server; "" when they tell nothing."""
    lines = words.lower().splitlines()[-TAIL:]
    return next((act for line in reversed(lines) if (act := _act(line))), "")


def _act(low: str) -> str:
    return next((act for marks, act in _ADVICE if any(mark in low for mark in marks)), "")


def cleaner(target: Target, options: Options) -> Callable[[str], str]:
    """A function that makes untrusted text one printable line without any value handed to the server."""
    hidden = sorted(set(_values(target, options)), key=lambda pair: (-len(pair[0]), pair))

    def clean(text: str) -> str:
        text = text[:4096].strip()
        for value, name in hidden:
            text = text.replace(value, f"<{name}>")
        return visible(mask(" ".join(text.split())), SHOWN)

    return clean


def _values(target: Target, options: Options) -> Iterator[tuple[str, str]]:
    """What must not be shown, and what stands in its place."""
    given = {name: options.environ[name] for name in options.pass_env if name in options.environ}
    for name, value in (*target.env.items(), *target.headers.items(), *given.items()):
        yield from ((part, name) for part in (value, *re.split(r"\s+", value)) if len(part) >= HIDDEN)
    yield from ((value, "secret") for value in target.secrets if len(value) >= HIDDEN_SECRET)
