"""Text that is no secret value: references, placeholders, sample keys, words; and the tables of data/credentials.json."""

from __future__ import annotations

import functools
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_reference(text: str) -> bool:
    """True when the whole value is a reference (`${VAR}`, `{env:VAR}`, `%VAR%`, `op://…`, …) without a literal default."""
    text = text.strip()
    return text.startswith(("op://", "vault:")) or ("\0" not in text and bool(text) and not blank(text).replace("\0", "").strip())


def without_references(text: str) -> str:
    """The literal parts of a value; `${VAR:-default}` leaves its default."""
    return blank(text).replace("\0", "")


def blank(text: str) -> str:
    """The text, as long as before, with NUL for each character of a reference; a default stays."""
    if not any(mark in text for mark in "${%"):
        return text
    pieces, done, depth = [], 0, 0
    for found in _references().finditer(text):
        token = found.group()
        if token == "}":
            if not depth:
                continue
            depth -= 1
        elif token.startswith("${") and not token.endswith("}"):
            depth += 1
        pieces += [text[done : found.start()], "\0" * len(token)]
        done = found.end()
    return "".join((*pieces, text[done:]))


@functools.cache
def _references() -> re.Pattern[str]:
    return re.compile(
        r"\$?\{\{[^{}]*\}\}|\$\{[^{}:]*(?::(?![-=])[^{}:]*)*(?:\}|:[-=])|\{(?:env|file|input|user_config)[:.][^{}]*\}|\$\([^()]*\)"
        r"|\$env:[A-Za-z_]\w*|(?<![A-Za-z0-9$])\$[A-Za-z_]\w*|%[A-Za-z_]\w{2,}%|\}"
    )


def is_placeholder(text: str) -> bool:
    """True for a text that stands where a value belongs: empty, `YOUR_KEY`, `<key>`, `{{key}}`, `xxxx`, `changeme`, a documented sample key."""
    text = text.strip().strip("\"'")
    body = text.strip("*.-_#…")
    if not body or "…" in text or len(set(body)) == 1 or text in samples():
        return True
    if (text[0], text[-1]) in (("<", ">"), ("[", "]"), ("{", "}")) or ("<" in text and re.search(r"<[A-Za-z][\w .-]*>", text)):
        return True
    low, data = text.lower(), data_file()
    if low.startswith(tuple(data["placeholder starts"])) or any(part in low for part in data["placeholder parts"]):
        return True
    return not data["placeholder words"].isdisjoint(_split().split(low))


@functools.cache
def _split() -> re.Pattern[str]:
    return re.compile(r"[^a-z0-9]+")


@functools.cache
def samples() -> frozenset[str]:
    """Whole keys from vendors' documentation."""
    return frozenset("".join(parts) for parts in data_file()["samples"]["values"])


@functools.cache
def data_file() -> dict[str, Any]:
    """The tables of data/credentials.json, lists of words as sets."""
    import json
    import os

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "credentials.json")
    with open(path, encoding="utf-8") as file:
        table: dict[str, Any] = json.load(file)
    pairs = table["letter pairs"]["value"]
    table["letter pairs"] = frozenset(pairs[at : at + 2] for at in range(0, len(pairs), 2))
    return {name: frozenset(value) if isinstance(value, list) and isinstance(value[0], str) else value for name, value in table.items()}


def is_plain(value: str) -> bool:
    """True for a path, an address, a number, a digest, a switch or a variable's name: literal, and no secret."""
    if "://" in value or value.lower() in ("true", "false", "none", "null", "undefined", "disabled", "enabled"):
        return True
    if re.match(r"(?:sha\d{1,3}|md5|blake\w{1,4})[:-]|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$", value) or not any(char.isalpha() for char in value):
        return True
    return bool(re.match(r"~?/|\.{1,2}/|[A-Za-z]:[\\/]|\\\\|file:", value)) and _is_path(value[:4096])


def _is_path(value: str) -> bool:
    parts = [part for part in re.split(r"[\\/]+", value) if part]
    return 2 * sum("." in part or is_words(part) for part in parts) >= len(parts)


@functools.lru_cache(4096)
def is_made_up(body: str, whole: str = "") -> bool:
    """True for what has a credential's form and was typed by a person: a placeholder, a sample key, `1234567890`, `abcabcabc`, words."""
    if is_placeholder(body) or whole in samples() or any(run in body for run in _sequences()) or entropy(body) < 2.5:
        return True
    return not any(char.isdigit() for char in body) and is_words(body) and ("-" in body or "_" in body)


@functools.lru_cache(4096)
def entropy(text: str) -> float:
    """Shannon entropy in bits per character; 0.0 for an empty text."""
    from math import log2

    counts = [text.count(char) for char in set(text)]
    return log2(len(text)) - sum([count * log2(count) for count in counts if count > 1]) / len(text) if text else 0.0


def is_scattered(value: str) -> bool:
    """True for the disorder of what was generated: 3.0 bits a character in hexadecimal digits, 3.5 in others."""
    digits = _hexadecimal().fullmatch(value)
    return entropy((digits[1] if digits else value).replace("-", "")) >= (3.0 if digits else 3.5)


@functools.cache
def _hexadecimal() -> re.Pattern[str]:
    """Hexadecimal digits, behind the short names of whoever issues such keys, where there are any (`acme-`, `acme_live_`)."""
    return re.compile(r"(?:0x|[A-Za-z][A-Za-z0-9]{1,9}[-_]){0,2}?([0-9a-fA-F][0-9a-fA-F-]{13,})")


@functools.cache
def _sequences() -> tuple[str, ...]:
    """Every eight characters that only count up: `12345678`, `abcdefgh`."""
    rows = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return tuple({row[at : at + 8] for row in rows for at in range(len(row) - 7)})


def is_words(text: str) -> bool:
    """True for words, joined or not (`local-dev-token`, `SuperSecret123`): told by their letter pairs."""
    rest = _config_words().sub("-", text.lower())
    if len(rest.replace("-", "")) < 6 or sum(map(str.isalpha, text)) < 0.6 * len(text):
        return len(rest.replace("-", "")) < 6
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)
    pairs = [part[at : at + 2].lower() for part in parts for at in range(len(part) - 1)]
    common = data_file()["letter pairs"]
    return len(pairs) >= 6 and sum(map(len, parts)) >= 3 * len(parts) and sum(pair in common for pair in pairs) >= 0.72 * len(pairs)


@functools.cache
def _config_words() -> re.Pattern[str]:
    return re.compile("|".join(sorted(data_file()["config words"], key=lambda word: (-len(word), word))))
