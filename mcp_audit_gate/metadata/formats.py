"""Credentials that have a form of their own: vendors' formats, private keys, AWS keys, signed tokens; text in, Credential out."""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.metadata.placeholders import data_file, entropy, is_made_up
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

LITERAL, WALLET = "literal-secret", "wallet-key"
SHORTEST = 20  # characters of the shortest format

# One of these stands in whatever is found here. They are a copy of the data file's gates (a test compares them), so that for a config
# in which none stands neither that file is read nor a pattern compiled. A plain loop: it runs over every string of every config.
GATES = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-"),
    *("glsoat-", "glffct-", "sk-ant-", "T3BlbkFJ", "AIza", "GOCSPX-", "xoxb-", "xoxp-", "xoxe-", "xoxc-", "xoxe.xox", "xoxd-", "xapp-"),
    *("hooks.slack.com/", "npm_", "pypi-AgE", "SG.", "sk_live_", "rk_live_", "hf_", "api_org_", "dop_v1_", "doo_v1_", "dor_v1_", "eyJ"),
    *("PRIVATE KEY", "PuTTY-User-Key", "AKIA"),  # private keys, AWS keys beside their id
)


class Credential(NamedTuple):
    """A secret in a text: what it is, the rule that reports it, and where it begins and ends, in characters."""

    kind: str
    rule: str
    start: int
    end: int
    length: int
    value: str


def credential(kind: str, rule: str, text: str, start: int, end: int) -> Credential:
    """The Credential that stands from start to end of the text."""
    return Credential(kind, rule, start, end, end - start, text[start:end])


def has_gate(text: str) -> bool:
    """False when `find` finds nothing without a name, told without tables and patterns."""
    if len(text) >= SHORTEST:
        for gate in GATES:
            if gate in text:
                return True
    return False


_PHRASES = ("mnemonic", "seed", "phrase", "wallet", "recovery", "secret", "key")


def may_be_wallet(text: str, name: str | None) -> bool:
    """False for a text without a wallet's private key or recovery phrase, told without tables and patterns."""
    if len(text) < 47:  # twelve words of three letters
        return False
    if ("0x" in text or "0X" in text) and len(text) >= 66:
        return True
    if text.count(" ") + text.count(",") < 11:
        return False
    low = f"{name or ''} {text}".lower()
    return any(word in low for word in _PHRASES)


def find(text: str, name: str | None = None, wide: bool = False) -> Iterator[Credential]:
    """Every credential in the text that its form alone tells; `name` is what the text stands under.

    With `wide` also behind a letter (an escape in a file's text) and with a wrong checksum.
    """
    if name is not None and len(text) >= 40 and _is_aws_name(name):
        start = len(text) - len(text.lstrip())
        if is_aws_secret(text.strip()):
            yield credential(_AWS, LITERAL, text, start, start + 40)
    if may_be_wallet(text, name):
        from mcp_audit_gate.metadata import wallets

        yield from (credential(found.kind, WALLET, text, found.start, found.end) for found in wallets.find(text, name))
    if has_gate(text):
        yield from _formats(text, wide)
        yield from _blocks(text)
        yield from _putty(text)
        yield from _aws_pairs(text)


def _formats(text: str, wide: bool) -> Iterator[Credential]:
    for number, row in enumerate(data_file()["formats"]):
        if any(gate in text for gate in row["gates"]):
            check = _CHECKS[row.get("check", "")]
            for found in _pattern(number, wide).finditer(text):
                fits = len(found[0]) <= row.get("longest", 1000) and not is_made_up(found[1], found[0])
                if fits and (check(found[0]) or (wide and check is _has_base62)):
                    yield credential(row["kind"], LITERAL, text, found.start(), found.end())


@functools.cache
def _pattern(number: int, wide: bool) -> re.Pattern[str]:
    row = data_file()["formats"][number]
    run = row.get("run", "")
    left = "(?<![A-Za-z0-9])" + (f"(?<![A-Za-z0-9{run}][{run}])" if run else "")
    return re.compile((rf"(?:{left}|(?<=\\[nrt])|(?<=\\u[0-9A-Fa-f]{{4}}))" if wide else left) + row["pattern"])


# ---------------------------------------------------------------------------------------------------------------- checksums

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _has_base62(token: str) -> bool:
    """The last six characters are the CRC-32 of the thirty before (GitHub, "Behind GitHub's new authentication token formats", 2021-04-05; npm)."""
    body = token.rpartition("_")[2]
    if len(body) != 36:
        return True
    number = 0
    for char in body[30:]:
        number = number * 62 + _DIGITS.index(char)
    from binascii import crc32

    return number == crc32(body[:30].encode())


def _is_signed_secret(token: str) -> bool:
    """A JWT that is signed and that is neither a sample nor a key made for publishing."""
    header, payload = (_object(part) for part in token.split(".")[:2])
    samples = ("".join(parts) for parts in data_file()["samples"]["signatures"])
    if not header or payload is None or token.rpartition(".")[2] in samples:
        return False
    return str(header.get("alg", "none")).lower() != "none" and payload.get("role") != "anon" and payload.get("iss") != "supabase-demo"


def _is_openai(token: str) -> bool:
    """ "OpenAI" in base64 stands in the middle of every key."""
    return 20 <= token.find("T3BlbkFJ") <= len(token) - 28


_CHECKS: dict[str, Callable[[str], bool]] = {"": bool, "base62": _has_base62, "jwt": _is_signed_secret, "openai": _is_openai}


def is_public_token(text: str) -> bool:
    """True for a JWT that is no secret: unsigned, a sample, or made for publishing."""
    parts = text.split(".")
    return len(parts) == 3 and text.startswith("eyJ") and _object(parts[0]) is not None and not _is_signed_secret(text)


def is_public_address(host: str, rest: str) -> bool:
    """True for the address of a Sentry project, whose user part is public (docs.sentry.io, "DSN", seen 2026-11-22)."""
    return "sentry" in host or bool(re.match(r"/\d{1,20}(?![\w/])", rest))


def _object(part: str) -> dict[str, Any] | None:
    """The object that base64 text holds."""
    import json

    try:
        value = json.loads(decoded(part))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def decoded(part: str) -> str:
    """The text that base64 in either alphabet holds; "" when it is none."""
    bare = part.rstrip("=").translate({45: 43, 95: 47})
    from binascii import Error, a2b_base64

    try:
        return a2b_base64(bare + "=" * (-len(bare) % 4)).decode()
    except (Error, ValueError):
        return ""


# ------------------------------------------------------------------------------------------------------------- private keys

_NOT_BASE64 = r"\\[nr]|[^A-Za-z0-9+/=]"


def _blocks(text: str) -> Iterator[Credential]:
    """PEM, OpenSSH and PGP private keys; line ends may be escapes. A header without a body is prose."""
    if "PRIVATE KEY" not in text:
        return
    heads = list(re.finditer(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", text))
    for found, limit in zip(heads, [head.start() for head in heads[1:]] + [len(text)]):
        close = text.find("-----END", found.end(), limit)
        stop = text.find("-----", close + 8, limit) if close >= 0 else -1
        body = text[found.end() : close if close >= 0 else limit]
        if _is_key_body(body) and (close >= 0 or " " not in body.strip()):
            yield credential("private key", LITERAL, text, found.start(), stop + 5 if stop >= 0 else limit)


def _putty(text: str) -> Iterator[Credential]:
    if "PuTTY-User-Key" not in text:
        return
    heads = list(re.finditer(r"PuTTY-User-Key-File-\d", text))
    for found, limit in zip(heads, [head.start() for head in heads[1:]] + [len(text)]):
        private = text.find("Private-Lines:", found.end(), limit)
        close = text.find("Private-MAC:", private, limit)
        if private >= 0 and _is_key_body(text[private + 14 : close if close >= 0 else limit]):
            yield credential("PuTTY private key", LITERAL, text, found.start(), min(close + 80, limit) if close >= 0 else limit)


def _is_key_body(body: str) -> bool:
    bare = re.sub(_NOT_BASE64, "", body)
    return len(bare) >= 64 and entropy(bare) >= 3.5 and "..." not in body and "EXAMPLE" not in bare.upper()


# ---------------------------------------------------------------------------------------------------------------------- AWS

_AWS = "AWS secret access key"


def is_aws_secret(text: str) -> bool:
    """True for forty random characters of the alphabet of AWS secret access keys, which have no prefix."""
    if len(text) != 40 or not re.fullmatch(r"[A-Za-z0-9/+]{40}", text):
        return False
    return entropy(text) >= 4 and not is_made_up(text, text) and not re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", text)


def _is_aws_name(name: str) -> bool:
    low = name.lower().replace("_", "").replace("-", "")
    return "secretaccesskey" in low or ("aws" in low and "secret" in low)


def _aws_pairs(text: str) -> Iterator[Credential]:
    """A secret access key right behind its access key id; the id alone is no secret."""
    if "AKIA" in text:
        for found in re.finditer(r"AKIA[A-Z2-7]{16}[^A-Za-z0-9/+]{1,3}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])", text):
            if is_aws_secret(found[1]):
                yield credential(_AWS, LITERAL, text, found.start(1), found.end(1))
