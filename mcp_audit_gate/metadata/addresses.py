"""Where an address points: the text of a URL or host in, an Address out. Nothing is resolved, no variable is expanded.

Hosts are read as clients read them (WHATWG URL Standard, seen 2026-11-22): user part, port, upper case, a trailing dot, escapes,
full-width letters and any number spelling of an IPv4 address make no difference.
"""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK, INTERNAL, PUBLIC, METADATA, REFERENCE = "loopback", "internal", "public", "metadata", "reference"

# Stands for a reference while a URL is taken apart. Control characters of the text itself are taken out before, as clients do.
HOLE = "\0"

# Machine metadata services, from the providers' documentation, seen 2026-11-22: AWS, Azure, Google, OpenStack and others
# (169.254.169.254), AWS ECS and EKS, Azure's host agent, Alibaba, Oracle, Tencent, Scaleway.
METADATA_V4 = frozenset((0xA9FEA9FE, 0xA9FEAA02, 0xA9FEAA17, 0xA83F8110, 0x646464C8, 0xC00000C0, 0xA9FE0017, 0xA9FE2A2A))
METADATA_V6 = frozenset((0xFD000EC2 << 96 | 0x254, 0xFD000EC2 << 96 | 0x23, 0xFD2000CE << 96 | 0x254))
METADATA_NAMES = frozenset(("metadata.google.internal", "metadata.goog", "metadata.tencentyun.com", "instance-data", "instance-data.ec2.internal"))

_LOCAL_NAMES = frozenset(("localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"))
# Never delegated in the public name system (RFC 2606, RFC 6761, RFC 8375, ICANN's list of name collisions).
_INTERNAL_ENDS = frozenset(("local", "internal", "localdomain", "lan", "home", "corp", "intranet", "private", "test", "svc", "arpa"))
_INTERNAL_V4 = ((0x0A000000, 8), (0xAC100000, 12), (0xC0A80000, 16), (0xA9FE0000, 16), (0x64400000, 10), (0, 8))
_INTERNAL_V6 = ((0xFC, 7, 8), (0xFE8, 10, 12), (0xFEC, 10, 12))

# What IDNA maps or drops besides compatibility letters (UTS 46).
_MAPPED = {0x3002: ".", 0xFF61: ".", 0xAD: None, 0x200B: None, 0x200C: None, 0x200D: None, 0x2060: None, 0xFEFF: None}


class Address(NamedTuple):
    """Scheme in lower case, host without user part, port, brackets and trailing dot, port as written, and what kind of host it is.

    kind: loopback, internal, public, metadata, or reference when a variable decides. number: true for an address, not a name.
    """

    scheme: str
    host: str
    port: str
    kind: str
    number: bool = False
    user: bool = False


def read(url: str) -> Address | None:
    """The address a URL leads to, defaults of references filled in; None when the text is no URL with a host."""
    text = fill(url)
    scheme, colon, rest = text.partition(":")
    scheme = scheme.strip().lower()
    if not colon or not _is_scheme(scheme):
        return None
    if scheme in ("unix", "pipe"):
        return Address(scheme, "", "", LOOPBACK)
    special = scheme in ("http", "https", "ws", "wss")
    if not special and not rest.startswith("//"):
        return None
    authority = _authority(rest.lstrip("/\\") if special else rest[2:])
    user, at, location = authority.rpartition("@")
    # Database addresses may name several hosts.
    host, port = split_port(location if special else location.partition(",")[0])
    kind, host, number = _judge(host)
    return Address(scheme, host, port, kind, number, bool(at and user)) if host else None


def host_kind(text: str) -> str:
    """What kind of host a host name, an address, or `host:port` is; "" for an empty text."""
    kind, host, _ = _judge(split_port(fill(text))[0])
    return kind if host else ""


def fill(text: str) -> str:
    """The text with the default of each `${VAR:-default}` in its place and HOLE for every other reference."""
    if not text.isprintable():
        text = "".join(char for char in text if char >= " " and char != "\x7f")
    text = text.strip()
    return _references().sub(_filled, text) if "$" in text or "{" in text or "%" in text else text


def split_port(location: str) -> tuple[str, str]:
    """Host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address."""
    if location.startswith("["):
        host, _, rest = location[1:].partition("]")
        return host, rest.removeprefix(":")
    if location.count(":") > 1:
        return location, ""
    host, _, port = location.partition(":")
    return host, port


def in_text(text: str) -> Iterator[Address]:
    """Every host that stands as a URL, an address or `host:port` between the separators of a text (`A=http://x/;y:80, z`)."""
    filled = fill(text)
    for part in _separators().split(filled):
        found = read(part) if "://" in part else None
        if found:
            yield found
            continue
        host, port = split_port(part.partition("/")[0].rpartition("@")[2])
        if ":" in host or "." in host or host[:1].isdigit():
            kind, host, number = _judge(host)
            yield Address("", host, port, kind, number)


def may_name_metadata(text: str) -> bool:
    """False for most texts that hold no metadata address; cheap."""
    lower = text.lower()
    return not lower.isascii() or any(mark in lower for mark in _metadata_marks())


@functools.cache
def _metadata_marks() -> frozenset[str]:
    """One of these stands in every spelling: the first part, or the whole number, in each base; the start of an IPv6 address or name."""
    marks = {f"{number >> 96:x}"[:4] for number in METADATA_V6} | {"metadata", "instance-"}
    for number in METADATA_V4:
        marks |= {text for value in (number >> 24, number) for text in (str(value), f"{value:o}", f"{value:x}")}
    return frozenset(mark for mark in marks if not any(other != mark and other in mark for other in marks))


@functools.cache
def _references() -> re.Pattern[str]:
    return re.compile(
        r"\$\{\{[^{}]*\}\}|\$\{(?:env:)?[A-Za-z_][A-Za-z0-9_.]*:?-([^{}]*)\}|\$\{[^{}]*\}|\{\{[^{}]*\}\}|\{(?:env|file):[^{}]*\}"
        r"|\$[A-Za-z_][A-Za-z0-9_]*|\$\([^()]*\)|%(?![A-Fa-f][0-9A-Fa-f]%)[A-Za-z_][A-Za-z0-9_]*%"
    )


@functools.cache
def _separators() -> re.Pattern[str]:
    return re.compile(r"[\s,;|=\"'`()<>{}]+")


def _filled(found: re.Match[str]) -> str:
    return HOLE if found[1] is None else found[1]


def _is_scheme(text: str) -> bool:
    return text[:1].isalpha() and text.isascii() and text.replace("+", "").replace("-", "").replace(".", "").isalnum()


def _authority(rest: str) -> str:
    ends = [at for at in map(rest.find, "/\\?#") if at >= 0]
    return rest[: min(ends)] if ends else rest


def _judge(host: str) -> tuple[str, str, bool]:
    """Kind, canonical text, and whether the host is a number."""
    host = canonical(host)
    if HOLE in host:
        end = host.rpartition(HOLE)[2]
        kind = _name_kind(end[1:]) if end.startswith(".") and "." in end[1:] and _v4(end[1:]) is None else REFERENCE
        return (kind if kind in (PUBLIC, INTERNAL) else REFERENCE), host.replace(HOLE, "*"), False
    if ":" in host:
        return _v6_kind(host)
    number = _v4(host)
    if number is not None:
        return _v4_kind(number), ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0)), True
    return _name_kind(host), host, False


def canonical(host: str) -> str:
    """The host in lower case, without escapes, compatibility letters and the trailing dot."""
    if "%" in host and ":" not in host:
        host = _escapes().sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode(errors="replace"), host)
    if not host.isascii():
        import unicodedata

        host = unicodedata.normalize("NFKC", host.translate(_MAPPED))
    return host.lower().removesuffix(".")


@functools.cache
def _escapes() -> re.Pattern[str]:
    return re.compile(r"(?:%[0-9A-Fa-f]{2})+")


# Names that resolve to the address written in front of them.
_WRITTEN_IN_NAME = (".nip.io", ".sslip.io")


def _name_kind(host: str) -> str:
    if host in METADATA_NAMES:
        return METADATA
    if host.endswith(_WRITTEN_IN_NAME):
        inner = host[:250].rpartition(".")[0].rpartition(".")[0]
        number = _v4(".".join(inner.replace("-", ".").split(".")[-4:]))
        return PUBLIC if number is None else _v4_kind(number)
    if host in _LOCAL_NAMES or host.endswith(".localhost"):
        return LOOPBACK
    return PUBLIC if "." in host and host.rpartition(".")[2] not in _INTERNAL_ENDS else INTERNAL


def _v4(host: str) -> int | None:
    """The number of an IPv4 address in any spelling: one to four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`)."""
    last = host.rpartition(".")[2]
    if not last[:1].isdigit() or len(host) > 64:
        return None
    parts = [_number(part) for part in host.split(".")]
    if len(parts) > 4 or any(part is None or part > 255 for part in parts[:-1]):
        return None
    tail = parts.pop()
    if tail is None or tail >= 256 ** (4 - len(parts)):
        return None
    return tail + sum((part or 0) << (24 - 8 * place) for place, part in enumerate(parts))


def _number(part: str) -> int | None:
    if not part.isascii() or not part.isalnum():
        return None
    try:
        if part[:2] == "0x":
            return int(part[2:] or "0", 16)
        return int(part, 8 if part[0] == "0" else 10)
    except ValueError:
        return None


def _v4_kind(number: int) -> str:
    if number in METADATA_V4:
        return METADATA
    if number >> 24 == 127 or number == 0:
        return LOOPBACK
    return INTERNAL if any(number >> (32 - bits) == base >> (32 - bits) for base, bits in _INTERNAL_V4) else PUBLIC


def _v6_kind(host: str) -> tuple[str, str, bool]:
    import ipaddress

    try:
        number = int(ipaddress.IPv6Address(host.partition("%")[0]))
    except ValueError:
        return PUBLIC, host, False
    if number >> 32 in (0xFFFF, 0x64FF9B << 64) or (number >> 32 == 0 and number > 0xFFFF):
        low = number & 0xFFFFFFFF
        return _v4_kind(low), ".".join(str(low >> shift & 255) for shift in (24, 16, 8, 0)), True
    text = str(ipaddress.IPv6Address(number))
    if number in METADATA_V6:
        return METADATA, text, True
    if number <= 1:
        return LOOPBACK, text, True
    internal = any(number >> (128 - bits) == prefix >> (width - bits) for prefix, bits, width in _INTERNAL_V6)
    return (INTERNAL if internal else PUBLIC), text, True
