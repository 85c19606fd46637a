"""The canonical form of a JSON value (RFC 8785, JCS) and its SHA-256: equal values give equal text whatever their order or spelling."""

from __future__ import annotations

import functools
import json

from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash as HASH

    from mcp_audit_gate.model import Json

_COMPACT = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode
# The standard encoder differs from RFC 8785 in fractions, in whole numbers beyond 2^53, and in the order of keys beyond the BMP.
_UNUSUAL = (".", "e", "E", "N", "I")  # of which one stands in every fraction, in NaN and in Infinity
_DIGITS = 15  # of a whole number that may lie beyond 2^53
_MARKS = dict.fromkeys(map(ord, "[]{}:,-"), " ")
_ASTRAL = lazy("[\U00010000-\U0010ffff]")
_EXACT = 2**53


def canonical(value: Json) -> str:
    """The value as RFC 8785 writes it. Raises ValueError for NaN and infinities."""
    text = _COMPACT(value)
    if _has_unusual_number(text) or (not text.isascii() and _ASTRAL.search(text)):
        return _exact(value)
    return text


def _has_unusual_number(text: str) -> bool:
    """False when every number of a compact JSON text surely stands there as RFC 8785 writes it."""
    outside = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2]).replace("true", "").replace("false", "")
    return any(mark in outside for mark in _UNUSUAL) or max(map(len, outside.translate(_MARKS).split()), default=0) >= _DIGITS


def digest(value: Json) -> str:
    """`sha256:` and the hex SHA-256 of the canonical form in UTF-8."""
    return digest_of_text(canonical(value))


def digest_of_text(text: str) -> str:
    """The same for a canonical form that is at hand."""
    return f"sha256:{sha256()(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


@functools.cache
def sha256() -> Callable[[bytes], HASH]:
    """The constructor of SHA-256; the interpreter's own, since hashlib loads OpenSSL, a fifth of a bare start."""
    for name in ("_sha2", "_sha256"):  # 3.12 and later, before
        try:
            constructor: Callable[[bytes], HASH] = __import__(name).sha256
        except ImportError:
            continue
        return constructor
    import hashlib

    return hashlib.sha256


def _exact(value: Json) -> str:
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be", "surrogatepass"))
        return f"{{{','.join(f'{_COMPACT(key)}:{_exact(inner)}' for key, inner in members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_exact, value))}]"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > _EXACT):
        return number(float(value))
    return _COMPACT(value)


def number(value: float) -> str:
    """A number as ECMAScript's Number::toString gives it (RFC 8785, 3.2.2.3). Raises ValueError when it is not finite."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("not a JSON number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, part = mantissa.partition(".")
    digits = (whole + part).lstrip("0")
    leading = len(whole + part) - len(digits)
    point = len(whole) - leading + int(exponent or 0)  # where the decimal point stands, counted from the first digit
    digits = digits.rstrip("0")
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"
