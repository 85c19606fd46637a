"""What a package or image argument names: text in, Package or Image out."""

from __future__ import annotations

import re

from mcp_audit_gate.model import Image, Package, Word

_EXACT_NPM = re.compile(r"[=v]?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_EXACT_PYPI = re.compile(r"v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)[-_.]?\d*)*(?:-\d+)?(?:\+[0-9A-Za-z._-]+)?", re.I)
_RANGE = re.compile(r"[\^~<>=*|\s]|(?:^|\.)[xX](?:\.|$)|^\d+(?:\.\d+)?$")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_REFERENCE = re.compile(r"\$\{|\$[A-Za-z_(]|\{\{|%[A-Za-z_][A-Za-z0-9_]*%|\{(?:env|file):")
_TEMPLATE = re.compile(r"\$\{[^{}]*\}|\{\{[^{}]*\}\}")
_PYPI_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)", re.S)
_GIT = ("git+", "git://", "git@", "github:", "gitlab:", "bitbucket:", "gist:")


def has_reference(text: str) -> bool:
    """True when the text holds a variable or template that the client, a shell or nobody fills in."""
    return ("$" in text or "{" in text or "%" in text) and _REFERENCE.search(text) is not None


def is_local(text: str) -> bool:
    """True for a path: relative with a dot or slash first, absolute, in the home folder, on a drive, or a file: URL."""
    return text in (".", "..") or text.startswith(("./", "../", ".\\", "..\\", "/", "~", "file:", "\\")) or re.match(r"[A-Za-z]:[\\/]", text) is not None


def npm(word: Word) -> Package:
    """The package that npx and its kin would run for an argument."""
    text = word.text
    if has_reference(text):
        return Package("npm", *_split_at(text), "reference", "", text, word.at)
    if is_local(text):
        return Package("npm", text, "", "local", "", text, word.at)
    if text.startswith(_GIT) or (text.startswith(("https://", "http://")) and ".git" in text):
        return _git("npm", word, text)
    if text.startswith(("https://", "http://")):
        return Package("npm", "", "", "url", text, text, word.at)
    name, version = _split_at(text)
    if "/" in name and not name.startswith("@"):
        return _git("npm", word, "github:" + text)
    if version.startswith("npm:"):
        name, version = _split_at(version[4:])
    return Package("npm", name, version.removeprefix("="), _npm_pin(version), "", text, word.at)


def _npm_pin(version: str) -> str:
    if not version:
        return "none"
    if _EXACT_NPM.fullmatch(version):
        return "exact"
    return "range" if _RANGE.search(version) else "tag"


def _split_at(text: str) -> tuple[str, str]:
    """Name and version of `name@version` or `@scope/name@version`."""
    at = text.find("@", 1)
    return (text, "") if at < 0 else (text[:at], text[at + 1 :])


def _git(ecosystem: str, word: Word, source: str) -> Package:
    """A package from a git repository: pinned only by a full commit."""
    address, _, fragment = source.partition("#")
    revision = fragment
    if ecosystem == "pypi":
        head, at, tail = address.rpartition("@")
        revision = tail if at and "/" not in tail and "://" in head else ""
        address = head if revision else address
    commit = _COMMIT.fullmatch(revision.rpartition(":")[2])
    name = address.rstrip("/").rpartition("/")[2].removesuffix(".git")
    return Package(ecosystem, name, revision, "commit" if commit else "branch", source, word.text, word.at)


def pypi(word: Word) -> Package:
    """The distribution that uvx, pipx run and their kin would run for an argument."""
    text = word.text.strip()
    if has_reference(text):
        return Package("pypi", re.split(r"[=<>@\[]", text)[0], "", "reference", "", text, word.at)
    if is_local(text):
        return Package("pypi", text, "", "local", "", text, word.at)
    found = _PYPI_NAME.fullmatch(text)
    name, rest = (found[1], found[2].strip()) if found else (text, "")
    address = rest[1:].strip() if rest.startswith("@") and "://" in rest else text
    if address.startswith(("git+", "git://")):
        return _git("pypi", word, address)
    if address.startswith(("https://", "http://")):
        return Package("pypi", name if address is not text else "", "", "url", address, text, word.at)
    if rest.startswith("@"):
        version = rest[1:]
        pin = "exact" if _EXACT_PYPI.fullmatch(version) else "tag"
        return Package("pypi", name, version, pin, "", text, word.at)
    exact = re.fullmatch(r"={2,3}\s*([^,;\s]+)\s*", rest)
    if exact and "*" not in exact[1]:
        return Package("pypi", name, exact[1], "exact", "", text, word.at)
    version = rest.partition(";")[0].strip()
    return Package("pypi", name, version, "range" if version else "none", "", text, word.at)


def go(word: Word) -> Package:
    """The module of `go run mod@version`."""
    name, _, version = word.text.partition("@")
    if has_reference(word.text):
        return Package("go", name, version, "reference", "", word.text, word.at)
    if is_local(word.text) or "." not in name.partition("/")[0]:
        return Package("go", name, "", "local", "", word.text, word.at)
    pin = "exact" if re.fullmatch(r"v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+incompatible)?", version) else "tag" if version else "none"
    return Package("go", name, version, "commit" if _COMMIT.fullmatch(version) else pin, "", word.text, word.at)


def nuget(word: Word) -> Package:
    """The tool of `dnx name@version`."""
    name, _, version = word.text.partition("@")
    if has_reference(word.text):
        return Package("nuget", name, version, "reference", "", word.text, word.at)
    pin = "none" if not version else "range" if re.search(r"[*\[\](),]", version) else "exact"
    return Package("nuget", name, version, pin, "", word.text, word.at)


def deno(word: Word) -> Package | None:
    """What `deno run` fetches: npm:, jsr: or a URL; None for a file."""
    text = word.text
    if text.startswith("npm:"):
        return npm(Word(text[4:].lstrip("/"), word.at))._replace(text=text)
    if text.startswith("jsr:"):
        name, version = _split_at(text[4:].lstrip("/"))
        return Package("jsr", name, version, "reference" if has_reference(text) else _npm_pin(version), "", text, word.at)
    if text.startswith(("https://", "http://")):
        versioned = re.search(r"@v?\d+\.\d+\.\d+", text) is not None
        return Package("deno", "", "", "exact" if versioned else "url", text, text, word.at)
    return None


def image(word: Word) -> Image:
    """Name, tag and digest of an image argument; `:` before the last slash belongs to the registry's port."""
    rest, _, digest = word.text.partition("@")
    plain = _TEMPLATE.sub(lambda found: "_" * len(found.group()), rest)
    colon = plain.find(":", plain.rfind("/") + 1)
    if colon < 0:
        return Image(rest, "", digest, word.text, word.at)
    return Image(rest[:colon], rest[colon + 1 :], digest, word.text, word.at)
