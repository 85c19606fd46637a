"""Names that pass for others: a name in, the well-known name it is taken for, or what in it misleads, out. Lists in data/names.json."""

from __future__ import annotations

import functools
import json
import os
import re

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHORT = 4


class Shape(NamedTuple):
    """How long the changed word must be: for a changed letter, for one more or less."""

    changed: int
    added: int


PACKAGE, HOST = Shape(5, 5), Shape(8, 7)


def _read(name: str) -> dict[str, Any]:
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", name)
    with open(path, encoding="utf-8") as file:
        data: dict[str, Any] = json.load(file)
    return data


@functools.cache
def _names() -> dict[str, Any]:
    return _read("names.json")


@functools.cache
def known(part: str) -> frozenset[str]:
    """One list of the shipped table: npm, pypi, oci, hosts, servers, neighbours."""
    return frozenset(_names()[part])


class _Index:
    """Listed names by halves and by what their letters look like: a name with one slip shares a half, or the look."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.looks = {look(name): name for name in names}
        self._halves: dict[tuple[bool, int, str], list[str]] = {}
        for name in sorted(names):
            half = len(name) // 2
            self._halves.setdefault((True, len(name), name[:half]), []).append(name)
            self._halves.setdefault((False, len(name), name[half:]), []).append(name)

    def near(self, name: str) -> list[str]:
        """The listed names that may be one slip away."""
        found = [self.looks[look(name)]] if look(name) in self.looks else []
        for length in (len(name) - 1, len(name), len(name) + 1):
            half = length // 2
            found += self._halves.get((True, length, name[:half]), ())
            found += self._halves.get((False, length, name[-(length - half) :]), ())
        half = len(name) // 2
        swapped = name[: half - 1] + name[half : half + 1] + name[half - 1 : half] + name[half + 1 :]
        return [*found, swapped] if swapped in self.names else found


@functools.cache
def _index(part: str) -> _Index:
    """The names of a list; for `scopes` the npm scopes, for `domains` the registrable domains of hosts."""
    if part == "scopes":
        return _Index(frozenset(name[1:].partition("/")[0] for name in known("npm") if name.startswith("@")))
    if part == "domains":
        return _Index(frozenset(domain(host) for host in known("hosts")))
    if part == "npm":
        return _Index(frozenset(name for name in known("npm") if not name.startswith("@")))
    return _Index(known(part))


@functools.lru_cache(maxsize=4096)
def package_taken_for(ecosystem: str, name: str) -> str:
    """The listed package, or `@scope`, that the name is one slip away from; "" for listed and for other names."""
    if ecosystem == "npm" and name.startswith("@"):
        scope = name[1:].partition("/")[0]
        taken = "" if name in known("neighbours") else _taken_for("scopes", scope, PACKAGE)
        return f"@{taken}" if taken else ""
    if ecosystem == "pypi":
        name = re.sub(r"[-_.]+", "-", name.lower())
    if ecosystem == "oci":
        name = name.removeprefix("docker.io/").removeprefix("index.docker.io/")
        if "/" not in name or name.rpartition("/")[0] in _image_scopes():
            return ""
    if ecosystem not in ("npm", "pypi", "oci") or name in known("neighbours"):
        return ""
    return _taken_for(ecosystem, name, PACKAGE)


@functools.cache
def _image_scopes() -> frozenset[str]:
    return frozenset(name.rpartition("/")[0] for name in known("oci"))


@functools.lru_cache(maxsize=4096)
def host_taken_for(host: str) -> str:
    """The listed domain that the host's domain is one slip away from, or ""."""
    return _taken_for("domains", domain(host), HOST)


def domain(host: str) -> str:
    """The last two labels, which is what somebody owns for all hosts on the list."""
    return ".".join(host.split(".")[-2:])


def _taken_for(part: str, name: str, shape: Shape) -> str:
    index = _index(part)
    if name in index.names or len(name) <= _SHORT or len(name) > 214 or not name.isascii():
        return ""
    return next((listed for listed in index.near(name) if _slip(name, listed, shape)), "")


def look(name: str) -> str:
    """The name with letters and digits that look alike made the same: 0 and o, 1, i and l, rn and m."""
    return name.lower().replace("0", "o").replace("1", "l").replace("i", "l").replace("rn", "m")


def _slip(name: str, listed: str, shape: Shape) -> bool:
    """True for letters that look alike, swapped neighbours, or one letter changed, added or left out in a word long enough.

    Left out: numbers that differ, a plural, a first or last letter that makes another word (`glance`, `chrome` and `chroma`).
    """
    if len(listed) <= _SHORT or abs(len(name) - len(listed)) > 1:
        return look(name) == look(listed) and len(listed) > _SHORT
    if look(name) == look(listed):
        return True
    at = next((number for number, (one, other) in enumerate(zip(name, listed)) if one != other), min(len(name), len(listed)))
    rest, wanted = name[at:], listed[at:]
    word, first, last = _word(listed, at)
    if len(rest) == len(wanted):
        if rest[2:] == wanted[2:] and rest[:2] == wanted[1::-1]:
            return len(word) >= 3 and len(listed) > 6 and rest[:2].isalpha()
        same, letters = rest[1:] == wanted[1:], rest[0] + wanted[0]
        return same and letters.isalpha() and len(word) >= shape.changed and (len(word) > 7 or not (first or last))
    longer, shorter = (rest, wanted) if len(rest) > len(wanted) else (wanted, rest)
    if longer[1:] != shorter:
        return False
    if longer[0] in "-_.":
        return len(listed) >= 10
    plural = longer[0] == "s" and (len(longer) == 1 or not longer[1].isalnum()) and len(word) < 10
    return longer[0].isalpha() and not plural and len(word) >= shape.added and (len(word) > 7 or not first)


def _word(text: str, at: int) -> tuple[str, bool, bool]:
    """The word of a name that holds an offset, and whether the offset is its first or its last letter."""
    found = next((word for word in re.finditer(r"[^-_./@]+", text) if word.start() <= at <= word.end()), None)
    return (found.group(), at == found.start(), at >= found.end() - 1) if found else ("", True, True)


# ------------------------------------------------------------------------------------------ letters of other scripts


@functools.cache
def letters() -> dict[int, str]:
    """Letters of other scripts that pass for ASCII ones, with those (UTS 39)."""
    return {ord(letter): ascii_letter for ascii_letter, letters in _read("confusables.json")["letters"].items() for letter in letters}


def skeleton(text: str) -> str:
    """The text as a reader takes it in: compatibility forms resolved, look-alike letters made ASCII, lower case (UTS 39, simplified)."""
    from unicodedata import normalize

    return normalize("NFKC", text).translate(letters()).lower()


# Scripts whose letters pass for Latin ones, by the first word of a character's Unicode name.
_ALIKE = frozenset(("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "CANADIAN", "GEORGIAN", "DESERET", "OSAGE"))


def mixed_letter(text: str) -> str:
    """A letter of another script that looks like an ASCII letter, in a word with Latin letters; "" when there is none."""
    if text.isascii():
        return ""
    from unicodedata import name

    for word in re.finditer(r"[^\W\d_]+", text):
        scripts = {letter: name(letter, "").partition(" ")[0] for letter in word.group()}
        foreign = [letter for letter, script in scripts.items() if script in _ALIKE and ord(letter) in letters()]
        if foreign and ("LATIN" in scripts.values() or len({scripts[letter] for letter in foreign}) > 1):
            return foreign[0]
    return ""


def hidden_letter(text: str) -> str:
    """A character that is not seen or that moves others about, apart from the joiners of emoji and of joining scripts; or ""."""
    if text.isprintable() and text.isascii():
        return ""
    return next((letter for at, letter in enumerate(text) if visible(letter) != letter and not _joins(text, at)), "")


def _joins(text: str, at: int) -> bool:
    """True for a joiner between parts of an emoji or letters of a script that needs it, and for the tags of a flag."""
    letter, before = text[at], text[at - 1] if at else ""
    if letter in "\u200c\u200d" and 0 < at < len(text) - 1:
        from unicodedata import name

        return not before.isascii() and name(before, "").partition(" ")[0] not in (*_ALIKE, "LATIN")
    return "\U000e0020" <= letter <= "\U000e007f" and "\U0001f3f4" in text[:at]


def decoded(host: str) -> str:
    """The host with its punycode labels as letters; a label that cannot be read stays as it is."""
    return ".".join(_decoded_label(label) for label in host.split(".")) if "xn--" in host else host


def _decoded_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return str(label[4:].encode("ascii"), "punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


def host_in_front(host: str) -> str:
    """A listed host that stands in front of another domain (`api.github.com.example.net`), or ""."""
    labels = host.split(".")
    for start in range(len(labels) - 3):
        for end in range(start + 2, min(start + 5, len(labels) - 1)):
            front = ".".join(labels[start:end])
            if front in known("hosts") or front in _index("domains").names:
                return "" if domain(host) in _index("domains").names else front
    return ""
