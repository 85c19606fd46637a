"""Names that make a value a secret: the name of a variable, header, flag or key in, yes or no out."""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.metadata.placeholders import data_file

# One of these stands, in some case, in every name that makes a value a secret.
_TELLING = ("token", "secret", "pass", "pwd", "key", "credential", "cookie", "auth", "bearer", "sig=", "jwt", "pat=", "pat:", 'pat"', "pat ")


@functools.lru_cache(4096)
def is_secret_name(name: str, wide: bool = False) -> bool:
    """True when a name says that its value is a credential (`API_TOKEN`, `clientSecret`, `X-API-Key`, `--key`); with `wide` also `DB_PASS`."""
    if not telling(name) or len(name) > 200:
        return False
    words = [word.upper() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)]
    while len(words) > 1 and words[-1].isdigit():
        words.pop()
    data = data_file()
    if not words or words[-1] in data["other names"] or "PUBLISHABLE" in words:
        return False
    if (name.startswith("-") and words[-1] in data["secret flags"]) or ("-" in name and words[0] in ("X", "XI") and words[-1] == "KEY"):
        return True
    if any(word.endswith(tuple(data["secret endings"])) for word in words):
        return True
    spoken = f" {' '.join(words)} "
    return any(f" {phrase} " in spoken for phrase in data["secret names"]) or (wide and not data["masked names"].isdisjoint(words))


def is_key_name(name: str) -> bool:
    """True for `OPENAI_KEY`, `signingKey`: what looks random there is masked; a table or a cache has keys, too, so it is not reported."""
    return bool(re.search(r"(?:[a-z](?=K)|[_.-])[Kk](?:EY|ey)$", name)) and len(name) <= 200


def telling(text: str) -> bool:
    """False when no name in the text makes a value a secret, told without tables."""
    low = text.lower()
    return low.endswith("pat") or any(word in low for word in _TELLING)
