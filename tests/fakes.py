"""Fake credentials, put together at run time so that no secret scanner takes this repository for a leak; none of them ever existed."""

from __future__ import annotations

import re
import zlib

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS = _BASE62[10:]
_HEX = "0123456789abcdef"
_URL = _BASE62 + "-_"
_MARK = re.compile(r"@@TOKEN:([a-z0-9-]+?)(?::([0-9]+))?@@")


def random(count: int, seed: int = 0, alphabet: str = _BASE62) -> str:
    """The same random characters for the same arguments."""
    state, out = 104_729 * count + 7919 * seed + len(alphabet), []
    for _ in range(count):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        out.append(alphabet[(state >> 9) % len(alphabet)])
    return "".join(out)


def checksummed(prefix: str, seed: int = 0) -> str:
    """A token of GitHub's form: thirty characters and their CRC-32 in base 62."""
    body, digits = random(30, seed), ""
    number = zlib.crc32(body.encode())
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return prefix + body + digits.rjust(6, "0")


def _jwt(seed: int, payload: str = '{"sub":"9021","role":"service"}') -> str:
    return ".".join((base64_url('{"alg":"HS256","typ":"JWT"}'), base64_url(payload), random(43, seed, _URL)))


def base64_url(text: str) -> str:
    """The text in base64 for addresses, without padding."""
    import base64

    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _private_key(seed: int) -> str:
    lines = [random(64, seed + number, _BASE62 + "+/") for number in range(6)]
    return "\\n".join(("-----BEGIN " + "PRIVATE KEY-----", *lines, "-----END " + "PRIVATE KEY-----", ""))


def _phrase(count: int, seed: int) -> str:
    """Words of BIP-39, in no order that a wallet would take but by chance."""
    listed = [
        "abandon",
        "argue",
        "blush",
        "chalk",
        "crash",
        "discover",
        "equal",
        "flower",
        "guitar",
        "isolate",
        "marble",
        "never",
        "permit",
        "quarter",
        "round",
        "sketch",
        "strong",
        "torch",
        "venue",
    ]
    return " ".join(listed[(seed + 7 * number) % len(listed)] for number in range(count))


_KINDS = {
    "github": lambda seed: checksummed("gh" + "p_", seed),
    "github-app": lambda seed: checksummed("gh" + "s_", seed),
    "github-fine": lambda seed: "github_" + "pat_" + random(22, seed) + "_" + random(59, seed + 1),
    "github-wrong": lambda seed: "gh" + "p_" + random(36, seed),
    "github-typed": lambda _: "gh" + "p_" + "1234567890" + "abcdefghijklmnopqrstuvwxyz",
    "gitlab": lambda seed: "glp" + "at-" + random(20, seed),
    "anthropic": lambda seed: "sk-" + "ant-api03-" + random(93, seed, _URL) + "AA",
    "openai": lambda seed: "sk-" + "proj-" + random(74, seed, _URL) + "T3Blbk" + "FJ" + random(74, seed + 1, _URL),
    "slack": lambda seed: "xo" + "xb-" + random(12, seed, "123456789") + "-" + random(13, seed + 1, "123456789") + "-" + random(24, seed),
    "aws-secret": lambda seed: random(40, seed, _BASE62 + "/+"),
    "aws-id": lambda seed: "AK" + "IA" + random(16, seed, _LETTERS[:26] + "234567"),
    "google": lambda seed: "AI" + "za" + random(35, seed, _URL),
    "stripe": lambda seed: "sk_" + "live_" + random(99, seed),
    "stripe-public": lambda seed: "pk_" + "live_" + random(99, seed),
    "npm": lambda seed: checksummed("np" + "m_", seed),
    "pypi": lambda seed: "pypi-" + "AgEIcHlwaS5vcmc" + random(150, seed, _URL),
    "sendgrid": lambda seed: "S" + "G." + random(22, seed, _URL) + "." + random(43, seed + 1, _URL),
    "huggingface": lambda seed: "h" + "f_" + random(34, seed, _LETTERS),
    "digitalocean": lambda seed: "dop_" + "v1_" + random(64, seed, _HEX),
    "jwt": _jwt,
    "jwt-anon": lambda seed: _jwt(seed, '{"iss":"supabase","role":"anon"}'),
    "base64-config": lambda seed: base64_url(f'{{"token":"{checksummed("gh" + "p_", seed)}"}}'),
    "private-key": _private_key,
    "random32": lambda seed: random(32, seed),
    "random22": lambda seed: random(22, seed),
    "wallet": lambda seed: "0" + "x" + random(64, seed, _HEX),
    "address": lambda seed: "0" + "x" + random(40, seed, _HEX),
    "phrase12": lambda seed: _phrase(12, seed),
    "phrase24": lambda seed: _phrase(24, seed),
    "hex32": lambda seed: random(32, seed, _HEX),
}


def token(kind: str, seed: int = 1) -> str:
    """A fake credential of a kind, with valid check digits where the form has them; a private key with `\\n` for its line ends."""
    return _KINDS[kind](seed)


def fill(text: str) -> str:
    """The text with a fake credential for each `@@TOKEN:kind@@` or `@@TOKEN:kind:seed@@`."""
    return _MARK.sub(lambda found: token(found[1], int(found[2] or 1)), text)
