"""Packages and images that a launch fetches: entries in, hits for what is not pinned or comes from elsewhere."""

from __future__ import annotations

import functools
import itertools
import os
import re

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.placeholders import is_placeholder
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo, Word
from mcp_audit_gate.rules.wording import field, hides, named, server, shown
from mcp_audit_gate.sources import specs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Entry, Image, Launch, Package, Pointer

# Every variable in the data file begins with one of these, so an entry without them need not read it.
VARIABLES_BEGIN = ("npm_", "yarn_", "bun_", "jsr_", "pip_", "uv_", "goproxy")


@functools.cache
def table() -> dict[str, frozenset[str]]:
    """The lists of data/packages.json; a table of flags by runner becomes one list a runner, `registry_flags npx`."""
    import json

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "packages.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    lists = {name: frozenset(value) for name, value in data.items() if isinstance(value, list)}
    return lists | {f"{name} {key}": frozenset(value) for name, inner in data.items() if isinstance(inner, dict) for key, value in inner.items()}


UNPINNED_PACKAGE = RuleInfo(
    id="unpinned-package",
    family="packages",
    severity="medium",
    title="A package is started without an exact version",
    why="The next start may run another release than the one that was reviewed. The npm package postmark-mcp was harmless for fifteen "
    "releases and sent every mail to a stranger in the sixteenth; those who had named no version got it at the next start.",
    looks_at="The package that npx, npm exec, bunx, pnpm dlx, yarn dlx, uvx, uv tool run, uv run --with, pipx run, dnx, deno or go run fetches: no "
    "version, a tag such as latest, a range, a git address without a full commit, a bundle of the latest release. Paths, workspace packages and what "
    "the repository's own lock decides are left alone.",
    fix="Write the exact version (name@1.2.3, name==1.2.3 or a full commit).",
    references=("CWE-1357", "CWE-494", "OWASP MCP04", "SAFE-T1207", "MAL-2025-47604"),
    example_bad=(".mcp.json", '{\n  "mcpServers": {\n    "docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp", "./docs"]}\n  }\n}\n'),
    example_good=(".mcp.json", '{\n  "mcpServers": {\n    "docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "./docs"]}\n  }\n}\n'),
    precision="very-high",
)
_FLOATING = {"none": "without a version", "tag": "by a tag", "range": "by a range of versions", "branch": "from a git address without a full commit"}


def unpinned_package(entry: Entry) -> Iterator[Hit]:
    """Every package of the entry that the next start may resolve to another release."""
    for launch in entry.launches:
        for package in launch.packages:
            if package.pin in _FLOATING and not (_beside(launch, package) or _is_template(package.text)):
                how = "from the latest release" if package.ecosystem == "mcpb" else _FLOATING[package.pin]
                hidden = hides(launch, package)
                message = f"{server(entry)} starts {named(package, hidden)} {how} ({field(package.at)}), so the next start may run another release."
                value = f"{package.name}@{package.version}" if package.source else package.text
                yield Hit(entry.place(package.at), message, value, hidden)


def _is_template(text: str) -> bool:
    """True for a text such as `<your-server>`, which no registry takes for a name; plainer placeholders could be published."""
    return "<" in text and is_placeholder(text)


def _beside(launch: Launch, package: Package) -> bool:
    """True for a dependency that is installed beside the tool; like all dependencies it is resolved anew, and the launch is about the tool."""
    return launch.runner in ("uvx", "pipx run") and package is not launch.package


FLOATING_IMAGE_TAG = RuleInfo(
    id="floating-image-tag",
    family="packages",
    severity="medium",
    title="A container image is named without a version or digest",
    why="The image behind a tag such as latest changes with every build, and a missing tag means latest. What was reviewed need not be what the next "
    "pull brings, on any machine that starts the server.",
    looks_at="The image of docker, podman or nerdctl run and create: no tag, or one that is moved by habit (latest, main, edge, nightly, dev), and "
    "no digest. Images built on the machine, references and catalogue entries that name the commit they are built from are left alone.",
    fix="Add the digest (image@sha256:…) or the version tag.",
    references=("CWE-494", "OWASP MCP04", "SAFE-T1003"),
    example_bad=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "box": {"command": "docker", "args": ["run", "-i", "--rm", "acme/box-mcp:latest"]}\n  }\n}\n',
    ),
    example_good=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "box": {"command": "docker", "args": ["run", "-i", "--rm", '
        '"acme/box-mcp@sha256:4bc453b53cb3d914b45f4b250294236adba2c0e09ff6f03793949e7e39fd4cc1"]}\n  }\n}\n',
    ),
    precision="very-high",
)


def floating_image_tag(entry: Entry) -> Iterator[Hit]:
    """Every image of the entry whose content changes under its name."""
    for launch in entry.launches:
        image = launch.image
        if image is None or image.digest or not _may_move(entry, launch, image):
            continue
        tag = image.tag.lower()
        if not tag or tag in table()["floating_tags"] or tag.startswith("latest-"):
            how = "with a moving tag and no digest" if tag else "without tag and digest"
            message = f"{server(entry)} starts {shown(launch, image)} ({field(image.at)}), an image {how}, so the next pull may bring another one."
            yield Hit(entry.place(image.at), message, image.text, hides(launch, image))


def _may_move(entry: Entry, launch: Launch, image: Image) -> bool:
    """True for an image that is pulled under its name, as far as the entry tells."""
    return (
        specs.is_known(image)
        and not _is_template(image.text)
        and not _is_local(launch, image)
        and not (entry.client == "docker-registry" and _built_from_commit(entry))
    )


def _is_local(launch: Launch, image: Image) -> bool:
    """True for an image that was built on the machine or is never pulled."""
    host, slash, _ = image.name.partition("/")
    if not slash:
        return host not in table()["library_images"]
    if host == "localhost" or ((":" in host or "." in host) and addresses.host_kind(host) == addresses.LOOPBACK):
        return True
    return any(option.name == "--pull" and option.value == "never" for option in launch.options)


def _built_from_commit(entry: Entry) -> bool:
    """True for an entry of a catalogue that says from which commit the image is built."""
    source = entry.value.get("source")
    commit = source.get("commit") if isinstance(source, dict) else None
    return isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40}", commit) is not None


IMAGE_WITHOUT_DIGEST = RuleInfo(
    id="image-without-digest",
    family="packages",
    severity="low",
    title="A container image is named by a version tag only",
    why="A version tag can be moved to another image; only a digest names the content itself.",
    looks_at="The image of docker, podman or nerdctl run and create with a full version as its tag and no digest.",
    fix="Add the digest (image:1.2.3@sha256:…).",
    references=("CWE-494",),
    example_bad=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "box": {"command": "docker", "args": ["run", "-i", "--rm", "acme/box-mcp:1.2.3"]}\n  }\n}\n',
    ),
    example_good=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "box": {"command": "docker", "args": ["run", "-i", "--rm", '
        '"acme/box-mcp:1.2.3@sha256:4bc453b53cb3d914b45f4b250294236adba2c0e09ff6f03793949e7e39fd4cc1"]}\n  }\n}\n',
    ),
    precision="very-high",
)


def image_without_digest(entry: Entry) -> Iterator[Hit]:
    """Every image of the entry that a full version tag names and no digest."""
    for launch in entry.launches:
        image = launch.image
        if image is None or image.digest or not re.fullmatch(r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+.].*)?", image.tag):
            continue
        if _may_move(entry, launch, image):
            message = f"{server(entry)} starts {shown(launch, image)} ({field(image.at)}), an image without a digest; a tag can be moved."
            yield Hit(entry.place(image.at), message, image.text, hides(launch, image))


URL_PACKAGE = RuleInfo(
    id="url-package",
    family="packages",
    severity="high",
    title="Code is fetched from a plain address",
    why="There is no registry behind it: no history of versions, nobody who takes a hostile file down, and only the host can say what it "
    "served to whom.",
    looks_at="Addresses where a package runner expects a package (npx https://…, uvx --from https://…, deno run https://… without a version), and "
    "manifests that name a server's bundle by address. Hashes, full commits on a forge, archives in a registry, release pages and loopback are left "
    "alone.",
    fix="Publish the package to a registry and pin its version, or keep the code in the repository.",
    references=("CWE-829", "CWE-494", "OWASP MCP04", "SAFE-T1002"),
    example_bad=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "docs": {"command": "npx", "args": ["-y", "https://files.example.com/docs-mcp.tgz"]}\n  }\n}\n',
    ),
    example_good=(".mcp.json", '{\n  "mcpServers": {\n    "docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}\n  }\n}\n'),
)


def url_package(entry: Entry) -> Iterator[Hit]:
    """Every package of the entry that comes from an address and is fixed by nothing."""
    for launch in entry.launches:
        for package in launch.packages:
            if package.pin != "url" or _is_fixed(launch, package):
                continue
            address = addresses.read(package.source)
            if address and address.kind not in (addresses.LOOPBACK, addresses.REFERENCE):
                what = f"runs code from a plain address on {visible(address.host, 80)} ({field(package.at)})"
                yield Hit(
                    entry.place(package.at),
                    f"{server(entry)} {what}, which no registry vouches for.",
                    f"{address.scheme}://{address.host}:{address.port}",
                )


def _is_fixed(launch: Launch, package: Package) -> bool:
    """True when a hash, or a full commit on a forge, fixes the content, or the address is a bundle on a release page."""
    address, _, fragment = package.source.partition("#")
    if any(f"{hash_name}=" in fragment for hash_name in ("sha256", "sha384", "sha512")):
        return True
    if any(word.text.startswith("--integrity") for word in launch.line):
        return True
    path = address.partition("?")[0]
    if path.lower().endswith((".mcpb", ".dxt")) and "/releases/" in path:
        return True
    found = addresses.read(address)
    return found is not None and found.host in table()["forges"] and re.search(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])", path) is not None


REGISTRY_OVERRIDE = RuleInfo(
    id="registry-override",
    family="packages",
    severity="high",
    title="The config names another registry for its packages",
    why="The same name in another registry is another package, and an extra index beside the usual one lets whoever owns it answer first. Committed "
    "configs hardly ever name a registry.",
    looks_at="Flags of the package runner (--registry, --index-url, --extra-index-url, --find-links, --trusted-host, …) and variables "
    "(NPM_CONFIG_REGISTRY, PIP_INDEX_URL, UV_INDEX, GOPROXY, …) that hold a literal host. References, and the registry that the tool asks by "
    "default, are left alone.",
    fix="Set the registry on the machine, or allow its host in the policy (allow: registries).",
    references=("CWE-427", "CWE-1357", "OWASP MCP04"),
    example_bad=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "docs": {"command": "npx", "args": '
        '["-y", "--registry", "https://npm.example.com/", "@acme/docs-mcp@1.4.2"]}\n  }\n}\n',
    ),
    example_good=(".mcp.json", '{\n  "mcpServers": {\n    "docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}\n  }\n}\n'),
)


def registry_override(entry: Entry) -> Iterator[Hit]:
    """Every registry that the entry names."""
    for host, at in registries(entry):
        yield Hit(entry.place(at), f"{server(entry)} takes its packages from {visible(host, 80)} ({field(at)}).", host)


def registries(entry: Entry) -> Iterator[tuple[str, Pointer]]:
    """Host and place of every registry that the entry names, each pair once; a host is in lower case, without port and trailing dot."""
    yield from dict.fromkeys(
        (host, word.at)
        for launch in entry.launches
        if launch.runner != "docker run"
        for word, whose in _settings(launch)
        for host in _hosts(word.text, whose)
    )


def _settings(launch: Launch) -> Iterator[tuple[Word, str]]:
    """Every value of the launch that says where packages come from, and whose default it may repeat; a bare host is written as an address."""
    for option in launch.options:
        if option.value:
            yield from _flag(launch.runner, option.name, Word(option.value, option.value_at))
    for variable in launch.env:
        name = variable.name.lower()
        if variable.value and name.startswith(VARIABLES_BEGIN):
            if name in table()["registry_variables"] or (name.startswith("npm_config_@") and name.endswith(":registry")):
                yield Word(variable.value, variable.at), "" if "@" in name else name.partition("_")[0]
            elif name in table()["host_variables"]:
                yield Word(_as_addresses(variable.value), variable.at), ""


def _flag(runner: str, name: str, value: Word) -> Iterator[tuple[Word, str]]:
    """What a flag of a runner says about registries; pip's arguments in a flag of pipx are read as flags of pip."""
    flags = table()
    if name in flags.get(f"registry_flags {runner}", ()):
        yield value, runner
    elif name.startswith("--@") and name.endswith(":registry"):
        yield value, ""
    elif name in flags.get(f"host_flags {runner}", ()):
        yield value._replace(text=_as_addresses(value.text)), ""
    elif name in flags.get(f"pip_flags {runner}", ()):
        words = value.text.replace("=", " ").split()
        for flag, text in itertools.pairwise(words):
            yield from _flag("pip", flag, value._replace(text=text))


def _as_addresses(hosts: str) -> str:
    return " ".join(host if "://" in host else f"https://{host}" for host in hosts.replace(",", " ").split())


def _hosts(text: str, whose: str) -> Iterator[str]:
    """The literal hosts of the addresses in a setting; several may stand there, each perhaps as `name=URL` (uv).

    The registry that the tool would ask anyway is left out: naming it changes nothing (vendors' snippets for dnx do). For a scope, or
    a host that need not show a certificate, naming even that one takes something away from the machine's own settings.
    """
    usual = table().get(f"default_registries {whose}", frozenset())
    for part in re.split(r"[\s,|]+", addresses.fill(text)):
        name, _, url = part.partition("=")
        found = addresses.read(part if "://" in name else url)
        default = found and found.host in usual and found.scheme == "https" and found.port in ("", "443")
        if found and found.kind != addresses.REFERENCE and found.host and not default:
            yield found.host


RULES: tuple[Rule, ...] = (
    Rule(UNPINNED_PACKAGE, unpinned_package, alike=True),
    Rule(FLOATING_IMAGE_TAG, floating_image_tag, alike=True),
    Rule(IMAGE_WITHOUT_DIGEST, image_without_digest, alike=True),
    Rule(URL_PACKAGE, url_package, alike=True),
    Rule(REGISTRY_OVERRIDE, registry_override, alike=True),
)
