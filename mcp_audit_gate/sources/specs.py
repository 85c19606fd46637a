"""What a package or image argument names: text in, Package or Image out.

The default of a reference (`${VERSION:-latest}`) is read as its value: it is what runs on a machine that sets nothing.
"""

from __future__ import annotations

import re

from mcp_audit_gate.model import Image, Package, Word
from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_audit_gate.model import Pointer

_EXACT_NPM = lazy(r"[=v]?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
# PEP 440, each part at most once, so that a text has one reading.
_EXACT_PYPI = lazy(
    r"v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:alpha|a|beta|b|preview|pre|rc|c)[-_.]?\d*)?(?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?:[-_.]?dev[-_.]?\d*)?"
    r"(?:\+[0-9A-Z]+(?:[-_.][0-9A-Z]+)*)?",
    re.I,
)
_RANGE = lazy(r"[\^~<>=*|\s]|(?:^|\.)[xX](?:\.|$)|^\d+(?:\.\d+)?$")
_COMMIT = lazy(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_REFERENCE = lazy(r"\$\{|\$[A-Za-z_(]|\{\{|%[A-Za-z_][A-Za-z0-9_]*%|\{(?:env|file):")
_TEMPLATE = lazy(r"\$\{[^{}]*\}|\{\{[^{}]*\}\}")
_PYPI_NAME = lazy(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)", re.S)
_DEFAULT = lazy(r"\$\{(?:env:)?[A-Za-z_][A-Za-z0-9_.]*:?-([^{}]*)\}")
_REQUIREMENT = lazy(r"(?:\[[^\[\]]*\]?|[^,\[]|,(?!\s*[A-Za-z]))+")
_NPM_ARCHIVE = lazy(r"https://registry\.(?:npmjs\.org|yarnpkg\.com)/((?:@[^/@?#]+/)?([^/@?#]+))/-/([^/?#]+)\.tgz(?:#.*)?")
_WHEEL, _SOURCE = r"([^-/?#]+)-([^-/?#]+)(?:-[^-/?#]+){3,4}\.whl", r"([^/?#]+)-([^-/?#]+)\.(?:tar\.gz|zip)"
_PYPI_ARCHIVE = lazy(rf"https://files\.pythonhosted\.org/(?:[^/?#]+/)*(?:{_WHEEL}|{_SOURCE})(?:#.*)?")
_GIT = ("git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "gist:")
# Versions by which npm, pnpm and yarn take a package from the working tree.
_LOCAL_VERSIONS = ("file:", "link:", "portal:", "workspace:", "./", "../", "/", "~/")
# npm clones `https://github.com/owner/name` from these (hosted-git-info 9, seen 2026-11-22) and downloads every other address.
_FORGES = frozenset(("github.com", "www.github.com", "gitlab.com", "www.gitlab.com", "bitbucket.org", "www.bitbucket.org"))


def has_reference(text: str) -> bool:
    """True when the text holds a variable or template that the client, a shell or nobody fills in."""
    return ("$" in text or "{" in text or "%" in text) and _REFERENCE.search(text) is not None


def is_local(text: str) -> bool:
    """True for a path: relative with a dot or slash first, absolute, in the home folder, on a drive, or a file: URL."""
    return (
        text in (".", "..")
        or text.startswith(("./", "../", ".\\", "..\\", "/", "~", "file:", "\\"))
        or (text[1:2] == ":" and re.match(r"[A-Za-z]:[\\/]", text) is not None)
    )


def is_address(text: str) -> bool:
    """True for an address of the web."""
    return text[:8].lower().startswith(("https://", "http://"))


def filled(text: str) -> str:
    """The text with the default of each `${VAR:-default}` in its place; other references stay."""
    return (_DEFAULT.sub(r"\1", text) or text) if "${" in text and "-" in text else text


def package(ecosystem: str, word: Word) -> Package | None:
    """What a package runner (npm, pypi, go, nuget, deno) fetches for an argument; None for a file that deno runs."""
    text = filled(word.text)
    found = _READERS[ecosystem](word if text == word.text else word._replace(text=text))
    if found is None:
        return None
    if found.pin == "url":
        found = _bundled(found) or _archived(found) or found
    return found if found.text == word.text else found._replace(text=word.text)


def requirements(word: Word) -> Iterator[Package]:
    """The distributions of `--with one,two`; a comma inside extras or a version range parts nothing."""
    texts = _REQUIREMENT.findall(word.text) if "," in word.text and "://" not in word.text else [word.text]
    for text in texts:
        found = package("pypi", Word(text.strip(), word.at))
        if found is not None and found.text:
            yield found


def bundle(address: str, at: Pointer) -> Package:
    """The MCP bundle at an address: one version on a release page, moving with the latest release, else whatever lies there."""
    released = re.search(r"/releases/download/v?(\d[^/]*)/", address)
    latest = "/releases/latest/" in address
    pin = "tag" if latest else "exact" if released else "url"
    name = address.partition("?")[0].partition("#")[0].rpartition("/")[2]
    return Package("mcpb", name, "latest" if latest else released[1] if released else "", pin, address, address, at)


def is_bundle(text: str) -> bool:
    """True for the address of an MCP bundle."""
    return is_address(text) and text.partition("?")[0].partition("#")[0].lower().endswith((".mcpb", ".dxt"))


def _bundled(found: Package) -> Package | None:
    return bundle(found.source, found.at) if is_bundle(found.source) else None


def _archived(found: Package) -> Package | None:
    """The package whose archive in a registry an address names: one version, never replaced, known by its name."""
    npm = _NPM_ARCHIVE.fullmatch(found.source)
    if npm and npm[3].startswith(f"{npm[2]}-"):
        return _npm(Word(f"{npm[1]}@{npm[3][len(npm[2]) + 1 :]}", found.at))
    wheel = _PYPI_ARCHIVE.fullmatch(found.source)
    return _pypi(Word(f"{wheel[1] or wheel[3]}=={wheel[2] or wheel[4]}", found.at)) if wheel else None


def _npm(word: Word, inner: bool = False) -> Package:
    """The package that npx and its kin would run for an argument. inner: for what stands in a version's place, which holds no other one."""
    text = word.text
    if has_reference(text):
        return Package("npm", *_split_at(text), "reference", "", text, word.at)
    if is_local(text):
        return Package("npm", text, "", "local", "", text, word.at)
    if _is_git(text):
        return _git("npm", word, text)
    if is_address(text):
        return Package("npm", "", "", "url", text, text, word.at)
    name, version = _split_at(text)
    if "/" in name and not name.startswith("@"):
        return _git("npm", word, "github:" + text)
    if version.startswith("npm:"):
        name, version = _split_at(version[4:])
    elif version.startswith(_LOCAL_VERSIONS):
        return Package("npm", name, version, "local", "", text, word.at)
    elif not inner and (is_address(version) or ("/" in version and not version.startswith("@"))):
        return _npm(Word(version, word.at), True)._replace(name=name)
    return Package("npm", name, version.removeprefix("="), _npm_pin(version), "", text, word.at)


def _is_git(text: str) -> bool:
    """True for what npm clones: `git+https:`, `github:`, an address with a part that ends in `.git`, a repository's page on a forge."""
    if not is_address(text):
        return text.startswith(_GIT)
    authority, _, path = text.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")
    parts = path.rstrip("/").split("/")
    if any(part.endswith(".git") and part != ".git" for part in parts):
        return True
    host = authority.rpartition("@")[2].partition(":")[0].lower()
    return host in _FORGES and len(parts) == 2 and all(parts) and "?" not in text


def _npm_pin(version: str) -> str:
    if not version:
        return "none"
    if (version.count(".") == 2 and all(map(str.isdecimal, version.split(".")))) or _EXACT_NPM.fullmatch(version):
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


def _pypi(word: Word) -> Package:
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
    if is_address(address):
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


def _go(word: Word) -> Package:
    """The module of `go run mod@version`."""
    name, _, version = word.text.partition("@")
    if has_reference(word.text):
        return Package("go", name, version, "reference", "", word.text, word.at)
    if is_local(word.text) or "." not in name.partition("/")[0]:
        return Package("go", name, "", "local", "", word.text, word.at)
    # Without a version the repository's go.mod decides.
    pin = "exact" if re.fullmatch(r"v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+incompatible)?", version) else "tag" if version else "locked"
    return Package("go", name, version, "commit" if _COMMIT.fullmatch(version) else pin, "", word.text, word.at)


def _nuget(word: Word) -> Package:
    """The tool of `dnx name@version`."""
    name, _, version = word.text.partition("@")
    if has_reference(word.text):
        return Package("nuget", name, version, "reference", "", word.text, word.at)
    pin = "none" if not version else "range" if re.search(r"[*\[\](),]", version) else "exact"
    return Package("nuget", name, version, pin, "", word.text, word.at)


def _deno(word: Word) -> Package | None:
    """What `deno run` fetches: npm:, jsr: or a URL; None for a file."""
    text = word.text
    if text.startswith("npm:"):
        return _npm(Word(text[4:].lstrip("/"), word.at))._replace(text=text)
    if text.startswith("jsr:"):
        name, version = _split_at(text[4:].lstrip("/"))
        return Package("jsr", name, version, "reference" if has_reference(text) else _npm_pin(version), "", text, word.at)
    if is_address(text):
        versioned = re.search(r"@v?\d+\.\d+\.\d+", text) is not None
        return Package("deno", "", "", "exact" if versioned else "url", text, text, word.at)
    return None


_READERS: dict[str, Callable[[Word], Package | None]] = {"npm": _npm, "pypi": _pypi, "go": _go, "nuget": _nuget, "deno": _deno}


def image(word: Word) -> Image:
    """Name, tag and digest of an image argument; `:` before the last slash belongs to the registry's port."""
    rest, _, digest = filled(word.text).partition("@")
    plain = _TEMPLATE.sub(lambda found: "_" * len(found.group()), rest)
    colon = plain.find(":", plain.rfind("/") + 1)
    if colon < 0:
        return Image(rest, "", digest, word.text, word.at)
    return Image(rest[:colon], rest[colon + 1 :], digest, word.text, word.at)


def is_known(image: Image) -> bool:
    """True when no reference without a default decides a part of the image."""
    return not has_reference(image.name + image.tag + image.digest)
